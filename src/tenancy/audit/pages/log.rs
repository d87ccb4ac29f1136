//! `/organizations/{o}/audit-log`: what happened in an organization, narrowed by the address (U1).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::row::Row;
use crate::access::AccountId;
use crate::access::organization::{Admin, OrganizationAccess};
use crate::app::App;
use crate::base::db::Db;
use crate::base::db::paging::{PageParams, Position, Slice};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::text::counted;
use crate::base::zone::Zone;
use crate::frame::{Pager, Shell};
use crate::tenancy::audit::Event;
use crate::tenancy::audit::forms::LogParams;
use crate::tenancy::audit::queries::{self, Filter, Kept};
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/audit/log.html")]
struct LogPage {
    shell: Shell,
    handle: String,
    name: String,
    kept: String,
    params: LogParams,
    events: &'static [Event],
    /// Why the filter leaves nothing, where it names what is not there.
    unknown: Option<String>,
    /// Each with the address of its details.
    rows: Vec<(String, Row)>,
    pager: Pager,
    csv_href: String,
    jsonl_href: String,
}

/// What the parameters narrow a chain to, or a sentence on what they name that is not there.
pub(super) fn filter(
    db: &mut Db,
    account: AccountId,
    params: &LogParams,
    zone: &Zone,
) -> Result<std::result::Result<Filter, String>> {
    let mut filter = Filter::everything(account);
    (filter.since, filter.until) = (params.since(zone), params.until(zone));
    filter.event = Some(params.event.clone()).filter(|event| !event.is_empty());
    if !params.workspace.is_empty() {
        filter.workspace = queries::workspace_named(db, account, &params.workspace)?;
        if filter.workspace.is_none() {
            return Ok(Err(format!("There is no workspace “{}” here.", params.workspace)));
        }
    }
    if !params.user.is_empty() {
        filter.person = queries::person_named(db, account, &params.user)?;
        if filter.person.is_none() {
            return Ok(Err(format!("Nothing was recorded of “{}”.", params.user)));
        }
    }
    Ok(Ok(filter))
}

/// `GET /organizations/{organization}/audit-log`
pub(super) async fn show(
    access: OrganizationAccess<Admin>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let params = LogParams::of(req.query_string());
    let (organization, now) = (access.organization(), app.now());
    let (account, asked, zone) = (organization.account, params.clone(), shell.zone.clone());
    let (slice, unknown) = app
        .db
        .read(move |db| {
            let page = PageParams { after: asked.after.clone(), before: asked.before.clone() };
            let position: Position<i64> = page.position(|at| at.parse().ok());
            match filter(db, account, &asked, &zone)? {
                Ok(filter) => Ok((queries::page(db, &filter, &position)?, None)),
                Err(unknown) => Ok((Slice::from_query(Vec::new(), &position, 1), Some(unknown))),
            }
        })
        .await?;
    let handle = organization.handle.clone();
    let export = |format: &str| {
        let mut pairs = params.pairs().to_vec();
        pairs.push(("format", format));
        urls::with_query(&urls::audit_export(&handle), &pairs)
    };
    let row =
        |kept: &Kept| (urls::audit_entry(&handle, kept.sequence), Row::new(kept, Uuid::nil(), now));
    let days = organization.audit_retention_days.or(app.settings().flags.audit_retention_days);
    Page(LogPage {
        name: organization.name.clone(),
        kept: match days {
            Some(days) => format!("Kept for {}.", counted(i64::from(days), "day", "days")),
            None => "Kept for ever.".to_owned(),
        },
        events: Event::ALL,
        unknown,
        pager: Pager::of(&slice, &urls::audit_log(&handle), &params.pairs(), |kept| {
            kept.sequence.to_string()
        }),
        csv_href: export("csv"),
        jsonl_href: export("jsonl"),
        rows: slice.rows.iter().map(row).collect(),
        shell: access.shell(shell, "audit-log"),
        params,
        handle,
    })
    .ok()
}
