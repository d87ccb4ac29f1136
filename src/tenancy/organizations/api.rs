//! The JSON API of accounts, their members and the invitations into organizations; paths, names and
//! status codes as Prefect Cloud's API has them, invitations beyond it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::actions::{self, Changed, Outcome, PolicyOutcome, Removed};
use super::forms::{EditForm, Fields, domains};
use super::model::{Member, Policy, shorter};
use super::queries;
use crate::access::account::AccountAccess;
use crate::access::actor::StepUp;
use crate::access::membership::AccountKind;
use crate::access::organization::{
    Admin, AnyMember, Organization, OrganizationAccess, OrganizationRole,
};
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::Field;
use crate::base::http::json::{
    AnyOf, JsonBody, Refusal, Window, created, given, moment, no_content, ok, path_id,
};
use crate::tenancy::invitations::actions::{self as invitations, LineOutcome, LineResult, Managed};
use crate::tenancy::invitations::api::{InvitationBody, InvitationsBody, Sent};
use crate::tenancy::invitations::model::Scope;
use crate::tenancy::invitations::queries as invited;
use crate::tenancy::invitations::roster::MemberId;

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    let of = |rest: &str| web::resource(format!("/accounts/{{account_id}}{rest}"));
    config
        .service(
            web::resource(["/accounts/{account_id}/", "/accounts/{account_id}"])
                .get(get_account)
                .patch(edit_account),
        )
        .service(of("/settings").get(get_settings))
        .service(of("/domains").get(get_domains).patch(set_domains))
        .service(of("/policy").get(get_policy).patch(set_policy))
        .service(of("/account_roles/filter").post(account_roles))
        .service(of("/account_roles/{id}").get(account_role))
        .service(of("/account_memberships/filter").post(memberships))
        .service(of("/account_memberships/{id}").patch(change_member).delete(remove_member))
        .service(
            web::resource([
                "/accounts/{account_id}/invitations/",
                "/accounts/{account_id}/invitations",
            ])
            .post(invite),
        )
        .service(of("/invitations/filter").post(invitations_of))
        .service(of("/invitations/{id}").delete(revoke))
        .service(of("/invitations/{id}/resend").post(resend));
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: Option<String>,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated: Option<String>,
    /// `personal` or `organization`.
    pub account_type: String,
    /// Its name.
    pub name: String,
    /// Its handle.
    pub handle: String,
    /// Where it is.
    pub location: Option<String>,
    /// Its address on the web.
    pub link: Option<String>,
    /// Always null: sessions have no length of an account's own.
    pub auth_expiration_seconds: Option<i64>,
    /// What Prefect Cloud offers and this server has not.
    pub settings: SettingsBody,
    /// Mail domains of the people it invites; empty for any.
    pub domain_names: Vec<String>,
    /// Always `self-hosted`.
    pub plan_type: String,
    /// Days that ended runs are kept; null for ever.
    pub run_retention_days: Option<i32>,
    /// Days that audit entries are kept; null for ever.
    pub audit_log_retention_days: Option<i32>,
    /// Always null: unlimited.
    pub automations_limit: Option<i64>,
    /// Workspaces that it may have; null for any number.
    pub workspaces_limit: Option<i32>,
    /// Members that it may have, open invitations included; null for any number.
    pub members_limit: Option<i32>,
    /// Service accounts that it may have; null for any number.
    pub service_accounts_limit: Option<i32>,
}

