//! Access with an end: a notice before it, and the row goes after it. The access itself ends at that
//! very moment, whether this runs or not.

use jiff::SignedDuration;

use super::actions::clear_away;
use super::grantee::Grantee;
use super::{mail, queries};
use crate::access::{AccountId, ServiceAccountId, UserId, WorkspaceId};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::tenancy::workspaces::queries::workspace;

/// The slice's periodic jobs.
pub const JOBS: &[Job] = &[
    Job {
        name: "access-ending",
        every: SignedDuration::from_hours(1),
        work: |app| Box::pin(tell_people(app)),
    },
    Job {
        name: "access-ended",
        every: SignedDuration::from_mins(10),
        work: |app| Box::pin(end_access(app)),
    },
];

/// People are told so long before the end.
const AHEAD: SignedDuration = SignedDuration::from_hours(72);

const BATCH: i64 = 100;

async fn tell_people(app: App) -> Result<()> {
    if !app.settings().flags.reminders {
        return Ok(());
    }
    let now = app.now();
    while app.db.ingest(move |db| tell_some(db, now)).await? == BATCH {}
    app.mail_queued.notify_one();
    Ok(())
}

fn tell_some(db: &mut Db, now: Instant) -> Result<i64> {
    let mut count = 0;
    for (id, email) in queries::ending_people(db, (now, now + AHEAD), BATCH)? {
        count += 1;
        if queries::mark_told(db, id, now)? {
            mail::queue_ending(db, id, email, now)?;
        }
    }
    Ok(count)
}

async fn end_access(app: App) -> Result<()> {
    let now = app.now();
    loop {
        let (people, bots) = app
            .db
            .read(move |db| {
                Ok((queries::ended_people(db, now, BATCH)?, queries::ended_bots(db, now, BATCH)?))
            })
            .await?;
        if people.is_empty() && bots.is_empty() {
            break;
        }
        for (id, place, account) in people {
            end::<UserId>(&app, (account, place), id, now).await?;
        }
        for (id, place, account) in bots {
            end::<ServiceAccountId>(&app, (account, place), id, now).await?;
        }
    }
    app.mail_queued.notify_one();
    Ok(())
}

/// Clears away one role that came to its end.
async fn end<G: Grantee>(
    app: &App,
    (account, place): (AccountId, WorkspaceId),
    id: G::GrantId,
    now: Instant,
) -> Result<()> {
    app.db
        .write(account, move |db| match workspace(db, place)? {
            Some(place) => clear_away::<G>(db, &place, id, now),
            None => Ok(G::remove(db, id)?),
        })
        .await
}
