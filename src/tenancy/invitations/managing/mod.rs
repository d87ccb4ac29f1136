//! What whoever may invite does with an invitation that was sent, on pages of its place: resend,
//! revoke, copy its link. The slices of the places mount these pages ([`routes`]).

pub mod lines;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use askama::Template;

use super::actions::{self, Managed, MayInvite};
use super::model::{Invitation, InvitationId, takes_collaborators};
use super::queries;
use super::rules::{Standing, standing};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::routes::resource;
use crate::base::http::see_other;
use crate::base::text::{When, counted};
use crate::frame::Shell;
use crate::tenancy::invitations::actions::Recruiting;
use crate::urls;

/// The place of these pages, as they show it.
#[derive(Clone, Debug)]
pub struct Around {
    /// The name of the workspace or organization.
    pub name: String,
    /// The address of the list of people.
    pub list: String,
    /// What that list is called.
    pub title: &'static str,
    /// What stands before `/{id}/{step}` in the addresses of these pages.
    pub steps: String,
}

impl Around {
    /// The address of a step of an invitation.
    pub fn step(&self, id: InvitationId, step: &str) -> String {
        format!("{}/{id}/{step}", self.steps)
    }
}

/// A proof whose place has such pages.
pub trait HasPages: MayInvite + FromRequest<Error = Error> {
    /// The place.
    fn around(&self) -> Around;

    /// The shell of a page there.
    fn in_shell(&self, shell: Shell) -> Shell;
}

impl HasPages for WorkspaceAccess<ManageWorkspaceUsers> {
    fn around(&self) -> Around {
        let place = self.workspace();
        let is_personal = takes_collaborators(place);
        let list = if is_personal { urls::collaborators(place) } else { urls::sharing(place) };
        Around {
            name: place.handle.clone(),
            steps: if is_personal { list.clone() } else { format!("{list}/invitations") },
            title: if is_personal { "Workspace collaborators" } else { "Workspace sharing" },
            list,
        }
    }

    fn in_shell(&self, shell: Shell) -> Shell {
        let is_personal = takes_collaborators(self.workspace());
        self.shell(shell, if is_personal { "collaborators" } else { "sharing" })
    }
}

impl HasPages for Recruiting {
    fn around(&self) -> Around {
        let list = urls::organization_page(&self.access().organization().handle, "members");
        Around {
            name: self.access().organization().name.clone(),
            steps: format!("{list}/invitations"),
            title: "Members",
            list,
        }
    }

    fn in_shell(&self, shell: Shell) -> Shell {
        self.access().shell(shell, "organization-members")
    }
}

/// Mounts the pages below `prefix`, with the proof that they need.
pub fn routes<A: HasPages>(config: &mut ServiceConfig, prefix: &str) {
    let step = |step: &str| resource(format!("{prefix}/{{id}}/{step}"));
    config
        .service(step("resend").get(show_resend::<A>).post(resend::<A>))
        .service(step("revoke").get(show_revoke::<A>).post(revoke::<A>))
        .service(step("link").get(show_link::<A>).post(link::<A>));
}

/// One of the three pages before a step.
#[derive(Template)]
#[template(path = "tenancy/invitations/managing/step.html")]
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

impl Step {
    fn title(self) -> &'static str {
        match self {
            Self::Resend => "Resend the invitation?",
            Self::Revoke => "Revoke the invitation?",
            Self::Link => "Copy the invitation’s link",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Resend => "Resend",
            Self::Revoke => "Revoke",
            Self::Link => "Copy link",
        }
    }
}

#[derive(Template)]
#[template(path = "tenancy/invitations/managing/link.html")]
struct LinkPage {
    shell: Shell,
    around: Around,
    email: String,
    expires: When,
    link: String,
    vouches: bool,
}

