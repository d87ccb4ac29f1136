//! The two tables.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Around, RoleOption, role_options, shell};
use crate::access::membership;
use crate::access::organization::OrganizationRole;
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeWorkspaceUsers;
use crate::access::role::{NamedRole, RoleRef};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, Slice, count_text};
use crate::base::error::{Error, Result};
use crate::base::http::page::Page;
use crate::base::text::{When, thousands};
use crate::frame::{Pager, Person, Shell};
use crate::tenancy::invitations::model::{Scope, takes_collaborators};
use crate::tenancy::invitations::roster::{Filter, Invited, Key, Row, Status};
use crate::tenancy::organizations;
use crate::tenancy::service_accounts;
use crate::tenancy::service_accounts::model::BotKey;
use crate::tenancy::sharing::forms::ListParams;
use crate::tenancy::sharing::model::{BotPlace, SharedBot, SharedPerson};
use crate::tenancy::sharing::queries;
use crate::urls;

/// One row of the members' table.
enum MemberRow {
    Person(Box<PersonRow>),
    Invited {
        email: String,
        initial: String,
        role: String,
        is_expired: bool,
        line: String,
        delivery: Option<String>,
        resend: String,
        link: String,
        revoke: String,
    },
}

struct PersonRow {
    person: Person,
    is_you: bool,
    role: String,
    role_value: String,
    effective: Option<String>,
    source: String,
    until: Option<When>,
    seen: Option<When>,
    can_change: bool,
    change: String,
    remove: String,
    explain: String,
}

struct BotRow {
    name: String,
    by: String,
    role: String,
    role_value: String,
    until: Option<When>,
    key: (&'static str, &'static str, String),
    last_used: Option<When>,
    can_change: bool,
    change: String,
    remove: String,
}

struct Admin {
    person: Person,
    explain: String,
}

#[derive(Template)]
#[template(path = "tenancy/sharing/list.html")]
struct ListPage {
    shell: Shell,
    around: Around,
    roles_href: Option<String>,
    sees_bots: bool,
    members: String,
    default_role: String,
    default_value: String,
    default_href: Option<String>,
    default_people: String,
    roles: Vec<RoleOption>,
    admins: Vec<Admin>,
    admin_count: String,
    more_admins: bool,
    q: String,
    statuses: Vec<(&'static str, &'static str, bool)>,
    role: String,
    rows: Vec<MemberRow>,
    is_filtered: bool,
    pager: Pager,
    add_member: Option<String>,
    bots: String,
    sq: String,
    bot_rows: Vec<BotRow>,
    bot_pager: Pager,
    add_bot: Option<String>,
}

/// Admins who are named.
const ADMINS: i64 = 20;

struct Found {
    default: Option<NamedRole>,
    admins: (i64, Vec<(String, String, String)>),
    people: Slice<Row<SharedPerson>>,
    people_count: i64,
    members: i64,
    bots: Slice<SharedBot>,
    bot_count: i64,
    keys: Vec<BotKey>,
    is_member: bool,
}

async fn find(
    app: &App,
    access: &WorkspaceAccess<SeeWorkspaceUsers>,
    params: &ListParams,
) -> Result<Found> {
    let (account, workspace) = (access.workspace().account, access.workspace().id);
    let sees_bots = access.may(Permission::SeeWorkspaceServiceAccounts);
    let user = access.actor().as_person().map(|person| person.user);
    let filter = Filter {
        scope: Scope { account, workspace: Some(workspace) },
        q: params.q.clone(),
        status: Status::parse(&params.status),
        now: app.now(),
    };
    let role = RoleRef::parse(&params.role);
    let paging = PageParams { after: params.after.clone(), before: params.before.clone() };
    let position = paging.position(Key::parse);
    let bot_paging = PageParams { after: params.safter.clone(), before: params.sbefore.clone() };
    let bot_position = bot_paging.position(BotPlace::parse);
    let sq = params.sq.clone();
    app.db
        .read(move |db| {
            let people = queries::people(db, &filter, role, &position)?;
            let none = Slice { rows: Vec::new(), has_previous: false, has_next: false };
            let (bots, bot_count) = if sees_bots {
                let bots = queries::bots(db, workspace, (&sq, filter.now), &bot_position)?;
                (bots, queries::bot_count(db, workspace, filter.now)?)
            } else {
                (none, 0)
            };
            let ids: Vec<_> = bots.rows.iter().map(|row| row.bot).collect();
            let is_member = match user {
                Some(user) => crate::access::organization::role(db, user, account)?.is_some(),
                None => false,
            };
            Ok(Found {
                default: membership::default_role(db, workspace)?,
                admins: queries::admins(db, account, ADMINS)?,
                people,
                people_count: queries::people_count(db, workspace, filter.now)?,
                members: organizations::queries::member_count(db, account)?,
                keys: service_accounts::queries::present_keys(db, &ids)?,
                bots,
                bot_count,
                is_member,
            })
        })
        .await
}

