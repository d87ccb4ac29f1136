//! The transfer itself, inside the transaction of whatever completes it.

use serde_json::json;

use super::Told;
use crate::access::email::EmailAddress;
use crate::access::identify;
use crate::access::membership::Workspace;
use crate::access::organization::OrganizationRole;
use crate::access::role::{Role, RoleRef};
use crate::app::App;
use crate::base::db::{Db, Instant, Json};
use crate::base::error::Result;
use crate::tenancy::audit::{Entry, Event, record};
use crate::tenancy::impacts::model::Side;
use crate::tenancy::invitations::actions::{New, details, insert, void_of_workspace};
use crate::tenancy::invitations::model::{Happened, Kind, Scope};
use crate::tenancy::invitations::queries::supersede_among;
use crate::tenancy::transfers::model::{Carried, CarriedAs, Facts, Receipt, Sees, State, Transfer};
use crate::tenancy::transfers::review::review;
use crate::tenancy::transfers::{mail, queries, rules};

/// Moves a workspace: both sides consented, and nothing blocks it.
///
/// # Errors
/// The database's fault; then nothing moved.
pub(super) fn execute(
    db: &mut Db,
    app: &App,
    transfer: &mut Transfer,
    facts: &Facts,
    by: &Told,
    now: Instant,
) -> Result<()> {
    let (workspace, target) = (&facts.workspace, &facts.target.account);
    let seen = |source, target| review(facts, Sees { source, target, person: None });
    let receipt =
        Receipt { source: seen(true, false), target: seen(false, true), both: seen(true, true) };
    let before = queries::before(db, workspace.id)?;
    let visible_from = rules::visible_from(&facts.target, now).max(before.runs_visible_from);
    transfer.before = Some(Json(before));
    transfer.source_handle.clone_from(&workspace.handle);
    queries::keep_grants(db, transfer.id, workspace.id)?;
    queries::end_of_grants(db, workspace.id)?;
    void_of_workspace(db, workspace.id, "The workspace was transferred.", now)?;
    queries::move_there(db, workspace, (target.id, &facts.handle), now)?;
    queries::show_runs(db, workspace.id, visible_from)?;
    let old = (workspace.account, &*workspace.handle);
    queries::redirect(db, workspace.id, old, (target.id, facts.handle.as_str()), now)?;
    let undo_until = now + jiff::SignedDuration::from_hours(app.settings().flags.undo_hours);
    queries::complete(db, transfer, receipt, undo_until, now)?;
    transfer.state = State::Completed;
    transfer.undo_until = Some(undo_until);
    transfer.decided_at = Some(now);
    let there = Workspace {
        account: target.id,
        account_handle: target.handle.clone(),
        account_name: target.name.clone(),
        account_kind: target.kind,
        handle: facts.handle.as_str().to_owned(),
        ..workspace.clone()
    };
    let path = format!(
        "{}/{} → {}/{}",
        workspace.account_handle, workspace.handle, there.account_handle, there.handle
    );
    // Who loses access is the source's to know.
    let out = json!({
        "transfer": transfer.id, "path": path, "note": transfer.note, "undo_until": undo_until,
        "people": facts.people.iter().filter(|person| person.loses()).count(),
        "service_accounts": facts.bots.len(),
    });
    let details = json!({
        "transfer": transfer.id, "path": path, "note": transfer.note, "undo_until": undo_until,
    });
    let out = Entry::of_workspace(Event::WorkspaceTransferredOut, workspace, out);
    record(db, &by.source, out, now)?;
    let arrived = Entry::of_workspace(Event::WorkspaceTransferredIn, &there, details);
    record(db, &by.target, arrived, now)?;
    invite(db, app, (transfer, facts), (&there, by), now)?;
    mail::queue_moved(db, transfer, facts, now)
}

/// Invites those to the target whom both sides agreed to carry over, in the name of whoever said yes for it.
fn invite(
    db: &mut Db,
    app: &App,
    (transfer, facts): (&Transfer, &Facts),
    (there, by): (&Workspace, &Told),
    now: Instant,
) -> Result<()> {
    let Some(consent) = transfer.consent(Side::Target) else { return Ok(()) };
    let inviter = identify::person(db, consent.user, app.settings().keeps_mails())?;
    let Some(inviter) = inviter else { return Ok(()) };
    let chosen = facts.carried.iter().filter(|person| person.problem.is_none());
    let chosen: Vec<(&Carried, EmailAddress)> = chosen
        .filter_map(|person| Some((person, EmailAddress::parse(&person.email).ok()?)))
        .collect();
    // One that nobody answered in time still holds the place of the new one.
    let members = chosen.iter().filter(|(person, _)| person.invited_as == CarriedAs::Member);
    let keys: Vec<String> = members.map(|(_, email)| email.key().to_owned()).collect();
    supersede_among(db, there.account, &keys, now)?;
    for (person, email) in chosen {
        let (kind, workspace, role) = match person.invited_as {
            CarriedAs::Collaborator => {
                (Kind::Collaborator, Some(there.id), Some(Role::Collaborator))
            }
            CarriedAs::Viewer => (Kind::Workspace, Some(there.id), Some(Role::Viewer)),
            CarriedAs::Member => (Kind::Organization, None, None),
        };
        let new = New {
            kind,
            scope: Scope { account: there.account, workspace },
            email: (email.typed(), email.key()),
            user: (kind == Kind::Workspace).then_some(person.user),
            role: role.map(RoleRef::BuiltIn),
            organization_role: (kind == Kind::Organization).then_some(OrganizationRole::Member),
            access_until: None,
            inviter: &inviter,
        };
        let sent = insert(db, &app.context, &new, now)?;
        // Of the account, whatever it leads to: it belongs to the move, and is no change of the workspace since.
        let path = format!("{}/{}", there.account_handle, there.handle);
        let told = details(&sent, [("transfer", json!(transfer.id)), ("path", json!(path))]);
        let entry = Entry::of_account(sent.event(Happened::Created), there.account, told);
        record(db, &by.target, entry, now)?;
    }
    Ok(())
}
