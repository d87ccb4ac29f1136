//! The outbox: a mail is a row, written with the change that it tells about, and sent from there.
//!
//! Invariants: a mail is sent at least once after its change was committed, never before; all copies
//! carry the same Message-ID (F-04 … F-06). A row holds whom and what about, not the text: that is
//! rendered when it is sent, and not sent when what it is about is over (SP-10).

use diesel::prelude::*;
use futures_util::StreamExt;
use jiff::SignedDuration;
use serde_json::Value;
use uuid::Uuid;

use super::transport::{Mailer, SendError};
use crate::app::App;
use crate::base::db::schema::mails;
use crate::base::db::{Db, Id, Instant, Json, MultiBackend, on_each_backend};
use crate::base::error::Result;
use crate::base::random;

crate::base::db::text_enum! {
    /// Where a mail is on its way.
    MailState {
        /// Waits for its first try.
        Queued = "queued",
        /// Somebody sends it right now, until the lease ends.
        Sending = "sending",
        /// The mail server took it.
        Sent = "sent",
        /// A try failed; there will be another.
        Failed = "failed",
        /// Given up; the operator can start it again.
        Dead = "dead",
        /// What it was about was over before it was sent.
        Dropped = "dropped",
    }
}

/// A mail, as the id of a row.
#[derive(Debug)]
pub enum Mail {}

/// A mail to be queued.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Which text.
    pub template: &'static str,
    /// To whom, as typed.
    pub recipient: String,
    /// What the text needs besides what the database knows then; no secrets.
    pub data: Value,
    /// The user, invitation or workspace that it is about.
    pub subject: Option<Uuid>,
}

/// A mail in the outbox.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = mails, check_for_backend(MultiBackend))]
pub struct QueuedMail {
    /// Its id, which its Message-ID is made of.
    pub id: Id<Mail>,
    /// Which text.
    pub template: String,
    /// To whom.
    pub recipient: String,
    /// What the text needs.
    pub data: Json<Value>,
    /// What it is about.
    pub subject_id: Option<Id<Mail>>,
    /// Where it is on its way.
    pub state: MailState,
    /// Tries so far.
    pub attempts: i32,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it was queued.
    pub created_at: Instant,
}

/// A mail's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// A lease on a mail that is being sent; longer than a whole conversation may take.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// After this long without success a mail is given up (F-04).
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Mails claimed at a time, and conversations at the same time.
const BATCH: i64 = 20;
const AT_ONCE: usize = 4;

/// Queues a mail, inside the transaction of the change that it tells about.
///
/// # Errors
/// The database's fault.
pub fn queue(db: &mut Db, mail: Outgoing, now: Instant) -> Result<Id<Mail>> {
    let id = Id::new(now);
    diesel::insert_into(mails::table)
        .values((
            mails::id.eq(id),
            mails::template.eq(mail.template),
            mails::recipient_key.eq(mail.recipient.to_lowercase()),
            mails::recipient.eq(mail.recipient),
            mails::data.eq(Json(mail.data)),
            mails::subject_id.eq(mail.subject.map(Id::<Mail>::from)),
            mails::state.eq(MailState::Queued),
            mails::attempts.eq(0),
            mails::next_at.eq(now),
            mails::created_at.eq(now),
        ))
        .execute(db)?;
    Ok(id)
}

/// Mails queued in one statement.
const AT_A_TIME: usize = 500;

/// Queues the same mail to several people, some in each statement.
///
/// # Errors
/// The database's fault.
pub fn queue_all(
    db: &mut Db,
    template: &'static str,
    recipients: &[String],
    (data, subject): (&Value, Option<Uuid>),
    now: Instant,
) -> Result<()> {
    for some in recipients.chunks(AT_A_TIME) {
        let rows: Vec<_> = some
            .iter()
            .map(|recipient| {
                (
                    mails::id.eq(Id::<Mail>::new(now)),
                    mails::template.eq(template),
                    mails::recipient_key.eq(recipient.to_lowercase()),
                    mails::recipient.eq(recipient),
                    mails::data.eq(Json(data.clone())),
                    mails::subject_id.eq(subject.map(Id::<Mail>::from)),
                    mails::state.eq(MailState::Queued),
                    mails::attempts.eq(0),
                    mails::next_at.eq(now),
                    mails::created_at.eq(now),
                )
            })
            .collect();
        on_each_backend!(db, |conn| diesel::insert_into(mails::table).values(&rows).execute(conn))?;
    }
    Ok(())
}

