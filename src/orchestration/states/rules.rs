//! Which state of a flow run may follow which (api.md §5.1, numbers as there; those about deployments
//! and their limits come with deployments).

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{State, StateType, between};
use crate::base::db::Instant;

/// How a run is retried and paused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Policy {
    /// Tries after the first, as older clients say it.
    pub max_retries: i64,
    /// Seconds between two tries, as older clients say it.
    pub retry_delay_seconds: f64,
    /// Tries after the first.
    pub retries: Option<i64>,
    /// Seconds between two tries; of a task, a list for each try too.
    pub retry_delay: Option<Value>,
    /// For tasks: how much the delay varies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_jitter_factor: Option<f64>,
    /// Pauses that were made.
    pub pause_keys: Vec<String>,
    /// Whether it goes on after a pause.
    #[serde(deserialize_with = "or_false")]
    pub resuming: bool,
    /// `in_process` or `reschedule`.
    pub retry_type: Option<String>,
}

/// What is null is false.
fn or_false<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Policy {
    /// Tries after the first.
    pub fn tries(&self) -> i64 {
        self.retries.unwrap_or(0).max(self.max_retries)
    }

    /// The wait before the try with this number, from 1.
    pub fn delay(&self, attempt: i64) -> SignedDuration {
        let at = usize::try_from(attempt.saturating_sub(1)).unwrap_or(0);
        let seconds = match &self.retry_delay {
            Some(Value::Array(list)) => list.get(at).or(list.last()).and_then(Value::as_f64),
            Some(value) => value.as_f64(),
            None => None,
        };
        let seconds = seconds.unwrap_or(self.retry_delay_seconds);
        SignedDuration::try_from_secs_f64(seconds.clamp(0.0, 3_155_760_000.0)).unwrap_or_default()
    }
}

/// A run as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Its state; none before the first.
    pub state: Option<&'a State>,
    /// How often it began.
    pub run_count: i64,
    /// Its policy.
    pub policy: &'a Policy,
    /// Whether it stands for a deployment.
    pub has_deployment: bool,
    /// Whether a process is known to run it.
    pub has_process: bool,
    /// Whether another flow started it.
    pub is_subflow: bool,
    /// Seconds until it may ask again, where nothing starts in its workspace for now.
    pub held: Option<i64>,
}

/// What becomes of a wish for a state.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is made, with what changes in the policy.
    Accept(Box<State>, Policy),
    /// Another one is made instead, or none; why.
    Reject(Option<(Box<State>, Policy)>, String),
    /// Nothing changes, and whoever asked has to stop; why.
    Abort(String),
    /// Nothing changes; ask again in so many seconds; why.
    Wait(i64, String),
}

fn reject(reason: &str) -> Decision {
    Decision::Reject(None, reason.to_owned())
}

/// Decides on a wish; of the rules, `force` leaves those that keep a result and that end what was not begun
/// (§5: the minimal policy).
pub fn decide(run: &Run<'_>, mut proposed: State, force: bool, now: Instant) -> Decision {
    let policy = run.policy.clone();
    let Some(current) = run.state else { return accept(run, proposed, policy) };
    // 1
    let lease = current.state_details.deployment_concurrency_lease_id;
    if proposed.state_details.deployment_concurrency_lease_id.is_none() {
        proposed.state_details.deployment_concurrency_lease_id = lease;
    }
    if force {
        return loses_result(current, &proposed)
            .or_else(|| ends_at_once(run, current, &proposed, now))
            .unwrap_or_else(|| accept(run, proposed, policy));
    }
    // 2
    let transition = proposed.state_details.transition_id;
    if transition.is_some() && transition == current.state_details.transition_id {
        return reject("This run has already made this state transition.");
    }
    let by_kind = if current.kind.is_final() {
        from_final(run, current, &proposed)
    } else {
        from_open(run, current, &proposed, now)
    };
    by_kind.unwrap_or_else(|| {
        if current.kind == StateType::Scheduled
            && proposed.kind == StateType::Pending
            && proposed.state_details.scheduled_time.is_none()
        {
            // 12
            proposed.state_details.scheduled_time = current.state_details.scheduled_time;
        }
        accept(run, proposed, policy)
    })
}

