//! Where the Prefect client waits for its key: a port of the person's own machine, nothing else.
//!
//! Invariant: a [`Callback`] names a loopback host and a port; it is written anew from these two,
//! never from what came in the address.

use std::fmt;
use std::num::NonZeroU16;

/// A listener of the client on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    host: &'static str,
    port: NonZeroU16,
}

const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

impl Callback {
    /// Reads the address's parameter. Strict: whatever a browser might read otherwise (a user name,
    /// a path, another host's name around ours) is refused rather than cleaned.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn parse(raw: &str) -> Result<Self, &'static str> {
        if raw.is_empty() {
            return Err("The address has no callback, so no client waits for a key.");
        }
        let rest = raw.strip_prefix("http://").ok_or(
            "The callback has to begin with http://localhost: or http://127.0.0.1: and a port.",
        )?;
        let (host, port) = HOSTS
            .into_iter()
            .find_map(|host| Some((host, rest.strip_prefix(host)?.strip_prefix(':')?)))
            .ok_or(
                "The callback leads away from your own machine, or has no port. A key is handed to \
                 localhost or 127.0.0.1 only.",
            )?;
        let port = port.strip_suffix('/').unwrap_or(port);
        let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
        let port = is_number.then(|| port.parse().ok()).flatten().ok_or(
            "The callback has to end with a port between 1 and 65535, and nothing after it.",
        )?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for Callback {
    /// The origin, as in `http://localhost:4300`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_machine_is_taken() {
        for (raw, origin) in [
            ("http://localhost:4300", "http://localhost:4300"),
            ("http://127.0.0.1:1/", "http://127.0.0.1:1"),
            ("http://localhost:65535", "http://localhost:65535"),
        ] {
            assert_eq!(Callback::parse(raw).unwrap().to_string(), origin);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            "http://localhost",
            "http://localhost:",
            "http://localhost:0",
            "http://localhost:65536",
            "http://localhost:+80",
            "http://localhost:4300/x",
            "http://localhost:4300//",
            "http://localhost:4300?x",
            "http://localhost:4300#x",
            "http://localhost:4300 ",
            " http://localhost:4300",
            "http://localhost:4300\n",
            "http://localhost:4300; script-src *",
            "https://localhost:4300",
            "HTTP://localhost:4300",
            "http:localhost:4300",
            "http:/localhost:4300",
            "http://LOCALHOST:4300",
            "http://localhost.:4300",
            "http://localhost.evil.example:4300",
            "http://user@localhost:4300",
            "http://localhost:4300@evil.example",
            "http://localhost:4300\\@evil.example",
            "http://evil.example:4300/#http://localhost:4300",
            "http://127.0.0.1.evil.example:4300",
            "http://127.1:4300",
            "http://2130706433:4300",
            "http://0.0.0.0:4300",
            "http://[::1]:4300",
            "http://①27.0.0.1:4300",
            "//localhost:4300",
            "/workspaces",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
        ] {
            assert!(Callback::parse(bad).is_err(), "{bad:?}");
        }
    }
}
