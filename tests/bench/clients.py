"""Many clients at once, each running one flow: the traffic of client 3.8.8 (api.md T1, §3.3).

    tests/bench/clients.sh [sqlite|postgres] [--clients 200] [--tasks 20] [--lines 100] [--seconds 20]

Each client has connections of its own. It makes a flow and a run, opens a socket, tells of its tasks by events,
sends its logs every two seconds, pings as a checkpoint, and ends the run. Afterwards everything that was answered
or acknowledged is counted at the server: a run, state, task or line that is missing fails the script, and so does
any request that failed. A workspace beside it stays empty.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import websockets

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "prefect_client")]

from people import Person  # noqa: E402
from service import Service  # noqa: E402


def now() -> str:
    return datetime.now(UTC).isoformat()


@dataclass
class Told:
    """What the server answered to a client."""

    run: str = ""
    tasks: int = 0
    lines: int = 0
    times: list[float] = field(default_factory=list)


@dataclass
class Place:
    base: str
    path: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def event(run: str, flow: str, task: str, number: int, state: tuple[str, str | None]) -> str:
    """A state of a task, as the client tells it."""
    kind, before = state
    title = kind.title()
    return json.dumps({
        "id": str(uuid.uuid4()), "occurred": now(), "event": f"prefect.task-run.{title}", "follows": None,
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{task}", "prefect.resource.name": f"add-{number}",
            "prefect.run-count": "1", "prefect.state-message": "", "prefect.state-name": title,
            "prefect.state-timestamp": now(), "prefect.state-type": kind, "prefect.orchestration": "client",
        },
        "related": [
            {"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"},
            {"prefect.resource.id": f"prefect.flow.{flow}", "prefect.resource.role": "flow"},
        ],
        "payload": {
            "intended": {"from": before, "to": kind}, "initial_state": None,
            "validated_state": {"type": kind, "name": title, "message": "", "state_details": {}, "data": None},
            "task_run": {
                "name": f"add-{number}", "task_key": "add-fc99765c", "dynamic_key": task, "tags": [], "labels": {},
                "task_inputs": {"x": []}, "run_count": 1, "flow_run_run_count": 1,
                "empirical_policy": {"max_retries": 0, "retry_delay_seconds": 0, "retries": 0, "retry_delay": 0},
                "expected_start_time": now(), "start_time": now(), "total_run_time": 0,
            },
        },
    })  # fmt: skip


async def client(place: Place, number: int, options: argparse.Namespace) -> Told:
    told = Told()
    async with httpx.AsyncClient(base_url=place.base, headers=place.headers, trust_env=False, timeout=30) as http:

        async def call(method: str, path: str, body=None) -> httpx.Response:
            began = time.monotonic()
            answer = await http.request(method, place.path + path, json=body)
            told.times.append((time.monotonic() - began) * 1000)
            return answer.raise_for_status()

        async def state(kind: str) -> None:
            wish = {"type": kind, "name": kind.title(), "message": None, "data": None}
            details = {"transition_id": str(uuid.uuid4())}
            answer = await call("POST", f"/flow_runs/{told.run}/set_state",
                                {"state": wish | {"state_details": details}, "force": False})  # fmt: skip
            assert answer.json()["status"] == "ACCEPT", answer.text

        flow = (await call("POST", "/flows/", {"name": f"flow-{number % 20}", "tags": [], "labels": {}})).json()["id"]
        pending = {"type": "PENDING", "name": "Pending", "message": None, "state_details": {}, "data": None}
        wanted = {
            "state": pending, "name": None, "flow_id": flow, "flow_version": "29cdce22", "parameters": {"a": number},
            "context": {}, "parent_task_run_id": None, "tags": ["t1"],
            "empirical_policy": {"retries": 0, "retry_delay": 0},
        }  # fmt: skip
        told.run = (await call("POST", "/flow_runs/", wanted)).json()["id"]
        await state("RUNNING")
        await call("GET", f"/flow_runs/{told.run}")
        await call("GET", "/admin/storage")
        url = place.base.replace("http", "ws") + place.path + "/events/in"
        async with websockets.connect(url, additional_headers=place.headers, proxy=None) as socket:
            await (await socket.ping())
            await call("GET", f"/flows/{flow}")
            pause = options.seconds / options.tasks
            waiting, lines = [], options.lines // options.tasks
            for at in range(options.tasks):
                task = str(uuid.uuid4())
                for kinds in (("PENDING", None), ("RUNNING", "PENDING"), ("COMPLETED", "RUNNING")):
                    await socket.send(event(told.run, flow, task, at, kinds))
                waiting += [
                    {"name": "prefect.task_runs", "level": 20, "message": f"line {at}.{line} of some work",
                     "timestamp": now(), "flow_run_id": told.run, "task_run_id": task}
                    for line in range(lines)
                ]  # fmt: skip
                if (at + 1) * pause % 2 < pause or at + 1 == options.tasks:
                    await call("POST", "/logs/", waiting)
                    told.lines += len(waiting)
                    waiting = []
                await asyncio.sleep(pause)
            await (await socket.ping())
            told.tasks = options.tasks
        await state("COMPLETED")
    return told


async def many(place: Place, options: argparse.Namespace) -> list[Told]:
    one = [client(place, number, options) for number in range(options.clients)]
    return await asyncio.gather(*one)


def check(place: Place, told: list[Told]) -> None:
    """Everything that was acknowledged is there."""
    http = httpx.Client(headers=place.headers, trust_env=False, timeout=30)

    def ask(path: str, body: dict):
        return http.post(f"{place.base}{place.path}{path}", json=body).raise_for_status().json()

    for one in told:
        mine = {"flow_runs": {"id": {"any_": [one.run]}}}
        run = http.get(f"{place.base}{place.path}/flow_runs/{one.run}").raise_for_status().json()
        assert (run["state_type"], run["run_count"]) == ("COMPLETED", 1), run
        states = http.get(f"{place.base}{place.path}/flow_run_states/", params={"flow_run_id": one.run}).json()
        assert [state["type"] for state in states] == ["PENDING", "RUNNING", "COMPLETED"], states
        done = mine | {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
        assert ask("/task_runs/count", done) == one.tasks, one
        lines, offset = 0, 0
        while some := ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [one.run]}}, "limit": 200, "offset": offset}):
            lines, offset = lines + len(some), offset + len(some)
        assert lines == one.lines, (one, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        service.start({"BULKHEAD_REQUESTS_PER_MINUTE": "100000000"})
        try:
            ada = Person(service, "ada").sets_up()
            ada.creates_workspace("lab")
            ada.creates_workspace("other")
            key = ada.creates_key("bench")
            own = httpx.get(f"{service.base}/api/me/workspaces", headers={"Authorization": f"Bearer {key}"},
                            trust_env=False).json()  # fmt: skip
            places = {
                place["workspace_handle"]: Place(
                    service.base, f"/api/accounts/{place['account_id']}/workspaces/{place['workspace_id']}", key
                )
                for place in own
            }
            began = time.monotonic()
            told = asyncio.run(many(places["lab"], options))
            took = time.monotonic() - began
            times = sorted(at for one in told for at in one.times)
            print(f"{options.clients} clients: {len(times)} requests, {sum(one.tasks * 3 for one in told)} events, "
                  f"{sum(one.lines for one in told)} lines in {took:.1f} s; answers p50 {times[len(times) // 2]:.1f} ms, "
                  f"p99 {times[int(len(times) * 0.99)]:.1f} ms; {service.resident_memory()} MiB", flush=True)  # fmt: skip
            check(places["lab"], told)
            elsewhere = places["other"]
            count = httpx.post(f"{elsewhere.base}{elsewhere.path}/flow_runs/count", headers=elsewhere.headers, json={},
                               trust_env=False).json()  # fmt: skip
            assert count == 0, count
            print("everything that was acknowledged is there, and nothing elsewhere")
        finally:
            service.stop()


if __name__ == "__main__":
    main()
