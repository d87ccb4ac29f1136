//! A review as pages show it.

use super::model::{Code, EndedRuns, Impact, Review, Severity, Side, Subject};
use crate::base::db::Instant;
use crate::base::text::{When, thousands};

/// Subjects in sight; the others open.
const IN_SIGHT: usize = 4;

/// Subjects on the page, at most; a receipt has all of them.
const SHOWN: usize = 500;

/// One part.
#[derive(Debug)]
pub struct Part {
    /// A tone of the design.
    pub tone: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// How grave it is, in words.
    pub word: &'static str,
    /// A count and a consequence.
    pub title: String,
    /// What else there is to know.
    pub sentence: String,
    /// Runs over time, where it is about them.
    pub chart: Option<Chart>,
    /// Where these runs are as a file.
    pub runs_href: Option<String>,
    /// Subjects in sight.
    pub first: Vec<Subject>,
    /// Subjects that open.
    pub rest: Vec<Subject>,
    /// `and 8 more`
    pub more: String,
    /// How many are not on the page.
    pub left_out: usize,
}

fn words(severity: Severity) -> (&'static str, &'static str, &'static str) {
    match severity {
        Severity::Blocks => ("danger", "alert", "Blocks"),
        Severity::Loses => ("loses", "lose", "Loses data"),
        Severity::Action => ("warn", "wrench", "Needs action"),
        Severity::Info => ("info", "info", "For information"),
        Severity::Unchanged => ("ok", "check", "Stays"),
    }
}

impl Part {
    /// A part as it is shown.
    pub fn of(impact: &Impact) -> Self {
        let (tone, icon, word) = words(impact.severity);
        let all = impact.subjects.len();
        let mut shown = impact.subjects.iter().take(SHOWN).cloned();
        let first: Vec<Subject> = shown.by_ref().take(IN_SIGHT).collect();
        let rest: Vec<Subject> = shown.collect();
        Self {
            tone,
            icon,
            word,
            title: impact.title.clone(),
            sentence: impact.sentence.clone(),
            chart: Chart::of(&impact.history),
            runs_href: None,
            more: format!("and {} more", all.saturating_sub(IN_SIGHT)),
            left_out: all.saturating_sub(SHOWN),
            first,
            rest,
        }
    }
}

/// A bar: in percent across, and in pixels down.
#[derive(Debug, PartialEq, Eq)]
pub struct Bar {
    /// A tone of the design.
    pub tone: &'static str,
    /// From the left, in percent.
    pub x: String,
    /// From the top, in pixels.
    pub y: String,
    /// In pixels.
    pub height: String,
}

/// Flow runs by when they ended, with a line where those that stay begin.
#[derive(Debug)]
pub struct Chart {
    /// The bars.
    pub bars: Vec<Bar>,
    /// How wide each is, in percent.
    pub width: String,
    /// Where the line is, from the left in percent.
    pub cut: String,
    /// `1,284 removed`
    pub removed: String,
    /// `2,633 kept`
    pub kept: String,
    /// The days at its left end, at the line where there is room for it, and at its right end.
    pub days: (String, Option<String>, String),
    /// What it shows, in words.
    pub label: String,
}

/// Tenths of a pixel from the top to the highest bar, and to the floor.
const TOP: i64 = 180;
const FLOOR: i64 = 820;

fn tenths(pixels: i64) -> String {
    format!("{}.{}", pixels / 10, pixels % 10)
}

