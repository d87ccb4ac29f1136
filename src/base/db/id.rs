//! Typed ids: UUIDv7, `uuid` on PostgreSQL and 16 bytes on SQLite.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::atomic::{self, AtomicU32};

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Binary, HasSqlType, SqlType};
use diesel::sqlite::Sqlite;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::backend::{MultiBackend, MultiRawValue};
use super::instant::Instant;
use crate::base::random;

/// The SQL type of [`Id`].
#[derive(Clone, Copy, Debug, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct SqlId;

/// The id of a `T`. Ids of different things cannot be exchanged.
#[derive(AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlId)]
pub struct Id<T: 'static>(Uuid, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// A new id: the time in milliseconds, so that new rows land at the end of an index, then a
    /// counter of this process, so that ids made in the same millisecond keep their order, then
    /// chance (RFC 9562, version 7, method 1).
    pub fn new(now: Instant) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let millis = u64::try_from(now.as_microseconds() / 1000).unwrap_or(0);
        let counter = COUNTER.fetch_add(1, atomic::Ordering::Relaxed) & 0x03ff_ffff;
        // 12 bits before the variant, 14 after it.
        let mut bytes: [u8; 10] = random::bytes();
        let (order, _) = bytes.split_at_mut(4);
        order.copy_from_slice(&(((counter >> 14) << 16) | (counter & 0x3fff)).to_be_bytes());
        Self::from(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    /// The bare UUID.
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// The same id, as the id of something else; for columns that point at things of any kind.
    pub fn cast<U>(self) -> Id<U> {
        Id::from(self.0)
    }
}

impl<T> From<Uuid> for Id<T> {
    fn from(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }
}

impl<T> FromStr for Id<T> {
    type Err = uuid::Error;

    /// Reads the usual form of 36 characters; no other form is taken.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text)?;
        if text.len() == 36 { Ok(Self::from(uuid)) } else { Uuid::try_parse("").map(Self::from) }
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<T> ToSql<SqlId, Sqlite> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().to_vec());
        Ok(IsNull::No)
    }
}

impl<T> ToSql<SqlId, Pg> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        std::io::Write::write_all(out, self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<T> ToSql<SqlId, MultiBackend> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((SqlId, self));
        Ok(IsNull::No)
    }
}

impl<T> FromSql<SqlId, Sqlite> for Id<T> {
    fn from_sql(bytes: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(bytes)?;
        Ok(Self::from(Uuid::from_slice(&bytes)?))
    }
}

impl<T> FromSql<SqlId, Pg> for Id<T> {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from(Uuid::from_slice(bytes.as_bytes())?))
    }
}

impl<T> FromSql<SqlId, MultiBackend> for Id<T> {
    fn from_sql(bytes: MultiRawValue<'_>) -> deserialize::Result<Self> {
        bytes.from_sql::<Self, SqlId>()
    }
}

impl HasSqlType<SqlId> for MultiBackend {
    fn metadata(
        lookup: &mut Self::MetadataLookup,
    ) -> <Self as diesel::sql_types::TypeMetadata>::TypeMetadata {
        Self::lookup_sql_type::<SqlId>(lookup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_keep_their_order() {
        let now = Instant::from_microseconds(1_795_425_840_000_000);
        let ids: Vec<Id<()>> = (0..20_000).map(|_| Id::new(now)).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.uuid().get_version_num() == 7));
    }

    #[test]
    fn only_the_usual_form_of_an_id_is_read() {
        let id: Id<()> = Id::new(Instant::from_microseconds(0));
        assert_eq!(id.to_string().parse::<Id<()>>().unwrap(), id);
        for other in [
            id.uuid().simple().to_string(),
            format!("{{{id}}}"),
            format!("urn:uuid:{id}"),
            String::new(),
        ] {
            assert!(other.parse::<Id<()>>().is_err(), "{other}");
        }
    }
}
