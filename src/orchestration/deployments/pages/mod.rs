//! The pages of deployments.

mod change;
mod list;
mod show;

use actix_web::web;

use crate::base::db::Instant;
use crate::base::http::routes::resource;
use crate::orchestration::deployments::model::{Deployment, Whole};
use crate::orchestration::deployments::rule;
use crate::orchestration::view::Chip;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    let at =
        |rest: &str| resource(format!("/workspaces/{{account}}/{{workspace}}/deployments{rest}"));
    config
        .service(at("").get(list::show))
        .service(at("/{id}").get(show::show))
        .service(at("/{id}/pause").post(change::pause))
        .service(at("/{id}/resume").post(change::resume))
        .service(at("/{id}/delete").get(change::ask_delete).post(change::delete))
        .service(at("/{id}/schedules/{schedule}/pause").post(change::pause_schedule))
        .service(at("/{id}/schedules/{schedule}/resume").post(change::resume_schedule))
        .service(
            at("/{id}/schedules/{schedule}/delete")
                .get(change::ask_delete_schedule)
                .post(change::delete_schedule),
        );
}

/// Whether something asks for the runs of a deployment, as a chip.
pub fn status(deployment: &Deployment, now: Instant) -> Chip {
    let (tone, icon, text) = match deployment.last_polled_at {
        Some(_) if deployment.is_ready(now) => ("ok", "done", "Ready"),
        Some(_) => ("warn", "late", "No worker"),
        None => ("neutral", "pend", "Not deployed to a pool"),
    };
    Chip { tone, icon, text: text.to_owned() }
}

/// What a list says of the schedules of a deployment.
pub struct Words {
    /// The first one that makes runs, or the first one.
    pub text: Option<String>,
    /// Its time zone, where it is another than UTC, and how many more there are.
    pub more: String,
    /// Whether none makes runs.
    pub is_paused: bool,
}

impl Words {
    /// Those of a deployment.
    pub fn of(whole: &Whole) -> Self {
        let list = &whole.schedules;
        let active = list.iter().find(|one| one.paused_at.is_none());
        let is_paused =
            !list.is_empty() && (active.is_none() || whole.deployment.paused_at.is_some());
        let Some(first) = active.or_else(|| list.first()) else {
            return Self { text: None, more: String::new(), is_paused };
        };
        let (_, text, zone) = rule::told(&first.schedule.0);
        let others = (list.len() > 1).then(|| format!("and {} more", list.len() - 1));
        let zone = Some(zone).filter(|zone| zone != "UTC");
        let more = zone.into_iter().chain(others).collect::<Vec<_>>().join(", ");
        Self { text: Some(text), more, is_paused }
    }
}
