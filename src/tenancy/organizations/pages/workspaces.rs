//! An organization's workspaces (O3).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::handle::Handle;
use crate::access::organization::{AnyMember, OrganizationAccess};
use crate::app::App;
use crate::base::db::paging::{PageParams, Position};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::text::{When, counted, thousands};
use crate::frame::{Pager, Shell};
use crate::tenancy::organizations::pages::members::parameter;
use crate::tenancy::organizations::queries;
use crate::urls;

struct Row {
    handle: String,
    href: String,
    created: When,
    updated: When,
}

#[derive(Template)]
#[template(path = "tenancy/organizations/workspaces.html")]
struct WorkspacesPage {
    shell: Shell,
    handle: String,
    is_admin: bool,
    count: String,
    q: String,
    rows: Vec<Row>,
    deleted: Vec<(String, String, When)>,
    pager: Pager,
}

/// `GET /organizations/{organization}/workspaces`: those that the person can access.
pub(super) async fn show(
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (account, is_admin, now) = (access.organization().account, access.is_admin(), app.now());
    let reach = access.actor().reach(now);
    let q = parameter(&req, "q");
    let params = PageParams { after: parameter(&req, "after"), before: parameter(&req, "before") };
    let position: Position<String> =
        params.position(|text| Handle::is_stored_form(text).then(|| text.to_owned()));
    let asked = q.clone();
    let (slice, count, deleted) = app
        .db
        .read(move |db| {
            let slice = queries::owned(db, (account, &reach), &asked, &position)?;
            let deleted =
                if is_admin { queries::restorable(db, account, now)? } else { Vec::new() };
            let count = queries::reached_count(db, account, &reach)?;
            Ok((slice, count, deleted))
        })
        .await?;
    let handle = access.organization().handle.clone();
    let here = urls::organization_page(&handle, "workspaces");
    Page(WorkspacesPage {
        shell: access.shell(shell, "organization-workspaces"),
        is_admin,
        count: match access.organization().workspace_limit.filter(|_| is_admin) {
            Some(limit) => {
                format!("{} of {} slots used", thousands(count), thousands(i64::from(limit)))
            }
            None => counted(count, "workspace", "workspaces"),
        },
        pager: Pager::of(&slice, &here, &[("q", &q)], |row| row.handle.clone()),
        rows: slice
            .rows
            .iter()
            .map(|row| Row {
                handle: row.handle.clone(),
                href: urls::workspace((&handle, &row.handle)),
                created: When::new(row.created_at, now),
                updated: When::new(row.updated_at, now),
            })
            .collect(),
        deleted: deleted
            .into_iter()
            .map(|(id, handle, until)| (handle, urls::workspace_deleted(id), When::new(until, now)))
            .collect(),
        handle,
        q,
    })
    .ok()
}
