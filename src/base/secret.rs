//! Secrets: the instance key, links derived from it, hashes, passwords, API keys.
//!
//! Invariant: nothing here can be printed. Links are derived, not stored (SP-9); keys and
//! sessions are stored as SHA-256 only.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, Payload};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::error::{Error, Result};
use super::random;

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// What a derived link is for. A token of one purpose is worthless for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Makes the first user.
    Setup,
    /// Confirms an address.
    VerifyEmail,
    /// Chooses a new password.
    ResetPassword,
    /// An invitation that came by mail: opening it proves the address.
    InvitationMailed,
    /// An invitation whose link was copied by whoever invited: proves nothing.
    InvitationCopied,
    /// The token of a form of a signed-in person.
    FormOfSession,
    /// The token of a form of anybody else.
    FormOfVisitor,
    /// A browser that a person signed in with before.
    KnownDevice,
    /// The secret of a person's authenticator app, at rest.
    TwoFactorSecret,
    /// The same while it is on the page that turns two-factor on.
    TwoFactorSetup,
    /// A browser that gave the right password, and owes a code.
    SecondStep,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Setup => b"setup",
            Self::VerifyEmail => b"verify-email",
            Self::ResetPassword => b"reset-password",
            Self::InvitationMailed => b"invitation-mailed",
            Self::InvitationCopied => b"invitation-copied",
            Self::FormOfSession => b"form-of-session",
            Self::FormOfVisitor => b"form-of-visitor",
            Self::KnownDevice => b"known-device",
            Self::TwoFactorSecret => b"two-factor-secret",
            Self::TwoFactorSetup => b"two-factor-setup",
            Self::SecondStep => b"second-step",
        }
    }
}

/// The key behind links and form tokens, and the one before it while it is being replaced.
#[derive(Clone)]
pub struct InstanceKeys {
    current: SecretString,
    previous: Option<SecretString>,
}

impl InstanceKeys {
    /// Keys from the settings.
    pub fn new(current: SecretString, previous: Option<SecretString>) -> Self {
        Self { current, previous }
    }

    fn mac(key: &SecretString, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).ok()?;
        for part in parts {
            mac.update(&u32::try_from(part.len()).ok()?.to_be_bytes());
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// The code for `value` under a purpose.
    pub fn code(&self, purpose: Purpose, value: &[u8]) -> [u8; 32] {
        Self::mac(&self.current, &[purpose.label(), value]).unwrap_or_default()
    }

    /// Whether `code` was made by [`InstanceKeys::code`], with the present key or the one before.
    pub fn accepts(&self, purpose: Purpose, value: &[u8], code: &[u8]) -> bool {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().any(|key| {
            Self::mac(key, &[purpose.label(), value])
                .is_some_and(|expected| expected.ct_eq(code).into())
        })
    }

    /// Hides `plain` from whoever has the database or the cookie but not the instance key, and
    /// binds it to a purpose and to what it is `about` (XChaCha20-Poly1305, fresh nonce).
    ///
    /// # Errors
    /// A fault of the cipher.
    pub fn seal(&self, purpose: Purpose, about: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; 24] = random::bytes();
        let cipher =
            Self::cipher(&self.current, purpose).ok_or_else(|| Error::internal("no key"))?;
        let hidden = cipher
            .encrypt(&nonce.into(), Payload { msg: plain, aad: about })
            .map_err(|_| Error::internal("could not seal"))?;
        Ok([&nonce[..], &hidden].concat())
    }

