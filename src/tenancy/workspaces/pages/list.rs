//! The list of all workspaces that a person reaches (L1, L3 … L6).

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::WorkspaceId;
use crate::access::actor::SignedInPerson;
use crate::access::contents::Contents;
use crate::access::membership::{self, AccountKind, Owner};
use crate::access::permission::Permission;
use crate::access::transfers::{self, Undoable, Waiting};
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::{Position, Slice, count_text};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::secret::InstanceKeys;
use crate::base::text::{When, counted, thousands};
use crate::frame::{Pager, Shell};
use crate::tenancy::invitations::{self, model::PendingInvitation};
use crate::tenancy::workspaces::activity::{self, Activity};
use crate::tenancy::workspaces::forms::ListParams;
use crate::tenancy::workspaces::model::{Deleted, Filter, Key, Listed};
use crate::tenancy::workspaces::{queries, rules};
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/workspaces/list.html")]
struct ListPage {
    shell: Shell,
    email: String,
    invitations: Vec<InvitationCard>,
    /// Transfers that wait for the viewer: title, what they say, and the page.
    transfers: Vec<(String, String, String)>,
    undoable: Vec<UndoableRow>,
    is_first_run: bool,
    /// What workspaces are for.
    contents: String,
    is_unfiltered: bool,
    q: String,
    owner: String,
    owners: Vec<(String, String)>,
    sort: &'static str,
    count: String,
    groups: Vec<Group>,
    deleted: Vec<DeletedRow>,
    pager: Pager,
}

impl ListPage {
    /// What stands over the button while there is nothing to list.
    fn prompt(&self) -> &'static str {
        if self.deleted.is_empty() { "Create your first workspace" } else { "Create a workspace" }
    }
}

/// An invitation that waits for the viewer's answer.
#[derive(Clone, Debug)]
pub struct InvitationCard {
    /// Into what.
    pub title: String,
    /// By whom.
    pub from: String,
    /// Until when.
    pub expires: When,
    /// Where it stands alone.
    pub href: String,
    /// Where it is accepted.
    pub accept: String,
    /// Where it is declined.
    pub decline: String,
}

impl InvitationCard {
    fn of(row: &PendingInvitation, keys: &InstanceKeys, now: Instant) -> Self {
        let token = row.token(keys);
        Self {
            title: row.path(),
            from: row.invited_by_name.clone(),
            expires: When::new(row.expires_at, now),
            href: urls::invitation(&token),
            accept: urls::invitation_step(&token, "accept"),
            decline: urls::invitation_step(&token, "decline"),
        }
    }
}

/// Invitations on the page; the next ones show up when these are answered.
const INVITATIONS: i64 = 10;

/// The workspaces of one owner, as far as they are on this page.
struct Group {
    /// Name of the owner.
    heading: String,
    /// Its handle.
    owner: String,
    tag: &'static str,
    note: String,
    cards: Vec<Card>,
}

struct Card {
    id: String,
    account: String,
    handle: String,
    description: String,
    people: String,
    people_words: &'static str,
    settings: String,
    home: String,
    collaborators: Option<String>,
    sharing: Option<String>,
    transfer: Option<String>,
    transfer_verb: &'static str,
    delete: Option<String>,
    leave: Option<String>,
    activity: Activity,
}

/// A transfer that can still be undone.
struct UndoableRow {
    from: String,
    to: String,
    href: String,
    until: When,
}

struct DeletedRow {
    handle: String,
    href: String,
    until: When,
}

impl Card {
    fn of(row: Listed, activity: Activity) -> Self {
        let may = |permission| row.scopes.contains(permission);
        let is_personal = row.account_kind == AccountKind::Personal;
        Self {
            activity,
            id: row.id.to_string(),
            home: urls::workspace(&row),
            settings: urls::settings(&row),
            collaborators: (is_personal && may(Permission::SeeWorkspaceUsers))
                .then(|| urls::collaborators(&row)),
            transfer: may(Permission::ManageWorkspaceSettings)
                .then(|| urls::settings_transfer(&row)),
            transfer_verb: rules::transfer_verb(row.has_authority),
            delete: may(Permission::ManageWorkspaceSettings).then(|| urls::settings_delete(&row)),
            sharing: (!is_personal && may(Permission::SeeWorkspaceUsers))
                .then(|| urls::sharing(&row)),
            leave: row.has_grant.then(|| urls::leave(&row)),
            people: thousands(row.people),
            people_words: match (is_personal, row.people) {
                (true, 1) => "collaborator",
                (true, _) => "collaborators",
                (false, 1) => "person",
                (false, _) => "people",
            },
            account: row.account_name,
            handle: row.handle,
            description: row.description,
        }
    }
}

/// What the database has for a page of the list.
struct Found {
    owners: Vec<Owner>,
    matches: Option<i64>,
    slice: Slice<Listed>,
    deleted: Vec<Deleted>,
    invitations: Vec<PendingInvitation>,
    transfers: Vec<Waiting>,
    undoable: Vec<Undoable>,
    activity: HashMap<WorkspaceId, Activity>,
}

