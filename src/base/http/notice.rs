//! The sentence that the next page begins with.

use actix_session::SessionExt;
use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};

/// One sentence about what just happened, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Notice {
    /// `ok`, `info`, `warn` or `danger`.
    pub tone: String,
    /// The sentence.
    pub text: String,
    /// A link after it: words and address.
    pub link: Option<(String, String)>,
}

impl Notice {
    fn new(tone: &str, text: impl Into<String>) -> Self {
        Self { tone: tone.to_owned(), text: text.into(), link: None }
    }

    /// It worked.
    pub fn ok(text: impl Into<String>) -> Self {
        Self::new("ok", text)
    }

    /// It worked, and there is something to know.
    pub fn info(text: impl Into<String>) -> Self {
        Self::new("info", text)
    }

    /// It worked, and there is something to do.
    pub fn warn(text: impl Into<String>) -> Self {
        Self::new("warn", text)
    }

    /// It did not work.
    pub fn danger(text: impl Into<String>) -> Self {
        Self::new("danger", text)
    }

    /// With a link after the sentence.
    #[must_use]
    pub fn linking(mut self, words: &str, href: impl Into<String>) -> Self {
        self.link = Some((words.to_owned(), href.into()));
        self
    }

    /// Keeps the notice for the page that comes next; only a signed-in person has a place for it. One that
    /// waits already is not kept again: whoever is sent away over and over writes nothing.
    ///
    /// # Errors
    /// A fault of the session.
    pub fn leave(&self, req: &HttpRequest) -> Result<()> {
        let session = req.get_session();
        if session.get::<Self>(NOTICE).is_ok_and(|waiting| waiting.as_ref() == Some(self)) {
            return Ok(());
        }
        session.insert(NOTICE, self).map_err(Error::internal)
    }

    /// Takes the notice that was left, if there is one. A failed session counts as none: this is also what
    /// draws the error page.
    pub fn take(req: &HttpRequest) -> Option<Self> {
        let session = req.get_session();
        let has_notice = session.contains_key(NOTICE);
        let notice = has_notice.then(|| session.remove_as::<Self>(NOTICE)).flatten();
        notice.and_then(Result::ok)
    }
}

/// Its key in the session.
const NOTICE: &str = "notice";
