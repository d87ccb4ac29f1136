//! Which state of a task's run may follow which, for runs that the server is asked about: those of older
//! clients, and those that stand for subflows (api.md §5.3). Pure: no database, no clock.

use super::model::{State, StateType};
use super::rules::{Decision, Policy, waits};
use crate::base::db::Instant;

/// A run as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct TaskSeen<'a> {
    /// Its state; none before the first.
    pub state: Option<&'a State>,
    /// How often it began.
    pub run_count: i64,
    /// In which beginning of the flow's run it ran.
    pub flow_run_run_count: i64,
    /// Its policy.
    pub policy: &'a Policy,
    /// The flow's run that it is in: its state, and how often it began.
    pub flow_run: Option<(Option<&'a State>, i64)>,
    /// A result of its cache key that still counts.
    pub cached: Option<&'a State>,
    /// Between 0 and 1: by how much of its jitter a delay grows.
    pub chance: f64,
}

/// A decision, and whether the run counts anew because its flow began again.
pub type TaskDecision = (Decision, bool);

fn reject(reason: &str) -> Decision {
    Decision::Reject(None, reason.to_owned())
}

/// Decides on a wish; `force` skips every rule.
pub fn decide(run: &TaskSeen<'_>, mut proposed: State, force: bool, now: Instant) -> TaskDecision {
    use StateType::{Failed, Pending, Running, Scheduled};
    let policy = run.policy.clone();
    let Some(current) = run.state else {
        return (Decision::Accept(Box::new(proposed), policy), false);
    };
    if force {
        return (Decision::Accept(Box::new(proposed), policy), false);
    }
    let transition = proposed.state_details.transition_id;
    if transition.is_some() && transition == current.state_details.transition_id {
        return (reject("This run has already made this state transition."), false);
    }
    if let Some(cached) = taken_from_cache(run, &proposed, now) {
        return (cached, false);
    }
    let mut begins_anew = false;
    if current.kind.is_final() {
        if let Some(refused) = from_end(run, current, &proposed) {
            return (refused, false);
        }
        begins_anew = true;
        if proposed.kind == StateType::Running {
            "Retrying".clone_into(&mut proposed.name);
        }
    }
    if proposed.kind == StateType::Running
        && let Some(refused) = stopped_flow(run, now)
    {
        return (refused, false);
    }
    match (current.kind, proposed.kind) {
        (Scheduled, Pending) if proposed.state_details.scheduled_time.is_none() => {
            proposed.state_details.scheduled_time = current.state_details.scheduled_time;
        }
        (Scheduled | Pending, Running) => {
            if let Some(wait) = waits(current, now) {
                return (wait, false);
            }
        }
        (Running, Failed)
            if run.run_count <= run.policy.tries()
                && proposed.state_details.retriable != Some(false) =>
        {
            return (retry(run, &proposed, now), false);
        }
        _ => {}
    }
    if proposed.kind == Running && !begins_anew && run.run_count > 0 {
        let name = if current.name == "AwaitingRetry" { "Retrying" } else { "Rerunning" };
        name.clone_into(&mut proposed.name);
    }
    (Decision::Accept(Box::new(proposed), policy), begins_anew)
}

/// A result that is there already takes the place of another run.
fn taken_from_cache(run: &TaskSeen<'_>, proposed: &State, now: Instant) -> Option<Decision> {
    let details = &proposed.state_details;
    if proposed.kind != StateType::Running
        || details.cache_key.is_none()
        || details.refresh_cache == Some(true)
    {
        return None;
    }
    let cached = run.cached?;
    let mut state = State::made(StateType::Completed, "Cached", now);
    state.data.clone_from(&cached.data);
    state.message.clone_from(&cached.message);
    state.state_details = cached.state_details.clone();
    state.state_details.cache_key = None;
    let reason = "Retrieved state from cache";
    Some(Decision::Reject(Some((Box::new(state), run.policy.clone())), reason.to_owned()))
}

/// What may follow an end: another try, once the flow began again.
fn from_end(run: &TaskSeen<'_>, current: &State, proposed: &State) -> Option<Decision> {
    use StateType::{Cancelling, Completed, Crashed, Paused};
    if matches!(proposed.kind, Cancelling | Crashed | Paused) {
        let kind = current.kind.as_str();
        return Some(Decision::Abort(format!("Run is already terminal state {kind}.")));
    }
    let is_kept = current.data.as_ref();
    let is_kept = is_kept.is_some_and(|data| data.string("type").as_deref() != Some("unpersisted"));
    if current.kind == Completed && is_kept {
        return Some(reject("This run is already completed."));
    }
    let flow_began_again = run.flow_run.is_some_and(|(_, count)| count > run.flow_run_run_count);
    if flow_began_again || run.flow_run.is_none() {
        return None;
    }
    Some(reject("This run has already terminated."))
}

/// No task begins in a flow that does not run.
fn stopped_flow(run: &TaskSeen<'_>, now: Instant) -> Option<Decision> {
    let (state, _) = run.flow_run?;
    match state {
        Some(state) if state.kind == StateType::Running => None,
        Some(paused) if paused.kind == StateType::Paused => {
            let mut state = State::made(StateType::Paused, "NotReady", now);
            state.state_details.pause_timeout = paused.state_details.pause_timeout;
            state.state_details.pause_reschedule = paused.state_details.pause_reschedule;
            let reason = "The flow is paused, new tasks can execute after resuming flow run.";
            let with = (Box::new(state), run.policy.clone());
            Some(Decision::Reject(Some(with), reason.to_owned()))
        }
        _ => Some(Decision::Abort(
            "The enclosing flow must be running to begin task execution.".to_owned(),
        )),
    }
}

