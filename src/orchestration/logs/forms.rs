//! What narrows the lines of a run, as it stands in its address.

use serde::Deserialize;

use crate::urls;

/// What narrows the lines of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LinesParams {
    /// At least so grave: `10` … `50`.
    pub level: String,
    /// Words that all occur.
    pub q: String,
    /// Lines before this one.
    pub until: String,
    /// A task's name.
    pub task: String,
    /// So many tasks stand before those shown.
    pub tasks: String,
}

impl LinesParams {
    /// Whether anything narrows.
    pub fn narrows(&self) -> bool {
        [&self.level, &self.q, &self.task].iter().any(|value| !value.trim().is_empty())
    }

    /// The address of the lines before a place, or of the newest ones.
    pub fn at(&self, here: &str, until: &str) -> String {
        let pairs = [
            ("level", self.level.as_str()),
            ("q", &self.q),
            ("task", &self.task),
            ("tasks", &self.tasks),
            ("until", until),
        ];
        format!("{}#logs", urls::with_query(here, &pairs))
    }
}
