//! Service accounts.

use serde_json::json;

use super::{Request, check_until, organization_only, role_told, wanted};
use crate::access::ServiceAccountId;
use crate::access::permission::needs::ManageWorkspaceServiceAccounts;
use crate::access::role::RoleRef;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::service_accounts;
use crate::tenancy::sharing::model::{BotGrantId, End, SharedBot};
use crate::tenancy::sharing::queries;

type Access = WorkspaceAccess<ManageWorkspaceServiceAccounts>;

/// What became of a wish to share.
#[derive(Clone, Debug)]
pub enum SharedOutcome {
    /// It is shared from now on.
    Done(Box<SharedBot>),
    /// No service account of that id is in the organization.
    NoBot,
    /// It is shared already.
    Already(String),
}

/// Shares the workspace with a service account, at once (H4, H10).
///
/// # Errors
/// [`Error::Forbidden`] for a role above the own one; the database's fault.
pub async fn share(
    app: &App,
    access: Access,
    ip: ClientIp,
    (bot, request): (ServiceAccountId, Request),
) -> Result<SharedOutcome> {
    organization_only(access.workspace())?;
    let now = app.now();
    access
        .write(app, move |db, access| {
            check_until(request.until, now)?;
            let place = access.workspace();
            let (named, grantable) = wanted(db, &access, (request.role, request.until))?;
            let found = service_accounts::queries::one(db, place.account, bot)?;
            let Some(found) = found else { return Ok(SharedOutcome::NoBot) };
            let known = queries::bot_of(db, place.id, bot)?;
            if known.is_some_and(|known| known.until.is_none_or(|until| until > now)) {
                return Ok(SharedOutcome::Already(found.name));
            }
            let by = access.actor().name();
            let who = (bot, found.name_key.as_str());
            queries::insert_bot_grant(db, place.id, who, grantable, (request.until, by), now)?;
            let details = json!({
                "service_account": { "id": bot, "name": found.name }, "name": found.name,
                "role": named.title, "until": request.until,
            });
            let entry = Entry::of_workspace(Event::WorkspaceAccessCreated, place, details);
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            let row = queries::bot_of(db, place.id, bot)?.ok_or(Error::NotFound)?;
            Ok(SharedOutcome::Done(Box::new(row)))
        })
        .await
}

/// Changes a service account's role.
///
/// # Errors
/// [`Error::NotFound`] for a row of elsewhere; [`Error::Forbidden`] when the old or the new role
/// allows more than the own one; the database's fault.
pub async fn change_bot(
    app: &App,
    access: Access,
    ip: ClientIp,
    (id, role): (BotGrantId, RoleRef),
    end: End,
) -> Result<SharedBot> {
    organization_only(access.workspace())?;
    let now = app.now();
    access
        .write(app, move |db, access| {
            let place = access.workspace();
            let row = queries::bot(db, place.id, id)?.ok_or(Error::NotFound)?;
            access.covers(db, &row.role)?;
            let until = end.or(row.until);
            let (named, grantable) = wanted(db, &access, (role, until))?;
            check_until(until.filter(|_| until != row.until), now)?;
            if named.role != row.role.role || until != row.until {
                queries::set_bot_role(db, id, grantable, (until, access.actor().name()))?;
                let details = json!({
                    "service_account": { "id": row.bot, "name": row.name }, "name": row.name,
                    "before": role_told(&row.role, row.until), "after": role_told(&named, until),
                });
                let entry = Entry::of_workspace(Event::WorkspaceAccessUpdated, place, details);
                record(db, &By::actor(access.actor(), ip), entry, now)?;
            }
            Ok(SharedBot { role: named, until, ..row })
        })
        .await
}

/// Ends a service account's access, at once.
///
/// # Errors
/// As [`change_bot`].
pub async fn remove_bot(
    app: &App,
    access: Access,
    ip: ClientIp,
    id: BotGrantId,
) -> Result<SharedBot> {
    organization_only(access.workspace())?;
    let now = app.now();
    access
        .write(app, move |db, access| {
            let place = access.workspace();
            let row = queries::bot(db, place.id, id)?.ok_or(Error::NotFound)?;
            access.covers(db, &row.role)?;
            queries::delete_bot_grant(db, id)?;
            let details = json!({
                "service_account": { "id": row.bot, "name": row.name }, "name": row.name,
                "role": row.role.title,
            });
            let entry = Entry::of_workspace(Event::WorkspaceAccessDeleted, place, details);
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            Ok(row)
        })
        .await
}
