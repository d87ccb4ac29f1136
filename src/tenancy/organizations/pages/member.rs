//! Inviting members, changing and removing one, and several invitations at once (O5, O7).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::members::{role_options, same_list};
use crate::access::actor::StepUp;
use crate::access::organization::{Admin, OrganizationAccess, OrganizationRole};
use crate::app::App;
use crate::base::db::paging::{PAGE_SIZE, Position};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::counted;
use crate::frame::{Person, Shell};
use crate::tenancy::accounts;
use crate::tenancy::invitations::actions as invitations;
use crate::tenancy::invitations::actions::Recruiting;
use crate::tenancy::invitations::managing::lines::{Report, Words, is_sent, status};
use crate::tenancy::invitations::managing::{Around, HasPages, no_store};
use crate::tenancy::invitations::model::{InvitationId, Scope};
use crate::tenancy::invitations::roster::queries::invited;
use crate::tenancy::invitations::roster::{Filter, Invited, MemberId, Status, Way};
use crate::tenancy::invitations::rules;
use crate::tenancy::organizations::actions::{self, BulkDone, BulkStep, Changed, Removed};
use crate::tenancy::organizations::forms::{BulkForm, InviteForm, RoleForm};
use crate::tenancy::organizations::queries;
use crate::tenancy::organizations::rules as organization_rules;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/organizations/invite.html")]
struct InvitePage {
    shell: Shell,
    around: Around,
    email: Field,
    role: Field,
    roles: Vec<(&'static str, &'static str)>,
    report: Report,
    keeps_mails: bool,
    domains: Option<String>,
    hint: String,
    password: Option<Field>,
}

fn invite_page(
    app: &App,
    access: &Recruiting,
    shell: Shell,
    (email, role): (Field, Field),
) -> InvitePage {
    let domains = &access.access().organization().email_domains;
    InvitePage {
        shell: access.in_shell(shell),
        around: access.around(),
        email,
        role,
        roles: role_options(),
        report: Report::default(),
        keeps_mails: app.settings().keeps_mails(),
        domains: (!domains.is_empty()).then(|| domains.replace(' ', ", ")),
        hint: format!(
            "One address a line, or several with commas. People without an account create one when \
             they accept. The invitation expires after {}.",
            counted(app.settings().flags.invitation_days, "day", "days")
        ),
        password: None,
    }
}

/// `GET …/members/invite`
pub(super) async fn show_invite(
    access: Recruiting,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let role = Field::new("role", OrganizationRole::Member.as_str());
    Page(invite_page(&app, &access, shell, (Field::empty("email"), role))).ok()
}

/// `POST …/members/invite`
pub(super) async fn invite(
    req: HttpRequest,
    access: Recruiting,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<InviteForm>,
) -> Result<HttpResponse> {
    let Form { fields: InviteForm { email: text, role, password }, once } = form;
    let mut role = Field::new("role", role);
    let wanted = role.parse(parse_role);
    let mut email = Field::new("email", text.clone());
    let typed = rules::lines(&text);
    if typed.is_empty() {
        email.problem = Some("Type at least one address.".to_owned());
    }
    let Some(wanted) = wanted.filter(|_| email.problem.is_none()) else {
        return Page(invite_page(&app, &access, shell, (email, role))).unprocessable();
    };
    let mut page = invite_page(&app, &access, shell, (email, role));
    let mut step_up = access.step_up();
    if wanted == OrganizationRole::Admin && !step_up.is_recent() {
        let user = access.access().person().user;
        match accounts::actions::step_up(&app, user, password, ip).await? {
            Ok(given) => step_up = given,
            Err(problem) => {
                page.password = Some(Field::empty("password").with_problem(problem));
                return Page(page).unprocessable();
            }
        }
    }
    let asked = (wanted, Some(once));
    let access = access.with(step_up);
    let results = invitations::invite_members(&app, access, ip, typed, asked).await?;
    let words = Words::new(&app, &page.around, ("member", "members"));
    if results.iter().all(is_sent) {
        words.notice(&results).leave(&req)?;
        return Ok(see_other(&page.around.list));
    }
    page.report = words.report(&results, &mut page.email);
    Page(page).with_status(status(&results)).map(no_store)
}