/// 3: what may follow an end.
fn from_final(run: &Run<'_>, current: &State, proposed: &State) -> Option<Decision> {
    use StateType::{
        Cancelled, Cancelling, Completed, Crashed, Paused, Pending, Running, Scheduled,
    };
    match proposed.kind {
        // 6: what was cancelled before a worker took it up is not taken up.
        Pending if current.kind == Cancelled => Some(no_pending(current)),
        Cancelling | Paused | Crashed => Some(Decision::Abort(format!(
            "Run is already in terminal state {}.",
            current.kind.as_str()
        ))),
        kind if current.kind == Completed && current.has_result() && !kind.is_final() => {
            Some(reject("Run is already COMPLETED."))
        }
        Completed => loses_result(current, proposed),
        Scheduled if !run.has_deployment => Some(Decision::Abort(
            "Cannot reschedule a run without an associated deployment.".to_owned(),
        )),
        Running => held(run),
        _ => None,
    }
}

/// 3: no end takes the place of a kept result that has none itself.
fn loses_result(current: &State, proposed: &State) -> Option<Decision> {
    let are_completed =
        current.kind == StateType::Completed && proposed.kind == StateType::Completed;
    (are_completed && current.has_result() && !proposed.has_result()).then(|| {
        reject("A result is kept with this COMPLETED state, and the new one would lose it.")
    })
}

/// 5: what nobody runs is not asked to stop.
fn ends_at_once(
    run: &Run<'_>,
    current: &State,
    proposed: &State,
    now: Instant,
) -> Option<Decision> {
    let is_over = proposed.kind == StateType::Cancelling
        && match current.kind {
            StateType::Scheduled => !run.has_process || current.name == "Resuming",
            StateType::Paused => current.state_details.pause_reschedule,
            _ => false,
        };
    is_over.then(|| cancelled(run, proposed, now))
}

fn no_pending(current: &State) -> Decision {
    Decision::Abort(format!(
        "This run is in a {} state and cannot transition to a PENDING state.",
        current.kind.as_str()
    ))
}

fn from_open(run: &Run<'_>, current: &State, proposed: &State, now: Instant) -> Option<Decision> {
    use StateType::{Cancelled, Cancelling, Failed, Paused, Pending, Running, Scheduled};
    match (current.kind, proposed.kind) {
        // 4
        (Cancelling, kind) if kind != Cancelled => Some(reject("This run is being cancelled.")),
        // 5
        (Scheduled | Paused, Cancelling) => ends_at_once(run, current, proposed, now),
        // 6
        (Pending, Pending) if proposed.name != current.name && proposed.name != "Pending" => None,
        (Pending | Running, Pending) => Some(no_pending(current)),
        // 9
        (Scheduled, Scheduled) if proposed.name == "Late" && current.name == "Late" => {
            Some(reject("The run is late already."))
        }
        (kind, Scheduled) if proposed.name == "Late" && kind != Scheduled => {
            Some(reject("Only a scheduled run can be late."))
        }
        // 10
        (kind, Paused) => pausing(run, kind, proposed),
        // 11
        (Paused, kind) => resuming(run, current, kind, now),
        // 13
        (Scheduled | Pending, Running) => waits(current, now).or_else(|| held(run)),
        // 14
        (Running, Failed) if run.run_count <= run.policy.tries() => Some(retry(run, proposed, now)),
        _ => None,
    }
}

/// 13: what is not due yet is waited for.
pub(super) fn waits(current: &State, now: Instant) -> Option<Decision> {
    let due = current.state_details.scheduled_time.filter(|due| *due > now)?;
    let left = due.since(now).as_secs_f64().round();
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a calendar's span")]
    let seconds = left as i64;
    Some(Decision::Wait(seconds, "Scheduled time is in the future".to_owned()))
}

/// Seconds after which a run that may not start asks again.
pub const HELD: i64 = 15;

/// Why nothing starts for now.
pub const ABOUT_TO_MOVE: &str =
    "The workspace is about to move to another account. Runs start again afterwards.";

