//! How many mails there are in each state.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::base::db::{Db, on_each_backend};

/// Mails in one state.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct StateCount {
    /// The state's word in the database.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Mails in it.
    #[diesel(sql_type = BigInt)]
    pub mails: i64,
}

/// The newest 10,000 mails by state: a bound on what a scrape may cost.
pub fn counts(db: &mut Db) -> QueryResult<Vec<StateCount>> {
    let query = diesel::sql_query(
        "SELECT state, COUNT(*) AS mails FROM \
         (SELECT state FROM mails ORDER BY created_at DESC LIMIT 10000) AS newest GROUP BY state",
    );
    on_each_backend!(db, |conn| query.load(conn))
}
