"""The real executable, running on loopback with data of its own."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import sqlite3
import subprocess
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLE = Path(os.environ.get("BULKHEAD_BIN", ROOT / "target/debug/bulkhead")).resolve()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def psql(database: str, statement: str) -> list[str]:
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    command += ["--dbname", database, "--command", statement]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines()


def plain(value):
    """A value as PostgreSQL tells it: an id in its usual form."""
    if isinstance(value, bytes):
        return str(uuid.UUID(bytes=value)) if len(value) == 16 else value.hex()
    return value


class Service:
    """`bulkhead serve` on SQLite, or on a fresh PostgreSQL database when TEST_DB=postgres."""

    def __init__(self, folder: Path):
        self.port = free_port()
        self.base = f"http://localhost:{self.port}"
        self.data = folder / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.database = self._fresh_postgres() if os.environ.get("TEST_DB") == "postgres" else None
        self.secret = secrets.token_urlsafe(48)
        self.lines: list[str] = []

    def _fresh_postgres(self) -> str:
        cluster = os.environ["TEST_DATABASE_URL"]
        name = f"client_{secrets.token_hex(6)}"
        psql(cluster, f"CREATE DATABASE {name}")
        return urlsplit(cluster)._replace(path=f"/{name}").geturl()

    def start(self, settings: dict[str, str] | None = None) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "BULKHEAD_DATA_DIR": str(self.data),
            "BULKHEAD_BIND": f"127.0.0.1:{self.port}",
            "BULKHEAD_BASE_URL": self.base,
        }
        if self.database:
            environment["BULKHEAD_DATABASE_URL"] = self.database
            environment["BULKHEAD_SECRET_KEY"] = self.secret
        environment |= settings or {}
        self.process = subprocess.Popen(
            [EXECUTABLE, "serve"],
            env=environment,
            cwd=self.data,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self.wait(lambda: httpx.get(f"{self.base}/ready", trust_env=False).status_code == 200, "it is not ready")

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(timeout=30)
        finally:
            self.process.kill()

    def crash(self) -> None:
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait(timeout=30)

    def resident_memory(self) -> float:
        """In MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return round(int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024, 1)

    def setup_link(self) -> str:
        """The printed link that makes the first user."""
        return self.wait(lambda: re.search(r"/setup\?token=[\w.~-]+", self.output), "it printed no setup link")[0]

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def change_row(self, statement: str) -> None:
        """Changes data behind the server's back, where a test cannot wait for days."""
        if self.database:
            psql(self.database, statement)
            return
        with closing(self._opened()) as connection, connection:
            connection.execute(statement)

    def rows(self) -> dict[str, list[dict]]:
        """All rows of all tables, as they are kept."""
        if self.database:
            names = psql(self.database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            told = {name: psql(self.database, f"SELECT row_to_json(t) FROM {name} t") for name in names}
            return {name: [json.loads(row) for row in rows] for name, rows in told.items()}
        with closing(self._opened()) as connection:
            connection.row_factory = sqlite3.Row
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            tables = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}
        return {name: [{key: plain(row[key]) for key in row.keys()} for row in rows] for name, rows in tables.items()}

    def _opened(self) -> sqlite3.Connection:
        files = [f for f in self.data.rglob("*") if f.is_file() and f.read_bytes()[:15] == b"SQLite format 3"]
        assert len(files) == 1, f"one database, not {files}"
        return sqlite3.connect(files[0], timeout=10)

    def wait(self, condition, complaint: str, seconds: float = 60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the server ended:\n{self.output}"
            try:
                if result := condition():
                    return result
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{complaint}:\n{self.output}")

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line)
