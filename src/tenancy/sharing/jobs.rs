//! Access with an end: a notice before it, and the row goes after it. The access itself ends at that
//! very moment, whether this runs or not.

use jiff::SignedDuration;
use serde_json::json;

use super::{mail, queries};
use crate::access::AccountId;
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::actions::{Judged, void_groundless};
use crate::tenancy::invitations::roster::MemberId;
use crate::tenancy::sharing::model::BotGrantId;
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
            end_person(&app, (account, place), id, now).await?;
        }
        for (id, place, account) in bots {
            end_bot(&app, (account, place), id, now).await?;
        }
    }
    app.mail_queued.notify_one();
    Ok(())
}

async fn end_person(
    app: &App,
    (account, place): (AccountId, WorkspaceId),
    id: MemberId,
    now: Instant,
) -> Result<()> {
    app.db
        .write(account, move |db| {
            let Some(place) = workspace(db, place)? else {
                return Ok(queries::remove_person(db, id)?);
            };
            let row = mail::recipient(db, &place, id)?;
            // It may have been made longer meanwhile.
            let Some(row) = row.filter(|row| row.until.is_some_and(|end| end <= now)) else {
                return Ok(());
            };
            queries::remove_person(db, id)?;
            let judged = Judged { account, workspace: Some(place.id), inviter: Some(row.user) };
            let details = json!({
                "user": { "id": row.user, "name": row.name, "email": row.email },
                "role": row.role.title, "reason": "The access came to its end.",
                "invitations_ended": void_groundless(db, judged, now)?,
            });
            let entry = Entry::of_workspace(Event::WorkspaceAccessDeleted, &place, details);
            record(db, &By::System, entry, now)?;
            mail::queue_ended(db, &place, &row.email, now)
        })
        .await
}

async fn end_bot(
    app: &App,
    (account, place): (AccountId, WorkspaceId),
    id: BotGrantId,
    now: Instant,
) -> Result<()> {
    app.db
        .write(account, move |db| {
            let Some(place) = workspace(db, place)? else {
                return Ok(queries::delete_bot_grant(db, id)?);
            };
            let row = queries::bot(db, place.id, id)?;
            let Some(row) = row.filter(|row| row.until.is_some_and(|end| end <= now)) else {
                return Ok(());
            };
            queries::delete_bot_grant(db, id)?;
            let details = json!({
                "service_account": { "id": row.bot, "name": row.name }, "name": row.name,
                "role": row.role.title, "reason": "The access came to its end.",
            });
            let entry = Entry::of_workspace(Event::WorkspaceAccessDeleted, &place, details);
            record(db, &By::System, entry, now)
        })
        .await
}
