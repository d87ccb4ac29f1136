//! The list.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::forms::ListParams;
use super::super::model::Collaborator;
use super::super::queries;
use super::AT;
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, Slice};
use crate::base::error::{Error, Result};
use crate::base::http::page::Page;
use crate::base::text::{When, counted};
use crate::frame::{Pager, Person, Shell};
use crate::tenancy::invitations::model::{Scope, takes_collaborators};
use crate::tenancy::invitations::roster::{Counts, Filter, Invited, Key, Row, Status};
use crate::urls;

/// One row as shown.
enum RowView {
    Active {
        person: Person,
        handle: String,
        seen: Option<When>,
        remove: String,
    },
    Invited {
        email: String,
        initial: String,
        is_expired: bool,
        line: String,
        delivery: Option<String>,
        resend: String,
        link: String,
        revoke: String,
    },
}

/// The addresses around the page.
struct Around {
    name: String,
    list: String,
}

#[derive(Template)]
#[template(path = "tenancy/collaborators/index.html")]
struct ListPage {
    shell: Shell,
    around: Around,
    invite: String,
    manages: bool,
    is_empty: bool,
    count: String,
    q: String,
    statuses: Vec<(&'static str, &'static str, bool)>,
    rows: Vec<RowView>,
    pager: Pager,
    shown: String,
}

/// `GET …/collaborators`
pub(super) async fn show(
    access: WorkspaceAccess<SeeWorkspaceUsers>,
    shell: Shell,
    app: web::Data<App>,
    params: web::Query<ListParams>,
) -> Result<HttpResponse> {
    let place = access.workspace();
    if !takes_collaborators(place) {
        // Links from before it was transferred lead on.
        return Err(Error::Moved(urls::sharing(place)));
    }
    let params = params.into_inner();
    let filter = Filter {
        scope: Scope { account: place.account, workspace: Some(place.id) },
        q: params.q.clone(),
        status: Status::parse(&params.status),
        now: app.now(),
    };
    let paging = PageParams { after: params.after, before: params.before };
    let position = paging.position(Key::parse);
    let looked_for = filter.clone();
    let (slice, counts) = app
        .db
        .read(move |db| {
            Ok((queries::page(db, &looked_for, &position)?, queries::counts(db, looked_for.scope)?))
        })
        .await?;
    let view = View { access: &access, keeps_mails: app.settings().keeps_mails(), now: filter.now };
    Page(view.page(shell, &filter, slice, counts)).ok()
}

/// Turns rows into what is shown.
struct View<'a> {
    access: &'a WorkspaceAccess<SeeWorkspaceUsers>,
    keeps_mails: bool,
    now: Instant,
}

impl View<'_> {
    fn page(
        &self,
        shell: Shell,
        filter: &Filter,
        slice: Slice<Row<Collaborator>>,
        counts: Counts,
    ) -> ListPage {
        let place = self.access.workspace();
        let around = Around { name: place.handle.clone(), list: urls::collaborators(place) };
        let narrowed = [("q", filter.q.as_str()), ("status", filter.status.word())];
        let shown = i64::try_from(slice.rows.len()).unwrap_or_default();
        ListPage {
            shell: self.access.shell(shell, AT),
            manages: self.access.may(Permission::ManageWorkspaceUsers),
            is_empty: counts.active + counts.invited == 0,
            count: format!(
                "{} · {} active",
                counted(counts.active + counts.invited, "collaborator", "collaborators"),
                counts.active
            ),
            q: filter.q.clone(),
            statuses: filter.status.options(),
            pager: Pager::of(&slice, &around.list, &narrowed, |row| row.key().text()),
            rows: slice.rows.into_iter().map(|row| self.row(row)).collect(),
            invite: urls::collaborators_invite(place),
            shown: counted(shown, "row", "rows"),
            around,
        }
    }

    fn step(&self, id: impl std::fmt::Display, step: &str) -> String {
        let workspace = self.access.workspace();
        urls::collaborator_step(workspace, id, step)
    }

    fn row(&self, row: Row<Collaborator>) -> RowView {
        match row {
            Row::Person(row) => self.active(&row),
            Row::Invited(row) => self.invited(row),
        }
    }

    fn active(&self, row: &Collaborator) -> RowView {
        RowView::Active {
            person: Person::new(&row.name, &row.email),
            handle: row.handle.clone(),
            seen: row.last_seen_at.map(|at| When::new(at, self.now)),
            remove: self.step(row.id, "remove"),
        }
    }

    fn invited(&self, row: Invited) -> RowView {
        RowView::Invited {
            initial: row.email.chars().take(1).collect::<String>().to_uppercase(),
            line: row.line(self.now),
            delivery: row.delivery(self.keeps_mails, self.now),
            is_expired: row.is_expired(self.now),
            resend: self.step(row.id, "resend"),
            link: self.step(row.id, "link"),
            revoke: self.step(row.id, "revoke"),
            email: row.email,
        }
    }
}
