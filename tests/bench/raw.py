"""The rate at which the database itself takes the rows of one created run, with no server before it.

The rows are copies, under ids of their own, of those that the server wrote for the newest run: the run, its state
and its event, into the same tables with the same indexes, keys and durability. As the server's own, the ids ascend.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

# Of those made at that moment the first one: the others are copies.
NEWEST = "(SELECT id FROM flow_runs ORDER BY created_at DESC, id LIMIT 1)"
ORDERED_ID = (
    "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')"
    " || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid"
)
ROWS = {
    "flow_runs": f"id = {NEWEST}",
    "flow_run_states": f"flow_run_id = {NEWEST}",
    "events": f"id = (SELECT id FROM flow_run_states WHERE flow_run_id = {NEWEST} ORDER BY id LIMIT 1)",
}


def on_sqlite(file: Path, runs: int, seconds: int) -> float:
    """Runs a second from one connection, so many in a transaction."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.executescript("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -2000;")
    kept = []
    for table, which in ROWS.items():
        found = connection.execute(f"SELECT * FROM {table} WHERE {which} LIMIT 1")
        columns = [column[0] for column in found.description]
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        kept.append((statement, list(found.fetchone()), columns.index("id")))
    done, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(runs):
            for statement, row, at in kept:
                row[at] = (time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(10)
                connection.execute(statement, row)
        connection.execute("COMMIT")
        done += runs
    connection.close()
    return done / (time.monotonic() - began)


def on_postgres(database: str, connections: int, seconds: int) -> float:
    """Runs a second from so many connections, one in a transaction; by pgbench, statements prepared."""
    ask = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", database, "--command"]
    lines = ["BEGIN;"]
    for table, which in ROWS.items():
        columns = subprocess.run(
            [*ask, f"SELECT string_agg(quote_ident(attname), ',' ORDER BY attnum) FROM pg_attribute "
                   f"WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"],
            check=True, capture_output=True, text=True,
        ).stdout.strip().split(",")  # fmt: skip
        id_of = subprocess.run([*ask, f"SELECT id FROM {table} WHERE {which} LIMIT 1"], check=True,
                               capture_output=True, text=True).stdout.strip()  # fmt: skip
        place = "SELECT workspace_id FROM flow_runs ORDER BY created_at DESC, id LIMIT 1"
        place = subprocess.run([*ask, place], check=True, capture_output=True, text=True).stdout.strip()
        chosen = ", ".join(ORDERED_ID if column == "id" else column for column in columns)
        lines.append(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} "
                     f"WHERE workspace_id = '{place}' AND id = '{id_of}';")  # fmt: skip
    lines.append("COMMIT;")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("\n".join(lines))
        script.flush()
        command = ["pgbench", "-n", "-M", "prepared", "-c", str(connections), "-j", "1", "-T", str(seconds)]
        done = subprocess.run([*command, "-f", script.name, database], check=True, capture_output=True, text=True)
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
