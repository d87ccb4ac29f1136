//! How many rows a query finds, without reading them.

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

/// The number of rows of a query, which says itself where counting stops: the database hands over one number, not the
/// rows.
pub struct Number<Q>(pub Q);

impl<Q> Query for Number<Q> {
    type SqlType = BigInt;
}

impl<Q> QueryId for Number<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q, DB: Backend> QueryFragment<DB> for Number<Q>
where
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT COUNT(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }
}

impl<Q, Conn> RunQueryDsl<Conn> for Number<Q> {}
