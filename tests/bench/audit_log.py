"""Response times of an organization's audit log, filters included, and the memory of a whole export.

    tests/bench/audit_log.sh [--entries 1000000] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "prefect_client")]

import httpx  # noqa: E402
from fill import NOW, moment, name_of, psql  # noqa: E402
from people import Person  # noqa: E402
from rate import measure  # noqa: E402
from service import Service  # noqa: E402

LOG = "/organizations/acme/audit-log"
EVENTS = ["workspace.accessed", "workspace.accessed-by-key", "workspace.updated", "user.logged-in", "api-key.created"]
YEAR = 365 * 24 * 3600 * 1_000_000
COLUMNS = "account_id sequence occurred_at event actor_id workspace_id entry hash".split()


def entries(count: int, account: uuid.UUID, ada: uuid.UUID, lab: uuid.UUID, head: tuple[int, bytes]) -> Iterator[tuple]:
    """Entries of a year that ends now, chained to the present end; one in a thousand is Ada's, or about her workspace."""
    sequence, previous = head
    for n in range(count):
        sequence += 1
        is_adas = n % 1000 == 0
        actor = ada if is_adas else uuid.UUID(int=n % 4999 + 1)
        workspace = lab if is_adas else uuid.UUID(int=n % 199 + 1)
        at = NOW - YEAR + n * (YEAR // count)
        event = "account.updated" if n % 10_000 == 0 else EVENTS[n % len(EVENTS)]
        text = json.dumps({
            "event": event, "occurred": moment(at),
            "actor": {"kind": "user", "id": str(actor), "name": name_of(n % 4999), "email": "x@example.org", "ip": "10.0.0.1"},
            "workspace": {"id": str(workspace), "path": f"acme/w-{n % 199}"}, "details": {"name": f"thing {n}"},
        })  # fmt: skip
        previous = hashlib.sha256(previous + account.bytes + sequence.to_bytes(8, "big") + text.encode()).digest()
        yield account, sequence, at, event, actor, workspace, text, previous


def fill_sqlite(path: str, count: int) -> None:
    db = sqlite3.connect(path, timeout=30)
    one = lambda query: db.execute(query).fetchone()  # noqa: E731
    ids = [uuid.UUID(bytes=one(query)[0]) for query in QUERIES]
    head = one(f"SELECT sequence, hash FROM audit_heads WHERE account_id = x'{ids[0].hex}'")
    with db:
        last = None
        statement = f"INSERT INTO audit_entries ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        for row in entries(count, *ids, head):
            last = [value.bytes if isinstance(value, uuid.UUID) else value for value in row]
            db.execute(statement, last)
        db.execute("UPDATE audit_heads SET sequence = ?, hash = ? WHERE account_id = ?", (last[1], last[7], last[0]))
    db.execute("ANALYZE")
    db.close()


def fill_postgres(url: str, count: int) -> None:
    ids = [uuid.UUID(psql(url, query).strip()) for query in QUERIES]
    answer = psql(url, f"SELECT sequence || ' ' || encode(hash, 'hex') FROM audit_heads WHERE account_id = '{ids[0]}'")
    sequence, previous = answer.split()
    copy = f"COPY audit_entries ({', '.join(COLUMNS)}) FROM STDIN"
    command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", url, "--command", copy]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    for row in entries(count, *ids, (int(sequence), bytes.fromhex(previous))):
        account, sequence, at, event, actor, workspace, text, previous = row
        values = [account, sequence, moment(at), event, actor, workspace, text, f"\\\\x{previous.hex()}"]
        process.stdin.write("\t".join(str(value) for value in values) + "\n")
    process.stdin.close()
    if process.wait():
        sys.exit("could not fill audit_entries")
    end = f"sequence = {sequence}, hash = '\\x{previous.hex()}'"
    psql(url, f"UPDATE audit_heads SET {end} WHERE account_id = '{ids[0]}'")
    psql(url, "ANALYZE")


QUERIES = [
    "SELECT id FROM accounts WHERE handle = 'acme'",
    "SELECT u.id FROM users u JOIN accounts a ON a.id = u.personal_account_id WHERE a.handle = 'ada'",
    "SELECT w.id FROM workspaces w WHERE w.handle = 'lab'",
]


def day(days_ago: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(NOW / 1_000_000 - days_ago * 86_400))


def run(service: Service, options: argparse.Namespace) -> None:
    ada = Person(service, "ada").sets_up()
    ada.browser.open("/organizations/new")
    ada.browser.submit("Create", {"Name": "Acme", "Handle": "acme"})
    ada.browser.open("/workspaces/new?owner=acme")
    ada.browser.submit("Create", {"Handle": "lab"})
    fill = (fill_postgres, service.database) if service.database else (fill_sqlite, service.data / "bulkhead.db")
    fill[0](str(fill[1]), options.entries)
    print(f"{options.entries} entries, {'PostgreSQL' if service.database else 'SQLite'}")
    headers = {"Cookie": ada.browser.cookie_header()}
    for query in [
        "", f"after={options.entries // 2}", "event=account.updated", "user=ada", "workspace=lab",
        f"from={day(200)}&to={day(199)}", f"event=workspace.updated&from={day(300)}&to={day(200)}",
        "user=ada&event=account.updated", "user=ada&event=user.logged-in",
    ]:  # fmt: skip
        page = f"{LOG}?{query}"
        figures = asyncio.run(measure(service.base + page, 200, 50, options.seconds, 2, headers))
        print(f"{query or 'everything':48} {figures.line()}", flush=True)
    before, began, size, most = service.resident_memory(), time.monotonic(), 0, 0.0
    with httpx.stream("GET", f"{service.base}{LOG}/export?format=csv", headers=headers, timeout=300) as answer:
        for piece in answer.iter_bytes():
            size += len(piece)
            if len(piece) and size % 7 == 0:
                most = max(most, service.resident_memory())
    took = time.monotonic() - began
    print(f"export: {size / 2**20:.0f} MiB in {took:.1f} s; memory {before} MiB before, at most {most} MiB during")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        service.start({"BULKHEAD_REQUESTS_PER_MINUTE": "10000000", "BULKHEAD_LOG": "warn"})
        try:
            run(service, options)
        finally:
            service.stop()


if __name__ == "__main__":
    main()
