//! The invitation form, and what became of each line.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::forms::InviteForm;
use super::{AT, Around, no_store, personal_only};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::{Notice, Page, Shell};
use crate::base::http::see_other;
use crate::base::text::{counted, relative};
use crate::tenancy::invitations::actions::{self, LineOutcome, LineResult};
use crate::tenancy::invitations::model::InvitationId;
use crate::tenancy::invitations::rules::{self, LINES};
use crate::urls;

/// One line as shown: as typed, what became of it, and a link.
struct LineView {
    typed: String,
    text: String,
    link: Option<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "tenancy/collaborators/invite.html")]
struct InvitePage {
    shell: Shell,
    around: Around,
    email: Field,
    lines: Vec<LineView>,
    title: String,
    tone: &'static str,
    keeps_mails: bool,
    hint: String,
}

fn page(
    app: &App,
    access: &WorkspaceAccess<ManageWorkspaceUsers>,
    shell: Shell,
    email: Field,
) -> InvitePage {
    InvitePage {
        shell: access.shell(shell, AT),
        around: Around::of(access),
        email,
        lines: Vec::new(),
        title: String::new(),
        tone: "ok",
        keeps_mails: app.settings().keeps_mails(),
        hint: format!(
            "One address a line, or several with commas. People without an account create one when \
             they accept. The invitation expires after {}.",
            counted(app.settings().flags.invitation_days, "day", "days")
        ),
    }
}

/// `GET …/collaborators/invite`
pub(super) async fn show(
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    personal_only(&access)?;
    Page(page(&app, &access, shell, Field::empty("email"))).ok()
}

/// `POST …/collaborators/invite`
pub(super) async fn send(
    req: HttpRequest,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<InviteForm>,
) -> Result<HttpResponse> {
    personal_only(&access)?;
    let text = form.fields.email;
    if rules::lines(&text).next().is_none() {
        let email = Field::new("email", text).with_problem("Type at least one address.");
        return Page(page(&app, &access, shell, email)).unprocessable();
    }
    let mut page = page(&app, &access, shell, Field::empty("email"));
    let words = Words {
        account: access.workspace().account_handle.clone(),
        handle: access.workspace().handle.clone(),
        keeps_mails: page.keeps_mails,
        now: app.now(),
    };
    let results = actions::invite(&app, access, ip, &text, form.once).await?;
    if results.iter().all(is_sent) {
        words.notice(&results).leave(&req)?;
        return Ok(see_other(&page.around.list));
    }
    page.fill(&results, &words);
    Page(page).with_status(status(&results)).map(no_store)
}

fn is_sent(result: &LineResult) -> bool {
    matches!(result.outcome, LineOutcome::Sent(..))
}

/// 200 when something was sent, 429 when only the day's limit stood against it, 422 otherwise.
fn status(results: &[LineResult]) -> StatusCode {
    let is_limit = |result: &LineResult| {
        matches!(result.outcome, LineOutcome::TooManyToday | LineOutcome::Bothered)
    };
    if results.iter().any(is_sent) {
        StatusCode::OK
    } else if results.iter().all(is_limit) {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

impl InvitePage {
    /// Shows what became of each line, and keeps what can be corrected.
    fn fill(&mut self, results: &[LineResult], words: &Words) {
        let (sent, unsent): (Vec<_>, Vec<_>) = results.iter().partition(|result| is_sent(result));
        let count = |some: &[&LineResult]| i64::try_from(some.len()).unwrap_or_default();
        let was_sent = counted(count(&sent), "invitation sent", "invitations sent");
        let not_sent = counted(count(&unsent), "line was not sent", "lines were not sent");
        let typed: Vec<&str> = unsent.iter().map(|result| result.typed.as_str()).collect();
        self.email = Field::new("email", typed.join("\n"));
        (self.tone, self.title) = if sent.is_empty() {
            self.email.problem = Some(format!("{not_sent}: see above."));
            ("danger", "No invitation was sent.".to_owned())
        } else {
            ("warn", format!("{was_sent}, {not_sent}."))
        };
        self.lines = results.iter().map(|result| words.line(result)).collect();
    }
}

/// What the words about a line need.
struct Words {
    account: String,
    handle: String,
    keeps_mails: bool,
    now: Instant,
}

impl Words {
    /// The line above the list when every invitation was sent.
    fn notice(&self, results: &[LineResult]) -> Notice {
        let sent = match results {
            [only] => format!("Invitation sent to {}.", only.typed),
            many => format!("{} invitations sent.", many.len()),
        };
        if !self.keeps_mails {
            return Notice::ok(sent);
        }
        let kept = "No mail server is set, so mails are kept: copy the link and hand it on.";
        let notice = Notice::warn(format!("{sent} {kept}"));
        match results.first().map(|first| &first.outcome) {
            Some(LineOutcome::Sent(id, _)) if results.len() == 1 => {
                notice.linking("Copy link", self.step(*id, "link"))
            }
            _ => notice,
        }
    }

    fn step(&self, id: InvitationId, step: &str) -> String {
        urls::collaborator_step(&self.account, &self.handle, id, step)
    }

    fn line(&self, result: &LineResult) -> LineView {
        let link = match result.outcome {
            LineOutcome::Sent(id, _) if self.keeps_mails => {
                Some(("Copy link", self.step(id, "link")))
            }
            LineOutcome::Invited(id) => Some(("Resend", self.step(id, "resend"))),
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

    /// What became of a line.
    fn of(&self, outcome: &LineOutcome) -> String {
        let fixed = match outcome {
            LineOutcome::Sent(_, expires_at) => return self.sent(*expires_at),
            LineOutcome::Invalid(problem) => return problem.clone(),
            LineOutcome::Full(limit) => {
                let people = counted(i64::from(*limit), "collaborator", "collaborators");
                return format!(
                    "No place left: a workspace can have {people}, open invitations included."
                );
            }
            LineOutcome::Declined(until) => {
                let day = until.day_text();
                return format!("Declined lately. You can invite this address again from {day}.");
            }
            LineOutcome::Surplus => {
                return format!("Not read: one form takes {LINES} addresses. Send it again.");
            }
            LineOutcome::Member => "Already a collaborator.",
            LineOutcome::Invited(_) => "Already invited.",
            LineOutcome::Yourself => "This is your own address.",
            LineOutcome::TooManyOpen => "Too many invitations are open here.",
            LineOutcome::TooManyToday => {
                "You have sent as many invitations today as you can. Try again tomorrow."
            }
            LineOutcome::Bothered => {
                "This address got several invitations today. Try again tomorrow."
            }
        };
        fixed.to_owned()
    }
}
