//! The links from one page of a list to the pages beside it.

use crate::base::db::paging::Slice;
use crate::urls;

/// Links to the pages before and behind one; the macro `nav::pages` shows them.
#[derive(Clone, Debug)]
pub struct Pager {
    /// The page before.
    pub previous: Option<String>,
    /// The page behind.
    pub next: Option<String>,
}

impl Pager {
    /// The pages beside `slice` of the list at `here`, narrowed by the same `pairs`; `key` writes the place of a row.
    pub fn of<T, K: Into<Option<String>>>(
        slice: &Slice<T>,
        here: &str,
        pairs: &[(&str, &str)],
        key: impl Fn(&T) -> K,
    ) -> Self {
        Self::named(("before", "after"), slice, here, pairs, key)
    }

    /// The same for one of two lists on a page: under what names the places stand in the address.
    pub fn named<T, K: Into<Option<String>>>(
        (before, after): (&str, &str),
        slice: &Slice<T>,
        here: &str,
        pairs: &[(&str, &str)],
        key: impl Fn(&T) -> K,
    ) -> Self {
        let turn = |name: &str, row: Option<&T>| {
            let key: String = key(row?).into()?;
            let mut pairs = pairs.to_vec();
            pairs.push((name, &key));
            Some(urls::with_query(here, &pairs))
        };
        Self {
            previous: turn(before, slice.rows.first().filter(|_| slice.has_previous)),
            next: turn(after, slice.rows.last().filter(|_| slice.has_next)),
        }
    }

    /// Whether there is more than this page.
    pub fn is_needed(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leads_to_those_beside_it() {
        let mut slice = Slice { rows: vec!["a", "b"], has_previous: true, has_next: true };
        let pairs = [("q", "x y"), ("sort", "")];
        let pager = Pager::of(&slice, "/list", &pairs, |row| (*row).to_owned());
        assert_eq!(pager.previous.as_deref(), Some("/list?q=x+y&before=a"));
        assert_eq!(pager.next.as_deref(), Some("/list?q=x+y&after=b"));
        slice.has_previous = false;
        let pager = Pager::named(("sb", "sa"), &slice, "/list", &[], |row| (*row).to_owned());
        assert_eq!((pager.previous, pager.next.as_deref()), (None, Some("/list?sa=b")));
        slice.rows.clear();
        assert!(!Pager::of(&slice, "/list", &[], |row| (*row).to_owned()).is_needed());
    }
}
