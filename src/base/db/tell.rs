//! Processes on one PostgreSQL database tell each other that there are news of a workspace, by NOTIFY;
//! what they are, each asks the database. A message that is lost only makes a reader wait for its next
//! look, so that none is kept.

use std::sync::Arc;
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use tokio::sync::watch;

use super::{AnyConnection, Database, Db, Location, Role, connect};
use crate::base::error::Result;
use crate::base::live::{Live, Subject, Topic};

/// The channel.
const CHANNEL: &str = "bulkhead_news";

/// Between two looks for messages, between two messages about the same, and after a fault.
const LOOK: Duration = Duration::from_millis(100);
const PACE: Duration = Duration::from_millis(50);
const AGAIN: Duration = Duration::from_secs(2);

/// Subjects in one message: 8,000 bytes are the most that PostgreSQL takes.
const AT_ONCE: usize = 150;

fn word((workspace, topic): Subject) -> String {
    format!("{}{}", topic.letter(), workspace.simple())
}

fn subject(word: &str) -> Option<Subject> {
    let mut letters = word.chars();
    let topic = Topic::of_letter(letters.next()?)?;
    Some((uuid::Uuid::try_parse(letters.as_str()).ok()?, topic))
}

/// Tells the others what this process hears of, until `stop` says so.
pub async fn tell(db: Database, live: Arc<Live>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = live.to_tell.notified() => {}
            _ = stop.changed() => return,
        }
        tokio::time::sleep(PACE).await;
        for some in live.take_told().chunks(AT_ONCE) {
            let words: Vec<String> = some.iter().copied().map(word).collect();
            if let Err(error) = db.read(move |db| notify(db, &words.join(" "))).await {
                tracing::debug!(error.cause = %error, "other processes were not told of news");
            }
        }
    }
}

fn notify(db: &mut Db, words: &str) -> Result<()> {
    if let AnyConnection::Postgres(conn) = &mut db.connection {
        diesel::sql_query("SELECT pg_notify($1, $2)")
            .bind::<Text, _>(CHANNEL)
            .bind::<Text, _>(words)
            .execute(conn)?;
    }
    Ok(())
}

/// Hears what the others tell, on a thread and a connection of its own, until `stop` says so.
pub fn hear(location: &Location, live: &Arc<Live>, stop: &watch::Receiver<bool>) {
    let (location, live, stop) = (location.clone(), Arc::clone(live), stop.clone());
    let thread = std::thread::Builder::new().name("news".to_owned());
    let started = thread.spawn(move || {
        while !*stop.borrow() {
            if let Err(error) = hear_on(&location, &live, &stop) {
                tracing::warn!(error.cause = %error, "news of other processes come late for now");
                std::thread::sleep(AGAIN);
            }
        }
    });
    if let Err(error) = started {
        tracing::error!(error.cause = %error, "news of other processes come late");
    }
}

fn hear_on(
    location: &Location,
    live: &Live,
    stop: &watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error>> {
    let AnyConnection::Postgres(mut conn) = connect(location, Role::Reader)?.connection else {
        return Ok(());
    };
    conn.batch_execute(&format!("LISTEN {CHANNEL}"))?;
    while !*stop.borrow() {
        for message in conn.notifications_iter() {
            message?.payload.split(' ').filter_map(subject).for_each(|one| live.wake_here(one));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_survives_the_way() {
        let id = uuid::Uuid::from_u128(7);
        for topic in [Topic::Events, Topic::Logs] {
            assert_eq!(subject(&word((id, topic))), Some((id, topic)));
        }
        assert_eq!(subject("x"), None);
        assert_eq!(subject(""), None);
    }
}
