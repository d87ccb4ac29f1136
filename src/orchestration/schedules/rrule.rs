//! Recurrence rules (RFC 5545) as Prefect's server reads them: lines of `DTSTART`, `RRULE`,
//! `EXRULE`, `RDATE` and `EXDATE`. All times are those that clocks of the schedule's zone show;
//! a zone in the text is dropped (SCH-06).

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, Timestamp};

use super::rule_part::{Frequency, Part, moment};
use super::{Field, ScheduleError, ScheduleZone};

/// The longest text (contents.md, limits).
const LONGEST: usize = 6_500;

/// The start of a rule that names none.
const USUAL_START: DateTime = date(2020, 1, 1).at(0, 0, 0, 0);

/// One or several recurrence rules with the zone whose clocks they follow.
#[derive(Clone, Debug, PartialEq)]
pub struct RRule {
    /// The zone whose clocks count.
    pub zone: ScheduleZone,
    text: String,
    pub(super) rule: Recurrence,
}

/// What the lines say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recurrence {
    /// `DTSTART`, if there is one.
    pub given_start: Option<DateTime>,
    pub rules: Vec<Part>,
    pub without_rules: Vec<Part>,
    pub dates: Vec<DateTime>,
    pub without_dates: Vec<DateTime>,
}

impl RRule {
    /// A text of rules.
    ///
    /// # Errors
    /// A sentence that names the line. A rule that never advances (`INTERVAL=0`) is refused too
    /// (SCH-17).
    pub fn parse(text: String, zone: ScheduleZone) -> Result<Self, ScheduleError> {
        let refused = |text: String| ScheduleError::refused(Field::Rule, text);
        let length = text.chars().count();
        if length > LONGEST {
            return Err(refused(format!("A rule has at most 6,500 characters; it has {length}.")));
        }
        let rule = Recurrence::parse(&text).map_err(refused)?;
        Ok(Self { zone, text, rule })
    }

    /// The text as it was given, byte for byte (SCH-06).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// With a `DTSTART` line in front when there is none: the first of 2020; for a single rule
    /// that repeats by minutes or seconds without a count, the last such time in step before now.
    #[must_use]
    pub(super) fn anchored(mut self, now: Timestamp) -> Self {
        // The client refuses an end in UTC beside a start without a zone, so such a text is kept.
        let mut parts = self.rule.rules.iter().chain(&self.rule.without_rules);
        if self.rule.given_start.is_some() || parts.any(|part| part.until_in_utc) {
            return self;
        }
        let start = self.rule.recent_start(self.zone.zone().to_datetime(now));
        self.text = format!("DTSTART:{}\n{}", start.strftime("%Y%m%dT%H%M%S"), self.text);
        self.rule.given_start = Some(start);
        self
    }
}

impl Recurrence {
    /// The start, or the usual one.
    pub fn start(&self) -> DateTime {
        self.given_start.unwrap_or(USUAL_START)
    }

    fn recent_start(&self, now: DateTime) -> DateTime {
        let [part] = self.rules.as_slice() else { return USUAL_START };
        if self.is_set() || part.count.is_some() || part.frequency < Frequency::Minutely {
            return USUAL_START;
        }
        let Some(period) = part.period() else { return USUAL_START };
        let steps = (now.duration_since(USUAL_START).as_secs() / period).max(0);
        let passed = SignedDuration::from_secs(steps * period);
        USUAL_START.checked_add(passed).unwrap_or(USUAL_START)
    }

    /// Whether there is more than one rule and its start.
    pub fn is_set(&self) -> bool {
        let more = [self.dates.is_empty(), self.without_dates.is_empty()];
        self.rules.len() != 1 || !self.without_rules.is_empty() || more.contains(&false)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut rule = Self {
            given_start: None,
            rules: Vec::new(),
            without_rules: Vec::new(),
            dates: Vec::new(),
            without_dates: Vec::new(),
        };
        let text = text.to_ascii_uppercase();
        let mut lines = Vec::new();
        let mut zoned = false;
        for (index, line) in text.split_whitespace().enumerate() {
            let told = |text: String| format!("Line {}: {text}", index + 1);
            let (property, value) = line.split_once(':').unwrap_or(("RRULE", line));
            let (name, parameters) = property.split_once(';').unwrap_or((property, ""));
            known_parameters(name, parameters).map_err(told)?;
            match name {
                "RRULE" | "EXRULE" => {
                    let part = Part::parse(value).map_err(told)?;
                    lines.push((index + 1, part.clone()));
                    let list =
                        if name == "RRULE" { &mut rule.rules } else { &mut rule.without_rules };
                    list.push(part);
                }
                "RDATE" => rule.dates.extend(moments(value).map_err(told)?),
                "EXDATE" => rule.without_dates.extend(moments(value).map_err(told)?),
                "DTSTART" => {
                    let several = "The rule has more than one DTSTART.";
                    let [start] = *moments(value).map_err(told)? else {
                        return Err(several.to_owned());
                    };
                    if rule.given_start.is_some_and(|other| other != start) {
                        return Err(several.to_owned());
                    }
                    rule.given_start = Some(start);
                    zoned = value.ends_with('Z') || parameters.contains("TZID=");
                }
                other => return Err(told(format!("{other} is not known."))),
            }
        }
        if rule.rules.is_empty() && rule.dates.is_empty() {
            return Err("The rule is empty. Write one like FREQ=DAILY;BYHOUR=9.".to_owned());
        }
        for (line, part) in &lines {
            let told = |text: &str| format!("Line {line}: {text}");
            if rule.given_start.is_some() && part.until.is_some() && part.until_in_utc != zoned {
                return Err(told("UNTIL and DTSTART must both end with Z, or neither."));
            }
            if !part.can_be_reached(rule.start()) {
                return Err(told("INTERVAL never meets the hours, minutes or seconds named."));
            }
        }
        Ok(rule)
    }
}