fn parse_role(word: &str) -> Result<OrganizationRole, String> {
    OrganizationRole::parse(word).ok_or_else(|| "Choose a role.".to_owned())
}

fn id(req: &HttpRequest) -> Result<MemberId> {
    req.match_info().get("id").and_then(|id| id.parse().ok()).ok_or(Error::NotFound)
}

/// `GET …/members/{id}/role`: the form stands in the list.
pub(super) async fn back(access: OrganizationAccess<Admin>) -> HttpResponse {
    see_other(urls::organization_page(&access.organization().handle, "members"))
}

/// `POST …/members/{id}/role`
pub(super) async fn change_role(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
    form: Form<RoleForm>,
) -> Result<HttpResponse> {
    let role = parse_role(&form.fields.role).map_err(Error::Invalid)?;
    let list = same_list(&req, &access.organization().handle);
    let changed = actions::change_role(&app, access, ip, (id(&req)?, role), step_up).await;
    if let Err(Error::ReauthenticationRequired) = changed {
        Notice::warn("Confirm that it is you; then choose the role once more.").leave(&req)?;
        return Ok(see_other(urls::confirm_access_next(&list)));
    }
    let notice = match changed? {
        Changed::Done(name) => Notice::ok(format!("{name} is {} now.", role.title())),
        Changed::LastAdmin(name) => Notice::danger(format!(
            "{name} is the last admin, and an organization needs one. Make somebody else an admin \
             first."
        )),
    };
    notice.leave(&req)?;
    Ok(see_other(list))
}

#[derive(Template)]
#[template(path = "tenancy/organizations/remove.html")]
struct RemovePage {
    shell: Shell,
    around: Around,
    person: Person,
    is_last_admin: bool,
    is_admin: bool,
    workspaces: Vec<String>,
    more: Option<String>,
    open: String,
}

/// Workspaces named on the page.
const NAMED: i64 = 20;

async fn remove_page(
    app: &App,
    access: &Recruiting,
    shell: Shell,
    id: MemberId,
) -> Result<RemovePage> {
    let account = access.access().organization().account;
    let (member, mut workspaces, open, admins) = app
        .db
        .read(move |db| {
            let member = queries::member(db, account, id)?.ok_or(Error::NotFound)?;
            let named = queries::granted_workspaces(db, account, member.user, NAMED + 1)?;
            let open = queries::open_workspaces(db, account)?;
            Ok((member, named, open, queries::admin_count(db, account)?))
        })
        .await?;
    let is_more = workspaces.len() > usize::try_from(NAMED).unwrap_or_default();
    workspaces.truncate(usize::try_from(NAMED).unwrap_or_default());
    Ok(RemovePage {
        shell: access.in_shell(shell),
        around: access.around(),
        person: Person::new(&member.name, &member.email),
        is_last_admin: !organization_rules::may_go(member.role, admins),
        is_admin: member.role == OrganizationRole::Admin,
        workspaces,
        more: is_more.then(|| "and others".to_owned()),
        open: counted(open, "workspace", "workspaces"),
    })
}

/// `GET …/members/{id}/remove`
pub(super) async fn show_remove(
    req: HttpRequest,
    access: Recruiting,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Page(remove_page(&app, &access, shell, id(&req)?).await?).ok()
}

/// `POST …/members/{id}/remove`
pub(super) async fn remove(
    req: HttpRequest,
    access: Recruiting,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    _form: Form<Button>,
) -> Result<HttpResponse> {
    let page = remove_page(&app, &access, shell, id(&req)?).await?;
    let is_self = page.person.email == access.access().person().email;
    let (access, step_up) = access.into_parts();
    match actions::remove_member(&app, access, ip, id(&req)?, step_up).await? {
        Removed::Gone(gone) => {
            let text = format!("{} was removed from {}.", gone.name, page.around.name);
            Notice::ok(text).leave(&req)?;
            let list = if is_self { urls::organizations().to_owned() } else { page.around.list };
            Ok(see_other(list))
        }
        Removed::LastAdmin => Page(page).with_status(StatusCode::CONFLICT),
    }
}

