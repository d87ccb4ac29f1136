//! News over a WebSocket: the client says its key and a filter, and gets what is there and what comes
//! (api.md §6). The database is asked whenever somebody says that there are news, so nothing is held for a
//! reader that is slow, and it does not matter which process took them in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, Session};
use diesel::QueryResult;
use jiff::SignedDuration;
use serde_json::{Map, Value};
use tokio::time::{Instant as Tick, interval, sleep_until, timeout};
use uuid::Uuid;

use crate::access::permission::Permission;
use crate::access::standing::{ASK_AGAIN, Standing};
use crate::access::{AccountId, WorkspaceId};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::connections::Upgraded;
use crate::base::http::json::path_id;
use crate::base::http::limits::network;
use crate::base::http::socket::{self, FIRST_FRAME};
use crate::base::live::{Entrance, Seat, Topic};

/// One thing that is new.
#[derive(Clone, Debug)]
pub struct News {
    /// Its id.
    pub id: Uuid,
    /// When this server heard of it.
    pub at: Instant,
    /// The frame; `None` for what the filter leaves out.
    pub text: Option<String>,
}

/// Where news come from.
pub trait Feed: Sized + Send + Sync + 'static {
    /// What they are about.
    const TOPIC: Topic;

    /// The feed of a filter.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter that cannot be.
    fn of(filter: Value) -> Result<Self>;

    /// Some of what is there already, behind a place, and where to go on.
    fn backfill(
        &self,
        db: &mut Db,
        workspace: WorkspaceId,
        now: Instant,
        after: Option<Place>,
    ) -> QueryResult<(Vec<News>, Option<Place>)>;

    /// What this server heard of behind a place, in that order, [`BATCH`] at most; what the filter leaves out
    /// without a text.
    fn since(&self, db: &mut Db, workspace: WorkspaceId, after: Place) -> QueryResult<Vec<News>>;
}

/// A place in a list by time: behind the thing of that time and id.
pub type Place = (Instant, Uuid);

/// Things read at a time.
pub const BATCH: i64 = 200;

/// Opens a socket; who it is for is said in its first frame.
///
/// # Errors
/// A page of another site, or a request for no socket.
pub fn open<F: Feed>(
    req: &HttpRequest,
    app: &App,
    ip: ClientIp,
    payload: web::Payload,
) -> Result<HttpResponse> {
    socket::check_origin(req, app)?;
    let place: (AccountId, WorkspaceId) =
        (path_id(req, "account_id")?, path_id(req, "workspace_id")?);
    let entrance = app.live.entrance(network(ip)).ok_or(Error::Unavailable)?;
    let (response, session, stream) = socket::open(req, payload, (&["prefect"], FIRST_FRAME))?;
    let (app, upgraded) = (app.clone(), Upgraded::of(req));
    actix_web::rt::spawn(async move {
        let mut socket = Socket { app, session, stream };
        let end = match socket.serve::<F>(place, ip, entrance).await {
            Ok(end) => end,
            Err(error) => socket::refusal(&error),
        };
        socket::close(socket.session, upgraded, end).await;
    });
    Ok(response)
}

struct Socket {
    app: App,
    session: Session,
    stream: AggregatedMessageStream,
}

/// How a socket ends.
type End = (CloseCode, String);

/// At least so long between two questions to the database, and so long at most without one.
const PACE: Duration = Duration::from_millis(50);

/// Changes that began before others and ended after them are looked for this far back: each time where that is
/// little, else this often.
const OVERLAP: SignedDuration = SignedDuration::from_secs(5);
const LOOK_BACK: Duration = Duration::from_secs(1);
const LITTLE: usize = 3;

