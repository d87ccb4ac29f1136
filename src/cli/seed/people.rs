//! Who is in the demonstration, and how they get there: what begins outside of the API.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use diesel::prelude::*;
use serde_json::json;

use super::Demo;
use crate::access::AccountId;
use crate::access::actor::{Actor, Person};
use crate::access::email::EmailAddress;
use crate::access::handle::Handle;
use crate::access::identify::{self, Verified};
use crate::access::listing::Listing;
use crate::access::membership::Workspace;
use crate::access::organization::{OrganizationRole, insert_member};
use crate::access::role::Role;
use crate::base::db::schema::memberships;
use crate::base::db::{Db, Id, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::secret::{ApiKey, KeyKind};
use crate::tenancy::accounts::actions::{create_user, note_sign_in};
use crate::tenancy::accounts::model::{DisplayName, NewUser};
use crate::tenancy::accounts::queries::by_handle;
use crate::tenancy::api_keys;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::organizations;

/// Somebody in the demonstration.
pub struct Somebody {
    pub handle: &'static str,
    pub name: &'static str,
    pub email: &'static str,
    /// Who it is, for whoever chooses as whom to sign in.
    pub who: &'static str,
}

const fn somebody(
    handle: &'static str,
    name: &'static str,
    email: &'static str,
    who: &'static str,
) -> Somebody {
    Somebody { handle, name, email, who }
}

pub const PEOPLE: [Somebody; 8] = [
    somebody("mara", "Mara Lindqvist", "mara@northwind.example", "admin of Northwind Data"),
    somebody("priya", "Priya Raman", "priya@northwind.example", "admin of Northwind Data"),
    somebody("noor", "Noor Haddad", "noor@northwind.example", "develops its forecasts"),
    somebody("sven", "Sven Aalto", "sven@northwind.example", "runs its deployments"),
    somebody("lucia", "Lucía Romero", "lucia@northwind.example", "its release manager"),
    somebody("idris", "Idris Okafor", "idris@okafor.example", "hands a workspace over to it"),
    somebody("elena", "Elena Sørensen", "elena@tidewater.example", "admin of Tidewater Labs"),
    somebody("tomas", "Tomás Ferreira", "tomas@ferreira.example", "a collaborator"),
];

/// From where everybody came.
const HERE: ClientIp = ClientIp(IpAddr::V4(Ipv4Addr::LOCALHOST));

fn bad(sentence: String) -> Error {
    Error::internal(sentence)
}

/// Makes everybody, with one password.
pub async fn make_people(demo: &Demo, hash: &str) -> Result<()> {
    let (hash, now) = (hash.to_owned(), demo.app.now());
    let work = move |db: &mut Db| {
        for Somebody { handle, name, email, .. } in PEOPLE {
            let new = NewUser {
                name: DisplayName::parse(name).map_err(bad)?,
                handle: Handle::parse(handle).map_err(bad)?,
                email: EmailAddress::parse(email).map_err(bad)?,
                password_hash: Some(hash.clone()),
                verified: Verified::Mailed,
            };
            create_user(db, &new, Some(&By::Operator), None, now)?
                .map_err(|problem| Error::internal(format!("{problem:?}")))?;
        }
        Ok(())
    };
    demo.app.db.write(Locks::Instance, work).await
}

fn person(db: &mut Db, handle: &str) -> Result<Person> {
    let user = by_handle(db, handle)?.ok_or(Error::NotFound)?;
    identify::person(db, user.id, true)?.ok_or(Error::NotFound)
}

/// A person as the actor of an entry, in a browser.
fn by(person: &Person, now: Instant) -> By {
    let actor =
        Actor::Session { person: person.clone(), session: Id::new(now), authenticated_at: now };
    By::actor(&actor, HERE)
}

/// Gives everybody a key, by handle.
pub async fn make_keys(demo: &Demo) -> Result<HashMap<&'static str, String>> {
    let now = demo.app.now();
    let work = move |db: &mut Db| {
        let mut keys = HashMap::new();
        for Somebody { handle, .. } in PEOPLE {
            let person = person(db, handle)?;
            let secret = ApiKey::generate(KeyKind::User);
            let key = api_keys::model::Key {
                id: Id::new(now),
                user_id: person.user,
                name: "laptop".to_owned(),
                last_four: secret.last_four(),
                only_workspace_id: None,
                read_only: false,
                created_at: now,
                expires_at: None,
                last_used_at: None,
                last_used_ip: None,
                made_with_key_id: None,
            };
            api_keys::queries::insert(db, &key, &secret, None)?;
            let details =
                json!({ "key": { "id": key.id, "name": key.name, "last_four": key.last_four } });
            let entry = Entry::of_account(Event::ApiKeyCreated, person.account, details);
            record(db, &by(&person, now), entry, now)?;
            keys.insert(handle, secret.reveal());
        }
        Ok(keys)
    };
    demo.app.db.write(Locks::Instance, work).await
}

