//! The list of service accounts, and one of them.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{AT, Expiry, id};
use crate::access::organization::{AnyMember, OrganizationAccess};
use crate::app::App;
use crate::base::db::paging::PageParams;
use crate::base::error::{Error, Result};
use crate::base::http::page::Page;
use crate::base::text::{When, counted, thousands};
use crate::frame::{Pager, Shell};
use crate::tenancy::service_accounts::model::Bot;
use crate::tenancy::service_accounts::queries;
use crate::urls;

struct Row {
    name: String,
    href: String,
    created: When,
    created_by: String,
    is_disabled: bool,
    expiry: Option<Expiry>,
    last_used: Option<When>,
}

#[derive(Template)]
#[template(path = "tenancy/service_accounts/list.html")]
struct ListPage {
    shell: Shell,
    handle: String,
    name: String,
    is_admin: bool,
    has_none: bool,
    slots: String,
    q: String,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListParams {
    q: String,
    after: String,
    before: String,
}

/// `GET /organizations/{organization}/service-accounts`
pub(super) async fn list(
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
    params: web::Query<ListParams>,
) -> Result<HttpResponse> {
    let (account, now) = (access.organization().account, app.now());
    let params = params.into_inner();
    let paging = PageParams { after: params.after, before: params.before };
    let position = paging.position(|text| Some(text.to_owned()));
    let asked = params.q.clone();
    let (slice, keys, count) = app
        .db
        .read(move |db| {
            let slice = queries::page(db, account, &asked, &position)?;
            let ids: Vec<_> = slice.rows.iter().map(|bot| bot.id).collect();
            Ok((slice, queries::present_keys(db, &ids)?, queries::count(db, account)?))
        })
        .await?;
    let handle = access.organization().handle.clone();
    let list = urls::organization_page(&handle, "service-accounts");
    let row = |bot: &Bot| {
        let key = keys.iter().rev().find(|key| key.service_account == bot.id);
        Row {
            href: urls::service_account(&handle, bot.id),
            created: When::new(bot.created_at, now),
            created_by: bot.created_by_name.clone(),
            is_disabled: bot.disabled_at.is_some(),
            expiry: key.map(|key| Expiry::new(key.expires_at, now)),
            last_used: key.and_then(|key| key.last_used_at).map(|at| When::new(at, now)),
            name: bot.name.clone(),
        }
    };
    let usual = app.settings().flags.service_account_limit;
    let limit = access.organization().service_account_limit.or(usual);
    Page(ListPage {
        name: access.organization().name.clone(),
        is_admin: access.is_admin(),
        has_none: count == 0,
        slots: match limit {
            Some(limit) => {
                format!("{} of {} slots used", thousands(count), thousands(i64::from(limit)))
            }
            None => counted(count, "service account", "service accounts"),
        },
        pager: Pager::of(&slice, &list, &[("q", &params.q)], |bot| bot.name_key.clone()),
        rows: slice.rows.iter().map(row).collect(),
        q: params.q.clone(),
        shell: access.shell(shell, AT),
        handle: handle.clone(),
    })
    .ok()
}

struct KeyRow {
    last_four: String,
    created: When,
    created_by: String,
    expiry: Expiry,
    is_present: bool,
    is_over: bool,
    last_used: Option<(When, String)>,
}

struct SharedRow {
    workspace: String,
    href: String,
    role: String,
    by: String,
    until: Option<When>,
    last_seen: Option<When>,
}

#[derive(Template)]
#[template(path = "tenancy/service_accounts/show.html")]
struct ShowPage {
    shell: Shell,
    handle: String,
    id: String,
    name: String,
    is_admin: bool,
    is_disabled: bool,
    created: When,
    created_by: String,
    keys: Vec<KeyRow>,
    shared: Vec<SharedRow>,
    rotate: String,
    rename: String,
    disable: String,
    enable: String,
    remove: String,
}

/// `GET /organizations/{organization}/service-accounts/{id}`
pub(super) async fn show(
    req: HttpRequest,
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (account, now, id) = (access.organization().account, app.now(), id(&req)?);
    // Which workspaces there are is not everybody's to know.
    let is_admin = access.is_admin();
    let (bot, keys, shared) = app
        .db
        .read(move |db| {
            let bot = queries::one(db, account, id)?.ok_or(Error::NotFound)?;
            let shared = if is_admin { queries::shared(db, id)? } else { Vec::new() };
            Ok((bot, queries::keys_of(db, id)?, shared))
        })
        .await?;
    let handle = access.organization().handle.clone();
    let step = |step: &str| urls::service_account_step(&handle, id, step);
    Page(ShowPage {
        shell: access.shell(shell, AT),
        id: id.to_string(),
        is_admin,
        is_disabled: bot.disabled_at.is_some(),
        created: When::new(bot.created_at, now),
        created_by: bot.created_by_name,
        keys: keys
            .into_iter()
            .map(|key| KeyRow {
                created: When::new(key.created_at, now),
                expiry: Expiry::new(key.expires_at, now),
                is_present: key.replaced_at.is_none(),
                is_over: key.is_over(now),
                last_used: key
                    .last_used_at
                    .map(|at| (When::new(at, now), key.last_used_ip.unwrap_or_default())),
                last_four: key.last_four,
                created_by: key.created_by_name,
            })
            .collect(),
        shared: shared
            .into_iter()
            .map(|one| SharedRow {
                href: urls::sharing((&handle, &one.handle)),
                workspace: one.handle,
                role: one.role.map(|role| role.title).unwrap_or_default(),
                by: one.by,
                until: one.until.map(|at| When::new(at, now)),
                last_seen: one.last_seen_at.map(|at| When::new(at, now)),
            })
            .collect(),
        rotate: step("rotate"),
        rename: step("rename"),
        disable: step("disable"),
        enable: step("enable"),
        remove: step("remove"),
        name: bot.name,
        handle: handle.clone(),
    })
    .ok()
}