impl Socket {
    /// A frame of a kind within the time for first frames.
    async fn first(&mut self, kind: &str) -> Result<Option<Value>> {
        let frame = async {
            loop {
                match self.stream.recv().await {
                    Some(Ok(AggregatedMessage::Text(text))) => {
                        return serde_json::from_str::<Value>(&text).ok();
                    }
                    Some(Ok(AggregatedMessage::Ping(bytes))) => {
                        self.session.pong(&bytes).await.ok()?;
                    }
                    Some(Ok(AggregatedMessage::Pong(_))) => {}
                    _ => return None,
                }
            }
        };
        let frame = timeout(socket::FIRST, frame).await.ok().flatten();
        Ok(frame.filter(|frame| frame.get("type").and_then(Value::as_str) == Some(kind)))
    }

    async fn serve<F: Feed>(
        &mut self,
        place: (AccountId, WorkspaceId),
        ip: ClientIp,
        entrance: Entrance,
    ) -> Result<End> {
        let Some(auth) = self.first("auth").await? else {
            return Ok((CloseCode::Policy, "Expected 'auth' message".to_owned()));
        };
        let key = auth.get("token").and_then(Value::as_str).unwrap_or_default();
        let standing = Standing::claimed(key, ip, place, Permission::SeeFlows)?;
        let who = standing.check(&self.app).await?;
        let seat = self.app.live.seat(who).ok_or(Error::Unavailable)?;
        drop(entrance);
        let hello = serde_json::json!({ "type": "auth_success" }).to_string();
        if !socket::send(&mut self.session, hello).await {
            return Ok((CloseCode::Normal, String::new()));
        }
        let Some(mut filter) = self.first("filter").await? else {
            return Ok((CloseCode::Protocol, "Expected 'filter' message".to_owned()));
        };
        let backfills = filter.get("backfill").and_then(Value::as_bool).unwrap_or(true);
        let filter = filter.get_mut("filter").map(Value::take).unwrap_or_default();
        let feed = F::of(if filter.is_null() { Value::Object(Map::default()) } else { filter })?;
        self.pass_on(feed, standing, backfills, seat).await
    }

    async fn pass_on<F: Feed>(
        &mut self,
        feed: F,
        standing: Standing,
        backfills: bool,
        _seat: Seat,
    ) -> Result<End> {
        let workspace = standing.workspace();
        // Listening comes first: what happens meanwhile is in one of the two.
        let mut news = self.app.live.listen(workspace.uuid(), F::TOPIC);
        let mut reader = Reader::new(feed, standing, self.app.now());
        let mut told: Option<Tick> = None;
        if backfills && !reader.backfill(&self.app, &mut self.session).await? {
            return Ok((CloseCode::Normal, String::new()));
        }
        let mut closing = self.app.live.closing();
        let mut ask = interval(ASK_AGAIN.unsigned_abs());
        let mut ping = interval(socket::PING);
        let mut heard = Tick::now();
        loop {
            let is_open = tokio::select! {
                changed = news.changed(), if told.is_none() => {
                    // A moment later, so that several come together.
                    told = Some(Tick::now() + PACE);
                    changed.is_ok()
                }
                () = sleep_until(told.unwrap_or_else(Tick::now)), if told.is_some() => {
                    news.mark_unchanged();
                    match reader.read(&self.app, &mut self.session).await? {
                        Reading::More => {
                            told = Some(Tick::now());
                            true
                        }
                        Reading::Done => {
                            told = None;
                            true
                        }
                        Reading::Closed => false,
                    }
                }
                message = self.stream.recv() => {
                    heard = Tick::now();
                    match message {
                        Some(Ok(AggregatedMessage::Ping(bytes))) => {
                            self.session.pong(&bytes).await.is_ok()
                        }
                        Some(Ok(AggregatedMessage::Pong(_))) => true,
                        Some(Ok(AggregatedMessage::Text(_) | AggregatedMessage::Binary(_))) => {
                            return Ok((CloseCode::Protocol, "The filter is set already.".to_owned()));
                        }
                        _ => false,
                    }
                }
                _ = ask.tick() => {
                    reader.ask(&self.app).await?;
                    told.get_or_insert_with(Tick::now);
                    true
                }
                _ = ping.tick() => {
                    heard.elapsed() <= socket::SILENCE && self.session.ping(b"").await.is_ok()
                }
                _ = closing.changed() => {
                    return Ok((CloseCode::Away, "The server stops.".to_owned()));
                }
            };
            if !is_open {
                return Ok((CloseCode::Normal, String::new()));
            }
        }
    }
}

