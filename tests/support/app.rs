//! A server in this process, on a port of its own, with a clock that stands still.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use bulkhead::access::email::EmailAddress;
use bulkhead::access::handle::Handle;
use bulkhead::access::identify::Verified;
use bulkhead::access::listing::Listing;
use bulkhead::access::organization::OrganizationRole;
use bulkhead::access::role::Role;
use bulkhead::access::{AccountId, UserId, WorkspaceId};
use bulkhead::app::{App, Context};
use bulkhead::base::clock::Clock;
use bulkhead::base::db::{Database, Db, Id, Instant, Location, Locks, Sizes};
use bulkhead::base::error::Result;
use bulkhead::base::jobs;
use bulkhead::base::secret::InstanceKeys;
use bulkhead::base::settings::{Flags, Settings};
use bulkhead::tenancy::accounts::actions::create_user;
use bulkhead::tenancy::accounts::model::{DisplayName, NewUser};
use bulkhead::{server, slices, worker};
use clap::Parser;
use diesel::prelude::*;

use super::client::{ApiClient, Client};
use super::database::TestDatabase;
use super::inbox::{self, TestMail};

/// Everybody's password.
pub const PASSWORD: &str = "orchid-velvet-tractor-88";

/// A running server.
pub struct TestApp {
    pub app: App,
    pub base: String,
    pub database: TestDatabase,
    handle: actix_web::dev::ServerHandle,
}

#[derive(Parser)]
struct TestFlags {
    #[command(flatten)]
    flags: Flags,
}

/// A server with the usual settings.
pub async fn spawn() -> TestApp {
    spawn_with(|_| {}).await
}

/// A server with settings of its own.
pub async fn spawn_with(change: impl FnOnce(&mut Flags)) -> TestApp {
    spawn_on(TestDatabase::new(), change)
}

fn spawn_on(database: TestDatabase, change: impl FnOnce(&mut Flags)) -> TestApp {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut flags = TestFlags::parse_from(["test"]).flags;
    flags.bind = listener.local_addr().unwrap();
    flags.requests_per_minute = 1_000_000;
    flags.requests_per_minute_of_key = 1_000_000;
    flags.threads = Some(2);
    change(&mut flags);
    let mut settings = Settings::check(flags, &|_| Ok(None)).expect("settings fit together");
    settings.database = database.location.clone();
    let base = format!("http://localhost:{port}");
    let keys =
        InstanceKeys::new("a key of the tests, long enough to be one".to_owned().into(), None);
    let clock = Clock::fixed(Instant::from_microseconds(1_795_425_840_000_000));
    let sizes = match database.location {
        Location::Sqlite(_) => Sizes { readers: 8, writers: 1 },
        Location::Postgres(_) => Sizes { readers: 4, writers: 4 },
    };
    let db = Database::new(settings.database.clone(), sizes);
    let app = App::new(
        db,
        Context { settings, clock, keys, declared: slices::DECLARED },
        server::render_mail,
    );
    let (send, receive) = std::sync::mpsc::channel();
    let serving = app.clone();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = server::build(serving, listener).unwrap();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let handle = receive.recv().unwrap();
    TestApp { app, base, database, handle }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// The least that Argon2 takes: people of tests sign in thousands of times. What the server itself
/// hashes costs what it costs, for the people who sign up or change their password.
fn password_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    let cheap = || {
        let cost = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
        argon2.hash_password(PASSWORD.as_bytes()).unwrap().to_string()
    };
    HASH.get_or_init(cheap).clone()
}

/// Everybody calls from an address of their own, as in life: limits are per network.
pub fn next_address() -> std::net::IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(2);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    std::net::Ipv4Addr::from(0x7f00_0000 + (n % 0x00ff_fff0)).into()
}

