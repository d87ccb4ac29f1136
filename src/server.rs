//! The HTTP server: what surrounds each request, and which routes there are.

use std::future;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::Server;
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{App as ActixApp, HttpRequest, HttpResponse, HttpServer};
use tracing_actix_web::TracingLogger;

use crate::access::identify;
use crate::app::{App, Context, MailRenderer};
use crate::base::db::{Db, migrate};
use crate::base::descriptors;
use crate::base::error::{Error, Result};
use crate::base::http::connections::{self, Connections, Watched};
use crate::base::http::routes::{resource, scope};
use crate::base::http::{assets, headers, metrics, refusal, session};
use crate::base::mail::{QueuedMail, Rendered};
use crate::base::telemetry::RequestSpan;
use crate::frame::errors;
use crate::tenancy::audit::visits;
use crate::{openapi, orchestration, tenancy};

/// Pages: everything for people in a browser.
pub fn pages(config: &mut ServiceConfig) {
    tenancy::accounts::pages(config);
    tenancy::api_keys::pages(config);
    tenancy::audit::pages(config);
    tenancy::closing::pages(config);
    tenancy::collaborators::pages(config);
    tenancy::invitations::pages(config);
    tenancy::organizations::pages(config);
    tenancy::outbox::pages(config);
    tenancy::roles::pages(config);
    tenancy::service_accounts::pages(config);
    tenancy::sharing::pages(config);
    tenancy::transfers::pages(config);
    tenancy::workspaces::pages(config);
    orchestration::pages(config);
}

/// Endpoints: everything for the Prefect client and other programs, below `/api`.
pub fn api(config: &mut ServiceConfig) {
    // Tried in this order: what clients ask most stands before what people ask now and then, and behind what is
    // in the same place.
    tenancy::workspaces::api::routes(config);
    tenancy::sharing::api::routes(config);
    tenancy::transfers::api::routes(config);
    config.service(
        scope("/accounts/{account_id}/workspaces/{workspace_id}")
            .configure(orchestration::api_in_workspace)
            .default_service(web::to(orchestration::wire::absent::in_workspace)),
    );
    tenancy::organizations::api::routes(config);
    tenancy::roles::api::routes(config);
    tenancy::service_accounts::api::routes(config);
    tenancy::audit::api::routes(config);
    tenancy::api_keys::api::routes(config);
    config.service(resource("/openapi.json").get(openapi::serve));
    orchestration::api(config);
}

/// Which mails each slice writes, and how.
const MAILS: &[(&[&str], MailRenderer)] = &[
    (tenancy::accounts::mail::TEMPLATES, tenancy::accounts::mail::render),
    (tenancy::collaborators::mail::TEMPLATES, tenancy::collaborators::mail::render),
    (tenancy::invitations::mail::TEMPLATES, tenancy::invitations::mail::render),
    (tenancy::organizations::mail::TEMPLATES, tenancy::organizations::mail::render),
    (tenancy::workspaces::mail::TEMPLATES, tenancy::workspaces::mail::render),
    (tenancy::api_keys::mail::TEMPLATES, tenancy::api_keys::mail::render),
    (tenancy::service_accounts::mail::TEMPLATES, tenancy::service_accounts::mail::render),
    (tenancy::sharing::mail::TEMPLATES, tenancy::sharing::mail::render),
    (tenancy::transfers::mail::TEMPLATES, tenancy::transfers::mail::render),
];

/// The text of a mail, by whichever slice it belongs to.
///
/// # Errors
/// The database's fault; a mail of no slice is a fault of the program.
pub fn render_mail(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let template = mail.template.as_str();
    let slice = MAILS.iter().find(|(templates, _)| templates.contains(&template));
    let (_, render) =
        slice.ok_or_else(|| Error::internal(format!("a mail of no slice: {template}")))?;
    render(context, db, mail)
}

/// `GET /health`: the process answers.
async fn health() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok")
}

/// `GET /ready`: the database answers and has all migrations.
async fn ready(app: web::Data<App>) -> HttpResponse {
    let missing = app.db.read(|db| migrate::pending(db).map_err(Error::internal)).await;
    match missing {
        Ok(missing) if missing.is_empty() => {
            HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready")
        }
        _ => HttpResponse::ServiceUnavailable()
            .insert_header(("retry-after", "2"))
            .content_type("text/plain; charset=utf-8")
            .body("the database does not answer"),
    }
}

