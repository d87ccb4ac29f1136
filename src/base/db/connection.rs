//! One connection type for both databases.
//!
//! diesel's own one ([`AnyConnection`]) compiles each question twice, once for each database, and writes its SQL three
//! times whenever it is asked. [`Db`] hands it every question as one type, [`Question`], with its SQL written once
//! (decision 0036).

use diesel::connection::{
    CacheSize, Connection, ConnectionSealed, Instrumentation, LoadConnection, SimpleConnection,
    TransactionManager, TransactionManagerStatus,
};
use diesel::expression::QueryMetadata;
use diesel::migration::MigrationConnection;
use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::sql_types::Untyped;
use diesel::sqlite::{Sqlite, SqliteQueryBuilder};
use diesel::{ConnectionResult, QueryResult};

pub use any::{AnyConnection, MultiBackend, MultiRawValue};

mod any {
    #![expect(missing_docs, reason = "the derive writes items without any")]

    use diesel::{MultiConnection, PgConnection, SqliteConnection};

    /// A connection to either database, for what only one of them can do.
    #[derive(MultiConnection)]
    pub enum AnyConnection {
        /// PostgreSQL.
        Postgres(PgConnection),
        /// The embedded database.
        Sqlite(SqliteConnection),
    }
}

/// A connection to either database.
pub struct Db {
    /// Of which kind it is.
    pub connection: AnyConnection,
}

type Builder = <MultiBackend as diesel::backend::Backend>::QueryBuilder;

/// A question to the database, whatever it asks.
struct Question<'q> {
    asked: Box<dyn QueryFragment<MultiBackend> + 'q>,
    sql: String,
    is_kept: bool,
}

impl QueryFragment<MultiBackend> for Question<'_> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.asked.walk_ast(pass)
    }

    fn to_sql(&self, out: &mut Builder, _: &MultiBackend) -> QueryResult<()> {
        out.push_sql(&self.sql);
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &MultiBackend) -> QueryResult<bool> {
        Ok(self.is_kept)
    }
}

/// Statements are kept by their text.
impl QueryId for Question<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Question<'_> {
    type SqlType = Untyped;
}

impl Db {
    fn question<'q>(
        &self,
        asked: Box<dyn QueryFragment<MultiBackend> + 'q>,
    ) -> QueryResult<Question<'q>> {
        let (backend, mut sql) = match &self.connection {
            AnyConnection::Postgres(_) => {
                (MultiBackend::Postgres(Pg), Builder::Postgres(PgQueryBuilder::default()))
            }
            AnyConnection::Sqlite(_) => {
                (MultiBackend::Sqlite(Sqlite), Builder::Sqlite(SqliteQueryBuilder::default()))
            }
        };
        asked.to_sql(&mut sql, &backend)?;
        let is_kept = asked.is_safe_to_cache_prepared(&backend)?;
        Ok(Question { asked, sql: sql.finish(), is_kept })
    }

    fn answer<'conn, 'query>(
        &'conn mut self,
        question: Question<'query>,
    ) -> QueryResult<<Self as LoadConnection>::Cursor<'conn, 'query>> {
        self.connection.load(question)
    }
}

impl ConnectionSealed for Db {}

impl SimpleConnection for Db {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.connection.batch_execute(query)
    }
}

impl Connection for Db {
    type Backend = MultiBackend;
    type TransactionManager = Self;

    fn establish(url: &str) -> ConnectionResult<Self> {
        Ok(Self { connection: AnyConnection::establish(url)? })
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<MultiBackend> + QueryId,
    {
        let question = self.question(Box::new(source))?;
        self.connection.execute_returning_count(&question)
    }

    fn transaction_state(&mut self) -> &mut Self {
        self
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.connection.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.connection.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.connection.set_prepared_statement_cache_size(size);
    }
}

impl LoadConnection for Db {
    type Cursor<'conn, 'query> = <AnyConnection as LoadConnection>::Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <AnyConnection as LoadConnection>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<MultiBackend> + QueryId + 'query,
        MultiBackend: QueryMetadata<T::SqlType>,
    {
        let question = self.question(Box::new(source))?;
        self.answer(question)
    }
}

impl TransactionManager<Self> for Db {
    type TransactionStateData = Self;

    fn begin_transaction(conn: &mut Self) -> QueryResult<()> {
        AnyConnection::begin_transaction(&mut conn.connection)
    }

    fn rollback_transaction(conn: &mut Self) -> QueryResult<()> {
        AnyConnection::rollback_transaction(&mut conn.connection)
    }

    fn commit_transaction(conn: &mut Self) -> QueryResult<()> {
        AnyConnection::commit_transaction(&mut conn.connection)
    }

    fn transaction_manager_status_mut(conn: &mut Self) -> &mut TransactionManagerStatus {
        AnyConnection::transaction_manager_status_mut(&mut conn.connection)
    }

    fn is_broken_transaction_manager(conn: &mut Self) -> bool {
        AnyConnection::is_broken_transaction_manager(&mut conn.connection)
    }
}

impl MigrationConnection for Db {
    fn setup(&mut self) -> QueryResult<usize> {
        self.connection.setup()
    }
}
