//! What the browser sends.

use serde::Deserialize;

use super::model::{Link, Location, Wanted};
use crate::access::handle::Handle;
use crate::access::organization::Organization;
use crate::base::http::form::Field;
use crate::tenancy::accounts::model::DisplayName;

/// The form for a new organization.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewForm {
    /// Its name.
    pub name: String,
    /// Its handle.
    pub handle: String,
}

/// The form that changes an organization.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EditForm {
    /// Its name.
    pub name: String,
    /// Its handle.
    pub handle: String,
    /// Where it is.
    pub location: String,
    /// Its address on the web.
    pub link: String,
}

/// The typed confirmation of a deletion.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfirmForm {
    /// The organization's handle.
    pub confirm: String,
}

/// What an organization is described by, as a page shows it.
#[derive(Clone, Debug)]
pub struct Fields {
    /// The name as typed.
    pub name: Field,
    /// The handle as typed.
    pub handle: Field,
    /// The location as typed.
    pub location: Field,
    /// The link as typed.
    pub link: Field,
}

impl Fields {
    /// Fields with what was typed.
    pub fn new(form: EditForm) -> Self {
        Self {
            name: Field::new("name", form.name),
            handle: Field::new("handle", form.handle),
            location: Field::new("location", form.location),
            link: Field::new("link", form.link),
        }
    }

    /// What is wanted, or nothing and the problems in the fields.
    pub fn parse(&mut self) -> Option<Wanted> {
        let name = self.name.parse(DisplayName::parse);
        let handle = self.handle.parse(Handle::parse);
        let location = self.location.parse(Location::parse);
        let link = self.link.parse(Link::parse);
        Some(Wanted { name: name?, handle: handle?, location: location?, link: link? })
    }

    /// The handle's problem when somebody has it; with a free one, where there is one that is close.
    pub fn taken(&mut self, free: Option<&Handle>) {
        let typed = &self.handle.value;
        self.handle.problem = Some(match free {
            Some(free) => format!("“{typed}” is taken. “{free}” is free."),
            None => format!("“{typed}” is taken. Choose another handle."),
        });
    }
}

impl From<NewForm> for EditForm {
    fn from(NewForm { name, handle }: NewForm) -> Self {
        Self { name, handle, ..Self::default() }
    }
}

impl From<&Organization> for EditForm {
    fn from(organization: &Organization) -> Self {
        Self {
            name: organization.name.clone(),
            handle: organization.handle.clone(),
            location: organization.location.clone(),
            link: organization.link.clone(),
        }
    }
}
