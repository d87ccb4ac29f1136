//! Connections that do not move on are cut (F-12).
//!
//! actix limits the time of a connection's first head, and how long a connection may be idle; what
//! begins a second head and does not end it, or does not read its answer, it keeps for ever
//! (security.md §1.1). So each connection is looked after here: while a handler or a body works it is
//! left alone, since those have deadlines of their own; else it has [`PATIENCE`] to move on.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::rt;
use actix_web::web::Bytes;

use crate::base::error::Result;

/// How long a connection may wait for its peer.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How often all connections are looked at.
const ROUND: Duration = Duration::from_millis(500);

/// In `waits_since`: the connection waits for us and not for its peer.
const WE_WORK: u64 = u64::MAX;

/// A connection, as far as it can be cut.
struct Connection {
    /// A second handle of the socket; it goes when actix lets the connection go.
    socket: TcpStream,
    began: Instant,
    /// Milliseconds after `began`.
    waits_since: AtomicU64,
}

impl Connection {
    fn waits(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0);
        self.waits_since.store(since, Ordering::Relaxed);
    }

    fn works(&self) {
        self.waits_since.store(WE_WORK, Ordering::Relaxed);
    }

    fn is_overdue(&self) -> bool {
        let since = self.waits_since.load(Ordering::Relaxed);
        since != WE_WORK
            && self.began.elapsed().saturating_sub(Duration::from_millis(since)) > PATIENCE
    }
}

/// All connections of a server.
#[derive(Default)]
pub struct Connections(Mutex<Vec<Weak<Connection>>>);

impl Connections {
    /// Looks after connections as long as the server lives.
    pub fn look_after() -> Arc<Self> {
        let all = Arc::new(Self::default());
        let looked_after = Arc::downgrade(&all);
        rt::spawn(async move {
            while let Some(all) = looked_after.upgrade() {
                all.cut_overdue();
                drop(all);
                rt::time::sleep(ROUND).await;
            }
        });
        all
    }

    /// For [`actix_web::HttpServer::on_connect`].
    pub fn welcome(&self, io: &dyn Any, data: &mut Extensions) {
        let Some(stream) = io.downcast_ref::<rt::net::TcpStream>() else { return };
        match stream.as_fd().try_clone_to_owned() {
            Ok(socket) => {
                let connection = Arc::new(Connection {
                    socket: socket.into(),
                    began: Instant::now(),
                    waits_since: AtomicU64::new(0),
                });
                self.all().push(Arc::downgrade(&connection));
                data.insert(connection);
            }
            Err(error) => tracing::warn!(error.cause = %error, "a connection is not looked after"),
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut_overdue(&self) {
        self.all().retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            if connection.is_overdue() {
                // It may be closed already; actix notices and lets it go.
                drop(connection.socket.shutdown(Shutdown::Both));
                return false;
            }
            true
        });
    }
}

/// A connection that was upgraded, to be ended by us: actix leaves it open when its body ends, and a
/// WebSocket client waits for the server to hang up (RFC 6455, 7.1.1).
pub struct Upgraded(Option<Arc<Connection>>);

impl Upgraded {
    /// The connection of a request.
    pub fn of(req: &actix_web::HttpRequest) -> Self {
        Self(req.conn_data::<Arc<Connection>>().cloned())
    }

    /// Ends it once what was sent had time to leave.
    pub async fn hang_up(self) {
        rt::time::sleep(Duration::from_millis(50)).await;
        if let Some(connection) = self.0 {
            // It may be closed already.
            drop(connection.socket.shutdown(Shutdown::Both));
        }
    }
}

/// The layer that tells whose turn it is; the outermost one.
///
/// # Errors
/// Passes on what cannot become a response.
pub async fn take_turns<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Answer>, actix_web::Error> {
    let connection = req.conn_data::<Arc<Connection>>().cloned();
    if let Some(connection) = &connection {
        connection.works();
    }
    match next.call(req).await {
        Ok(res) => Ok(res.map_body(|head, body| {
            // What was upgraded is no longer a matter of requests and answers.
            let connection = connection.filter(|_| head.status != StatusCode::SWITCHING_PROTOCOLS);
            Answer { body: body.boxed(), connection }
        })),
        Err(error) => {
            if let Some(connection) = &connection {
                connection.waits();
            }
            Err(error)
        }
    }
}

/// A body that tells whether it waits for us or for its reader.
pub struct Answer {
    body: BoxBody,
    connection: Option<Arc<Connection>>,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let part = this.body.as_pin_mut().poll_next(cx);
        if let Some(connection) = &this.connection {
            if part.is_pending() { connection.works() } else { connection.waits() }
        }
        part
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.waits();
        }
    }
}
