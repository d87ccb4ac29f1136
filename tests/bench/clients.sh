#!/usr/bin/env bash
# tests/bench/clients.sh [sqlite|postgres] [--clients 200] [--tasks 20] [--lines 100] [--seconds 20]
#
# Many clients at once, each running one flow, and whether anything of it is lost; with the release build.
# Needs what `tests/run client` installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ -z "${BULKHEAD_BIN:-}" ]; then
    cargo build --release --quiet
    export BULKHEAD_BIN=$PWD/target/release/bulkhead
fi
bench=(.venv/bin/python -B tests/bench/clients.py)
case ${1:-} in
sqlite) shift && TEST_DB=sqlite exec "${bench[@]}" "$@" ;;
postgres) shift && exec tests/support/postgres.sh "${bench[@]}" "$@" ;;
*) exec "${bench[@]}" "$@" ;;
esac
