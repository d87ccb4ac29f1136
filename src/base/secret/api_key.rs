//! API keys.

use secrecy::{ExposeSecret, SecretString};

use super::hash::sha256;
use crate::base::random;

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
}
