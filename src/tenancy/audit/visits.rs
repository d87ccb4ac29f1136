//! Who was in which workspace on which day: noted after the answer, so that nobody waits for it.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::events::Event;
use super::record::{Entry, deny, record_visit};
use crate::access::actor::Actor;
use crate::access::recent::Recent;
use crate::access::workspace::Visit;
use crate::app::App;
use crate::base::db::schema::{memberships, service_account_grants as grants};
use crate::base::db::{Db, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::routes::route_of;
use crate::base::seen::SeenToday;

/// Whose visits to which workspace this process has noted today.
#[derive(Debug, Default)]
struct Visits(SeenToday);

/// The layer of pages and API alike: records the first visit of a principal to a workspace each day
/// (SP-6), from the [`Visit`] that a [`crate::access::workspace::WorkspaceAccess`] leaves in
/// the request.
///
/// # Errors
/// Passes on what cannot become a response.
pub async fn layer<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let mut res = next.call(req).await?;
    let request = res.request();
    let mut recent = None;
    let visit = request.extensions_mut().remove::<Visit>();
    if let Some(visit) = visit
        && let Some(app) = request.app_data::<web::Data<App>>()
    {
        let (now, ip) = (app.now(), ClientIp::of(request, &app.context));
        let visits = app.memory.of::<Visits>();
        let is_page = res.status().is_success() && *request.method() == Method::GET;
        if is_page && matches!(visit.actor, Actor::Session { .. }) {
            recent = Recent::of(request, app).with(visit.workspace.id, app);
        }
        if res.status() == StatusCode::FORBIDDEN {
            let (app, route) = (app.clone(), route_of(request).unwrap_or_default().to_string());
            actix_web::rt::spawn(async move { note_denial(&app, visit, ip, route).await });
        } else if res.status().is_success()
            && visits.0.is_first(principal(&visit.actor), visit.workspace.id.uuid(), now)
        {
            let app = app.clone();
            actix_web::rt::spawn(async move { note(&app, visit, ip, now).await });
        }
    }
    if let Some(cookie) = recent {
        res.response_mut().add_cookie(&cookie).map_err(Error::internal)?;
    }
    Ok(res)
}

/// Somebody tried what their role does not allow: in the log of the workspace's account, in a
/// transaction of its own (SP-6).
async fn note_denial(app: &App, visit: Visit, ip: ClientIp, route: String) {
    let entry =
        Entry::of_workspace(Event::WorkspaceDenied, &visit.workspace, json!({ "route": route }));
    if let Err(error) = deny(app, &visit.actor, ip, entry).await {
        tracing::warn!(error.cause = %error, "could not record a refusal");
    }
}

/// What counts as one visitor: a person, or a key.
fn principal(actor: &Actor) -> Uuid {
    match actor {
        Actor::Session { person, .. } => person.user.uuid(),
        Actor::UserKey { key, .. } => key.id.uuid(),
        Actor::ServiceAccountKey { key, .. } => key.uuid(),
    }
}

async fn note(app: &App, visit: Visit, ip: ClientIp, now: Instant) {
    let (who, place) = (principal(&visit.actor), visit.workspace.id.uuid());
    let locks = Locks::Chain(visit.workspace.account);
    if let Err(error) = app.db.write(locks, move |db| record(db, &visit, ip, now)).await {
        app.memory.of::<Visits>().0.forget(who, place);
        tracing::warn!(error.cause = %error, "could not record a visit");
    }
}

fn record(db: &mut Db, visit: &Visit, ip: ClientIp, now: Instant) -> Result<()> {
    record_visit(db, &visit.actor, Some(ip), &visit.workspace, now)?;
    let place = visit.workspace.id;
    match &visit.actor {
        Actor::Session { person, .. } | Actor::UserKey { person, .. } => diesel::update(
            memberships::table
                .filter(memberships::workspace_id.eq(place))
                .filter(memberships::user_id.eq(person.user)),
        )
        .set(memberships::last_seen_at.eq(Some(now)))
        .execute(db)?,
        Actor::ServiceAccountKey { service_account, .. } => diesel::update(
            grants::table
                .filter(grants::workspace_id.eq(place))
                .filter(grants::service_account_id.eq(service_account.id)),
        )
        .set(grants::last_seen_at.eq(Some(now)))
        .execute(db)?,
    };
    Ok(())
}
