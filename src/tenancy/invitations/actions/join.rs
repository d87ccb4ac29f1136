//! Joining with a new account: made, confirmed and let in by one transaction (B5).

use super::super::forms::Join;
use super::super::model::{Opened, State};
use super::super::rules;
use super::accept::{Accepted, Joiner, full, redeem, refusal};
use super::open;
use crate::access::UserId;
use crate::access::email::EmailAddress;
use crate::app::{App, Context};
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Instant, Locks, lock_accounts};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, use_once};
use crate::tenancy::accounts::actions::create_user;
use crate::tenancy::accounts::model::{CreateProblem, NewUser};
use crate::tenancy::audit::By;

/// Makes an account for the invited address, and joins with it.
///
/// The caller makes sure that the link proves the address ([`rules::proof`]).
pub async fn join(
    app: &App,
    opened: &Opened,
    new: Join,
    (once, ip): (FormTokenId, ClientIp),
) -> Result<(Accepted, Option<UserId>)> {
    let hash = app.hash_password(new.password.into_password()).await?;
    let (context, now) = (app.context.clone(), app.now());
    let proof = rules::proof(opened.way, context.settings.keeps_mails());
    let new = NewUser {
        name: new.name,
        handle: new.handle,
        email: EmailAddress::parse(&opened.invitation.email).map_err(Error::internal)?,
        password_hash: Some(hash),
        verified: proof.ok_or_else(|| Error::internal("the link proves nothing"))?,
    };
    let (token, account) = (opened.token.clone(), opened.invitation.account);
    let outcome = app
        .db
        .write(Locks::Instance, move |db| {
            lock_accounts(db, &[account])?;
            join_as(db, &context, &token, &new, (once, ip), now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(outcome)
}

fn join_as(
    db: &mut Db,
    context: &Context,
    token: &str,
    new: &NewUser,
    (once, ip): (FormTokenId, ClientIp),
    now: Instant,
) -> Result<(Accepted, Option<UserId>)> {
    let Some((opened, _)) = open::find(db, context, token)? else {
        return Ok((Accepted::Over, None));
    };
    if opened.invitation.user.is_some() {
        // It is for a member, who has an account, whoever reads the address by now (IN-02).
        return Ok((Accepted::Over, None));
    }
    let home = opened.place.home();
    let is_again = use_once(db, once, Some(&home), now)? != Use::First;
    if is_again && opened.invitation.state == State::Accepted {
        return Ok((Accepted::Already(home), None));
    }
    let nobody = By::Person {
        id: None,
        name: new.name.as_str().to_owned(),
        email: new.email.typed().to_owned(),
        ip: Some(ip),
    };
    if let Some(refusal) = refusal(db, context, &opened, &nobody, now)? {
        return Ok((refusal, None));
    }
    if let Some(refusal) = full(db, context, &opened, now)? {
        return Ok((refusal, None));
    }
    let user = match create_user(db, new, None, Some(ip), now)? {
        Ok(user) => user,
        Err(CreateProblem::EmailTaken) => return Ok((Accepted::HasAccount, None)),
        Err(CreateProblem::HandleTaken) => return Ok((Accepted::HandleTaken, None)),
    };
    let joiner = Joiner { user, name: new.name.as_str(), email: new.email.typed() };
    let by = By::Person {
        id: Some(user.uuid()),
        name: joiner.name.to_owned(),
        email: joiner.email.to_owned(),
        ip: Some(ip),
    };
    Ok((redeem(db, &opened, &joiner, &by, now)?, Some(user)))
}
