//! Sends what is in the outbox.
//!
//! Invariants: a mail is sent at least once after its change was committed, never before; all copies
//! carry the same Message-ID (F-04 … F-06). The text is rendered when it is sent, and not sent when what
//! it is about is over (SP-10).

use diesel::prelude::*;
use futures_util::StreamExt;
use jiff::SignedDuration;
use uuid::Uuid;

use super::outbox::{MailState, QueuedMail};
use super::transport::{Mailer, SendError};
use crate::base::app::App;
use crate::base::db::ids::MailId;
use crate::base::db::schema::mails;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::random;
use crate::base::settings::Settings;

/// A lease on a mail that is being sent; longer than a whole conversation may take.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// After this long without success a mail is given up (F-04).
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Mails claimed at a time, and conversations at the same time.
const BATCH: i64 = 20;
const AT_ONCE: usize = 4;

/// The Message-ID of a mail: the same for every copy.
fn message_id(settings: &Settings, id: MailId) -> String {
    let host = settings.base_url.host_str().unwrap_or("localhost").to_owned();
    format!("<{id}@{host}>")
}

/// Claims mails that are due, by compare-and-set, so that no other process has them too.
fn claim(db: &mut Db, by: Uuid, now: Instant) -> Result<Vec<QueuedMail>> {
    let waiting = [MailState::Queued, MailState::Failed, MailState::Sending];
    let due: Vec<QueuedMail> = mails::table
        .filter(mails::state.eq_any(waiting))
        .filter(mails::next_at.le(now))
        .order(mails::next_at)
        .limit(BATCH)
        .select(QueuedMail::as_select())
        .load(db)?;
    let mut mine = Vec::with_capacity(due.len());
    for mail in due {
        let claimed = diesel::update(
            mails::table
                .filter(mails::id.eq(mail.id))
                .filter(mails::state.eq(mail.state))
                .filter(mails::next_at.le(now)),
        )
        .set((
            mails::state.eq(MailState::Sending),
            mails::next_at.eq(now + LEASE),
            mails::leased_by.eq(Some(MailId::from(by))),
            mails::attempts.eq(mail.attempts + 1),
        ))
        .execute(db)?;
        if claimed == 1 {
            mine.push(QueuedMail { attempts: mail.attempts + 1, ..mail });
        }
    }
    Ok(mine)
}

/// Sends what is due; returns how many mails were tried.
///
/// # Errors
/// The database's fault. A mail server's fault is recorded with the mail.
pub async fn deliver_due(app: &App, mailer: &Mailer) -> Result<usize> {
    let now = app.now();
    let by = app.instance.uuid();
    let claimed = app.db.ingest(move |db| claim(db, by, now)).await?;
    let count = claimed.len();
    let outcomes: Vec<Result<()>> = futures_util::stream::iter(claimed)
        .map(|mail| deliver(app, mailer, mail))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    outcomes.into_iter().collect::<Result<()>>()?;
    Ok(count)
}

async fn deliver(app: &App, mailer: &Mailer, mail: QueuedMail) -> Result<()> {
    let (context, render) = (app.context.clone(), app.render_mail);
    let to_render = mail.clone();
    let content = app.db.read(move |db| render(&context, db, &to_render)).await?;
    let Some(content) = content else {
        return finish(app, &mail, MailState::Dropped, None, None).await;
    };
    match mailer.send(&mail, &content, message_id(app.settings(), mail.id)).await {
        Ok(()) => {
            tracing::info!(mail.id = %mail.id, mail.template = mail.template, "mail sent");
            finish(app, &mail, MailState::Sent, None, None).await
        }
        Err(SendError::Permanent(reason)) => {
            tracing::warn!(mail.id = %mail.id, error.cause = reason, "mail refused for good");
            finish(app, &mail, MailState::Dead, Some(reason), None).await
        }
        Err(SendError::Passing(reason)) => {
            let now = app.now();
            let gives_up = now.since(mail.created_at) > PATIENCE;
            tracing::warn!(mail.id = %mail.id, error.cause = reason, gives_up, "mail not sent");
            let state = if gives_up { MailState::Dead } else { MailState::Failed };
            finish(app, &mail, state, Some(reason), Some(now + back_off(mail.attempts))).await
        }
    }
}

/// 1 s, 2 s, 4 s … 8 min, each with up to a quarter more, so that retries do not come in step: ten
/// minutes after a mail server came back, all mails were tried again (F-04).
fn back_off(attempts: i32) -> SignedDuration {
    let exponent = u32::try_from(attempts.clamp(1, 11) - 1).unwrap_or(0);
    let millis = (1000_u32 << exponent).min(480_000);
    SignedDuration::from_millis(i64::from(millis + random::below(millis / 4)))
}

async fn finish(
    app: &App,
    mail: &QueuedMail,
    state: MailState,
    error: Option<String>,
    next_at: Option<Instant>,
) -> Result<()> {
    let now = app.now();
    let id = mail.id;
    let sent_at = (state == MailState::Sent).then_some(now);
    app.db
        .ingest(move |db| {
            diesel::update(mails::table.find(id))
                .set((
                    mails::state.eq(state),
                    mails::last_error.eq(error),
                    mails::sent_at.eq(sent_at),
                    mails::next_at.eq(next_at.unwrap_or(now)),
                ))
                .execute(db)?;
            Ok(())
        })
        .await
}
