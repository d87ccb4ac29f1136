//! Deleting the own account.

use serde_json::json;

use super::queries;
use crate::access::actor::RecentlyConfirmed;
use crate::access::transfers;
use crate::app::App;
use crate::base::db::{Locks, lock_accounts};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::accounts;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::actions as invitations;
use crate::tenancy::organizations;

/// How the deletion of an account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is gone.
    Gone,
    /// It owns workspaces, which have to go first, or is an organization's last admin (O7).
    IsNeeded,
}

/// Deletes an account that owns no workspace. Its audit chain stays, with this as its last entry.
pub async fn close(app: &App, who: RecentlyConfirmed, ip: ClientIp) -> Result<Closed> {
    let now = app.now();
    let closed = app
        .db
        .write(Locks::Instance, move |db| {
            let person = who.person();
            let organizations = organizations::queries::accounts_of(db, person.user)?;
            let places = queries::places(db, person.user)?;
            let mut locked = vec![person.account];
            locked.extend(organizations.iter().copied());
            locked.extend(places.iter().map(|place| place.account));
            lock_accounts(db, &locked)?;
            // What was joined before the locks were held is in none of them.
            let organizations = organizations::queries::accounts_of(db, person.user)?;
            let places = queries::places(db, person.user)?;
            let mut present =
                organizations.iter().copied().chain(places.iter().map(|place| place.account));
            if !present.all(|account| locked.contains(&account)) {
                let text =
                    "You joined something meanwhile. Look at what you are in, and try again.";
                return Err(Error::Conflict(text.to_owned()));
            }
            let holdings = queries::holdings(db, person.user, person.account)?;
            if !holdings.obstacles.is_empty() || !holdings.organizations.is_empty() {
                return Ok(Closed::IsNeeded);
            }
            let by = By::actor(who.actor(), ip);
            for account in organizations {
                let details = json!({ "user": person.handle, "reason": "account deleted" });
                let entry = Entry::of_account(Event::AccountMembershipDeleted, account, details);
                record(db, &by, entry, now)?;
            }
            for place in &places {
                let details = json!({ "user": person.handle, "reason": "account deleted" });
                record(
                    db,
                    &by,
                    Entry::of_workspace(Event::WorkspaceAccessDeleted, place, details),
                    now,
                )?;
            }
            let details = json!({ "handle": person.handle, "email": person.email });
            record(db, &by, Entry::of_account(Event::UserDeleted, person.account, details), now)?;
            accounts::mail::queue_account_deleted(db, &person.email, now)?;
            let reason = "Whoever sent it deleted the account.";
            invitations::void_of_inviter(db, person.user, reason, now)?;
            transfers::void_into(db, person.account, "The account was deleted.", now)?;
            queries::remove(db, person.user, person.account)?;
            Ok(Closed::Gone)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(closed)
}
