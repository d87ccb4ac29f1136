//! Who acts: a person in a browser, or a key. A key is a principal of its own (A7, D-04): what it
//! reaches is asked of [`Actor::reach`], never taken from whoever made it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use jiff::SignedDuration;

use super::role::Scopes;
use super::{AccountId, ServiceAccountId, UserId, WorkspaceId};
use crate::base::db::Instant;
use crate::base::db::ids::{BotKeyId, KeyId, SessionId};
use crate::base::error::{Error, Result};

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
    pub id: KeyId,
    /// Its name.
    pub name: String,
    /// Only this workspace.
    pub only_workspace: Option<WorkspaceId>,
    /// Only reading.
    pub read_only: bool,
}

/// Who acts.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A person in a browser.
    Session {
        /// Who.
        person: Person,
        /// Which browser.
        session: SessionId,
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
    /// A service account's key.
    ServiceAccountKey {
        /// Whose.
        service_account: ServiceAccount,
        /// Which.
        key: BotKeyId,
    },
}

/// A principal of an organization that is no person. It has no rights in the organization itself
/// (A2), and reaches what is shared with it (H7).
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Its id.
    pub id: ServiceAccountId,
    /// Its name, unique in the organization.
    pub name: String,
    /// The organization's account.
    pub account: AccountId,
}

/// Whose grants count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A person's, and the workspaces of the own account and of organizations.
    Person {
        /// The person.
        user: UserId,
        /// The personal account.
        account: AccountId,
    },
    /// Those of a service account.
    ServiceAccount(ServiceAccountId),
}

/// What an actor reaches at most: the input of every query on memberships.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Whose grants count.
    pub principal: Principal,
    /// Nothing but this workspace.
    pub only_workspace: Option<WorkspaceId>,
    /// Access that ends by then does not count.
    pub now: Instant,
    read_only: bool,
}

impl Reach {
    /// What a person reaches, without the limits of a key.
    pub fn of_person(person: &Person, now: Instant) -> Self {
        let principal = Principal::Person { user: person.user, account: person.account };
        Self { principal, only_workspace: None, now, read_only: false }
    }

    /// The same at another moment.
    #[must_use]
    pub fn at(&self, now: Instant) -> Self {
        Self { now, ..*self }
    }

    /// Whether the account is the person's own.
    pub fn owns(&self, account: AccountId) -> bool {
        matches!(self.principal, Principal::Person { account: own, .. } if own == account)
    }

    /// Whether a key was limited when it was made: such a one has no rights in accounts.
    pub fn is_limited(&self) -> bool {
        self.only_workspace.is_some()
    }

    /// Whether nothing may be changed.
    pub fn only_reads(&self) -> bool {
        self.read_only
    }

    /// What is left of a role's permissions for this actor.
    pub fn narrow(&self, scopes: Scopes) -> Scopes {
        if self.read_only { scopes.only_looking() } else { scopes }
    }
}

impl Actor {
    /// What this actor reaches at a moment.
    pub fn reach(&self, now: Instant) -> Reach {
        match self {
            Self::Session { person, .. } => Reach::of_person(person, now),
            Self::UserKey { person, key } => Reach {
                only_workspace: key.only_workspace,
                read_only: key.read_only,
                ..Reach::of_person(person, now)
            },
            Self::ServiceAccountKey { service_account, .. } => Reach {
                principal: Principal::ServiceAccount(service_account.id),
                only_workspace: None,
                now,
                read_only: false,
            },
        }
    }

    /// The person who acts, in a browser or by a key; `None` for a service account.
    pub fn as_person(&self) -> Option<&Person> {
        match self {
            Self::Session { person, .. } | Self::UserKey { person, .. } => Some(person),
            Self::ServiceAccountKey { .. } => None,
        }
    }

    /// The same for what only people do.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a service account.
    pub fn person(&self) -> Result<&Person> {
        self.as_person().ok_or_else(|| {
            Error::Forbidden("A service account can’t do this. Use a person’s key.".to_owned())
        })
    }

    /// The id of the person or the service account.
    pub fn id(&self) -> uuid::Uuid {
        match self {
            Self::Session { person, .. } | Self::UserKey { person, .. } => person.user.uuid(),
            Self::ServiceAccountKey { service_account, .. } => service_account.id.uuid(),
        }
    }

    /// The id of the key or the session.
    pub fn credential(&self) -> uuid::Uuid {
        match self {
            Self::Session { session, .. } => session.uuid(),
            Self::UserKey { key, .. } => key.id.uuid(),
            Self::ServiceAccountKey { key, .. } => key.uuid(),
        }
    }

