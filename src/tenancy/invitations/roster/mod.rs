//! The people of a place as a list: invitations that were not answered first, then people by name.
//! Collaborators, the members of an organization and those of its workspaces are listed this way.

pub mod queries;

use diesel::prelude::*;

use self::queries::invited;
use super::model::{InvitationId, Scope};
use crate::base::db::ids::MailId;
use crate::base::db::paging::{PAGE_SIZE, Position, Slice};
use crate::base::db::{Db, Instant};
use crate::base::mail::MailState;
use crate::base::text::relative;

pub use crate::base::db::ids::MemberId;

/// What an id of a row of people (a membership) is the id of.
#[derive(Debug)]
pub enum Member {}

/// An invitation that was not answered, with the mail that carries it.
#[derive(Clone, Debug, Queryable)]
pub struct Invited {
    /// The invitation's id.
    pub id: InvitationId,
    /// The invited address.
    pub email: String,
    /// As what, as its column says.
    pub role: Option<crate::access::role::Role>,
    /// As what: one of the organization's own roles.
    pub custom_role: Option<crate::access::role::RoleId>,
    /// As what in the organization.
    pub organization_role: Option<crate::access::organization::OrganizationRole>,
    /// Who sent it.
    pub invited_by_name: String,
    /// When it was sent last.
    pub sent_at: Instant,
    /// When it ends, or ended.
    pub expires_at: Instant,
    /// When the access that it gives ends.
    pub access_until: Option<Instant>,
    /// The mail that carries it; `None` where the address got several that day.
    pub mail: Option<MailId>,
    /// Where its mail is on its way; `None` when that is no longer known.
    pub mail_state: Option<MailState>,
    /// Why the mail's last try failed.
    pub mail_error: Option<String>,
}

impl Invited {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Instant) -> bool {
        self.expires_at <= now
    }

    /// By whom and when it was sent, and when it ends.
    pub fn line(&self, now: Instant) -> String {
        let (sent, end) = (relative(self.sent_at, now), relative(self.expires_at, now));
        let by = &self.invited_by_name;
        let ends = if self.is_expired(now) { "expired" } else { "expires" };
        format!("Sent {sent} by {by}, {ends} {end}")
    }

    /// How the mail fares, as far as that is known.
    pub fn delivery(&self, keeps_mails: bool, now: Instant) -> Option<String> {
        if self.is_expired(now) {
            return Some("Resend it to make a new link".to_owned());
        }
        if self.mail.is_none() {
            let text = "Not mailed: the address got several that day. Copy the link and hand it on";
            return Some(text.to_owned());
        }
        let reason = self.mail_error.as_deref().unwrap_or("no reason given");
        Some(match self.mail_state? {
            MailState::Sent => "Mail sent".to_owned(),
            MailState::Dropped => return None,
            MailState::Queued | MailState::Sending if keeps_mails => {
                "Mail kept: no mail server is set. Copy the link and hand it on".to_owned()
            }
            MailState::Queued | MailState::Sending => "Mail queued".to_owned(),
            MailState::Failed => format!("Mail not delivered yet, trying again: {reason}"),
            MailState::Dead => format!("Mail not delivered: {reason}"),
        })
    }
}

/// One row of the list; `P` is a person in it.
#[derive(Clone, Debug)]
pub enum Row<P> {
    /// Not answered yet.
    Invited(Invited),
    /// In.
    Person(P),
}

/// Somebody in the list.
pub trait Listed {
    /// What the list is sorted by, and the id of the row.
    fn key(&self) -> (String, MemberId);
}

/// The place of a row in the list: invitations first, the newest on top, then people by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// An invitation.
    Invited(InvitationId),
    /// A person.
    Person(String, MemberId),
}

impl<P: Listed> Row<P> {
    /// Its place in the list.
    pub fn key(&self) -> Key {
        match self {
            Self::Invited(row) => Key::Invited(row.id),
            Self::Person(row) => {
                let (name, id) = row.key();
                Key::Person(name, id)
            }
        }
    }
}

impl Key {
    /// As it stands in an address.
    pub fn text(&self) -> String {
        match self {
            Self::Invited(id) => format!("i.{id}"),
            Self::Person(name, id) => format!("c.{id}.{name}"),
        }
    }

