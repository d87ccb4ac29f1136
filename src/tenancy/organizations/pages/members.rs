//! Who belongs to an organization (O4).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::organization::{AnyMember, OrganizationAccess};
use crate::app::App;
use crate::base::db::paging::{PageParams, count_text};
use crate::base::error::Result;
use crate::base::http::page::{Page, Person, Shell};
use crate::base::text::When;
use crate::tenancy::organizations::model::{Key, Member};
use crate::tenancy::organizations::queries;
use crate::urls;

struct Row {
    person: Person,
    handle: String,
    role: &'static str,
    last_sign_in: Option<When>,
    is_you: bool,
}

#[derive(Template)]
#[template(path = "tenancy/organizations/members.html")]
struct MembersPage {
    shell: Shell,
    handle: String,
    name: String,
    count: String,
    q: String,
    rows: Vec<Row>,
    previous_href: Option<String>,
    next_href: Option<String>,
}

/// A parameter of the address, without what cannot be in any name; the first of doubled ones counts.
pub(super) fn parameter(req: &HttpRequest, wanted: &str) -> String {
    form_urlencoded::parse(req.query_string().as_bytes())
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.chars().filter(|c| !c.is_control()).take(200).collect())
        .unwrap_or_default()
}

/// `GET /organizations/{organization}/members`
pub(super) async fn show(
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (account, now) = (access.organization().account, app.now());
    let q = parameter(&req, "q");
    let params = PageParams { after: parameter(&req, "after"), before: parameter(&req, "before") };
    let (asked, position) = (q.clone(), params.position(Key::parse));
    let (slice, count) = app
        .db
        .read(move |db| {
            let slice = queries::members(db, account, &asked, &position)?;
            Ok((slice, queries::member_count(db, account)?))
        })
        .await?;
    let handle = access.organization().handle.clone();
    let href = |name: &str, row: Option<&Member>| {
        let key = Key::of(row?).text();
        let pairs = [("q", q.as_str()), (name, key.as_str())];
        Some(urls::with_query(&urls::organization_page(&handle, "members"), &pairs))
    };
    let row = |member: &Member| Row {
        person: Person::new(&member.name, &member.email),
        handle: member.handle.clone(),
        role: member.role.title(),
        last_sign_in: member.last_sign_in_at.map(|at| When::new(at, now)),
        is_you: member.handle == access.person().handle,
    };
    Page(MembersPage {
        shell: access.shell(shell, "organization-members"),
        name: access.organization().name.clone(),
        count: format!("{} {}", count_text(count), if count == 1 { "member" } else { "members" }),
        previous_href: slice.has_previous.then(|| href("before", slice.rows.first())).flatten(),
        next_href: slice.has_next.then(|| href("after", slice.rows.last())).flatten(),
        rows: slice.rows.iter().map(row).collect(),
        handle,
        q,
    })
    .ok()
}
