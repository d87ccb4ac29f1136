//! The invitation form, and what became of each line.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::forms::InviteForm;
use super::personal_only;
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::role::Role;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::Page;
use crate::base::http::see_other;
use crate::base::text::counted;
use crate::frame::Shell;
use crate::tenancy::invitations::actions;
use crate::tenancy::invitations::managing::lines::{Report, Words, is_sent, status};
use crate::tenancy::invitations::managing::{Around, HasPages, no_store};
use crate::tenancy::invitations::rules;

#[derive(Template)]
#[template(path = "tenancy/collaborators/invite.html")]
struct InvitePage {
    shell: Shell,
    around: Around,
    email: Field,
    report: Report,
    keeps_mails: bool,
    hint: String,
    /// What a collaborator may do, and what not.
    allows: Vec<String>,
    missing: Vec<String>,
}

fn page(
    app: &App,
    access: &WorkspaceAccess<ManageWorkspaceUsers>,
    shell: Shell,
    email: Field,
) -> InvitePage {
    let around = access.around();
    InvitePage {
        shell: access.in_shell(shell),
        around,
        email,
        report: Report::default(),
        keeps_mails: app.settings().keeps_mails(),
        allows: Role::Collaborator.scopes().in_words(),
        missing: Role::Collaborator.scopes().missing_in_words(),
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
    let typed = rules::lines(&text);
    if typed.is_empty() {
        let email = Field::new("email", text).with_problem("Type at least one address.");
        return Page(page(&app, &access, shell, email)).unprocessable();
    }
    let mut page = page(&app, &access, shell, Field::empty("email"));
    let results = actions::invite(&app, access, ip, typed, form.once).await?;
    let words = Words::new(&app, &page.around, ("collaborator", "collaborators"));
    if results.iter().all(is_sent) {
        words.notice(&results).leave(&req)?;
        return Ok(see_other(&page.around.list));
    }
    page.report = words.report(&results, &mut page.email);
    Page(page).with_status(status(&results)).map(no_store)
}
