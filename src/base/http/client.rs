//! Who is at the other end of the connection, as far as it can be known (CF-02).

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use crate::app::App;
use crate::base::error::Error;

/// The client's address: the peer's, or what a trusted proxy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

impl ClientIp {
    /// The address of whoever sent `req`.
    pub fn of(req: &HttpRequest, app: &App) -> Self {
        let peer = req.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |addr| addr.ip());
        let trusted = &app.settings().flags.trusted_proxies;
        let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
        if !is_trusted(&peer) {
            return Self(peer.to_canonical());
        }
        // From the right: each proxy appended the address it saw; the first one that is no proxy
        // of ours is the client.
        let forwarded: Vec<IpAddr> = req
            .headers()
            .get_all("x-forwarded-for")
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|part| part.trim().parse().ok())
            .collect();
        let client = forwarded.into_iter().rev().find(|ip| !is_trusted(ip));
        Self(client.unwrap_or(peer).to_canonical())
    }
}

impl FromRequest for ClientIp {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match req.app_data::<web::Data<App>>() {
            Some(app) => Ok(Self::of(req, app)),
            None => Err(Error::internal("no App")),
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
