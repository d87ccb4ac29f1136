#!/usr/bin/env bash
# tests/bench/pages.sh [sqlite|postgres] [--rate 200] [--connections 50] [--seconds 30] [--peak] [PAGE…]
#
# Response times of the release build at a constant rate. With the name of a database: on one that was filled
# (tests/bench/fill.py: 100,000 workspaces, 200,000 people) and on one 100 times smaller; without: on a fresh one.
# Needs what `tests/run client` installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ -z "${BULKHEAD_BIN:-}" ]; then
    cargo build --release --quiet
    export BULKHEAD_BIN=$PWD/target/release/bulkhead
fi
pages=(.venv/bin/python -B tests/bench/pages.py)
case ${1:-} in
sqlite) shift && TEST_DB=sqlite exec "${pages[@]}" --filled "$@" ;;
postgres) shift && exec tests/support/postgres.sh "${pages[@]}" --filled "$@" ;;
*) exec "${pages[@]}" "$@" ;;
esac
