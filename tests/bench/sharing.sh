#!/usr/bin/env bash
# tests/bench/sharing.sh [sqlite|postgres] [--members 5000] [--bots 500] [--seconds 10]
#
# Response times of the sharing page of a workspace of a large organization, with the release build.
# Needs what `tests/run client` installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ -z "${BULKHEAD_BIN:-}" ]; then
    cargo build --release --quiet
    export BULKHEAD_BIN=$PWD/target/release/bulkhead
fi
bench=(.venv/bin/python -B tests/bench/sharing.py)
case ${1:-} in
sqlite) shift && TEST_DB=sqlite exec "${bench[@]}" "$@" ;;
postgres) shift && exec tests/support/postgres.sh "${bench[@]}" "$@" ;;
*) exec "${bench[@]}" "$@" ;;
esac