/// What has not begun waits as long as its workspace is about to move; what a run that goes on starts belongs to
/// that one (SP-28).
fn held(run: &Run<'_>) -> Option<Decision> {
    let seconds = run.held.filter(|_| !run.is_subflow)?;
    Some(Decision::Wait(seconds, ABOUT_TO_MOVE.to_owned()))
}

fn cancelled(run: &Run<'_>, wish: &State, now: Instant) -> Decision {
    let mut state = State::made(StateType::Cancelled, "Cancelled", now);
    state.state_details.transition_id = wish.state_details.transition_id;
    let reason = "The run was not begun, so it is cancelled at once.";
    Decision::Reject(Some((Box::new(state), run.policy.clone())), reason.to_owned())
}

fn pausing(run: &Run<'_>, from: StateType, proposed: &State) -> Option<Decision> {
    let details = &proposed.state_details;
    if from != StateType::Running {
        return Some(reject("Cannot pause flows that are not running."));
    }
    if details.pause_key.as_ref().is_some_and(|key| run.policy.pause_keys.contains(key)) {
        return Some(reject("This pause has already fired."));
    }
    if details.pause_reschedule && run.is_subflow {
        return Some(Decision::Abort("Cannot suspend subflows.".to_owned()));
    }
    if details.pause_reschedule && !run.has_deployment {
        return Some(Decision::Abort("Cannot suspend flows without a deployment.".to_owned()));
    }
    None
}

fn resuming(run: &Run<'_>, current: &State, to: StateType, now: Instant) -> Option<Decision> {
    if to.is_final() {
        return None;
    }
    if !matches!(to, StateType::Running | StateType::Scheduled) {
        return Some(reject(&format!("This run is paused and cannot become {}.", to.as_str())));
    }
    let is_over = current.state_details.pause_timeout.is_some_and(|end| end < now);
    is_over.then(|| {
        let mut state = State::made(StateType::Failed, "Failed", now);
        state.message = Some("The flow was paused and never resumed.".to_owned());
        let policy = run.policy.clone();
        let reason = "Flow run pause has timed out and cannot resume.";
        Decision::Reject(Some((Box::new(state), policy)), reason.to_owned())
    })
}

fn retry(run: &Run<'_>, failed: &State, now: Instant) -> Decision {
    let mut state = State::made(StateType::Scheduled, "AwaitingRetry", now);
    state.message.clone_from(&failed.message);
    state.data.clone_from(&failed.data);
    state.state_details.scheduled_time = Some(now + run.policy.delay(run.run_count));
    // The same wish once more, whose answer was lost, finds this state and not another end.
    state.state_details.transition_id = failed.state_details.transition_id;
    let policy = Policy {
        retry_type: Some("in_process".to_owned()),
        pause_keys: Vec::new(),
        ..run.policy.clone()
    };
    Decision::Reject(Some((Box::new(state), policy)), "Retrying".to_owned())
}

/// The state as wished, with what it changes in the policy.
fn accept(run: &Run<'_>, proposed: State, mut policy: Policy) -> Decision {
    let from = run.state.map(|state| state.kind);
    if from.is_some_and(StateType::is_final) && !proposed.kind.is_final() {
        // 3: a run that begins anew.
        policy.pause_keys.clear();
        policy.resuming = false;
        let is_rescheduled = proposed.kind == StateType::Scheduled;
        policy.retry_type = is_rescheduled.then(|| "reschedule".to_owned());
    }
    if proposed.kind == StateType::Paused
        && let Some(key) = &proposed.state_details.pause_key
        && !policy.pause_keys.contains(key)
    {
        policy.pause_keys.push(key.clone());
    }
    if from == Some(StateType::Paused)
        && matches!(proposed.kind, StateType::Running | StateType::Scheduled)
    {
        policy.resuming = true;
    }
    Decision::Accept(Box::new(proposed), policy)
}

/// What a run counts (§5.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// How often it began.
    pub run_count: i64,
    /// When it is or was due.
    pub expected_start_at: Option<Instant>,
    /// When it is due, while it waits for that.
    pub next_scheduled_at: Option<Instant>,
    /// When it first began.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// How long it ran, in microseconds.
    pub total_run_micros: i64,
}

