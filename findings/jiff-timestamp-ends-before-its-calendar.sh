#!/usr/bin/env bash
# jiff 0.2.46 (Rust), with Python's datetime beside it.
#
# Seen: jiff's calendar (civil::DateTime) reaches 9999-12-31T23:59:59.999999999, but a Timestamp ends 26 hours
# before it: at 9999-12-30T22:00:00.999999999Z, so that every moment can be written in every offset. Python's
# datetime.max in UTC, which many programs write for "never", is valid RFC 3339 and no Timestamp: parsing it is an
# error, also by serde. PostgreSQL's timestamptz and SQLite take it. And Timestamp::MAX does not survive a way
# through whole microseconds: from_microsecond ends at 9999-12-30T22:00:00 sharp, a second earlier.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
never=$(python3 -c 'import datetime as d; print(d.datetime.max.replace(tzinfo=d.timezone.utc).isoformat())')
[ "$never" = "9999-12-31T23:59:59.999999+00:00" ]
cargo init --quiet --name finding --vcs none .
cargo add --quiet jiff@=0.2.46 --features serde
cargo add --quiet serde_json@=1.0.154
cat >src/main.rs <<'RUST'
fn main() {
    let never = std::env::args().nth(1).unwrap();
    println!("{}", never.parse::<jiff::civil::DateTime>().is_ok());
    println!("{}", never.parse::<jiff::Timestamp>().is_ok());
    println!("{}", serde_json::from_str::<jiff::Timestamp>(&format!("{never:?}")).is_ok());
    let last = jiff::Timestamp::MAX;
    println!("{last}");
    println!("{}", jiff::Timestamp::from_microsecond(last.as_microsecond()).is_ok());
    println!("{}", jiff::Timestamp::from_microsecond(253_402_207_200_000_000).is_ok());
}
RUST
said=$(cargo run --quiet -- "$never")
[ "$said" = $'true\nfalse\nfalse\n9999-12-30T22:00:00.999999999Z\nfalse\ntrue' ] || {
    printf 'changed:\n%s\n' "$said" >&2
    exit 1
}
echo "as described"
