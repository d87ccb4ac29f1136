//! A schedule as JSON: what the client sends and reads back (SCH-02).

use jiff::Timestamp;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Anchor, Cron, Field, Interval, Length, RRule, Schedule, ScheduleError, ScheduleZone};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    interval: Option<Value>,
    anchor_date: Option<Value>,
    cron: Option<String>,
    day_or: Option<bool>,
    rrule: Option<String>,
    /// A null is told from a missing one.
    #[serde(default, deserialize_with = "given")]
    timezone: Option<Value>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Schedule {
    /// Reads the `schedule` of a body, or one that was kept. An interval without a start counts
    /// from `now`.
    ///
    /// # Errors
    /// A sentence that says what to do, and the field that it is about.
    pub fn read(json: &str, now: Timestamp) -> Result<Self, ScheduleError> {
        let whole = |text: String| ScheduleError::refused(Field::Schedule, text);
        let body: Body = serde_json::from_str(json)
            .map_err(|error| whole(format!("The schedule cannot be read: {error}.")))?;
        let kinds = [body.interval.is_some(), body.cron.is_some(), body.rrule.is_some()];
        if kinds.iter().filter(|given| **given).count() != 1 {
            return Err(whole("Give one of interval, cron and rrule.".to_owned()));
        }
        if body.anchor_date.is_some() && body.interval.is_none() {
            return Err(whole("anchor_date goes with an interval only.".to_owned()));
        }
        if body.day_or.is_some() && body.cron.is_none() {
            return Err(whole("day_or goes with cron only.".to_owned()));
        }
        let missing = body.timezone.is_none();
        let zone = match body.timezone {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(ScheduleError::refused(Field::Zone, "A time zone is a text.")),
        };
        let utc = || Some("UTC".to_owned());
        if let Some(text) = body.cron {
            let zone = ScheduleZone::parse(zone)?;
            return Cron::parse(text, zone, body.day_or.unwrap_or(true)).map(Self::Cron);
        }
        if let Some(text) = body.rrule {
            let zone = ScheduleZone::parse(if missing { utc() } else { zone })?;
            return RRule::parse(text, zone).map(Self::RRule);
        }
        let zone = ScheduleZone::parse(zone.or_else(utc))?;
        let every = match body.interval {
            Some(Value::Number(number)) => {
                Length::from_seconds(number.as_f64().unwrap_or(f64::MAX))?
            }
            Some(Value::String(text)) => Length::parse(&text)?,
            _ => Length::parse("")?,
        };
        let anchor = match body.anchor_date {
            None => Anchor::new(now),
            Some(Value::String(text)) => Anchor::parse(&text, &zone)?,
            Some(_) => Anchor::parse("", &zone)?,
        };
        Ok(Self::Interval(Interval { every, anchor, zone }))
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let zone = self.zone().name();
        let mut body = serializer.serialize_struct("Schedule", 3)?;
        match self {
            Self::Interval(interval) => {
                body.serialize_field("interval", &interval.every)?;
                body.serialize_field("anchor_date", &interval.anchor)?;
                body.serialize_field("timezone", &zone)?;
            }
            Self::Cron(cron) => {
                body.serialize_field("cron", cron.text())?;
                body.serialize_field("timezone", &zone)?;
                body.serialize_field("day_or", &cron.day_or())?;
            }
            Self::RRule(rule) => {
                body.serialize_field("rrule", rule.text())?;
                body.serialize_field("timezone", &zone)?;
            }
        }
        body.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<String, ScheduleError> {
        let now = "2026-11-30T08:00:00.123456Z".parse().unwrap();
        Ok(serde_json::to_string(&Schedule::read(json, now)?).unwrap())
    }

    /// SCH-02: what was read is written again.
    #[test]
    fn schedules_come_back_as_they_were() {
        for same in [
            r#"{"interval":3600.0,"anchor_date":"2026-11-23T08:15:34.638560Z","timezone":"UTC"}"#,
            r#"{"interval":0.5,"anchor_date":"2026-01-01T09:00:00+01:00","timezone":"Etc/GMT-1"}"#,
            r#"{"cron":"0 9 * * 1","timezone":"UTC","day_or":true}"#,
            r#"{"cron":"0 0 13 * 5","timezone":null,"day_or":false}"#,
            r#"{"rrule":"FREQ=DAILY;BYHOUR=9","timezone":"America/New_York"}"#,
            r#"{"rrule":"RRULE:FREQ=DAILY\nEXDATE:20260101","timezone":null}"#,
        ] {
            assert_eq!(read(same).unwrap(), same);
        }
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        assert_eq!(
            read(r#"{"interval":60}"#).unwrap(),
            r#"{"interval":60.0,"anchor_date":"2026-11-30T08:00:00.123456Z","timezone":"UTC"}"#
        );
        assert_eq!(
            read(r#"{"cron":"* * * * *"}"#).unwrap(),
            r#"{"cron":"* * * * *","timezone":null,"day_or":true}"#
        );
        assert_eq!(
            read(r#"{"rrule":"FREQ=DAILY"}"#).unwrap(),
            r#"{"rrule":"FREQ=DAILY","timezone":"UTC"}"#
        );
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        let field = |json: &str| match read(json) {
            Err(ScheduleError::Refused { field, .. }) => field,
            other => panic!("{json}: {other:?}"),
        };
        for (json, at) in [
            ("{}", Field::Schedule),
            ("[]", Field::Schedule),
            (r#"{"cron":"* * * * *","interval":1}"#, Field::Schedule),
            (r#"{"cron":"* * * * *","x":1}"#, Field::Schedule),
            (r#"{"cron":"* * * * *","anchor_date":"2026-01-01"}"#, Field::Schedule),
            (r#"{"rrule":"FREQ=DAILY","day_or":true}"#, Field::Schedule),
            (r#"{"cron":"* * * *"}"#, Field::Cron),
            (r#"{"rrule":"FREQ=X"}"#, Field::Rule),
            (r#"{"interval":0}"#, Field::Interval),
            (r#"{"interval":"3600"}"#, Field::Interval),
            (r#"{"interval":true}"#, Field::Interval),
            (r#"{"interval":1,"anchor_date":5}"#, Field::Anchor),
            (r#"{"cron":"* * * * *","timezone":"Mars/Base"}"#, Field::Zone),
        ] {
            assert_eq!(field(json), at, "{json}");
        }
    }
}
