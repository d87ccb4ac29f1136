//! Group commit for the embedded database: the changes of all requests that wait at one moment share
//! one transaction, and each is answered after its commit (SP-5).
//!
//! Invariant: a change that failed takes nothing of the others along (each has a savepoint), and none
//! is acknowledged before it is durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use tokio::sync::oneshot;

use super::{Db, Locks, Outcome, Statement, Work, in_transaction};
use crate::base::error::{Error, Result};

/// Changes in one transaction, at most.
const MOST: usize = 256;

/// Changes that wait, at most: more is asked to come back (503).
const WAITING: usize = 4096;

/// Does its work; what it returns is called after the commit, with the commit's fault.
type Turn = Box<dyn FnOnce(&mut Db) -> (bool, Answer) + Send>;
type Answer = Box<dyn FnOnce(Option<Error>) + Send>;

struct Job {
    is_wanted: Box<dyn Fn() -> bool + Send>,
    work: Turn,
}

/// The changes that wait for the writer.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Mutex<Vec<Job>>>);

impl Queue {
    /// Puts a change in the queue; the receiver gets its outcome. A change whose receiver went away
    /// before its turn is not made.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many wait.
    pub(super) fn push(&self, work: Work) -> Result<oneshot::Receiver<Result<Outcome>>> {
        let (sender, receiver) = oneshot::channel::<Result<Outcome>>();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let asked = Arc::clone(&sender);
        let job = Job {
            is_wanted: Box::new(move || {
                let sender = asked.lock().unwrap_or_else(PoisonError::into_inner);
                sender.as_ref().is_some_and(|sender| !sender.is_closed())
            }),
            work: Box::new(move |db| {
                let outcome = catch_unwind(AssertUnwindSafe(|| work(db)))
                    .unwrap_or_else(|_| Err(Error::internal("a change panicked")));
                let is_done = outcome.is_ok();
                let answer: Answer = Box::new(move |fault| {
                    let mut sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
                    let outcome = fault.map_or(outcome, Err);
                    // Whoever asked may have gone meanwhile; the change stands.
                    if let Some(sender) = sender.take() {
                        drop(sender.send(outcome));
                    }
                });
                (is_done, answer)
            }),
        };
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING {
            return Err(Error::Unavailable);
        }
        waiting.push(job);
        Ok(receiver)
    }

    /// Makes the changes that wait, as many as go into one transaction. Each that waits has a turn of its own
    /// at the writer, so what is left is made in one of those; in between, others get theirs.
    pub(super) fn drain(&self, db: &mut Db) {
        let jobs: Vec<Job> = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = waiting.len().min(MOST);
            waiting.drain(..count).collect()
        };
        let jobs: Vec<Job> = jobs.into_iter().filter(|job| (job.is_wanted)()).collect();
        if !jobs.is_empty() {
            commit(db, jobs);
        }
    }
}

fn commit(db: &mut Db, jobs: Vec<Job>) {
    let mut answers: Vec<Answer> = Vec::with_capacity(jobs.len());
    let outcome = in_transaction(db, &Locks::Accounts(Vec::new()), |db| {
        for job in jobs {
            Statement("SAVEPOINT job").execute(db)?;
            let (is_done, answer) = (job.work)(db);
            answers.push(answer);
            if !is_done {
                Statement("ROLLBACK TO job").execute(db)?;
            }
            Statement("RELEASE job").execute(db)?;
        }
        Ok(())
    });
    if let Err(fault) = &outcome {
        tracing::warn!(error.cause = %fault, "a group of changes was not committed");
    }
    for answer in answers {
        answer(outcome.is_err().then_some(Error::Unavailable));
    }
}
