//! Passwords, and the codes that stand in for a lost authenticator app.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::hash::sha256;
use crate::base::error::{Error, Result};
use crate::base::random;

/// A password as typed; verified exactly, never trimmed, never shown.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// What was typed.
    pub fn new(typed: String) -> Self {
        Self(typed.into())
    }

    /// The text, for the rules on new passwords.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Argon2id with the crate's default cost, which is OWASP's minimum (19 MiB, t=2, p=1; AU-11),
    /// as a PHC string.
    ///
    /// # Errors
    /// A fault of the hash function.
    pub fn hash(&self) -> Result<String, argon2::password_hash::Error> {
        let hash = Argon2::default().hash_password(self.expose().as_bytes())?;
        Ok(hash.to_string())
    }

    /// Whether this is the password behind `hash`. Without a hash the same work is done against a
    /// made-up one, so that an unknown person looks like a known one (AU-10).
    pub fn matches(&self, hash: Option<&str>) -> bool {
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$\
                              9lCfzBLSNYVKpeDb3Y2Yoyrs8kqGPZTsmWhhtuGVYc0";
        let phc = hash.unwrap_or(NOBODY);
        let matches = PasswordHash::new(phc).is_ok_and(|parsed| {
            Argon2::default().verify_password(self.expose().as_bytes(), &parsed).is_ok()
        });
        matches && hash.is_some()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

/// Tells one password of a person from the next, without telling anything about it: sessions and
/// device cookies carry it, and die with the password.
pub fn password_stamp(hash: Option<&str>) -> String {
    URL_SAFE_NO_PAD.encode(sha256(hash.unwrap_or_default().as_bytes()).get(..9).unwrap_or_default())
}

/// One of the codes that stand in for a lost authenticator app: twelve digits, so that the keys of a
/// phone are enough. Hashed as passwords are, because 40 bits alone could be tried out.
pub struct RecoveryCode(SecretString);

impl RecoveryCode {
    const DIGITS: usize = 12;

    /// A new code.
    pub fn generate() -> Self {
        let digit = || char::from_digit(random::below(10), 10).unwrap_or('0');
        Self((0..Self::DIGITS).map(|_| digit()).collect::<String>().into())
    }

    /// Reads a code from digits alone; `None` when it cannot be one.
    pub fn parse(digits: &str) -> Option<Self> {
        let fits = digits.len() == Self::DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self(digits.to_owned().into()))
    }

    /// What is stored: Argon2id under the salt of the person's set of codes.
    ///
    /// # Errors
    /// A fault of the hash function.
    pub fn hash(&self, salt: &[u8]) -> Result<Vec<u8>> {
        let mut hash = [0; 32];
        Argon2::default()
            .hash_password_into(self.0.expose_secret().as_bytes(), salt, &mut hash)
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(hash.to_vec())
    }

    /// The code in groups of four, for the one page that shows it.
    pub fn reveal(&self) -> String {
        let text = self.0.expose_secret();
        let groups = (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4));
        groups.collect::<Vec<_>>().join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_exactly_and_nobody_matches_none() {
        let password = Password::new(" correct horse ".to_owned());
        let hash = password.hash().unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(password.matches(Some(&hash)));
        assert!(!Password::new("correct horse".to_owned()).matches(Some(&hash)));
        assert!(!password.matches(None));
    }

    #[test]
    fn a_recovery_code_reads_back_and_its_hash_hangs_on_the_salt() {
        let code = RecoveryCode::generate();
        let again = RecoveryCode::parse(&code.reveal().replace('-', "")).unwrap();
        assert_eq!(code.hash(&[1; 16]).unwrap(), again.hash(&[1; 16]).unwrap());
        assert_ne!(code.hash(&[1; 16]).unwrap(), code.hash(&[2; 16]).unwrap());
        assert!(RecoveryCode::parse("12345678901").is_none());
        assert!(RecoveryCode::parse("12345678901x").is_none());
    }
}
