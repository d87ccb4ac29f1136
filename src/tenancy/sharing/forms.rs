//! What the forms send.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::access::role::RoleRef;
use crate::base::db::Instant;
use crate::base::http::form::Field;
use crate::tenancy::sharing::model::End;

/// The address parameters of the page: of the members' table, and of the service accounts'.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListParams {
    /// Looked for among members.
    pub q: String,
    /// Which members.
    pub status: String,
    /// With which role.
    pub role: String,
    /// Behind this row.
    pub after: String,
    /// Before this row.
    pub before: String,
    /// Looked for among service accounts.
    pub sq: String,
    /// Behind this row.
    pub safter: String,
    /// Before this row.
    pub sbefore: String,
}

/// A form that gives a role to somebody.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AddForm {
    /// The member's or the service account's id.
    pub who: String,
    /// The role.
    pub role: String,
    /// How long, in days; empty for good.
    pub days: String,
}

/// The same, as shown.
#[derive(Clone, Debug)]
pub struct AddFields {
    /// **Member** or **Service Account**
    pub who: Field,
    /// **Workspace Role**
    pub role: Field,
    /// **Access ends**
    pub days: Field,
}

/// What the select **Access ends** offers.
pub fn day_options() -> Vec<(&'static str, &'static str)> {
    vec![
        ("", "Never"),
        ("1", "After 1 day"),
        ("7", "After 7 days"),
        ("30", "After 30 days"),
        ("90", "After 90 days"),
    ]
}

/// When access of so many days ends.
fn until(raw: &str, now: Instant) -> Result<Option<Instant>, String> {
    match raw {
        "" => Ok(None),
        days => match days.parse::<i64>() {
            Ok(days @ 1..=3650) => Ok(Some(now + SignedDuration::from_hours(24 * days))),
            _ => Err("Choose one of the list.".to_owned()),
        },
    }
}

/// The role of a form's word.
///
/// # Errors
/// A sentence for the person who sent it.
pub fn role(raw: &str) -> Result<RoleRef, String> {
    RoleRef::parse(raw).ok_or_else(|| "Choose a role.".to_owned())
}

impl AddFields {
    /// Before anything is chosen.
    pub fn empty() -> Self {
        Self {
            who: Field::empty("who"),
            role: Field::new("role", "viewer"),
            days: Field::empty("days"),
        }
    }

    /// What was chosen, and what it asks for unless something is wrong with it.
    pub fn parse<T: std::str::FromStr>(
        form: AddForm,
        now: Instant,
    ) -> (Self, Option<(T, RoleRef, Option<Instant>)>) {
        let mut fields = Self {
            who: Field::new("who", form.who),
            role: Field::new("role", form.role),
            days: Field::new("days", form.days),
        };
        let who =
            fields.who.parse(|raw| raw.parse().map_err(|_| "Choose one of the list.".to_owned()));
        let role = fields.role.parse(role);
        let until = fields.days.parse(|raw| until(raw, now));
        let wanted = match (who, role, until) {
            (Some(who), Some(role), Some(until)) => Some((who, role, until)),
            _ => None,
        };
        (fields, wanted)
    }
}

/// The form of a row: a role, and how long if that is to change.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RowForm {
    /// The role.
    pub role: String,
    /// `keep`, or how many days from now on; empty for good.
    pub days: Option<String>,
}

impl RowForm {
    /// The role, and the end if that is to change.
    ///
    /// # Errors
    /// A sentence for the person who sent it.
    pub fn parse(&self, now: Instant) -> Result<(RoleRef, End), String> {
        let role = role(&self.role)?;
        let end = match self.days.as_deref() {
            None | Some("keep") => End::Keep,
            Some(days) => End::Set(until(days, now)?),
        };
        Ok((role, end))
    }
}

/// The form of the row **Anyone at …**.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DefaultForm {
    /// The role; `none` is no access.
    pub role: String,
    /// The fingerprint of the impact that was shown.
    pub seen: String,
}
