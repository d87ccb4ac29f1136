//! The proof that a person belongs to an organization, or is one of its admins (O6).
//!
//! Invariant: an organization is found only through a membership; to everybody else it is not there.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use diesel::prelude::*;

use super::actor::{Actor, Person};
use super::handle::Handle;
use super::{AccountId, UserId};
use crate::access::listing::Listing;
use crate::app::App;
use crate::base::db::schema::{
    account_redirects, accounts, organization_members, organizations, two_factor, users,
};
use crate::base::db::{Db, Id, Instant, Locks, lock_accounts};
use crate::base::error::{Error, Result};
use crate::frame::{CurrentOrganization, Shell};
use crate::urls;

crate::base::db::text_enum! {
    /// What somebody is in an organization.
    OrganizationRole {
        /// Does everything, and is owner of all its workspaces.
        Admin = "admin",
        /// Looks, and works in the workspaces that are shared.
        Member = "member",
    }
}

impl OrganizationRole {
    /// The id of the role in the API: a UUID of version 8 (RFC 9562), no id of any row.
    pub fn id(self) -> uuid::Uuid {
        uuid::Uuid::from_u128(match self {
            Self::Admin => 0x0000_0000_0000_8000_8000_0000_0000_0101,
            Self::Member => 0x0000_0000_0000_8000_8000_0000_0000_0102,
        })
    }

    /// The role of an id of the API.
    pub fn of_id(id: uuid::Uuid) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.id() == id)
    }

    /// The role's name as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Member => "Member",
        }
    }
}

/// An organization, as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Organization {
    /// Its account.
    pub account: AccountId,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// Where it is; may be empty.
    pub location: String,
    /// Its address on the web; may be empty.
    pub link: String,
    /// Its own limit of workspaces.
    pub workspace_limit: Option<i32>,
    /// Its own limit of members.
    pub member_limit: Option<i32>,
    /// Its own limit of service accounts.
    pub service_account_limit: Option<i32>,
    /// Days for which ended runs are kept, as the operator set; `None` is the server's default.
    pub run_retention_days: Option<i32>,
    /// Days for which audit entries are kept, as the operator set; `None` is the server's default.
    pub audit_retention_days: Option<i32>,
    /// Fewer days for ended runs, as its admins chose.
    pub own_run_retention_days: Option<i32>,
    /// Fewer days for audit entries, as its admins chose.
    pub own_audit_retention_days: Option<i32>,
    /// Since when everybody in it needs a second factor.
    pub two_factor_since: Option<Instant>,
    /// Mail domains of the people it invites, with a space between them; empty for any.
    pub email_domains: String,
    /// Whether nobody but its own admins may ask it to take a workspace.
    pub refuses_transfers: bool,
    /// When it was made.
    pub created_at: Instant,
}

type Columns = (
    accounts::id,
    accounts::handle,
    accounts::name,
    organizations::location,
    organizations::link,
    accounts::workspace_limit,
    accounts::member_limit,
    accounts::service_account_limit,
    accounts::run_retention_days,
    accounts::audit_retention_days,
    organizations::run_retention_days,
    organizations::audit_retention_days,
    organizations::two_factor_since,
    organizations::email_domains,
    organizations::refuses_transfers,
    accounts::created_at,
);

/// The columns of [`Organization`], for queries on accounts joined with organizations.
const COLUMNS: Columns = (
    accounts::id,
    accounts::handle,
    accounts::name,
    organizations::location,
    organizations::link,
    accounts::workspace_limit,
    accounts::member_limit,
    accounts::service_account_limit,
    accounts::run_retention_days,
    accounts::audit_retention_days,
    organizations::run_retention_days,
    organizations::audit_retention_days,
    organizations::two_factor_since,
    organizations::email_domains,
    organizations::refuses_transfers,
    accounts::created_at,
);

impl Organization {
    /// Whether it takes an address of this domain (the part after the @, in lower case).
    pub fn takes_domain(&self, domain: &str) -> bool {
        takes_domain(&self.email_domains, domain)
    }
}

/// Whether a list of domains, with a space between them, has room for one; an empty list takes any.
pub fn takes_domain(domains: &str, domain: &str) -> bool {
    domains.is_empty() || domains.split(' ').any(|known| known == domain)
}

