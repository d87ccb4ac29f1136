//! What the owner does with an invitation: resend, revoke, copy its link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{AT, Around, no_store, personal_only};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::page::{Notice, Page, Shell};
use crate::base::http::see_other;
use crate::base::text::{When, counted};
use crate::tenancy::invitations::actions::{self, Managed};
use crate::tenancy::invitations::model::{Invitation, InvitationId};
use crate::tenancy::invitations::queries;
use crate::tenancy::invitations::rules::{Standing, standing};
use crate::urls;

type Access = WorkspaceAccess<ManageWorkspaceUsers>;
type Path = web::Path<(String, String, String)>;

/// One of the three pages before a step.
#[derive(Template)]
#[template(path = "tenancy/collaborators/invited.html")]
struct StepPage {
    shell: Shell,
    around: Around,
    step: Step,
    email: String,
    expires: When,
    is_expired: bool,
    days: String,
    problem: Option<String>,
    keeps_mails: bool,
    resend: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Resend,
    Revoke,
    Link,
}

#[derive(Template)]
#[template(path = "tenancy/collaborators/link.html")]
struct LinkPage {
    shell: Shell,
    around: Around,
    email: String,
    expires: When,
    link: String,
    vouches: bool,
}

fn id(path: &Path) -> Result<InvitationId> {
    path.2.parse().map_err(|_| Error::NotFound)
}

/// The page before a step; `None` when the invitation was answered meanwhile.
async fn step_page(
    app: &App,
    access: &Access,
    shell: Shell,
    id: InvitationId,
    step: Step,
) -> Result<Option<StepPage>> {
    personal_only(access)?;
    let workspace = access.workspace().id;
    let found: Option<Invitation> = app
        .db
        .read(move |db| {
            let found = queries::pending_in(db, workspace, id)?;
            let is_here = found.is_some() || queries::is_in(db, workspace, id)?;
            if is_here { Ok(found) } else { Err(Error::NotFound) }
        })
        .await?;
    let Some(invitation) = found else { return Ok(None) };
    let (now, place) = (app.now(), access.workspace());
    Ok(Some(StepPage {
        shell: access.shell(shell, AT),
        around: Around::of(access),
        step,
        expires: When::new(invitation.expires_at, now),
        is_expired: standing(&invitation, now) == Standing::Expired,
        days: counted(app.settings().flags.invitation_days, "day", "days"),
        problem: None,
        keeps_mails: app.settings().keeps_mails(),
        resend: urls::collaborator_step(&place.account_handle, &place.handle, id, "resend"),
        email: invitation.email,
    }))
}

/// Back to the list with the news that somebody was faster.
fn over(req: &HttpRequest, list: &str) -> Result<HttpResponse> {
    let text = "This invitation was answered or revoked meanwhile.";
    Notice::info(text).leave(req)?;
    Ok(see_other(list))
}

async fn show(
    req: &HttpRequest,
    app: &App,
    (access, shell): (&Access, Shell),
    path: &Path,
    step: Step,
) -> Result<HttpResponse> {
    match step_page(app, access, shell, id(path)?, step).await? {
        Some(page) => Page(page).ok(),
        None => over(req, &Around::of(access).list),
    }
}

/// `GET …/collaborators/{id}/resend`
pub(super) async fn show_resend(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell): (Access, Shell),
    path: Path,
) -> Result<HttpResponse> {
    show(&req, &app, (&access, shell), &path, Step::Resend).await
}

/// `GET …/collaborators/{id}/revoke`
pub(super) async fn show_revoke(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell): (Access, Shell),
    path: Path,
) -> Result<HttpResponse> {
    show(&req, &app, (&access, shell), &path, Step::Revoke).await
}

/// `GET …/collaborators/{id}/link`
pub(super) async fn show_link(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell): (Access, Shell),
    path: Path,
) -> Result<HttpResponse> {
    show(&req, &app, (&access, shell), &path, Step::Link).await
}

/// `POST …/collaborators/{id}/resend`
pub(super) async fn resend(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell, ip): (Access, Shell, ClientIp),
    path: Path,
    _: Form<Button>,
) -> Result<HttpResponse> {
    let list = Around::of(&access).list;
    let id = id(&path)?;
    let Some(mut page) = step_page(&app, &access, shell, id, Step::Resend).await? else {
        return over(&req, &list);
    };
    match actions::resend(&app, access, ip, id).await? {
        Managed::Done(sent) => {
            let text = format!("Invitation sent to {} again. Its old link is dead.", sent.email);
            Notice::ok(text).leave(&req)?;
            Ok(see_other(list))
        }
        Managed::Refused(problem) => {
            page.problem = Some(problem);
            Page(page).with_status(StatusCode::UNPROCESSABLE_ENTITY)
        }
        Managed::Over | Managed::Expired => over(&req, &list),
    }
}

/// `POST …/collaborators/{id}/revoke`
pub(super) async fn revoke(
    req: HttpRequest,
    app: web::Data<App>,
    (access, ip): (Access, ClientIp),
    path: Path,
    _: Form<Button>,
) -> Result<HttpResponse> {
    personal_only(&access)?;
    let list = Around::of(&access).list;
    match actions::revoke(&app, access, ip, id(&path)?).await? {
        Managed::Done(revoked) => {
            let text =
                format!("The invitation of {} was revoked. Its link is dead.", revoked.email);
            Notice::ok(text).leave(&req)?;
            Ok(see_other(list))
        }
        _ => over(&req, &list),
    }
}

/// `POST …/collaborators/{id}/link`
pub(super) async fn link(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell, ip): (Access, Shell, ClientIp),
    path: Path,
    _: Form<Button>,
) -> Result<HttpResponse> {
    personal_only(&access)?;
    let (around, id) = (Around::of(&access), id(&path)?);
    let in_workspace = access.shell(shell.clone(), AT);
    let expired = step_page(&app, &access, shell, id, Step::Link).await?;
    match (actions::copy_link(&app, access, ip, id).await?, expired) {
        (Managed::Done((invitation, token)), _) => Page(LinkPage {
            shell: in_workspace,
            around,
            expires: When::new(invitation.expires_at, app.now()),
            email: invitation.email,
            link: format!("{}{}", app.settings().site(), urls::invitation(&token)),
            vouches: app.settings().keeps_mails(),
        })
        .ok()
        .map(no_store),
        (Managed::Expired, Some(page)) => Page(page).with_status(StatusCode::UNPROCESSABLE_ENTITY),
        _ => over(&req, &around.list),
    }
}
