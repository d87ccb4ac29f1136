//! The outbox: a mail is a row, written with the change that it tells about, and sent from there
//! ([`super::delivery`]).
//!
//! Invariant: a row holds whom and what about, not the text, and no secrets (SP-10).

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::base::db::ids::MailId;
use crate::base::db::schema::mails;
use crate::base::db::{Db, Id, Instant, Json, MultiBackend, on_each_backend};
use crate::base::error::Result;

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
    pub id: MailId,
    /// Which text.
    pub template: String,
    /// To whom.
    pub recipient: String,
    /// What the text needs.
    pub data: Json<Value>,
    /// What it is about.
    pub subject_id: Option<MailId>,
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

/// Queues a mail, inside the transaction of the change that it tells about.
pub fn queue(db: &mut Db, mail: Outgoing, now: Instant) -> Result<MailId> {
    let id = Id::new(now);
    diesel::insert_into(mails::table)
        .values((
            mails::id.eq(id),
            mails::template.eq(mail.template),
            mails::recipient_key.eq(mail.recipient.to_lowercase()),
            mails::recipient.eq(mail.recipient),
            mails::data.eq(Json(mail.data)),
            mails::subject_id.eq(mail.subject.map(MailId::from)),
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
                    mails::id.eq(MailId::new(now)),
                    mails::template.eq(template),
                    mails::recipient_key.eq(recipient.to_lowercase()),
                    mails::recipient.eq(recipient),
                    mails::data.eq(Json(data.clone())),
                    mails::subject_id.eq(subject.map(MailId::from)),
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
pub fn sent_to(db: &mut Db, key: &str, template: &str, since: Instant) -> QueryResult<i64> {
    mails::table
        .filter(mails::recipient_key.eq(key))
        .filter(mails::template.eq(template))
        .filter(mails::created_at.gt(since))
        .count()
        .get_result(db)
}

/// Whether a mail of a template about one thing was queued since `since`, to anybody.
pub fn was_told(
    db: &mut Db,
    (template, subject): (&str, Uuid),
    since: Instant,
) -> QueryResult<bool> {
    let told = mails::table
        .filter(mails::subject_id.eq(MailId::from(subject)))
        .filter(mails::template.eq(template))
        .filter(mails::created_at.ge(since));
    diesel::select(diesel::dsl::exists(told)).get_result(db)
}

/// How many mails of a template about one thing an address, in lower case, was sent since `since`.
pub fn sent_about(
    db: &mut Db,
    key: &str,
    (template, subject): (&str, Uuid),
    since: Instant,
) -> QueryResult<i64> {
    mails::table
        .filter(mails::recipient_key.eq(key))
        .filter(mails::template.eq(template))
        .filter(mails::subject_id.eq(MailId::from(subject)))
        .filter(mails::created_at.gt(since))
        .count()
        .get_result(db)
}

/// Frees mails that a process claimed which is gone, so that nobody waits for their leases. Only for
/// whoever knows to be alone on the database.
pub fn release_leases(db: &mut Db, now: Instant) -> QueryResult<usize> {
    diesel::update(mails::table.filter(mails::state.eq(MailState::Sending)))
        .set(mails::next_at.eq(now))
        .execute(db)
}

/// The newest mails, for the page that shows what is kept; at most `limit`.
pub fn kept(db: &mut Db, limit: i64) -> QueryResult<Vec<QueuedMail>> {
    mails::table
        .order((mails::created_at.desc(), mails::id.desc()))
        .limit(limit)
        .select(QueuedMail::as_select())
        .load(db)
}

/// One mail.
pub fn kept_one(db: &mut Db, id: MailId) -> QueryResult<Option<QueuedMail>> {
    mails::table.find(id).select(QueuedMail::as_select()).first(db).optional()
}

/// Mails that were given up or fail right now, for the operator; at most `limit`.
pub fn dead(db: &mut Db, limit: i64) -> QueryResult<Vec<QueuedMail>> {
    mails::table
        .filter(mails::state.eq_any([MailState::Dead, MailState::Failed]))
        .order(mails::created_at.desc())
        .limit(limit)
        .select(QueuedMail::as_select())
        .load(db)
}

/// Puts mails that were given up back into the queue; returns how many.
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
pub fn forget_old(db: &mut Db, before: Instant) -> QueryResult<usize> {
    let over = [MailState::Sent, MailState::Dropped, MailState::Dead];
    let old: Vec<MailId> = mails::table
        .filter(mails::created_at.lt(before))
        .filter(mails::state.eq_any(over))
        .order(mails::created_at)
        .limit(500)
        .select(mails::id)
        .load(db)?;
    diesel::delete(mails::table.filter(mails::id.eq_any(old))).execute(db)
}
