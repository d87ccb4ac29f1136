//! Name, handle, colours, time zone, devices.

use diesel::prelude::*;
use serde_json::json;

use super::super::model::DisplayName;
use super::super::queries;
use super::sign_up::free_handle;
use crate::access::actor::SignedInPerson;
use crate::access::handle::Handle;
use crate::access::identify::Theme;
use crate::access::listing;
use crate::app::App;
use crate::base::db::ids::SessionId;
use crate::base::db::schema::accounts;
use crate::base::db::{Db, Instant, Locks};
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::zone::Zone;
use crate::tenancy::audit::{By, Entry, Event, record};

/// Why a profile was not saved.
#[derive(Debug)]
pub enum ProfileProblem {
    /// Somebody has that handle; one that is free, if there is one near.
    HandleTaken(Option<Handle>),
}

/// A profile as it is to be.
#[derive(Debug)]
pub struct NewProfile {
    /// The name.
    pub name: DisplayName,
    /// The handle.
    pub handle: Handle,
    /// The colours.
    pub theme: Theme,
    /// The time zone.
    pub zone: Zone,
}

/// Saves name, handle, colours and time zone. A new handle changes the path of all own workspaces; the old one
/// leads on until somebody takes it.
pub async fn save_profile(
    app: &App,
    who: SignedInPerson,
    new: NewProfile,
    ip: ClientIp,
) -> Result<Result<(), ProfileProblem>> {
    let now = app.now();
    app.db
        .write(Locks::Instance, move |db| {
            let (person, name, handle) = (who.person(), &new.name, &new.handle);
            crate::base::db::lock_accounts(db, &[person.account])?;
            if handle.as_str() != person.handle {
                if queries::account_with_handle(db, handle.as_str())?.is_some() {
                    return Ok(Err(ProfileProblem::HandleTaken(free_handle(db, handle)?)));
                }
                queries::take_over_handle(db, handle.as_str())?;
                queries::take_over_handle(db, &person.handle)?;
                queries::keep_old_handle(db, &person.handle, person.account, now)?;
            }
            update(db, &who, name, handle, now)?;
            queries::set_looks(db, person.user, new.theme, &new.zone)?;
            if name.as_str() != person.name || handle.as_str() != person.handle {
                let details = json!({
                    "before": { "name": person.name, "handle": person.handle },
                    "after": { "name": name.as_str(), "handle": handle.as_str() },
                });
                let entry = Entry::of_account(Event::UserUpdated, person.account, details);
                record(db, &By::actor(who.actor(), ip), entry, now)?;
            }
            Ok(Ok(()))
        })
        .await
}

fn update(
    db: &mut Db,
    who: &SignedInPerson,
    name: &DisplayName,
    handle: &Handle,
    now: Instant,
) -> Result<()> {
    diesel::update(accounts::table.find(who.person().account))
        .set((
            accounts::name.eq(name.as_str()),
            accounts::handle.eq(handle.as_str()),
            accounts::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(listing::refresh(db, who.person().user)?)
}

/// Ends one of the person's sessions; returns whether it was there.
pub async fn end_session_of(
    app: &App,
    who: SignedInPerson,
    session: SessionId,
    ip: ClientIp,
) -> Result<bool> {
    let now = app.now();
    app.db
        .write(who.person().account, move |db| {
            let person = who.person();
            let ended = queries::end_session(db, person.user, session)?;
            if ended {
                let details = json!({ "session": session });
                let entry = Entry::of_account(Event::UserSessionEnded, person.account, details);
                record(db, &By::actor(who.actor(), ip), entry, now)?;
            }
            Ok(ended)
        })
        .await
}

/// Ends all of the person's sessions but this one; returns how many.
pub async fn end_other_sessions(app: &App, who: SignedInPerson, ip: ClientIp) -> Result<usize> {
    let now = app.now();
    app.db
        .write(who.person().account, move |db| {
            let person = who.person();
            let ended = queries::end_sessions(db, person.user, Some(who.session()))?;
            if ended > 0 {
                let details = json!({ "sessions_ended": ended });
                let entry = Entry::of_account(Event::UserSessionEnded, person.account, details);
                record(db, &By::actor(who.actor(), ip), entry, now)?;
            }
            Ok(ended)
        })
        .await
}