/// Everybody who belongs to the organization.
#[derive(Debug)]
pub enum AnyMember {}

/// Everybody who belongs to it, also whom a rule of it keeps out for now: to leave.
#[derive(Debug)]
pub enum Leaving {}

/// Its admins.
#[derive(Debug)]
pub enum Admin {}

/// What a proof asks for.
pub trait AsksOfMember: 'static {
    /// Whether only admins will do.
    const ADMIN: bool;
    /// Whether the organization's rules for its people count.
    const RULES: bool = true;
    /// Whether a key that only reads will do.
    const READS: bool = false;
}

impl AsksOfMember for AnyMember {
    const ADMIN: bool = false;
    const READS: bool = true;
}

impl AsksOfMember for Leaving {
    const ADMIN: bool = false;
    const RULES: bool = false;
}

impl AsksOfMember for Admin {
    const ADMIN: bool = true;
}

/// Proof that a person, in a browser or by an unlimited key, is `P` in this organization. Only this
/// module makes one, from the request; what changes data takes it by value.
pub struct OrganizationAccess<P> {
    actor: Actor,
    person: Person,
    organization: Organization,
    role: OrganizationRole,
    proof: PhantomData<fn() -> P>,
}

/// The account with a handle.
fn account_of(db: &mut Db, handle: &str) -> QueryResult<Option<AccountId>> {
    let account = accounts::table.filter(accounts::handle.eq(handle)).select(accounts::id);
    account.first(db).optional()
}

/// The organization of an account, and what a person is in it.
pub fn by_account(
    db: &mut Db,
    user: UserId,
    account: AccountId,
) -> QueryResult<Option<(Organization, Membership)>> {
    let Some(member) = membership(db, user, account)? else { return Ok(None) };
    Ok(one(db, account)?.map(|organization| (organization, member)))
}

/// The organization of an account, for those whose right to see it is proved otherwise.
pub fn one(db: &mut Db, account: AccountId) -> QueryResult<Option<Organization>> {
    accounts::table
        .inner_join(organizations::table)
        .filter(accounts::id.eq(account))
        .select(COLUMNS)
        .first(db)
        .optional()
}

/// What a person is in the organization of an account.
pub fn role(
    db: &mut Db,
    user: UserId,
    account: AccountId,
) -> QueryResult<Option<OrganizationRole>> {
    organization_members::table
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::user_id.eq(user))
        .select(organization_members::role)
        .first(db)
        .optional()
}

/// What a person is in an organization, and whether a rule of it keeps the person out for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The role.
    pub role: OrganizationRole,
    /// The organization asks for a second factor, and the person has none.
    pub lacks_second_factor: bool,
}

/// A person's membership in the organization of an account.
pub fn membership(
    db: &mut Db,
    user: UserId,
    account: AccountId,
) -> QueryResult<Option<Membership>> {
    let row: Option<(OrganizationRole, Option<Instant>, Option<UserId>)> =
        organization_members::table
            .inner_join(
                organizations::table
                    .on(organizations::account_id.eq(organization_members::account_id)),
            )
            .left_join(two_factor::table.on(two_factor::user_id.eq(organization_members::user_id)))
            .filter(organization_members::account_id.eq(account))
            .filter(organization_members::user_id.eq(user))
            .select((
                organization_members::role,
                organizations::two_factor_since,
                two_factor::user_id.nullable(),
            ))
            .first(db)
            .optional()?;
    Ok(row.map(|(role, needed, has)| Membership {
        role,
        lacks_second_factor: needed.is_some() && has.is_none(),
    }))
}

/// Lets a person into an organization.
pub fn insert_member(
    db: &mut Db,
    account: AccountId,
    user: UserId,
    role: OrganizationRole,
    now: Instant,
) -> QueryResult<usize> {
    let listing = Listing::of(db, user)?;
    diesel::insert_into(organization_members::table)
        .values((
            organization_members::id.eq(Id::<Membership>::new(now)),
            organization_members::account_id.eq(account),
            organization_members::user_id.eq(user),
            organization_members::role.eq(role),
            organization_members::sort_name.eq(&listing.sort_name),
            organization_members::search_key.eq(&listing.search_key),
            organization_members::created_at.eq(now),
        ))
        .execute(db)
}

