//! The log: text on a terminal, one JSON object a line elsewhere (IV-07); never secrets.

use std::io::IsTerminal;

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use tracing::Span;
use tracing_actix_web::{DefaultRootSpanBuilder, RequestId, RootSpanBuilder};
use tracing_subscriber::EnvFilter;

use super::http::routes::route_of;
use super::settings::{Flags, LogFormat};

/// Starts the log. A second call in one process does nothing.
///
/// # Errors
/// A sentence when the filter cannot be read.
pub fn start(flags: &Flags) -> Result<(), String> {
    let filter = EnvFilter::try_new(&flags.log).map_err(|e| format!("BULKHEAD_LOG: {e}"))?;
    let is_text = match flags.log_format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if is_text {
        builder.compact().try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    // Already started, as in tests that start several servers.
    drop(started);
    Ok(())
}

/// The span of a request: its route and not its address, which may hold a token (LG-02).
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let route = route_of(request.request());
        let id = request.extensions().get::<RequestId>().map(ToString::to_string);
        tracing::info_span!(
            "request",
            http.method = %request.method(),
            http.route = route.as_deref().unwrap_or("(none)"),
            http.status_code = tracing::field::Empty,
            request.id = id.unwrap_or_default(),
            user.id = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
            exception.message = tracing::field::Empty,
            exception.details = tracing::field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(
        span: Span,
        outcome: &Result<ServiceResponse<B>, actix_web::Error>,
    ) {
        DefaultRootSpanBuilder::on_request_end(span, outcome);
        let status = match outcome {
            Ok(res) => res.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        // What went wrong stands in the span. Refusals are told where they are made.
        if status.is_server_error() {
            tracing::error!("a request failed");
        }
    }
}
