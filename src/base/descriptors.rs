//! How many files and connections this process may have open at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of descriptors to the hard one: systemd, Docker and shells start programs with 1,024,
/// which are soon taken by connections.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(error.cause = %error, "the limit of open files stays as it is");
    }
}

/// How many descriptors there may be.
pub fn limit() -> usize {
    let soft = getrlimit(Resource::Nofile).current;
    soft.map_or(usize::MAX, |soft| usize::try_from(soft).unwrap_or(usize::MAX))
}
