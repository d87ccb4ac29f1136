//! What an organization is described by.

use diesel::prelude::*;
use url::Url;

use crate::access::UserId;
use crate::access::handle::Handle;
use crate::access::organization::OrganizationRole;
use crate::base::db::Instant;
use crate::base::text::single_line;
use crate::tenancy::accounts::model::DisplayName;
use crate::tenancy::invitations::roster::{Listed, MemberId};

/// Where an organization is, in its own words; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    /// A place as typed: at most 100 characters on one line.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        single_line(raw, "The location", 100).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An organization's address on the web; may be empty. Never anything but `http` or `https`, since
/// members click it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// An address as typed; `https://` is put before one without a scheme.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let text = single_line(raw, "The link", 300)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        let whole = if text.contains("://") { text } else { format!("https://{text}") };
        let url = Url::parse(&whole).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(|host| host.contains('.') || host == "localhost")
                && url.username().is_empty()
                && url.password().is_none()
        });
        url.map(|url| Self(url.to_string()))
            .ok_or_else(|| "Enter a web address, like https://example.org.".to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an admin says about an organization.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: DisplayName,
    /// Its handle.
    pub handle: Handle,
    /// Where it is.
    pub location: Location,
    /// Its address on the web.
    pub link: Link,
}

/// Somebody who belongs to an organization.
#[derive(Clone, Debug, Queryable)]
pub struct Member {
    /// The row's id.
    pub id: MemberId,
    /// The person.
    pub user: UserId,
    /// What orders the list.
    pub sort_name: String,
    /// Display name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Handle.
    pub handle: String,
    /// What the person is.
    pub role: OrganizationRole,
    /// When the person last signed in.
    pub last_sign_in_at: Option<Instant>,
    /// Whether the person has a second factor; the id of its row.
    pub second_factor: Option<UserId>,
    /// When the person joined.
    pub created_at: Instant,
}

impl Listed for Member {
    fn key(&self) -> (String, MemberId) {
        (self.sort_name.clone(), self.id)
    }
}

/// The rules that an organization has for its people and its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether everybody in it needs a second factor.
    pub second_factor: bool,
    /// Mail domains of the people it invites, in order; none means any.
    pub email_domains: Vec<String>,
    /// Whether nobody but its own admins may ask it to take a workspace.
    pub refuses_transfers: bool,
    /// Days that ended runs are kept at most.
    pub run_retention_days: Option<i32>,
    /// Days that audit entries are kept at most.
    pub audit_retention_days: Option<i32>,
}

/// The shorter of the days that the operator and an organization's admins chose.
pub fn shorter(operator: Option<i32>, own: Option<i32>) -> Option<i32> {
    match (operator, own) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IV-09: a link that members click leads to the web and nowhere else.
    #[test]
    fn a_link_leads_to_the_web() {
        for (typed, link) in [
            ("", ""),
            (" https://example.org/a?b=c ", "https://example.org/a?b=c"),
            ("example.org", "https://example.org/"),
            ("http://bücher.example", "http://xn--bcher-kva.example/"),
        ] {
            assert_eq!(Link::parse(typed).unwrap().as_str(), link, "{typed}");
        }
        for typed in [
            "javascript:alert(1)",
            "javascript://example.org/%0aalert(1)",
            "data:text/html,x",
            "https://ada:secret@example.org",
            "ftp://example.org",
            "https://",
            "two words",
            "intranet",
        ] {
            assert!(Link::parse(typed).is_err(), "{typed}");
        }
    }
}