/// Some queries: the owners, the page, its runs, and either the matches, or what can be restored and what waits
/// for an answer.
async fn find(app: &App, person: &SignedInPerson, params: &ListParams) -> Result<Found> {
    let (now, reach) = (app.now(), person.actor().reach(app.now()));
    let (person, ListParams { filter, position }) = (person.person().clone(), params.clone());
    app.db
        .read(move |db| {
            let owners = membership::owners(db, &reach)?;
            let slice = queries::page(db, &person, &reach, &filter, &position)?;
            let seen: Vec<WorkspaceId> = slice
                .rows
                .iter()
                .filter(|row| row.scopes.contains(Permission::SeeFlows))
                .map(|row| row.id)
                .collect();
            let activity = activity::of(db, &seen, now)?;
            let is_start = filter.owner.is_empty() && position == Position::Start;
            let mut found = Found {
                owners,
                matches: None,
                slice,
                deleted: Vec::new(),
                invitations: Vec::new(),
                transfers: Vec::new(),
                undoable: Vec::new(),
                activity,
            };
            if !filter.q.is_empty() {
                found.matches = Some(queries::matches(db, &reach, &filter)?);
            } else if is_start {
                found.deleted = queries::in_grace(db, person.account, now)?;
                found.invitations =
                    invitations::queries::pending_for(db, &person, now, INVITATIONS)?;
                found.transfers = transfers::awaiting(db, &person, now)?;
                found.undoable = transfers::undoable(db, &person, now)?;
            }
            Ok(found)
        })
        .await
}

pub(super) async fn show(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let params = ListParams::of(req.query_string());
    let found = find(&app, &person, &params).await?;
    let own = person.person();
    let usual = app.settings().flags.workspace_limit;
    let pager = pager(&found.slice, &params.filter);
    let count = count_words(&found, &params.filter);
    let deleted = found.deleted.into_iter().map(|row| deleted_row(row, app.now())).collect();
    let keys = &app.context.keys;
    let invitations =
        found.invitations.iter().map(|row| InvitationCard::of(row, keys, app.now())).collect();
    let Filter { q, owner, sort } = params.filter;
    let page = ListPage {
        shell: shell.at("workspaces"),
        email: own.email.clone(),
        invitations,
        transfers: found.transfers.into_iter().map(transfer_row).collect(),
        undoable: found.undoable.into_iter().map(|row| undoable_row(row, app.now())).collect(),
        contents: Contents::of(&app.context).words(),
        is_first_run: found.owners.is_empty(),
        is_unfiltered: q.is_empty() && owner.is_empty(),
        owners: owner_options(&found.owners, &own.handle),
        sort: sort.as_str(),
        count,
        groups: groups(found.slice.rows, &found.owners, found.activity, usual),
        deleted,
        q,
        owner,
        pager,
    };
    Page(page).ok()
}

fn transfer_row(row: Waiting) -> (String, String, String) {
    let asked = format!("{} asks to transfer it to {}", row.by, row.target);
    (row.path, asked, urls::transfer(row.id))
}

fn undoable_row(row: Undoable, now: Instant) -> UndoableRow {
    UndoableRow {
        from: row.from,
        to: row.to,
        href: urls::transfer(row.id),
        until: When::new(row.until, now),
    }
}

fn deleted_row(row: Deleted, now: Instant) -> DeletedRow {
    DeletedRow {
        href: urls::workspace_deleted(row.id),
        until: When::new(row.purge_after, now),
        handle: row.handle,
    }
}

fn count_words(found: &Found, filter: &Filter) -> String {
    let owners = found.owners.iter();
    let all: i64 = owners
        .filter(|owner| filter.owner.is_empty() || owner.handle == filter.owner)
        .map(|owner| owner.reached)
        .sum();
    let count = found.matches.unwrap_or(all);
    format!("{} {}", count_text(count), if count == 1 { "workspace" } else { "workspaces" })
}

fn owner_options(owners: &[Owner], own: &str) -> Vec<(String, String)> {
    let option = |owner: &Owner| {
        let you = if owner.handle == own { " (you)" } else { "" };
        (owner.handle.clone(), format!("{}{you}", owner.name))
    };
    let all = (String::new(), "All owners".to_owned());
    std::iter::once(all).chain(owners.iter().map(option)).collect()
}

/// The rows under their owners' headings; the list is in that order already.
fn groups(
    rows: Vec<Listed>,
    owners: &[Owner],
    mut activity: HashMap<WorkspaceId, Activity>,
    usual: Option<i32>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        if groups.last().is_none_or(|group| group.owner != row.account_handle) {
            let owner = owners.iter().find(|owner| owner.handle == row.account_handle);
            groups.push(Group {
                heading: row.account_name.clone(),
                owner: row.account_handle.clone(),
                tag: match row.account_kind {
                    AccountKind::Personal => "Personal",
                    AccountKind::Organization => "Organization",
                },
                note: owner.map(|owner| note(owner, row.is_own, usual)).unwrap_or_default(),
                cards: Vec::new(),
            });
        }
        if let Some(group) = groups.last_mut() {
            let activity = activity.remove(&row.id).unwrap_or_default();
            group.cards.push(Card::of(row, activity));
        }
    }
    groups
}

fn note(owner: &Owner, is_own: bool, usual: Option<i32>) -> String {
    let words = counted(owner.reached, "workspace", "workspaces");
    if !is_own {
        return format!("{words} shared with you");
    }
    let slots = rules::slots(owner.reached, owner.limit, usual);
    slots.text().map_or(words, |text| format!("{text} workspaces"))
}

fn pager(slice: &Slice<Listed>, filter: &Filter) -> Pager {
    let sort = match filter.sort.as_str() {
        "name" => "",
        other => other,
    };
    let pairs = [("q", filter.q.as_str()), ("owner", &filter.owner), ("sort", sort)];
    Pager::of(slice, urls::workspaces(), &pairs, |row| Key::of(row, filter.sort).text())
}
