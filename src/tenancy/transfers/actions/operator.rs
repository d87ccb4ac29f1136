//! The transfer that whoever runs the server carries out, between any two accounts (T4): the same review, and a
//! reason instead of consents.

use super::Told;
use super::answer::{expired, is_overdue};
use super::execute::execute;
use crate::access::handle::Handle;
use crate::access::membership::Workspace;
use crate::app::App;
use crate::base::db::{Db, Instant, Locks, in_transaction};
use crate::base::error::{Error, Result};
use crate::tenancy::impacts::export::{Route, markdown};
use crate::tenancy::impacts::model::Severity;
use crate::tenancy::transfers::model::{Facts, Sees, Transfer, TransferId};
use crate::tenancy::transfers::queries::{self, Asked};
use crate::tenancy::transfers::review::review;
use crate::tenancy::transfers::rules;
use crate::tenancy::workspaces::connect::path_of;
use crate::tenancy::workspaces::queries::{by_handles, with_deleted};

/// What the operator wants.
#[derive(Clone, Debug)]
pub struct Order {
    /// `ada/lab`
    pub path: String,
    /// Handle of the account that it is to belong to.
    pub account: String,
    /// Its handle there; as it is where there is none.
    pub handle: Option<String>,
    /// The path once more, and why, with both owners' consent; none only looks.
    pub confirmed: Option<(String, String)>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// What it would do, in Markdown, and the path that confirms it; nothing moved.
    Looked(String, String),
    /// Why it can't be done; nothing moved.
    Refused(String),
    /// It moved, to this path; the transfer's id, and until when it can be undone.
    Moved(String, TransferId, Instant),
}

/// Carries out, or looks at, a transfer that the operator wants.
///
/// # Errors
/// The database's fault; then nothing moved.
pub fn by_operator(db: &mut Db, app: &App, order: &Order, now: Instant) -> Result<Ordered> {
    let (account, handle) = order.path.split_once('/').unwrap_or(("", ""));
    let Some(workspace) = by_handles(db, account, handle)? else {
        return Ok(Ordered::Refused(format!("There is no workspace {}.", order.path)));
    };
    let Some(target) = queries::account_of_handle(db, &order.account)? else {
        return Ok(Ordered::Refused(format!("There is no account {}.", order.account)));
    };
    if target.id == workspace.account {
        let text = format!("{} belongs to {} already.", order.path, order.account);
        return Ok(Ordered::Refused(text));
    }
    if queries::is_ended(db, target.id)? {
        return Ok(Ordered::Refused(format!("{} was deleted.", target.name)));
    }
    let handle = match Handle::parse(order.handle.as_deref().unwrap_or(&workspace.handle)) {
        Ok(handle) => handle,
        Err(problem) => return Ok(Ordered::Refused(format!("--handle: {problem}"))),
    };
    if let Some(known) = queries::pending_of(db, workspace.id)?
        && order.confirmed.is_some()
        && is_overdue(&known, now)
    {
        let both = Locks::accounts([known.source_account_id, known.target_account_id]);
        in_transaction(db, &both, |db| expired(db, &known, now))?;
    }
    let locks = Locks::accounts([workspace.account, target.id]);
    let party = queries::party(db, target.clone(), app.settings())?;
    let counts = queries::counts(db, &app.context, (&workspace, &party), now)?;
    in_transaction(db, &locks, |db| {
        // Nobody held the rows until now.
        let is_same = with_deleted(db, workspace.id)? == Some((workspace.clone(), None));
        if !is_same || queries::is_ended(db, target.id)? {
            let text = "Something changed meanwhile. Look at it again.";
            return Ok(Ordered::Refused(text.to_owned()));
        }
        let asked = Asked { workspace: workspace.clone(), target, handle, carry: Vec::new() };
        let facts = queries::facts(db, asked, counts, app.settings(), now)?;
        carry_out(db, app, order, &facts.ok_or(Error::NotFound)?, now)
    })
}

fn carry_out(
    db: &mut Db,
    app: &App,
    order: &Order,
    facts: &Facts,
    now: Instant,
) -> Result<Ordered> {
    let workspace: &Workspace = &facts.workspace;
    let (from, to) =
        (path_of(workspace), format!("{}/{}", facts.target.account.handle, facts.handle));
    let seen = review(facts, Sees { source: true, target: true, person: None });
    let Some((typed, reason)) = &order.confirmed else {
        return Ok(Ordered::Looked(markdown(&seen, Route { from: &from, to: Some(&to) }), from));
    };
    if *typed != from {
        return Ok(Ordered::Refused(format!("--confirm: type {from} to confirm.")));
    }
    let reason = match rules::note(reason, "The reason") {
        Ok(reason) if !reason.is_empty() => reason,
        Ok(_) => return Ok(Ordered::Refused("--reason: say why, and who agreed.".to_owned())),
        Err(problem) => return Ok(Ordered::Refused(format!("--reason: {problem}"))),
    };
    let blocks: Vec<&str> = seen.of(Severity::Blocks).map(|part| part.title.as_str()).collect();
    if !blocks.is_empty() {
        return Ok(Ordered::Refused(format!("{}.", blocks.join(". "))));
    }
    if let Some(known) = queries::pending_of(db, workspace.id)? {
        let text = if is_overdue(&known, now) {
            "A transfer of it just ended without an answer. Try again.".to_owned()
        } else {
            format!("A transfer of {from} waits already. Let it be cancelled first.")
        };
        return Ok(Ordered::Refused(text));
    }
    let by = ("Whoever runs this server".to_owned(), reason);
    let mut transfer = Transfer::new(TransferId::new(now), facts, by, now);
    queries::insert(db, &transfer)?;
    execute(db, app, &mut transfer, facts, &Told::operator(), now)?;
    Ok(Ordered::Moved(to, transfer.id, transfer.undo_until.unwrap_or(now)))
}
