//! The pages about service accounts.

mod change;
mod look;

use actix_web::{HttpRequest, web};

use crate::access::ServiceAccountId;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::routes::resource;
use crate::base::text::{When, relative};
use crate::tenancy::api_keys::rules::Life;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    let of =
        |rest: &str| resource(format!("/organizations/{{organization}}/service-accounts{rest}"));
    config
        .service(of("").get(look::list))
        .service(of("/new").get(change::new).post(change::create))
        .service(of("/{id}").get(look::show))
        .service(of("/{id}/rotate").get(change::show_rotate).post(change::rotate))
        .service(of("/{id}/rename").get(change::show_rename).post(change::rename))
        .service(of("/{id}/disable").get(change::show_disable).post(change::disable))
        .service(of("/{id}/enable").get(change::back).post(change::enable))
        .service(of("/{id}/remove").get(change::show_remove).post(change::remove));
}

/// Which entry of the navigation these pages are.
const AT: &str = "service-accounts";

fn id(req: &HttpRequest) -> Result<ServiceAccountId> {
    req.match_info().get("id").and_then(|id| id.parse().ok()).ok_or(Error::NotFound)
}

/// When a key stops, as pages show it.
struct Expiry {
    /// The moment; `None` for never.
    when: Option<When>,
    /// Words and tone of a chip, where there is something to notice.
    chip: Option<(&'static str, &'static str, String)>,
}

impl Expiry {
    fn new(end: Option<Instant>, now: Instant) -> Self {
        let chip = match Life::of(end, now) {
            Life::Unlimited | Life::Long(_) => None,
            Life::Short(end) => Some(("warn", "late", format!("Expires {}", relative(end, now)))),
            Life::Over(_) => Some(("danger", "alert", "Expired".to_owned())),
        };
        Self { when: end.map(|end| When::new(end, now)), chip }
    }
}
