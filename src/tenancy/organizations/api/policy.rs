//! The rules of an organization: mail domains, a second factor, days that things are kept.

use crate::access::actor::StepUp;
use crate::access::organization::{Admin, AnyMember, Organization, OrganizationAccess};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{JsonBody, Refusal, given, no_content, ok};
use crate::tenancy::organizations::actions::{self, PolicyOutcome};
use crate::tenancy::organizations::forms::domains;
use crate::tenancy::organizations::model::Policy;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub(super) fn words(list: &str) -> Vec<String> {
    list.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
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
    responses((status = 200, body = [DomainBody])))]
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
        refuses_transfers: organization.refuses_transfers,
        run_retention_days: organization.own_run_retention_days,
        audit_retention_days: organization.own_audit_retention_days,
    }
}

async fn save_policy(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    wanted: impl FnOnce(Policy) -> Result<Policy> + Send + 'static,
    step_up: StepUp,
) -> Result<HttpResponse> {
    match actions::set_policy(app, access, ip, wanted, step_up).await? {
        PolicyOutcome::Saved => Ok(no_content()),
        PolicyOutcome::YourselfFirst => Err(Error::Conflict(
            "Turn two-factor authentication on for your own account first.".to_owned(),
        )),
    }
}

/// Replaces the mail domains.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/domains", tag = "Accounts",
    request_body = DomainsChange, responses((status = 204), (status = 409, body = Refusal)))]
pub async fn set_domains(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
    body: JsonBody<DomainsChange>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let email_domains =
        domains(body.domain_names.iter().map(String::as_str)).map_err(Error::Invalid)?;
    let merged = move |before| Ok(Policy { email_domains, ..before });
    save_policy(&app, access, ip, merged, step_up).await
}

/// The rules of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyBody {
    /// Whether everybody in it needs a second factor.
    pub require_two_factor: bool,
    /// Mail domains of the people it invites; empty for any.
    pub domain_names: Vec<String>,
    /// Whether nobody but its own admins may ask it to take a workspace.
    pub refuse_transfers: bool,
    /// Days that ended runs are kept, as its admins chose; null for the server's.
    pub run_retention_days: Option<i32>,
    /// Days that audit entries are kept, as its admins chose; null for the server's.
    pub audit_log_retention_days: Option<i32>,
}

/// The rules of an organization.
#[utoipa::path(get, path = "/api/accounts/{account_id}/policy", tag = "Accounts",
    responses((status = 200, body = PolicyBody)))]
pub async fn get_policy(access: OrganizationAccess<AnyMember>) -> HttpResponse {
    let policy = policy_of(access.organization());
    ok(&PolicyBody {
        require_two_factor: policy.second_factor,
        domain_names: policy.email_domains,
        refuse_transfers: policy.refuses_transfers,
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
    /// Whether nobody but its own admins may ask it to take a workspace.
    pub refuse_transfers: Option<bool>,
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
    request_body = Option<PolicyChange>, responses((status = 204), (status = 409, body = Refusal)))]
pub async fn set_policy(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
    body: JsonBody<PolicyChange>,
) -> Result<HttpResponse> {
    let change = body.parsed()?;
    let merged = move |before: Policy| {
        let days = |days: Option<Option<i32>>, before: Option<i32>| match days {
            Some(Some(days)) if !(1..=36_500).contains(&days) => {
                Err(Error::Invalid("Days are between 1 and 36500.".to_owned()))
            }
            days => Ok(days.unwrap_or(before)),
        };
        let email_domains = match change.domain_names {
            Some(names) => domains(names.iter().map(String::as_str)).map_err(Error::Invalid)?,
            None => before.email_domains,
        };
        let audit = days(change.audit_log_retention_days, before.audit_retention_days)?;
        Ok(Policy {
            second_factor: change.require_two_factor.unwrap_or(before.second_factor),
            email_domains,
            refuses_transfers: change.refuse_transfers.unwrap_or(before.refuses_transfers),
            run_retention_days: days(change.run_retention_days, before.run_retention_days)?,
            audit_retention_days: audit,
        })
    };
    save_policy(&app, access, ip, merged, step_up).await
}
