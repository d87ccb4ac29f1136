//! The way back: as long as the undo window is open, everything returns that still can (SP-29).

use serde_json::json;

use super::{Told, sees};
use crate::access::actor::RecentDecider;
use crate::access::handle::Handle;
use crate::access::membership::Workspace;
use crate::access::transfers;
use crate::app::App;
use crate::base::db::{Db, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{Entry, Event, record};
use crate::tenancy::invitations::actions::void_of_workspace;
use crate::tenancy::transfers::model::{Sees, Transfer, TransferId};
use crate::tenancy::transfers::{mail, queries, rules};
use crate::tenancy::workspaces::queries::with_deleted;

/// What became of a wish to undo a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The workspace is back.
    Back(Workspace),
    /// It can't be; why, and what to do.
    Refused(String),
}

/// Whether something was made or changed in a workspace since it moved: then its new account decides alone
/// whether it goes back.
pub fn changed_since(db: &mut Db, transfer: &Transfer) -> Result<bool> {
    let Some(moved_at) = transfer.decided_at else { return Ok(false) };
    let place = (transfer.target_account_id, transfer.workspace_id);
    Ok(queries::has_changed(db, place, moved_at)?)
}

/// Why a transfer cannot be undone now, to somebody who decides over one of its sides; `None` when it can be.
pub fn obstacle(
    db: &mut Db,
    app: &App,
    transfer: &Transfer,
    decides: Sees,
    now: Instant,
) -> Result<Option<String>> {
    if !rules::can_be_undone(transfer, now) {
        return Ok(Some("The time in which this can be undone is over.".to_owned()));
    }
    let found = with_deleted(db, transfer.workspace_id)?;
    let Some((workspace, None)) = found else {
        return Ok(Some("The workspace was deleted. Restore it first.".to_owned()));
    };
    if workspace.account != transfer.target_account_id {
        return Ok(Some("The workspace was transferred again since.".to_owned()));
    }
    if !decides.target && changed_since(db, transfer)? {
        let owner = workspace.account_name;
        let text = format!(
            "Something was made or changed in it since, so only {owner} can undo it. Ask its admins."
        );
        return Ok(Some(text));
    }
    let source = queries::owning_account(db, transfer.source_account_id)?;
    let Some(source) = source else {
        return Ok(Some("The account that it came from is gone.".to_owned()));
    };
    if queries::is_ended(db, source.id)? {
        return Ok(Some(format!("{} was deleted.", source.name)));
    }
    let name = source.name.clone();
    let source = queries::party(db, source, app.settings())?;
    if source.slots.is_full() {
        if !decides.source {
            return Ok(Some(format!("{name} has no room for it any more; its admins see why.")));
        }
        return Ok(Some(format!(
            "{name} has no room for it any more: it uses {} workspaces. Delete one there first, or transfer \
             it back later.",
            source.slots.text().unwrap_or_default()
        )));
    }
    if queries::is_held(db, source.account.id, &transfer.source_handle)? {
        if !decides.source {
            let text = format!("“{}” can’t be had in {name} any more.", transfer.source_handle);
            return Ok(Some(text));
        }
        return Ok(Some(format!(
            "“{}” is taken in {name} by now. Transfer it back under another handle.",
            transfer.source_handle
        )));
    }
    Ok(None)
}

/// Undoes a transfer.
///
/// # Errors
/// [`Error::NotFound`] for whoever decides over neither side; the database's fault.
pub async fn undo(
    app: &App,
    confirmed: RecentDecider,
    ip: ClientIp,
    id: TransferId,
) -> Result<Undone> {
    let now = app.now();
    let found = app.db.read(move |db| Ok(queries::one(db, id)?)).await?.ok_or(Error::NotFound)?;
    let locks = Locks::accounts([found.source_account_id, found.target_account_id]);
    let inner = app.clone();
    let undone = app
        .db
        .write(locks, move |db| {
            let transfer = queries::one(db, id)?.ok_or(Error::NotFound)?;
            let place = (transfer.source_account_id, transfer.target_account_id);
            let sees = sees(db, confirmed.person(), place)?;
            if !sees.source && !sees.target {
                return Err(Error::NotFound);
            }
            if let Some(reason) = obstacle(db, &inner, &transfer, sees, now)? {
                return Ok(Undone::Refused(reason));
            }
            let by = (&*confirmed.person().name, Told::of(confirmed.actor(), ip, sees));
            Ok(Undone::Back(go_back(db, &transfer, &by, now)?))
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(undone)
}

fn go_back(
    db: &mut Db,
    transfer: &Transfer,
    (name, by): &(&str, Told),
    now: Instant,
) -> Result<Workspace> {
    let (there, _) = with_deleted(db, transfer.workspace_id)?.ok_or(Error::NotFound)?;
    let source = queries::owning_account(db, transfer.source_account_id)?.ok_or(Error::NotFound)?;
    let is_organization = source.kind == crate::access::membership::AccountKind::Organization;
    let handle = Handle::parse(&transfer.source_handle).map_err(Error::internal)?;
    let losing = queries::undo_losers(db, transfer, (&there, &source), now)?;
    let losing = losing.into_iter().map(|person| person.email).collect();
    queries::end_of_grants(db, there.id)?;
    let reason = "The transfer of the workspace was undone.";
    void_of_workspace(db, there.id, reason, now)?;
    // Where it came from is nothing to those to whom it was to go on.
    let elsewhere = "The workspace belongs to another account by now.";
    transfers::void_of_workspace(db, there.id, elsewhere, now)?;
    let moved_at = transfer.decided_at.unwrap_or(now);
    queries::end_carried(db, transfer, moved_at, reason, now)?;
    queries::move_there(db, &there, (source.id, &handle), now)?;
    let new = (source.id, handle.as_str());
    queries::redirect(db, there.id, (there.account, &there.handle), new, now)?;
    let given = queries::give_back(db, transfer, is_organization, now)?;
    if let Some(before) = &transfer.before {
        queries::give_default_back(db, transfer, &before.0)?;
        queries::show_runs(db, there.id, before.0.runs_visible_from)?;
    }
    let reopened = queries::restore_invitations(db, transfer, moved_at, now)?;
    queries::set_undone(db, transfer.id, name, now)?;
    let back = Workspace {
        account: source.id,
        account_handle: source.handle,
        account_name: source.name,
        account_kind: source.kind,
        handle: handle.as_str().to_owned(),
        ..there.clone()
    };
    let path = format!(
        "{}/{} → {}/{}",
        there.account_handle, there.handle, back.account_handle, back.handle
    );
    let out = json!({ "transfer": transfer.id, "undone": true, "path": path });
    let back_in = json!({
        "transfer": transfer.id,
        "undone": true,
        "path": path,
        "people": given.0,
        "service_accounts": given.1,
        "invitations": reopened,
    });
    let out = Entry::of_workspace(Event::WorkspaceTransferredOut, &there, out);
    record(db, &by.target, out, now)?;
    let back_in = Entry::of_workspace(Event::WorkspaceTransferredIn, &back, back_in);
    record(db, &by.source, back_in, now)?;
    mail::queue_undone(db, transfer, (&there, &back), losing, now)?;
    Ok(back)
}
