//! The organization itself: its profile and its settings.

use crate::access::account::AccountAccess;
use crate::access::membership::AccountKind;
use crate::access::organization::{Admin, AnyMember, Organization, OrganizationAccess};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::Field;
use crate::base::http::json::{JsonBody, Refusal, moment, no_content, ok};
use crate::tenancy::organizations::actions::{self, Outcome};
use crate::tenancy::organizations::forms::{EditForm, Fields};
use crate::tenancy::organizations::model::shorter;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
        domain_names: found
            .map(|found| super::policy::words(&found.email_domains))
            .unwrap_or_default(),
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
    responses((status = 200, body = AccountBody)))]
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
    request_body = Option<AccountChange>,
    responses((status = 204), (status = 409, body = Refusal)))]
pub async fn edit_account(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<AccountChange>,
) -> Result<HttpResponse> {
    let change = body.parsed()?;
    let merged = move |before: &Organization| {
        let before: EditForm = before.into();
        let mut fields = Fields::new(EditForm {
            name: change.name.unwrap_or(before.name),
            handle: change.handle.unwrap_or(before.handle),
            location: change.location.unwrap_or(before.location),
            link: change.link.unwrap_or(before.link),
        });
        fields
            .parse()
            .ok_or_else(|| problem(&[&fields.name, &fields.handle, &fields.location, &fields.link]))
    };
    match actions::edit(&app, access, ip, merged).await? {
        Outcome::Done(_) => Ok(no_content()),
        Outcome::Taken(_) => Err(Error::Conflict("The handle is taken.".to_owned())),
        Outcome::TooMany(text) => Err(Error::Conflict(text)),
    }
}

/// Features of Prefect Cloud, which this server has not.
#[utoipa::path(get, path = "/api/accounts/{account_id}/settings", tag = "Accounts",
    responses((status = 200, body = SettingsBody)))]
pub async fn get_settings(_: AccountAccess<AnyMember>) -> HttpResponse {
    ok(&SettingsBody::default())
}