fn percent(hundredths: i64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

impl Chart {
    fn of(history: &[EndedRuns]) -> Option<Self> {
        let (first, last) = (history.first()?, history.last()?);
        let kept_from =
            history.iter().find(|step| step.is_kept).map_or(last.until, |step| step.from);
        let steps = i64::try_from(history.len()).ok()?;
        let most = history.iter().map(|step| step.runs).max().unwrap_or(0).max(1);
        let room = 10_000 / steps;
        let bar = |(at, step): (i64, &EndedRuns)| {
            let height = (step.runs * (FLOOR - TOP) / most).max(10);
            Bar {
                tone: if step.is_kept { "neutral" } else { "loses" },
                x: percent(at * 10_000 / steps + room / 10),
                y: tenths(FLOOR - height),
                height: tenths(height),
            }
        };
        let bars = (0..).zip(history).filter(|(_, step)| step.runs > 0).map(bar).collect();
        let gone = history.iter().filter(|step| !step.is_kept);
        let cut = i64::try_from(gone.clone().count()).ok()? * 10_000 / steps;
        let removed: i64 = gone.map(|step| step.runs).sum();
        let kept: i64 = history.iter().filter(|step| step.is_kept).map(|step| step.runs).sum();
        let (removed, kept) = (thousands(removed), thousands(kept));
        let has_room = (2_000..=8_000).contains(&cut);
        Some(Self {
            label: format!(
                "Flow runs by when they ended, {} to {}: {removed} that ended before {} are removed, {kept} are \
                 kept.",
                first.from.day_text(),
                last.until.day_text(),
                kept_from.minute_text()
            ),
            days: (
                first.from.day_text(),
                has_room.then(|| kept_from.day_text()),
                last.until.day_text(),
            ),
            width: percent(room * 8 / 10),
            removed: format!("{removed} removed"),
            kept: format!("{kept} kept"),
            cut: percent(cut),
            bars,
        })
    }
}

/// A review, in the parts of the page.
#[derive(Debug)]
pub struct View {
    /// What blocks it.
    pub blocks: Vec<Part>,
    /// What changes in the source.
    pub source: Vec<Part>,
    /// What changes in the target.
    pub target: Vec<Part>,
    /// What stays as it is.
    pub unchanged: Vec<Part>,
    /// A tone, an icon and a text for each gravity.
    pub tally: Vec<(&'static str, &'static str, String)>,
    /// Whether it can happen, in words.
    pub verdict: &'static str,
    /// When it was computed.
    pub computed: When,
    /// Stands for what a transfer takes away (SP-26).
    pub hash: String,
    /// Commands that point a client to the new place.
    pub commands: Vec<String>,
}

impl View {
    /// A review as it is shown.
    pub fn of(review: &Review, now: Instant) -> Self {
        let on = |side: Side| {
            let told = review.impacts.iter().filter(move |impact| {
                impact.side == side
                    && !matches!(impact.severity, Severity::Blocks | Severity::Unchanged)
            });
            told.map(Part::of).collect()
        };
        let of = |severity| review.of(severity).map(Part::of).collect();
        let tally = [
            (Severity::Blocks, "blocking"),
            (Severity::Loses, "loses data"),
            (Severity::Action, "need action"),
            (Severity::Info, "for information"),
        ];
        let tally = tally.into_iter().filter_map(|(severity, text)| {
            let (tone, icon, _) = words(severity);
            let count = review.count(severity);
            (count > 0).then(|| (tone, icon, format!("{count} {text}")))
        });
        let is_lossy = review.count(Severity::Loses) > 0
            || [Code::PeopleLose, Code::KeysLose, Code::ServiceAccountsLose]
                .into_iter()
                .any(|code| review.part(code).is_some());
        let verdict = if review.count(Severity::Blocks) > 0 {
            "Not possible as things are"
        } else if is_lossy {
            "Ready, once you confirm what is lost"
        } else {
            "Ready"
        };
        Self {
            blocks: of(Severity::Blocks),
            source: on(Side::Source),
            target: on(Side::Target),
            unchanged: of(Severity::Unchanged),
            tally: tally.collect(),
            verdict,
            computed: When::exact(review.at, now),
            hash: review.hash.clone(),
            commands: review
                .part(Code::ProfilesChange)
                .map_or_else(Vec::new, |part| part.lines.clone()),
        }
    }
}

impl View {
    /// Leads from the chart of the runs that are removed to a file with each of them.
    pub fn link_runs(&mut self, href: &str) {
        let parts = self.source.iter_mut().chain(&mut self.target);
        for part in parts.filter(|part| part.chart.is_some()) {
            part.runs_href = Some(href.to_owned());
        }
    }

    /// The same as what is over.
    #[must_use]
    pub fn of_receipt(self) -> Self {
        Self { verdict: "What it changed, as it was when the workspace moved", ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.14, 4: the chart has a bar for each step in which runs ended, and a line where those that stay begin.
    #[test]
    fn what_goes_and_what_stays_stand_side_by_side() {
        let day = |day: i64| Instant::from_microseconds(0).plus_days(day);
        let step =
            |at: i64, runs| EndedRuns { from: day(at), until: day(at + 1), runs, is_kept: at >= 2 };
        let history = [step(0, 1000), step(1, 0), step(2, 500), step(3, 1)];
        let chart = Chart::of(&history).unwrap();
        let bars: Vec<_> = chart.bars.iter().map(|bar| (bar.tone, &*bar.x, &*bar.y)).collect();
        let there = [
            ("loses", "2.50%", "18.0"),
            ("neutral", "52.50%", "50.0"),
            ("neutral", "77.50%", "81.0"),
        ];
        assert_eq!(bars, there);
        assert_eq!((&*chart.cut, &*chart.width), ("50.00%", "20.00%"));
        assert_eq!((&*chart.removed, &*chart.kept), ("1,000 removed", "501 kept"));
        assert!(chart.label.contains("1,000 that ended before 1970-01-03"), "{}", chart.label);
        assert!(Chart::of(&[]).is_none());
    }
}
