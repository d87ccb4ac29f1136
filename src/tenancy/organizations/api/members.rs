//! Members of an organization, and what they can be.

use crate::access::actor::StepUp;
use crate::access::organization::{Admin, AnyMember, OrganizationAccess, OrganizationRole};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{AnyOf, JsonBody, Refusal, Window, moment, no_content, ok, path_id};
use crate::tenancy::invitations::roster::MemberId;
use crate::tenancy::organizations::actions::{self, Changed, Removed};
use crate::tenancy::organizations::model::Member;
use crate::tenancy::organizations::queries;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What somebody is in an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountRoleBody {
    /// Its id, the same everywhere.
    pub id: Uuid,
    /// Always null.
    pub created: Option<String>,
    /// Always null.
    pub updated: Option<String>,
    /// `Admin` or `Member`.
    pub name: String,
    /// What it allows, in words of Prefect Cloud's API.
    pub permissions: Vec<String>,
    /// Always null: no role of an organization's own.
    pub account_id: Option<Uuid>,
    /// Always true.
    pub is_system_role: bool,
}

const ADMIN_ONLY: [&str; 8] = [
    "administrate:workspace",
    "create:bot",
    "create:invitation",
    "create:workspace",
    "create:workspace_role",
    "read:audit_event",
    "update:account",
    "update:account_membership",
];

fn account_role_body(role: OrganizationRole) -> AccountRoleBody {
    let everybody = ["read:account", "read:account_membership", "read:bot", "read:workspace_role"];
    let more: &[&str] = if role == OrganizationRole::Admin { &ADMIN_ONLY } else { &[] };
    AccountRoleBody {
        id: role.id(),
        created: None,
        updated: None,
        name: role.title().to_owned(),
        permissions: everybody.iter().chain(more).map(|&word| word.to_owned()).collect(),
        account_id: None,
        is_system_role: true,
    }
}

/// Which roles.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct AccountRolesBody {
    /// By name.
    pub account_roles: AccountRolesFilter,
}

/// Which roles.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct AccountRolesFilter {
    /// With one of these names.
    pub name: AnyOf<String>,
}

/// The roles that somebody can have in an organization.
#[utoipa::path(post, path = "/api/accounts/{account_id}/account_roles/filter", tag = "Members",
    request_body = Option<AccountRolesBody>, responses((status = 200, body = [AccountRoleBody])))]
pub async fn account_roles(
    _: OrganizationAccess<AnyMember>,
    body: JsonBody<AccountRolesBody>,
) -> Result<HttpResponse> {
    let names = body.parsed()?.account_roles.name.values()?;
    let list: Vec<AccountRoleBody> = OrganizationRole::ALL
        .iter()
        .map(|role| account_role_body(*role))
        .filter(|role| names.as_ref().is_none_or(|names| names.contains(&role.name)))
        .collect();
    Ok(ok(&list))
}

/// One of the roles that somebody can have in an organization.
#[utoipa::path(get, path = "/api/accounts/{account_id}/account_roles/{id}", tag = "Members",
    responses((status = 200, body = AccountRoleBody)))]
pub async fn account_role(
    req: HttpRequest,
    _: OrganizationAccess<AnyMember>,
) -> Result<HttpResponse> {
    let id: Uuid = path_id(&req, "id")?;
    let role = OrganizationRole::of_id(id).ok_or(Error::NotFound)?;
    Ok(ok(&account_role_body(role)))
}

/// A member of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipBody {
    /// The membership's id.
    pub id: Uuid,
    /// When the person joined.
    #[schema(format = DateTime)]
    pub created: String,
    /// The person's id as one who acts.
    pub actor_id: Uuid,
    /// The person's id.
    pub user_id: Uuid,
    /// The whole name.
    pub first_name: String,
    /// Always empty: names are not taken apart.
    pub last_name: String,
    /// The person's handle.
    pub handle: String,
    /// The person's address.
    pub email: String,
    /// `Admin` or `Member`.
    pub account_role_name: String,
    /// The role's id.
    pub account_role_id: Uuid,
    /// When the person last signed in.
    #[schema(format = DateTime)]
    pub last_login: Option<String>,
}

fn membership_body(member: &Member) -> MembershipBody {
    MembershipBody {
        id: member.id.uuid(),
        created: moment(member.created_at),
        actor_id: member.user.uuid(),
        user_id: member.user.uuid(),
        first_name: member.name.clone(),
        last_name: String::new(),
        handle: member.handle.clone(),
        email: member.email.clone(),
        account_role_name: member.role.title().to_owned(),
        account_role_id: member.role.id(),
        last_login: member.last_sign_in_at.map(moment),
    }
}

/// Which members.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct MembershipsBody {
    /// By address.
    pub account_memberships: MembershipsFilter,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

/// Which members.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct MembershipsFilter {
    /// With one of these addresses.
    pub email: AnyOf<String>,
}

/// The members of an organization, in the order in which they joined.
#[utoipa::path(post, path = "/api/accounts/{account_id}/account_memberships/filter",
    tag = "Members", request_body = Option<MembershipsBody>,
    responses((status = 200, body = [MembershipBody])))]
pub async fn memberships(
    access: OrganizationAccess<AnyMember>,
    app: web::Data<App>,
    body: JsonBody<MembershipsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let account = access.organization().account;
    let window = Window::of(body.limit, body.offset)?;
    let emails = body.account_memberships.email.values()?;
    let keys = emails.map(|emails| emails.iter().map(|email| email.to_lowercase()).collect());
    let found = app.db.read(move |db| Ok(queries::all_members(db, account, keys, window)?)).await?;
    let list: Vec<MembershipBody> = found.iter().map(membership_body).collect();
    Ok(ok(&list))
}

/// A change of a membership.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MembershipChange {
    /// The role from now on.
    pub account_role_id: Uuid,
}

/// Changes what a member is.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/account_memberships/{id}", tag = "Members",
    request_body = MembershipChange, responses((status = 204), (status = 409, body = Refusal)))]
pub async fn change_member(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
    body: JsonBody<MembershipChange>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let id: MemberId = path_id(&req, "id")?;
    let role = OrganizationRole::of_id(body.account_role_id)
        .ok_or_else(|| Error::Invalid("There is no such account role.".to_owned()))?;
    match actions::change_role(&app, access, ip, (id, role), step_up).await? {
        Changed::Done(_) => Ok(no_content()),
        Changed::LastAdmin(_) => Err(last_admin()),
    }
}

fn last_admin() -> Error {
    Error::Conflict("This is the last admin, and an organization needs one.".to_owned())
}

/// Takes a member out of the organization and all its workspaces.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/account_memberships/{id}",
    tag = "Members", responses((status = 204), (status = 409, body = Refusal)))]
pub async fn remove_member(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
) -> Result<HttpResponse> {
    match actions::remove_member(&app, access, ip, path_id(&req, "id")?, step_up).await? {
        Removed::Gone(_) => Ok(no_content()),
        Removed::LastAdmin => Err(last_admin()),
    }
}
