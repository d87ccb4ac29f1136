//! One entry of an organization's log: before and after, who, with which key, from where (U1).

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::access::organization::{Admin, OrganizationAccess};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::page::{Page, Shell};
use crate::base::text::{When, hex};
use crate::tenancy::audit::events;
use crate::tenancy::audit::queries;
use crate::tenancy::audit::story::Story;

#[derive(Template)]
#[template(path = "tenancy/audit/entry.html")]
struct EntryPage {
    shell: Shell,
    handle: String,
    sequence: i64,
    event: String,
    what: String,
    when: When,
    who: String,
    email: String,
    key: Option<String>,
    ip: Option<String>,
    workspace: Option<String>,
    differences: Vec<(String, String, String)>,
    details: String,
    hash: String,
}

/// `GET /organizations/{organization}/audit-log/{sequence}`
pub(super) async fn show(
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse> {
    let sequence: i64 = path.1.parse().map_err(|_| Error::NotFound)?;
    let account = access.organization().account;
    let kept = app.db.read(move |db| Ok(queries::one(db, account, sequence)?)).await?;
    let kept = kept.ok_or(Error::NotFound)?;
    let story = Story::read(&kept.entry);
    Page(EntryPage {
        shell: access.shell(shell, "audit-log"),
        handle: access.organization().handle.clone(),
        sequence,
        what: events::words(&kept.event).to_owned(),
        when: When::exact(kept.occurred_at, app.now()),
        who: story.who(uuid::Uuid::nil()),
        email: story.email().to_owned(),
        key: story.key().map(str::to_owned),
        ip: story.ip().map(str::to_owned),
        workspace: story.workspace().map(str::to_owned),
        differences: story.differences(),
        details: story.details(),
        hash: hex(&kept.hash),
        event: kept.event,
    })
    .ok()
}
