//! Whom a role is given to: a member of the organization or a service account. What differs between the two is here, so
//! that giving, changing and ending a role is written once.

use diesel::QueryResult;
use serde_json::{Value, json};

use super::model::{BotGrantId, SharedBot, SharedPerson};
use super::queries;
use crate::access::permission::needs::{ManageWorkspaceServiceAccounts, ManageWorkspaceUsers};
use crate::access::role::NamedRole;
use crate::access::workspace::{Asks, Grantable};
use crate::access::{AccountId, ServiceAccountId, UserId, WorkspaceId};
use crate::base::db::{Db, Instant};
use crate::tenancy::invitations::roster::MemberId;
use crate::tenancy::service_accounts;

/// A workspace, with the account that owns it.
pub type At = (AccountId, WorkspaceId);

/// Until when, and by whom.
pub type Term<'a> = (Option<Instant>, &'a str);

/// What names whoever has a role.
#[derive(Clone, Debug)]
pub struct Known {
    /// The name.
    pub name: String,
    /// Where mails go; a service account gets none.
    pub email: Option<String>,
}

/// Whoever can be given a role in an organization's workspace, by id.
pub trait Grantee: Copy + Send + 'static {
    /// What whoever gives the role has to be allowed to do.
    type Needs: Asks;
    /// The id of a grant.
    type GrantId: Copy + Send + 'static;
    /// A grant, as it is listed.
    type Grant: Shared<To = Self>;

    /// The person, where it is one: people are invited and told by mail, and invite others.
    fn person(self) -> Option<UserId>;

    /// Name and address, where it belongs to the organization.
    fn find(self, db: &mut Db, account: AccountId) -> QueryResult<Option<Known>>;

    /// The grant in a workspace, also one that has ended and is still to be removed.
    fn grant(self, db: &mut Db, at: At) -> QueryResult<Option<Self::Grant>>;

    /// The same by the grant's id (IN-10).
    fn grant_of_id(db: &mut Db, at: At, id: Self::GrantId) -> QueryResult<Option<Self::Grant>>;

    /// Gives a role, in place of one that has ended.
    fn insert(
        self,
        db: &mut Db,
        workspace: WorkspaceId,
        role: Grantable,
        term: Term<'_>,
        now: Instant,
    ) -> QueryResult<()>;

    /// Changes a role and when it ends.
    fn set_role(db: &mut Db, id: Self::GrantId, role: Grantable, term: Term<'_>)
    -> QueryResult<()>;

    /// Ends a role.
    fn remove(db: &mut Db, id: Self::GrantId) -> QueryResult<()>;

    /// Who it is, for the audit log.
    fn told(self, known: &Known) -> Value;
}

/// A role that was given.
pub trait Shared: Clone + Send + 'static {
    /// Who has it.
    type To: Grantee;

    /// Its id.
    fn id(&self) -> <Self::To as Grantee>::GrantId;

    /// Who has it.
    fn to(&self) -> Self::To;

    /// What names them.
    fn known(&self) -> Known;

    /// The role, and when it ends.
    fn role(&self) -> (&NamedRole, Option<Instant>);

    /// The same with another role and end.
    #[must_use]
    fn with(self, role: NamedRole, until: Option<Instant>) -> Self;

    /// Whether it has ended: then it counts as none, also as long as nothing has removed it.
    fn has_ended(&self, now: Instant) -> bool {
        self.role().1.is_some_and(|until| until <= now)
    }
}

impl Grantee for UserId {
    type Needs = ManageWorkspaceUsers;
    type GrantId = MemberId;
    type Grant = SharedPerson;

    fn person(self) -> Option<UserId> {
        Some(self)
    }

    fn find(self, db: &mut Db, account: AccountId) -> QueryResult<Option<Known>> {
        let member = queries::member_of(db, account, self)?;
        Ok(member.map(|(_, name, email, _)| Known { name, email: Some(email) }))
    }

    fn grant(self, db: &mut Db, at: At) -> QueryResult<Option<SharedPerson>> {
        queries::person_of(db, at, self)
    }

    fn grant_of_id(db: &mut Db, at: At, id: MemberId) -> QueryResult<Option<SharedPerson>> {
        queries::person(db, at, id)
    }

    fn insert(
        self,
        db: &mut Db,
        workspace: WorkspaceId,
        role: Grantable,
        term: Term<'_>,
        now: Instant,
    ) -> QueryResult<()> {
        queries::insert_person(db, (workspace, self), role, term, now)
    }

    fn set_role(db: &mut Db, id: MemberId, role: Grantable, term: Term<'_>) -> QueryResult<()> {
        queries::set_role(db, id, role, term)
    }

    fn remove(db: &mut Db, id: MemberId) -> QueryResult<()> {
        queries::remove_person(db, id)
    }

    fn told(self, known: &Known) -> Value {
        json!({ "user": { "id": self, "name": known.name, "email": known.email } })
    }
}

impl Shared for SharedPerson {
    type To = UserId;

    fn id(&self) -> MemberId {
        self.id
    }

    fn to(&self) -> UserId {
        self.user
    }

    fn known(&self) -> Known {
        Known { name: self.name.clone(), email: Some(self.email.clone()) }
    }

    fn role(&self) -> (&NamedRole, Option<Instant>) {
        (&self.role, self.until)
    }

    fn with(self, role: NamedRole, until: Option<Instant>) -> Self {
        Self { role, until, ..self }
    }
}

impl Grantee for ServiceAccountId {
    type Needs = ManageWorkspaceServiceAccounts;
    type GrantId = BotGrantId;
    type Grant = SharedBot;

    fn person(self) -> Option<UserId> {
        None
    }

    fn find(self, db: &mut Db, account: AccountId) -> QueryResult<Option<Known>> {
        let bot = service_accounts::queries::one(db, account, self)?;
        Ok(bot.map(|bot| Known { name: bot.name, email: None }))
    }

    fn grant(self, db: &mut Db, (_, workspace): At) -> QueryResult<Option<SharedBot>> {
        queries::bot_of(db, workspace, self)
    }

    fn grant_of_id(
        db: &mut Db,
        (_, workspace): At,
        id: BotGrantId,
    ) -> QueryResult<Option<SharedBot>> {
        queries::bot(db, workspace, id)
    }

    fn insert(
        self,
        db: &mut Db,
        workspace: WorkspaceId,
        role: Grantable,
        term: Term<'_>,
        now: Instant,
    ) -> QueryResult<()> {
        queries::insert_bot_grant(db, (workspace, self), role, term, now)
    }

    fn set_role(db: &mut Db, id: BotGrantId, role: Grantable, term: Term<'_>) -> QueryResult<()> {
        queries::set_bot_role(db, id, role, term)
    }

    fn remove(db: &mut Db, id: BotGrantId) -> QueryResult<()> {
        queries::delete_bot_grant(db, id)
    }

    fn told(self, known: &Known) -> Value {
        json!({ "service_account": { "id": self, "name": known.name }, "name": known.name })
    }
}

impl Shared for SharedBot {
    type To = ServiceAccountId;

    fn id(&self) -> BotGrantId {
        self.id
    }

    fn to(&self) -> ServiceAccountId {
        self.bot
    }

    fn known(&self) -> Known {
        Known { name: self.name.clone(), email: None }
    }

    fn role(&self) -> (&NamedRole, Option<Instant>) {
        (&self.role, self.until)
    }

    fn with(self, role: NamedRole, until: Option<Instant>) -> Self {
        Self { role, until, ..self }
    }
}
