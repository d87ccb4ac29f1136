//! Creating and deleting keys.

use serde_json::{Value, json};

use super::mail;
use super::model::{Key, KeyId, KeyName, KeyRequest, Lifetime};
use super::{queries, rules};
use crate::access::actor::{Actor, Person, RecentlyConfirmed};
use crate::access::{identify, membership};
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, use_once};
use crate::base::mail as outbox;
use crate::base::secret::{ApiKey, KeyKind};
use crate::tenancy::audit::{self, By, Entry, Event};

/// What became of a request for a key.
pub enum Created {
    /// It was made; this is the only time that it can be shown.
    Made(Box<NewKey>),
    /// There is one of that name.
    NameTaken,
    /// There are as many as one person may have.
    LimitReached(i64),
    /// The workspace that it should be limited to cannot be reached any more.
    WorkspaceGone,
}

/// A key that was just made.
pub struct NewKey {
    /// As it is listed from now on.
    pub key: Key,
    /// The key itself.
    pub secret: ApiKey,
    /// The path of the only workspace that it reaches.
    pub only: Option<String>,
}

/// Keys in one answer: as many as one person may have.
pub const KEYS: i64 = 1000;

/// Who asks, from where, with which form.
struct Asker {
    actor: Actor,
    person: Person,
    ip: ClientIp,
    once: Option<FormTokenId>,
    made_with: Option<KeyId>,
    keeps_mails: bool,
    limit: i64,
}

impl Asker {
    fn of(
        app: &App,
        actor: &Actor,
        person: &Person,
        (ip, once): (ClientIp, Option<FormTokenId>),
    ) -> Self {
        Self {
            actor: actor.clone(),
            person: person.clone(),
            ip,
            once,
            made_with: None,
            keeps_mails: app.settings().keeps_mails(),
            limit: app.settings().flags.key_limit,
        }
    }
}

/// A person's key that may make others.
pub struct MakingKey {
    actor: Actor,
    person: Person,
    id: KeyId,
}

impl MakingKey {
    /// Whoever asks, if it is such a key.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a limited key, and for everybody else.
    pub fn of(actor: Actor) -> Result<Self> {
        let Actor::UserKey { person, key } = &actor else {
            return Err(Error::Forbidden("Only a person’s key makes another one.".to_owned()));
        };
        if key.only_workspace.is_some() || key.read_only {
            return Err(Error::Forbidden("A limited key makes no other one.".to_owned()));
        }
        Ok(Self { person: person.clone(), id: key.id, actor })
    }
}

/// Makes a key by another one, as a program asks: it never lives longer than that one, ends with it, and
/// reaches no more.
///
/// # Errors
/// [`Error::Forbidden`] when the other key would be outlived; the database's fault.
pub async fn create_by_key(
    app: &App,
    by: MakingKey,
    ip: ClientIp,
    request: KeyRequest,
) -> Result<Created> {
    let now = app.now();
    let (user, made_with) = (by.person.user, by.id);
    let asker =
        Asker { made_with: Some(made_with), ..Asker::of(app, &by.actor, &by.person, (ip, None)) };
    make(app, asker, move |db, _| {
        let end = queries::one(db, user, made_with)?.ok_or(Error::SignInRequired)?.expires_at;
        if let Some(end) = end
            && request.lifetime.end(now).is_none_or(|wanted| wanted > end)
        {
            let end = end.minute_text();
            return Err(Error::Forbidden(format!(
                "A key made by a key does not outlive it: choose an expiration until {end}."
            )));
        }
        let taken = queries::has_name(db, user, request.name.as_str())?;
        Ok((!taken).then_some((request, "key")))
    })
    .await
}

/// Makes a key as asked.
pub async fn create(
    app: &App,
    confirmed: RecentlyConfirmed,
    ip: ClientIp,
    once: FormTokenId,
    request: KeyRequest,
) -> Result<Created> {
    let asker = Asker::of(app, confirmed.actor(), confirmed.person(), (ip, Some(once)));
    make(app, asker, move |db, person| {
        let taken = queries::has_name(db, person.user, request.name.as_str())?;
        Ok((!taken).then_some((request, "form")))
    })
    .await
}

/// Makes the key of a Prefect client that waits for one: 30 days, everything, a name of its own.
pub async fn create_for_client(
    app: &App,
    confirmed: RecentlyConfirmed,
    ip: ClientIp,
    once: FormTokenId,
) -> Result<Created> {
    let now = app.now();
    let asker = Asker::of(app, confirmed.actor(), confirmed.person(), (ip, Some(once)));
    make(app, asker, move |db, person| {
        let mut count = 1;
        let mut name = rules::client_key_name(now, count);
        while queries::has_name(db, person.user, &name)? {
            count += 1;
            name = rules::client_key_name(now, count);
        }
        let name = KeyName::chosen(name);
        let lifetime = Lifetime::USUAL;
        let request = KeyRequest { name, lifetime, only_workspace: None, read_only: false };
        Ok(Some((request, "client login")))
    })
    .await
}

