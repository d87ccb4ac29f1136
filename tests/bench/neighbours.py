"""What somebody feels of others on the same server (F-13, F-28, F-29).

    tests/bench/neighbours.sh [sqlite|postgres] [--seconds 10] [--runs 1000000] [--logs 1000000]

Bob makes 20 runs a second and reads 20 lists a second. First alone; then while a key that only reads asks what it may, and
as often what it may not; then while Ada's key asks as fast as it can with
the usual limit of a key; then while she does so without any limit, over 500 connections; then right after that; and
at last while her workspace with so many runs and lines is deleted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import httpx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "prefect_client")]

import fill as fill_database  # noqa: E402
import runs  # noqa: E402
from people import Person  # noqa: E402
from rate import measure  # noqa: E402
from service import Service  # noqa: E402


class Place:
    """A workspace of somebody, and a key for it."""

    def __init__(self, service: Service, person: Person):
        person.creates_workspace("lab")
        self.key = person.creates_key("bench")
        self.http = httpx.Client(
            base_url=service.base, headers={"Authorization": f"Bearer {self.key}"}, trust_env=False, timeout=60
        )
        own = self.http.get("/api/me/workspaces").json()[0]
        self.id = own["workspace_id"]
        self.path = f"/api/accounts/{own['account_id']}/workspaces/{self.id}"
        self.base = service.base
        self.flow, self.ids = runs.furnish(self.call, 500)

    def call(self, path: str, body: dict) -> dict:
        return self.http.post(self.path + path, json=body).raise_for_status().json()

    def feels(self, what: str, seconds: float) -> None:
        """How long runs and lists take, at a constant rate."""
        headers = {"Authorization": f"Bearer {self.key}"}
        asked = {
            "runs": ("/flow_runs/", {"flow_id": self.flow, "state": {"type": "PENDING", "state_details": {}}}),
            "lists": ("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC", "limit": 50}),
        }

        async def both():
            return await asyncio.gather(*(
                measure(self.base + self.path + path, 20, 8, seconds, 0.5, headers, json.dumps(body).encode())
                for path, body in asked.values()
            ))  # fmt: skip

        for name, figures in zip(asked, asyncio.run(both()), strict=True):
            print(f"{what:28} {name:5} {figures.line()}", flush=True)


def refused(folder: Path, seconds: int) -> None:
    """A key that may not do something tries it over and over: no worse than as many answers (within 1.5 times)."""
    service = Service(folder)
    service.start({"BULKHEAD_REQUESTS_PER_MINUTE_OF_KEY": "100000000"})
    try:
        ada, bob = (Place(service, person) for person in (Person(service, "ada").sets_up(), Person(service, "bob").signs_up()))
        reader = Person(service, "ada").signs_in().creates_key("reader", **{"Read only": "on"})
        run = {"flow_id": ada.flow, "state": {"type": "PENDING", "state_details": {}}}
        bob.feels("alone", seconds)
        for what, path, body, status in (
            ("beside allowed reads", "/flow_runs/filter", {"limit": 1}, 200),
            ("beside refusals", "/flow_runs/", run, 403),
        ):
            url, head = ada.base + ada.path + path, {"Authorization": f"Bearer {reader}"}
            asked = httpx.post(url, json=body, headers=head, trust_env=False)
            assert asked.status_code == status, asked.text
            command = [sys.executable, HERE / "rate.py", url, "--rate", "1200", "--connections", "24"]
            command += ["--seconds", str(seconds + 3), "--key", reader, "--body", json.dumps(body)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            time.sleep(1)
            bob.feels(what, seconds)
            print(f"{'':28} these: {process.communicate(timeout=120)[0].strip()}", flush=True)
    finally:
        service.stop()


def load(place: Place, connections: int, seconds: float, body: Path) -> subprocess.Popen:
    environment = {"BENCH_KIND": "create", "BENCH_PLACE": place.path, "BENCH_KEY": place.key, "BENCH_BODY": str(body)}
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "runs.lua", "--timeout", "20s", place.base]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def answers(process: subprocess.Popen) -> str:
    out, _ = process.communicate(timeout=120)
    _, rate, bad, *_ = next(line for line in out.splitlines() if line.startswith("RESULT")).split()
    return f"{rate} answers a second, {bad} refused or failed in all"


def noisy(folder: Path, seconds: int, limited: bool) -> None:
    service = Service(folder)
    service.start({} if limited else {"BULKHEAD_REQUESTS_PER_MINUTE_OF_KEY": "100000000"})
    try:
        ada, bob = (Place(service, person) for person in (Person(service, "ada").sets_up(), Person(service, "bob").signs_up()))
        body = runs.bodies(folder, ada.flow, ada.ids)["create"]
        bob.feels("alone", seconds)
        if limited:
            # First it spends what it may ask in a burst.
            process = load(ada, 64, seconds + 15, body)
            time.sleep(12)
            bob.feels("beside a key at its limit", seconds)
            print(f"{'':28} that key: {answers(process)}")
            return
        print(f"{'':28} at 8 connections: {answers(load(ada, 8, 5, body))}")
        process = load(ada, 500, seconds + 4, body)
        time.sleep(1)
        bob.feels("beside 500 connections", seconds)
        print(f"{'':28} these: {answers(process)}; {service.resident_memory()} MiB")
        bob.feels("right afterwards", 5)
    finally:
        service.stop()


def giant(folder: Path, seconds: int, options: argparse.Namespace) -> None:
    service = Service(folder)
    service.start({"BULKHEAD_LOG": "warn"})
    try:
        ada, bob = (Place(service, person) for person in (Person(service, "ada").sets_up(), Person(service, "bob").signs_up()))
        runs.fill(service, ada.id, ada.flow, options.runs)
        now = int(time.time() * 1_000_000)
        lines = (
            (uuid.UUID(int=(now // 1000 << 80) | (7 << 76) | (2 << 62) | n), uuid.UUID(ada.id), uuid.UUID(ada.ids[n % 500]),
             None, "prefect.flow_runs", 20, "Finished in state Completed() after some work was done", now + n)
            for n in range(options.logs)
        )  # fmt: skip
        tables = {"logs": ("id workspace_id flow_run_id task_run_id name level message at", lines)}
        if service.database:
            fill_database.insert_postgres(service.database, tables)
        else:
            fill_database.insert_sqlite(str(service.data / "bulkhead.db"), tables)
        bob.feels("beside a giant workspace", seconds)
        began = time.monotonic()
        assert ada.http.delete(ada.path).status_code == 204
        print(f"{'':28} deleted after {(time.monotonic() - began) * 1000:.0f} ms")
        assert ada.http.post(ada.path + "/flow_runs/count", json={}).status_code == 404
        bob.feels("while its rows go", seconds * 2)
    finally:
        service.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument("--refused-only", action="store_true", help="only the part with what may not be asked")
    options = parser.parse_args()
    parts = (
        lambda folder: refused(folder, options.seconds),
        lambda folder: noisy(folder, options.seconds, True),
        lambda folder: noisy(folder, options.seconds, False),
        lambda folder: giant(folder, options.seconds, options),
    )
    for part in parts[:1] if options.refused_only else parts:
        with tempfile.TemporaryDirectory() as folder:
            part(Path(folder))


if __name__ == "__main__":
    main()
