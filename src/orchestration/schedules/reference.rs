//! What Prefect's server (3.9.1 on Python 3.13) answered for schedules around changes of the
//! clock, for leap days and odd texts: the same is answered here (SCH-03).

use jiff::Timestamp;
use serde_json::Value;

use super::{Schedule, times};

/// A schedule, from when, how many times, and what was answered: to the minute where that is all.
type Case = (Value, Timestamp, usize, Vec<String>);

/// That server leaves out the hour that clocks show twice, so what repeats is compared without.
#[test]
fn times_are_those_of_the_reference() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference.json")).unwrap();
    assert!(cases.len() > 150);
    for (body, from, count, expected) in cases {
        let schedule = Schedule::read(&body.to_string(), from).unwrap();
        let zone = schedule.zone().zone().clone();
        let again = |at: &Timestamp| {
            let shown = zone.to_datetime(*at);
            zone.to_ambiguous_timestamp(shown).compatible().unwrap() != *at
        };
        let mut found = times(&schedule, from, None, count + 8).unwrap();
        if matches!(schedule, Schedule::Cron(_)) {
            found.retain(|at| !again(at));
        }
        found.truncate(count);
        let told: Vec<String> = found
            .iter()
            .map(Timestamp::to_string)
            .map(|at| at.strip_suffix(":00Z").map_or(at.clone(), |at| format!("{at}Z")))
            .collect();
        assert_eq!(told, expected, "{body} from {from}");
    }
}

/// SCH-03: what is asked for in parts is what is asked for at once; both ends count.
#[test]
fn a_stretch_is_the_same_in_parts() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference.json")).unwrap();
    for (body, from, ..) in cases {
        let schedule = Schedule::read(&body.to_string(), from).unwrap();
        let all = times(&schedule, from, None, 6).unwrap();
        let Some(last) = all.last().copied() else { continue };
        assert_eq!(times(&schedule, from, Some(last), 100).unwrap(), all, "{body}");
        for (index, at) in all.iter().enumerate() {
            assert_eq!(times(&schedule, *at, Some(last), 100).unwrap(), all[index..], "{body}");
        }
    }
}