    /// Reads what [`Key::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(id) = text.strip_prefix("i.") {
            return id.parse().ok().map(Self::Invited);
        }
        let (id, name) = text.strip_prefix("c.")?.split_once('.')?;
        Some(Self::Person(name.to_owned(), id.parse().ok()?))
    }
}

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// All of them.
    #[default]
    All,
    /// People who are in.
    Active,
    /// Invitations that can be accepted.
    Pending,
    /// Invitations whose time is over.
    Expired,
}

impl Status {
    /// All values, with the word in the address and the words on the page.
    pub const ALL: [(Self, &str, &str); 4] = [
        (Self::All, "", "All statuses"),
        (Self::Active, "active", "Active"),
        (Self::Pending, "pending", "Pending"),
        (Self::Expired, "expired", "Expired"),
    ];

    /// The value of a word in the address; an unknown one means all.
    pub fn parse(word: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(_, known, _)| *known == word)
            .map_or(Self::All, |(value, _, _)| *value)
    }

    /// The word in the address.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(value, ..)| *value == self).map_or("", |(_, word, _)| *word)
    }

    /// The options of a select: word, words, and whether it is chosen.
    pub fn options(self) -> Vec<(&'static str, &'static str, bool)> {
        Self::ALL.map(|(value, word, text)| (word, text, value == self)).to_vec()
    }
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Where.
    pub scope: Scope,
    /// In names, addresses and handles; empty for everybody.
    pub q: String,
    /// Which rows.
    pub status: Status,
    /// Tells pending from expired.
    pub now: Instant,
}

impl Filter {
    /// The pattern of what is searched for.
    pub fn pattern(&self) -> Option<String> {
        let is_there = !self.q.trim().is_empty();
        is_there.then(|| crate::base::db::paging::contains_pattern(&self.q))
    }
}

/// How many there are in all, whatever is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// People who are in.
    pub active: i64,
    /// Invitations that were not answered, expired ones included.
    pub invited: i64,
}

/// Which way a query runs through the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the top on.
    Down,
    /// From a row back to the top.
    Up,
}

/// Where a query for people starts: behind or before this one.
pub type From = Option<(String, MemberId)>;

/// One page of the list: at most one query for invitations and one for people, which the caller
/// makes.
pub fn page<P>(
    db: &mut Db,
    filter: &Filter,
    position: &Position<Key>,
    people: impl Fn(&mut Db, Way, From, usize) -> QueryResult<Vec<P>>,
) -> QueryResult<Slice<Row<P>>> {
    let wanted = PAGE_SIZE + 1;
    let mut rows: Vec<Row<P>> = Vec::new();
    let (start, from) = match position {
        Position::Start => (Some(None), None),
        Position::After(Key::Invited(id)) => (Some(Some(*id)), None),
        Position::After(Key::Person(name, id)) => (None, Some((name.clone(), *id))),
        Position::Before(Key::Invited(id)) => {
            rows.extend(
                invited(db, filter, Way::Up, Some(*id), wanted)?.into_iter().map(Row::Invited),
            );
            return Ok(Slice::from_query(rows, position, PAGE_SIZE));
        }
        Position::Before(Key::Person(name, id)) => {
            let from = Some((name.clone(), *id));
            rows.extend(people(db, Way::Up, from, wanted)?.into_iter().map(Row::Person));
            let missing = wanted - rows.len();
            if missing > 0 {
                rows.extend(
                    invited(db, filter, Way::Up, None, missing)?.into_iter().map(Row::Invited),
                );
            }
            return Ok(Slice::from_query(rows, position, PAGE_SIZE));
        }
    };
    if let Some(after) = start {
        rows.extend(invited(db, filter, Way::Down, after, wanted)?.into_iter().map(Row::Invited));
    }
    let missing = wanted - rows.len();
    if missing > 0 {
        rows.extend(people(db, Way::Down, from, missing)?.into_iter().map(Row::Person));
    }
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_address() {
        let now = Instant::from_microseconds(1);
        for key in [
            Key::Invited(InvitationId::new(now)),
            Key::Person("ada. lovelace".to_owned(), MemberId::new(now)),
            Key::Person(String::new(), MemberId::new(now)),
        ] {
            assert_eq!(Key::parse(&key.text()), Some(key));
        }
        for bad in
            ["", "i.", "c.", "x.1", "i.1", "c.1.ada", "c.00000000-0000-0000-0000-000000000000"]
        {
            assert_eq!(Key::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_unknown_status_means_all() {
        assert_eq!(Status::parse("pending"), Status::Pending);
        assert_eq!(Status::parse("' OR 1=1"), Status::All);
    }
}