    /// What [`InstanceKeys::seal`] hid, with the present key or the one before; `None` when it was
    /// changed, or made for another purpose, about something else, or with another key.
    pub fn open(&self, purpose: Purpose, about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|key| Self::open_with(key, purpose, about, sealed))
    }

    /// The same secret sealed with the present key, where the one before sealed it; `None` when
    /// there is nothing to do, or nothing that can be done.
    ///
    /// # Errors
    /// As [`InstanceKeys::seal`].
    pub fn reseal(&self, purpose: Purpose, about: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(previous) = &self.previous else { return Ok(None) };
        let plain = Self::open_with(previous, purpose, about, sealed);
        plain.map(|plain| self.seal(purpose, about, &plain)).transpose()
    }

    /// Whether a key before the present one is still accepted.
    pub fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    fn open_with(
        key: &SecretString,
        purpose: Purpose,
        about: &[u8],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        let (nonce, hidden) = sealed.split_first_chunk::<24>()?;
        let cipher = Self::cipher(key, purpose)?;
        cipher.decrypt(&(*nonce).into(), Payload { msg: hidden, aad: about }).ok()
    }

    fn cipher(key: &SecretString, purpose: Purpose) -> Option<XChaCha20Poly1305> {
        let key = Self::mac(key, &[b"seal", purpose.label()])?;
        Some(XChaCha20Poly1305::new(&key.into()))
    }

    /// The token of a link about `id`; another generation makes another token.
    pub fn link_token(&self, purpose: Purpose, id: Uuid, generation: i32) -> String {
        let code = self.code(purpose, &link_value(id, generation));
        let mut bytes = id.as_bytes().to_vec();
        bytes.extend_from_slice(&code);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn link_value(id: Uuid, generation: i32) -> Vec<u8> {
    let mut value = id.as_bytes().to_vec();
    value.extend_from_slice(&generation.to_be_bytes());
    value
}

/// A token as it came in a link: whom it names, and a code that is yet to be checked.
pub struct LinkToken {
    id: Uuid,
    code: Vec<u8>,
}

impl LinkToken {
    /// Reads a token; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, code) = bytes.split_at_checked(16)?;
        (code.len() == 32).then_some(())?;
        Some(Self { id: Uuid::from_slice(id).ok()?, code: code.to_vec() })
    }

    /// The id that the token names; not to be trusted before [`LinkToken::proves`].
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Whether the token was made for this purpose and generation.
    pub fn proves(&self, keys: &InstanceKeys, purpose: Purpose, generation: i32) -> bool {
        keys.accepts(purpose, &link_value(self.id, generation), &self.code)
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken([redacted])")
    }
}

/// Hides `code` behind a fresh mask, so that compressed pages tell nothing about it.
pub fn mask(code: &[u8; 32]) -> String {
    let mask: [u8; 32] = random::bytes();
    let mut bytes = mask.to_vec();
    bytes.extend(code.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Undoes [`mask`]; `None` for what it cannot have made.
pub fn unmask(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (mask, hidden) = bytes.split_at_checked(32)?;
    (hidden.len() == 32).then(|| hidden.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect())
}

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

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whose key it is; the Prefect client words its messages by the prefix (api.md §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A person's.
    User,
    /// A service account's.
    ServiceAccount,
}

impl KeyKind {
    const ALL: [Self; 2] = [Self::User, Self::ServiceAccount];

    /// What the key begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::User => "pnu_",
            Self::ServiceAccount => "pnb_",
        }
    }
}

/// An API key: a prefix, 30 random base62 characters (178 bits), 6 of a CRC-32 (AK-01).
pub struct ApiKey(SecretString, KeyKind);

impl ApiKey {
    /// A new key.
    pub fn generate(kind: KeyKind) -> Self {
        let mut text = String::from(kind.prefix());
        for _ in 0..30 {
            let at = random::below(62) as usize;
            text.extend(BASE62.get(at).map(|byte| char::from(*byte)));
        }
        text.push_str(&checksum(&text));
        Self(text.into(), kind)
    }

    /// Whose it is.
    pub fn kind(&self) -> KeyKind {
        self.1
    }

    /// Reads a key; `None` when its form or checksum is wrong, without asking the database.
    pub fn parse(text: &str) -> Option<Self> {
        let kind = KeyKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        let body = text.strip_prefix(kind.prefix())?;
        if body.len() != 36 || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (random, sum) = text.split_at_checked(text.len() - 6)?;
        (checksum(random) == sum).then(|| Self(text.to_owned().into(), kind))
    }

