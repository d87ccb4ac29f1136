//! The rules of an organization: a second factor, mail domains, days that things are kept.

use serde_json::json;

use super::super::model::Policy;
use super::super::queries;
use crate::access::actor::StepUp;
use crate::access::organization::{Admin, Organization, OrganizationAccess};
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::tenancy::accounts;
use crate::tenancy::audit::{By, Entry, Event, record};

/// What became of a change of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyOutcome {
    /// They are as wanted.
    Saved,
    /// Whoever asks others for a second factor has to have one.
    YourselfFirst,
}

fn policy_of(organization: &Organization) -> Policy {
    Policy {
        second_factor: organization.two_factor_since.is_some(),
        email_domains: organization.email_domains.split_whitespace().map(str::to_owned).collect(),
        refuses_transfers: organization.refuses_transfers,
        run_retention_days: organization.own_run_retention_days,
        audit_retention_days: organization.own_audit_retention_days,
    }
}

fn told(policy: &Policy) -> serde_json::Value {
    json!({
        "second_factor": policy.second_factor,
        "email_domains": policy.email_domains.join(" "),
        "refuses_transfers": policy.refuses_transfers,
        "run_retention_days": policy.run_retention_days,
        "audit_retention_days": policy.audit_retention_days,
    })
}

/// Changes the rules of an organization to what is wanted of them as they are now. They count from the next request on. To drop that of a second
/// factor asks for the password (AU-17).
///
/// # Errors
/// [`Error::ReauthenticationRequired`](crate::base::error::Error); the right went meanwhile; the database's fault.
pub async fn set_policy(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    wanted: impl FnOnce(Policy) -> Result<Policy> + Send + 'static,
    step_up: StepUp,
) -> Result<PolicyOutcome> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let before = access.organization();
            let policy = wanted(policy_of(before))?;
            if before.two_factor_since.is_some() && !policy.second_factor {
                step_up.demand()?;
            }
            let has = accounts::queries::has_two_factor(db, access.person().user)?;
            if policy.second_factor && !has {
                return Ok(PolicyOutcome::YourselfFirst);
            }
            let since = policy.second_factor.then(|| before.two_factor_since.unwrap_or(now));
            let (old, new) = (told(&policy_of(before)), told(&policy));
            if old != new {
                queries::set_policy(db, before.account, &policy, since)?;
                let details = json!({ "before": old, "after": new });
                let entry =
                    Entry::of_account(Event::AccountSettingsUpdated, before.account, details);
                record(db, &By::actor(access.actor(), ip), entry, now)?;
            }
            Ok(PolicyOutcome::Saved)
        })
        .await
}
