//! A deleted workspace within its days of grace: restore, or delete now.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{path_of, support_href};
use crate::access::WorkspaceId;
use crate::access::actor::{RecentlyConfirmed, SignedInPerson};
use crate::access::membership::Workspace;
use crate::access::organization;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::When;
use crate::frame::Shell;
use crate::tenancy::impacts::export::{Format, Route, file};
use crate::tenancy::impacts::model::Review;
use crate::tenancy::impacts::view::Part;
use crate::tenancy::workspaces::actions::{self, Restored};
use crate::tenancy::workspaces::forms::{DeletedForm, ReceiptParams, confirmation, unconfirmed};
use crate::tenancy::workspaces::model::Slots;
use crate::tenancy::workspaces::queries;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/workspaces/deleted.html")]
struct DeletedPage {
    shell: Shell,
    path: String,
    label: String,
    /// `None` once the days of grace are over.
    until: Option<When>,
    /// Why there is no room for it.
    full: Option<String>,
    support: Option<(String, String)>,
    /// Where the password is asked for once more, when it has to be.
    confirm_href: Option<String>,
    confirm: Field,
    /// What deleting it did.
    parts: Vec<Part>,
    /// The same as a file: its form, and where it is.
    files: Vec<(&'static str, String)>,
}

/// A deleted workspace, until when it can be restored, the room of its account, and what deleting it did.
type Found = (Workspace, Option<Instant>, Slots, Option<Review>);

/// The workspace of an address, if the person decides over its account.
async fn find(app: &App, person: &SignedInPerson, id: &str) -> Result<Found> {
    let id: WorkspaceId = id.parse().map_err(|_| Error::NotFound)?;
    let (person, usual) = (person.person().clone(), app.settings().flags.workspace_limit);
    app.db
        .read(move |db| {
            let (found, purge) = queries::with_deleted(db, id)?.ok_or(Error::NotFound)?;
            if !organization::has_authority(db, &person, found.account)? {
                return Err(Error::NotFound);
            }
            let slots = queries::slots(db, found.account, usual)?;
            let receipt = queries::receipt(db, id)?;
            Ok((found, purge, slots, receipt))
        })
        .await
}

fn full_text(account: &str, slots: Slots) -> Option<String> {
    let used = slots.text().filter(|_| slots.is_full())?;
    Some(format!(
        "{account} uses {used} workspaces, so there is no room to restore it. Delete another one \
         first."
    ))
}

fn page(
    shell: Shell,
    app: &App,
    (workspace, purge_after, slots, receipt): &Found,
    is_recent: bool,
    confirm: Field,
) -> DeletedPage {
    let (now, path) = (app.now(), path_of(workspace));
    let until = purge_after.filter(|until| *until > now).map(|until| When::new(until, now));
    let back = urls::confirm_access_next(&urls::workspace_deleted(workspace.id));
    DeletedPage {
        shell: shell.at("workspaces"),
        label: format!("Type {path} to confirm"),
        path,
        until,
        full: full_text(&workspace.account_handle, *slots),
        support: app.settings().flags.support.as_ref().map(|at| (at.clone(), support_href(at))),
        confirm_href: (!is_recent).then_some(back),
        confirm,
        parts: receipt.iter().flat_map(|receipt| &receipt.impacts).map(Part::of).collect(),
        files: ["md", "csv", "json"]
            .map(|format| (format, urls::workspace_deletion(workspace.id, format)))
            .to_vec(),
    }
}

fn home_of(workspace: &Workspace) -> HttpResponse {
    see_other(urls::workspace(workspace))
}

pub(super) async fn show(
    person: SignedInPerson,
    recent: Option<RecentlyConfirmed>,
    shell: Shell,
    app: web::Data<App>,
    id: web::Path<String>,
) -> Result<HttpResponse> {
    let found = find(&app, &person, &id).await?;
    if found.1.is_none() {
        return Ok(home_of(&found.0));
    }
    Page(page(shell, &app, &found, recent.is_some(), unconfirmed())).ok()
}

/// `GET /workspaces/deleted/{id}/receipt`: what deleting it did, as a file.
pub(super) async fn receipt(
    person: SignedInPerson,
    app: web::Data<App>,
    id: web::Path<String>,
    params: Option<web::Query<ReceiptParams>>,
) -> Result<HttpResponse> {
    let (workspace, _, _, receipt) = find(&app, &person, &id).await?;
    let format = Format::of(&params.map(web::Query::into_inner).unwrap_or_default().format)?;
    let from = path_of(&workspace);
    file(&receipt.ok_or(Error::NotFound)?, Route { from: &from, to: None }, format)
}

/// What an answer on this page needs.
struct Answer {
    app: web::Data<App>,
    person: SignedInPerson,
    shell: Shell,
    ip: ClientIp,
    req: HttpRequest,
    is_recent: bool,
    found: Found,
}

pub(super) async fn act(
    (person, recent): (SignedInPerson, Result<RecentlyConfirmed>),
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<DeletedForm>,
    (id, req): (web::Path<String>, HttpRequest),
) -> Result<HttpResponse> {
    let found = find(&app, &person, &id).await?;
    let answer = Answer { app, person, shell, ip, req, is_recent: recent.is_ok(), found };
    match form.fields.act.as_str() {
        "restore" => restore(answer).await,
        "delete" => delete_now(answer, recent?, &form.fields.confirm).await,
        _ => Err(Error::Invalid("Choose Restore or Delete now.".to_owned())),
    }
}

async fn restore(answer: Answer) -> Result<HttpResponse> {
    let Answer { app, person, shell, ip, req, is_recent, mut found } = answer;
    match actions::restore(&app, person, ip, (found.0.account, found.0.id)).await? {
        Restored::Back(workspace) => {
            let path = path_of(&workspace);
            Notice::ok(format!(
                "{path} is restored. Everybody who had access has it again; its invitations stay void."
            ))
            .leave(&req)?;
            Ok(home_of(&workspace))
        }
        Restored::Full(slots) => {
            found.2 = slots;
            Page(page(shell, &app, &found, is_recent, unconfirmed()))
                .with_status(StatusCode::CONFLICT)
        }
        Restored::TooLate => {
            Page(page(shell, &app, &found, is_recent, unconfirmed())).with_status(StatusCode::GONE)
        }
    }
}

async fn delete_now(
    answer: Answer,
    recent: RecentlyConfirmed,
    typed: &str,
) -> Result<HttpResponse> {
    let Answer { app, shell, ip, req, found, .. } = answer;
    let path = path_of(&found.0);
    if let Err(confirm) = confirmation(typed, &path) {
        return Page(page(shell, &app, &found, true, confirm)).unprocessable();
    }
    actions::delete_now(&app, recent, ip, (found.0.account, found.0.id)).await?;
    Notice::ok(format!("{path} is deleted for good. What it held is being removed."))
        .leave(&req)?;
    Ok(see_other(urls::workspaces()))
}
