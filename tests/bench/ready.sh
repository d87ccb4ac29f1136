#!/usr/bin/env bash
# tests/bench/ready.sh [STARTS]
#
# How long the release build takes from its start to the first 200 at /ready on a database that exists
# (the middle of STARTS starts, 5 unless told), and the memory it then holds after ten idle seconds.
# On PostgreSQL: tests/support/postgres.sh tests/bench/ready.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
starts=${1:-5}

if [ -z "${BULKHEAD_BIN:-}" ]; then
    cargo build --release --quiet
    BULKHEAD_BIN=$PWD/target/release/bulkhead
fi
home=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || { kill "$server" && wait "$server"; } || true
    server=
}
trap 'stop; rm -rf "$home"' EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export BULKHEAD_DATA_DIR=$home BULKHEAD_BIND=127.0.0.1:$port BULKHEAD_BASE_URL=http://localhost:$port
if [ "${TEST_DB:-sqlite}" = postgres ]; then
    export BULKHEAD_DATABASE_URL=$TEST_DATABASE_URL BULKHEAD_SECRET_KEY
    BULKHEAD_SECRET_KEY=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
fi

now() { echo "${EPOCHREALTIME/[.,]/}"; }

# Asks through bash itself: starting a program for each question would take longer than the answer.
is_ready() {
    local answer
    { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
    printf 'GET /ready HTTP/1.1\r\nHost: localhost:%s\r\nConnection: close\r\n\r\n' "$port" >&3
    read -r answer <&3 || true
    exec 3>&-
    [[ $answer == "HTTP/1.1 200"* ]]
}

# Starts the server and leaves in $took how many milliseconds passed until it was ready.
start() {
    local began
    began=$(now)
    "$BULKHEAD_BIN" serve >"$home/log" 2>&1 &
    server=$!
    until is_ready; do
        kill -0 "$server" 2>/dev/null || { cat "$home/log" >&2; exit 1; }
        [ $(($(now) - began)) -lt 60000000 ] || { echo "not ready after a minute" >&2; exit 1; }
        sleep 0.002
    done
    took=$((($(now) - began) / 1000))
}

start
echo "first start, making the database: $took ms"
stop

times=()
for _ in $(seq "$starts"); do
    start
    times+=("$took")
    [ ${#times[@]} -eq "$starts" ] || stop
done
middle=$(printf '%s\n' "${times[@]}" | sort -n | sed -n "$(((starts + 1) / 2))p")
echo "start to ready: $middle ms (${times[*]})"

sleep 10
awk '/^VmRSS/ { printf "memory after ten idle seconds: %.1f MiB\n", $2 / 1024 }' "/proc/$server/status"
