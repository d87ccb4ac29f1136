//! The rules of an organization for its people and its data.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::actor::StepUp;
use crate::access::organization::{Admin, Organization, OrganizationAccess};
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::counted;
use crate::frame::Shell;
use crate::tenancy::accounts;
use crate::tenancy::organizations::actions::{self, PolicyOutcome};
use crate::tenancy::organizations::forms::{PolicyFields, PolicyForm};
use crate::tenancy::organizations::queries;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/organizations/policy.html")]
struct PolicyPage {
    shell: Shell,
    handle: String,
    name: String,
    fields: PolicyFields,
    password: Option<Field>,
    lacking: String,
    lacking_names: Vec<String>,
    more_lacking: bool,
    run_hint: String,
    audit_hint: String,
}

/// Members without a second factor who are named.
const NAMED: i64 = 20;

fn kept(what: &str, operator: Option<i32>) -> String {
    let limit = match operator {
        Some(days) => format!(
            "Whoever runs this server keeps {what} for {} at most.",
            counted(i64::from(days), "day", "days")
        ),
        None => format!("Whoever runs this server keeps {what} for ever."),
    };
    format!("{limit} Leave it empty for that, or set fewer days.")
}

async fn page(
    app: &App,
    access: &OrganizationAccess<Admin>,
    shell: Shell,
    fields: PolicyFields,
) -> Result<PolicyPage> {
    let organization: &Organization = access.organization();
    let account = organization.account;
    let (lacking, names) =
        app.db.read(move |db| Ok(queries::without_second_factor(db, account, NAMED)?)).await?;
    let flags = &app.settings().flags;
    Ok(PolicyPage {
        shell: access.shell(shell, "organization"),
        handle: organization.handle.clone(),
        name: organization.name.clone(),
        fields,
        password: None,
        lacking: counted(lacking, "member has", "members have"),
        more_lacking: lacking > NAMED,
        lacking_names: names,
        run_hint: kept("runs", organization.run_retention_days.or(flags.run_retention_days)),
        audit_hint: kept(
            "audit entries",
            organization.audit_retention_days.or(flags.audit_retention_days),
        ),
    })
}

/// `GET /organizations/{organization}/policy`
pub(super) async fn show(
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let fields = PolicyFields::new(access.organization().into());
    Page(page(&app, &access, shell, fields).await?).ok()
}

/// `POST /organizations/{organization}/policy`
pub(super) async fn save(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
    (ip, mut step_up): (ClientIp, StepUp),
    form: Form<PolicyForm>,
) -> Result<HttpResponse> {
    let password = form.fields.password.clone();
    let mut fields = PolicyFields::new(form.fields);
    let Some(policy) = fields.parse() else {
        return Page(page(&app, &access, shell, fields).await?).unprocessable();
    };
    let mut page = page(&app, &access, shell, fields).await?;
    let drops_rule = access.organization().two_factor_since.is_some() && !policy.second_factor;
    if drops_rule && !step_up.is_recent() {
        match accounts::actions::step_up(&app, access.person().user, password, ip).await? {
            Ok(given) => step_up = given,
            Err(problem) => {
                page.password = Some(Field::empty("password").with_problem(problem));
                return Page(page).unprocessable();
            }
        }
    }
    let outcome = actions::set_policy(&app, access, ip, move |_| Ok(policy), step_up).await;
    match outcome? {
        PolicyOutcome::Saved => {
            Notice::ok("The rules are saved. They count from now on.").leave(&req)?;
            Ok(see_other(urls::organization(&page.handle)))
        }
        PolicyOutcome::YourselfFirst => {
            let problem = "Turn two-factor authentication on for your own account first: this rule \
                           would keep you out.";
            page.fields.second_factor = page.fields.second_factor.with_problem(problem);
            Page(page).unprocessable()
        }
    }
}
