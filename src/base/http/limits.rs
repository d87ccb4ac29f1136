//! Limits on requests and on guesses, per network; in memory, per process. The durable limit of an
//! account's guesses is in the database (`tenancy/accounts`).

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::client::ClientIp;
use crate::base::error::{Error, Result};

/// The limiters of this process.
pub struct Limits {
    requests: DefaultKeyedRateLimiter<IpAddr>,
    guesses: DefaultKeyedRateLimiter<IpAddr>,
    keys: DefaultKeyedRateLimiter<IpAddr>,
    mails: DefaultKeyedRateLimiter<IpAddr>,
    of_keys: DefaultKeyedRateLimiter<uuid::Uuid>,
    clock: DefaultClock,
}

/// One key for all addresses that one customer of a provider can have at will.
pub fn network(ip: ClientIp) -> IpAddr {
    match ip.0 {
        IpAddr::V4(_) => ip.0,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
    }
}

impl Limits {
    /// Limiters with this many requests a minute from one network, and of one key.
    pub fn new(requests_per_minute: u32, requests_per_minute_of_key: u32) -> Self {
        let per_minute = |n: u32| {
            let n = NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
            RateLimiter::keyed(Quota::per_minute(n))
        };
        Self {
            requests: per_minute(requests_per_minute),
            guesses: RateLimiter::keyed(
                Quota::with_period(Duration::from_secs(6))
                    .unwrap_or(Quota::per_minute(NonZeroU32::MIN))
                    .allow_burst(NonZeroU32::new(30).unwrap_or(NonZeroU32::MIN)),
            ),
            keys: per_minute(60),
            mails: per_minute(20),
            of_keys: RateLimiter::keyed(Quota::per_minute(
                NonZeroU32::new(requests_per_minute_of_key).unwrap_or(NonZeroU32::MIN),
            )),
            clock: DefaultClock::default(),
        }
    }

    fn check(&self, limiter: &DefaultKeyedRateLimiter<IpAddr>, ip: ClientIp) -> Result<()> {
        limiter.check_key(&network(ip)).map_err(|not_yet| {
            Error::TooMany(not_yet.wait_time_from(self.clock.now()).as_secs() + 1)
        })
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn request(&self, ip: ClientIp) -> Result<()> {
        self.check(&self.requests, ip)
    }

    /// Counts a check of a password, key or token that may be a guess (AU-08, AU-09): 30 at once,
    /// then one every six seconds.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn guess(&self, ip: ClientIp) -> Result<()> {
        self.check(&self.guesses, ip)
    }

    /// Counts a request by a key, wherever it comes from (AK-08).
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn key(&self, key: uuid::Uuid) -> Result<()> {
        self.of_keys.check_key(&key).map_err(|not_yet| {
            Error::TooMany(not_yet.wait_time_from(self.clock.now()).as_secs() + 1)
        })
    }

    /// Counts an unknown key. Apart from the guesses of people: a forgotten worker with a revoked key
    /// must not keep its network from signing in.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn unknown_key(&self, ip: ClientIp) -> Result<()> {
        self.check(&self.keys, ip)
    }

    /// Counts a request by a stranger that makes us send a mail.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn mail(&self, ip: ClientIp) -> Result<()> {
        self.check(&self.mails, ip)
    }

    /// Forgets networks that are back at their full quota; otherwise the tables only grow.
    pub fn forget(&self) {
        for limiter in [&self.requests, &self.guesses, &self.keys, &self.mails] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.of_keys.retain_recent();
        self.of_keys.shrink_to_fit();
    }
}
