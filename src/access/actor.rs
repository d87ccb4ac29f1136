//! Who acts: a person in a browser, or a key. A key is a principal of its own (A7, D-04): what it
//! reaches is asked of [`Actor::reach`], never taken from whoever made it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use jiff::SignedDuration;

use super::role::Scopes;
use super::{AccountId, UserId, WorkspaceId};
use crate::base::db::{Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::session::SessionMarker;

/// A person, as the database knows them at this request.
#[derive(Clone, Debug)]
pub struct Person {
    /// The person's id.
    pub user: UserId,
    /// The personal account.
    pub account: AccountId,
    /// Handle of the personal account.
    pub handle: String,
    /// Display name.
    pub name: String,
    /// Address as typed.
    pub email: String,
    /// Address for comparison.
    pub email_key: String,
    /// Whether the address counts as confirmed.
    pub verified: bool,
}

/// A key of a person, and what it was limited to when it was made.
#[derive(Clone, Debug)]
pub struct KeyOfPerson {
    /// The key's id.
    pub id: Id<KeyMarker>,
    /// Its name.
    pub name: String,
    /// Only this workspace.
    pub only_workspace: Option<WorkspaceId>,
    /// Only reading.
    pub read_only: bool,
}

/// What an id of the `api_keys` table is the id of.
#[derive(Debug)]
pub enum KeyMarker {}

/// Who acts.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A person in a browser.
    Session {
        /// Who.
        person: Person,
        /// Which browser.
        session: Id<SessionMarker>,
        /// When the password was last given.
        authenticated_at: Instant,
    },
    /// A person's key.
    UserKey {
        /// Whose.
        person: Person,
        /// Which.
        key: KeyOfPerson,
    },
}

/// What an actor reaches at most: the input of every query on memberships.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// The person whose memberships count.
    pub user: UserId,
    /// The account whose workspaces are the person's own.
    pub account: AccountId,
    /// Nothing but this workspace.
    pub only_workspace: Option<WorkspaceId>,
    read_only: bool,
}

impl Reach {
    /// What is left of a role's permissions for this actor.
    pub fn narrow(&self, scopes: Scopes) -> Scopes {
        if self.read_only { scopes.only_looking() } else { scopes }
    }
}

impl Actor {
    /// What this actor reaches.
    pub fn reach(&self) -> Reach {
        let (person, only_workspace, read_only) = match self {
            Self::Session { person, .. } => (person, None, false),
            Self::UserKey { person, key } => (person, key.only_workspace, key.read_only),
        };
        Reach { user: person.user, account: person.account, only_workspace, read_only }
    }

    /// The person behind the actor, for words on pages and in the audit log.
    pub fn person(&self) -> &Person {
        match self {
            Self::Session { person, .. } | Self::UserKey { person, .. } => person,
        }
    }

    /// The actor of a request.
    ///
    /// # Errors
    /// [`Error::SignInRequired`], [`Error::VerificationRequired`].
    pub fn of(req: &HttpRequest) -> Result<Self> {
        let actor = req.extensions().get::<Self>().cloned().ok_or(Error::SignInRequired)?;
        if actor.person().verified { Ok(actor) } else { Err(Error::VerificationRequired) }
    }
}

/// Proof that a person is signed in in a browser, with a confirmed address.
#[derive(Clone, Debug)]
pub struct SignedInPerson {
    person: Person,
    session: Id<SessionMarker>,
    actor: Actor,
}

impl SignedInPerson {
    /// Who.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Which browser.
    pub fn session(&self) -> Id<SessionMarker> {
        self.session
    }

    /// As the actor of a change.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    fn of(req: &HttpRequest, needs: Needed) -> Result<(Self, Instant)> {
        let actor = req.extensions().get::<Actor>().cloned().ok_or(Error::SignInRequired)?;
        let Actor::Session { person, session, authenticated_at } = &actor else {
            return Err(Error::SignInRequired);
        };
        if needs == Needed::Verified && !person.verified {
            return Err(Error::VerificationRequired);
        }
        Ok((
            Self { person: person.clone(), session: *session, actor: actor.clone() },
            *authenticated_at,
        ))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Needed {
    Session,
    Verified,
}

impl FromRequest for SignedInPerson {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req, Needed::Verified).map(|(signed_in, _)| signed_in))
    }
}

/// Proof of a session, whether the address is confirmed or not: for the verify page and sign-out.
#[derive(Clone, Debug)]
pub struct AnySession(pub SignedInPerson);

impl FromRequest for AnySession {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req))
    }
}

impl AnySession {
    fn of(req: &HttpRequest) -> Result<Self> {
        SignedInPerson::of(req, Needed::Session).map(|(signed_in, _)| Self(signed_in))
    }
}

/// How old the last proof of identity may be before something risky (AU-17).
pub const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// Proof that the person gave the password within the last ten minutes.
#[derive(Clone, Debug)]
pub struct RecentlyConfirmed(SignedInPerson);

impl RecentlyConfirmed {
    /// Who.
    pub fn person(&self) -> &Person {
        self.0.person()
    }

    /// As the actor of a change.
    pub fn actor(&self) -> &Actor {
        self.0.actor()
    }

    /// Without the recency.
    pub fn signed_in(&self) -> &SignedInPerson {
        &self.0
    }

    fn of(req: &HttpRequest) -> Result<Self> {
        let (signed_in, authenticated_at) = SignedInPerson::of(req, Needed::Verified)?;
        let app = req
            .app_data::<actix_web::web::Data<crate::app::App>>()
            .ok_or_else(|| Error::internal("no App"))?;
        if app.now().since(authenticated_at) > RECENT {
            return Err(Error::ReauthenticationRequired);
        }
        Ok(Self(signed_in))
    }
}

impl FromRequest for RecentlyConfirmed {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req))
    }
}
