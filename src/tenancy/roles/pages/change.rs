//! Making, changing and deleting a role.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::AT;
use super::look::{role_of, use_words};
use super::tree::{Group, groups};
use crate::access::organization::{Admin, OrganizationAccess};
use crate::access::role::{Role, RoleId, RoleRef};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::tenancy::roles::actions::{self, Deleted, Outcome, Seen};
use crate::tenancy::roles::forms::{DeleteForm, Fields, RoleForm};
use crate::tenancy::roles::impact::Impact;
use crate::tenancy::roles::model::MOST;
use crate::tenancy::roles::queries;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/roles/form.html")]
struct FormPage {
    shell: Shell,
    handle: String,
    /// Id and name of the role that is changed.
    role: Option<(String, String)>,
    fields: Fields,
    /// The words of the roles that can be inherited from, their names, and the scopes that each brings.
    inherit_options: Vec<(&'static str, &'static str, String)>,
    groups: Vec<Group>,
    impact: Impact,
    seen: String,
}

impl FormPage {
    fn step(&self) -> &'static str {
        if self.role.is_some() { "Edit" } else { "Create" }
    }
}

fn page(
    access: &OrganizationAccess<Admin>,
    shell: Shell,
    role: Option<(String, String)>,
    fields: Fields,
) -> FormPage {
    let nothing = std::iter::once(("", "Nothing", String::new()));
    FormPage {
        shell: access.shell(shell, AT),
        handle: access.organization().handle.clone(),
        role,
        inherit_options: nothing
            .chain(Role::GRANTED.map(|role| (role.as_str(), role.title(), role.scopes().names())))
            .collect(),
        groups: groups(fields.ticked, fields.inherited),
        fields,
        impact: Impact::default(),
        seen: String::new(),
    }
}

/// `GET /organizations/{organization}/roles/new`
pub(super) async fn new(access: OrganizationAccess<Admin>, shell: Shell) -> Result<HttpResponse> {
    Page(page(&access, shell, None, Fields::of(RoleForm::default()))).ok()
}

/// `POST /organizations/{organization}/roles/new`
pub(super) async fn create(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<RoleForm>,
) -> Result<HttpResponse> {
    if !form.fields.update.is_empty() {
        return Page(page(&access, shell, None, Fields::of(form.fields))).ok();
    }
    let (fields, wanted) = Fields::parse(form.fields);
    let mut page = page(&access, shell, None, fields);
    let Some(wanted) = wanted else { return Page(page).unprocessable() };
    let name = wanted.name.as_str().to_owned();
    match actions::create(&app, access, ip, wanted, Some(form.once)).await? {
        Outcome::Done(id) => {
            let text = format!("The role {name} can be given in workspaces now.");
            Notice::ok(text).leave(&req)?;
            Ok(see_other(urls::role(&page.handle, id)))
        }
        Outcome::NameTaken => {
            page.fields.name = page.fields.name.with_problem(TAKEN);
            Page(page).unprocessable()
        }
        Outcome::TooMany | Outcome::Shown(_) => {
            let problem = format!("An organization has {MOST} roles of its own at most.");
            page.fields.name = page.fields.name.with_problem(problem);
            Page(page).unprocessable()
        }
    }
}

const TAKEN: &str = "There is a role of this name. Choose another one.";

fn custom_id(req: &HttpRequest) -> Result<RoleId> {
    role_of(req)?.custom().ok_or(Error::NotFound)
}

/// `GET /organizations/{organization}/roles/{role}/edit`
pub(super) async fn edit(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (id, account) = (custom_id(&req)?, access.organization().account);
    let role = app.db.read(move |db| Ok(queries::one(db, account, id)?)).await?;
    let role = role.ok_or(Error::NotFound)?;
    let named = Some((id.to_string(), role.name.clone()));
    Page(page(&access, shell, named, Fields::of((&role).into()))).ok()
}