/// Keeps an answer with a secret out of caches.
pub fn no_store(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The place, and the invitation that the address names. The pages of the other kind of workspace
/// are not there (B7).
fn at<A: HasPages>(req: &HttpRequest, access: &A) -> Result<(Around, InvitationId)> {
    let around = access.around();
    let id = req.match_info().get("id").and_then(|id| id.parse().ok());
    id.filter(|id| req.path().starts_with(&format!("{}/{id}/", around.steps)))
        .map(|id| (around, id))
        .ok_or(Error::NotFound)
}

/// The page before a step; `None` when the invitation was answered meanwhile.
async fn step_page<A: HasPages>(
    app: &App,
    access: &A,
    shell: Shell,
    id: InvitationId,
    step: Step,
) -> Result<Option<StepPage>> {
    let around = access.around();
    let scope = access.scope();
    let found: Option<Invitation> = app
        .db
        .read(move |db| {
            let found = queries::pending_in(db, scope, id)?;
            let is_here = found.is_some() || queries::is_in(db, scope, id)?;
            if is_here { Ok(found) } else { Err(Error::NotFound) }
        })
        .await?;
    let Some(invitation) = found else { return Ok(None) };
    let now = app.now();
    Ok(Some(StepPage {
        shell: access.in_shell(shell),
        step,
        expires: When::new(invitation.expires_at, now),
        is_expired: standing(&invitation, now) == Standing::Expired,
        days: counted(app.settings().flags.invitation_days, "day", "days"),
        problem: None,
        keeps_mails: app.settings().keeps_mails(),
        resend: around.step(id, "resend"),
        email: invitation.email,
        around,
    }))
}

/// Back to the list with the news that somebody was faster.
fn over(req: &HttpRequest, list: &str) -> Result<HttpResponse> {
    let text = "This invitation was answered or revoked meanwhile.";
    Notice::info(text).leave(req)?;
    Ok(see_other(list))
}

async fn show<A: HasPages>(
    req: &HttpRequest,
    app: &App,
    (access, shell): (&A, Shell),
    step: Step,
) -> Result<HttpResponse> {
    let (around, id) = at(req, access)?;
    match step_page(app, access, shell, id, step).await? {
        Some(page) => Page(page).ok(),
        None => over(req, &around.list),
    }
}

async fn show_resend<A: HasPages>(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell): (A, Shell),
) -> Result<HttpResponse> {
    show(&req, &app, (&access, shell), Step::Resend).await
}

async fn show_revoke<A: HasPages>(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell): (A, Shell),
) -> Result<HttpResponse> {
    show(&req, &app, (&access, shell), Step::Revoke).await
}

async fn show_link<A: HasPages>(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell): (A, Shell),
) -> Result<HttpResponse> {
    show(&req, &app, (&access, shell), Step::Link).await
}

async fn resend<A: HasPages>(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell, ip): (A, Shell, ClientIp),
    form: Form<Button>,
) -> Result<HttpResponse> {
    let (around, id) = at(&req, &access)?;
    let Some(mut page) = step_page(&app, &access, shell, id, Step::Resend).await? else {
        return over(&req, &around.list);
    };
    match actions::resend(&app, access, ip, (id, Some(form.once))).await? {
        Managed::Done(sent) => {
            let notice = match sent.unmailed(app.settings().keeps_mails()) {
                None => Notice::ok(format!(
                    "Invitation sent to {} again. Its old link is dead.",
                    sent.email
                )),
                Some(why) => {
                    let text =
                        format!("{} is invited again. {why} The old link is dead.", sent.email);
                    Notice::warn(text).linking("Copy link", around.step(sent.id, "link"))
                }
            };
            notice.leave(&req)?;
            Ok(see_other(around.list))
        }
        Managed::Refused(problem) => {
            page.problem = Some(problem);
            Page(page).with_status(StatusCode::UNPROCESSABLE_ENTITY)
        }
        Managed::Over | Managed::Expired => over(&req, &around.list),
    }
}

async fn revoke<A: HasPages>(
    req: HttpRequest,
    app: web::Data<App>,
    (access, ip): (A, ClientIp),
    _: Form<Button>,
) -> Result<HttpResponse> {
    let (Around { list, .. }, id) = at(&req, &access)?;
    match actions::revoke(&app, access, ip, id).await? {
        Managed::Done(revoked) => {
            let text =
                format!("The invitation for {} was revoked. Its link is dead.", revoked.email);
            Notice::ok(text).leave(&req)?;
            Ok(see_other(list))
        }
        _ => over(&req, &list),
    }
}

async fn link<A: HasPages>(
    req: HttpRequest,
    app: web::Data<App>,
    (access, shell, ip): (A, Shell, ClientIp),
    form: Form<Button>,
) -> Result<HttpResponse> {
    let (around, id) = at(&req, &access)?;
    let in_place = access.in_shell(shell.clone());
    let expired = step_page(&app, &access, shell, id, Step::Link).await?;
    match (actions::copy_link(&app, access, ip, (id, form.once)).await?, expired) {
        (Managed::Done((invitation, token)), _) => Page(LinkPage {
            shell: in_place,
            around,
            expires: When::new(invitation.expires_at, app.now()),
            // A member is known already: the link needs no proof of the address.
            vouches: app.settings().keeps_mails() && invitation.user.is_none(),
            email: invitation.email,
            link: format!("{}{}", app.settings().site(), urls::invitation(&token)),
        })
        .ok()
        .map(no_store),
        (Managed::Expired, Some(page)) => Page(page).with_status(StatusCode::UNPROCESSABLE_ENTITY),
        _ => over(&req, &around.list),
    }
}
