//! Connections: how many there may be, and that those which do not move on are cut (F-12).
//!
//! actix limits the time of a connection's first head, and how long a connection may be idle; what
//! begins a second head and does not end it, or does not read its answer, it keeps for ever
//! (security.md §1.1). So each connection is looked after here: while a handler or a body works it is
//! left alone, since those have deadlines of their own; else it has [`PATIENCE`] to move on.
//!
//! The stream that actix reads and writes is ours ([`Watched`]), so that a connection takes one descriptor
//! and can be ended from outside (decision 0025).

use std::io::{self, Write};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::rt;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use futures_util::task::AtomicWaker;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::client::ClientIp;
use super::limits::network;
use crate::base::error::Result;
use crate::base::places::{Bounds, Place, Places};

/// How long a connection may wait for its peer.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How long the answer to a request that was too slow has to leave; what still drips in is not waited for.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How often all connections are looked at.
const ROUND: Duration = Duration::from_millis(500);

/// In `waits_since`: the connection waits for us and not for its peer.
const WE_WORK: u64 = u64::MAX;

/// What one connection too many is told, before it asks anything: clients come again by it.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
    Content-Length: 0\r\n\r\n";

/// A connection, as far as it can be cut.
pub struct Connection {
    began: Instant,
    /// Milliseconds after `began`.
    waits_since: AtomicU64,
    is_cut: AtomicBool,
    /// Bytes that came in.
    received: AtomicU64,
    /// Whoever reads or writes it.
    waker: AtomicWaker,
}

