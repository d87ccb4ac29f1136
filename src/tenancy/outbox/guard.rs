//! Who may read kept mails.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::settings::is_loopback_host;

/// Proof that the request comes from this machine, past no proxy, while mails are kept.
#[derive(Debug)]
pub struct FromThisMachine(());

impl FromThisMachine {
    fn of(req: &HttpRequest) -> Result<Self> {
        let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?;
        let is_local = app.settings().has_outbox_page()
            && req.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
            && host(req).is_some_and(is_loopback_host)
            && !req.headers().keys().any(|name| is_from_proxy(name.as_str()));
        if is_local { Ok(Self(())) } else { Err(Error::NotFound) }
    }
}

/// The name in the one `Host` header, without its port.
fn host(req: &HttpRequest) -> Option<&str> {
    let mut hosts = req.headers().get_all(header::HOST);
    let (host, None) = (hosts.next()?.to_str().ok()?, hosts.next()) else { return None };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => Some(name),
        _ => Some(host),
    }
}

/// Whether only a proxy sends a header of this name.
fn is_from_proxy(name: &str) -> bool {
    matches!(name, "forwarded" | "via" | "x-real-ip" | "true-client-ip" | "x-client-ip")
        || ["x-forwarded", "x-original-", "x-envoy-", "cf-"]
            .iter()
            .any(|start| name.starts_with(start))
}

impl FromRequest for FromThisMachine {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_host_is_read_without_its_port() {
        for (value, name) in [
            ("localhost:4280", "localhost"),
            ("[::1]:4280", "[::1]"),
            ("[::1]", "[::1]"),
            ("a", "a"),
        ] {
            let req = TestRequest::default().insert_header((header::HOST, value)).to_http_request();
            assert_eq!(host(&req), Some(name));
        }
    }

    #[test]
    fn headers_of_proxies_are_known() {
        for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "via"] {
            assert!(is_from_proxy(name));
        }
        assert!(!is_from_proxy("x-prefect-api-version"));
    }
}
