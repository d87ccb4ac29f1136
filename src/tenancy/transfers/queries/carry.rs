//! Those of the people who lose access that are invited to the target (product.md 1.14, 6).

use diesel::prelude::*;

use super::super::model::{Carried, CarriedAs, Party, Transfer};
use crate::access::email::EmailAddress;
use crate::access::organization::{self, takes_domain};
use crate::access::{AccountId, UserId};
use crate::base::db::schema::{invitations, organization_members};
use crate::base::db::{Db, Instant};
use crate::base::settings::Settings;
use crate::tenancy::impacts::model::{PersonAccess, Side};
use crate::tenancy::invitations::model::{Scope, State};
use crate::tenancy::invitations::queries as invited;
use crate::tenancy::invitations::rules::{OPEN_PER_WORKSPACE, REST_AFTER_DECLINE, has_place};

/// The people of a choice who do lose access, as what they are invited, and why they cannot be.
pub fn carried(
    db: &mut Db,
    (chosen, people): (&[UserId], &[PersonAccess]),
    target: &Party,
    settings: &Settings,
    now: Instant,
) -> QueryResult<Vec<Carried>> {
    let mut losing: Vec<(&PersonAccess, EmailAddress)> = Vec::new();
    for one in people.iter().filter(|one| one.loses() && chosen.contains(&one.user)) {
        // An address of long ago that would not be taken any more gets no invitation.
        if let Ok(email) = EmailAddress::parse(&one.email) {
            losing.push((one, email));
        }
    }
    if losing.is_empty() {
        return Ok(Vec::new());
    }
    let account = target.account.id;
    let ids: Vec<UserId> = losing.iter().map(|(one, _)| one.user).collect();
    let members = if target.is_organization() { members_of(db, account, ids)? } else { Vec::new() };
    let keys: Vec<String> = losing.iter().map(|(_, email)| email.key().to_owned()).collect();
    let scope = Scope { account, workspace: None };
    let rested = invited::declined_among(db, account, &keys, now - REST_AFTER_DECLINE)?;
    let open = open_of(db, account, keys, now)?;
    let domains = organization::one(db, account)?.map(|found| found.email_domains);
    let limit = invited::own_member_limit(db, account)?.or(settings.flags.member_limit);
    // Nobody is left in a workspace that moved to a person.
    let (mut places, mut waiting) = (0, 0);
    if target.is_organization() {
        waiting = invited::open(db, scope, now)?;
        places = invited::members(db, scope)? + waiting;
    }
    let mut found = Vec::new();
    for (person, email) in losing {
        let invited_as = if !target.is_organization() {
            CarriedAs::Collaborator
        } else if members.contains(&person.user) {
            CarriedAs::Viewer
        } else {
            CarriedAs::Member
        };
        let is_within = invited_as == CarriedAs::Viewer;
        let takes = |domains: &String| takes_domain(domains, email.domain());
        let problem = if !is_within && open.iter().any(|key| key == email.key()) {
            Some("is invited already")
        } else if !settings.allows_domain(email.domain())
            || (!is_within && !domains.as_ref().is_none_or(takes))
        {
            Some("has an address of a domain that it does not take")
        } else if !is_within && !has_place(places, limit) {
            Some("finds no place left")
        } else if waiting >= OPEN_PER_WORKSPACE {
            Some("finds too many invitations open")
        } else if rested.iter().any(|key| key == email.key()) {
            Some("declined an invitation lately")
        } else {
            None
        };
        if problem.is_none() {
            waiting += 1;
            places += i64::from(!is_within);
        }
        let (name, email) = (person.name.clone(), person.email.clone());
        found.push(Carried { user: person.user, name, email, invited_as, problem });
    }
    Ok(found)
}

fn members_of(db: &mut Db, account: AccountId, users: Vec<UserId>) -> QueryResult<Vec<UserId>> {
    organization_members::table
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::user_id.eq_any(users))
        .select(organization_members::user_id)
        .load(db)
}

/// The addresses to which an account sent invitations that are open.
fn open_of(
    db: &mut Db,
    account: AccountId,
    keys: Vec<String>,
    now: Instant,
) -> QueryResult<Vec<String>> {
    invitations::table
        .filter(invitations::account_id.eq(account))
        .filter(invitations::workspace_id.is_null())
        .filter(invitations::email_key.eq_any(keys))
        .filter(invitations::state.eq(State::Pending))
        .filter(invitations::expires_at.gt(now))
        .select(invitations::email_key)
        .load(db)
}

/// Ends the invitations into a target that went out when a workspace moved there, as far as they are open.
pub fn end_carried(
    db: &mut Db,
    transfer: &Transfer,
    moved_at: Instant,
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let inviter = transfer.consent(Side::Target).map(|consent| consent.user);
    let (Some(inviter), true) = (inviter, transfer.carry_over.is_some()) else { return Ok(0) };
    // Addresses change; who sent them, and that they went out with the move, does not.
    let sent = invitations::table
        .filter(invitations::account_id.eq(transfer.target_account_id))
        .filter(invitations::workspace_id.is_null())
        .filter(invitations::created_at.eq(moved_at))
        .filter(invitations::invited_by.eq(inviter))
        .filter(invitations::state.eq(State::Pending));
    diesel::update(sent)
        .set((
            invitations::state.eq(State::Void),
            invitations::void_reason.eq(Some(reason)),
            invitations::decided_at.eq(Some(now)),
        ))
        .execute(db)
}
