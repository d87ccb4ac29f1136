//! Lines over a WebSocket, as they are logged (`/logs/out`); there is no looking back.

use actix_web::{HttpRequest, HttpResponse, web};
use diesel::QueryResult;
use serde_json::Value;

use super::api::LogBody;
use super::filter::{self, LogFilter};
use super::queries::{self, Log};
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::routes::resource;
use crate::base::live::Topic;
use crate::orchestration::wire::outgoing::{self, BATCH, Feed, News, Place};
use crate::orchestration::wire::term::Term;

/// The addresses that take their key in the first frame; below `/api`, outside of its layer.
pub fn open_routes(config: &mut web::ServiceConfig) {
    config.service(
        resource("/api/accounts/{account_id}/workspaces/{workspace_id}/logs/out").get(outgoing),
    );
}

async fn outgoing(
    req: HttpRequest,
    app: web::Data<App>,
    ip: ClientIp,
    payload: web::Payload,
) -> Result<HttpResponse> {
    outgoing::open::<Logs>(&req, &app, ip, payload)
}

/// Lines of a condition.
struct Logs(Term);

impl Feed for Logs {
    const TOPIC: Topic = Topic::Logs;

    fn of(filter: Value) -> Result<Self> {
        let filter: LogFilter = serde_json::from_value(filter)
            .map_err(|error| Error::Invalid(format!("The filter does not fit: {error}.")))?;
        Ok(Self(filter.term()?))
    }

    fn backfill(
        &self,
        _: &mut Db,
        _: WorkspaceId,
        _: Instant,
        _: Option<Place>,
    ) -> QueryResult<(Vec<News>, Option<Place>)> {
        Ok((Vec::new(), None))
    }

    fn since(&self, db: &mut Db, workspace: WorkspaceId, after: Place) -> QueryResult<Vec<News>> {
        let after = (after.0, after.1.into());
        let found = queries::received_since(db, workspace, after, BATCH)?;
        let told = |log: Log| {
            let (id, at) = (log.id.uuid(), queries::received_at(log.id));
            let text = filter::holds(&self.0, &log).then(|| {
                let body = serde_json::json!({ "type": "log", "log": LogBody::from(log) });
                body.to_string()
            });
            News { id, at, text }
        };
        Ok(found.into_iter().map(told).collect())
    }
}
