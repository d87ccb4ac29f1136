//! What all WebSockets share: who may open one, how long silence is borne, how they end (security.md WS).

use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use actix_ws::{AggregatedMessageStream, CloseCode, CloseReason, Session};

use super::connections::Upgraded;
use crate::base::app::App;
use crate::base::error::{Error, Result};

/// The largest frame, in bytes (WS-05): more than the largest event that clients send, so that what is too large to
/// be kept is dropped by itself.
pub const FRAME: usize = 2 * 1024 * 1024;

/// The largest frame before anybody proved anything (WS-05).
pub const FIRST_FRAME: usize = 16 * 1024;

/// How long the first frames may take (WS-03).
pub const FIRST: Duration = Duration::from_secs(5);

/// How often the other side is asked whether it is there.
pub const PING: Duration = Duration::from_secs(20);
/// How long it may be silent.
pub const SILENCE: Duration = Duration::from_secs(65);

/// How long a message may take to arrive once so many bytes of it are there; pings between its parts do not
/// keep it.
pub const ARRIVAL: Duration = Duration::from_secs(15);

/// Bytes of a message that may be there for longer.
const BEGUN: u64 = 64 * 1024;

/// What of a message is there while the rest is awaited.
#[derive(Debug, Default)]
pub struct Arriving {
    read: u64,
    since: Option<Instant>,
}

impl Arriving {
    /// A whole message came; its connection had received so many bytes by then.
    pub fn whole(&mut self, received: u64) {
        *self = Self { read: received, since: None };
    }

    /// A ping came, of so many bytes.
    pub fn ping(&mut self, length: usize) {
        self.read += length as u64 + 14;
    }

    /// Whether the rest of a message takes too long; asked every few seconds with the bytes received.
    pub fn is_overdue(&mut self, received: u64, now: Instant) -> bool {
        if received.saturating_sub(self.read) <= BEGUN {
            self.since = None;
            return false;
        }
        now.saturating_duration_since(*self.since.get_or_insert(now)) > ARRIVAL
    }
}

/// How long a reader may take to take what is sent.
pub const SLOW: Duration = Duration::from_secs(10);

/// A page of another site opens no socket (WS-02).
///
/// # Errors
/// [`Error::Forbidden`].
pub fn check_origin(req: &HttpRequest, app: &App) -> Result<()> {
    let Some(origin) = req.headers().get(header::ORIGIN) else { return Ok(()) };
    let own = app.settings().base_url.origin().ascii_serialization();
    if origin.to_str().is_ok_and(|origin| origin == own) {
        return Ok(());
    }
    Err(Error::Forbidden("This socket is for pages of this site and for programs.".to_owned()))
}

/// Opens a socket.
///
/// # Errors
/// [`Error::BadRequest`] for a request that asks for none.
pub fn open(
    req: &HttpRequest,
    payload: web::Payload,
    (protocols, frame): (&[&str], usize),
) -> Result<(actix_web::HttpResponse, Session, AggregatedMessageStream)> {
    let opened = actix_ws::handle_with_protocols(req, payload, protocols);
    let (response, session, stream) = opened.map_err(|_| {
        Error::BadRequest(
            "This address is a WebSocket, and the request does not ask for the upgrade to one. If a \
             proxy stands before this server, it must pass on the headers Upgrade and Connection."
                .to_owned(),
        )
    })?;
    let stream = stream.max_frame_size(frame);
    Ok((response, session, stream.aggregate_continuations().max_continuation_size(frame)))
}

/// Ends a socket with a reason.
pub async fn close(session: Session, upgraded: Upgraded, (code, why): (CloseCode, String)) {
    let reason = CloseReason { code, description: Some(why) };
    // Whoever is gone already does not hear it.
    drop(tokio::time::timeout(SLOW, session.close(Some(reason))).await);
    upgraded.hang_up().await;
}

/// Sends a text; `false` when nobody takes it.
pub async fn send(session: &mut Session, text: String) -> bool {
    matches!(tokio::time::timeout(SLOW, session.text(text)).await, Ok(Ok(())))
}

/// How a socket ends for whoever has no right to it (any more).
pub fn refusal(error: &Error) -> (CloseCode, String) {
    match error {
        Error::SignInRequired
        | Error::VerificationRequired
        | Error::NotFound
        | Error::Forbidden(_)
        | Error::SecondFactorRequired(_)
        | Error::TooMany(_) => (CloseCode::Policy, error.to_string()),
        Error::Invalid(_) => (CloseCode::Unsupported, error.to_string()),
        _ => (CloseCode::Error, "The server is busy. Connect again in a moment.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WS-05: what of a message is there does not wait for ever for its rest, and pings do not keep it.
    #[test]
    fn a_message_has_a_time_to_arrive() {
        let (began, large) = (Instant::now(), BEGUN + 1000);
        let after = |seconds| began + Duration::from_secs(seconds);
        let mut arriving = Arriving::default();
        arriving.whole(100);
        assert!(!arriving.is_overdue(100 + BEGUN, after(0)));
        assert!(!arriving.is_overdue(100 + large, after(1)));
        arriving.ping(4);
        assert!(!arriving.is_overdue(100 + large, after(16)));
        assert!(arriving.is_overdue(100 + large, after(17)));
        arriving.whole(100 + large);
        assert!(!arriving.is_overdue(100 + large, after(18)));
        // Pings alone are no message.
        let pings: u64 = (0..10_000)
            .map(|_| {
                arriving.ping(4);
                10
            })
            .sum();
        assert!(!arriving.is_overdue(100 + large + pings, after(60)));
    }
}
