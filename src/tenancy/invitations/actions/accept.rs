//! Joining: everything is checked again under the lock of the workspace's account (IN-05), and the
//! invitation is redeemed by one conditional write (D-11).

use diesel::prelude::*;
use serde_json::json;

use super::super::model::{Happened, Offer, Opened, Place, State};
use super::super::rules::{self, Standing, standing};
use super::super::{mail, queries};
use super::ground::ground_lost;
use super::invite::{details, member_limit};
use super::open;
use crate::access::actor::Actor;
use crate::access::identify::{self, Verified};
use crate::access::listing::Listing;
use crate::access::membership;
use crate::access::organization::{self, OrganizationRole};
use crate::access::{AccountId, UserId};
use crate::app::{App, Context};
use crate::base::db::schema::{invitations, memberships, users};
use crate::base::db::{Db, Id, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, Entry, Event, record};

/// How an attempt to join ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The person is in; the address of the place.
    Joined(String),
    /// The person was in before; the address of the place.
    Already(String),
    /// The link leads nowhere any more.
    Over,
    /// The invitation's time is over.
    Expired,
    /// The invitation is for another address.
    WrongAccount,
    /// The link proves no address, and the person's is not confirmed.
    Unverified,
    /// No place is left; whoever invited was told.
    Full,
    /// Addresses of this domain may not have an account here.
    Domain(String),
    /// There is an account with this address: sign in.
    HasAccount,
    /// Somebody has the handle.
    HandleTaken,
}

