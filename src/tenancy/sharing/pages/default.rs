//! What everybody in the organization may do here: first who gains and loses what, then the change.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Around, RoleOption, role_options, shell};
use crate::access::membership;
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::role::RoleRef;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::tenancy::roles::actions::Seen;
use crate::tenancy::roles::impact::Impact;
use crate::tenancy::sharing::actions::{self, Default, organization_only};
use crate::tenancy::sharing::forms::{self, DefaultForm};

#[derive(Template)]
#[template(path = "tenancy/sharing/default.html")]
struct DefaultPage {
    shell: Shell,
    around: Around,
    role: Field,
    roles: Vec<RoleOption>,
    impact: Impact,
    seen: String,
}

async fn page(
    app: &App,
    access: &WorkspaceAccess<ManageWorkspaceUsers>,
    page_shell: Shell,
    role: Field,
) -> Result<DefaultPage> {
    Ok(DefaultPage {
        around: Around::of(access.workspace()),
        roles: role_options(app, access).await?,
        shell: shell(access, page_shell),
        role,
        impact: Impact::default(),
        seen: String::new(),
    })
}

/// `GET …/sharing/default`
pub(super) async fn show(
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    page_shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    organization_only(access.workspace())?;
    let id = access.workspace().id;
    let present = app.db.read(move |db| Ok(membership::default_role(db, id)?)).await?;
    let value = present.map_or("none".to_owned(), |role| role.role.to_string());
    Page(page(&app, &access, page_shell, Field::new("role", value)).await?).ok()
}

/// The role of a form's word; `none` is no access.
fn parse(raw: &str) -> Result<Option<RoleRef>, String> {
    if raw == "none" { Ok(None) } else { forms::role(raw).map(Some) }
}

/// `POST …/sharing/default`
pub(super) async fn save(
    req: HttpRequest,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    (page_shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<DefaultForm>,
) -> Result<HttpResponse> {
    organization_only(access.workspace())?;
    let mut role = Field::new("role", form.fields.role);
    let wanted = role.parse(parse);
    let mut page = page(&app, &access, page_shell, role).await?;
    let Some(wanted) = wanted else { return Page(page).unprocessable() };
    let seen = Seen::Fingerprint(form.fields.seen);
    match actions::set_default(&app, access, ip, wanted, seen).await {
        Ok(Default::Saved(title)) => {
            let text = format!("Anyone at {}: {title}.", page.around.organization);
            Notice::ok(text).leave(&req)?;
            Ok(see_other(page.around.list))
        }
        Ok(Default::Shown(impact)) => {
            page.seen = impact.fingerprint();
            page.impact = impact;
            Page(page).unprocessable()
        }
        Err(Error::Invalid(problem)) => {
            page.role = page.role.with_problem(problem);
            Page(page).unprocessable()
        }
        Err(error) => Err(error),
    }
}
