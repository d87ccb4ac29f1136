#!/usr/bin/env bash
# tests/bench/idle.sh [sqlite|postgres] [--connections 1000] [--descriptors 1024]
#
# What somebody feels while another address holds a thousand idle connections; with the release build.
# Needs what `tests/run client` installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ -z "${BULKHEAD_BIN:-}" ]; then
    cargo build --release --quiet
    export BULKHEAD_BIN=$PWD/target/release/bulkhead
fi
bench=(.venv/bin/python -B tests/bench/idle.py)
case ${1:-} in
sqlite) shift && TEST_DB=sqlite exec "${bench[@]}" "$@" ;;
postgres) shift && exec tests/support/postgres.sh "${bench[@]}" "$@" ;;
*) exec "${bench[@]}" "$@" ;;
esac