/// Accepts for whoever is signed in.
pub async fn accept(app: &App, opened: &Opened, actor: &Actor, ip: ClientIp) -> Result<Accepted> {
    let person = actor.person()?;
    // The own account too: its chain tells that the address was confirmed.
    let locks = Locks::accounts([opened.invitation.account, person.account]);
    let (context, now) = (app.context.clone(), app.now());
    let (token, actor, user) = (opened.token.clone(), actor.clone(), person.user);
    let outcome = app
        .db
        .write(locks, move |db| {
            let by = By::actor(&actor, ip);
            accept_as(db, &context, &token, user, &by, now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(outcome)
}

fn accept_as(
    db: &mut Db,
    context: &Context,
    token: &str,
    user: UserId,
    by: &By,
    now: Instant,
) -> Result<Accepted> {
    let keeps_mails = context.settings.keeps_mails();
    let person = identify::person(db, user, keeps_mails)?.ok_or(Error::SignInRequired)?;
    let Some((opened, accepted_by)) = open::find(db, context, token)? else {
        return Ok(Accepted::Over);
    };
    let is_in = queries::is_member(db, opened.invitation.scope(), user)?;
    if opened.invitation.state == State::Accepted && accepted_by == Some(user) && is_in {
        return Ok(Accepted::Already(opened.place.home()));
    }
    if let Some(refusal) = refusal(db, context, &opened, by, now)? {
        return Ok(refusal);
    }
    if !opened.invitation.is_for(&person) {
        return Ok(Accepted::WrongAccount);
    }
    if !person.verified {
        match rules::proof(opened.way, keeps_mails) {
            Some(proof) => confirm(db, user, person.account, (proof, &opened), by, now)?,
            None => return Ok(Accepted::Unverified),
        }
    }
    if !is_in && let Some(refusal) = full(db, context, &opened, now)? {
        return Ok(refusal);
    }
    let joiner = Joiner { user, name: &person.name, email: &person.email };
    redeem(db, &opened, &joiner, by, now)
}

/// What stands against joining, whoever it is. A void reason that nobody noticed is written down.
pub(super) fn refusal(
    db: &mut Db,
    context: &Context,
    opened: &Opened,
    by: &By,
    now: Instant,
) -> Result<Option<Accepted>> {
    let invitation = &opened.invitation;
    match standing(invitation, now) {
        Standing::Open => {}
        Standing::Expired => return Ok(Some(Accepted::Expired)),
        Standing::Over => return Ok(Some(Accepted::Over)),
    }
    if let Some(reason) = ground_lost(db, opened, now)? {
        super::void::void(db, invitation.id, reason, now)?;
        let event = invitation.event(Happened::Deleted);
        record(db, by, opened.place.entry(event, details(invitation, [])), now)?;
        return Ok(Some(Accepted::Over));
    }
    let domain = invitation.email_key.rsplit('@').next().unwrap_or_default();
    let is_taken = match &opened.place {
        Place::Organization(organization) => organization.takes_domain(domain),
        Place::Workspace(_) => true,
    };
    if !is_taken || !context.settings.allows_domain(domain) {
        return Ok(Some(Accepted::Domain(domain.to_owned())));
    }
    Ok(None)
}

/// Whether the place that the invitation kept is gone: the limit was lowered meanwhile. The owner is
/// told, once a day.
pub(super) fn full(
    db: &mut Db,
    context: &Context,
    opened: &Opened,
    now: Instant,
) -> Result<Option<Accepted>> {
    let scope = opened.invitation.scope();
    let limit = member_limit(db, context, scope)?;
    if rules::has_place(queries::members(db, scope)?, limit) {
        return Ok(None);
    }
    mail::queue_no_place(db, &opened.invitation, now)?;
    Ok(Some(Accepted::Full))
}

/// Marks an address as confirmed by the link.
fn confirm(
    db: &mut Db,
    user: UserId,
    account: AccountId,
    (proof, opened): (Verified, &Opened),
    by: &By,
    now: Instant,
) -> Result<()> {
    diesel::update(users::table.find(user)).set(users::verified.eq(proof)).execute(db)?;
    let details = json!({ "verified": proof.as_str(), "by": voucher(proof, opened) });
    record(db, by, Entry::of_account(Event::UserVerified, account, details), now)
}

/// Who vouches for an address that no mail confirmed (SP-12).
fn voucher(proof: Verified, opened: &Opened) -> Option<&str> {
    (proof == Verified::Vouched).then_some(opened.invitation.invited_by_name.as_str())
}

/// Who joins.
pub(super) struct Joiner<'a> {
    pub(super) user: UserId,
    pub(super) name: &'a str,
    pub(super) email: &'a str,
}

/// Redeems the invitation and lets the person in.
pub(super) fn redeem(
    db: &mut Db,
    opened: &Opened,
    joiner: &Joiner<'_>,
    by: &By,
    now: Instant,
) -> Result<Accepted> {
    let invitation = &opened.invitation;
    let redeemed = diesel::update(
        invitations::table
            .find(invitation.id)
            .filter(invitations::state.eq(State::Pending))
            .filter(invitations::generation.eq(invitation.generation))
            .filter(invitations::expires_at.gt(now)),
    )
    .set((
        invitations::state.eq(State::Accepted),
        invitations::decided_at.eq(Some(now)),
        invitations::accepted_by.eq(Some(joiner.user)),
    ))
    .execute(db)?;
    if redeemed == 0 {
        return Err(Error::Conflict("The invitation changed meanwhile. Open it again.".to_owned()));
    }
    let more = [("link", json!(opened.way.word())), ("user", json!(joiner.user))];
    let details = details(invitation, more);
    let event = invitation.event(Happened::Accepted);
    record(db, by, opened.place.entry(event, details), now)?;
    let outcome = match &opened.place {
        Place::Workspace(_) => enter_workspace(db, opened, joiner, by, now)?,
        Place::Organization(_) => enter_organization(db, opened, joiner, by, now)?,
    };
    if matches!(outcome, Accepted::Joined(_)) {
        mail::queue_joined(db, invitation, joiner.name, now)?;
    }
    Ok(outcome)
}

/// Gives the role in the workspace. Whoever had one keeps it, unless the new one allows all of it
/// and more.
fn enter_workspace(
    db: &mut Db,
    opened: &Opened,
    joiner: &Joiner<'_>,
    by: &By,
    now: Instant,
) -> Result<Accepted> {
    let (Place::Workspace(workspace), Offer::Role(offered)) = (&opened.place, &opened.offer) else {
        return Err(Error::internal("an invitation into no workspace"));
    };
    let invitation = &opened.invitation;
    let given = memberships::table
        .filter(memberships::workspace_id.eq(workspace.id))
        .filter(memberships::user_id.eq(joiner.user));
    let before = membership::grant_of_person(db, workspace.id, joiner.user, now)?;
    if before.as_ref().is_some_and(|before| !before.gives_way_to(offered, invitation.access_until))
    {
        return Ok(Accepted::Already(opened.place.home()));
    }
    // One whose time is over may still have its row.
    diesel::delete(given).execute(db)?;
    let listing = Listing::of(db, joiner.user)?;
    diesel::insert_into(memberships::table)
        .values((
            memberships::id.eq(Id::<Joiner<'static>>::new(now)),
            memberships::workspace_id.eq(workspace.id),
            memberships::user_id.eq(joiner.user),
            memberships::role.eq(offered.role.built_in()),
            memberships::custom_role_id.eq(offered.role.custom()),
            memberships::sort_name.eq(&listing.sort_name),
            memberships::search_key.eq(&listing.search_key),
            memberships::granted_by_name.eq(&invitation.invited_by_name),
            memberships::created_at.eq(now),
            memberships::expires_at.eq(invitation.access_until),
        ))
        .execute(db)?;
    let event = match before {
        None => Event::WorkspaceAccessCreated,
        Some(_) => Event::WorkspaceAccessUpdated,
    };
    let details = json!({
        "user": joiner.user, "name": joiner.name, "email": joiner.email,
        "role": offered.role.to_string(), "role_name": offered.title,
        "until": invitation.access_until, "invitation": invitation.id,
    });
    record(db, by, Entry::of_workspace(event, workspace, details), now)?;
    Ok(Accepted::Joined(opened.place.home()))
}

fn enter_organization(
    db: &mut Db,
    opened: &Opened,
    joiner: &Joiner<'_>,
    by: &By,
    now: Instant,
) -> Result<Accepted> {
    let (Place::Organization(place), Offer::OrganizationRole(role)) =
        (&opened.place, &opened.offer)
    else {
        return Err(Error::internal("an invitation into no organization"));
    };
    match organization::role(db, joiner.user, place.account)? {
        None => {
            organization::insert_member(db, place.account, joiner.user, *role, now)?;
        }
        Some(OrganizationRole::Member) if *role == OrganizationRole::Admin => {
            organization::set_role(db, place.account, joiner.user, *role)?;
        }
        Some(_) => return Ok(Accepted::Already(opened.place.home())),
    }
    let details = json!({
        "user": joiner.user, "name": joiner.name, "email": joiner.email,
        "role": role.as_str(), "invitation": opened.invitation.id,
    });
    let entry = Entry::of_account(Event::AccountMembershipCreated, place.account, details);
    record(db, by, entry, now)?;
    Ok(Accepted::Joined(opened.place.home()))
}
