//! The pages of concurrency limits: the list, one limit with who holds its slots, and changing it (contents.md §8).

mod change;
mod form;
mod list;
mod show;

use actix_web::web;

use super::model::{Limit, LimitKind};
use super::tags::tag_of;
use crate::base::db::Instant;
use crate::base::http::routes::resource;
use crate::base::text::{counted, thousands};
use crate::orchestration::view::Chip;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    let at =
        |rest: &str| resource(format!("/workspaces/{{account}}/{{workspace}}/concurrency{rest}"));
    config
        .service(at("").get(list::list))
        .service(at("/new").get(form::ask_new).post(form::create))
        .service(at("/{id}").get(show::show))
        .service(at("/{id}/edit").get(form::ask_edit).post(form::edit))
        .service(at("/{id}/turn-on").post(change::turn_on))
        .service(at("/{id}/turn-off").post(change::turn_off))
        .service(at("/{id}/reset").get(change::ask_reset).post(change::reset))
        .service(at("/{id}/release").post(change::release))
        .service(at("/{id}/delete").get(change::ask_delete).post(change::delete));
}

/// What a limit is called on pages: of a tag, the tag.
fn title(limit: &Limit) -> String {
    match limit.kind {
        LimitKind::Tag => tag_of(limit).to_owned(),
        LimitKind::Global | LimitKind::Deployment => limit.name.clone(),
    }
}

/// `Slots`, `Rate: 2 a second`.
fn kind_words(limit: &Limit) -> String {
    if limit.decay > 0.0 { format!("Rate: {} a second", limit.decay) } else { "Slots".to_owned() }
}

/// On or off.
fn active(limit: &Limit) -> Chip {
    let (tone, icon, text) =
        if limit.is_active { ("ok", "check", "On") } else { ("neutral", "ban", "Off") };
    Chip { tone, icon, text: text.to_owned() }
}

/// Slots that are drawn one by one, at most.
const DRAWN: i64 = 20;

/// How many slots are in use, as it is shown.
struct InUse {
    /// `3 of 5`, or `7 of 5 in use until 2 end` (LIM-07).
    words: String,
    /// Each slot, and whether it is in use; empty for too many.
    meter: Vec<bool>,
    /// The same as a bar: how many, of how many.
    bar: (i64, i64),
}

impl InUse {
    fn of(limit: &Limit, now: Instant) -> Self {
        let (taken, slots) = (limit.in_use(now), limit.slots.max(0));
        let all = format!("{} of {}", thousands(taken), thousands(slots));
        let words = match limit.beyond(now) {
            0 => all,
            beyond if limit.decay > 0.0 => format!("{all}, {} too many", thousands(beyond)),
            beyond => {
                let ends = if beyond == 1 { "ends" } else { "end" };
                format!("{all} in use until {} {ends}", thousands(beyond))
            }
        };
        let meter =
            if slots <= DRAWN { (0..slots).map(|at| at < taken).collect() } else { Vec::new() };
        Self { words, meter, bar: (taken.min(slots), slots.max(1)) }
    }
}

/// Who waits for a limit, in words; empty for nobody.
fn waiting_words(limit: &Limit, now: Instant) -> String {
    let usage = &limit.usage.0;
    let (named, refused) = (usage.who_waits(now).len(), usage.lately_refused(now));
    match (i64::try_from(named).unwrap_or(0), refused) {
        (0, 0) => String::new(),
        (0, refused) => counted(refused, "ask refused", "asks refused"),
        (runs, _) => counted(runs, "run", "runs"),
    }
}
