//! Events over a WebSocket, passed on as they happen (`/events/out`).

use actix_web::{HttpRequest, HttpResponse, web};
use diesel::QueryResult;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use super::filter::{EventFilter, Order};
use super::model::{Event, StoredEventBody};
use super::queries;
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::routes::resource;
use crate::base::live::Topic;
use crate::orchestration::wire::outgoing::{self, BATCH, Feed, News, Place};

/// The addresses that take their key in the first frame; below `/api`, outside of its layer.
pub fn open_routes(config: &mut web::ServiceConfig) {
    config.service(
        resource("/api/accounts/{account_id}/workspaces/{workspace_id}/events/out").get(outgoing),
    );
}

/// Passes events on as they happen.
async fn outgoing(
    req: HttpRequest,
    app: web::Data<App>,
    ip: ClientIp,
    payload: web::Payload,
) -> Result<HttpResponse> {
    outgoing::open::<Events>(&req, &app, ip, payload)
}

/// Events of a filter.
struct Events(EventFilter);

impl Feed for Events {
    const TOPIC: Topic = Topic::Events;

    fn of(filter: Value) -> Result<Self> {
        let filter: EventFilter = serde_json::from_value(filter)
            .map_err(|error| Error::Invalid(format!("The filter does not fit: {error}.")))?;
        Ok(Self(filter.checked()?))
    }

    fn backfill(
        &self,
        db: &mut Db,
        workspace: WorkspaceId,
        now: Instant,
        after: Option<Place>,
    ) -> QueryResult<(Vec<News>, Option<Place>)> {
        let occurred = self.0.occurred.unwrap_or_default();
        let since = occurred.since.unwrap_or(now - SignedDuration::from_secs(60));
        let until = occurred.until.unwrap_or(now + SignedDuration::from_secs(60));
        let filter = EventFilter { order: Some(Order::Up), ..self.0.clone() };
        let after = after.map(|(at, id)| (at, id.into()));
        let limit = usize::try_from(BATCH).unwrap_or(1);
        let page = queries::page(db, workspace, &filter, ((since, until), after), limit)?;
        let next = page.next.map(|(at, id)| (at, id.uuid()));
        Ok((page.events.into_iter().map(news).collect(), next))
    }

    fn since(&self, db: &mut Db, workspace: WorkspaceId, after: Place) -> QueryResult<Vec<News>> {
        let (from, until) = {
            let occurred = self.0.occurred.unwrap_or_default();
            (occurred.since, occurred.until)
        };
        let after = (after.0, after.1.into());
        let found = queries::received_since(db, workspace, after, BATCH)?;
        let is_wanted = |event: &Event| {
            self.0.holds(event)
                && from.is_none_or(|from| event.occurred_at >= from)
                && until.is_none_or(|until| event.occurred_at <= until)
        };
        let told = |event: Event| {
            let (id, at) = (event.id.uuid(), event.received_at);
            if is_wanted(&event) { news(event) } else { News { id, at, text: None } }
        };
        Ok(found.into_iter().map(told).collect())
    }
}

/// A frame that passes an event on.
#[derive(Serialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: &'static str,
    event: StoredEventBody,
}

fn news(event: Event) -> News {
    let (id, at) = (event.id.uuid(), event.received_at);
    let frame = Frame { kind: "event", event: event.into() };
    News { id, at, text: serde_json::to_string(&frame).ok() }
}