/// Somebody signs in.
pub async fn signs_in(demo: &Demo, handle: &'static str) -> Result<()> {
    let user = demo.app.db.read(move |db| Ok(by_handle(db, handle)?)).await?;
    note_sign_in(&demo.app, &user.ok_or(Error::NotFound)?, HERE, String::new(), false).await
}

/// Makes an organization, with its first admin.
pub async fn make_organization(
    demo: &Demo,
    admin: &'static str,
    (handle, name, location): (&'static str, &'static str, &'static str),
) -> Result<AccountId> {
    let now = demo.app.now();
    let work = move |db: &mut Db| {
        let person = person(db, admin)?;
        let wanted = organizations::model::Wanted {
            name: DisplayName::parse(name).map_err(bad)?,
            handle: Handle::parse(handle).map_err(bad)?,
            location: organizations::model::Location::parse(location).map_err(bad)?,
            link: organizations::model::Link::parse("").map_err(bad)?,
        };
        let account = organizations::queries::insert(db, &person, &wanted, now)?;
        let details = json!({ "kind": "organization", "handle": handle, "name": name });
        record(
            db,
            &by(&person, now),
            Entry::of_account(Event::AccountCreated, account, details),
            now,
        )?;
        Ok(account)
    };
    demo.app.db.write(Locks::Instance, work).await
}

/// Somebody joins an organization.
pub async fn joins(
    demo: &Demo,
    account: AccountId,
    (handle, role): (&'static str, OrganizationRole),
) -> Result<()> {
    let now = demo.app.now();
    let work = move |db: &mut Db| {
        let person = person(db, handle)?;
        insert_member(db, account, person.user, role, now)?;
        let details = json!({
            "user": person.user, "name": person.name, "email": person.email, "role": role.as_str(),
        });
        let entry = Entry::of_account(Event::AccountMembershipCreated, account, details);
        record(db, &by(&person, now), entry, now)
    };
    demo.app.db.write(account, work).await
}

/// Somebody joins a personal workspace, and is last seen some time later.
pub async fn collaborates(
    demo: &Demo,
    workspace: Workspace,
    (handle, seen): (&'static str, Instant),
) -> Result<()> {
    let joined = demo.app.now();
    let account = workspace.account;
    let work = move |db: &mut Db| {
        let person = person(db, handle)?;
        let Listing { sort_name, search_key } = Listing::of(db, person.user)?;
        diesel::insert_into(memberships::table)
            .values((
                memberships::id.eq(Id::<Person>::new(joined)),
                memberships::workspace_id.eq(workspace.id),
                memberships::user_id.eq(person.user),
                memberships::role.eq(Some(Role::Collaborator)),
                memberships::sort_name.eq(sort_name),
                memberships::search_key.eq(search_key),
                memberships::granted_by_name.eq(&workspace.account_name),
                memberships::created_at.eq(joined),
                memberships::last_seen_at.eq(Some(seen.max(joined))),
            ))
            .execute(db)?;
        let details = json!({ "user": person.handle, "role": Role::Collaborator.as_str() });
        let entry = Entry::of_workspace(Event::WorkspaceAccessCreated, &workspace, details);
        record(db, &by(&person, joined), entry, joined)
    };
    demo.app.db.write(account, work).await
}