    /// The name, for words on pages and in mails.
    pub fn name(&self) -> &str {
        match self {
            Self::Session { person, .. } | Self::UserKey { person, .. } => &person.name,
            Self::ServiceAccountKey { service_account, .. } => &service_account.name,
        }
    }

    /// The actor of a request.
    ///
    /// # Errors
    /// [`Error::SignInRequired`], [`Error::VerificationRequired`].
    pub fn of(req: &HttpRequest) -> Result<Self> {
        let actor = req.extensions().get::<Self>().cloned().ok_or(Error::SignInRequired)?;
        match actor.as_person() {
            Some(person) if !person.verified => Err(Error::VerificationRequired),
            _ => Ok(actor),
        }
    }
}

/// Proof that a person is signed in in a browser, with a confirmed address.
#[derive(Clone, Debug)]
pub struct SignedInPerson {
    person: Person,
    session: SessionId,
    actor: Actor,
}

impl SignedInPerson {
    /// Who.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Which browser.
    pub fn session(&self) -> SessionId {
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

/// Proof that a person acts who may decide over accounts: in a browser, or by a key without a limit (A7).
#[derive(Clone, Debug)]
pub struct Decider {
    person: Person,
    actor: Actor,
}

impl Decider {
    /// Who.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// As the actor of a change.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    fn of(req: &HttpRequest) -> Result<Self> {
        let actor = Actor::of(req)?;
        let person = actor.person()?.clone();
        if let Actor::UserKey { key, .. } = &actor
            && key.only_workspace.is_some()
        {
            let text = "This key is for one workspace. Use one without a limit.";
            return Err(Error::Forbidden(text.to_owned()));
        }
        Ok(Self { person, actor })
    }

    /// Goes on if it may change something.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a key that only reads.
    fn may_change(&self) -> Result<()> {
        match &self.actor {
            Actor::UserKey { key, .. } if key.read_only => {
                Err(Error::Forbidden("This key only reads.".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl From<SignedInPerson> for Decider {
    fn from(signed_in: SignedInPerson) -> Self {
        Self { person: signed_in.person, actor: signed_in.actor }
    }
}

impl FromRequest for Decider {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req))
    }
}

/// The same, by a key that may change something.
#[derive(Clone, Debug)]
pub struct ChangingDecider(Decider);

impl ChangingDecider {
    /// Who.
    pub fn person(&self) -> &Person {
        self.0.person()
    }

    /// As the actor of a change.
    pub fn actor(&self) -> &Actor {
        self.0.actor()
    }
}

impl From<SignedInPerson> for ChangingDecider {
    fn from(signed_in: SignedInPerson) -> Self {
        Self(signed_in.into())
    }
}

impl FromRequest for ChangingDecider {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Decider::of(req).and_then(|decider| decider.may_change().map(|()| Self(decider))))
    }
}

/// The same, with the password given within the last ten minutes; a key has none to give: what it may do, it may do
/// (AU-17).
#[derive(Clone, Debug)]
pub struct RecentDecider(Decider);

impl RecentDecider {
    /// Who.
    pub fn person(&self) -> &Person {
        self.0.person()
    }

    /// As the actor of a change.
    pub fn actor(&self) -> &Actor {
        self.0.actor()
    }
}

impl From<RecentlyConfirmed> for RecentDecider {
    fn from(confirmed: RecentlyConfirmed) -> Self {
        Self(confirmed.0.into())
    }
}

impl FromRequest for RecentDecider {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let decider = Decider::of(req).and_then(|decider| {
            if matches!(decider.actor, Actor::Session { .. }) {
                RecentlyConfirmed::of(req)?;
            }
            decider.may_change()?;
            Ok(Self(decider))
        });
        ready(decider)
    }
}

/// Whether the password was given lately, for what only sometimes asks for it (AU-17). A key has none
/// to give: what it may do, it may do.
#[derive(Clone, Copy, Debug)]
pub struct StepUp {
    is_recent: bool,
}

impl StepUp {
    /// Whether it was.
    pub fn is_recent(self) -> bool {
        self.is_recent
    }

    /// It was given this very moment, and is right.
    pub fn by_password() -> Self {
        Self { is_recent: true }
    }

    /// Goes on if it was.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`].
    pub fn demand(self) -> Result<()> {
        if self.is_recent { Ok(()) } else { Err(Error::ReauthenticationRequired) }
    }
}

impl FromRequest for StepUp {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_key = Actor::of(req).is_ok_and(|actor| !matches!(actor, Actor::Session { .. }));
        ready(Ok(Self { is_recent: is_key || RecentlyConfirmed::of(req).is_ok() }))
    }
}
