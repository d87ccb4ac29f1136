"""Requests of clients that run flows, a second: Bulkhead, and Prefect's own server beside it.

    tests/bench/runs.sh [sqlite|postgres] [--seconds 5] [--runs 10000] [--others 999] [--without-prefect] [--pages]

Creates, `flow_runs/filter` limit 50 among `--runs` runs (of one workspace, with `--others` beside it), logs in batches of 100, `set_state`; each at 1 and at
8 connections of wrk. Both servers get the same bodies. Then the rows of a created run, without any server.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
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
import raw  # noqa: E402
from people import Person  # noqa: E402
from service import Service, free_port, psql  # noqa: E402

KINDS = ["create", "filter", "logs", "state"]


def bodies(folder: Path, flow: str, ids: list[str]) -> dict[str, Path]:
    """The bodies of a client of 3.8.8, as files."""
    details = {"traceparent": None}
    pending = {"type": "PENDING", "name": "Pending", "message": None, "state_details": details, "data": None}
    create = {
        "state": pending, "name": None, "flow_id": flow, "flow_version": "29cdce2292e76cf2b6525f7f081e6c7b",
        "parameters": {"a": 1}, "context": {}, "parent_task_run_id": None,
        "empirical_policy": {"retries": 0, "retry_delay": 0}, "tags": ["t1"],
    }  # fmt: skip
    line = {
        "name": "prefect.flow_runs", "level": 20, "message": "Finished in state Completed() after some work was done",
        "timestamp": "2026-11-23T08:13:23.241573Z", "flow_run_id": ids[0], "task_run_id": None,
    }  # fmt: skip
    texts = {
        "create": json.dumps(create),
        "filter": json.dumps({"sort": "EXPECTED_START_TIME_DESC", "limit": 50, "offset": 0}),
        "logs": json.dumps([line] * 100),
        "state": "\n".join(ids),
    }
    for kind, text in texts.items():
        (folder / kind).write_text(text)
    return {kind: folder / kind for kind in texts}


def furnish(call, runs: int) -> tuple[str, list[str]]:
    """A flow with so many runs; the ids of 500 of them."""
    flow = call("/flows/", {"name": "bench"})["id"]
    state = {"type": "PENDING", "state_details": {}}
    made = [call("/flow_runs/", {"flow_id": flow, "state": state})["id"] for _ in range(min(runs, 500))]
    return flow, made


def load(base: str, place: str, key: str, kind: str, body: Path, connections: int, seconds: int) -> tuple:
    environment = os.environ | {
        "BENCH_KIND": kind, "BENCH_PLACE": place, "BENCH_KEY": key, "BENCH_BODY": str(body),
    }  # fmt: skip
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "runs.lua", "--timeout", "20s", base]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"RESULT ([\d.]+) (\d+) ([\d.]+) ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1]), int(found[2]), float(found[3]), float(found[4])


def measure(name: str, base: str, place: str, key: str, files: dict[str, Path], seconds: int, kinds=KINDS) -> None:
    for kind in kinds:
        for connections in (1, 8):
            rate, bad, middle, slow = load(base, place, key, kind, files[kind], connections, seconds)
            print(f"{name:10} {kind:7} {connections} connections: {rate:8.0f}/s  p50 {middle:7.2f} ms  "
                  f"p99 {slow:7.2f} ms  failed {bad}", flush=True)  # fmt: skip


def resident(pid: int) -> float:
    return round(int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024, 1)


def others(service: Service, workspaces: int) -> None:
    """Workspaces of other people, each with a flow and ten runs."""
    sizes = argparse.Namespace(users=workspaces, workspaces=workspaces, own=0, people=1)
    at = fill_database.NOW - 86_400_000_000
    flows = ((fill_database.number_of(7, n), fill_database.number_of(3, n), "flow", "[]", "{}", at, at)
             for n in range(workspaces))  # fmt: skip
    runs = (
        (fill_database.number_of(8, n * 10 + one), fill_database.number_of(3, n), fill_database.number_of(7, n), *ended(at + n * 10 + one))
        for n in range(workspaces)
        for one in range(10)
    )  # fmt: skip
    tables = {"flows": ("id workspace_id name tags labels created_at updated_at", flows), "flow_runs": (COLUMNS, runs)}
    if service.database:
        fill_database.fill_postgres(service.database, sizes)
        fill_database.insert_postgres(service.database, tables)
    else:
        file = str(service.data / "bulkhead.db")
        fill_database.fill_sqlite(file, sizes)
        fill_database.insert_sqlite(file, tables)


COLUMNS = (
    "id workspace_id flow_id name tags body policy state state_type state_name state_at run_count expected_start_at "
    "started_at ended_at total_run_micros created_at updated_at"
)
STATE = json.dumps({
    "id": "01a20777-84ee-7538-ac03-a4aae07e7444", "type": "COMPLETED", "name": "Completed",
    "timestamp": "2026-11-23T08:13:23.054295Z", "message": None, "data": None, "state_details": {},
})  # fmt: skip


def ended(at: int) -> tuple:
    """A run that ended, from its name on."""
    return (f"run-{at}", '["t1"]', "{}", "{}", STATE, "COMPLETED", "Completed", at, 1, at, at, at, 1_000_000, at, at)


def fill(service: Service, workspace: str, flow: str, runs: int) -> None:
    """More runs behind the server's back: ended, one every 8.64 seconds, so 10,000 a day."""
    step, now = 8_640_000, int(time.time() * 1_000_000)
    moments = (now - n * step for n in range(runs, 0, -1))
    place = uuid.UUID(workspace), uuid.UUID(flow)
    rows = ((uuid.UUID(int=(at // 1000 << 80) | (7 << 76) | (2 << 62) | at % 1000), *place, *ended(at)) for at in moments)
    if service.database:
        fill_database.insert_postgres(service.database, {"flow_runs": (COLUMNS, rows)})
    else:
        fill_database.insert_sqlite(str(service.data / "bulkhead.db"), {"flow_runs": (COLUMNS, rows)})


def bulkhead(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        limits = {"BULKHEAD_REQUESTS_PER_MINUTE": "100000000", "BULKHEAD_REQUESTS_PER_MINUTE_OF_KEY": "100000000"}
        service.start(limits)
        try:
            ada = Person(service, "ada").sets_up()
            ada.creates_workspace("lab")
            key = ada.creates_key("bench")
            http = httpx.Client(base_url=service.base, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
            own = http.get("/api/me/workspaces").json()[0]
            place = f"/api/accounts/{own['account_id']}/workspaces/{own['workspace_id']}"

            def call(path: str, body: dict) -> dict:
                return http.post(place + path, json=body).raise_for_status().json()

            flow, ids = furnish(call, options.runs)
            began = time.monotonic()
            fill(service, own["workspace_id"], flow, options.runs - len(ids))
            if options.others:
                others(service, options.others)
            print(f"{options.runs} runs (filled in {time.monotonic() - began:.1f} s), "
                  f"{service.resident_memory()} MiB before the load", flush=True)  # fmt: skip
            if options.pages:
                pages(ada, options.seconds)
            files = bodies(Path(folder), flow, ids)
            measure("Bulkhead", service.base, place, key, files, options.seconds, options.kinds.split(","))
            print(f"Bulkhead after the load: {service.resident_memory()} MiB", flush=True)
        finally:
            service.stop()
        if service.database:
            rates = {n: raw.on_postgres(service.database, n, options.seconds) for n in (1, 8)}
        else:
            (file,) = service.data.rglob("*.db")
            rates = {n: raw.on_sqlite(file, n, options.seconds) for n in (1, 8)}
        print("the same rows without a server: " + ", ".join(f"{n} at once {rate:.0f}/s" for n, rate in rates.items()),
              flush=True)  # fmt: skip


def pages(ada: Person, seconds: int) -> None:
    """The pages of runs, one after another."""
    for path in ("/workspaces/ada/lab", "/workspaces/ada/lab/flow-runs", "/workspaces/ada/lab/flow-runs?state=failed",
                 "/workspaces/ada/lab/flows"):  # fmt: skip
        times = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            assert ada.browser.open(path).status == 200
            times.append((time.monotonic() - began) * 1000)
        times.sort()
        print(f"{path:45} p50 {times[len(times) // 2]:6.1f} ms  p99 {times[int(len(times) * 0.99)]:6.1f} ms", flush=True)


def prefect(options: argparse.Namespace) -> None:
    """Prefect's own server of the same pins, with its own defaults."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        environment = os.environ | {
            "HOME": folder, "PREFECT_HOME": folder, "PREFECT_API_URL": f"{base}/api", "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
        }  # fmt: skip
        if os.environ.get("TEST_DB") == "postgres":
            url = os.environ["TEST_DATABASE_URL"]
            psql(url, "CREATE DATABASE prefect_bench")
            at = url.rsplit("/", 1)[0].replace("postgres://", "postgresql://").replace("postgresql://", "")
            environment["PREFECT_API_DATABASE_CONNECTION_URL"] = f"postgresql+asyncpg://{at}/prefect_bench"
        program = Path(sys.executable).parent / "prefect"
        command = [program, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        began = time.monotonic()
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            http = httpx.Client(base_url=base, trust_env=False, timeout=30)
            while True:
                try:
                    if http.get("/api/health").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                assert time.monotonic() - began < 120, "Prefect's server does not start"
                time.sleep(0.05)
            print(f"Prefect    start to ready {time.monotonic() - began:.2f} s, {resident(server.pid)} MiB", flush=True)

            def call(path: str, body: dict) -> dict:
                # On SQLite it refuses some when many come at once, as its client knows and retries.
                for _ in range(20):
                    answer = http.post("/api" + path, json=body)
                    if answer.status_code != 503:
                        break
                    time.sleep(0.5)
                return answer.raise_for_status().json()

            flow, ids = furnish(call, options.runs)
            measure("Prefect", base, "/api", "", bodies(Path(folder), flow, ids), options.seconds)
            print(f"Prefect    after the load: {resident(server.pid)} MiB", flush=True)
        finally:
            server.terminate()
            server.wait(timeout=60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--others", type=int, default=0, help="so many workspaces of other people, with ten runs each")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which requests, joined by commas")
    parser.add_argument("--without-prefect", action="store_true")
    parser.add_argument("--pages", action="store_true", help="also the pages of runs")
    options = parser.parse_args()
    assert shutil.which("wrk"), "install wrk (Debian's package) first"
    bulkhead(options)
    if not options.without_prefect:
        prefect(options)


if __name__ == "__main__":
    main()