impl Connection {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            waits_since: AtomicU64::new(0),
            is_cut: AtomicBool::new(false),
            received: AtomicU64::new(0),
            waker: AtomicWaker::new(),
        }
    }

    fn waits(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0);
        self.waits_since.store(since, Ordering::Relaxed);
    }

    fn ends(&self) {
        let since = (self.began.elapsed() + LAST_WORDS).saturating_sub(PATIENCE);
        self.waits_since.store(u64::try_from(since.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }

    fn works(&self) {
        self.waits_since.store(WE_WORK, Ordering::Relaxed);
    }

    fn is_overdue(&self) -> bool {
        let since = self.waits_since.load(Ordering::Relaxed);
        since != WE_WORK
            && self.began.elapsed().saturating_sub(Duration::from_millis(since)) > PATIENCE
    }

    /// Ends it: whoever reads finds its end, whoever writes nobody.
    fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// The most connections of a process, whatever else there is room for.
const MOST: usize = 10_000;

/// Descriptors that are kept for everything else: files of the embedded database, sockets to PostgreSQL and to
/// the mail server, those of the threads.
const KEPT: usize = 128;

/// What a process with so many descriptors and database connections can bear. No network, unless it is a trusted
/// proxy's, takes more than half of it.
pub fn bounds(descriptors: usize, database_connections: u32, of_network: u32) -> Bounds {
    let kept = KEPT + 4 * database_connections as usize;
    let all = descriptors.saturating_sub(kept).clamp(16, MOST);
    Bounds { all, each: (of_network as usize).min(all / 2) }
}

/// All connections of a server.
pub struct Connections {
    open: Mutex<Vec<Weak<Connection>>>,
    places: Places<IpAddr>,
    bounds: Bounds,
    proxies: Vec<IpNet>,
}

impl Connections {
    /// Looks after connections as long as the server lives.
    pub fn look_after(bounds: Bounds, proxies: Vec<IpNet>) -> Arc<Self> {
        let all =
            Arc::new(Self { open: Mutex::default(), places: Places::default(), bounds, proxies });
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

    /// Takes a connection in.
    ///
    /// # Errors
    /// There are too many already, which its peer is told.
    pub fn welcome(self: &Arc<Self>, socket: TcpStream) -> io::Result<Watched> {
        let peer = socket.peer_addr()?.ip().to_canonical();
        let Some(place) = self.place(peer) else {
            tracing::debug!(client.address = %peer, "one connection too many");
            // Best effort, by the bare socket, which takes some bytes at once: whoever does not read them is cut
            // all the same.
            drop(socket.into_std().and_then(|mut socket| socket.write_all(TOO_MANY)));
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        socket.set_nodelay(true)?;
        let connection = Arc::new(Connection::new());
        self.open().push(Arc::downgrade(&connection));
        Ok(Watched { socket, connection, is_shut: false, _place: place })
    }

    /// A place for one more connection from an address.
    fn place(&self, peer: IpAddr) -> Option<Place<IpAddr>> {
        let is_proxy = self.proxies.iter().any(|net| net.contains(&peer));
        let network = (!is_proxy).then(|| network(ClientIp(peer)));
        self.places.take(network, self.bounds)
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut_overdue(&self) {
        self.open().retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            if connection.is_overdue() {
                connection.cut();
                return false;
            }
            true
        });
    }
}

/// The stream of a connection.
pub struct Watched {
    socket: TcpStream,
    connection: Arc<Connection>,
    is_shut: bool,
    _place: Place<IpAddr>,
}

impl Watched {
    /// What is known of the connection, for its requests.
    pub fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }

    /// The address of the other side.
    pub fn peer(&self) -> Option<std::net::SocketAddr> {
        self.socket.peer_addr().ok()
    }

    /// Whether it was cut; the other side is told so once.
    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        let is_cut = self.connection.is_cut.load(Ordering::Acquire);
        if is_cut && !self.is_shut {
            self.is_shut = true;
            // It may be closed already.
            drop(Pin::new(&mut self.socket).poll_shutdown(cx));
        }
        is_cut
    }

    /// As `poll` says, unless the connection was cut; then `end`.
    fn unless_cut<R>(
        &mut self,
        cx: &mut Context<'_>,
        end: impl Fn() -> io::Result<R>,
        poll: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if self.is_cut(cx) {
            return Poll::Ready(end());
        }
        let outcome = poll(Pin::new(&mut self.socket), cx);
        if outcome.is_pending() {
            self.connection.waker.register(cx.waker());
            // It may have been cut in between, when nobody was there to be woken.
            if self.is_cut(cx) {
                return Poll::Ready(end());
            }
        }
        outcome
    }
}

fn nobody<R>() -> io::Result<R> {
    Err(io::ErrorKind::BrokenPipe.into())
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (this, before) = (self.get_mut(), buffer.filled().len());
        let outcome = this.unless_cut(cx, || Ok(()), |socket, cx| socket.poll_read(cx, buffer));
        let came = buffer.filled().len().saturating_sub(before) as u64;
        this.connection.received.fetch_add(came, Ordering::Relaxed);
        outcome
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().unless_cut(cx, nobody, |socket, cx| socket.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
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

    /// Bytes that came in by it.
    pub fn received(&self) -> u64 {
        self.0.as_ref().map_or(0, |connection| connection.received.load(Ordering::Relaxed))
    }

    /// Ends it once what was sent had time to leave.
    pub async fn hang_up(self) {
        rt::time::sleep(Duration::from_millis(50)).await;
        if let Some(connection) = self.0 {
            connection.cut();
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
            let is_last = head.status == StatusCode::REQUEST_TIMEOUT;
            Answer { body: body.boxed(), connection, is_last }
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
    is_last: bool,
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
            if self.is_last { connection.ends() } else { connection.waits() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_network_takes_more_than_half_of_what_there_is() {
        let bounds = |descriptors, of_network| {
            let bounds = bounds(descriptors, 8, of_network);
            (bounds.all, bounds.each)
        };
        assert_eq!(bounds(1024, 2000), (864, 432));
        assert_eq!(bounds(1024, 100), (864, 100));
        assert_eq!(bounds(1_048_576, 2000), (10_000, 2000));
        assert_eq!(bounds(100, 2000), (16, 8));
    }

    #[actix_web::test]
    async fn a_place_is_given_back_and_proxies_share_none() {
        let bounds = Bounds { all: 4, each: 2 };
        let all = Connections::look_after(bounds, vec!["10.0.0.0/8".parse().unwrap()]);
        let place = |text: &str| all.place(text.parse().unwrap());
        let (one, two) = (place("192.0.2.7"), place("192.0.2.7"));
        assert!(one.is_some() && two.is_some() && place("192.0.2.7").is_none());
        let (three, four) = (place("10.0.0.1"), place("10.0.0.1"));
        assert!(three.is_some() && four.is_some() && place("10.0.0.1").is_none());
        assert!(place("192.0.2.8").is_none());
        drop((one, four));
        assert!(place("192.0.2.7").is_some());
    }
}