/// Changes what a person is in an organization; returns how many rows that were.
pub fn set_role(
    db: &mut Db,
    account: AccountId,
    user: UserId,
    role: OrganizationRole,
) -> QueryResult<usize> {
    let member = organization_members::table
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::user_id.eq(user));
    diesel::update(member).set(organization_members::role.eq(role)).execute(db)
}

/// Whether a person decides over an account and all its workspaces: it is the own one, or an
/// organization of which the person is admin.
pub fn has_authority(db: &mut Db, person: &Person, account: AccountId) -> QueryResult<bool> {
    if account == person.account {
        return Ok(true);
    }
    let member = membership(db, person.user, account)?;
    Ok(member.is_some_and(|member| {
        member.role == OrganizationRole::Admin && !member.lacks_second_factor
    }))
}

/// Accounts of one person that are looked at, at most.
const DECIDED: i64 = 200;

/// The accounts over which a person decides: the own one, and organizations of which the person is admin, whose
/// rules are met.
pub fn decided_by(db: &mut Db, person: &Person) -> QueryResult<Vec<AccountId>> {
    let second = two_factor::table.filter(two_factor::user_id.eq(person.user));
    let mut ids: Vec<AccountId> = organization_members::table
        .inner_join(
            organizations::table.on(organizations::account_id.eq(organization_members::account_id)),
        )
        .filter(organization_members::user_id.eq(person.user))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .filter(organizations::two_factor_since.is_null().or(diesel::dsl::exists(second)))
        .order(organization_members::account_id)
        .limit(DECIDED)
        .select(organization_members::account_id)
        .load(db)?;
    ids.push(person.account);
    Ok(ids)
}

/// Where a handle that leads nowhere led before a rename, for a member.
fn moved(db: &mut Db, user: UserId, handle: &str) -> QueryResult<Option<Organization>> {
    let account = account_redirects::table.find(handle).select(account_redirects::account_id);
    let Some(account) = account.first::<AccountId>(db).optional()? else { return Ok(None) };
    Ok(by_account(db, user, account)?.map(|(organization, _)| organization))
}

/// How an address names an organization.
#[derive(Clone, Debug)]
enum Named {
    /// On pages, by its handle.
    ByHandle(String),
    /// On the API, by its account's id, which never changes.
    ById(AccountId),
}

impl Named {
    fn of(req: &HttpRequest) -> Result<Self> {
        let info = req.match_info();
        if let Some(id) = info.get("account_id") {
            return id.parse().map(Self::ById).map_err(|_| Error::NotFound);
        }
        let handle = info.get("organization").filter(|text| Handle::is_stored_form(text));
        handle.map(|handle| Self::ByHandle(handle.to_owned())).ok_or(Error::NotFound)
    }
}

type Found = (Option<(Organization, Membership)>, Option<Organization>);

fn find(db: &mut Db, user: UserId, named: &Named) -> QueryResult<Found> {
    let account = match named {
        Named::ById(account) => Some(*account),
        Named::ByHandle(handle) => account_of(db, handle)?,
    };
    let here = match account {
        Some(account) => by_account(db, user, account)?,
        None => None,
    };
    let moved = match (&here, named) {
        (None, Named::ByHandle(handle)) => moved(db, user, handle)?,
        _ => None,
    };
    Ok((here, moved))
}

impl<P: AsksOfMember> OrganizationAccess<P> {
    async fn of(req: HttpRequest) -> Result<Self> {
        let actor = Actor::of(&req)?;
        // A service account and a key for one workspace have no rights in accounts (AK-04).
        let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?;
        let reach = actor.reach(app.now());
        let person = actor.as_person().filter(|_| !reach.is_limited());
        let person = person.cloned().ok_or(Error::NotFound)?;
        let named = Named::of(&req)?;
        let (user, asked) = (person.user, named.clone());
        match app.db.read(move |db| Ok(find(db, user, &asked)?)).await? {
            (Some((organization, member)), _) => {
                if P::RULES && member.lacks_second_factor {
                    return Err(Error::SecondFactorRequired(organization.name));
                }
                let role = member.role;
                let access = Self { actor, person, organization, role, proof: PhantomData };
                if P::ADMIN {
                    access.check_admin()?;
                }
                if !P::READS && reach.only_reads() {
                    return Err(Error::Forbidden("This key only reads.".to_owned()));
                }
                Ok(access)
            }
            (None, Some(to)) => Err(match &named {
                Named::ByHandle(old) => Error::Moved(new_path(&req, old, &to.handle)),
                Named::ById(_) => Error::NotFound,
            }),
            (None, None) => Err(Error::NotFound),
        }
    }

