"""The transfer of a large workspace between two organizations: its review, its execution, its undo, the removal of runs,
and what a neighbour feels of it.

    tests/bench/transfer.sh [sqlite|postgres] [--runs 1000000] [--members 5000] [--bots 500] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "prefect_client")]

import fill as fill_database  # noqa: E402
import httpx  # noqa: E402
import runs  # noqa: E402
import sharing  # noqa: E402
from fill import NOW, number_of  # noqa: E402
from people import Person  # noqa: E402
from rate import measure, quantile  # noqa: E402
from service import Service  # noqa: E402


def places(http: httpx.Client) -> dict[str, str]:
    """The address of each workspace, by its path."""
    return {
        f"{one['account_handle']}/{one['workspace_handle']}": (
            f"/api/accounts/{one['account_id']}/workspaces/{one['workspace_id']}"
        )
        for one in http.get("/api/me/workspaces").json()
    }


def client(service: Service, person: Person) -> httpx.Client:
    headers = {"Authorization": f"Bearer {person.creates_key('bench')}"}
    return httpx.Client(base_url=service.base, headers=headers, trust_env=False, timeout=60)


class Neighbour:
    """Makes a run every 20 ms and remembers how long each took."""

    def __init__(self, http: httpx.Client, place: str, flow: str):
        self.http, self.place, self.flow = http, place, flow
        self.times: list[float] = []
        self.stops = False

    def _run(self) -> None:
        body = {"flow_id": self.flow, "state": {"type": "PENDING", "state_details": {}}}
        while not self.stops:
            began = time.monotonic()
            self.http.post(f"{self.place}/flow_runs/", json=body).raise_for_status()
            self.times.append(time.monotonic() - began)
            time.sleep(0.02)

    def during(self, what: str, work) -> None:
        """Does something meanwhile, and tells how long that took and how long the neighbour's runs did."""
        self.times, self.stops = [], False
        thread = threading.Thread(target=self._run)
        thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        work()
        took = time.monotonic() - began
        time.sleep(0.5)
        self.stops = True
        thread.join()
        print(
            f"{what:34} {took * 1000:.0f} ms; a neighbour’s {len(self.times)} runs: "
            f"p50 {quantile(self.times, 0.5) * 1000:.1f} ms, max {max(self.times) * 1000:.1f} ms",
            flush=True,
        )


def run(service: Service, options: argparse.Namespace) -> None:
    ada = Person(service, "ada").sets_up()
    ada.creates_organization("acme")
    ada.creates_organization("other")
    ada.creates_workspace_of("acme", "lab")
    bob = Person(service, "bob").signs_up()
    bob.creates_workspace("own")
    http, his = client(service, ada), client(service, bob)
    place, own = places(http)["acme/lab"], places(his)["bob/own"]
    account, other = place.split("/")[3], None
    flow = http.post(f"{place}/flows/", json={"name": "etl"}).json()["id"]
    runs.fill(service, place.split("/")[-1], flow, options.runs)
    where = service.database or str(service.data / "bulkhead.db")
    ids = fill_database.ids_postgres if service.database else fill_database.ids_sqlite
    tables = sharing.rows(options, *ids(where, sharing.QUERIES))
    tables["api_keys"] = (
        "id user_id name hash last_four read_only created_at last_used_at",
        ((number_of(20, n), number_of(2, n), "laptop", hashlib.sha256(f"key {n}".encode()).digest(), "abcd",
          "f" if service.database else 0, NOW, NOW - n) for n in range(options.members)),
    )  # fmt: skip
    (fill_database.insert_postgres if service.database else fill_database.insert_sqlite)(where, tables)
    (other,) = ids(where, ["SELECT id FROM accounts WHERE handle = 'other'"])
    assert str(other) != account
    policy = {"run_retention_days": 30}
    http.patch(f"/api/accounts/{other}/policy", json=policy).raise_for_status()
    kind = "PostgreSQL" if service.database else "SQLite"
    print(f"{options.runs} flow runs, {options.members} members, {options.bots} service accounts, {kind}")
    page = "/workspaces/acme/lab/settings/transfer?target=other&handle=lab"
    headers = {"Cookie": ada.browser.cookie_header()}
    figures = asyncio.run(measure(service.base + page, 2, 4, options.seconds, 2, headers))
    print(f"{'review page':34} {figures.line()}", flush=True)
    neighbour = Neighbour(his, own, his.post(f"{own}/flows/", json={"name": "own"}).json()["id"])
    seen: dict = {}

    def review() -> None:
        body = {"account_handle": "other"}
        seen.update(http.post(f"{place}/transfer/review", json=body).raise_for_status().json())

    made: dict = {}

    def execute() -> None:
        body = {"account_handle": "other", "review_hash": seen["review"]["hash"], "acknowledge": seen["acknowledge"],
                "confirm": "acme/lab"}  # fmt: skip
        made.update(http.post(f"{place}/transfer", json=body).raise_for_status().json())

    def undo() -> None:
        body = {"confirm": "other/lab"}
        http.post(f"/api/transfers/{made['id']}/undo", json=body).raise_for_status()

    neighbour.during("nothing", lambda: time.sleep(2))
    for _ in range(3):
        neighbour.during("review", review)
        neighbour.during("execution", execute)
        assert made["state"] == "completed", made
        there = place.replace(account, str(other))
        took = time.monotonic()
        count = http.post(f"{there}/flow_runs/count", json={}).raise_for_status().json()
        print(f"{'count of shown runs':34} {count} in {(time.monotonic() - took) * 1000:.0f} ms")
        neighbour.during("undo", undo)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=5000)
    parser.add_argument("--bots", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        service.start({"BULKHEAD_REQUESTS_PER_MINUTE": "10000000", "BULKHEAD_REQUESTS_PER_MINUTE_OF_KEY": "10000000",
                       "BULKHEAD_LOG": "warn"})  # fmt: skip
        try:
            run(service, options)
        finally:
            service.stop()


if __name__ == "__main__":
    main()
