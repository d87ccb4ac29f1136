//! What an organization is described by.

use diesel::prelude::*;
use url::Url;

use crate::access::handle::Handle;
use crate::access::organization::OrganizationRole;
use crate::base::db::{Id, Instant};
use crate::base::text::single_line;
use crate::tenancy::accounts::model::DisplayName;

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

/// A row of `organization_members`.
pub type MemberId = Id<Member>;

/// Somebody who belongs to an organization.
#[derive(Clone, Debug, Queryable)]
pub struct Member {
    /// The row's id.
    pub id: MemberId,
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
}

/// The place of a row in the list of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name in lower case.
    pub sort_name: String,
    /// The row.
    pub id: MemberId,
}

impl Key {
    /// The place of a row.
    pub fn of(member: &Member) -> Self {
        Self { sort_name: member.sort_name.clone(), id: member.id }
    }

    /// A place as it stands in an address: an id, a dash, a name.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, name) = text.split_once('~')?;
        Some(Self { sort_name: name.to_owned(), id: id.parse().ok()? })
    }

    /// The place as it stands in an address.
    pub fn text(&self) -> String {
        format!("{}~{}", self.id, self.sort_name)
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
