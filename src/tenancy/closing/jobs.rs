//! Accounts whose address nobody confirmed go after a day, and give their handle back.

use jiff::SignedDuration;
use serde_json::json;

use super::queries;
use crate::access::transfers;
use crate::access::{AccountId, UserId};
use crate::app::App;
use crate::base::db::{Instant, Locks, lock_accounts};
use crate::base::error::{Error, Result};
use crate::base::jobs::Job;
use crate::tenancy::audit::{By, Entry, Event, record};

/// The job of this slice.
pub const JOBS: &[Job] = &[Job {
    name: "accounts-unconfirmed",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(remove_unconfirmed(app)),
}];

/// As long as the link in the mail works.
const UNCONFIRMED: SignedDuration = SignedDuration::from_hours(24);

/// Accounts looked at together.
const SOME: i64 = 100;

async fn remove_unconfirmed(app: App) -> Result<()> {
    let now = app.now();
    loop {
        let before = now - UNCONFIRMED;
        let found = app.db.read(move |db| Ok(queries::unconfirmed(db, before, SOME)?)).await?;
        let mut removed = 0;
        for (user, account) in found {
            match remove_one(&app, (user, account), (before, now)).await {
                Ok(()) => removed += 1,
                Err(error @ Error::Unavailable) => return Err(error),
                Err(error) => {
                    tracing::warn!(error.cause = %error, account.id = %account, "could not remove an unconfirmed account");
                }
            }
        }
        if removed == 0 {
            return Ok(());
        }
    }
}

/// Removes an account, unless its address was confirmed at this moment.
async fn remove_one(
    app: &App,
    (user, account): (UserId, AccountId),
    (before, now): (Instant, Instant),
) -> Result<()> {
    app.db
        .write(Locks::Instance, move |db| {
            lock_accounts(db, &[account])?;
            let Some((handle, email)) = queries::unconfirmed_one(db, user, before)? else {
                return Ok(());
            };
            let details = json!({ "handle": handle, "email": email, "reason": "never confirmed" });
            let entry = Entry::of_account(Event::UserDeleted, account, details);
            record(db, &By::System, entry, now)?;
            transfers::void_into(db, account, "The account was deleted.", now)?;
            Ok(queries::remove(db, user, account)?)
        })
        .await
}
