//! What every page and endpoint shares: bodies, forms, sessions, headers, limits, assets.

pub mod assets;
pub mod body;
pub mod client;
pub mod connections;
pub mod ended_sessions;
pub mod figures;
pub mod form;
pub mod headers;
pub mod json;
pub mod limits;
pub mod metrics;
mod notice;
pub mod object;
pub mod page;
pub mod refusal;
pub mod routes;
pub mod session;
pub mod socket;

use actix_web::HttpResponse;
use actix_web::http::header;

/// 303 to a page of this site: the answer to every form that worked.
pub fn see_other(location: impl AsRef<str>) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location.as_ref())).finish()
}

/// A path of this site to come back to, from an untrusted `next` parameter (BR-10): absolute,
/// without a host, without anything that a browser reads as one.
pub fn local_path(next: &str) -> Option<String> {
    let is_plain = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.len() <= 1000
        && next.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    let stays = url::Url::parse("http://bulkhead.invalid/").and_then(|base| base.join(next));
    let stays = stays.is_ok_and(|url| url.host_str() == Some("bulkhead.invalid"));
    (is_plain && stays).then(|| next.to_owned())
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn next_stays_on_this_site() {
        for good in ["/", "/workspaces", "/workspaces/ada/lab?q=a%20b#x"] {
            assert_eq!(local_path(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "workspaces",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/ /x",
            "/\u{0}",
            "/é",
            "http:/x",
        ] {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
    }
}
