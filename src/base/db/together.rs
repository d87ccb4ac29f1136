//! Changes that belong together: one statement on `PostgreSQL`, which spares the way there and back for each but one.

use diesel::connection::Connection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;

use super::{AnyConnection, Db};

/// A change whose text is the same whatever its values are, so that it stays prepared (as [`super::Prepared`]).
pub trait Writing {
    /// For `PostgreSQL`.
    fn postgres(&self) -> &dyn QueryFragment<Pg>;

    /// For the embedded database.
    fn sqlite(&self) -> &dyn QueryFragment<Sqlite>;
}

impl<T: QueryFragment<Pg> + QueryFragment<Sqlite>> Writing for T {
    fn postgres(&self) -> &dyn QueryFragment<Pg> {
        self
    }

    fn sqlite(&self) -> &dyn QueryFragment<Sqlite> {
        self
    }
}

/// Makes changes; none of them may depend on what another one of them writes, but for foreign keys.
pub fn together(db: &mut Db, changes: &[&dyn Writing]) -> QueryResult<()> {
    match &mut db.connection {
        AnyConnection::Postgres(conn) => {
            conn.execute_returning_count(&Together(changes))?;
        }
        AnyConnection::Sqlite(conn) => {
            for change in changes {
                conn.execute_returning_count(&Alone(*change))?;
            }
        }
    }
    Ok(())
}

struct Alone<'a>(&'a dyn Writing);

impl QueryFragment<Sqlite> for Alone<'_> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.sqlite().walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Sqlite) -> QueryResult<bool> {
        Ok(true)
    }
}

impl QueryId for Alone<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// What a statement calls the changes before its last one.
const BEFORE: [&str; 4] = ["first", "second", "third", "fourth"];

struct Together<'a>(&'a [&'a dyn Writing]);

impl QueryFragment<Pg> for Together<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some((last, before)) = self.0.split_last() else { return Ok(()) };
        debug_assert!(before.len() <= BEFORE.len(), "a name for each change");
        for (change, name) in before.iter().zip(BEFORE) {
            out.push_sql(if name == BEFORE[0] { "WITH " } else { ", " });
            out.push_sql(name);
            out.push_sql(" AS (");
            change.postgres().walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(" ");
        last.postgres().walk_ast(out.reborrow())
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl QueryId for Together<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
