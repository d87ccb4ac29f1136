//! Making a service account, and what is done with one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{AT, Expiry, id};
use crate::access::AccountId;
use crate::access::actor::RecentlyConfirmed;
use crate::access::organization::{Admin, OrganizationAccess};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::counted;
use crate::frame::Shell;
use crate::tenancy::api_keys::model::Lifetime;
use crate::tenancy::invitations::managing::no_store;
use crate::tenancy::service_accounts::actions::{self, Created, NewKey, Renamed};
use crate::tenancy::service_accounts::forms::{
    NewFields, NewForm, RenameForm, RotateFields, RotateForm,
};
use crate::tenancy::service_accounts::model::{Bot, BotName};
use crate::tenancy::service_accounts::queries::{self, Shared};
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/service_accounts/new.html")]
struct NewPage {
    shell: Shell,
    handle: String,
    fields: NewFields,
    lifetimes: Vec<(String, String)>,
}

fn new_page(access: &OrganizationAccess<Admin>, shell: Shell, fields: NewFields) -> NewPage {
    NewPage {
        shell: access.shell(shell, AT),
        handle: access.organization().handle.clone(),
        fields,
        lifetimes: Lifetime::options(),
    }
}

/// `GET …/service-accounts/new`
pub(super) async fn new(
    access: OrganizationAccess<Admin>,
    _confirmed: RecentlyConfirmed,
    shell: Shell,
) -> Result<HttpResponse> {
    Page(new_page(&access, shell, NewFields::empty())).ok()
}

#[derive(Template)]
#[template(path = "tenancy/service_accounts/made.html")]
struct MadePage {
    shell: Shell,
    handle: String,
    title: &'static str,
    name: String,
    home: String,
    secret: String,
    last_four: String,
    commands: String,
    /// For each of some workspaces that are shared with it: its handle, and what points a program without a terminal there.
    places: Vec<(String, String)>,
    expiry: Expiry,
}

/// Workspaces on the page of a new key, at most.
const PLACES: usize = 5;

async fn made_page(
    app: &App,
    (shell, handle, account): (Shell, String, AccountId),
    new: &NewKey,
    title: &'static str,
) -> Result<HttpResponse> {
    let (secret, site) = (new.secret.reveal(), app.settings().site());
    let id = new.bot.id;
    let shared = app.db.read(move |db| Ok(queries::shared(db, id)?)).await?;
    let place = |one: &Shared| {
        let api = urls::api_workspace(account, one.id);
        let lines = format!(
            "export PREFECT_API_URL=\"{site}{api}\"\n\
             export PREFECT_API_KEY=\"{secret}\""
        );
        (one.handle.clone(), lines)
    };
    let places = shared.iter().take(PLACES).map(place).collect();
    Page(MadePage {
        shell,
        title,
        home: urls::service_account(&handle, new.bot.id),
        name: new.bot.name.clone(),
        last_four: new.key.last_four.clone(),
        commands: format!(
            "prefect config set PREFECT_CLOUD_API_URL={site}/api\n\
             prefect config set PREFECT_CLOUD_UI_URL={site}\n\
             prefect cloud login --key {secret}"
        ),
        places,
        secret,
        expiry: Expiry::new(new.key.expires_at, new.key.created_at),
        handle,
    })
    .ok()
    .map(no_store)
}

/// `POST …/service-accounts/new`: answers with the key, once (SP-17).
pub(super) async fn create(
    access: OrganizationAccess<Admin>,
    _confirmed: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<NewForm>,
) -> Result<HttpResponse> {
    let (fields, wanted) = NewFields::parse(form.fields);
    let mut page = new_page(&access, shell, fields);
    let Some(wanted) = wanted else { return Page(page).unprocessable() };
    let account = access.organization().account;
    match actions::create(&app, access, ip, wanted, Some(form.once)).await? {
        Created::Made(new) => {
            return made_page(&app, (page.shell, page.handle, account), &new, TITLE).await;
        }
        Created::NameTaken => page.fields.name = page.fields.name.with_problem(TAKEN),
        Created::LimitReached(limit) => {
            let bots = counted(limit, "service account", "service accounts");
            let problem = format!("The organization has {bots}, and more aren’t possible.");
            page.fields.name = page.fields.name.with_problem(problem);
        }
    }
    Page(page).unprocessable()
}

const TITLE: &str = "Service account created";

const TAKEN: &str = "There is a service account of this name. Choose another one.";

/// The service account of a page, and where it is used.
async fn found(
    app: &App,
    access: &OrganizationAccess<Admin>,
    req: &HttpRequest,
) -> Result<(Bot, Vec<Shared>)> {
    let (account, id) = (access.organization().account, id(req)?);
    app.db
        .read(move |db| {
            let bot = queries::one(db, account, id)?.ok_or(Error::NotFound)?;
            Ok((bot, queries::shared(db, id)?))
        })
        .await
}

#[derive(Template)]
#[template(path = "tenancy/service_accounts/rotate.html")]
struct RotatePage {
    shell: Shell,
    handle: String,
    name: String,
    home: String,
    fields: RotateFields,
    lifetimes: Vec<(String, String)>,
    overlaps: Vec<(&'static str, &'static str)>,
}

async fn rotate_page(
    app: &App,
    access: &OrganizationAccess<Admin>,
    (shell, req): (Shell, &HttpRequest),
    fields: RotateFields,
) -> Result<RotatePage> {
    let (bot, _) = found(app, access, req).await?;
    let handle = access.organization().handle.clone();
    Ok(RotatePage {
        shell: access.shell(shell, AT),
        home: urls::service_account(&handle, bot.id),
        name: bot.name,
        handle,
        fields,
        lifetimes: Lifetime::options(),
        overlaps: RotateFields::overlaps(),
    })
}

