//! Removing a collaborator.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::model::Collaborator;
use super::super::{actions, queries};
use super::{AT, personal_only};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::{Person, Shell};
use crate::tenancy::invitations::managing::{Around, HasPages};
use crate::tenancy::invitations::roster::MemberId;

#[derive(Template)]
#[template(path = "tenancy/collaborators/remove.html")]
struct RemovePage {
    shell: Shell,
    around: Around,
    person: Person,
}

/// `GET …/collaborators/{id}/remove`
pub(super) async fn show(
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    shell: Shell,
    app: web::Data<App>,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse> {
    personal_only(&access)?;
    let (id, workspace) = (id(&path)?, access.workspace().id);
    let found: Option<Collaborator> =
        app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    let found = found.ok_or(Error::NotFound)?;
    Page(RemovePage {
        shell: access.shell(shell, AT),
        around: access.around(),
        person: Person::new(&found.name, &found.email),
    })
    .ok()
}

/// `POST …/collaborators/{id}/remove`
pub(super) async fn remove(
    req: HttpRequest,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    app: web::Data<App>,
    (ip, path): (ClientIp, web::Path<(String, String, String)>),
    form: Form<Button>,
) -> Result<HttpResponse> {
    personal_only(&access)?;
    let around = access.around();
    let gone = actions::remove(&app, access, ip, id(&path)?, form.once).await?;
    let text = format!("{} was removed and has no access to {} any more.", gone.name, around.name);
    Notice::ok(text).leave(&req)?;
    Ok(see_other(around.list))
}

fn id(path: &(String, String, String)) -> Result<MemberId> {
    path.2.parse().map_err(|_| Error::NotFound)
}
