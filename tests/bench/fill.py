#!/usr/bin/env python3
"""Fills a migrated, otherwise empty database with people and workspaces, for measuring.

    tests/bench/fill.py sqlite PATH | postgres URL  [--workspaces 100000 --users 200000]

Besides the first user, who exists already and is the one that measures (handle "ada"): that person owns as many
workspaces as --own says, and one of them, ada/big, has --people collaborators and a few open invitations. Everybody
else shares the rest. Rows go straight into the tables of migrations/, in batches; the audit log stays as it is.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone

FIRST = ["Mara", "Idris", "Priya", "Tomas", "Noor", "Elif", "Jonas", "Wen", "Aiko", "Lucia"]
LAST = ["Lindqvist", "Okafor", "Raman", "Novak", "Haddad", "Demir", "Berg", "Zhang", "Sato", "Rossi"]
NOW = int(time.time() * 1_000_000)


def number_of(kind: int, n: int) -> uuid.UUID:
    """An id that is known without asking: the kind of row and its number, in the shape of version 7."""
    return uuid.UUID(int=(NOW // 1000 << 80) | (7 << 76) | (2 << 62) | (kind << 40) | n)


def name_of(n: int) -> str:
    return f"{FIRST[n % 10]} {LAST[n // 10 % 10]} {n}"


def search_key(n: int) -> str:
    return f"{name_of(n).lower()}\nuser-{n}\nuser-{n}@example.org"


def accounts(options) -> Iterator[tuple]:
    for n in range(options.users):
        yield number_of(1, n), "personal", f"user-{n}", name_of(n), NOW, NOW


def users(options) -> Iterator[tuple]:
    for n in range(options.users):
        email = f"user-{n}@example.org"
        yield number_of(2, n), number_of(1, n), email, email, "mailed", "system", 0, 0, NOW


def workspaces(options, ada_account: uuid.UUID) -> Iterator[tuple]:
    for n in range(options.workspaces):
        own = n < options.own
        account = ada_account if own else number_of(1, n % options.users)
        handle = "big" if n == 0 else f"w-{n}"
        yield number_of(3, n), account, handle, handle, f"Where {handle} is kept", name_of(n), NOW + n, NOW + n


def memberships(options) -> Iterator[tuple]:
    for n in range(min(options.people, options.users)):
        yield number_of(4, n), number_of(3, 0), number_of(2, n), "collaborator", name_of(n).lower(), search_key(n), "Ada", NOW
    for n in range(options.own, options.workspaces, 2):
        member = (n + 1) % options.users
        yield (number_of(5, n), number_of(3, n), number_of(2, member), "collaborator", name_of(member).lower(),
               search_key(member), "Ada", NOW)  # fmt: skip


def invitations(options, ada_account: uuid.UUID) -> Iterator[tuple]:
    week = 7 * 24 * 3600 * 1_000_000
    for n in range(20):
        email = f"guest-{n}@example.org"
        yield (number_of(6, n), "collaborator", ada_account, number_of(3, 0), email, email, "collaborator", "pending",
               0, NOW + week, "Ada", NOW, NOW)  # fmt: skip


Tables = dict[str, tuple[str, Iterator[tuple]]]


COLUMNS = {
    "accounts": "id kind handle name created_at updated_at",
    "users": "id personal_account_id email email_key verified theme verify_generation reset_generation created_at",
    "workspaces": "id account_id handle name description created_by_name created_at updated_at",
    "memberships": "id workspace_id user_id role sort_name search_key granted_by_name created_at",
    "invitations": "id kind account_id workspace_id email email_key role state generation expires_at invited_by_name "
    "created_at sent_at",
}


ADA = "SELECT id FROM accounts WHERE handle = 'ada'"


def tables(options, ada_account: uuid.UUID) -> Tables:
    rows = {
        "accounts": accounts(options),
        "users": users(options),
        "workspaces": workspaces(options, ada_account),
        "memberships": memberships(options),
        "invitations": invitations(options, ada_account),
    }
    return {table: (COLUMNS[table], rows) for table, rows in rows.items()}


def insert_sqlite(path: str, tables: Tables) -> None:
    """Writes rows: for each table its columns and what they hold."""
    db = sqlite3.connect(path, timeout=30)
    with db:
        for table, (names, rows) in tables.items():
            columns = names.split()
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            as_stored = ([v.bytes if isinstance(v, uuid.UUID) else v for v in row] for row in rows)
            db.executemany(statement, as_stored)
    db.execute("ANALYZE")
    db.close()


def insert_postgres(url: str, tables: Tables) -> None:
    """The same on PostgreSQL."""
    for table, (names, rows) in tables.items():
        columns = names.split()
        times = {at for at, name in enumerate(columns) if name == "at" or name.endswith("_at")}

        def stored(at: int, value, times: set[int] = times) -> str:
            if value is None:
                return "\\N"
            if isinstance(value, bytes):
                return f"\\\\x{value.hex()}"
            return moment(value) if at in times else str(value).replace("\n", "\\n")

        copy = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", url, "--command", copy]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        process.stdin.writelines("\t".join(stored(at, v) for at, v in enumerate(row)) + "\n" for row in rows)
        process.stdin.close()
        if process.wait():
            sys.exit(f"could not fill {table}")
    # As the database does by itself for a history that was written over months.
    psql(url, "VACUUM (ANALYZE)")


def ids_sqlite(path: str, queries: list[str]) -> list[uuid.UUID]:
    """The one id that each query finds."""
    db = sqlite3.connect(path, timeout=30)
    found = [uuid.UUID(bytes=db.execute(query).fetchone()[0]) for query in queries]
    db.close()
    return found


def ids_postgres(url: str, queries: list[str]) -> list[uuid.UUID]:
    """The same on PostgreSQL."""
    return [uuid.UUID(psql(url, query).strip()) for query in queries]


def fill_sqlite(path: str, options) -> None:
    insert_sqlite(path, tables(options, *ids_sqlite(path, [ADA])))


def fill_postgres(url: str, options) -> None:
    insert_postgres(url, tables(options, *ids_postgres(url, [ADA])))


def moment(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1_000_000, timezone.utc).isoformat()


def psql(url: str, statement: str) -> str:
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--dbname", url, "--command", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["sqlite", "postgres"])
    parser.add_argument("where")
    add_sizes(parser)
    options = parser.parse_args()
    (fill_sqlite if options.kind == "sqlite" else fill_postgres)(options.where, options)


def add_sizes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspaces", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--own", type=int, default=500, help="workspaces of the person that measures")
    parser.add_argument("--people", type=int, default=1000, help="people in ada/big")


if __name__ == "__main__":
    main()
