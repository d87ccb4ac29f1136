//! The JSON API of who may use a workspace: roles of members and service accounts, the default role,
//! and invitations, also those of collaborators.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::actions::{self, Invited, Request};
use super::grantee::Shared;
use super::model::{BotGrantId, SharedBot, SharedPerson};
use super::queries;
use crate::access::membership::AccountKind;
use crate::access::permission::needs::{
    ManageWorkspaceServiceAccounts, ManageWorkspaceUsers, SeeWorkspaceServiceAccounts,
    SeeWorkspaceUsers,
};
use crate::access::role::RoleRef;
use crate::access::workspace::WorkspaceAccess;
use crate::access::{ServiceAccountId, UserId, WorkspaceId};
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    JsonBody, JsonList, Refusal, Window, created, moment, no_content, ok, parse_moment, path_id,
};
use crate::base::http::object::Object;
use crate::base::http::routes::{resource, resources};
use crate::tenancy::invitations::actions as invitations;
use crate::tenancy::invitations::api::{InvitationBody, InvitationsBody, Sent, managed};
use crate::tenancy::invitations::model::Scope;
use crate::tenancy::invitations::queries as invited;
use crate::tenancy::invitations::roster::MemberId;
use crate::tenancy::organizations::api::sent_bodies;
use crate::tenancy::roles::actions::Seen;

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    const PLACE: &str = "/accounts/{account_id}/workspaces/{workspace_id}";
    let of = |rest: &str| resource(format!("{PLACE}{rest}"));
    let both = |rest: &str| resources([format!("{PLACE}{rest}/"), format!("{PLACE}{rest}")]);
    config
        .service(both("/user_access").post(grant_users))
        .service(of("/user_access/filter").post(filter_users))
        .service(of("/user_access/{id}").get(get_user).delete(remove_user))
        .service(both("/bot_access").post(grant_bots))
        .service(of("/bot_access/filter").post(filter_bots))
        .service(of("/bot_access/{id}").get(get_bot).delete(remove_bot))
        .service(of("/default_role").put(set_default))
        .service(both("/invitations").post(invite))
        .service(of("/invitations/filter").post(invitations_of))
        .service(of("/invitations/{id}").delete(revoke))
        .service(of("/invitations/{id}/resend").post(resend));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(
    grant_users,
    filter_users,
    get_user,
    remove_user,
    grant_bots,
    filter_bots,
    get_bot,
    remove_bot,
    set_default,
    invite,
    invitations_of,
    revoke,
    resend
))]
pub struct Document;

/// A role that somebody was given in a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessBody {
    /// Its id.
    pub id: Uuid,
    /// When it was given.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it was given.
    #[schema(format = DateTime)]
    pub updated: String,
    /// The workspace.
    pub workspace_id: Uuid,
    /// The role.
    pub workspace_role_id: Uuid,
    /// Whoever has it, as one who acts.
    pub actor_id: Uuid,
    /// The person who has it.
    pub user_id: Option<Uuid>,
    /// The service account that has it.
    pub bot_id: Option<Uuid>,
    /// When it ends; null for never.
    #[schema(format = DateTime)]
    pub expiration: Option<String>,
}

fn user_body(workspace: WorkspaceId, row: &SharedPerson) -> AccessBody {
    AccessBody {
        id: row.id.uuid(),
        created: moment(row.since),
        updated: moment(row.since),
        workspace_id: workspace.uuid(),
        workspace_role_id: row.role.role.id(),
        actor_id: row.user.uuid(),
        user_id: Some(row.user.uuid()),
        bot_id: None,
        expiration: row.until.map(moment),
    }
}

fn bot_body(workspace: WorkspaceId, row: &SharedBot) -> AccessBody {
    AccessBody {
        id: row.id.uuid(),
        created: moment(row.since),
        updated: moment(row.since),
        workspace_id: workspace.uuid(),
        workspace_role_id: row.role.role.id(),
        actor_id: row.bot.uuid(),
        user_id: None,
        bot_id: Some(row.bot.uuid()),
        expiration: row.until.map(moment),
    }
}

/// A role for a member of the organization.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UserAccess {
    /// The member's user id.
    pub user_id: Uuid,
    /// The role.
    pub workspace_role_id: Uuid,
    /// When it ends (RFC 3339); absent or null for never.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub expiration: Option<String>,
}

/// A role for a service account of the organization.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BotAccess {
    /// The service account.
    pub bot_id: Uuid,
    /// The role.
    pub workspace_role_id: Uuid,
    /// When it ends (RFC 3339); absent or null for never.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub expiration: Option<String>,
}

fn request(role: Uuid, expiration: Option<&str>) -> Result<Request> {
    let until: Option<Instant> = expiration.map(parse_moment).transpose()?;
    Ok(Request { role: RoleRef::of_id(role), until })
}

