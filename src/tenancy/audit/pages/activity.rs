//! `/profile/activity`: what happened in one's own account.

use actix_web::web;
use askama::Template;

use super::row::{Row, ways};
use crate::access::actor::SignedInPerson;
use crate::app::App;
use crate::base::db::paging::PageParams;
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::frame::{Pager, Shell};
use crate::tenancy::audit::queries::{self, Filter, Kept};
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/audit/activity.html")]
pub struct ActivityPage {
    shell: Shell,
    rows: Vec<Row>,
    pager: Pager,
}

/// `GET /profile/activity`
pub async fn activity(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    params: web::Query<PageParams>,
) -> Result<Page<ActivityPage>> {
    let (account, position) = (person.person().account, params.position(|at| at.parse().ok()));
    let (now, viewer) = (app.now(), person.person().user.uuid());
    let (slice, ways) = app
        .db
        .read(move |db| {
            let slice = queries::page(db, &Filter::everything(account), &position)?;
            let ways = ways(db, &slice.rows, now)?;
            Ok((slice, ways))
        })
        .await?;
    let row = |kept: &Kept| Row::new(kept, viewer, now).leading(&ways);
    Ok(Page(ActivityPage {
        pager: Pager::of(&slice, urls::activity(), &[], |kept| kept.sequence.to_string()),
        rows: slice.rows.iter().map(row).collect(),
        shell: shell.at("activity"),
    }))
}
