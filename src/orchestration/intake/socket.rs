//! Events that clients tell over a WebSocket (`/events/in`).
//!
//! Invariant: a pong is sent only after every event before its ping is durable: the client takes it as a
//! receipt, and tells again what it has no receipt for (api.md §3.3). So an event that cannot be kept is dropped
//! alone: a socket that closed on it would be told it first again, for ever (SP-42).

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, Session};
use tokio::time::{Instant as Tick, interval, sleep_until};

use super::keep;
use crate::access::identify::bearer;
use crate::access::permission::Permission;
use crate::access::permission::needs::RunFlows;
use crate::access::standing::{ASK_AGAIN, Standing};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::connections::Upgraded;
use crate::base::http::routes::resource;
use crate::base::http::socket::{self, Arriving, FRAME};
use crate::base::live::Seat;
use crate::orchestration::events::model::{Event, EventCreate};

/// The addresses that need a key in their head, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(resource("/events/in").get(incoming));
}

/// Takes events in as long as the connection lives.
async fn incoming(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    ip: ClientIp,
    payload: web::Payload,
) -> Result<HttpResponse> {
    socket::check_origin(&req, &app)?;
    let key = bearer(&req).ok_or(Error::SignInRequired)?;
    let place = (access.workspace().account, access.workspace().id);
    let standing = Standing::claimed(key, ip, place, Permission::RunFlows)?;
    let seat = app.live.seat(access.actor().id()).ok_or(Error::Unavailable)?;
    let (response, session, stream) = socket::open(&req, payload, (&[], FRAME))?;
    let (app, upgraded) = (app.get_ref().clone(), Upgraded::of(&req));
    actix_web::rt::spawn(async move {
        let mut intake = Intake {
            app,
            standing,
            waiting: Vec::new(),
            bytes: 0,
            flush_at: None,
            upgraded,
            arriving: Arriving::default(),
        };
        let end = intake.serve(session.clone(), stream, seat).await;
        socket::close(session, intake.upgraded, end).await;
    });
    Ok(response)
}

/// Events kept at once, at most, and their bytes, and how long one waits for others.
const AT_ONCE: usize = 250;
const BYTES: usize = 4 * 1024 * 1024;
const WAIT: Duration = Duration::from_millis(30);

/// A socket that events come in by.
struct Intake {
    app: App,
    standing: Standing,
    waiting: Vec<Event>,
    bytes: usize,
    flush_at: Option<Tick>,
    upgraded: Upgraded,
    arriving: Arriving,
}

/// Why a socket ends.
type End = (CloseCode, String);

fn over() -> End {
    (CloseCode::Normal, String::new())
}

impl Intake {
    async fn serve(
        &mut self,
        mut session: Session,
        mut stream: AggregatedMessageStream,
        _: Seat,
    ) -> End {
        let mut closing = self.app.live.closing();
        let mut ask = interval(ASK_AGAIN.unsigned_abs());
        let mut ping = interval(socket::PING);
        let mut heard = Tick::now();
        let end: End = loop {
            let flush = sleep_until(self.flush_at.unwrap_or_else(Tick::now));
            tokio::select! {
                message = stream.recv() => {
                    heard = Tick::now();
                    match self.hear(&mut session, message).await {
                        Ok(true) => {}
                        // The other side waits for the answer to its own close.
                        Ok(false) => break over(),
                        Err(error) => break socket::refusal(&error),
                    }
                }
                () = flush, if self.flush_at.is_some() => {
                    if let Err(error) = self.flush().await {
                        break socket::refusal(&error);
                    }
                }
                _ = ask.tick() => {
                    if self.arriving.is_overdue(self.upgraded.received(), std::time::Instant::now()) {
                        let seconds = socket::ARRIVAL.as_secs();
                        break (CloseCode::Policy, format!("A message has {seconds} s to arrive."));
                    }
                    if let Err(error) = self.standing.check(&self.app).await
                        && !matches!(error, Error::Unavailable)
                    {
                        break socket::refusal(&error);
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > socket::SILENCE || session.ping(b"").await.is_err() {
                        break over();
                    }
                }
                _ = closing.changed() => {
                    break (CloseCode::Away, "The server stops.".to_owned());
                }
            }
        };
        // What came before the end is kept; whoever told it may not hear of it and tells it again.
        if let Err(error) = self.flush().await {
            tracing::warn!(error.cause = %error, "events of a closed socket were not kept");
        }
        end
    }

    /// Returns whether the socket goes on.
    async fn hear(
        &mut self,
        session: &mut Session,
        message: Option<Result<AggregatedMessage, actix_ws::ProtocolError>>,
    ) -> Result<bool> {
        match message {
            Some(Ok(AggregatedMessage::Text(text))) => {
                self.arriving.whole(self.upgraded.received());
                match self.read(&text) {
                    Ok(event) => self.waiting.push(event),
                    Err(error) => self.drop_alone(&error),
                }
                self.bytes += text.len();
                self.flush_at.get_or_insert_with(|| Tick::now() + WAIT);
                if self.waiting.len() >= AT_ONCE || self.bytes >= BYTES {
                    self.flush().await?;
                }
                Ok(true)
            }
            Some(Ok(AggregatedMessage::Ping(bytes))) => {
                self.arriving.ping(bytes.len());
                self.flush().await?;
                Ok(session.pong(&bytes).await.is_ok())
            }
            Some(Ok(AggregatedMessage::Pong(_))) => Ok(true),
            Some(Ok(AggregatedMessage::Binary(_))) => {
                self.arriving.whole(self.upgraded.received());
                let why = Error::Invalid("Events come as text.".to_owned());
                self.drop_alone(&why);
                Ok(true)
            }
            Some(Ok(AggregatedMessage::Close(_)) | Err(_)) | None => Ok(false),
        }
    }

    fn drop_alone(&self, why: &Error) {
        keep::drop_alone(&self.app, self.standing.workspace(), why);
    }

    fn read(&self, text: &str) -> Result<Event> {
        EventCreate::read(text)?.received(self.app.now())
    }

    async fn flush(&mut self) -> Result<()> {
        (self.flush_at, self.bytes) = (None, 0);
        let events = std::mem::take(&mut self.waiting);
        keep::take(&self.app, self.standing.workspace(), events).await
    }
}
