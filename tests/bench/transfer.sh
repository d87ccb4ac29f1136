#!/usr/bin/env bash
# tests/bench/transfer.sh [sqlite|postgres] [--runs 1000000] [--members 5000] [--bots 500] [--seconds 10]
#
# The review of a large workspace's transfer, its execution and its undo, and what a neighbour feels of them, with the
# release build. Needs what `tests/run client` installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ -z "${BULKHEAD_BIN:-}" ]; then
    cargo build --release --quiet
    export BULKHEAD_BIN=$PWD/target/release/bulkhead
fi
bench=(.venv/bin/python -B tests/bench/transfer.py)
case ${1:-} in
sqlite) shift && TEST_DB=sqlite exec "${bench[@]}" "$@" ;;
postgres) shift && exec tests/support/postgres.sh "${bench[@]}" "$@" ;;
*) exec "${bench[@]}" "$@" ;;
esac
