//! The workspaces that somebody was in last, for the switcher: the browser keeps their ids in a cookie. What it
//! says decides an order and nothing else.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use super::WorkspaceId;
use crate::app::App;

/// So many others are known.
pub const RECENT: usize = 4;

/// The last workspaces, the newest first; one more than are shown, since the present one is among them.
#[derive(Debug)]
pub struct Recent(Vec<WorkspaceId>);

impl Recent {
    /// What a request's cookie says; what cannot be read is left out.
    pub fn of(req: &HttpRequest, app: &App) -> Self {
        let cookie = req.cookie(name(app));
        let ids = cookie.iter().flat_map(|cookie| cookie.value().split('.'));
        Self(ids.filter_map(|id| id.parse().ok()).take(RECENT + 1).collect())
    }

    /// Those beside a present one; it stands in for those that are not there.
    pub fn beside(&self, present: WorkspaceId) -> [WorkspaceId; RECENT] {
        let mut others = self.0.iter().copied().filter(|id| *id != present);
        std::array::from_fn(|_| others.next().unwrap_or(present))
    }

    /// The cookie for somebody who comes to a workspace; `None` where they already were.
    pub fn with(self, present: WorkspaceId, app: &App) -> Option<Cookie<'static>> {
        if self.0.first() == Some(&present) {
            return None;
        }
        let others = self.0.into_iter().filter(|id| *id != present).take(RECENT);
        let ids: Vec<String> =
            std::iter::once(present).chain(others).map(|id| id.to_string()).collect();
        let cookie = Cookie::build(name(app), ids.join("."))
            .path("/")
            .http_only(true)
            .secure(app.settings().is_https())
            .same_site(SameSite::Lax)
            .max_age(Duration::days(90));
        Some(cookie.finish())
    }
}

fn name(app: &App) -> &'static str {
    if app.settings().is_https() { "__Host-bulkhead-recent" } else { "bulkhead-recent" }
}