    fn check_admin(&self) -> Result<()> {
        if self.is_admin() {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "You are a member of {}. This needs one of its admins.",
            self.organization.name
        )))
    }

    /// Changes something, as the only writer of the organization's account: `work` runs only when the person is still
    /// `P` inside the transaction, and is handed the proof with the organization and the role as they are there.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Forbidden`] when the right went meanwhile; as
    /// [`Database::write`](crate::base::db::Database::write).
    pub fn write<R: Send + 'static>(
        mut self,
        app: &App,
        work: impl FnOnce(&mut Db, Self) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        app.db.write(self.organization.account, move |db| {
            (self.organization, self.role) = self.present(db)?;
            work(db, self)
        })
    }

    /// The same with the lock of the instance, for what belongs to no account too: handles.
    ///
    /// # Errors
    /// As [`OrganizationAccess::write`].
    pub fn write_with_instance<R: Send + 'static>(
        mut self,
        app: &App,
        work: impl FnOnce(&mut Db, Self) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        app.db.write(Locks::Instance, move |db| {
            lock_accounts(db, &[self.organization.account])?;
            (self.organization, self.role) = self.present(db)?;
            work(db, self)
        })
    }

    /// The organization, and what the person is in it, inside the transaction of a change.
    fn present(&self, db: &mut Db) -> Result<(Organization, OrganizationRole)> {
        let found = by_account(db, self.person.user, self.organization.account)?;
        let (organization, member) = found.ok_or(Error::NotFound)?;
        if P::RULES && member.lacks_second_factor {
            return Err(Error::SecondFactorRequired(organization.name));
        }
        if P::ADMIN && member.role != OrganizationRole::Admin {
            return Err(Error::Forbidden("Your role changed meanwhile.".to_owned()));
        }
        Ok((organization, member.role))
    }
}

impl<P> OrganizationAccess<P> {
    /// The organization.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Who looks or acts.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The same as the actor of a change.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Whether the person is an admin.
    pub fn is_admin(&self) -> bool {
        self.role == OrganizationRole::Admin
    }

    /// What the person is in the organization.
    pub fn role(&self) -> OrganizationRole {
        self.role
    }

    /// The shell of a page of this organization.
    pub fn shell(&self, mut shell: Shell, at: &'static str) -> Shell {
        shell.organization = Some(CurrentOrganization {
            handle: self.organization.handle.clone(),
            name: self.organization.name.clone(),
            is_admin: self.is_admin(),
        });
        shell.at(at)
    }
}

/// The asked path with the new handle in place of the old one.
fn new_path(req: &HttpRequest, old: &str, new: &str) -> String {
    let rest = req.path().strip_prefix(&urls::organization(old)).unwrap_or_default();
    let query = req.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{rest}{query}", urls::organization(new))
}

impl<P: AsksOfMember> FromRequest for OrganizationAccess<P> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::of(req.clone()))
    }
}

impl<P> fmt::Debug for OrganizationAccess<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrganizationAccess")
            .field("organization", &self.organization.account)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// The addresses of those who decide over an account: its person, or the organization's admins.
pub fn emails_of_authority(db: &mut Db, account: AccountId) -> QueryResult<Vec<String>> {
    let person: Option<String> = users::table
        .filter(users::personal_account_id.eq(account))
        .select(users::email)
        .first(db)
        .optional()?;
    if let Some(person) = person {
        return Ok(vec![person]);
    }
    organization_members::table
        .inner_join(users::table)
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .order(organization_members::id)
        .select(users::email)
        .load(db)
}