/// `POST /organizations/{organization}/roles/{role}/edit`: shows first who gains and loses what.
pub(super) async fn save(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<RoleForm>,
) -> Result<HttpResponse> {
    let (id, account) = (custom_id(&req)?, access.organization().account);
    let role = app.db.read(move |db| Ok(queries::one(db, account, id)?)).await?;
    let role = role.ok_or(Error::NotFound)?;
    if !form.fields.update.is_empty() {
        let named = Some((id.to_string(), role.name));
        return Page(page(&access, shell, named, Fields::of(form.fields))).ok();
    }
    let seen = Seen::Fingerprint(form.fields.seen.clone());
    let (fields, wanted) = Fields::parse(form.fields);
    let mut page = page(&access, shell, Some((id.to_string(), role.name)), fields);
    let Some(wanted) = wanted else { return Page(page).unprocessable() };
    let name = wanted.name.as_str().to_owned();
    match actions::edit(&app, access, ip, (id, move |_: &_| Ok(wanted)), seen).await? {
        Outcome::Done(id) => {
            Notice::ok(format!("The role {name} is saved.")).leave(&req)?;
            Ok(see_other(urls::role(&page.handle, id)))
        }
        Outcome::Shown(impact) => {
            page.seen = impact.fingerprint();
            page.impact = impact;
            Page(page).unprocessable()
        }
        Outcome::NameTaken | Outcome::TooMany => {
            page.fields.name = page.fields.name.with_problem(TAKEN);
            Page(page).unprocessable()
        }
    }
}

#[derive(Template)]
#[template(path = "tenancy/roles/delete.html")]
struct DeletePage {
    shell: Shell,
    handle: String,
    id: String,
    name: String,
    uses: String,
    places: Vec<String>,
    replacement: Field,
    options: Vec<(String, String)>,
}

async fn delete_page(
    app: &App,
    access: &OrganizationAccess<Admin>,
    shell: Shell,
    (id, replacement): (RoleId, Field),
) -> Result<DeletePage> {
    let account = access.organization().account;
    let (role, uses, places, all) = app
        .db
        .read(move |db| {
            let role = queries::one(db, account, id)?.ok_or(Error::NotFound)?;
            let uses = queries::uses(db, account)?.get(&id).copied().unwrap_or_default();
            Ok((role, uses, queries::places(db, id)?, queries::grantable(db, account)?))
        })
        .await?;
    let others = all.into_iter().filter(|other| other.role != RoleRef::Custom(id));
    Ok(DeletePage {
        shell: access.shell(shell, AT),
        handle: access.organization().handle.clone(),
        id: id.to_string(),
        name: role.name,
        uses: use_words(uses),
        places: places.into_iter().map(|place| place.workspace).collect(),
        replacement,
        options: std::iter::once((String::new(), "Choose a role".to_owned()))
            .chain(others.map(|other| (other.role.to_string(), other.title)))
            .collect(),
    })
}

/// `GET /organizations/{organization}/roles/{role}/delete`
pub(super) async fn show_delete(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let asked = (custom_id(&req)?, Field::empty("replacement"));
    Page(delete_page(&app, &access, shell, asked).await?).ok()
}

/// `POST /organizations/{organization}/roles/{role}/delete`
pub(super) async fn delete(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<DeleteForm>,
) -> Result<HttpResponse> {
    let id = custom_id(&req)?;
    let typed = form.fields.replacement;
    let replacement = (!typed.is_empty()).then(|| RoleRef::parse(&typed));
    let field = Field::new("replacement", typed);
    let mut page = delete_page(&app, &access, shell, (id, field)).await?;
    if replacement == Some(None) {
        page.replacement = page.replacement.with_problem("Choose one of the list.");
        return Page(page).unprocessable();
    }
    match actions::delete(&app, access, ip, id, replacement.flatten()).await? {
        Deleted::Gone(name) => {
            Notice::ok(format!("The role {name} was deleted.")).leave(&req)?;
            Ok(see_other(urls::organization_page(&page.handle, "roles")))
        }
        Deleted::IsUsed(_) => {
            let problem = "The role is used. Choose the one that takes its place.";
            page.replacement = page.replacement.with_problem(problem);
            Page(page).unprocessable()
        }
        Deleted::BadReplacement => {
            page.replacement = page.replacement.with_problem("Choose one of the list.");
            Page(page).unprocessable()
        }
    }
}