/// `GET /workspaces/{account}/{workspace}/sharing`
pub(super) async fn show(
    req: HttpRequest,
    access: WorkspaceAccess<SeeWorkspaceUsers>,
    page_shell: Shell,
    app: web::Data<App>,
    params: web::Query<ListParams>,
) -> Result<HttpResponse> {
    let place = access.workspace();
    if takes_collaborators(place) {
        // Links from before it was transferred lead on.
        return Err(Error::Moved(urls::collaborators(place)));
    }
    let params = params.into_inner();
    let found = find(&app, &access, &params).await?;
    let roles = role_options(&app, &access).await?;
    let place = access.workspace();
    let around = Around::of(place);
    let view = View {
        app: &app,
        access: &access,
        query: req.query_string(),
        roles: &roles,
        now: app.now(),
    };
    let mine = access.reach().narrow(access.held().scopes);
    let narrowed = [
        ("q", params.q.as_str()),
        ("status", params.status.as_str()),
        ("role", params.role.as_str()),
        ("sq", params.sq.as_str()),
    ];
    let (people, bots) = (&found.people, &found.bots);
    let bot_place =
        |row: &SharedBot| BotPlace { sort_name: row.sort_name.clone(), id: row.id }.text();
    let default = found.default.as_ref();
    let below = |page: &str| urls::sharing_page(place, page);
    let explain = |handle: &str| urls::sharing_access(place, handle);
    Page(ListPage {
        roles_href: found
            .is_member
            .then(|| urls::organization_page(&place.account_handle, "roles/compare")),
        sees_bots: access.may(Permission::SeeWorkspaceServiceAccounts),
        members: count_text(found.people_count),
        default_role: default.map_or("No access".to_owned(), |role| role.title.clone()),
        default_value: default.map_or("none".to_owned(), |role| role.role.to_string()),
        default_href: (access.may(Permission::ManageWorkspaceUsers)
            && default.is_none_or(|role| mine.covers(role.scopes)))
        .then(|| below("default")),
        default_people: match found.members {
            1 => "Default role for the one member of the organization".to_owned(),
            many => format!("Default role for all {} members of the organization", thousands(many)),
        },
        admin_count: thousands(found.admins.0),
        more_admins: found.admins.0 > ADMINS,
        admins: found
            .admins
            .1
            .iter()
            .map(|(name, email, handle)| Admin {
                person: Person::new(name, email),
                explain: explain(handle),
            })
            .collect(),
        statuses: Status::parse(&params.status).options(),
        role: params.role.clone(),
        is_filtered: !params.q.is_empty() || !params.status.is_empty() || !params.role.is_empty(),
        pager: Pager::of(people, &around.list, &narrowed, |row| row.key().text()),
        rows: people.rows.iter().map(|row| view.member(row, default)).collect(),
        add_member: access.may(Permission::ManageWorkspaceUsers).then(|| below("members/new")),
        bots: count_text(found.bot_count),
        bot_pager: Pager::named(("sbefore", "safter"), bots, &around.list, &narrowed, bot_place),
        bot_rows: bots.rows.iter().map(|row| view.bot(row, &found.keys)).collect(),
        add_bot: access
            .may(Permission::ManageWorkspaceServiceAccounts)
            .then(|| below("service-accounts/new")),
        q: params.q.clone(),
        sq: params.sq.clone(),
        shell: shell(&access, page_shell),
        around: Around::of(place),
        roles,
    })
    .ok()
}

/// Turns rows into what is shown.
struct View<'a> {
    app: &'a App,
    access: &'a WorkspaceAccess<SeeWorkspaceUsers>,
    query: &'a str,
    roles: &'a [RoleOption],
    now: Instant,
}