/// Features of Prefect Cloud, all off.
#[derive(Debug, Default, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the fields of Prefect Cloud")]
pub struct SettingsBody {
    /// Off.
    pub allow_public_workspaces: bool,
    /// Off.
    pub ai_log_summaries: bool,
    /// Off.
    pub managed_execution: bool,
    /// Off.
    pub enforce_webhook_authentication: bool,
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn words(list: &str) -> Vec<String> {
    list.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn account_body(
    app: &App,
    access: &AccountAccess<AnyMember>,
    found: Option<&Organization>,
) -> AccountBody {
    let account = access.account();
    let flags = &app.settings().flags;
    let kept = |operator: Option<i32>, usual: Option<i32>, own: Option<i32>| {
        shorter(operator.or(usual), own)
    };
    AccountBody {
        id: account.id.uuid(),
        created: found.map(|found| moment(found.created_at)),
        updated: found.map(|found| moment(found.created_at)),
        account_type: account.kind.as_str().to_owned(),
        name: account.name.clone(),
        handle: account.handle.clone(),
        location: found.and_then(|found| some(&found.location)),
        link: found.and_then(|found| some(&found.link)),
        auth_expiration_seconds: None,
        settings: SettingsBody::default(),
        domain_names: found.map(|found| words(&found.email_domains)).unwrap_or_default(),
        plan_type: "self-hosted".to_owned(),
        run_retention_days: kept(
            found.and_then(|found| found.run_retention_days),
            flags.run_retention_days,
            found.and_then(|found| found.own_run_retention_days),
        ),
        audit_log_retention_days: kept(
            found.and_then(|found| found.audit_retention_days),
            flags.audit_retention_days,
            found.and_then(|found| found.own_audit_retention_days),
        ),
        automations_limit: None,
        workspaces_limit: found.and_then(|found| found.workspace_limit).or(flags.workspace_limit),
        members_limit: found.and_then(|found| found.member_limit).or(flags.member_limit),
        service_accounts_limit: match account.kind {
            AccountKind::Organization => {
                found.and_then(|found| found.service_account_limit).or(flags.service_account_limit)
            }
            AccountKind::Personal => Some(0),
        },
    }
}

/// An account that the key's person belongs to.
#[utoipa::path(get, path = "/api/accounts/{account_id}/", tag = "Accounts",
    params(("account_id" = Uuid, Path)),
    responses((status = 200, body = AccountBody), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn get_account(
    access: AccountAccess<AnyMember>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let id = access.account().id;
    let found = app.db.read(move |db| Ok(crate::access::organization::one(db, id)?)).await?;
    Ok(ok(&account_body(&app, &access, found.as_ref())))
}

/// A change of an organization's profile; what is absent or null stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct AccountChange {
    /// Its name.
    pub name: Option<String>,
    /// Its handle.
    pub handle: Option<String>,
    /// Where it is.
    pub location: Option<String>,
    /// Its address on the web.
    pub link: Option<String>,
}

/// The first problem of some fields, as a refusal.
fn problem(fields: &[&Field]) -> Error {
    let problem = fields.iter().find_map(|field| {
        field.problem.as_ref().map(|problem| format!("{}: {problem}", field.name))
    });
    Error::Invalid(problem.unwrap_or_else(|| "The body does not fit.".to_owned()))
}

/// Changes an organization's profile.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/", tag = "Accounts",
    params(("account_id" = Uuid, Path)), request_body = Option<AccountChange>,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 409, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn edit_account(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<AccountChange>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let before: EditForm = access.organization().into();
    let change = body;
    let mut fields = Fields::new(EditForm {
        name: change.name.unwrap_or(before.name),
        handle: change.handle.unwrap_or(before.handle),
        location: change.location.unwrap_or(before.location),
        link: change.link.unwrap_or(before.link),
    });
    let Some(wanted) = fields.parse() else {
        return Err(problem(&[&fields.name, &fields.handle, &fields.location, &fields.link]));
    };
    match actions::edit(&app, access, ip, wanted).await? {
        Outcome::Done(_) => Ok(no_content()),
        Outcome::Taken(_) => Err(Error::Conflict("The handle is taken.".to_owned())),
        Outcome::TooMany(text) => Err(Error::Conflict(text)),
    }
}

/// Features of Prefect Cloud, which this server has not.
#[utoipa::path(get, path = "/api/accounts/{account_id}/settings", tag = "Accounts",
    params(("account_id" = Uuid, Path)),
    responses((status = 200, body = SettingsBody), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn get_settings(_: AccountAccess<AnyMember>) -> HttpResponse {
    ok(&SettingsBody::default())
}

/// One mail domain.
#[derive(Debug, Serialize, ToSchema)]
pub struct DomainBody {
    /// The account.
    pub account_id: Uuid,
    /// The domain.
    pub name: String,
}

/// The mail domains of the people that an organization invites.
#[utoipa::path(get, path = "/api/accounts/{account_id}/domains", tag = "Accounts",
    params(("account_id" = Uuid, Path)),
    responses((status = 200, body = [DomainBody]), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn get_domains(access: OrganizationAccess<AnyMember>) -> HttpResponse {
    let organization = access.organization();
    let account_id = organization.account.uuid();
    let list: Vec<DomainBody> = words(&organization.email_domains)
        .into_iter()
        .map(|name| DomainBody { account_id, name })
        .collect();
    ok(&list)
}

/// All mail domains from now on.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DomainsChange {
    /// The domains; an empty list takes any.
    pub domain_names: Vec<String>,
}

fn policy_of(organization: &Organization) -> Policy {
    Policy {
        second_factor: organization.two_factor_since.is_some(),
        email_domains: words(&organization.email_domains),
        run_retention_days: organization.own_run_retention_days,
        audit_retention_days: organization.own_audit_retention_days,
    }
}

async fn save_policy(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    (policy, step_up): (Policy, StepUp),
) -> Result<HttpResponse> {
    match actions::set_policy(app, access, ip, policy, step_up).await? {
        PolicyOutcome::Saved => Ok(no_content()),
        PolicyOutcome::YourselfFirst => Err(Error::Conflict(
            "Turn two-factor authentication on for your own account first.".to_owned(),
        )),
    }
}

/// Replaces the mail domains.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/domains", tag = "Accounts",
    params(("account_id" = Uuid, Path)), request_body = DomainsChange,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 409, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn set_domains(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
    body: JsonBody<DomainsChange>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let email_domains = domains(&body.domain_names.join(" ")).map_err(Error::Invalid)?;
    let policy = Policy { email_domains, ..policy_of(access.organization()) };
    save_policy(&app, access, ip, (policy, step_up)).await
}

/// The rules of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyBody {
    /// Whether everybody in it needs a second factor.
    pub require_two_factor: bool,
    /// Mail domains of the people it invites; empty for any.
    pub domain_names: Vec<String>,
    /// Days that ended runs are kept, as its admins chose; null for the server's.
    pub run_retention_days: Option<i32>,
    /// Days that audit entries are kept, as its admins chose; null for the server's.
    pub audit_log_retention_days: Option<i32>,
}

/// The rules of an organization.
#[utoipa::path(get, path = "/api/accounts/{account_id}/policy", tag = "Accounts",
    params(("account_id" = Uuid, Path)),
    responses((status = 200, body = PolicyBody), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn get_policy(access: OrganizationAccess<AnyMember>) -> HttpResponse {
    let policy = policy_of(access.organization());
    ok(&PolicyBody {
        require_two_factor: policy.second_factor,
        domain_names: policy.email_domains,
        run_retention_days: policy.run_retention_days,
        audit_log_retention_days: policy.audit_retention_days,
    })
}

/// A change of the rules of an organization; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct PolicyChange {
    /// Whether everybody in it needs a second factor.
    pub require_two_factor: Option<bool>,
    /// Mail domains of the people it invites; empty for any.
    pub domain_names: Option<Vec<String>>,
    /// Days that ended runs are kept at most, 1 to 36500; null for the server's.
    #[serde(deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 36500, value_type = Option<i32>)]
    pub run_retention_days: Option<Option<i32>>,
    /// Days that audit entries are kept at most, 1 to 36500; null for the server's.
    #[serde(deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 36500, value_type = Option<i32>)]
    pub audit_log_retention_days: Option<Option<i32>>,
}

/// Changes the rules of an organization.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/policy", tag = "Accounts",
    params(("account_id" = Uuid, Path)), request_body = Option<PolicyChange>,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 409, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn set_policy(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
    body: JsonBody<PolicyChange>,
) -> Result<HttpResponse> {
    let change = body.parsed()?;
    let before = policy_of(access.organization());
    let days = |days: Option<Option<i32>>, before: Option<i32>| match days {
        Some(Some(days)) if !(1..=36_500).contains(&days) => {
            Err(Error::Invalid("Days are between 1 and 36500.".to_owned()))
        }
        days => Ok(days.unwrap_or(before)),
    };
    let email_domains = match change.domain_names {
        Some(names) => domains(&names.join(" ")).map_err(Error::Invalid)?,
        None => before.email_domains,
    };
    let policy = Policy {
        second_factor: change.require_two_factor.unwrap_or(before.second_factor),
        email_domains,
        run_retention_days: days(change.run_retention_days, before.run_retention_days)?,
        audit_retention_days: days(change.audit_log_retention_days, before.audit_retention_days)?,
    };
    save_policy(&app, access, ip, (policy, step_up)).await
}

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
    params(("account_id" = Uuid, Path)), request_body = Option<AccountRolesBody>,
    responses((status = 200, body = [AccountRoleBody]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
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
    params(("account_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = AccountRoleBody), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
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
    tag = "Members", params(("account_id" = Uuid, Path)), request_body = Option<MembershipsBody>,
    responses((status = 200, body = [MembershipBody]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
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
#[utoipa::path(patch, path = "/api/accounts/{account_id}/account_memberships/{id}",
    tag = "Members", params(("account_id" = Uuid, Path), ("id" = Uuid, Path)),
    request_body = MembershipChange,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 409, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
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
    tag = "Members", params(("account_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 409, body = Refusal)))]
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

/// People to invite.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MemberInvite {
    /// Their addresses, 50 at most.
    #[schema(max_items = 50)]
    pub emails: Vec<String>,
    /// As what; `Member` unless something else is wanted.
    #[serde(default)]
    pub account_role_id: Option<Uuid>,
}

/// What became of the lines of an invitation, as the API says it.
pub(crate) fn sent_bodies(results: Vec<LineResult>) -> Vec<Sent> {
    results
        .into_iter()
        .map(|result| {
            let (status, invitation_id, until) = match &result.outcome {
                LineOutcome::Sent(id, until) => ("sent", Some(id.uuid()), Some(*until)),
                LineOutcome::Invited(id) => ("already_invited", Some(id.uuid()), None),
                LineOutcome::Member => ("already_member", None, None),
                LineOutcome::Invalid(_) => ("invalid", None, None),
                LineOutcome::Yourself => ("yourself", None, None),
                LineOutcome::Full(_) => ("no_place", None, None),
                LineOutcome::TooManyOpen
                | LineOutcome::TooManyToday
                | LineOutcome::Bothered
                | LineOutcome::Surplus => ("too_many", None, None),
                LineOutcome::Declined(until) => ("declined_lately", None, Some(*until)),
            };
            Sent {
                email: result.typed,
                status: status.to_owned(),
                invitation_id,
                until: until.map(|at: Instant| moment(at)),
            }
        })
        .collect()
}

/// Invites people into an organization; each address has an answer of its own.
#[utoipa::path(post, path = "/api/accounts/{account_id}/invitations/", tag = "Invitations",
    params(("account_id" = Uuid, Path)), request_body = MemberInvite,
    responses((status = 201, body = [Sent]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn invite(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
    body: JsonBody<MemberInvite>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let role = match body.account_role_id {
        None => OrganizationRole::Member,
        Some(id) => OrganizationRole::of_id(id)
            .ok_or_else(|| Error::Invalid("There is no such account role.".to_owned()))?,
    };
    let text = body.emails.join("\n");
    let asked = (access, step_up);
    let sent = invitations::invite_members(&app, asked, ip, &text, (role, None)).await?;
    Ok(created(&sent_bodies(sent)))
}

/// The invitations into an organization that were not answered, the newest first.
#[utoipa::path(post, path = "/api/accounts/{account_id}/invitations/filter",
    tag = "Invitations", params(("account_id" = Uuid, Path)), request_body = Option<InvitationsBody>,
    responses((status = 200, body = [InvitationBody]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn invitations_of(
    access: OrganizationAccess<AnyMember>,
    app: web::Data<App>,
    body: JsonBody<InvitationsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let window = Window::of(body.limit, body.offset)?;
    let scope = Scope { account: access.organization().account, workspace: None };
    let now = app.now();
    let found = app.db.read(move |db| Ok(invited::open_ones(db, scope, window)?)).await?;
    let list: Vec<InvitationBody> = found.iter().map(|one| InvitationBody::of(one, now)).collect();
    Ok(ok(&list))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/invitations/{id}",
    tag = "Invitations", params(("account_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 409, body = Refusal)))]
pub async fn revoke(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    let managed = invitations::revoke(&app, access, ip, path_id(&req, "id")?).await?;
    crate::tenancy::invitations::api::managed(managed).map(|_| no_content())
}

/// Sends an invitation again, with a new link.
#[utoipa::path(post, path = "/api/accounts/{account_id}/invitations/{id}/resend",
    tag = "Invitations", params(("account_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = InvitationBody), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 409, body = Refusal)))]
pub async fn resend(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    let done: Managed<_> = invitations::resend(&app, access, ip, path_id(&req, "id")?).await?;
    let sent = crate::tenancy::invitations::api::managed(done)?;
    Ok(ok(&InvitationBody::of(&sent, app.now())))
}
