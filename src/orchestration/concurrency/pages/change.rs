//! What is done to a limit from its pages: turned on and off, reset, a slot released, deleted.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::super::actions::{self, Change, Changed};
use super::super::leases;
use super::super::model::{LeaseId, Limit, LimitId, LimitKind, Which};
use super::super::queries;
use super::title;
use crate::access::permission::needs::ManageConcurrencyLimits;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::json::path_id;
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::counted;
use crate::frame::Shell;
use crate::orchestration::deletion::Deletion;
use crate::urls;

type Access = WorkspaceAccess<ManageConcurrencyLimits>;

/// Where somebody came from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CameFrom {
    from: String,
    q: String,
}

/// A limit, and how many leases hold slots of it.
async fn found(app: &App, access: &Access, req: &HttpRequest) -> Result<(Limit, i64)> {
    let (workspace, id, now): (_, LimitId, _) =
        (access.workspace().id, path_id(req, "id")?, app.now());
    let find = move |db: &mut crate::base::db::Db| {
        let limit = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
        let held = leases::holding(db, workspace, &[id])?;
        let held = held.iter().filter(|(_, lease)| lease.lasts(now)).count();
        Ok((limit, i64::try_from(held).unwrap_or(0)))
    };
    app.db.read(find).await
}

pub(super) async fn turn_on(
    access: Access,
    app: web::Data<App>,
    ip: ClientIp,
    (_form, from): (Form<Button>, web::Query<CameFrom>),
    req: HttpRequest,
) -> Result<HttpResponse> {
    turn((access, ip), &app, (true, from.into_inner()), &req).await
}

pub(super) async fn turn_off(
    access: Access,
    app: web::Data<App>,
    ip: ClientIp,
    (_form, from): (Form<Button>, web::Query<CameFrom>),
    req: HttpRequest,
) -> Result<HttpResponse> {
    turn((access, ip), &app, (false, from.into_inner()), &req).await
}

async fn turn(
    (access, ip): (Access, ClientIp),
    app: &App,
    (is_active, from): (bool, CameFrom),
    req: &HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, id): (_, LimitId) = (access.workspace().clone(), path_id(req, "id")?);
    let change = Change { is_active: Some(is_active), ..Change::default() };
    let done = actions::change(app, access, ip, (Which::Id(id), change), None).await?;
    let (Changed::Done(limit) | Changed::Stale(limit)) = done;
    let name = title(&limit);
    let text = if is_active {
        format!("“{name}” is on.")
    } else {
        format!("“{name}” is off. It is kept, and limits nothing.")
    };
    Notice::ok(text).leave(req)?;
    Ok(see_other(if from.from == "list" {
        let pairs = [("kind", limit.kind.as_str()), ("q", from.q.as_str())];
        urls::with_query(&urls::limits(&workspace), &pairs)
    } else {
        urls::limit(&workspace, id)
    }))
}

#[derive(Template)]
#[template(path = "orchestration/concurrency/reset.html")]
struct ResetPage {
    shell: Shell,
    title: String,
    list_href: String,
    back: String,
    text: String,
}

/// `5 slots are freed. What holds them goes on.`
fn freed(limit: &Limit, now: Instant) -> String {
    let slots = counted(limit.in_use(now), "slot is", "slots are");
    let what = if limit.in_use(now) == 1 { "it" } else { "them" };
    format!("{slots} freed. What holds {what} goes on.")
}

pub(super) async fn ask_reset(
    access: Access,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (limit, _) = found(&app, &access, &req).await?;
    Page(ResetPage {
        title: title(&limit),
        list_href: urls::limits_of(access.workspace(), limit.kind.as_str()),
        back: urls::limit(access.workspace(), limit.id),
        text: freed(&limit, app.now()),
        shell: access.shell(shell, "concurrency"),
    })
    .ok()
}

pub(super) async fn reset(
    access: Access,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, id): (_, LimitId) = (access.workspace().clone(), path_id(&req, "id")?);
    let was = actions::reset(&app, access, ip, (Which::Id(id), Vec::new())).await?;
    Notice::ok(freed(&was, app.now())).leave(&req)?;
    Ok(see_other(urls::limit(&workspace, id)))
}

/// Which lease is released, and of whom.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Release {
    lease: String,
    holder: String,
}

pub(super) async fn release(
    access: Access,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<Release>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, id): (_, LimitId) = (access.workspace().clone(), path_id(&req, "id")?);
    let lease: LeaseId = form.fields.lease.parse().map_err(|_| Error::NotFound)?;
    let notice = match actions::release(&app, access, ip, (id, lease)).await {
        Ok(()) => {
            let who: String = form.fields.holder.chars().take(200).collect();
            let who = if who.is_empty() { "Its holder".to_owned() } else { who };
            Notice::ok(format!("{who} goes on, without its slot. Another may start."))
        }
        // It ended by itself meanwhile.
        Err(Error::NotFound) => Notice::info("That slot was given back already."),
        Err(error) => return Err(error),
    };
    notice.leave(&req)?;
    Ok(see_other(urls::limit(&workspace, id)))
}

/// A limit that is deleted from here: one of a deployment goes with what it says there.
fn own(limit: Limit) -> Result<Limit> {
    Some(limit).filter(|limit| limit.kind != LimitKind::Deployment).ok_or(Error::NotFound)
}

pub(super) async fn ask_delete(
    access: Access,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (limit, holders) = found(&app, &access, &req).await?;
    let limit = own(limit)?;
    let name = title(&limit);
    let mut texts = vec![match limit.kind {
        LimitKind::Tag => format!("Tasks with the tag “{name}” are no longer limited."),
        _ => format!("Code that asks for “{name}” is no longer limited."),
    }];
    if holders > 0 {
        let text = counted(holders, "lease holds slots of it now", "leases hold slots of it now");
        texts.push(format!("{text}: what they belong to goes on."));
    }
    let list = ("Concurrency", urls::limits_of(access.workspace(), limit.kind.as_str()));
    Deletion { kind: "limit", name, texts, list }.page(access.shell(shell, "concurrency"))
}

pub(super) async fn delete(
    access: Access,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (limit, _) = found(&app, &access, &req).await?;
    let limit = own(limit)?;
    let to = urls::limits_of(access.workspace(), limit.kind.as_str());
    let limit = actions::delete(&app, access, ip, (Which::Id(limit.id), None)).await?;
    Notice::ok(format!("“{}” is deleted.", title(&limit))).leave(&req)?;
    Ok(see_other(to))
}
