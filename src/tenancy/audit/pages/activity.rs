//! `/profile/activity`: what happened in one's own account.

use actix_web::web;
use askama::Template;

use crate::access::actor::SignedInPerson;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::PageParams;
use crate::base::error::Result;
use crate::base::http::page::{Page, Shell};
use crate::base::text::When;
use crate::tenancy::audit::events;
use crate::tenancy::audit::queries::{self, Filter, Kept};
use crate::tenancy::audit::story::Story;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/audit/activity.html")]
pub struct ActivityPage {
    shell: Shell,
    rows: Vec<Row>,
    previous_href: Option<String>,
    next_href: Option<String>,
    page_text: String,
}

struct Row {
    when: When,
    event: String,
    what: String,
    about: String,
    who: String,
    key: Option<String>,
    workspace: String,
    ip: String,
}

impl Row {
    fn new(kept: &Kept, person: &SignedInPerson, now: Instant) -> Self {
        let story = Story::read(&kept.entry);
        Self {
            when: When::new(kept.occurred_at, now),
            event: kept.event.clone(),
            what: events::words(&kept.event).to_owned(),
            about: story.about(),
            who: story.who(person.person().user.uuid()),
            key: story.key().map(str::to_owned),
            workspace: story.workspace().unwrap_or_default().to_owned(),
            ip: story.ip().unwrap_or_default().to_owned(),
        }
    }
}

/// `GET /profile/activity`
pub async fn activity(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    params: web::Query<PageParams>,
) -> Result<Page<ActivityPage>> {
    let (account, position) = (person.person().account, params.position(|at| at.parse().ok()));
    let slice = app
        .db
        .read(move |db| Ok(queries::page(db, &Filter::everything(account), &position)?))
        .await?;
    let now = app.now();
    let turn = |name: &str, kept: Option<&Kept>| {
        kept.map(|kept| urls::with_query(urls::activity(), &[(name, &kept.sequence.to_string())]))
    };
    Ok(Page(ActivityPage {
        previous_href: turn("before", slice.rows.first().filter(|_| slice.has_previous)),
        next_href: turn("after", slice.rows.last().filter(|_| slice.has_next)),
        page_text: "The newest entries come first".to_owned(),
        rows: slice.rows.iter().map(|kept| Row::new(kept, &person, now)).collect(),
        shell: shell.at("activity"),
    }))
}
