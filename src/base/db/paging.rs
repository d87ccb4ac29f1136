//! Keyset paging: a page is what comes after, or before, a row; no offsets, no scans.

use serde::{Deserialize, Serialize};

/// Rows on a page of a list.
pub const PAGE_SIZE: usize = 25;

/// Counting stops here: lists say "10,000+" beyond (SP-22).
pub const COUNT_LIMIT: i64 = 10_000;

/// Which side of a row a page lies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position<K> {
    /// The first page.
    Start,
    /// The page that follows the row with this key.
    After(K),
    /// The page that ends before the row with this key.
    Before(K),
}

/// The address parameters of a paged list.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct PageParams {
    /// The key of the last row of the page before.
    pub after: String,
    /// The key of the first row of the page behind.
    pub before: String,
}

impl PageParams {
    /// The position that the parameters name; an unreadable key means the first page.
    pub fn position<K>(&self, parse: impl Fn(&str) -> Option<K>) -> Position<K> {
        if let Some(key) = parse(&self.after).filter(|_| !self.after.is_empty()) {
            Position::After(key)
        } else if let Some(key) = parse(&self.before).filter(|_| !self.before.is_empty()) {
            Position::Before(key)
        } else {
            Position::Start
        }
    }
}

/// One page of rows, and whether there are more on either side.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows, in the order of the list.
    pub rows: Vec<T>,
    /// There are rows before the first one here.
    pub has_previous: bool,
    /// There are rows behind the last one here.
    pub has_next: bool,
}

impl<T> Slice<T> {
    /// Makes a page of up to `size` rows from a query that asked for `size + 1` of them; for
    /// [`Position::Before`] the query ran backwards and its rows are turned round.
    pub fn from_query<K>(mut rows: Vec<T>, position: &Position<K>, size: usize) -> Self {
        let more = rows.len() > size;
        rows.truncate(size);
        let (has_previous, has_next) = match position {
            Position::Start => (false, more),
            Position::After(_) => (true, more),
            Position::Before(_) => {
                rows.reverse();
                (more, true)
            }
        };
        Self { rows, has_previous, has_next }
    }
}

/// A count as a list shows it: exact up to [`COUNT_LIMIT`].
pub fn count_text(count: i64) -> String {
    if count > COUNT_LIMIT {
        format!("{}+", crate::base::text::thousands(COUNT_LIMIT))
    } else {
        crate::base::text::thousands(count)
    }
}

/// `text` as a pattern for `LIKE … ESCAPE '\'` that finds it anywhere; its own wildcards are
/// taken literally (IV-03).
pub fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.trim().to_lowercase().chars().take(100) {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
