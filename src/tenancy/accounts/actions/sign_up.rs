//! New people: the first user, sign-up, and the one function that makes a person.

use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::super::forms::SignUp;
use super::super::model::{CreateProblem, NewUser};
use super::super::{mail, queries};
use crate::access::handle::Handle;
use crate::access::identify::{Theme, Verified};
use crate::access::membership::AccountKind;
use crate::access::{AccountId, UserId};
use crate::app::{App, Context};
use crate::base::db::ids::FormTokenId;
use crate::base::db::schema::{accounts, users};
use crate::base::db::{Db, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, use_once};
use crate::base::secret::{LinkToken, Purpose};
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::urls;

/// The token of the link that makes the first user.
pub fn setup_token(context: &Context) -> String {
    context.keys.link_token(Purpose::Setup, Uuid::nil(), 0)
}

/// Whether a setup link still works: its token fits, and there is no user yet.
pub async fn setup_is_open(app: &App, token: &str) -> Result<bool> {
    let fits = LinkToken::parse(token)
        .is_some_and(|token| token.proves(&app.context.keys, Purpose::Setup, 0));
    if !fits {
        return Ok(false);
    }
    is_first_run(app).await
}

/// Whether nobody has an account yet.
pub async fn is_first_run(app: &App) -> Result<bool> {
    app.db.read(|db| Ok(!queries::any_user(db)?)).await
}

/// Makes a person with a personal account, inside a transaction that holds [`Locks::Instance`].
/// Everything that makes people comes through here.
///
/// # Errors
/// The database's fault; a taken handle or address is the inner error.
pub fn create_user(
    db: &mut Db,
    new: &NewUser,
    by: Option<&By>,
    ip: Option<ClientIp>,
    now: Instant,
) -> Result<Result<UserId, CreateProblem>> {
    if queries::by_email_key(db, new.email.key())?.is_some() {
        return Ok(Err(CreateProblem::EmailTaken));
    }
    if queries::account_with_handle(db, new.handle.as_str())?.is_some() {
        return Ok(Err(CreateProblem::HandleTaken));
    }
    queries::take_over_handle(db, new.handle.as_str())?;
    let account = insert_account(db, new, now)?;
    let user = insert_user(db, new, account, now)?;
    let own = By::Person {
        id: Some(user.uuid()),
        name: new.name.as_str().to_owned(),
        email: new.email.typed().to_owned(),
        ip,
    };
    let details = json!({
        "handle": new.handle.as_str(), "email": new.email.typed(), "verified": new.verified.as_str(),
    });
    record(db, by.unwrap_or(&own), Entry::of_account(Event::UserCreated, account, details), now)?;
    Ok(Ok(user))
}

fn insert_account(db: &mut Db, new: &NewUser, now: Instant) -> Result<AccountId> {
    let account = AccountId::new(now);
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(account),
            accounts::kind.eq(AccountKind::Personal),
            accounts::handle.eq(new.handle.as_str()),
            accounts::name.eq(new.name.as_str()),
            accounts::created_at.eq(now),
            accounts::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(account)
}

fn insert_user(db: &mut Db, new: &NewUser, account: AccountId, now: Instant) -> Result<UserId> {
    let user = UserId::new(now);
    diesel::insert_into(users::table)
        .values((
            users::id.eq(user),
            users::personal_account_id.eq(account),
            users::email.eq(new.email.typed()),
            users::email_key.eq(new.email.key()),
            users::verified.eq(new.verified),
            users::password_hash.eq(new.password_hash.as_deref()),
            users::theme.eq(Theme::System),
            users::verify_generation.eq(0),
            users::reset_generation.eq(0),
            users::created_at.eq(now),
        ))
        .execute(db)?;
    Ok(user)
}

/// Makes the first user; `None` when there is one already.
pub async fn set_up(app: &App, new: SignUp, ip: ClientIp) -> Result<Option<UserId>> {
    let hash = app.hash_password(new.password.into_password()).await?;
    let now = app.now();
    let new = NewUser {
        name: new.name,
        handle: new.handle,
        email: new.email,
        password_hash: Some(hash),
        verified: Verified::Mailed,
    };
    app.db
        .write(Locks::Instance, move |db| {
            if queries::any_user(db)? {
                return Ok(None);
            }
            let made = create_user(db, &new, None, Some(ip), now)?;
            made.map(Some).map_err(|_| Error::internal("the first user cannot be a second one"))
        })
        .await
}

/// Signs somebody up. Known and unknown addresses end alike, with a mail (SP-11); only a
/// taken handle is told, since handles are public.
///
/// # Errors
/// The database's fault; a taken handle is the inner error, with one that is free.
pub async fn sign_up(
    app: &App,
    new: SignUp,
    once: FormTokenId,
    ip: ClientIp,
) -> Result<Result<(), Option<Handle>>> {
    app.limits.mail(ip)?;
    let hash = app.hash_password(new.password.into_password()).await?;
    let now = app.now();
    let new = NewUser {
        name: new.name,
        handle: new.handle,
        email: new.email,
        password_hash: Some(hash),
        verified: Verified::No,
    };
    let outcome = app
        .db
        .write(Locks::Instance, move |db| {
            // A taken handle is told whether or not the address is known: else the difference
            // would tell.
            if queries::account_with_handle(db, new.handle.as_str())?.is_some() {
                return Ok(Err(free_handle(db, &new.handle)?));
            }
            if use_once(db, once, Some(urls::verify_email_needed()), now)? != Use::First {
                return Ok(Ok(()));
            }
            match create_user(db, &new, None, Some(ip), now)? {
                Ok(user) => super::email::queue_confirmation(db, user, now)?,
                Err(CreateProblem::EmailTaken) => mail::queue_known_address(db, &new.email, now)?,
                Err(CreateProblem::HandleTaken) => return Ok(Err(free_handle(db, &new.handle)?)),
            }
            Ok(Ok(()))
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(outcome)
}

/// A handle near a taken one that is free.
pub fn free_handle(db: &mut Db, taken: &Handle) -> QueryResult<Option<Handle>> {
    for number in 2..10 {
        let Ok(candidate) = Handle::parse(&format!("{}-{number}", taken.as_str())) else {
            continue;
        };
        if queries::account_with_handle(db, candidate.as_str())?.is_none() {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}
