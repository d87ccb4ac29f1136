//! What is typed about transfers.

use serde::Deserialize;

use super::rules;
use crate::access::UserId;
use crate::access::handle::Handle;
use crate::base::http::form::Field;
use crate::tenancy::impacts::model::{Code, Review};
use crate::tenancy::workspaces::rules::confirms;

/// Which review is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ReviewParams {
    /// Handle of an account of the list.
    pub target: String,
    /// Handle of another organization, typed; counts before the list.
    pub other: String,
    /// The workspace's handle there; as it is where it is empty.
    pub handle: String,
    /// Of a file: `md`, `csv` or `json`.
    pub format: String,
}

impl ReviewParams {
    /// The handle of the account that is meant.
    pub fn account(&self) -> String {
        let other = self.other.trim().to_lowercase();
        if other.is_empty() { self.target.trim().to_lowercase() } else { other }
    }
}

/// The form below a review.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StartForm {
    /// Handle of the account.
    pub target: String,
    /// The workspace's handle there.
    pub handle: String,
    /// A word to the others.
    pub note: String,
    /// Not before this time, by the clock of whoever asks; empty for at once.
    pub time: String,
    /// Ticked to wait until no flow run is going on.
    pub idle: String,
    /// Who of those who lose access is invited to the target, by id.
    pub carry: Vec<String>,
    /// The review that was seen.
    pub hash: String,
    /// What is understood.
    pub ack: Vec<String>,
    /// `account/workspace`
    pub confirm: String,
}

/// The forms of a transfer's page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerForm {
    /// `approve`, `decline`, `cancel` or `undo`.
    pub act: String,
    /// The workspace's handle in the target.
    pub handle: String,
    /// Why not.
    pub reason: String,
    /// The review that was seen.
    pub hash: String,
    /// What is understood.
    pub ack: Vec<String>,
    /// `account/workspace`
    pub confirm: String,
}

/// What has to be understood before something moves: one for each loss of data, one for lost access
/// (SP-25). The word in the form, and what it says.
pub fn asks(review: &Review) -> Vec<(&'static str, String)> {
    let mut asked = Vec::new();
    if let Some(runs) = review.part(Code::RunsRemoved) {
        let text = format!("I understand that {}, with their task runs and logs.", runs.title);
        asked.push(("runs", text));
    }
    let lost = [Code::PeopleLose, Code::KeysLose, Code::ServiceAccountsLose];
    let lost: Vec<String> = lost
        .into_iter()
        .filter_map(|code| review.part(code))
        .map(|part| part.title.clone())
        .collect();
    if !lost.is_empty() {
        let text = format!("I understand that at once {}.", lost.join(", "));
        asked.push(("access", text));
    }
    asked
}

/// The typed parts of a confirmation, with their problems.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// What has to be understood: the word, the text, and whether it is ticked.
    pub asks: Vec<(&'static str, String, bool)>,
    /// The typed path.
    pub confirm: Field,
    /// The note, or the reason.
    pub note: Field,
    /// Set where something is not ticked.
    pub problem: Option<String>,
}

impl Confirmation {
    /// An empty one.
    pub fn of(review: &Review) -> Self {
        Self {
            asks: asks(review).into_iter().map(|(word, text)| (word, text, false)).collect(),
            confirm: Field::empty("confirm"),
            note: Field::empty("note"),
            problem: None,
        }
    }

    /// As it was sent, with what is wrong; returns the note where all is well.
    pub fn read(
        &mut self,
        path: &str,
        (ack, confirm, note): (&[String], &str, &str),
    ) -> Option<String> {
        for (word, _, is_ticked) in &mut self.asks {
            *is_ticked = ack.iter().any(|ticked| ticked == word);
        }
        if self.asks.iter().any(|(_, _, is_ticked)| !is_ticked) {
            self.problem = Some("Tick what is lost, to say that you understand it.".to_owned());
        }
        self.confirm = Field::new("confirm", confirm);
        let typed = self.confirm.parse(|typed| confirms(typed, path));
        self.note = Field::new("note", note);
        let note = self.note.parse(|note| rules::note(note, "The note"));
        typed?;
        if self.problem.is_some() { None } else { note }
    }
}

/// People who can be invited with a transfer, at most: each gets a mail.
pub const CARRIED: usize = 50;

/// The people of a choice, by their ids; what is no id is nobody.
///
/// # Errors
/// A sentence for whoever chose too many.
pub fn carried(ids: &[String]) -> Result<Vec<UserId>, String> {
    if ids.len() > CARRIED {
        return Err(format!("Choose {CARRIED} people at most; invite the others afterwards."));
    }
    Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
}

/// The handle that is wanted in the target.
///
/// # Errors
/// The field with its problem.
pub fn handle_of(typed: &str) -> Result<Handle, Field> {
    let mut field = Field::new("handle", typed);
    field.parse(Handle::parse).ok_or(field)
}
