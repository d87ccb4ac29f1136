//! The list.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::forms::ListParams;
use super::super::model::{Collaborator, Counts, Invited, Key, Row, Status};
use super::super::queries::{self, Filter};
use super::{AT, Around, personal_only};
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, Slice};
use crate::base::error::Result;
use crate::base::http::page::{Page, Person, Shell};
use crate::base::mail::MailState;
use crate::base::text::{When, counted, relative};
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

#[derive(Template)]
#[template(path = "tenancy/collaborators/index.html")]
struct ListPage {
    shell: Shell,
    around: Around,
    manages: bool,
    is_empty: bool,
    count: String,
    q: String,
    statuses: Vec<(&'static str, &'static str, bool)>,
    rows: Vec<RowView>,
    previous: Option<String>,
    next: Option<String>,
    shown: String,
}

/// `GET …/collaborators`
pub(super) async fn show(
    access: WorkspaceAccess<SeeWorkspaceUsers>,
    shell: Shell,
    app: web::Data<App>,
    params: web::Query<ListParams>,
) -> Result<HttpResponse> {
    personal_only(&access)?;
    let params = params.into_inner();
    let filter = Filter {
        workspace: access.workspace().id,
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
            Ok((
                queries::page(db, &looked_for, &position)?,
                queries::counts(db, looked_for.workspace)?,
            ))
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
    fn page(&self, shell: Shell, filter: &Filter, slice: Slice<Row>, counts: Counts) -> ListPage {
        let around = Around::of(self.access);
        let (first, last) = (slice.rows.first().map(Row::key), slice.rows.last().map(Row::key));
        let word = Status::ALL.iter().find(|(value, ..)| *value == filter.status);
        let word = word.map_or("", |(_, word, _)| *word);
        let to = |name: &str, key: Option<Key>, is_there: bool| {
            let key = key.filter(|_| is_there)?.text();
            let pairs = [("q", filter.q.as_str()), ("status", word), (name, key.as_str())];
            Some(urls::with_query(&around.list, &pairs))
        };
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
            statuses: Status::ALL
                .map(|(value, word, text)| (word, text, value == filter.status))
                .to_vec(),
            previous: to("before", first, slice.has_previous),
            next: to("after", last, slice.has_next),
            rows: slice.rows.into_iter().map(|row| self.row(row)).collect(),
            shown: counted(shown, "row", "rows"),
            around,
        }
    }

    fn step(&self, id: impl std::fmt::Display, step: &str) -> String {
        let workspace = self.access.workspace();
        urls::collaborator_step(&workspace.account_handle, &workspace.handle, id, step)
    }

    fn row(&self, row: Row) -> RowView {
        match row {
            Row::Collaborator(row) => self.active(&row),
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
        let is_expired = row.expires_at <= self.now;
        let (sent, end) = (relative(row.sent_at, self.now), relative(row.expires_at, self.now));
        let by = &row.invited_by_name;
        RowView::Invited {
            initial: row.email.chars().take(1).collect::<String>().to_uppercase(),
            line: if is_expired {
                format!("Sent {sent} by {by}, expired {end}")
            } else {
                format!("Sent {sent} by {by}, expires {end}")
            },
            delivery: self.delivery(&row),
            is_expired,
            resend: self.step(row.id, "resend"),
            link: self.step(row.id, "link"),
            revoke: self.step(row.id, "revoke"),
            email: row.email,
        }
    }

    /// How the mail fares, as far as that is known.
    fn delivery(&self, row: &Invited) -> Option<String> {
        let reason = row.mail_error.as_deref().unwrap_or("no reason given");
        Some(match row.mail_state? {
            MailState::Sent => "Mail sent".to_owned(),
            MailState::Dropped => return None,
            MailState::Queued | MailState::Sending if self.keeps_mails => {
                "Mail kept: no mail server is set. Copy the link and hand it on".to_owned()
            }
            MailState::Queued | MailState::Sending => "Mail queued".to_owned(),
            MailState::Failed => format!("Mail not delivered yet, trying again: {reason}"),
            MailState::Dead => format!("Mail not delivered: {reason}"),
        })
    }
}
