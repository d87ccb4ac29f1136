#!/usr/bin/env bash
# tests/bench/runs.sh [sqlite|postgres] [--seconds 5] [--runs 10000] [--others 999] [--without-prefect] [--pages]
#
# Requests a second of clients that run flows, with the release build; beside it Prefect's own server.
# Needs wrk and what `tests/run client` installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ -z "${BULKHEAD_BIN:-}" ]; then
    cargo build --release --quiet
    export BULKHEAD_BIN=$PWD/target/release/bulkhead
fi
bench=(.venv/bin/python -B tests/bench/runs.py)
case ${1:-} in
sqlite) shift && TEST_DB=sqlite exec "${bench[@]}" "$@" ;;
postgres) shift && exec tests/support/postgres.sh "${bench[@]}" "$@" ;;
*) exec "${bench[@]}" "$@" ;;
esac