impl Course {
    /// How long a run in a state ran up to a moment, in microseconds.
    pub fn ran(&self, state: Option<&State>, now: Instant) -> i64 {
        let running = state.filter(|state| state.kind == StateType::Running);
        let since = running.map_or(0, |state| between(state.timestamp, now));
        self.total_run_micros.saturating_add(since)
    }

    /// How long after it was due a run began, or has not begun at a moment, in microseconds.
    pub fn late(&self, now: Instant) -> i64 {
        self.expected_start_at.map_or(0, |due| between(due, self.started_at.unwrap_or(now)))
    }

    /// Counts a state that follows another; clears `resuming` where the run goes on or ends.
    pub fn enter(&mut self, from: Option<&State>, to: &State, policy: &mut Policy) {
        if let Some(from) = from
            && from.kind == StateType::Running
        {
            let ran = to.timestamp.since(from.timestamp).as_micros();
            self.total_run_micros += i64::try_from(ran).unwrap_or(0).max(0);
        }
        let is_resuming = policy.resuming;
        if to.kind == StateType::Running {
            self.run_count += i64::from(!is_resuming);
            self.started_at = self.started_at.or(Some(to.timestamp));
        }
        if to.kind.is_final() {
            self.started_at = self.started_at.or(Some(to.timestamp));
            self.ended_at = Some(to.timestamp);
        } else {
            self.ended_at = None;
        }
        if is_resuming && (to.kind == StateType::Running || to.kind.is_final()) {
            policy.resuming = false;
        }
        let due = to.state_details.scheduled_time;
        self.next_scheduled_at = if to.kind == StateType::Scheduled { due } else { None };
        if self.expected_start_at.is_none() {
            self.expected_start_at = due.or(Some(to.timestamp));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(second: i64) -> Instant {
        Instant::from_microseconds((1_800_000_000 + second) * 1_000_000)
    }

    fn state(kind: StateType) -> State {
        State::made(kind, kind.title(), at(0))
    }

    static FRESH: Policy = Policy {
        max_retries: 0,
        retry_delay_seconds: 0.0,
        retries: None,
        retry_delay: None,
        retry_jitter_factor: None,
        pause_keys: Vec::new(),
        resuming: false,
        retry_type: None,
    };

    fn run<'a>(current: &'a State, policy: &'a Policy) -> Run<'a> {
        Run {
            state: Some(current),
            run_count: 1,
            policy,
            has_deployment: false,
            has_process: false,
            is_subflow: false,
            held: None,
        }
    }

    fn word(decision: &Decision) -> String {
        match decision {
            Decision::Accept(state, _) => format!("accept {}", state.name),
            Decision::Reject(Some((state, _)), _) => format!("reject {}", state.name),
            Decision::Reject(None, _) => "reject".to_owned(),
            Decision::Abort(_) => "abort".to_owned(),
            Decision::Wait(seconds, _) => format!("wait {seconds}"),
        }
    }

    /// api.md §5.1: every kind after every kind, of a run without a deployment.
    #[test]
    fn the_whole_table() {
        use StateType::{Cancelled, Cancelling, Crashed, Paused, Pending, Running, Scheduled};
        for from in StateType::ALL {
            for to in StateType::ALL {
                let current = state(*from);
                let decision = decide(&run(&current, &FRESH), state(*to), false, at(1));
                let is_over = from.is_final();
                let expected = match (from, to) {
                    (_, Cancelling | Paused | Crashed | Scheduled) if is_over => "abort",
                    (Pending | Running | Cancelled, Pending) => "abort",
                    (Cancelling, to) if *to != Cancelled => "reject",
                    (Paused, Pending) => "reject",
                    (from, Paused) if *from != Running => "reject",
                    (Scheduled, Cancelling) => "reject Cancelled",
                    (_, to) => &format!("accept {}", to.title()),
                };
                assert_eq!(word(&decision), expected, "{from:?} to {to:?}");
                let forced = decide(&run(&current, &FRESH), state(*to), true, at(1));
                let expected = match (from, to) {
                    (Scheduled, Cancelling) => "reject Cancelled",
                    (_, to) => &format!("accept {}", to.title()),
                };
                assert_eq!(word(&forced), expected, "{from:?} to {to:?}, forced");
            }
        }
    }

    /// §5.1, 2: a client's retry changes nothing; another attempt does.
    #[test]
    fn the_same_transition_is_made_once() {
        let mut current = state(StateType::Running);
        current.state_details.transition_id = Some(Uuid::from_u128(1));
        let mut again = current.clone();
        assert_eq!(word(&decide(&run(&current, &FRESH), again.clone(), false, at(1))), "reject");
        again.state_details.transition_id = Some(Uuid::from_u128(2));
        assert_eq!(word(&decide(&run(&current, &FRESH), again, false, at(1))), "accept Running");
    }

    /// §5.1, 2, 14: a wish whose answer was lost finds what became of it, and takes no other try away.
    #[test]
    fn a_failure_told_twice_takes_one_try() {
        let current = state(StateType::Running);
        let policy = Policy { retries: Some(1), ..Policy::default() };
        let mut failed = state(StateType::Failed);
        failed.state_details.transition_id = Some(Uuid::from_u128(1));
        let first = Run { run_count: 1, ..run(&current, &policy) };
        let Decision::Reject(Some((retry, _)), _) = decide(&first, failed.clone(), false, at(1))
        else {
            panic!("no other try");
        };
        assert_eq!(retry.name, "AwaitingRetry");
        let again = Run { run_count: 1, ..run(&retry, &policy) };
        assert_eq!(word(&decide(&again, failed, false, at(2))), "reject");
    }

    /// §5.1, 3: a kept result stays.
    #[test]
    fn a_kept_result_stays() {
        let mut done = state(StateType::Completed);
        done.data = Some(crate::base::json::Raw::of(&serde_json::json!({ "storage_key": "x" })));
        for to in [StateType::Running, StateType::Pending, StateType::Completed] {
            assert_eq!(word(&decide(&run(&done, &FRESH), state(to), false, at(1))), "reject");
        }
        let failed = decide(&run(&done, &FRESH), state(StateType::Failed), false, at(1));
        assert_eq!(word(&failed), "accept Failed");
        let forced = decide(&run(&done, &FRESH), state(StateType::Completed), true, at(1));
        assert_eq!(word(&forced), "reject");
        let again = decide(&run(&done, &FRESH), done.clone(), true, at(1));
        assert_eq!(word(&again), "accept Completed");
    }

    /// §5.1, 5 and 11: who is paused in a process is asked to stop; who waits without one ends at once.
    #[test]
    fn a_paused_run_is_cancelled() {
        let mut paused = state(StateType::Paused);
        paused.state_details.pause_timeout = Some(at(100));
        for second in [1, 200] {
            let asked =
                decide(&run(&paused, &FRESH), state(StateType::Cancelling), false, at(second));
            assert_eq!(word(&asked), "accept Cancelling");
        }
        paused.state_details.pause_reschedule = true;
        for force in [false, true] {
            let asked = decide(&run(&paused, &FRESH), state(StateType::Cancelling), force, at(1));
            assert_eq!(word(&asked), "reject Cancelled");
        }
    }

    /// §5.1, 6: a worker submits what it has taken, and nobody else takes it.
    #[test]
    fn a_pending_run_is_taken_once() {
        let current = state(StateType::Pending);
        let mut submitting = state(StateType::Pending);
        "Submitting".clone_into(&mut submitting.name);
        let taken = decide(&run(&current, &FRESH), submitting.clone(), false, at(1));
        assert_eq!(word(&taken), "accept Submitting");
        let again = decide(&run(&submitting, &FRESH), submitting.clone(), false, at(1));
        assert_eq!(word(&again), "abort");
    }

    /// §5.1, 5, 12, 13: a run that is not due waits; one that nobody runs is cancelled at once.
    #[test]
    fn a_scheduled_run_waits_for_its_time() {
        let mut current = state(StateType::Scheduled);
        current.state_details.scheduled_time = Some(at(90));
        let early = decide(&run(&current, &FRESH), state(StateType::Running), false, at(30));
        assert_eq!(word(&early), "wait 60");
        let due = decide(&run(&current, &FRESH), state(StateType::Running), false, at(91));
        assert_eq!(word(&due), "accept Running");
        let Decision::Accept(pending, _) =
            decide(&run(&current, &FRESH), state(StateType::Pending), false, at(30))
        else {
            panic!("not accepted");
        };
        assert_eq!(pending.state_details.scheduled_time, Some(at(90)));
        let known = Run { has_process: true, ..run(&current, &FRESH) };
        let cancelling = decide(&known, state(StateType::Cancelling), false, at(1));
        assert_eq!(word(&cancelling), "accept Cancelling");
    }

    /// §5.1, 10 and 11: a pause fires once, ends in time, and goes on without counting anew.
    #[test]
    fn pauses() {
        let running = state(StateType::Running);
        let mut pause = state(StateType::Paused);
        pause.state_details.pause_key = Some("a".to_owned());
        pause.state_details.pause_timeout = Some(at(100));
        let Decision::Accept(paused, policy) =
            decide(&run(&running, &FRESH), pause.clone(), false, at(1))
        else {
            panic!("not accepted");
        };
        assert_eq!(policy.pause_keys, ["a"]);
        assert_eq!(word(&decide(&run(&running, &policy), pause, false, at(1))), "reject");
        let late = decide(&run(&paused, &policy), state(StateType::Running), false, at(101));
        assert_eq!(word(&late), "reject Failed");
        let Decision::Accept(resumed, mut policy) =
            decide(&run(&paused, &policy), state(StateType::Running), false, at(50))
        else {
            panic!("not accepted");
        };
        assert!(policy.resuming);
        let mut course = Course { run_count: 1, started_at: Some(at(0)), ..Course::default() };
        course.enter(Some(&paused), &resumed, &mut policy);
        assert_eq!((course.run_count, policy.resuming), (1, false));
        let mut suspend = state(StateType::Paused);
        suspend.state_details.pause_reschedule = true;
        assert_eq!(word(&decide(&run(&running, &FRESH), suspend, false, at(1))), "abort");
    }

    /// §5.1, 14: as many tries as the policy says, each after its delay.
    #[test]
    fn a_failure_is_tried_again() {
        let running = state(StateType::Running);
        let policy = Policy {
            retries: Some(2),
            retry_delay: Some(serde_json::json!([5, 10.5])),
            ..FRESH.clone()
        };
        for (count, due) in [(1, Some(5_000_000)), (2, Some(10_500_000)), (3, None)] {
            let seen = Run { run_count: count, ..run(&running, &policy) };
            let mut failed = state(StateType::Failed);
            failed.message = Some("no luck".to_owned());
            match (decide(&seen, failed, false, at(1)), due) {
                (Decision::Reject(Some((state, policy)), _), Some(micros)) => {
                    assert_eq!(state.name, "AwaitingRetry");
                    assert_eq!(state.message.as_deref(), Some("no luck"));
                    let wait = state.state_details.scheduled_time.unwrap().since(at(1));
                    assert_eq!(wait.as_micros(), micros);
                    assert_eq!(policy.retry_type.as_deref(), Some("in_process"));
                }
                (Decision::Accept(state, _), None) => assert_eq!(state.name, "Failed"),
                (other, _) => panic!("{count}: {other:?}"),
            }
        }
    }

    /// §5.2: what a run counts on its way.
    #[test]
    fn a_run_is_counted() {
        let moved = |kind, second| State { timestamp: at(second), ..state(kind) };
        let mut policy = FRESH.clone();
        let mut course = Course::default();
        let way = [
            moved(StateType::Pending, 0),
            moved(StateType::Running, 5),
            moved(StateType::Scheduled, 7),
            moved(StateType::Running, 10),
            moved(StateType::Completed, 13),
        ];
        let mut before: Option<&State> = None;
        for state in &way {
            course.enter(before, state, &mut policy);
            before = Some(state);
        }
        assert_eq!(course.run_count, 2);
        assert_eq!(course.total_run_micros, 5_000_000);
        assert_eq!(course.expected_start_at, Some(at(0)));
        assert_eq!((course.started_at, course.ended_at), (Some(at(5)), Some(at(13))));
        course.enter(before, &moved(StateType::Running, 20), &mut policy);
        assert_eq!(course.ended_at, None);
    }
}
