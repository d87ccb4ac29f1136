//! The proof that a person, in a browser or by an unlimited key, may see an account by its id, or
//! decides over it: the own one, or an organization's.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use diesel::prelude::*;

use super::AccountId;
use super::actor::{Actor, Person, Reach};
use super::membership::OwningAccount;
use super::organization::{self, Admin, AsksOfMember, OrganizationRole};
use crate::app::App;
use crate::base::db::schema::accounts;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};

/// Proof that a person is `P` in an account; over the own account everybody decides.
pub struct AccountAccess<P> {
    actor: Actor,
    person: Person,
    account: OwningAccount,
    now: Instant,
    proof: PhantomData<fn() -> P>,
}

impl<P: AsksOfMember> AccountAccess<P> {
    async fn of(req: HttpRequest) -> Result<Self> {
        let actor = Actor::of(&req)?;
        let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?;
        let now = app.now();
        let reach = actor.reach(now);
        let person = actor.as_person().filter(|_| !reach.is_limited());
        let person = person.cloned().ok_or(Error::NotFound)?;
        let id: Option<AccountId> =
            req.match_info().get("account_id").and_then(|id| id.parse().ok());
        let id = id.ok_or(Error::NotFound)?;
        let user = person.user;
        let found = app
            .db
            .read(move |db| {
                let account: Option<OwningAccount> = accounts::table
                    .find(id)
                    .select((accounts::id, accounts::handle, accounts::name, accounts::kind))
                    .first(db)
                    .optional()?;
                let member = organization::membership(db, user, id)?;
                Ok(account.map(|account| (account, member)))
            })
            .await?;
        let (account, member) = found.ok_or(Error::NotFound)?;
        if !reach.owns(id) {
            let member = member.ok_or(Error::NotFound)?;
            if member.lacks_second_factor {
                return Err(Error::SecondFactorRequired(account.name));
            }
            if P::ADMIN && member.role != OrganizationRole::Admin {
                return Err(Error::Forbidden(format!(
                    "You are a member of {}. This needs one of its admins.",
                    account.name
                )));
            }
        }
        if !P::READS && reach.only_reads() {
            return Err(Error::Forbidden("This key only reads.".to_owned()));
        }
        Ok(Self { actor, person, account, now, proof: PhantomData })
    }
}

impl<P> AccountAccess<P> {
    /// The account.
    pub fn account(&self) -> &OwningAccount {
        &self.account
    }

    /// Who looks or acts.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The same as the actor of a change.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What the actor reaches.
    pub fn reach(&self) -> Reach {
        self.actor.reach(self.now)
    }
}

impl AccountAccess<Admin> {
    /// Who acts, and the account that the person decides over.
    pub fn into_owner(self) -> (Actor, OwningAccount) {
        (self.actor, self.account)
    }
}

/// Changes something, as the only writer of an account: `work` runs only when the person decides over it inside the
/// transaction.
///
/// # Errors
/// [`Error::NotFound`] for whoever does not; as [`Database::write`](crate::base::db::Database::write).
pub fn write_over<R: Send + 'static>(
    app: &App,
    person: Person,
    account: AccountId,
    work: impl FnOnce(&mut Db, &Person) -> Result<R> + Send + 'static,
) -> impl Future<Output = Result<R>> {
    app.db.write(account, move |db| {
        if !organization::has_authority(db, &person, account)? {
            return Err(Error::NotFound);
        }
        work(db, &person)
    })
}

impl<P: AsksOfMember> FromRequest for AccountAccess<P> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::of(req.clone()))
    }
}

impl<P> fmt::Debug for AccountAccess<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountAccess").field("account", &self.account.id).finish_non_exhaustive()
    }
}