/// One row at a time: what was given before the first refusal stays.
fn only<T>(list: Vec<T>) -> Result<T> {
    let mut list = list;
    match (list.pop(), list.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Error::Invalid("Send a list of exactly one.".to_owned())),
    }
}

/// Gives a member of the organization a role at once, or changes it.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/user_access/",
    tag = "Sharing", request_body = [UserAccess], responses((status = 200, body = [AccessBody])))]
pub async fn grant_users(
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonList<Object<UserAccess>>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let Object(asked) = only(body)?;
    let request = request(asked.workspace_role_id, asked.expiration.as_deref())?;
    let place = access.workspace().id;
    let user = UserId::from(asked.user_id);
    let row = actions::grant(&app, access, ip, (user, request)).await?;
    Ok(ok(&[user_body(place, &row)]))
}

/// How many rows are wanted, and behind how many.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct AccessFilter {
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

impl AccessFilter {
    fn window(&self) -> Result<Window> {
        Window::of(self.limit, self.offset)
    }
}

/// Members with a role of their own, in the order in which they got it.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/user_access/filter",
    tag = "Sharing", request_body = Option<AccessFilter>,
    responses((status = 200, body = [AccessBody])))]
pub async fn filter_users(
    access: WorkspaceAccess<SeeWorkspaceUsers>,
    app: web::Data<App>,
    body: JsonBody<AccessFilter>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (place, window) = (access.workspace().clone(), body.window()?);
    let (id, now) = (place.id, app.now());
    let found = app
        .db
        .read(move |db| Ok(queries::all_people(db, (place.account, place.id), window, now)?))
        .await?;
    let list: Vec<AccessBody> = found.iter().map(|row| user_body(id, row)).collect();
    Ok(ok(&list))
}

/// One member's role.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/user_access/{id}",
    tag = "Sharing", responses((status = 200, body = AccessBody)))]
pub async fn get_user(
    req: HttpRequest,
    access: WorkspaceAccess<SeeWorkspaceUsers>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let id: MemberId = path_id(&req, "id")?;
    let place = (access.workspace().account, access.workspace().id);
    let found = app.db.read(move |db| Ok(queries::person(db, place, id)?)).await?;
    let found = found.filter(|row| !row.has_ended(app.now())).ok_or(Error::NotFound)?;
    Ok(ok(&user_body(place.1, &found)))
}

/// Ends a member's role in an organization's workspace, at once.
#[utoipa::path(delete,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/user_access/{id}", tag = "Sharing",
    responses((status = 204)))]
pub async fn remove_user(
    req: HttpRequest,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::remove::<UserId>(&app, access, ip, path_id(&req, "id")?).await?;
    Ok(no_content())
}

/// Shares the workspace with a service account at once, or changes its role.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/bot_access/",
    tag = "Sharing", request_body = [BotAccess], responses((status = 200, body = [AccessBody])))]
pub async fn grant_bots(
    access: WorkspaceAccess<ManageWorkspaceServiceAccounts>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonList<Object<BotAccess>>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let Object(asked) = only(body)?;
    let request = request(asked.workspace_role_id, asked.expiration.as_deref())?;
    let (place, bot) = (access.workspace().id, ServiceAccountId::from(asked.bot_id));
    let row = actions::grant(&app, access, ip, (bot, request)).await?;
    Ok(ok(&[bot_body(place, &row)]))
}

/// Service accounts with which the workspace is shared, in the order in which that was done.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/bot_access/filter",
    tag = "Sharing", request_body = Option<AccessFilter>,
    responses((status = 200, body = [AccessBody])))]
pub async fn filter_bots(
    access: WorkspaceAccess<SeeWorkspaceServiceAccounts>,
    app: web::Data<App>,
    body: JsonBody<AccessFilter>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (id, window, now) = (access.workspace().id, body.window()?, app.now());
    let found = app.db.read(move |db| Ok(queries::all_bots(db, id, window, now)?)).await?;
    let list: Vec<AccessBody> = found.iter().map(|row| bot_body(id, row)).collect();
    Ok(ok(&list))
}

/// One service account's role.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/bot_access/{id}",
    tag = "Sharing", responses((status = 200, body = AccessBody)))]
pub async fn get_bot(
    req: HttpRequest,
    access: WorkspaceAccess<SeeWorkspaceServiceAccounts>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let id: BotGrantId = path_id(&req, "id")?;
    let place = access.workspace().id;
    let found = app.db.read(move |db| Ok(queries::bot(db, place, id)?)).await?;
    let found = found.filter(|row| !row.has_ended(app.now())).ok_or(Error::NotFound)?;
    Ok(ok(&bot_body(place, &found)))
}

