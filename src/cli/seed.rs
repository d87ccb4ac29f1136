//! `seed --demo`: believable people and workspaces, for a first look.

use diesel::prelude::*;
use serde_json::json;

use super::{CliError, say};
use crate::access::UserId;
use crate::access::actor::{Actor, Person};
use crate::access::email::EmailAddress;
use crate::access::handle::Handle;
use crate::access::identify::{self, Verified};
use crate::access::listing::Listing;
use crate::access::membership::{AccountKind, OwningAccount, Workspace};
use crate::access::role::Role;
use crate::app::App;
use crate::base::db::schema::{invitations, memberships};
use crate::base::db::{self, Db, Id, Instant, Locks, in_transaction};
use crate::base::error::{Error, Result};
use crate::base::secret::Password;
use crate::base::settings::Settings;
use crate::start::{Mode, start};
use crate::tenancy::accounts::actions::create_user;
use crate::tenancy::accounts::model::{DisplayName, NewUser};
use crate::tenancy::accounts::queries::any_user;
use crate::tenancy::audit::{By, Entry, record};
use crate::tenancy::invitations::{mail, model::InvitationId};
use crate::tenancy::workspaces::model::{Description, Wanted};
use crate::tenancy::workspaces::queries;

/// Everybody's password in the demonstration.
const PASSWORD: &str = "harbour-lantern-crane-42";

const PEOPLE: [(&str, &str, &str); 5] = [
    ("mara", "Mara Lindqvist", "mara@northwind.example"),
    ("idris", "Idris Okafor", "idris@okafor.example"),
    ("priya", "Priya Raman", "priya@northwind.example"),
    ("elena", "Elena Sørensen", "elena@tidewater.example"),
    ("tomas", "Tomás Ferreira", "tomas@ferreira.example"),
];

