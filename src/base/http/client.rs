//! Who is at the other end of the connection, as far as it can be known (CF-02).

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderValue;
use actix_web::{FromRequest, HttpRequest, web};
use ipnet::IpNet;

use crate::base::context::Context;
use crate::base::error::Error;

/// The client's address: the peer's, or what a trusted proxy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

impl ClientIp {
    /// The address of whoever sent `req`.
    pub fn of(req: &HttpRequest, context: &Context) -> Self {
        let peer = req.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |addr| addr.ip());
        let trusted = &context.settings.flags.trusted_proxies;
        let forwarded = req.headers().get_all("x-forwarded-for").map(HeaderValue::as_bytes);
        Self(client(peer, forwarded, trusted))
    }
}

/// From the right: each proxy appended the address that it saw. The first one that is no proxy of ours is the
/// client; what cannot be understood ends the search too, since from there on nobody trusted wrote anything
/// that could be told from a visitor's words.
fn client<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let mut client = peer.to_canonical();
    let mut hops = forwarded.rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    while is_trusted(&client) {
        let Some(before) = hops.next().and_then(hop) else { break };
        client = before;
    }
    client
}

/// The address of one hop: alone, or with a port as some proxies write it (`192.0.2.7:4711`, `[2001:db8::7]`,
/// `[2001:db8::7]:4711`).
fn hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let address = text.parse().ok().or_else(|| text.parse().ok().map(|addr: SocketAddr| addr.ip()));
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    address.or_else(|| in_brackets().map(IpAddr::V6)).map(|ip: IpAddr| ip.to_canonical())
}

impl FromRequest for ClientIp {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match req.app_data::<web::Data<Context>>() {
            Some(context) => Ok(Self::of(req, context)),
            None => Err(Error::internal("no Context")),
        })
    }
}

/// The browser's own words about itself, cut to a bearable length.
pub fn user_agent(req: &HttpRequest) -> String {
    let text = req.headers().get("user-agent").and_then(|value| value.to_str().ok());
    text.unwrap_or_default().chars().filter(|c| !c.is_control()).take(300).collect()
}

/// `Firefox on Linux`, from a User-Agent header; for a list of devices.
pub fn browser_name(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = find(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(peer: &str, forwarded: &[&[u8]]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "127.0.0.1/32".parse().unwrap()];
        client(peer.parse().unwrap(), forwarded.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn the_first_address_from_the_right_that_is_no_proxy_is_the_client() {
        for (peer, forwarded, client) in [
            ("192.0.2.7", &b"198.51.100.1"[..], "192.0.2.7"),
            ("127.0.0.1", b"198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", b"203.0.113.9, 198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", b"203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("::ffff:127.0.0.1", b"::ffff:198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", b"198.51.100.1:4711", "198.51.100.1"),
            ("127.0.0.1", b"198.51.100.1:4711, 10.0.0.2:80", "198.51.100.1"),
            ("127.0.0.1", b"2001:db8::7", "2001:db8::7"),
            ("127.0.0.1", b"[2001:db8::7]", "2001:db8::7"),
            ("127.0.0.1", b" [2001:db8::7]:4711\t", "2001:db8::7"),
            ("127.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ] {
            assert_eq!(asked(peer, &[forwarded]), client, "{peer} {forwarded:?}");
        }
        assert_eq!(asked("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(
            asked("127.0.0.1", &[b"203.0.113.9", b"198.51.100.1, 10.0.0.2"]),
            "198.51.100.1"
        );
    }

    /// CF-02: the nearest proxy counts then, and never what stands before it.
    #[test]
    fn what_is_not_understood_ends_the_search() {
        for what in [
            "",
            "unknown",
            "_hidden",
            "198.51.100.1:x",
            "198.51.100.256",
            "[198.51.100.1]:1",
            "for=1.2.3.4",
        ] {
            let forwarded = format!("203.0.113.9, {what}, 10.0.0.2");
            assert_eq!(asked("127.0.0.1", &[forwarded.as_bytes()]), "10.0.0.2", "{what}");
            let forwarded = format!("203.0.113.9, {what}");
            assert_eq!(asked("127.0.0.1", &[forwarded.as_bytes()]), "127.0.0.1", "{what}");
        }
        assert_eq!(asked("127.0.0.1", &[b"203.0.113.9", b"\xff\xfe"]), "127.0.0.1");
    }
}