struct OpenRow {
    id: String,
    email: String,
    role: &'static str,
    line: String,
    is_expired: bool,
}

#[derive(Template)]
#[template(path = "tenancy/organizations/open_invitations.html")]
struct BulkPage {
    shell: Shell,
    around: Around,
    rows: Vec<OpenRow>,
    problem: Option<String>,
    done: Vec<String>,
    problems: Vec<String>,
    next_href: Option<String>,
}

/// Rows on one page of open invitations.
const ROWS: usize = PAGE_SIZE * 2;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BulkParams {
    after: String,
}

async fn bulk_page(app: &App, access: &Recruiting, shell: Shell, after: &str) -> Result<BulkPage> {
    let now = app.now();
    let scope = Scope { account: access.access().organization().account, workspace: None };
    let filter = Filter { scope, q: String::new(), status: Status::All, now };
    let from = match Position::After(after) {
        Position::After(text) => text.parse().ok(),
        _ => None,
    };
    let mut rows: Vec<Invited> =
        app.db.read(move |db| Ok(invited(db, &filter, Way::Down, from, ROWS + 1)?)).await?;
    let has_next = rows.len() > ROWS;
    rows.truncate(ROWS);
    let around = access.around();
    let last = rows.last().filter(|_| has_next).map(|row| row.id.to_string());
    Ok(BulkPage {
        shell: access.in_shell(shell),
        next_href: last.map(|last| urls::with_query(&around.steps, &[("after", last.as_str())])),
        rows: rows
            .into_iter()
            .map(|row| OpenRow {
                id: row.id.to_string(),
                role: row.organization_role.map_or("", OrganizationRole::title),
                line: row.line(now),
                is_expired: row.is_expired(now),
                email: row.email,
            })
            .collect(),
        around,
        problem: None,
        done: Vec::new(),
        problems: Vec::new(),
    })
}

/// `GET …/members/invitations`
pub(super) async fn show_bulk(
    access: Recruiting,
    shell: Shell,
    app: web::Data<App>,
    params: web::Query<BulkParams>,
) -> Result<HttpResponse> {
    Page(bulk_page(&app, &access, shell, &params.after).await?).ok()
}

/// `POST …/members/invitations`: sends the ticked ones again, or takes them back.
pub(super) async fn bulk(
    req: HttpRequest,
    access: Recruiting,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<BulkForm>,
) -> Result<HttpResponse> {
    let (step, verb) = match form.fields.step.as_str() {
        "resend" => (BulkStep::Resend, "sent again"),
        "revoke" => (BulkStep::Revoke, "revoked"),
        _ => return Err(Error::Invalid("Choose Resend or Revoke.".to_owned())),
    };
    let mut page = bulk_page(&app, &access, shell, "").await?;
    let ids: Option<Vec<InvitationId>> =
        form.fields.id.iter().take(ROWS).map(|id| id.parse().ok()).collect();
    let ids = ids.ok_or(Error::NotFound)?;
    if ids.is_empty() {
        page.problem = Some("Tick at least one invitation.".to_owned());
        return Page(page).unprocessable();
    }
    let results: Vec<BulkDone> = actions::bulk(&app, access, ip, (ids, form.once), step).await?;
    let (bad, good): (Vec<_>, Vec<_>) =
        results.into_iter().partition(|result| result.problem.is_some());
    let count = i64::try_from(good.len()).unwrap_or_default();
    let mut done = format!("{} {verb}.", counted(count, "invitation was", "invitations were"));
    let unmailed: Vec<&str> =
        good.iter().filter(|one| !one.is_mailed).map(|one| one.email.as_str()).collect();
    if !unmailed.is_empty() && matches!(step, BulkStep::Resend) {
        let who = unmailed.join(", ");
        done = format!("{done} No mail went to {who}, who got several today: copy the link.");
    }
    if bad.is_empty() {
        Notice::ok(done).leave(&req)?;
        return Ok(see_other(&page.around.list));
    }
    page.done = good.into_iter().map(|result| format!("{}: {verb}.", result.email)).collect();
    page.problems = bad.into_iter().filter_map(|result| result.problem).collect();
    page.problem = Some(done);
    Page(page).unprocessable()
}
