//! Who belongs to an organization, and who is invited (O4).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::organization::{AnyMember, OrganizationAccess, OrganizationRole};
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, count_text};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::text::{When, counted, thousands};
use crate::frame::{Pager, Person, Shell};
use crate::tenancy::invitations::model::Scope;
use crate::tenancy::invitations::roster::queries::{invited_count, open_count};
use crate::tenancy::invitations::roster::{Filter, Invited, Key, Row, Status};
use crate::tenancy::organizations::model::Member;
use crate::tenancy::organizations::queries;
use crate::urls;

/// One row as shown.
enum RowView {
    Member {
        person: Person,
        handle: String,
        role: &'static str,
        role_word: &'static str,
        last_sign_in: Option<When>,
        second_factor: bool,
        is_you: bool,
        change: String,
        remove: String,
    },
    Invited {
        email: String,
        initial: String,
        role: &'static str,
        is_expired: bool,
        line: String,
        delivery: Option<String>,
        resend: String,
        link: String,
        revoke: String,
    },
}

#[derive(Template)]
#[template(path = "tenancy/organizations/members.html")]
struct MembersPage {
    shell: Shell,
    handle: String,
    name: String,
    is_admin: bool,
    needs_second_factor: bool,
    slots: String,
    has_open: bool,
    q: String,
    statuses: Vec<(&'static str, &'static str, bool)>,
    roles: Vec<(&'static str, &'static str, bool)>,
    role_options: Vec<(&'static str, &'static str)>,
    rows: Vec<RowView>,
    pager: Pager,
}

/// A parameter of the address, without what cannot be in any name; the first of doubled ones counts.
pub(super) fn parameter(req: &HttpRequest, wanted: &str) -> String {
    form_urlencoded::parse(req.query_string().as_bytes())
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.chars().filter(|c| !c.is_control()).take(200).collect())
        .unwrap_or_default()
}

/// What the address narrows the list to, and where in it the page is.
#[derive(Clone)]
struct Narrowed {
    q: String,
    status: Status,
    role: Option<OrganizationRole>,
    paging: PageParams,
}

impl Narrowed {
    fn of(req: &HttpRequest) -> Self {
        Self {
            q: parameter(req, "q"),
            status: Status::parse(&parameter(req, "status")),
            role: OrganizationRole::parse(&parameter(req, "role")),
            paging: PageParams { after: parameter(req, "after"), before: parameter(req, "before") },
        }
    }

    /// The parameters that narrow, for links.
    fn pairs(&self) -> [(&'static str, &str); 3] {
        let role = self.role.map_or("", OrganizationRole::as_str);
        [("q", &self.q), ("status", self.status.word()), ("role", role)]
    }
}

/// The list as its address narrowed it, to come back to after a change.
pub(super) fn same_list(req: &HttpRequest, handle: &str) -> String {
    let narrowed = Narrowed::of(req);
    let list = urls::organization_page(handle, "members");
    let mut pairs = narrowed.pairs().to_vec();
    pairs.push(match (&*narrowed.paging.after, &*narrowed.paging.before) {
        ("", before) => ("before", before),
        (after, _) => ("after", after),
    });
    urls::with_query(&list, &pairs)
}

/// The roles of a select, with the words for them.
pub(super) fn role_options() -> Vec<(&'static str, &'static str)> {
    OrganizationRole::ALL.iter().rev().map(|role| (role.as_str(), role.title())).collect()
}

/// `3 of 5 slots used`, or how many there are where there is no limit: `2 members, 1 open invitation`.
fn slots((members, open): (i64, i64), limit: Option<i32>) -> String {
    if let Some(limit) = limit {
        return format!("{} of {} slots used", thousands(members + open), thousands(limit.into()));
    }
    let members =
        format!("{} {}", count_text(members), if members == 1 { "member" } else { "members" });
    match open {
        0 => members,
        open => format!("{members}, {}", counted(open, "open invitation", "open invitations")),
    }
}

/// `GET /organizations/{organization}/members`
pub(super) async fn show(
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (organization, now) = (access.organization(), app.now());
    let narrowed = Narrowed::of(&req);
    let scope = Scope { account: organization.account, workspace: None };
    let filter = Filter { scope, q: narrowed.q.clone(), status: narrowed.status, now };
    let (position, role) = (narrowed.paging.position(Key::parse), narrowed.role);
    let (slice, taken, open) = app
        .db
        .read(move |db| {
            let slice = queries::members(db, &filter, role, &position)?;
            let members = queries::member_count(db, scope.account)?;
            let taken = (members, open_count(db, scope, now)?);
            Ok((slice, taken, invited_count(db, scope)?))
        })
        .await?;
    let handle = organization.handle.clone();
    let list = urls::organization_page(&handle, "members");
    let view = View {
        handle: &handle,
        you: &access.person().handle,
        query: req.query_string(),
        keeps_mails: app.settings().keeps_mails(),
        now,
    };
    let limit = organization.member_limit.or(app.settings().flags.member_limit);
    Page(MembersPage {
        shell: access.shell(shell, "organization-members"),
        name: organization.name.clone(),
        is_admin: access.is_admin(),
        needs_second_factor: organization.two_factor_since.is_some(),
        slots: slots(taken, limit),
        has_open: open > 0,
        statuses: narrowed.status.options(),
        roles: std::iter::once(("", "All roles", narrowed.role.is_none()))
            .chain(
                OrganizationRole::ALL
                    .iter()
                    .map(|role| (role.as_str(), role.title(), narrowed.role == Some(*role))),
            )
            .collect(),
        role_options: role_options(),
        pager: Pager::of(&slice, &list, &narrowed.pairs(), |row| row.key().text()),
        rows: slice.rows.iter().map(|row| view.row(row)).collect(),
        q: narrowed.q.clone(),
        handle: handle.clone(),
    })
    .ok()
}

/// Turns rows into what is shown.
struct View<'a> {
    handle: &'a str,
    you: &'a str,
    query: &'a str,
    keeps_mails: bool,
    now: Instant,
}

impl View<'_> {
    fn row(&self, row: &Row<Member>) -> RowView {
        match row {
            Row::Person(member) => self.member(member),
            Row::Invited(invited) => self.invited(invited),
        }
    }

    fn member(&self, member: &Member) -> RowView {
        let change = urls::organization_member(self.handle, member.id, "role");
        RowView::Member {
            person: Person::new(&member.name, &member.email),
            handle: member.handle.clone(),
            role: member.role.title(),
            role_word: member.role.as_str(),
            last_sign_in: member.last_sign_in_at.map(|at| When::new(at, self.now)),
            second_factor: member.second_factor.is_some(),
            is_you: member.handle == self.you,
            change: if self.query.is_empty() { change } else { format!("{change}?{}", self.query) },
            remove: urls::organization_member(self.handle, member.id, "remove"),
        }
    }

    fn invited(&self, row: &Invited) -> RowView {
        let step = |step: &str| urls::organization_invitation(self.handle, row.id, step);
        RowView::Invited {
            initial: row.email.chars().take(1).collect::<String>().to_uppercase(),
            role: row.organization_role.map_or("", OrganizationRole::title),
            line: row.line(self.now),
            delivery: row.delivery(self.keeps_mails, self.now),
            is_expired: row.is_expired(self.now),
            resend: step("resend"),
            link: step("link"),
            revoke: step("revoke"),
            email: row.email.clone(),
        }
    }
}