/// How many mails of a template an address was written since `since`, sent or not; `key` is the
/// address in lower case.
///
/// # Errors
/// The database's fault.
pub fn sent_to(db: &mut Db, key: &str, template: &str, since: Instant) -> QueryResult<i64> {
    mails::table
        .filter(mails::recipient_key.eq(key))
        .filter(mails::template.eq(template))
        .filter(mails::created_at.gt(since))
        .count()
        .get_result(db)
}

/// Whether a mail of a template about one thing was queued since `since`, to anybody.
///
/// # Errors
/// The database's fault.
pub fn was_told(
    db: &mut Db,
    (template, subject): (&str, Uuid),
    since: Instant,
) -> QueryResult<bool> {
    let told = mails::table
        .filter(mails::subject_id.eq(Id::<Mail>::from(subject)))
        .filter(mails::template.eq(template))
        .filter(mails::created_at.ge(since));
    diesel::select(diesel::dsl::exists(told)).get_result(db)
}

/// How many mails of a template about one thing an address, in lower case, was sent since `since`.
///
/// # Errors
/// The database's fault.
pub fn sent_about(
    db: &mut Db,
    key: &str,
    (template, subject): (&str, Uuid),
    since: Instant,
) -> QueryResult<i64> {
    mails::table
        .filter(mails::recipient_key.eq(key))
        .filter(mails::template.eq(template))
        .filter(mails::subject_id.eq(Id::<Mail>::from(subject)))
        .filter(mails::created_at.gt(since))
        .count()
        .get_result(db)
}

/// The Message-ID of a mail: the same for every copy.
pub fn message_id(app: &App, id: Id<Mail>) -> String {
    let host = app.settings().base_url.host_str().unwrap_or("localhost").to_owned();
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
            mails::leased_by.eq(Some(Id::<Mail>::from(by))),
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
    match mailer.send(&mail, &content, message_id(app, mail.id)).await {
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

/// Frees mails that a process claimed which is gone, so that nobody waits for their leases. Only for
/// whoever knows to be alone on the database.
///
/// # Errors
/// The database's fault.
pub fn release_leases(db: &mut Db, now: Instant) -> QueryResult<usize> {
    diesel::update(mails::table.filter(mails::state.eq(MailState::Sending)))
        .set(mails::next_at.eq(now))
        .execute(db)
}

/// The newest mails, for the page that shows what is kept; at most `limit`.
///
/// # Errors
/// The database's fault.
pub fn kept(db: &mut Db, limit: i64) -> QueryResult<Vec<QueuedMail>> {
    mails::table
        .order((mails::created_at.desc(), mails::id.desc()))
        .limit(limit)
        .select(QueuedMail::as_select())
        .load(db)
}

/// One mail.
///
/// # Errors
/// The database's fault.
pub fn kept_one(db: &mut Db, id: Id<Mail>) -> QueryResult<Option<QueuedMail>> {
    mails::table.find(id).select(QueuedMail::as_select()).first(db).optional()
}

/// Mails that were given up or fail right now, for the operator; at most `limit`.
///
/// # Errors
/// The database's fault.
pub fn dead(db: &mut Db, limit: i64) -> QueryResult<Vec<QueuedMail>> {
    mails::table
        .filter(mails::state.eq_any([MailState::Dead, MailState::Failed]))
        .order(mails::created_at.desc())
        .limit(limit)
        .select(QueuedMail::as_select())
        .load(db)
}

/// Puts mails that were given up back into the queue; returns how many.
///
/// # Errors
/// The database's fault.
pub fn retry_dead(db: &mut Db, now: Instant) -> QueryResult<usize> {
    diesel::update(mails::table.filter(mails::state.eq(MailState::Dead)))
        .set((
            mails::state.eq(MailState::Queued),
            mails::next_at.eq(now),
            mails::created_at.eq(now),
        ))
        .execute(db)
}

/// Removes mails that ended before `before`, some at a time; returns how many.
///
/// # Errors
/// The database's fault.
pub fn forget_old(db: &mut Db, before: Instant) -> QueryResult<usize> {
    let over = [MailState::Sent, MailState::Dropped, MailState::Dead];
    let old: Vec<Id<Mail>> = mails::table
        .filter(mails::created_at.lt(before))
        .filter(mails::state.eq_any(over))
        .order(mails::created_at)
        .limit(500)
        .select(mails::id)
        .load(db)?;
    diesel::delete(mails::table.filter(mails::id.eq_any(old))).execute(db)
}
