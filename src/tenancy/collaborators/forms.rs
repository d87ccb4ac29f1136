//! What browsers send to the list and the invitation form.

use serde::Deserialize;

/// The address parameters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListParams {
    pub q: String,
    pub status: String,
    pub after: String,
    pub before: String,
}

/// The invitation form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InviteForm {
    pub email: String,
}
