//! What the form for a new key sends.

use serde::Deserialize;

use super::model::{KeyName, KeyRequest, Lifetime};
use crate::access::WorkspaceId;
use crate::base::http::form::Field;

/// The form, as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewKeyForm {
    name: String,
    expires: String,
    limit: String,
    read_only: String,
}

/// The value of "everything I can access".
const EVERYTHING: &str = "all";

/// The form, as shown.
#[derive(Clone, Debug)]
pub struct NewKeyFields {
    /// **Name**
    pub name: Field,
    /// **Expires**
    pub expires: Field,
    /// **Limit to**
    pub limit: Field,
    /// **Read only**
    pub read_only: Field,
}

impl NewKeyFields {
    /// The form before anything is typed.
    pub fn empty() -> Self {
        Self {
            name: Field::empty("name"),
            expires: Field::new("expires", "30"),
            limit: Field::new("limit", EVERYTHING),
            read_only: Field::empty("read_only"),
        }
    }

    /// What was typed, and what it asks for unless something is wrong with it.
    pub fn parse(form: NewKeyForm) -> (Self, Option<KeyRequest>) {
        let mut fields = Self {
            name: Field::new("name", form.name),
            expires: Field::new("expires", form.expires),
            limit: Field::new("limit", form.limit),
            read_only: Field::new("read_only", form.read_only),
        };
        let name = fields.name.parse(KeyName::parse);
        let lifetime = fields.expires.parse(Lifetime::parse);
        let limit = fields.limit.parse(parse_limit);
        let read_only = fields.read_only.parse(parse_check);
        let request = match (name, lifetime, limit, read_only) {
            (Some(name), Some(lifetime), Some(only_workspace), Some(read_only)) => {
                Some(KeyRequest { name, lifetime, only_workspace, read_only })
            }
            _ => None,
        };
        (fields, request)
    }
}

fn parse_limit(raw: &str) -> Result<Option<WorkspaceId>, String> {
    if raw == EVERYTHING {
        return Ok(None);
    }
    raw.parse().map(Some).map_err(|_| "Choose one of the list.".to_owned())
}

fn parse_check(raw: &str) -> Result<bool, String> {
    match raw {
        "" => Ok(false),
        "on" => Ok(true),
        _ => Err("Tick the box or leave it empty.".to_owned()),
    }
}

/// What stands in the select **Limit to**.
pub fn limit_options(paths: Vec<(WorkspaceId, String)>) -> Vec<(String, String)> {
    let everything = (EVERYTHING.to_owned(), "Everything I can access".to_owned());
    let single = |(id, path): (WorkspaceId, String)| (id.to_string(), path);
    std::iter::once(everything).chain(paths.into_iter().map(single)).collect()
}
