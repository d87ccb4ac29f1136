//! Tells open pages that runs changed, by server-sent events; what changed, the page asks for.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Instant as Tick, sleep, timeout};

use crate::access::actor::Actor;
use crate::access::identify::session_lives;
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::live::{Seat, Topic};

/// Between two words about changes, and between two signs of life, at which the right is asked for again.
const PACE: Duration = Duration::from_millis(700);
const SIGN: Duration = Duration::from_secs(4);

/// The browser opens it again after this long, so that no connection lasts for ever.
const LIFE: Duration = Duration::from_secs(600);

struct Listening {
    app: App,
    access: WorkspaceAccess<SeeFlows>,
    events: watch::Receiver<u64>,
    logs: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    began: Tick,
    asked: Tick,
    _seat: Seat,
}

/// `GET …/live`
pub(super) async fn show(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let seat = app.live.seat(access.actor().id()).ok_or(Error::Unavailable)?;
    let workspace = access.workspace().id.uuid();
    let listening = Listening {
        events: app.live.listen(workspace, Topic::Events),
        logs: app.live.listen(workspace, Topic::Logs),
        closing: app.live.closing(),
        access,
        app: app.get_ref().clone(),
        began: Tick::now(),
        asked: Tick::now(),
        _seat: seat,
    };
    let body = stream::unfold(listening, |mut listening| async move {
        let word = listening.next().await?;
        Some((Ok::<_, actix_web::Error>(Bytes::from_static(word)), listening))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header(("x-accel-buffering", "no"))
        // Compressing would hold the words back.
        .insert_header(("content-encoding", "identity"))
        .streaming(body))
}

impl Listening {
    /// The next word; `None` ends the stream.
    async fn next(&mut self) -> Option<&'static [u8]> {
        if self.began.elapsed() > LIFE {
            return None;
        }
        // The right is asked for however much changes meanwhile.
        let left = SIGN.saturating_sub(self.asked.elapsed());
        if !left.is_zero() {
            match timeout(left, self.changed()).await {
                Ok(true) => {
                    sleep(PACE).await;
                    self.events.mark_unchanged();
                    self.logs.mark_unchanged();
                    return Some(b"data: changed\n\n");
                }
                Ok(false) => return None,
                Err(_) => {}
            }
        }
        self.asked = Tick::now();
        self.may_still().await.then_some(b": here\n\n".as_slice())
    }

    /// Waits for something to change; `false` at the end of the server.
    async fn changed(&mut self) -> bool {
        tokio::select! {
            events = self.events.changed() => events.is_ok(),
            logs = self.logs.changed() => logs.is_ok(),
            _ = self.closing.changed() => false,
        }
    }

    async fn may_still(&self) -> bool {
        let session = match self.access.actor() {
            Actor::Session { session, .. } => Some(*session),
            Actor::UserKey { .. } | Actor::ServiceAccountKey { .. } => None,
        };
        let asked = self.access.read_again(&self.app, move |db| match session {
            Some(session) if !session_lives(db, session)? => Err(Error::SignInRequired),
            _ => Ok(()),
        });
        matches!(asked.await, Ok(()) | Err(Error::Unavailable))
    }
}
