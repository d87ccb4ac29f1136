#!/usr/bin/env bash
# tests/bench/neighbours.sh [sqlite|postgres] [--seconds 10] [--runs 1000000] [--logs 1000000]
#
# What somebody feels of others on the same server; with the release build.
# Needs wrk and what `tests/run client` installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ -z "${BULKHEAD_BIN:-}" ]; then
    cargo build --release --quiet
    export BULKHEAD_BIN=$PWD/target/release/bulkhead
fi
bench=(.venv/bin/python -B tests/bench/neighbours.py)
case ${1:-} in
sqlite) shift && TEST_DB=sqlite exec "${bench[@]}" "$@" ;;
postgres) shift && exec tests/support/postgres.sh "${bench[@]}" "$@" ;;
*) exec "${bench[@]}" "$@" ;;
esac
