//! Codes of form tokens, on the page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::random;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_hides_and_gives_back() {
        let code = [7; 32];
        assert_ne!(mask(&code), mask(&code));
        assert_eq!(unmask(&mask(&code)).unwrap(), code);
    }
}