impl TestApp {
    /// Lets a person into an organization, behind the pages' back.
    pub async fn make_member(&self, organization: &str, person: &str, role: OrganizationRole) {
        use bulkhead::base::db::schema::{accounts, organization_members, users};

        let (organization, person) = (organization.to_owned(), person.to_owned());
        let now = self.app.now();
        let made = self.app.db.write(Locks::Instance, move |db| {
            let of = |handle: String| accounts::table.filter(accounts::handle.eq(handle));
            let account: AccountId = of(organization).select(accounts::id).first(db)?;
            let user: UserId = users::table
                .inner_join(accounts::table)
                .filter(accounts::handle.eq(&person))
                .select(users::id)
                .first(db)?;
            let listing = Listing::of(db, user)?;
            diesel::insert_into(organization_members::table)
                .values((
                    organization_members::id.eq(Id::<TestApp>::new(now)),
                    organization_members::account_id.eq(account),
                    organization_members::user_id.eq(user),
                    organization_members::role.eq(role),
                    organization_members::sort_name.eq(&listing.sort_name),
                    organization_members::search_key.eq(&listing.search_key),
                    organization_members::created_at.eq(now),
                ))
                .execute(db)?;
            Ok(())
        });
        made.await.unwrap();
    }

    /// Takes a person's role in a workspace away, behind the pages' back.
    pub async fn take_role(&self, (organization, workspace): (&str, &str), person: &str) {
        use bulkhead::base::db::schema::{accounts, memberships, users, workspaces};

        let (organization, workspace) = (organization.to_owned(), workspace.to_owned());
        let person = person.to_owned();
        let taken = self.app.db.write(Locks::Instance, move |db| {
            let place: WorkspaceId = workspaces::table
                .inner_join(accounts::table)
                .filter(accounts::handle.eq(organization))
                .filter(workspaces::handle.eq(workspace))
                .select(workspaces::id)
                .first(db)?;
            let user: UserId = users::table
                .inner_join(accounts::table)
                .filter(accounts::handle.eq(&person))
                .select(users::id)
                .first(db)?;
            let role = memberships::table
                .filter(memberships::workspace_id.eq(place))
                .filter(memberships::user_id.eq(user));
            assert_eq!(diesel::delete(role).execute(db)?, 1);
            Ok(())
        });
        taken.await.unwrap();
    }

    /// Gives a person a built-in role in an organization's workspace, behind the pages' back.
    pub async fn give_role(
        &self,
        (organization, workspace): (&str, &str),
        person: &str,
        role: Role,
    ) {
        use bulkhead::base::db::schema::{accounts, memberships, users, workspaces};

        let (organization, workspace) = (organization.to_owned(), workspace.to_owned());
        let (person, now) = (person.to_owned(), self.app.now());
        let made = self.app.db.write(Locks::Instance, move |db| {
            let place: WorkspaceId = workspaces::table
                .inner_join(accounts::table)
                .filter(accounts::handle.eq(organization))
                .filter(workspaces::handle.eq(workspace))
                .select(workspaces::id)
                .first(db)?;
            let user: UserId = users::table
                .inner_join(accounts::table)
                .filter(accounts::handle.eq(&person))
                .select(users::id)
                .first(db)?;
            let listing = Listing::of(db, user)?;
            diesel::insert_into(memberships::table)
                .values((
                    memberships::id.eq(Id::<TestApp>::new(now)),
                    memberships::workspace_id.eq(place),
                    memberships::user_id.eq(user),
                    memberships::role.eq(Some(role)),
                    memberships::sort_name.eq(&listing.sort_name),
                    memberships::search_key.eq(&listing.search_key),
                    memberships::granted_by_name.eq("Ada"),
                    memberships::created_at.eq(now),
                ))
                .execute(db)?;
            Ok(())
        });
        made.await.unwrap();
    }

    /// The same database and clock under other settings, in a new server.
    pub fn restart_with(self, change: impl FnOnce(&mut Flags)) -> TestApp {
        drop(self.handle.stop(false));
        let now = self.app.now();
        let database = TestDatabase {
            location: self.database.location.clone(),
            folder: tempfile::TempDir::new().unwrap(),
        };
        let mut next = spawn_on(database, change);
        next.advance_to(now);
        // Keeps the old folder, which the file is in.
        std::mem::forget(self);
        next
    }

