//! How a person stands in lists of people: sorted by name, found by name, handle or address. The lists
//! keep both beside their rows, so that a search reads one index.

use diesel::prelude::*;

use super::UserId;
use crate::base::db::schema::{accounts, memberships, organization_members, users};
use crate::base::db::{AnyConnection, Db, SqlId};

/// What lists keep of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The name in lower case.
    pub sort_name: String,
    /// What is searched: name, handle and address in lower case, a line each.
    pub search_key: String,
}

impl Listing {
    /// A person's, as things stand.
    pub fn of(db: &mut Db, user: UserId) -> QueryResult<Self> {
        if let AnyConnection::Postgres(conn) = &mut db.connection {
            // Whoever renames the person at this moment finds the row that is written with this, or
            // this waits for the new name.
            diesel::sql_query(
                "SELECT 1 FROM users u JOIN accounts a ON a.id = u.personal_account_id \
                 WHERE u.id = $1 FOR SHARE",
            )
            .bind::<SqlId, _>(user)
            .execute(conn)?;
        }
        let row: (String, String, String) = users::table
            .inner_join(accounts::table)
            .filter(users::id.eq(user))
            .select((accounts::name, accounts::handle, users::email_key))
            .first(db)?;
        let (name, handle, email_key) = row;
        let sort_name = name.to_lowercase();
        Ok(Self { search_key: format!("{sort_name}\n{handle}\n{email_key}"), sort_name })
    }
}

/// Brings all lists up to date after a person's name, handle or address changed.
pub fn refresh(db: &mut Db, user: UserId) -> QueryResult<()> {
    let Listing { sort_name, search_key } = Listing::of(db, user)?;
    diesel::update(memberships::table.filter(memberships::user_id.eq(user)))
        .set((memberships::sort_name.eq(&sort_name), memberships::search_key.eq(&search_key)))
        .execute(db)?;
    diesel::update(organization_members::table.filter(organization_members::user_id.eq(user)))
        .set((
            organization_members::sort_name.eq(&sort_name),
            organization_members::search_key.eq(&search_key),
        ))
        .execute(db)?;
    Ok(())
}
