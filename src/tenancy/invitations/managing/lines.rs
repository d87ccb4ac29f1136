//! What became of each line of a form that invites several addresses.

use actix_web::http::StatusCode;

use super::super::actions::{LineOutcome, LineResult};
use super::super::rules::LINES;
use super::Around;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::http::form::Field;
use crate::base::http::page::Notice;
use crate::base::text::{counted, relative};

/// One line as shown: as typed, what became of it, and a link.
#[derive(Clone, Debug)]
pub struct LineView {
    /// As typed.
    pub typed: String,
    /// What became of it.
    pub text: String,
    /// Words and address of what can be done about it.
    pub link: Option<(&'static str, String)>,
}

/// The answer to a form: a heading, its tone, and the lines.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The heading.
    pub title: String,
    /// `ok`, `warn` or `danger`.
    pub tone: &'static str,
    /// The lines; empty before anything was sent.
    pub lines: Vec<LineView>,
}

/// Whether there is an invitation for a line now.
pub fn is_sent(result: &LineResult) -> bool {
    matches!(result.outcome, LineOutcome::Sent(..) | LineOutcome::Unmailed(..))
}

/// Whether the address of a line gets no mail today.
fn is_unmailed(result: &LineResult) -> bool {
    matches!(result.outcome, LineOutcome::Unmailed(..))
}

/// 200 when something was sent, 429 when only the day's limit stood against it, 422 otherwise.
pub fn status(results: &[LineResult]) -> StatusCode {
    let is_limit = |result: &LineResult| result.outcome == LineOutcome::TooManyToday;
    if results.iter().any(is_sent) {
        StatusCode::OK
    } else if results.iter().all(is_limit) {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

/// The words of one place.
pub struct Words<'a> {
    around: &'a Around,
    one: &'static str,
    many: &'static str,
    keeps_mails: bool,
    now: Instant,
}

impl<'a> Words<'a> {
    /// The words for a place whose people are called so.
    pub fn new(app: &App, around: &'a Around, (one, many): (&'static str, &'static str)) -> Self {
        let keeps_mails = app.settings().keeps_mails();
        Self { around, one, many, keeps_mails, now: app.now() }
    }

    /// The line above the list when every invitation was sent.
    pub fn notice(&self, results: &[LineResult]) -> Notice {
        let unmailed = results.iter().filter(|result| is_unmailed(result)).count();
        if !self.keeps_mails && unmailed == 0 {
            return Notice::ok(match results {
                [only] => format!("Invitation sent to {}.", only.typed),
                many => format!("{} invitations sent.", many.len()),
            });
        }
        let sent = match results {
            [only] => format!("{} is invited.", only.typed),
            many => format!("{} people are invited.", many.len()),
        };
        let kept = if self.keeps_mails {
            "No mail server is set, so mails are kept: copy the link and hand it on.".to_owned()
        } else if unmailed == results.len() {
            "No mail was sent, since there were several today: copy the link and hand it on."
                .to_owned()
        } else {
            format!(
                "{unmailed} of them got several mails today and no further one: copy the links."
            )
        };
        let notice = Notice::warn(format!("{sent} {kept}"));
        match results.first().map(|first| &first.outcome) {
            Some(LineOutcome::Sent(id, _) | LineOutcome::Unmailed(id, _)) if results.len() == 1 => {
                notice.linking("Copy link", self.around.step(*id, "link"))
            }
            _ => notice,
        }
    }

    /// What became of each line; `email` keeps what can be corrected.
    pub fn report(&self, results: &[LineResult], email: &mut Field) -> Report {
        let (sent, unsent): (Vec<_>, Vec<_>) = results.iter().partition(|result| is_sent(result));
        let count = |some: &[&LineResult]| i64::try_from(some.len()).unwrap_or_default();
        let was_sent = counted(count(&sent), "person is invited", "people are invited");
        let not_sent = counted(count(&unsent), "line was left out", "lines were left out");
        let typed: Vec<&str> = unsent.iter().map(|result| result.typed.as_str()).collect();
        *email = Field::new(email.name, typed.join("\n"));
        let (tone, title) = if sent.is_empty() {
            email.problem = Some(format!("{not_sent}: see above."));
            ("danger", "No invitation was sent.".to_owned())
        } else {
            ("warn", format!("{was_sent}, {not_sent}."))
        };
        Report { title, tone, lines: results.iter().map(|result| self.line(result)).collect() }
    }

    fn line(&self, result: &LineResult) -> LineView {
        let link = match result.outcome {
            LineOutcome::Sent(id, _) if self.keeps_mails => {
                Some(("Copy link", self.around.step(id, "link")))
            }
            LineOutcome::Unmailed(id, _) => Some(("Copy link", self.around.step(id, "link"))),
            LineOutcome::Invited(id) => Some(("Resend", self.around.step(id, "resend"))),
            _ => None,
        };
        LineView { typed: result.typed.clone(), text: self.of(&result.outcome), link }
    }

    fn sent(&self, expires_at: Instant) -> String {
        let end = relative(expires_at, self.now);
        if self.keeps_mails {
            format!("Invited, mail kept. Expires {end}.")
        } else {
            format!("Sent. Expires {end}.")
        }
    }

    /// What became of a line, in a sentence.
    pub fn of(&self, outcome: &LineOutcome) -> String {
        let fixed = match outcome {
            LineOutcome::Sent(_, expires_at) => return self.sent(*expires_at),
            LineOutcome::Unmailed(_, expires_at) => {
                let end = relative(*expires_at, self.now);
                return format!(
                    "Invited, but not mailed: this address got several invitations today. \
                     Expires {end}."
                );
            }
            LineOutcome::Invalid(problem) => return problem.clone(),
            LineOutcome::Full(limit) => {
                let people = counted(i64::from(*limit), self.one, self.many);
                let place = if self.one == "member" { "an organization" } else { "a workspace" };
                return format!(
                    "No place left: {place} can have {people}, open invitations included."
                );
            }
            LineOutcome::Declined(until) => {
                let day = until.day_text();
                return format!("Declined lately. You can invite this address again from {day}.");
            }
            LineOutcome::Surplus => {
                return format!("Not read: one form takes {LINES} addresses. Send it again.");
            }
            LineOutcome::Member => return format!("Already a {}.", self.one),
            LineOutcome::Invited(_) => "Already invited.",
            LineOutcome::Yourself => "This is your own address.",
            LineOutcome::TooManyOpen => "Too many invitations are open here.",
            LineOutcome::TooManyToday => {
                "You have sent as many invitations today as you can. Try again tomorrow."
            }
        };
        fixed.to_owned()
    }
}