/// Owner, handle, description, days since it was made, collaborators.
type Place = (&'static str, &'static str, &'static str, i64, &'static [&'static str]);

const PLACES: [Place; 6] = [
    (
        "mara",
        "weather-bot",
        "Hourly forecasts for the harbour office",
        120,
        &["idris", "priya", "elena"],
    ),
    ("mara", "tide-models", "Surge and current forecasts", 64, &["elena"]),
    ("mara", "scratch", "", 9, &[]),
    ("idris", "price-scraper", "Competitor prices, every night", 210, &["mara"]),
    ("priya", "churn-report", "Monthly figures for the board", 31, &["mara", "tomas"]),
    ("elena", "buoy-intake", "Sensor files, every 15 minutes", 18, &["mara"]),
];

/// Address, days since it was sent: the first one expired. All of Mara’s, in `weather-bot`.
const INVITED: [(&str, i64); 2] = [("jo@harbour.example", 8), ("nils.berg@kelp.example", 0)];

/// Fills an empty database.
pub fn seed(settings: Settings, demo: bool) -> Result<(), CliError> {
    if !demo {
        return Err(CliError::new("Say which data: `bulkhead seed --demo`."));
    }
    let app = start(settings, Mode::Serve).map_err(CliError::new)?.app;
    let location = app.settings().database.clone();
    let mut db = db::connect(&location, db::Role::Writer).map_err(CliError::new)?;
    if any_user(&mut db).map_err(CliError::new)? {
        return Err(CliError::new("The database has people in it: seed only an empty one."));
    }
    let hash = Password::new(PASSWORD.to_owned()).hash().map_err(CliError::new)?;
    in_transaction(&mut db, &Locks::Instance, |db| fill(&app, db, &hash)).map_err(CliError::new)?;
    say("Filled. Start the server with `bulkhead` (or `cargo run`), and sign in as one of:");
    for (handle, name, email) in PEOPLE {
        say(format!("  {handle:<7} {name:<16} {email}"));
    }
    say(format!("  everybody’s password: {PASSWORD}"));
    Ok(())
}

fn fill(app: &App, db: &mut Db, hash: &str) -> Result<()> {
    let now = app.now();
    let year_ago = now.plus_days(-365);
    for (handle, name, email) in PEOPLE {
        make_person(db, (handle, name, email), hash, year_ago)?;
    }
    let mut shared = None;
    for (owner, handle, description, days, collaborators) in PLACES {
        let made = now.plus_days(-days);
        let owner = person(db, owner)?;
        let workspace = make_workspace(db, &owner, handle, description, made)?;
        for (later, collaborator) in (1..).zip(collaborators) {
            let joined = made.plus_days(later).min(now);
            let collaborator = person(db, collaborator)?;
            let seen = now.plus_days(1 - later);
            let_in(db, &workspace, &collaborator, (joined, seen.max(joined)))?;
        }
        if handle == "weather-bot" {
            shared = Some((workspace, owner));
        }
    }
    // Last, so that the log of their account is in order.
    if let Some((workspace, owner)) = shared {
        for (address, days) in INVITED {
            invite(app, db, (&workspace, &owner), address, now.plus_days(-days))?;
        }
    }
    Ok(())
}

fn bad(sentence: String) -> Error {
    Error::internal(sentence)
}

fn make_person(
    db: &mut Db,
    (handle, name, email): (&str, &str, &str),
    hash: &str,
    now: Instant,
) -> Result<UserId> {
    let new = NewUser {
        name: DisplayName::parse(name).map_err(bad)?,
        handle: Handle::parse(handle).map_err(bad)?,
        email: EmailAddress::parse(email).map_err(bad)?,
        password_hash: Some(hash.to_owned()),
        verified: Verified::Mailed,
    };
    create_user(db, &new, Some(&By::Operator), None, now)?
        .map_err(|problem| Error::internal(format!("{problem:?}")))
}

fn person(db: &mut Db, handle: &str) -> Result<Person> {
    let user = crate::tenancy::accounts::queries::by_handle(db, handle)?.ok_or(Error::NotFound)?;
    identify::person(db, user.id, true)?.ok_or(Error::NotFound)
}

/// A person as the actor of an entry, without a browser.
fn by(person: &Person, now: Instant) -> By {
    let actor =
        Actor::Session { person: person.clone(), session: Id::new(now), authenticated_at: now };
    By::Actor(Box::new(actor), None)
}

fn make_workspace(
    db: &mut Db,
    owner: &Person,
    handle: &str,
    description: &str,
    now: Instant,
) -> Result<Workspace> {
    let wanted = Wanted {
        handle: Handle::parse(handle).map_err(bad)?,
        description: Description::parse(description).map_err(bad)?,
    };
    let account = OwningAccount {
        id: owner.account,
        handle: owner.handle.clone(),
        name: owner.name.clone(),
        kind: AccountKind::Personal,
    };
    let workspace = queries::insert(db, owner, &account, &wanted, now)?;
    let details = json!({ "handle": handle, "description": description });
    record(
        db,
        &by(owner, now),
        Entry::of_workspace("workspace.created", &workspace, details),
        now,
    )?;
    Ok(workspace)
}

fn let_in(
    db: &mut Db,
    workspace: &Workspace,
    person: &Person,
    (joined, seen): (Instant, Instant),
) -> Result<()> {
    let listing = Listing::of(db, person.user)?;
    diesel::insert_into(memberships::table)
        .values((
            memberships::id.eq(Id::<Person>::new(joined)),
            memberships::workspace_id.eq(workspace.id),
            memberships::user_id.eq(person.user),
            memberships::role.eq(Some(Role::Collaborator)),
            memberships::sort_name.eq(&listing.sort_name),
            memberships::search_key.eq(&listing.search_key),
            memberships::granted_by_name.eq(&workspace.account_name),
            memberships::created_at.eq(joined),
            memberships::last_seen_at.eq(Some(seen)),
        ))
        .execute(db)?;
    let details = json!({ "user": person.handle, "role": Role::Collaborator.as_str() });
    let entry = Entry::of_workspace("workspace-access.created", workspace, details);
    record(db, &by(person, joined), entry, joined)
}

fn invite(
    app: &App,
    db: &mut Db,
    (workspace, owner): (&Workspace, &Person),
    address: &str,
    now: Instant,
) -> Result<()> {
    let email = EmailAddress::parse(address).map_err(bad)?;
    let id = InvitationId::new(now);
    let expires = now.plus_days(app.settings().flags.invitation_days);
    let mail = mail::queue_invitation(db, (id, 0), email.typed(), owner.user, now)?;
    diesel::insert_into(invitations::table)
        .values((
            (
                invitations::id.eq(id),
                invitations::kind.eq("collaborator"),
                invitations::account_id.eq(workspace.account),
                invitations::workspace_id.eq(workspace.id),
                invitations::email.eq(email.typed()),
                invitations::email_key.eq(email.key()),
                invitations::role.eq(Role::Collaborator),
                invitations::state.eq("pending"),
                invitations::generation.eq(0),
            ),
            (
                invitations::expires_at.eq(expires),
                invitations::invited_by.eq(Some(owner.user)),
                invitations::invited_by_name.eq(&owner.name),
                invitations::mail_id.eq(Some(mail)),
                invitations::created_at.eq(now),
                invitations::sent_at.eq(now),
            ),
        ))
        .execute(db)?;
    let details = json!({
        "invitation": id, "email": address, "role": Role::Collaborator.as_str(), "expires": expires,
    });
    let entry = Entry::of_workspace("workspace-invitation.created", workspace, details);
    record(db, &by(owner, now), entry, now)
}
