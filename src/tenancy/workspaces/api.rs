//! The JSON API of workspaces, personal ones and those of organizations.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::actions::{self, Created, Edited};
use super::model::{Description, Wanted};
use super::queries;
use crate::access::account::AccountAccess;
use crate::access::handle::Handle;
use crate::access::membership::{self, Workspace};
use crate::access::organization::{Admin, AnyMember};
use crate::access::permission::needs::{ManageWorkspaceSettings, WriteWorkspaceSettings};
use crate::access::role::RoleRef;
use crate::access::workspace::{AnyRole, WorkspaceAccess};
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{AnyOf, JsonBody, Refusal, Window, created, moment, no_content, ok};
use crate::base::http::routes::{resource, resources};

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resources(["/accounts/{account_id}/workspaces/", "/accounts/{account_id}/workspaces"])
                .post(create_workspace),
        )
        .service(resource("/accounts/{account_id}/workspaces/filter").post(filter_workspaces))
        .service(
            resource("/accounts/{account_id}/workspaces/{workspace_id}")
                .get(get_workspace)
                .patch(edit_workspace)
                .delete(delete_workspace),
        );
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(
    create_workspace,
    filter_workspaces,
    get_workspace,
    edit_workspace,
    delete_workspace
))]
pub struct Document;

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated: String,
    /// The account that owns it.
    pub account_id: Uuid,
    /// Its display name.
    pub name: String,
    /// Its handle, unique in the account.
    pub handle: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What everybody in the owning organization may do in it; null for nothing.
    pub default_workspace_role_id: Option<Uuid>,
    /// Always false.
    pub is_public: bool,
}

fn body_of(place: &Workspace, more: Option<&(Instant, Option<RoleRef>)>) -> WorkspaceBody {
    WorkspaceBody {
        id: place.id.uuid(),
        created: moment(place.created_at),
        updated: moment(more.map_or(place.created_at, |(updated, _)| *updated)),
        account_id: place.account.uuid(),
        name: place.name.clone(),
        handle: place.handle.clone(),
        description: place.description.clone(),
        default_workspace_role_id: more.and_then(|(_, role)| role.map(RoleRef::id)),
        is_public: false,
    }
}

async fn full_body(app: &App, place: Workspace) -> Result<WorkspaceBody> {
    let id = place.id;
    let more = app.db.read(move |db| Ok(queries::more_of(db, &[id])?)).await?;
    Ok(body_of(&place, more.first().map(|(_, more)| more)))
}

/// A workspace to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WorkspaceCreate {
    /// Its display name; workspaces are called by their handles, so this one is taken as its handle
    /// where there is none.
    #[serde(default)]
    pub name: Option<String>,
    /// Its handle: lower-case letters, digits and single dashes.
    #[serde(default)]
    pub handle: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
}

fn wanted(handle: &str, description: &str) -> Result<Wanted> {
    let handle =
        Handle::parse(handle).map_err(|problem| Error::Invalid(format!("handle: {problem}")))?;
    let description = Description::parse(description)
        .map_err(|problem| Error::Invalid(format!("description: {problem}")))?;
    Ok(Wanted { handle, description })
}

/// Makes a workspace in the own account, or in an organization whose admin the person is.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/", tag = "Workspaces",
    request_body = WorkspaceCreate,
    responses((status = 201, body = WorkspaceBody), (status = 409, body = Refusal)))]
pub async fn create_workspace(
    access: AccountAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<WorkspaceCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let handle = body.handle.or(body.name).unwrap_or_default();
    let wanted = wanted(&handle, body.description.as_deref().unwrap_or_default())?;
    let (reach, handle) = (access.reach(), wanted.handle.as_str().to_owned());
    let (actor, owner) = access.into_owner();
    let account = owner.handle.clone();
    match actions::create(&app, (actor, owner), ip, wanted, None).await? {
        Created::Now(_) | Created::Before(_) => {}
        Created::Taken(taken) => return Err(Error::Conflict(taken.problem())),
        Created::Full(slots) => {
            let used = slots.text().unwrap_or_default();
            return Err(Error::Conflict(format!("No slot is free: {used} workspaces are used.")));
        }
    }
    let made =
        app.db.read(move |db| Ok(membership::by_path(db, &reach, &account, &handle)?)).await?;
    let (made, _) = made.ok_or(Error::NotFound)?;
    Ok(created(&full_body(&app, made).await?))
}

/// Which workspaces.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct WorkspacesBody {
    /// By handle.
    pub workspaces: WorkspacesFilter,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

/// Which workspaces.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct WorkspacesFilter {
    /// With one of these handles.
    pub handle: AnyOf<String>,
}

/// The workspaces of an account that the key reaches, by handle.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/filter", tag = "Workspaces",
    request_body = Option<WorkspacesBody>, responses((status = 200, body = [WorkspaceBody])))]
pub async fn filter_workspaces(
    access: AccountAccess<AnyMember>,
    app: web::Data<App>,
    body: JsonBody<WorkspacesBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (account, reach) = (access.account().id, access.reach());
    let window = Window::of(body.limit, body.offset)?;
    let handles = body.workspaces.handle.values()?;
    let (found, more) = app
        .db
        .read(move |db| {
            let found = queries::reached_in(db, (account, &reach), handles, window)?;
            let ids: Vec<_> = found.iter().map(|place| place.id).collect();
            Ok((found, queries::more_of(db, &ids)?))
        })
        .await?;
    let more_of =
        |place: &Workspace| more.iter().find(|(id, _)| *id == place.id).map(|(_, more)| more);
    let list: Vec<WorkspaceBody> =
        found.iter().map(|place| body_of(place, more_of(place))).collect();
    Ok(ok(&list))
}

/// One workspace that the key reaches.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}",
    tag = "Workspaces", responses((status = 200, body = WorkspaceBody)))]
pub async fn get_workspace(
    access: WorkspaceAccess<AnyRole>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Ok(ok(&full_body(&app, access.workspace().clone()).await?))
}

/// A change of a workspace; what is absent or null stays. The default role has an address of its own.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct WorkspaceChange {
    /// Its handle.
    pub handle: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// Changes a workspace's handle and description.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/workspaces/{workspace_id}",
    tag = "Workspaces", request_body = Option<WorkspaceChange>,
    responses((status = 204), (status = 409, body = Refusal)))]
pub async fn edit_workspace(
    access: WorkspaceAccess<WriteWorkspaceSettings>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<WorkspaceChange>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let merged = move |place: &Workspace| {
        let handle = body.handle.as_ref().unwrap_or(&place.handle);
        wanted(handle, body.description.as_ref().unwrap_or(&place.description))
    };
    match actions::edit(&app, access, ip, merged).await? {
        Edited::Saved { .. } => Ok(no_content()),
        Edited::Taken(taken) => Err(Error::Conflict(taken.problem())),
    }
}

/// Deletes a workspace; within the days of grace it can be restored on its account's pages.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/workspaces/{workspace_id}",
    tag = "Workspaces", responses((status = 204)))]
pub async fn delete_workspace(
    _: HttpRequest,
    access: WorkspaceAccess<ManageWorkspaceSettings>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::delete_by_key(&app, access, ip).await?;
    Ok(no_content())
}
