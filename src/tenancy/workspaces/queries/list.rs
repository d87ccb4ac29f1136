//! The list of workspaces: narrowed, ordered, and a page of it at a time.

use diesel::dsl::{InnerJoinQuerySource, count_star};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::access::actor::{Person, Reach};
use crate::access::membership::{self, AccountKind, Joined, reachable};
use crate::access::organization::OrganizationRole;
use crate::access::role::{Role, RoleId, Scopes};
use crate::access::{AccountId, WorkspaceId};
use crate::base::db::paging::{COUNT_LIMIT, Position, Slice, contains_pattern};
use crate::base::db::schema::{accounts, memberships, organization_members, workspaces};
use crate::base::db::{Db, MultiBackend, Number, lower};
use crate::tenancy::workspaces::model::{Edge, Filter, Key, Listed, Sort};

/// Workspaces on a page of the list.
pub const PAGE: usize = 24;

type Condition = Box<
    dyn BoxableExpression<
            InnerJoinQuerySource<workspaces::table, accounts::table>,
            MultiBackend,
            SqlType = Bool,
        >,
>;

fn narrowed(reach: &Reach, filter: &Filter) -> Joined<'static> {
    let mut query = reachable(reach);
    if !filter.owner.is_empty() {
        query = query.filter(accounts::handle.eq(filter.owner.clone()));
    }
    if !filter.q.is_empty() {
        let pattern = contains_pattern(&filter.q);
        let path = accounts::handle.concat("/").concat(workspaces::handle);
        let in_path = path.like(pattern.clone()).escape('\\');
        let in_words = lower(workspaces::description).like(pattern).escape('\\');
        query = query.filter(in_path.or(in_words));
    }
    query
}

/// How many workspaces of a person the filter leaves; counting stops one past [`COUNT_LIMIT`].
pub fn matches(db: &mut Db, reach: &Reach, filter: &Filter) -> QueryResult<i64> {
    Number(narrowed(reach, filter).select(workspaces::id).limit(COUNT_LIMIT + 1)).get_result(db)
}

/// What a row says of the viewer's access: the role of a grant, the default role, and the role in the
/// owning organization.
type Sources =
    (Option<Role>, Option<RoleId>, Option<Role>, Option<RoleId>, Option<OrganizationRole>);

type Row = ((WorkspaceId, AccountId, String, String, AccountKind, String, String, i64), Sources);

/// The roles of organizations that some rows name, in one query.
fn custom_roles(db: &mut Db, rows: &[Row]) -> QueryResult<Vec<(RoleId, Scopes)>> {
    let named = rows.iter().flat_map(|(_, (_, own, _, default, _))| [*own, *default]);
    let ids: Vec<RoleId> = named.flatten().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    membership::scopes_of_roles(db, &ids)
}

fn scopes(custom: &[(RoleId, Scopes)], role: Option<Role>, id: Option<RoleId>) -> Scopes {
    let of_id = |id| custom.iter().find(|(known, _)| *known == id).map(|(_, scopes)| *scopes);
    role.map(Role::scopes).or(id.and_then(of_id)).unwrap_or(Scopes::NONE)
}

fn listed((row, sources): Row, own: AccountId, custom: &[(RoleId, Scopes)]) -> Listed {
    let (id, account, account_handle, account_name, account_kind, handle, description, people) =
        row;
    let (role, role_id, default, default_id, in_organization) = sources;
    let is_own = account == own;
    let has_authority = is_own || in_organization == Some(OrganizationRole::Admin);
    let scopes = if has_authority {
        Role::Owner.scopes()
    } else if in_organization.is_some() {
        scopes(custom, role, role_id).union(scopes(custom, default, default_id))
    } else {
        scopes(custom, role, role_id)
    };
    Listed {
        id,
        account_handle,
        account_name,
        account_kind,
        handle,
        description,
        is_own,
        has_authority,
        scopes,
        has_grant: role.is_some() || role_id.is_some(),
        people,
    }
}

/// A page of the workspaces that a person reaches: the own ones first, then by owner.
pub fn page(
    db: &mut Db,
    person: &Person,
    reach: &Reach,
    filter: &Filter,
    position: &Position<Key>,
) -> QueryResult<Slice<Listed>> {
    let mut query = narrowed(reach, filter);
    let is_backward = matches!(position, Position::Before(_));
    if let Position::After(key) | Position::Before(key) = position {
        query = query.filter(past(person, key, !is_backward));
    }
    let rest = accounts::id.ne(person.account);
    query = match (filter.sort, is_backward) {
        (Sort::Name, false) => query.order((rest.asc(), accounts::handle, workspaces::handle)),
        (Sort::Name, true) => {
            query.order((rest.desc(), accounts::handle.desc(), workspaces::handle.desc()))
        }
        (Sort::Newest, false) => query.order((rest.asc(), accounts::handle, workspaces::id.desc())),
        (Sort::Newest, true) => query.order((rest.desc(), accounts::handle.desc(), workspaces::id)),
    };
    let here = memberships::table.filter(memberships::workspace_id.eq(workspaces::id));
    let people = here.select(count_star()).single_value();
    let mine = here
        .filter(memberships::user_id.eq(person.user))
        .filter(memberships::expires_at.is_null().or(memberships::expires_at.gt(reach.now)));
    let in_organization = organization_members::table
        .filter(organization_members::account_id.eq(accounts::id))
        .filter(organization_members::user_id.eq(person.user))
        .select(organization_members::role);
    let rows: Vec<Row> = query
        .limit(i64::try_from(PAGE).unwrap_or(0) + 1)
        .select((
            (
                workspaces::id,
                accounts::id,
                accounts::handle,
                accounts::name,
                accounts::kind,
                workspaces::handle,
                workspaces::description,
                people.assume_not_null(),
            ),
            (
                mine.select(memberships::role).single_value(),
                mine.select(memberships::custom_role_id).single_value(),
                workspaces::default_role,
                workspaces::default_custom_role_id,
                in_organization.single_value(),
            ),
        ))
        .load(db)?;
    let custom = custom_roles(db, &rows)?;
    let rows = rows.into_iter().map(|row| listed(row, person.account, &custom)).collect();
    Ok(Slice::from_query(rows, position, PAGE))
}

/// What lies behind a row of the list, or before it.
fn past(person: &Person, key: &Key, is_forward: bool) -> Condition {
    let own = person.account;
    let same = accounts::handle.eq(key.account.clone()).and(past_in_group(&key.edge, is_forward));
    match (key.account == person.handle, is_forward) {
        (true, true) => Box::new(accounts::id.ne(own).or(same)),
        (true, false) => Box::new(same),
        (false, true) => {
            let later = accounts::handle.gt(key.account.clone());
            Box::new(accounts::id.ne(own).and(later.or(same)))
        }
        (false, false) => {
            let earlier = accounts::handle.lt(key.account.clone());
            Box::new(accounts::id.eq(own).or(earlier).or(same))
        }
    }
}

fn past_in_group(edge: &Edge, is_forward: bool) -> Condition {
    match (edge, is_forward) {
        (Edge::Name(handle), true) => Box::new(workspaces::handle.gt(handle.clone())),
        (Edge::Name(handle), false) => Box::new(workspaces::handle.lt(handle.clone())),
        (Edge::Newest(id), true) => Box::new(workspaces::id.lt(*id)),
        (Edge::Newest(id), false) => Box::new(workspaces::id.gt(*id)),
    }
}
