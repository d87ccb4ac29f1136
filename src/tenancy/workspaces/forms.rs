//! What the browser sends.

use serde::Deserialize;

use super::model::{Description, Filter, Key, Sort, Wanted};
use super::rules;
use crate::access::handle::Handle;
use crate::base::db::paging::{PageParams, Position};
use crate::base::http::form::Field;

/// Which file of a receipt is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ReceiptParams {
    /// `md`, `csv` or `json`
    pub format: String,
}

/// The list's address parameters. A list is never refused for them: unknown ones are left aside,
/// the first of doubled ones counts, and what cannot be in any name is taken out.
#[derive(Clone, Debug)]
pub struct ListParams {
    /// What the list is narrowed to, and its order.
    pub filter: Filter,
    /// Which page of it.
    pub position: ListPosition,
}

/// A page of the list.
pub type ListPosition = Position<Key>;

impl ListParams {
    /// Reads the query string.
    pub fn of(query: &str) -> Self {
        let value = |wanted: &str| -> String {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.chars().filter(|c| !c.is_control()).take(150).collect())
                .unwrap_or_default()
        };
        let sort = Sort::parse(&value("sort"));
        let filter = Filter { q: value("q").trim().to_owned(), owner: value("owner"), sort };
        let page = PageParams { after: value("after"), before: value("before") };
        Self { filter, position: page.position(|text| Key::parse(text, sort)) }
    }
}

/// The form for a new workspace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewForm {
    /// Handle of the owning account.
    pub owner: String,
    /// Handle of the workspace.
    pub handle: String,
    /// What it is for.
    pub description: String,
}

/// The form that changes a workspace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EditForm {
    /// Handle of the workspace.
    pub handle: String,
    /// What it is for.
    pub description: String,
}

/// Handle and description, as a page shows them.
#[derive(Clone, Debug)]
pub struct Fields {
    /// The handle as typed.
    pub handle: Field,
    /// The description as typed.
    pub description: Field,
}

impl Fields {
    /// Fields with values.
    pub fn new(handle: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            handle: Field::new("handle", handle),
            description: Field::new("description", description),
        }
    }

    /// What is wanted, or nothing and the problems in the fields.
    pub fn parse(&mut self) -> Option<Wanted> {
        let handle = self.handle.parse(Handle::parse);
        let description = self.description.parse(Description::parse);
        Some(Wanted { handle: handle?, description: description? })
    }
}

/// A form that does something when the workspace's path was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfirmForm {
    /// `account/workspace`
    pub confirm: String,
}

/// The two forms of a deleted workspace's page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeletedForm {
    /// `restore` or `delete`.
    pub act: String,
    /// `account/workspace`, to delete.
    pub confirm: String,
}

/// An empty confirmation.
pub fn unconfirmed() -> Field {
    Field::empty("confirm")
}

/// What was typed as a confirmation of what happens to `path`; with its problem, if there is one.
pub fn confirmation(typed: &str, path: &str) -> Result<(), Field> {
    rules::confirms(typed, path)
        .map_err(|problem| Field::new("confirm", typed).with_problem(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_never_refused_for_its_address() {
        let params = ListParams::of("q=%00la%0Ab&q=other&sort=newest&owner=ada&x=1&after=%FF");
        assert_eq!(params.filter.q, "lab");
        assert_eq!(params.filter.sort, Sort::Newest);
        assert_eq!(params.filter.owner, "ada");
        assert_eq!(params.position, Position::Start);
        let after = ListParams::of("after=ada%2Flab&before=ada/x");
        assert_eq!(after.position, Position::After(Key::parse("ada/lab", Sort::Name).unwrap()));
    }
}