    /// The same key once more, for work on another thread.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(self.0.clone(), self.1)
    }

    /// What is stored.
    pub fn hash(&self) -> Vec<u8> {
        sha256(self.0.expose_secret().as_bytes())
    }

    /// The last four characters, to recognise it in a list.
    pub fn last_four(&self) -> String {
        let text = self.0.expose_secret();
        text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned()
    }

    /// The whole key, for the one page that shows it.
    pub fn reveal(&self) -> String {
        self.0.expose_secret().to_owned()
    }
}

/// CRC-32 of the text as six base62 digits.
fn checksum(text: &str) -> String {
    let mut sum = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.get(sum % 62).copied().unwrap_or(b'0');
        sum /= 62;
    }
    digits.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> InstanceKeys {
        InstanceKeys::new(text.to_owned().into(), None)
    }

    #[test]
    fn a_link_token_proves_one_purpose_and_generation_only() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        let id = Uuid::from_u128(7);
        let token = LinkToken::parse(&keys.link_token(Purpose::VerifyEmail, id, 3)).unwrap();
        assert_eq!(token.id(), id);
        assert!(token.proves(&keys, Purpose::VerifyEmail, 3));
        assert!(!token.proves(&keys, Purpose::ResetPassword, 3));
        assert!(!token.proves(&keys, Purpose::VerifyEmail, 4));
    }

    #[test]
    fn a_link_made_with_the_previous_key_still_works() {
        let old = keys("0123456789abcdef0123456789abcdef");
        let both = InstanceKeys::new(
            "fedcba9876543210fedcba9876543210".to_owned().into(),
            Some("0123456789abcdef0123456789abcdef".to_owned().into()),
        );
        let token = LinkToken::parse(&old.link_token(Purpose::Setup, Uuid::nil(), 0)).unwrap();
        assert!(token.proves(&both, Purpose::Setup, 0));
    }

    #[test]
    fn an_api_key_with_any_character_changed_is_refused() {
        for kind in KeyKind::ALL {
            let key = ApiKey::generate(kind).reveal();
            assert_eq!(ApiKey::parse(&key).unwrap().kind(), kind);
            for at in 0..key.len() {
                let mut changed: Vec<u8> = key.bytes().collect();
                changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
                assert!(ApiKey::parse(std::str::from_utf8(&changed).unwrap()).is_none());
            }
        }
    }

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
    fn what_is_sealed_opens_for_one_purpose_and_thing_only() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        let sealed = keys.seal(Purpose::TwoFactorSecret, b"ada", b"plain words").unwrap();
        assert!(!sealed.windows(5).any(|part| part == b"plain"));
        let open = |purpose, about: &[u8]| keys.open(purpose, about, &sealed);
        assert_eq!(open(Purpose::TwoFactorSecret, b"ada").unwrap(), b"plain words");
        assert!(open(Purpose::TwoFactorSetup, b"ada").is_none());
        assert!(open(Purpose::TwoFactorSecret, b"bob").is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys.open(Purpose::TwoFactorSecret, b"ada", &changed).is_none());
            assert!(keys.open(Purpose::TwoFactorSecret, b"ada", &sealed[..at]).is_none());
        }
    }

    #[test]
    fn what_the_previous_key_sealed_opens_and_is_sealed_anew() {
        let old = keys("0123456789abcdef0123456789abcdef");
        let new = keys("fedcba9876543210fedcba9876543210");
        let both = InstanceKeys::new(new.current.clone(), Some(old.current.clone()));
        let purpose = Purpose::TwoFactorSecret;
        let sealed = old.seal(purpose, b"ada", b"plain").unwrap();
        assert!(new.open(purpose, b"ada", &sealed).is_none());
        assert_eq!(both.open(purpose, b"ada", &sealed).unwrap(), b"plain");
        let anew = both.reseal(purpose, b"ada", &sealed).unwrap().unwrap();
        assert_eq!(new.open(purpose, b"ada", &anew).unwrap(), b"plain");
        assert!(both.reseal(purpose, b"ada", &anew).unwrap().is_none());
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

    #[test]
    fn a_mask_hides_and_gives_back() {
        let code = [7; 32];
        assert_ne!(mask(&code), mask(&code));
        assert_eq!(unmask(&mask(&code)).unwrap(), code);
    }
}
