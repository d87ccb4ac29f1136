//! Randomness from the operating system: the only module that asks for it.

/// Fills an array with random bytes.
///
/// # Panics
/// When the operating system has no randomness to give: nothing secret can be made then.
#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "the one place for both")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    getrandom::fill(&mut out).expect("the operating system gives random bytes");
    out
}

/// A random number below `limit`, evenly distributed; 0 when `limit` is 0.
pub fn below(limit: u32) -> u32 {
    if limit == 0 {
        return 0;
    }
    let fair = u32::MAX - u32::MAX % limit;
    loop {
        let number = u32::from_le_bytes(bytes());
        if number < fair {
            return number % limit;
        }
    }
}