/// `GET …/service-accounts/{id}/rotate`
pub(super) async fn show_rotate(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    _confirmed: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Page(rotate_page(&app, &access, (shell, &req), RotateFields::empty()).await?).ok()
}

/// `POST …/service-accounts/{id}/rotate`: answers with the new key, once.
pub(super) async fn rotate(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    _confirmed: RecentlyConfirmed,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<RotateForm>,
) -> Result<HttpResponse> {
    let (fields, wanted) = RotateFields::parse(form.fields);
    let page = rotate_page(&app, &access, (shell, &req), fields).await?;
    let Some((lifetime, overlap)) = wanted else { return Page(page).unprocessable() };
    let (asked, account) = ((id(&req)?, lifetime, overlap), access.organization().account);
    let new = actions::rotate(&app, access, ip, asked, Some(form.once)).await?;
    made_page(&app, (page.shell, page.handle, account), &new, "API key rotated").await
}

#[derive(Template)]
#[template(path = "tenancy/service_accounts/rename.html")]
struct RenamePage {
    shell: Shell,
    handle: String,
    was: String,
    home: String,
    name: Field,
}

async fn rename_page(
    app: &App,
    access: &OrganizationAccess<Admin>,
    (shell, req): (Shell, &HttpRequest),
    name: Option<Field>,
) -> Result<RenamePage> {
    let (bot, _) = found(app, access, req).await?;
    let handle = access.organization().handle.clone();
    Ok(RenamePage {
        shell: access.shell(shell, AT),
        home: urls::service_account(&handle, bot.id),
        name: name.unwrap_or_else(|| Field::new("name", bot.name.clone())),
        was: bot.name,
        handle,
    })
}

/// `GET …/service-accounts/{id}/rename`
pub(super) async fn show_rename(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Page(rename_page(&app, &access, (shell, &req), None).await?).ok()
}

/// `POST …/service-accounts/{id}/rename`
pub(super) async fn rename(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<RenameForm>,
) -> Result<HttpResponse> {
    let mut name = Field::new("name", form.fields.name);
    let wanted = name.parse(BotName::parse);
    let mut page = rename_page(&app, &access, (shell, &req), Some(name)).await?;
    let Some(wanted) = wanted else { return Page(page).unprocessable() };
    match actions::rename(&app, access, ip, id(&req)?, wanted).await? {
        Renamed::Done => {
            Notice::ok("The name is saved.").leave(&req)?;
            Ok(see_other(page.home))
        }
        Renamed::NameTaken => {
            page.name = page.name.with_problem(TAKEN);
            Page(page).unprocessable()
        }
    }
}

#[derive(Template)]
#[template(path = "tenancy/service_accounts/end.html")]
struct EndPage {
    shell: Shell,
    handle: String,
    name: String,
    home: String,
    /// `Disable` or `Remove`.
    verb: &'static str,
    workspaces: Vec<String>,
}

async fn end_page(
    app: &App,
    access: &OrganizationAccess<Admin>,
    (shell, req): (Shell, &HttpRequest),
    verb: &'static str,
) -> Result<EndPage> {
    let (bot, shared) = found(app, access, req).await?;
    let handle = access.organization().handle.clone();
    Ok(EndPage {
        shell: access.shell(shell, AT),
        home: urls::service_account(&handle, bot.id),
        name: bot.name,
        verb,
        workspaces: shared.into_iter().map(|one| one.handle).collect(),
        handle,
    })
}

/// `GET …/service-accounts/{id}/disable`
pub(super) async fn show_disable(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Page(end_page(&app, &access, (shell, &req), "Disable").await?).ok()
}

/// `POST …/service-accounts/{id}/disable`
pub(super) async fn disable(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
) -> Result<HttpResponse> {
    let home = urls::service_account(&access.organization().handle, id(&req)?);
    let name = actions::set_disabled(&app, access, ip, (id(&req)?, true)).await?;
    Notice::ok(format!("{name} is disabled: its keys are refused.")).leave(&req)?;
    Ok(see_other(home))
}

/// `GET …/service-accounts/{id}/enable`: the button stands on its page.
pub(super) async fn back(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
) -> Result<HttpResponse> {
    Ok(see_other(urls::service_account(&access.organization().handle, id(&req)?)))
}

/// `POST …/service-accounts/{id}/enable`
pub(super) async fn enable(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
) -> Result<HttpResponse> {
    let home = urls::service_account(&access.organization().handle, id(&req)?);
    let name = actions::set_disabled(&app, access, ip, (id(&req)?, false)).await?;
    Notice::ok(format!("{name} is enabled: its keys are taken again.")).leave(&req)?;
    Ok(see_other(home))
}

/// `GET …/service-accounts/{id}/remove`
pub(super) async fn show_remove(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Page(end_page(&app, &access, (shell, &req), "Remove").await?).ok()
}

/// `POST …/service-accounts/{id}/remove`
pub(super) async fn remove(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
) -> Result<HttpResponse> {
    let list = urls::organization_page(&access.organization().handle, "service-accounts");
    let name = actions::remove(&app, access, ip, id(&req)?).await?;
    Notice::ok(format!("{name} was removed. Its keys are refused.")).leave(&req)?;
    Ok(see_other(list))
}
