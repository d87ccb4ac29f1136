//! An organization's profile, and the form that changes it (O2).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::organization::{Admin, AnyMember, Organization, OrganizationAccess};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::Form;
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::{When, counted, thousands};
use crate::frame::Shell;
use crate::tenancy::invitations::model::Scope;
use crate::tenancy::invitations::roster::queries::open_count;
use crate::tenancy::organizations::actions::{self, Outcome};
use crate::tenancy::organizations::forms::{EditForm, Fields};
use crate::tenancy::organizations::model::shorter;
use crate::tenancy::organizations::queries;

#[derive(Template)]
#[template(path = "tenancy/organizations/profile.html")]
struct ProfilePage {
    shell: Shell,
    organization: Organization,
    id: String,
    created: When,
    role: &'static str,
    is_admin: bool,
    members: String,
    workspaces: String,
    service_accounts: String,
    runs_kept: String,
    audit_kept: String,
    domains: Option<String>,
}

/// `3 of 5`, or `3` where there is no limit.
fn used(count: i64, limit: Option<i32>) -> String {
    match limit {
        Some(limit) => format!("{} of {} used", thousands(count), thousands(i64::from(limit))),
        None => thousands(count),
    }
}

/// `GET /organizations/{organization}`
pub(super) async fn show(
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let organization = access.organization().clone();
    let (account, usual) = (organization.account, app.settings().flags.workspace_limit);
    let now = app.now();
    let (members, slots, bots) = app
        .db
        .read(move |db| {
            let scope = Scope { account, workspace: None };
            let members = queries::member_count(db, account)? + open_count(db, scope, now)?;
            let slots = queries::workspace_count(db, account)?;
            Ok((members, slots, queries::service_account_count(db, account)?))
        })
        .await?;
    let flags = &app.settings().flags;
    let kept = |own: Option<i32>, operator: Option<i32>, usual: Option<i32>| match shorter(
        operator.or(usual),
        own,
    ) {
        Some(days) => format!("For {}", counted(i64::from(days), "day", "days")),
        None => "For ever".to_owned(),
    };
    Page(ProfilePage {
        shell: access.shell(shell, "organization"),
        id: account.to_string(),
        created: When::new(organization.created_at, app.now()),
        role: access.role().title(),
        is_admin: access.is_admin(),
        members: used(members, organization.member_limit.or(flags.member_limit)),
        service_accounts: used(
            bots,
            organization.service_account_limit.or(flags.service_account_limit),
        ),
        workspaces: used(slots, organization.workspace_limit.or(usual)),
        runs_kept: kept(
            organization.own_run_retention_days,
            organization.run_retention_days,
            flags.run_retention_days,
        ),
        audit_kept: kept(
            organization.own_audit_retention_days,
            organization.audit_retention_days,
            flags.audit_retention_days,
        ),
        domains: (!organization.email_domains.is_empty())
            .then(|| organization.email_domains.replace(' ', ", ")),
        organization,
    })
    .ok()
}

#[derive(Template)]
#[template(path = "tenancy/organizations/edit.html")]
struct EditPage {
    shell: Shell,
    handle: String,
    fields: Fields,
}

/// `GET /organizations/{organization}/edit`
pub(super) async fn edit(access: OrganizationAccess<Admin>, shell: Shell) -> Result<HttpResponse> {
    let organization = access.organization();
    Page(EditPage {
        shell: access.shell(shell, "organization"),
        handle: organization.handle.clone(),
        fields: Fields::new(organization.into()),
    })
    .ok()
}

/// `POST /organizations/{organization}/edit`
pub(super) async fn save(
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<EditForm>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let mut fields = Fields::new(form.fields);
    let handle = access.organization().handle.clone();
    let shell = access.shell(shell, "organization");
    let Some(wanted) = fields.parse() else {
        return Page(EditPage { shell, handle, fields }).unprocessable();
    };
    match actions::edit(&app, access, ip, move |_| Ok(wanted)).await? {
        Outcome::Done(place) => {
            Notice::ok("The profile is saved.").leave(&req)?;
            Ok(see_other(place))
        }
        Outcome::Taken(free) => {
            fields.taken(free.as_ref());
            Page(EditPage { shell, handle, fields }).unprocessable()
        }
        Outcome::TooMany(problem) => Err(Error::Conflict(problem)),
    }
}
