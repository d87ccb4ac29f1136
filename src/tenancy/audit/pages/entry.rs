//! One entry of an organization's log: before and after, who, with which key, from where (U1).

use actix_web::{HttpResponse, web};
use askama::Template;

use super::row::{Way, ways};
use crate::access::organization::{Admin, OrganizationAccess};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::page::Page;
use crate::base::text::{When, hex};
use crate::frame::Shell;
use crate::tenancy::audit::events;
use crate::tenancy::audit::queries;
use crate::tenancy::audit::story::{Fact, Story};
use crate::urls;

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
    workspace_href: Option<String>,
    /// All that the same person did.
    user_href: Option<String>,
    transfer: Option<Way>,
    differences: Vec<(String, String, String)>,
    /// Each with its moment, where it is one.
    facts: Vec<(Fact, Option<When>)>,
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
    let now = app.now();
    let (kept, mut ways) = app
        .db
        .read(move |db| {
            let kept = queries::one(db, account, sequence)?.ok_or(Error::NotFound)?;
            let ways = ways(db, std::slice::from_ref(&kept), now)?;
            Ok((kept, ways))
        })
        .await?;
    let story = Story::read(&kept.entry);
    let handle = access.organization().handle.clone();
    let log = urls::audit_log(&handle);
    let place = story.workspace().and_then(|path| path.split_once('/'));
    let email = story.email();
    let with_time = |fact: Fact| {
        let when = fact.at.map(|at| When::exact(at, now));
        (fact, when)
    };
    Page(EntryPage {
        shell: access.shell(shell, "audit-log"),
        facts: story.facts(&handle).into_iter().map(with_time).collect(),
        workspace_href: place.map(urls::workspace),
        user_href: (!email.is_empty()).then(|| urls::with_query(&log, &[("user", email)])),
        handle,
        sequence,
        what: events::words(&kept.event).to_owned(),
        when: When::exact(kept.occurred_at, now),
        who: story.who(uuid::Uuid::nil()),
        email: story.email().to_owned(),
        key: story.key().map(str::to_owned),
        ip: story.ip().map(str::to_owned),
        workspace: story.workspace().map(str::to_owned),
        transfer: story.transfer().and_then(|id| ways.remove(&id)),
        differences: story.differences(),
        details: story.details(),
        hash: hex(&kept.hash),
        event: kept.event,
    })
    .ok()
}