fn known_parameters(name: &str, parameters: &str) -> Result<(), String> {
    let dates = matches!(name, "DTSTART" | "RDATE" | "EXDATE");
    let kinds = ["", "VALUE=DATE-TIME", "VALUE=DATE"];
    let known = |text: &str| dates && (kinds.contains(&text) || text.starts_with("TZID="));
    match parameters.split(';').find(|text| !text.is_empty() && !known(text)) {
        Some(text) => Err(format!("{name} does not take {text}.")),
        None => Ok(()),
    }
}

fn moments(value: &str) -> Result<Vec<DateTime>, String> {
    let wrong = |text| format!("“{text}” is no date; write one like 20260131T090000.");
    value.split(',').map(|text| moment(text).ok_or_else(|| wrong(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<RRule, ScheduleError> {
        let zone = ScheduleZone::parse(Some("Europe/Berlin".to_owned())).unwrap();
        RRule::parse(text.to_owned(), zone)
    }

    /// What the client sends, and what people write.
    #[test]
    fn rules_that_are_taken() {
        for good in [
            "FREQ=DAILY",
            "freq=daily",
            "RRULE:FREQ=WEEKLY;BYDAY=+1MO",
            "FREQ=DAILY;COUNT=0",
            "DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;UNTIL=20270101T000000Z",
            "DTSTART;TZID=America/New_York:20260101T090000\nRRULE:FREQ=HOURLY\nEXDATE:20260101",
            "RDATE:20260101T090000Z,20260102T090000Z",
            "FREQ=DAILY;UNTIL=19990101T000000",
            "DTSTART:20260101\nFREQ=MONTHLY;BYWEEKDAY=MO(+1)\nEXRULE:FREQ=YEARLY",
            "DTSTART:20260101T000000\nRRULE:FREQ=DAILY\nDTSTART:20260101T000000\nRRULE:FREQ=YEARLY",
            "FREQ=SECONDLY",
            "FREQ=DAILY;UNTIL=20270101T000000Z",
        ] {
            assert!(rule(good).is_ok(), "{good}: {:?}", rule(good));
        }
    }

    #[test]
    fn a_refusal_names_the_line() {
        let text = |text: &str| rule(text).unwrap_err().to_string();
        assert_eq!(text("DTSTART:20260101T000000\nBYDAY=MO"), "Line 2: FREQ is missing.");
        assert_eq!(text("FREQ=DAILY;INTERVAL=0"), "Line 1: INTERVAL goes from 1 to 1,000,000.");
        assert_eq!(
            text("DTSTART:20260101\nDTSTART:20260102\nFREQ=DAILY"),
            "The rule has more than one DTSTART."
        );
        assert_eq!(
            text("DTSTART:20260101T090000\nRRULE:FREQ=DAILY;UNTIL=20270101T000000Z"),
            "Line 2: UNTIL and DTSTART must both end with Z, or neither."
        );
        assert!(
            text(&format!("FREQ=DAILY;{}", "X".repeat(6_500))).starts_with("A rule has at most")
        );
        for bad in [
            "",
            "garbage",
            "FREQ=BOGUS",
            "FREQ=DAILY;",
            "FREQ=DAILY;BYFOO=1",
            "EXDATE:20260101",
            "FREQ=DAILY;COUNT=x",
            "X:1",
            "FREQ=HOURLY;INTERVAL=2;BYHOUR=3",
            "DTSTART:x\nFREQ=DAILY",
            "RRULE;X=1:FREQ=DAILY",
            "FREQ=DAILY;BYEASTER=0",
            "FREQ=DAILY;INTERVAL=-1",
            "FREQ=é",
        ] {
            assert!(rule(bad).is_err(), "{bad}");
        }
    }

    /// What is stored when a schedule is made.
    #[test]
    fn a_start_is_written_in_front() {
        let now = "2026-11-30T08:51:30Z".parse().unwrap();
        let stored = |text: &str| rule(text).unwrap().anchored(now).text().to_owned();
        assert_eq!(stored("FREQ=DAILY;COUNT=3"), "DTSTART:20200101T000000\nFREQ=DAILY;COUNT=3");
        assert_eq!(
            stored("FREQ=MINUTELY;INTERVAL=7"),
            "DTSTART:20261130T095100\nFREQ=MINUTELY;INTERVAL=7"
        );
        for same in ["DTSTART:20260101\nFREQ=DAILY", "FREQ=DAILY;UNTIL=20270101T000000Z"] {
            assert_eq!(stored(same), same);
        }
    }
}
