//! `/profile/api-keys`

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::Expiry;
use crate::access::WorkspaceId;
use crate::access::actor::SignedInPerson;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, Slice};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::text::{When, counted};
use crate::frame::{Pager, Shell};
use crate::tenancy::api_keys::model::Key;
use crate::tenancy::api_keys::queries;
use crate::urls;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListParams {
    q: String,
    after: String,
    before: String,
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/list.html")]
pub struct ListPage {
    shell: Shell,
    q: String,
    has_none: bool,
    count_text: String,
    rows: Vec<Row>,
    pager: Pager,
    page_text: String,
}

struct Row {
    name: String,
    last_four: String,
    limited_to: String,
    read_only: bool,
    created: When,
    expiry: Expiry,
    last_used: Option<When>,
    menu_label: String,
    delete_href: String,
}

impl Row {
    fn new(key: &Key, paths: &[(WorkspaceId, String)], now: Instant) -> Self {
        Self {
            name: key.name.clone(),
            last_four: key.last_four.clone(),
            limited_to: limited_to(key, paths),
            read_only: key.read_only,
            created: When::new(key.created_at, now),
            expiry: Expiry::new(key.expires_at, now),
            last_used: key.last_used_at.map(|at| When::new(at, now)),
            menu_label: format!("Options for {}", key.name),
            delete_href: urls::api_key_delete(key.id),
        }
    }
}

/// What a key reaches, in words.
pub fn limited_to(key: &Key, paths: &[(WorkspaceId, String)]) -> String {
    let Some(only) = key.only_workspace_id else { return "Everything you can access".to_owned() };
    let path = paths.iter().find(|(id, _)| *id == only).map(|(_, path)| path.clone());
    path.unwrap_or_else(|| "A workspace you can’t access now".to_owned())
}

struct Found {
    keys: Slice<Key>,
    paths: Vec<(WorkspaceId, String)>,
    matching: i64,
    all: i64,
}

async fn find(app: &App, person: &SignedInPerson, params: &ListParams) -> Result<Found> {
    let (user, reach) = (person.person().user, person.actor().reach(app.now()));
    let paging = PageParams { after: params.after.clone(), before: params.before.clone() };
    let (q, position) = (params.q.clone(), paging.position(|id| id.parse().ok()));
    app.db
        .read(move |db| {
            let keys = queries::of_user(db, user, &q, &position)?;
            let limits: Vec<_> = keys.rows.iter().filter_map(|key| key.only_workspace_id).collect();
            Ok(Found {
                paths: queries::paths(db, &reach, &limits)?,
                matching: queries::count(db, user, &q)?,
                all: queries::count(db, user, "")?,
                keys,
            })
        })
        .await
}

/// `GET /profile/api-keys`
pub async fn show(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    params: web::Query<ListParams>,
) -> Result<Page<ListPage>> {
    let found = find(&app, &person, &params).await?;
    let now = app.now();
    let keys = &found.keys;
    let narrowed = [("q", params.q.trim())];
    Ok(Page(ListPage {
        pager: Pager::of(keys, urls::api_keys(), &narrowed, |key| key.id.to_string()),
        page_text: counted(found.matching, "key", "keys"),
        count_text: if params.q.trim().is_empty() {
            counted(found.all, "key", "keys")
        } else {
            format!("{} of {}", found.matching, counted(found.all, "key", "keys"))
        },
        has_none: found.all == 0,
        rows: keys.rows.iter().map(|key| Row::new(key, &found.paths, now)).collect(),
        q: params.q.clone(),
        shell: shell.at("api-keys"),
    }))
}
