//! What the browser sends.

use serde::Deserialize;

use super::model::{Link, Location, Policy, Wanted};
use crate::access::email::EmailAddress;
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

/// The form that invites members.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InviteForm {
    /// Addresses, one a line.
    pub email: String,
    /// As what.
    pub role: String,
    /// To invite an admin, when the password was not given lately.
    pub password: String,
}

/// The form in a member's row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleForm {
    /// As what.
    pub role: String,
}

/// The form over the open invitations.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BulkForm {
    /// The ticked ones.
    pub id: Vec<String>,
    /// `resend` or `revoke`.
    pub step: String,
}

/// The form of an organization's rules.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyForm {
    /// Ticked when everybody needs a second factor.
    pub second_factor: String,
    /// Mail domains.
    pub email_domains: String,
    /// Ticked when nobody else may ask it to take a workspace.
    pub refuses_transfers: String,
    /// Days for runs.
    pub run_retention_days: String,
    /// Days for audit entries.
    pub audit_retention_days: String,
    /// To drop the second factor, when the password was not given lately.
    pub password: String,
}

impl From<&Organization> for PolicyForm {
    fn from(organization: &Organization) -> Self {
        let days = |days: Option<i32>| days.map(|days| days.to_string()).unwrap_or_default();
        Self {
            second_factor: organization
                .two_factor_since
                .map(|_| "on".to_owned())
                .unwrap_or_default(),
            email_domains: organization.email_domains.clone(),
            refuses_transfers: if organization.refuses_transfers { "on" } else { "" }.to_owned(),
            run_retention_days: days(organization.own_run_retention_days),
            password: String::new(),
            audit_retention_days: days(organization.own_audit_retention_days),
        }
    }
}

/// An organization's rules, as a page shows them.
#[derive(Clone, Debug)]
pub struct PolicyFields {
    /// **Require two-factor authentication**
    pub second_factor: Field,
    /// **Email domains**
    pub email_domains: Field,
    /// **Refuse transfer requests**
    pub refuses_transfers: Field,
    /// **Keep flow runs for**
    pub run_retention_days: Field,
    /// **Keep audit entries for**
    pub audit_retention_days: Field,
}

impl PolicyFields {
    /// Fields with what was typed.
    pub fn new(form: PolicyForm) -> Self {
        Self {
            second_factor: Field::new("second_factor", form.second_factor),
            email_domains: Field::new("email_domains", form.email_domains),
            refuses_transfers: Field::new("refuses_transfers", form.refuses_transfers),
            run_retention_days: Field::new("run_retention_days", form.run_retention_days),
            audit_retention_days: Field::new("audit_retention_days", form.audit_retention_days),
        }
    }

    /// What is wanted, or nothing and the problems in the fields.
    pub fn parse(&mut self) -> Option<Policy> {
        let second_factor = self.second_factor.parse(ticked);
        let refuses_transfers = self.refuses_transfers.parse(ticked);
        let email_domains = self.email_domains.parse(typed_domains);
        let runs = self.run_retention_days.parse(days);
        let audit = self.audit_retention_days.parse(days);
        Some(Policy {
            second_factor: second_factor?,
            email_domains: email_domains?,
            refuses_transfers: refuses_transfers?,
            run_retention_days: runs?,
            audit_retention_days: audit?,
        })
    }
}

/// A box of a form.
fn ticked(raw: &str) -> Result<bool, String> {
    match raw {
        "" => Ok(false),
        "on" => Ok(true),
        _ => Err("Tick the box or leave it empty.".to_owned()),
    }
}

/// A number of days; nothing for no limit of one's own.
fn days(raw: &str) -> Result<Option<i32>, String> {
    match raw.trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(days @ 1..=36_500) => Ok(Some(days)),
            _ => Err("Type a number of days between 1 and 36500, or leave it empty.".to_owned()),
        },
    }
}

/// Mail domains of an organization, at most.
const DOMAINS: usize = 50;

/// Mail domains as typed into a field, with commas or spaces between them.
fn typed_domains(raw: &str) -> Result<Vec<String>, String> {
    domains(raw.split([',', ';', ' ', '\n', '\r', '\t']).filter(|word| !word.is_empty()))
}

/// Mail domains; in order, each once.
///
/// # Errors
/// A sentence for whoever typed them.
pub fn domains<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for word in words {
        let address = format!("x@{}", word.trim_start_matches('@'));
        let parsed = EmailAddress::parse(&address)
            .ok()
            .filter(|parsed| parsed.domain().contains('.'))
            .ok_or_else(|| format!("“{word}” is no mail domain. Type them like example.org."))?;
        found.push(parsed.domain().to_owned());
    }
    found.sort_unstable();
    found.dedup();
    if found.len() > DOMAINS {
        return Err(format!("Use at most {DOMAINS} domains."));
    }
    Ok(found)
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