/// Ends a service account's access, at once.
#[utoipa::path(delete,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/bot_access/{id}", tag = "Sharing",
    responses((status = 204)))]
pub async fn remove_bot(
    req: HttpRequest,
    access: WorkspaceAccess<ManageWorkspaceServiceAccounts>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::remove::<ServiceAccountId>(&app, access, ip, path_id(&req, "id")?).await?;
    Ok(no_content())
}

/// What everybody in the organization may do from now on.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DefaultRole {
    /// The role; null for no access. Has to be there: a forgotten body closes nothing.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    pub workspace_role_id: Option<Uuid>,
}

/// Changes what everybody in the organization may do in the workspace.
#[utoipa::path(put, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/default_role",
    tag = "Sharing", request_body = DefaultRole, responses((status = 204)))]
pub async fn set_default(
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<DefaultRole>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let role = body.workspace_role_id.map(RoleRef::of_id);
    actions::set_default(&app, access, ip, role, Seen::Anything).await?;
    Ok(no_content())
}

/// Whom to invite: addresses into a personal workspace, a member into an organization's.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct WorkspaceInvite {
    /// Addresses, 50 at most; for a personal workspace.
    #[schema(max_items = 50)]
    pub emails: Vec<String>,
    /// A member of the organization; for an organization's workspace.
    pub user_id: Option<Uuid>,
    /// As what; for an organization's workspace.
    pub workspace_role_id: Option<Uuid>,
    /// When the access ends (RFC 3339); for an organization's workspace.
    #[schema(format = DateTime)]
    pub access_expiration: Option<String>,
}

/// Invites into the workspace: people by their addresses, or a member of the organization.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/invitations/",
    tag = "Invitations", request_body = WorkspaceInvite,
    responses((status = 201, body = [Sent]), (status = 409, body = Refusal)))]
pub async fn invite(
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<WorkspaceInvite>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    if access.workspace().account_kind == AccountKind::Personal {
        if body.user_id.is_some() || body.workspace_role_id.is_some() {
            let text = "A personal workspace takes emails: its collaborators have a fixed role.";
            return Err(Error::Invalid(text.to_owned()));
        }
        let sent = invitations::invite_by_key(&app, access, ip, body.emails).await?;
        return Ok(created(&sent_bodies(sent)));
    }
    let (Some(user), Some(role)) = (body.user_id, body.workspace_role_id) else {
        let text = "An organization’s workspace takes user_id and workspace_role_id.";
        return Err(Error::Invalid(text.to_owned()));
    };
    let request = request(role, body.access_expiration.as_deref())?;
    match actions::invite_member(&app, access, ip, (UserId::from(user), request), None).await? {
        Invited::Sent(sent) => Ok(created(&[Sent {
            email: sent.email.clone(),
            status: if sent.is_mailed() { "sent" } else { "not_mailed" }.to_owned(),
            invitation_id: Some(sent.id.uuid()),
            until: Some(moment(sent.expires_at)),
        }])),
        Invited::NoMember => Err(Error::NotFound),
        Invited::Refused(problem) => Err(Error::Conflict(problem)),
    }
}

/// The invitations into the workspace that were not answered, the newest first.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/invitations/filter",
    tag = "Invitations", request_body = Option<InvitationsBody>,
    responses((status = 200, body = [InvitationBody])))]
pub async fn invitations_of(
    access: WorkspaceAccess<SeeWorkspaceUsers>,
    app: web::Data<App>,
    body: JsonBody<InvitationsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let window = Window::of(body.limit, body.offset)?;
    let place = access.workspace();
    let scope = Scope { account: place.account, workspace: Some(place.id) };
    let now = app.now();
    let found = app.db.read(move |db| Ok(invited::open_ones(db, scope, window)?)).await?;
    let list: Vec<InvitationBody> = found.iter().map(|one| InvitationBody::of(one, now)).collect();
    Ok(ok(&list))
}

/// Takes an invitation back.
#[utoipa::path(delete,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/invitations/{id}",
    tag = "Invitations", responses((status = 204), (status = 409, body = Refusal)))]
pub async fn revoke(
    req: HttpRequest,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    managed(invitations::revoke(&app, access, ip, path_id(&req, "id")?).await?)?;
    Ok(no_content())
}

/// Sends an invitation again, with a new link.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/invitations/{id}/resend",
    tag = "Invitations",
    responses((status = 200, body = InvitationBody), (status = 409, body = Refusal)))]
pub async fn resend(
    req: HttpRequest,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    let sent = managed(invitations::resend(&app, access, ip, (path_id(&req, "id")?, None)).await?)?;
    Ok(ok(&InvitationBody::of(&sent, app.now())))
}