/// What has no route.
async fn no_route(_: HttpRequest) -> Result<HttpResponse> {
    Err(Error::NotFound)
}

/// The routes and their layers, outermost layer last.
pub fn routes(app: App) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |config| {
        config
            .app_data(web::Data::new(app.clone()))
            .app_data(web::Data::from(Arc::clone(&app.context)))
            .service(resource("/health").get(health))
            .service(resource("/ready").get(ready))
            .service(resource("/metrics").get(metrics::serve))
            .service(resource("/static/{version}/{name:.*}").get(assets::serve))
            .configure(orchestration::open_sockets)
            .service(
                web::scope("/api")
                    .wrap(from_fn(visits::layer))
                    .wrap(from_fn(refusal::render_json))
                    .wrap(from_fn(identify::by_key))
                    .configure(api)
                    .default_service(web::to(orchestration::wire::absent::at_root)),
            )
            .service(
                web::scope("")
                    .wrap(from_fn(visits::layer))
                    .wrap(from_fn(errors::render_pages))
                    .wrap(from_fn(identify::by_session))
                    .wrap(session::middleware(&app))
                    .wrap(from_fn(session::or_unavailable))
                    .configure(pages)
                    .default_service(web::to(no_route)),
            );
    }
}

/// Idle connections are closed after this long; also the time for the head of a connection's first
/// request. A little less than [`connections::PATIENCE`], which has no words for whoever is cut.
const KEEP_ALIVE: Duration = Duration::from_secs(14);

/// Requests that are being answered get this long when the server stops.
const DRAIN_SECONDS: u64 = 20;

/// Builds the server on a bound socket.
///
/// # Errors
/// The socket's fault.
pub fn build(app: App, listener: TcpListener) -> std::io::Result<actix_web::dev::Server> {
    let threads = app.settings().flags.threads.map_or_else(
        || std::thread::available_parallelism().map_or(2, |n| n.get().min(8)),
        usize::from,
    );
    let flags = &app.settings().flags;
    let bounds = connections::bounds(
        descriptors::limit(),
        flags.database_connections,
        flags.connections_per_address,
    );
    let all = Connections::look_after(bounds, flags.trusted_proxies.clone());
    let builder = Server::build()
        .workers(threads)
        .max_concurrent_connections(bounds.all)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let server = builder.listen("bulkhead", listener, move || {
        let (all, app, stopping) = (Arc::clone(&all), app.clone(), stopping.clone());
        let site = ActixApp::new()
            .wrap(Compress::default())
            .wrap(from_fn(headers::guard))
            .wrap(TracingLogger::<RequestSpan>::new())
            .wrap(from_fn(headers::secure))
            .wrap(from_fn(metrics::layer))
            .wrap(from_fn(connections::take_turns))
            .configure(routes(app));
        let http = HttpService::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(KEEP_ALIVE)
            .client_disconnect_timeout(Duration::from_secs(5))
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|stream: &Watched, data| {
                data.insert(stream.connection());
            })
            .finish(map_config(site, |()| AppConfig::default()));
        // What actix makes of a socket by itself takes a second descriptor to be looked after.
        fn_service(move |socket| {
            let stream = all.welcome(socket).map_err(DispatchError::Io);
            future::ready(stream.map(|stream| {
                let peer = stream.peer();
                (stream, Protocol::Http1, peer)
            }))
        })
        .and_then(http)
    })?;
    Ok(server.run())
}

/// Builds the server of the figures on an address of their own, where one is set.
///
/// # Errors
/// The socket's fault.
pub fn build_metrics(app: &App) -> std::io::Result<Option<actix_web::dev::Server>> {
    let Some(bind) = app.settings().flags.metrics_bind else { return Ok(None) };
    let data = web::Data::new(app.clone());
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(data.clone())
            .route("/metrics", web::get().to(metrics::serve_openly))
    })
    .workers(1)
    .client_request_timeout(KEEP_ALIVE)
    .disable_signals()
    .bind(bind)?;
    Ok(Some(server.run()))
}