/// How a reading ended.
enum Reading {
    /// All of it was passed on.
    Done,
    /// There is more.
    More,
    /// Nobody takes it any more.
    Closed,
}

/// Reads in a row, at most, before other things get their turn.
const AT_ONCE: usize = 10;

/// Reads what is new, each thing once.
struct Reader<F> {
    feed: Arc<F>,
    workspace: WorkspaceId,
    standing: Standing,
    asked: Tick,
    /// Nothing from before this is new.
    began: Instant,
    at: Place,
    looked_back: Tick,
    is_little: bool,
    seen: HashMap<Uuid, Instant>,
}

impl<F: Feed> Reader<F> {
    fn new(feed: F, standing: Standing, now: Instant) -> Self {
        Self {
            feed: Arc::new(feed),
            workspace: standing.workspace(),
            standing,
            asked: Tick::now(),
            began: now,
            at: (now, Uuid::nil()),
            looked_back: Tick::now(),
            is_little: true,
            seen: HashMap::new(),
        }
    }

    /// Asks whether the key still may.
    async fn ask(&mut self, app: &App) -> Result<()> {
        self.asked = Tick::now();
        match self.standing.check(app).await {
            Ok(_) | Err(Error::Unavailable) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same where that was long ago, however much there is to pass on meanwhile.
    async fn ask_again(&mut self, app: &App) -> Result<()> {
        if self.asked.elapsed() < ASK_AGAIN.unsigned_abs() { Ok(()) } else { self.ask(app).await }
    }

    /// Returns whether somebody still takes it.
    async fn backfill(&mut self, app: &App, session: &mut Session) -> Result<bool> {
        let mut after = None;
        loop {
            self.ask_again(app).await?;
            let (feed, workspace, now) = (Arc::clone(&self.feed), self.workspace, app.now());
            let (found, next) =
                app.db.read(move |db| Ok(feed.backfill(db, workspace, now, after)?)).await?;
            if !self.send(session, found).await? {
                return Ok(false);
            }
            if next.is_none() {
                return Ok(true);
            }
            after = next;
        }
    }

    async fn read(&mut self, app: &App, session: &mut Session) -> Result<Reading> {
        let looks_back = self.is_little || self.looked_back.elapsed() >= LOOK_BACK;
        let mut from = self.at;
        if looks_back {
            from = ((self.at.0 - OVERLAP).max(self.began), Uuid::nil());
        }
        let mut reads = 0;
        loop {
            self.ask_again(app).await?;
            let (feed, workspace) = (Arc::clone(&self.feed), self.workspace);
            let found = match app.db.read(move |db| Ok(feed.since(db, workspace, from)?)).await {
                // What is new now is new later too.
                Err(Error::Unavailable) => return Ok(Reading::Done),
                found => found?,
            };
            reads += 1;
            let is_last = i64::try_from(found.len()).unwrap_or(0) < BATCH;
            if let Some(last) = found.last() {
                from = (last.at, last.id);
                self.at = self.at.max(from);
            }
            if !self.send(session, found).await? {
                return Ok(Reading::Closed);
            }
            if is_last {
                break;
            }
            if !looks_back && reads >= AT_ONCE {
                return Ok(Reading::More);
            }
        }
        if looks_back {
            self.looked_back = Tick::now();
            self.is_little = reads <= LITTLE;
        }
        let horizon = self.at.0 - OVERLAP;
        self.seen.retain(|_, at| *at >= horizon);
        Ok(Reading::Done)
    }

    async fn send(&mut self, session: &mut Session, found: Vec<News>) -> Result<bool> {
        for news in found {
            if self.seen.insert(news.id, news.at).is_some() {
                continue;
            }
            if let Some(text) = news.text
                && !socket::send(session, text).await
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