/// A request whose name is free, and which way it came; `None` when the name is taken.
type Named = Option<(KeyRequest, &'static str)>;

async fn make(
    app: &App,
    asker: Asker,
    named: impl FnOnce(&mut Db, &Person) -> Result<Named> + Send + 'static,
) -> Result<Created> {
    let now = app.now();
    let locks = asker.person.account;
    let created = app.db.write(locks, move |db| make_in(db, &asker, named, now)).await?;
    app.mail_queued.notify_one();
    Ok(created)
}

fn make_in(
    db: &mut Db,
    asker: &Asker,
    named: impl FnOnce(&mut Db, &Person) -> Result<Named>,
    now: Instant,
) -> Result<Created> {
    if let Some(once) = asker.once
        && let Use::Again(_) = use_once(db, once, None, now)?
    {
        return Err(Error::Conflict(
            "The key was made when this form was sent first, and can’t be shown again. If you have \
             no copy, delete that key and create another."
                .to_owned(),
        ));
    }
    let user = asker.person.user;
    let person = identify::person(db, user, asker.keeps_mails)?.ok_or(Error::SignInRequired)?;
    if !person.verified {
        return Err(Error::VerificationRequired);
    }
    if queries::count(db, user, "")? >= asker.limit {
        return Ok(Created::LimitReached(asker.limit));
    }
    let Some((request, way)) = named(db, &person)? else { return Ok(Created::NameTaken) };
    let only = match request.only_workspace {
        None => None,
        Some(id) => match membership::by_id(db, &asker.actor.reach(now), id)? {
            None => return Ok(Created::WorkspaceGone),
            Some((workspace, _)) => Some(queries::path(&workspace)),
        },
    };
    let new = keep(db, &person, (&request, asker.made_with), only, now)?;
    let by = By::actor(&asker.actor, asker.ip);
    let details = json!({ "key": told(&new.key), "limited_to": &new.only, "way": way });
    audit::record(db, &by, Entry::of_account(Event::ApiKeyCreated, person.account, details), now)?;
    outbox::queue(db, mail::created(&person, &new, asker.ip), now)?;
    Ok(Created::Made(Box::new(new)))
}

fn keep(
    db: &mut Db,
    person: &Person,
    (request, made_with): (&KeyRequest, Option<KeyId>),
    only: Option<String>,
    now: Instant,
) -> Result<NewKey> {
    let secret = ApiKey::generate(KeyKind::User);
    let key = Key {
        id: Id::new(now),
        user_id: person.user,
        name: request.name.as_str().to_owned(),
        last_four: secret.last_four(),
        only_workspace_id: request.only_workspace,
        read_only: request.read_only,
        created_at: now,
        expires_at: request.lifetime.end(now),
        last_used_at: None,
        last_used_ip: None,
        made_with_key_id: made_with,
    };
    let told_at = rules::needs_no_warning(now, key.expires_at).then_some(now);
    queries::insert(db, &key, &secret, told_at)?;
    Ok(NewKey { key, secret, only })
}

/// What the audit log keeps of a key.
fn told(key: &Key) -> Value {
    json!({
        "id": key.id, "name": key.name, "last_four": key.last_four,
        "expires": key.expires_at, "read_only": key.read_only,
    })
}

/// A key that was deleted, and how many others with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Its name.
    pub name: String,
    /// Keys that were made with it.
    pub others: usize,
}

/// Deletes a key and those that were made with it; programs that use one of them are refused with their next
/// request. Returns `None` when the same form did it before.
pub async fn delete(
    app: &App,
    actor: Actor,
    ip: ClientIp,
    once: Option<FormTokenId>,
    id: KeyId,
) -> Result<Option<Deleted>> {
    let now = app.now();
    let person = actor.person()?.clone();
    let account = person.account;
    app.db
        .write(account, move |db| {
            if let Some(once) = once
                && let Use::Again(_) = use_once(db, once, None, now)?
            {
                return Ok(None);
            }
            let user = person.user;
            let key = queries::one(db, user, id)?.ok_or(Error::NotFound)?;
            let all = queries::all(db, user, KEYS)?;
            let ending = rules::made_with(&all, id);
            queries::delete(db, user, id)?;
            let by = By::actor(&actor, ip);
            for gone in &ending {
                let details = json!({ "key": told(gone), "made_with": told(&key) });
                audit::record(
                    db,
                    &by,
                    Entry::of_account(Event::ApiKeyDeleted, account, details),
                    now,
                )?;
            }
            let details = json!({ "key": told(&key) });
            audit::record(db, &by, Entry::of_account(Event::ApiKeyDeleted, account, details), now)?;
            Ok(Some(Deleted { others: ending.len(), name: key.name }))
        })
        .await
}
