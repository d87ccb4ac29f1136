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

use super::actor::{Person, SignedInPerson};
use super::handle::Handle;
use super::{AccountId, UserId};
use crate::app::App;
use crate::base::db::schema::{account_redirects, accounts, organization_members, organizations};
use crate::base::db::{Db, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::page::{CurrentOrganization, Shell};
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
    /// Days for which ended runs are kept; `None` is the server's default.
    pub run_retention_days: Option<i32>,
    /// Days for which audit entries are kept; `None` is the server's default.
    pub audit_retention_days: Option<i32>,
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
    accounts::run_retention_days,
    accounts::audit_retention_days,
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
    accounts::run_retention_days,
    accounts::audit_retention_days,
    accounts::created_at,
);

/// Everybody who belongs to the organization.
#[derive(Debug)]
pub enum AnyMember {}

/// Its admins.
#[derive(Debug)]
pub enum Admin {}

/// What a proof asks for.
pub trait AsksOfMember: 'static {
    /// Whether only admins will do.
    const ADMIN: bool;
}

impl AsksOfMember for AnyMember {
    const ADMIN: bool = false;
}

impl AsksOfMember for Admin {
    const ADMIN: bool = true;
}

/// Proof that a signed-in person is `P` in this organization. Only this module makes one, from the
/// request; what changes data takes it by value.
pub struct OrganizationAccess<P> {
    person: SignedInPerson,
    organization: Organization,
    role: OrganizationRole,
    proof: PhantomData<fn() -> P>,
}

/// The organization with a handle, and what a person is in it.
///
/// # Errors
/// The database's fault.
pub fn by_handle(
    db: &mut Db,
    user: UserId,
    handle: &str,
) -> QueryResult<Option<(Organization, OrganizationRole)>> {
    let account = accounts::table.filter(accounts::handle.eq(handle)).select(accounts::id);
    let Some(account) = account.first::<AccountId>(db).optional()? else { return Ok(None) };
    by_account(db, user, account)
}

/// The organization of an account, and what a person is in it.
///
/// # Errors
/// The database's fault.
pub fn by_account(
    db: &mut Db,
    user: UserId,
    account: AccountId,
) -> QueryResult<Option<(Organization, OrganizationRole)>> {
    let Some(role) = role(db, user, account)? else { return Ok(None) };
    let found: Option<Organization> = accounts::table
        .inner_join(organizations::table)
        .filter(accounts::id.eq(account))
        .select(COLUMNS)
        .first(db)
        .optional()?;
    Ok(found.map(|organization| (organization, role)))
}

/// What a person is in the organization of an account.
///
/// # Errors
/// The database's fault.
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

/// Whether a person decides over an account and all its workspaces: it is the own one, or an
/// organization of which the person is admin.
///
/// # Errors
/// The database's fault.
pub fn has_authority(db: &mut Db, person: &Person, account: AccountId) -> QueryResult<bool> {
    if account == person.account {
        return Ok(true);
    }
    Ok(role(db, person.user, account)? == Some(OrganizationRole::Admin))
}

/// Where a handle that leads nowhere led before a rename, for a member.
fn moved(db: &mut Db, user: UserId, handle: &str) -> QueryResult<Option<Organization>> {
    let account = account_redirects::table.find(handle).select(account_redirects::account_id);
    let Some(account) = account.first::<AccountId>(db).optional()? else { return Ok(None) };
    Ok(by_account(db, user, account)?.map(|(organization, _)| organization))
}

impl<P: AsksOfMember> OrganizationAccess<P> {
    async fn of(req: HttpRequest) -> Result<Self> {
        let person = SignedInPerson::extract(&req).await?;
        let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?;
        let handle = req.match_info().get("organization").unwrap_or_default();
        if !Handle::is_stored_form(handle) {
            return Err(Error::NotFound);
        }
        let (user, asked) = (person.person().user, handle.to_owned());
        let found = app
            .db
            .read(move |db| match by_handle(db, user, &asked)? {
                Some(found) => Ok(Ok(found)),
                None => Ok(Err(moved(db, user, &asked)?)),
            })
            .await?;
        match found {
            Ok((organization, role)) => {
                let access = Self { person, organization, role, proof: PhantomData };
                if P::ADMIN {
                    access.check_admin()?;
                }
                Ok(access)
            }
            Err(Some(to)) => Err(Error::Moved(new_path(&req, handle, &to.handle))),
            Err(None) => Err(Error::NotFound),
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

    /// Checks once more, inside the transaction of a change, and returns the organization as it is
    /// now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub fn still_holds(&self, db: &mut Db) -> Result<Organization> {
        let found = by_account(db, self.person().user, self.organization.account)?;
        let (organization, role) = found.ok_or(Error::NotFound)?;
        if P::ADMIN && role != OrganizationRole::Admin {
            return Err(Error::Forbidden("Your role changed meanwhile.".to_owned()));
        }
        Ok(organization)
    }
}

impl<P> OrganizationAccess<P> {
    /// The organization.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Who looks or acts.
    pub fn person(&self) -> &Person {
        self.person.person()
    }

    /// The same with the browser.
    pub fn signed_in(&self) -> &SignedInPerson {
        &self.person
    }

    /// Whether the person is an admin.
    pub fn is_admin(&self) -> bool {
        self.role == OrganizationRole::Admin
    }

    /// What the person is in the organization.
    pub fn role(&self) -> OrganizationRole {
        self.role
    }

    /// The lock of a change in this organization.
    pub fn locks(&self) -> Locks {
        self.organization.account.into()
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