fn retry(run: &TaskSeen<'_>, failed: &State, now: Instant) -> Decision {
    let mut state = State::made(StateType::Scheduled, "AwaitingRetry", now);
    state.message.clone_from(&failed.message);
    state.data.clone_from(&failed.data);
    let delay = run.policy.delay(run.run_count).as_secs_f64();
    let jitter = run.policy.retry_jitter_factor.unwrap_or(0.0).clamp(0.0, 100.0);
    let delay = (delay * (1.0 + jitter * run.chance)).min(3_155_760_000.0);
    let delay = jiff::SignedDuration::try_from_secs_f64(delay).unwrap_or_default();
    state.state_details.scheduled_time = Some(now + delay);
    // The same wish once more, whose answer was lost, finds this state and not another end.
    state.state_details.transition_id = failed.state_details.transition_id;
    let policy = Policy { retry_type: Some("in_process".to_owned()), ..run.policy.clone() };
    Decision::Reject(Some((Box::new(state), policy)), "Retrying".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_microseconds((1_800_000_000 + second) * 1_000_000)
    }

    fn state(kind: StateType) -> State {
        State::made(kind, kind.title(), at(0))
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

    /// §5.3: every pair of kinds, in a flow that runs and has not begun again.
    #[test]
    fn every_transition_of_a_task() {
        let flow = state(StateType::Running);
        let policy = Policy::default();
        let mut table = Vec::new();
        for from in StateType::ALL {
            let current = state(*from);
            let seen = TaskSeen {
                state: Some(&current),
                run_count: 0,
                flow_run_run_count: 1,
                policy: &policy,
                flow_run: Some((Some(&flow), 1)),
                cached: None,
                chance: 0.0,
            };
            for to in StateType::ALL {
                let (decision, _) = decide(&seen, state(*to), false, at(1));
                let told = word(&decision);
                table.push(format!("{} > {}: {told}", from.as_str(), to.as_str()));
            }
        }
        table.retain(|line| !line.contains(": accept"));
        insta::assert_snapshot!(table.join("\n"));
    }

    /// §5.3: retries with their delays, the flow's state, the cache, and names.
    #[test]
    fn a_task_is_tried_again_where_its_flow_allows() {
        let (running, failed) = (state(StateType::Running), state(StateType::Failed));
        let policy = Policy {
            retries: Some(1),
            retry_delay: Some(json!(10)),
            retry_jitter_factor: Some(1.0),
            ..Policy::default()
        };
        let seen = TaskSeen {
            state: Some(&running),
            run_count: 1,
            flow_run_run_count: 1,
            policy: &policy,
            flow_run: Some((Some(&running), 1)),
            cached: None,
            chance: 0.5,
        };
        let (decision, _) = decide(&seen, failed.clone(), false, at(0));
        let Decision::Reject(Some((again, _)), _) = decision else { panic!("{decision:?}") };
        assert_eq!(again.name, "AwaitingRetry");
        assert_eq!(again.state_details.scheduled_time, Some(at(15)));
        let mut hopeless = failed.clone();
        hopeless.state_details.retriable = Some(false);
        assert_eq!(word(&decide(&seen, hopeless, false, at(0)).0), "accept Failed");
        let last = TaskSeen { run_count: 2, ..seen };
        assert_eq!(word(&decide(&last, failed.clone(), false, at(0)).0), "accept Failed");

        let waiting = TaskSeen { state: Some(&again), ..seen };
        assert_eq!(word(&decide(&waiting, running.clone(), false, at(5)).0), "wait 10");
        assert_eq!(word(&decide(&waiting, running.clone(), false, at(16)).0), "accept Retrying");
        let paused = state(StateType::Paused);
        let held = TaskSeen { flow_run: Some((Some(&paused), 1)), ..waiting };
        assert_eq!(word(&decide(&held, running.clone(), false, at(16)).0), "reject NotReady");
        let done = state(StateType::Completed);
        let over = TaskSeen { flow_run: Some((Some(&done), 1)), ..waiting };
        assert_eq!(word(&decide(&over, running.clone(), false, at(16)).0), "abort");

        let ended = TaskSeen { state: Some(&failed), ..seen };
        assert_eq!(word(&decide(&ended, running.clone(), false, at(1)).0), "reject");
        let flow_again = TaskSeen { flow_run: Some((Some(&running), 2)), ..ended };
        let (decision, begins_anew) = decide(&flow_again, running.clone(), false, at(1));
        assert_eq!((word(&decision).as_str(), begins_anew), ("accept Retrying", true));
        let mut kept = done.clone();
        kept.data = Some(crate::base::json::Raw::of(&json!({"type": "reference"})));
        let kept = TaskSeen { state: Some(&kept), ..flow_again };
        assert_eq!(word(&decide(&kept, running.clone(), false, at(1)).0), "reject");

        let pending = state(StateType::Pending);
        let mut wish = running.clone();
        wish.state_details.cache_key = Some("k".to_owned());
        let found = TaskSeen { state: Some(&pending), cached: Some(&done), ..seen };
        assert_eq!(word(&decide(&found, wish.clone(), false, at(1)).0), "reject Cached");
        wish.state_details.refresh_cache = Some(true);
        assert_eq!(word(&decide(&found, wish, false, at(1)).0), "accept Rerunning");
        assert_eq!(word(&decide(&ended, running.clone(), true, at(1)).0), "accept Running");
    }
}
