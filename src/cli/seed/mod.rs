//! `seed --demo`: a believable organization with its people, its workspaces and a month of runs, for a first look.
//!
//! It is made as a month of use would make it: requests to the API, by the keys of its people, at the times at which they
//! would have been sent. Only what begins outside of the API (people, organizations, who joined) is written as their
//! actions write it, and runs by the functions behind the API, many in one transaction.

mod people;
mod program;
mod runs;
mod story;

use actix_web::rt::System;
use jiff::SignedDuration;

use super::{CliError, say, started_as};
use crate::app::{App, Context};
use crate::base::clock::Clock;
use crate::base::db::Instant;
use crate::base::secret::Password;
use crate::base::settings::Settings;
use crate::start::{Mode, start};
use crate::tenancy::accounts::queries::any_user;

/// Everybody's password in the demonstration.
const PASSWORD: &str = "harbour-lantern-crane-42";

/// Fills an empty database.
pub fn seed(settings: Settings, demo: bool) -> Result<(), CliError> {
    let again = started_as();
    if !demo {
        return Err(CliError::new(format!("Say which data: {again} seed --demo")));
    }
    let started = start(settings, Mode::Serve).map_err(CliError::new)?;
    System::new().block_on(fill(&started.app))?;
    say(format!("Filled. Start the server with {again} serve, and sign in as one of:"));
    for one in people::PEOPLE {
        say(format!("  {:<7} {:<16} {:<26} {}", one.handle, one.name, one.email, one.who));
    }
    say(format!("  everybody’s password: {PASSWORD}"));
    Ok(())
}

async fn fill(app: &App) -> Result<(), CliError> {
    if app.db.read(|db| Ok(any_user(db)?)).await? {
        return Err(CliError::new("The database has people in it: seed only an empty one."));
    }
    let hash = Password::new(PASSWORD.to_owned()).hash().map_err(CliError::new)?;
    story::tell(&Demo::of(app).await, &hash).await
}

/// The program with a clock that is moved through the past.
struct Demo {
    app: App,
    clock: Clock,
    api: program::Api,
    /// The present.
    now: Instant,
}

impl Demo {
    async fn of(app: &App) -> Self {
        let now = app.now();
        let clock = Clock::fixed(now);
        let context = Context {
            settings: app.settings().clone(),
            clock: clock.clone(),
            keys: app.context.keys.clone(),
            declared: app.context.declared,
        };
        let app = App::new(app.db.clone(), context, app.render_mail);
        Self { api: program::api(app.clone()).await, app, clock, now }
    }

    /// Moves the clock to so many days and hours before the present; returns that moment.
    fn at(&self, days: i64, hours: i64) -> Instant {
        let there = self.now + SignedDuration::from_hours(-24 * days - hours);
        self.clock.advance(there.since(self.clock.now()).as_secs());
        self.clock.now()
    }
}