impl View<'_> {
    /// An address that comes back to the list as it is.
    fn with_query(&self, path: String) -> String {
        if self.query.is_empty() { path } else { format!("{path}?{}", self.query) }
    }

    fn may_give(&self, role: &NamedRole) -> bool {
        self.access.reach().narrow(self.access.held().scopes).covers(role.scopes)
    }

    fn member(&self, row: &Row<SharedPerson>, default: Option<&NamedRole>) -> MemberRow {
        match row {
            Row::Person(person) => self.person(person, default),
            Row::Invited(invited) => self.invited(invited),
        }
    }

    fn person(&self, row: &SharedPerson, default: Option<&NamedRole>) -> MemberRow {
        let place = self.access.workspace();
        let step = |step: &str| urls::sharing_member(place, row.id, step);
        let effective = if row.organization_role == Some(OrganizationRole::Admin) {
            Some("Owner, as an admin of the organization".to_owned())
        } else {
            default
                .filter(|default| !row.role.scopes.covers(default.scopes))
                .map(|default| format!("{} by default + {}", default.title, row.role.title))
        };
        MemberRow::Person(Box::new(PersonRow {
            person: Person::new(&row.name, &row.email),
            is_you: self.access.actor().id() == row.user.uuid(),
            role: row.role.title.clone(),
            role_value: row.role.role.to_string(),
            effective,
            source: format!("Invited by {}", row.by),
            until: row.until.map(|at| When::new(at, self.now)),
            seen: row.last_seen_at.map(|at| When::new(at, self.now)),
            can_change: self.access.may(Permission::ManageWorkspaceUsers)
                && self.may_give(&row.role),
            change: self.with_query(step("role")),
            remove: step("remove"),
            explain: urls::sharing_access(place, &row.handle),
        }))
    }

    fn invited(&self, row: &Invited) -> MemberRow {
        let place = self.access.workspace();
        let step = |step: &str| urls::sharing_invitation(place, row.id, step);
        let role = RoleRef::of(row.role, row.custom_role).map(|role| role.to_string());
        let known = self.roles.iter().find(|option| Some(&option.value) == role.as_ref());
        MemberRow::Invited {
            initial: row.email.chars().take(1).collect::<String>().to_uppercase(),
            role: known.map(|option| option.text.clone()).unwrap_or_default(),
            line: row.line(self.now),
            delivery: row.delivery(self.app.settings().keeps_mails(), self.now),
            is_expired: row.is_expired(self.now),
            resend: step("resend"),
            link: step("link"),
            revoke: step("revoke"),
            email: row.email.clone(),
        }
    }

    fn bot(&self, row: &SharedBot, keys: &[BotKey]) -> BotRow {
        let place = self.access.workspace();
        let step = |step: &str| urls::sharing_bot(place, row.id, step);
        let key = keys.iter().rev().find(|key| key.service_account == row.bot);
        BotRow {
            name: row.name.clone(),
            by: row.by.clone(),
            role: row.role.title.clone(),
            role_value: row.role.role.to_string(),
            until: row.until.map(|at| When::new(at, self.now)),
            key: self.key_chip(row, key),
            last_used: row.last_seen_at.map(|at| When::new(at, self.now)),
            can_change: self.access.may(Permission::ManageWorkspaceServiceAccounts)
                && self.may_give(&row.role),
            change: self.with_query(step("role")),
            remove: step("remove"),
        }
    }

    /// Tone, icon and words for the state of a service account's key.
    fn key_chip(
        &self,
        row: &SharedBot,
        key: Option<&BotKey>,
    ) -> (&'static str, &'static str, String) {
        if row.disabled_at.is_some() {
            return ("danger", "ban", "Disabled".to_owned());
        }
        match key.map(|key| key.expires_at) {
            None => ("neutral", "key", "No key".to_owned()),
            Some(Some(end)) if end <= self.now => ("danger", "alert", "Expired".to_owned()),
            Some(Some(end)) if end < self.now.plus_days(7) => {
                let text = crate::base::text::relative(end, self.now);
                ("warn", "late", format!("Expires {text}"))
            }
            Some(_) => ("ok", "done", "Active".to_owned()),
        }
    }
}