    fn advance_to(&mut self, at: Instant) {
        let seconds = at.since(self.app.now()).as_secs();
        self.app.context.clock.advance(seconds);
    }

    /// Somebody who is not signed in.
    pub fn visitor(&self) -> Client {
        Client::new(self.base.clone(), next_address())
    }

    /// Makes a person without signing them in.
    pub async fn make_user(&self, handle: &str, verified: Verified) -> UserId {
        let new = NewUser {
            name: DisplayName::parse(&capitalized(handle)).unwrap(),
            handle: Handle::parse(handle).unwrap(),
            email: EmailAddress::parse(&format!("{handle}@example.org")).unwrap(),
            password_hash: Some(password_hash()),
            verified,
        };
        let now = self.app.now();
        self.app
            .db
            .write(Locks::Instance, move |db| create_user(db, &new, None, None, now))
            .await
            .unwrap()
            .unwrap()
    }

    /// A new person, signed in: `ada` is Ada, ada@example.org.
    pub async fn user(&self, handle: &str) -> Client {
        self.make_user(handle, Verified::Mailed).await;
        self.sign_in(handle).await
    }

    /// Signs a person in, in a browser of their own.
    pub async fn sign_in(&self, handle: &str) -> Client {
        let client = self.visitor();
        client
            .submit("/sign-in", &[("email", handle), ("password", PASSWORD)])
            .await
            .assert_redirect_to("/workspaces");
        client
    }

    /// Calls the API with a key.
    pub fn api(&self, key: &str) -> ApiClient {
        ApiClient::new(self.base.clone(), next_address(), key)
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.app.context.clock.advance(seconds);
    }

    /// Runs every periodic job that is due.
    pub async fn run_jobs(&self) {
        for job in worker::all_jobs() {
            jobs::run_if_due(&self.app, job).await.unwrap();
        }
    }

    /// Takes every connection for reading for four seconds; what it returns waits for their end.
    pub async fn hold_connections(&self) -> impl Future<Output = ()> + use<> {
        let readers: Vec<_> = (0..8)
            .map(|_| {
                let db = self.app.db.clone();
                actix_rt::spawn(async move {
                    db.read(|_| {
                        std::thread::sleep(std::time::Duration::from_secs(4));
                        Ok(())
                    })
                    .await
                })
            })
            .collect();
        actix_rt::time::sleep(std::time::Duration::from_millis(300)).await;
        async move {
            for reader in readers {
                // On PostgreSQL there are fewer connections than these: the others were refused.
                drop(reader.await.expect("the reader did not panic"));
            }
        }
    }

    /// Looks into the database.
    pub async fn read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<R> + Send + 'static,
    ) -> R {
        self.app.db.read(work).await.unwrap()
    }

    /// The mails to an address so far, oldest first, as they would be sent now.
    pub async fn inbox(&self, address: &str) -> Vec<TestMail> {
        inbox::of(&self.app, address).await
    }

    /// How many entries of an event the audit log has.
    pub async fn audited(&self, event: &'static str) -> i64 {
        use bulkhead::base::db::schema::audit_entries;
        use diesel::prelude::*;
        self.read(move |db| {
            Ok(audit_entries::table
                .filter(audit_entries::event.eq(event))
                .count()
                .get_result(db)?)
        })
        .await
    }

    /// Waits until so many sessions were noted as seen now: that happens beside the request.
    pub async fn until_seen(&self, sessions: i64) {
        use bulkhead::base::db::schema::sessions as table;
        use diesel::prelude::*;
        let now = self.app.now();
        for _ in 0..500 {
            let seen: i64 = self
                .read(move |db| {
                    Ok(table::table.filter(table::last_seen_at.eq(now)).count().get_result(db)?)
                })
                .await;
            if seen >= sessions {
                return;
            }
            actix_rt::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no session was noted as seen");
    }

    /// All chains of the audit log are whole.
    pub async fn assert_audit_is_whole(&self) {
        let report = self.read(|db| Ok(bulkhead::tenancy::audit::verify::verify(db)?)).await;
        assert_eq!(report.faults, Vec::new());
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
