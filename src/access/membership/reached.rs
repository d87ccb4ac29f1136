//! Which workspaces an actor reaches, as a condition of queries.

use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;

use crate::access::actor::{Principal, Reach};
use crate::access::{AccountId, ServiceAccountId, UserId};
use crate::base::db::schema::{accounts, workspaces};
use crate::base::db::{Instant, MultiBackend, SqlId, SqlInstant};

/// Workspaces joined with their accounts, as queries on them start.
pub type Joined<'a> = diesel::dsl::IntoBoxed<
    'a,
    diesel::dsl::InnerJoin<workspaces::table, accounts::table>,
    MultiBackend,
>;

/// The own account's workspaces; those with a grant that has not ended; those of the organizations
/// whose admin the person is (H8), or that have a default role (H3); what is shared with a service
/// account: one list of ids from indexes. An OR would make PostgreSQL read all rows; diesel has no UNION for both databases; and
/// its literal SQL would be planned anew at each request. The same text for everybody, so that it is
/// prepared once: who is no person has the nil id, which nobody has.
#[derive(Clone, Copy, Debug, QueryId)]
pub(super) struct Reached {
    account: AccountId,
    user: UserId,
    service_account: ServiceAccountId,
    now: Instant,
}

impl Expression for Reached {
    type SqlType = Bool;
}

impl<Tables> AppearsOnTable<Tables> for Reached {}

impl<Tables> SelectableExpression<Tables> for Reached {}

impl<Groups> ValidGrouping<Groups> for Reached {
    type IsAggregate = is_aggregate::Never;
}

impl QueryFragment<MultiBackend> for Reached {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("workspaces.id IN (SELECT w.id FROM workspaces w WHERE w.account_id = ");
        out.push_bind_param::<SqlId, _>(&self.account)?;
        out.push_sql(" UNION ALL SELECT m.workspace_id FROM memberships m WHERE m.user_id = ");
        out.push_bind_param::<SqlId, _>(&self.user)?;
        out.push_sql(" AND (m.expires_at IS NULL OR m.expires_at > ");
        out.push_bind_param::<SqlInstant, _>(&self.now)?;
        out.push_sql(
            ") UNION ALL SELECT o.id FROM workspaces o JOIN organization_members a \
             ON a.account_id = o.account_id WHERE (a.role = 'admin' \
             OR o.default_role IS NOT NULL OR o.default_custom_role_id IS NOT NULL) \
             AND a.user_id = ",
        );
        out.push_bind_param::<SqlId, _>(&self.user)?;
        out.push_sql(
            " UNION ALL SELECT g.workspace_id FROM service_account_grants g \
             WHERE g.service_account_id = ",
        );
        out.push_bind_param::<SqlId, _>(&self.service_account)?;
        out.push_sql(" AND (g.expires_at IS NULL OR g.expires_at > ");
        out.push_bind_param::<SqlInstant, _>(&self.now)?;
        out.push_sql("))");
        Ok(())
    }
}

impl From<&Reach> for Reached {
    fn from(reach: &Reach) -> Self {
        let nil = uuid::Uuid::nil();
        let mut reached = Self {
            account: nil.into(),
            user: nil.into(),
            service_account: nil.into(),
            now: reach.now,
        };
        match reach.principal {
            Principal::Person { user, account } => {
                reached.account = account;
                reached.user = user;
            }
            Principal::ServiceAccount(id) => reached.service_account = id,
        }
        reached
    }
}

/// All workspaces that an actor reaches, to be narrowed further (L3).
pub fn reachable(reach: &Reach) -> Joined<'static> {
    let mut query = workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::deleted_at.is_null())
        .filter(Reached::from(reach))
        .into_boxed::<MultiBackend>();
    if let Some(only) = reach.only_workspace {
        query = query.filter(workspaces::id.eq(only));
    }
    query
}
