//! The instance key, and what is made with it: codes, links, and secrets at rest.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, Payload};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::base::error::{Error, Result};
use crate::base::random;

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
}
