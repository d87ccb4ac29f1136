#!/usr/bin/env bash
# tests/support/postgres.sh COMMAND [ARGUMENT…]
#
# Runs a command beside a PostgreSQL cluster of its own, which is thrown away afterwards.
# The command finds it in TEST_DATABASE_URL and is told so by TEST_DB=postgres.
set -euo pipefail

fail() { echo "postgres.sh: $*" >&2; exit 1; }

# Where initdb and pg_ctl are: Debian keeps them out of PATH, a folder for each version.
binaries() {
    local folder
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
        if [ -x "$folder/initdb" ]; then echo "$folder"; return; fi
    done
    folder=$(command -v initdb) || return 1
    dirname "$(readlink -f "$folder")"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# PostgreSQL refuses to run as root.
as_server() {
    if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

[ $# -gt 0 ] || fail "name the command to run"
bin=$(binaries) || fail "PostgreSQL's initdb is not installed"

# Short on purpose: the path of a unix socket has at most 107 bytes.
home=$(mktemp -d /tmp/bulkhead-pg.XXXXXX)
stop() {
    [ ! -f "$home/data/postmaster.pid" ] || as_server "$bin/pg_ctl" -D "$home/data" -m immediate -w stop >/dev/null || true
    rm -rf "$home"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
(umask 077 && echo "$password" >"$home/password")
[ "$(id -u)" != 0 ] || chown -R postgres "$home"
as_server "$bin/initdb" -D "$home/data" -U bulkhead --pwfile="$home/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$home/initdb.log" || fail "initdb failed"

# Nobody misses this data after a crash, so nothing waits for the disk.
settings="-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300"
settings="$settings -c listen_addresses=127.0.0.1 -c unix_socket_directories=$home"
for attempt in 1 2 3; do
    port=$(free_port)
    if as_server "$bin/pg_ctl" -D "$home/data" -l "$home/log" -o "$settings -p $port" -w start >/dev/null; then break; fi
    [ "$attempt" -lt 3 ] || { cat "$home/log" >&2; fail "the cluster does not start"; }
done

export TEST_DB=postgres TEST_DATABASE_URL="postgres://bulkhead:$password@127.0.0.1:$port/postgres"
"$@"
