//! What the forms send.

use jiff::SignedDuration;
use serde::Deserialize;

use super::model::BotName;
use crate::base::http::form::Field;
use crate::tenancy::api_keys::model::Lifetime;

/// The form for a new service account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewForm {
    /// Its name.
    pub name: String,
    /// When its key expires.
    pub expires: String,
}

/// The form for a new service account, as shown.
#[derive(Clone, Debug)]
pub struct NewFields {
    /// **Name**
    pub name: Field,
    /// **Expiration**
    pub expires: Field,
}

impl NewFields {
    /// Before anything is typed.
    pub fn empty() -> Self {
        Self { name: Field::empty("name"), expires: Field::new("expires", "30") }
    }

    /// What was typed, and what it asks for unless something is wrong with it.
    pub fn parse(form: NewForm) -> (Self, Option<(BotName, Lifetime)>) {
        let mut fields = Self {
            name: Field::new("name", form.name),
            expires: Field::new("expires", form.expires),
        };
        let name = fields.name.parse(BotName::parse);
        let lifetime = fields.expires.parse(Lifetime::parse);
        (fields, name.zip(lifetime))
    }
}

/// The form that rotates a key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RotateForm {
    /// When the new key expires.
    pub expires: String,
    /// How long the old key lives on, in hours.
    pub overlap: String,
}

/// The form that rotates a key, as shown.
#[derive(Clone, Debug)]
pub struct RotateFields {
    /// **Expiration**
    pub expires: Field,
    /// **Old key**
    pub overlap: Field,
}

impl RotateFields {
    /// Before anything is chosen: the old key ends at once (A4).
    pub fn empty() -> Self {
        Self { expires: Field::new("expires", "30"), overlap: Field::new("overlap", "0") }
    }

    /// What the select **Old key** offers.
    pub fn overlaps() -> Vec<(&'static str, &'static str)> {
        vec![
            ("0", "Stops at once"),
            ("1", "Lives for 1 hour more"),
            ("24", "Lives for 24 hours more"),
            ("48", "Lives for 48 hours more"),
        ]
    }

    /// What was chosen, and what it asks for unless something is wrong with it.
    pub fn parse(form: RotateForm) -> (Self, Option<(Lifetime, SignedDuration)>) {
        let mut fields = Self {
            expires: Field::new("expires", form.expires),
            overlap: Field::new("overlap", form.overlap),
        };
        let lifetime = fields.expires.parse(Lifetime::parse);
        let overlap = fields.overlap.parse(|raw| match raw.parse::<i64>() {
            Ok(hours @ 0..=48) => Ok(SignedDuration::from_hours(hours)),
            _ => Err("Choose one of the list: 48 hours at most.".to_owned()),
        });
        (fields, lifetime.zip(overlap))
    }
}

/// The form that renames.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RenameForm {
    /// The new name.
    pub name: String,
}
