//! Names, passwords, and what a new person consists of.

use zxcvbn::{Score, zxcvbn};

use super::context_words;
use crate::access::email::EmailAddress;
use crate::access::handle::Handle;
use crate::access::identify::Verified;
use crate::base::secret::{Password, RecoveryCode};
use crate::base::text::single_line;

/// A person's display name: 1 to 100 characters on one line (IV-09).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Reads a name as typed.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let name = single_line(raw, "The name", 100)?;
        if name.is_empty() { Err("Enter a name.".to_owned()) } else { Ok(Self(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What was typed as a second factor: the code that the authenticator app shows, or a recovery code.
/// Blanks and dashes do not count.
pub enum TypedCode {
    /// Six digits of the app.
    Current(String),
    /// Twelve digits of a recovery code.
    Recovery(RecoveryCode),
}

impl TypedCode {
    /// Reads a code as typed.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let digits: String =
            raw.chars().filter(|char| !char.is_whitespace() && *char != '-').take(20).collect();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Current(digits));
        }
        RecoveryCode::parse(&digits).map(Self::Recovery).ok_or_else(|| {
            "A code has six digits, a recovery code twelve. Type it again.".to_owned()
        })
    }
}

/// A password that may be chosen: 12 to 256 characters, and not easy to guess (AU-01 … AU-03).
#[derive(Clone, Debug)]
pub struct NewPassword(Password);

impl NewPassword {
    /// Checks a password as typed; `own` are texts about the person and the server, of whose words it must not be made.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(typed: &str, own: &[&str]) -> Result<Self, String> {
        let length = typed.chars().count();
        if length < 12 {
            return Err("Use at least 12 characters. A few random words work well.".to_owned());
        }
        if length > 256 {
            return Err("Use at most 256 characters.".to_owned());
        }
        // The score does not grow any more beyond this, and its cost does.
        let scored: String = typed.chars().take(100).collect();
        let known = context_words::words(own);
        let words: Vec<&str> = known.iter().map(String::as_str).collect();
        // Words that everybody knows count for nothing: what is left has to do by itself.
        let mut parts = context_words::leavings(&scored, &known);
        parts.push(scored);
        if parts.iter().any(|part| zxcvbn(part, &words).score() < Score::Three) {
            return Err(
                "This password is easy to guess. Use a few unrelated words, or more characters."
                    .to_owned(),
            );
        }
        Ok(Self(Password::new(typed.to_owned())))
    }

    /// To be hashed.
    pub fn into_password(self) -> Password {
        self.0
    }
}

/// What a new person consists of.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Display name.
    pub name: DisplayName,
    /// Handle of the personal account.
    pub handle: Handle,
    /// Address.
    pub email: EmailAddress,
    /// PHC string; `None` until the person chooses a password.
    pub password_hash: Option<String>,
    /// How the address was confirmed.
    pub verified: Verified,
}

/// Why a person cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateProblem {
    /// Somebody has that handle.
    HandleTaken,
    /// Somebody has that address.
    EmailTaken,
}
