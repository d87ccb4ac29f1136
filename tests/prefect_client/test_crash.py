"""The server dies in the middle of runs, and comes back: they end as if nothing had been."""

from __future__ import annotations

import time

import httpx
import pytest
from client import Client
from people import Person
from service import Service
from test_flow_runs import start

pytestmark = pytest.mark.data

LONG = """
import time
from prefect import flow, task

@task
def step(n):
    time.sleep(1)
    return n

@flow
def long(name: str):
    return sum(step(n) for n in range(8))

if __name__ == "__main__":
    import sys
    print("RESULT", long(sys.argv[0]))
"""


@pytest.fixture
def alone(tmp_path):
    """A server of its own, which may die."""
    service = Service(tmp_path / "service")
    service.start()
    yield service
    service.process.kill()


def test_runs_survive_the_death_of_the_server(alone, tmp_path):
    """F-01, F-21, api.md §2, §3.3: the client's retries and receipts, and nothing acknowledged is lost."""
    ada = Person(alone, "ada").sets_up()
    ada.creates_workspace("lab")
    key = ada.creates_key("crash")
    clients = [Client(alone.base, tmp_path / f"home{n}") for n in range(2)]
    for client in clients:
        client.log_in(key, "ada/lab")
        # As after an upgrade of the server: it is back within seconds.
        client.environment |= {"PREFECT_CLIENT_MAX_RETRIES": "8"}
    place = clients[0].profile()["PREFECT_API_URL"].split("/api", 1)[1]
    http = httpx.Client(base_url=f"{alone.base}/api{place}", headers={"Authorization": f"Bearer {key}"}, trust_env=False)
    processes = [start(client, LONG) for client in clients]
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            tasks = http.post("/task_runs/filter", json={}).json()
            if sum(task["state_type"] == "COMPLETED" for task in tasks) >= 3:
                break
            time.sleep(0.2)
        before = {task["id"] for task in tasks}
        lines = {line["id"] for line in http.post("/logs/filter", json={}).json()}
        alone.crash()
        time.sleep(2)
        alone.start()
        assert before <= {task["id"] for task in http.post("/task_runs/filter", json={}).json()}
        assert lines <= {line["id"] for line in http.post("/logs/filter", json={}).json()}
        outputs = [process.communicate(timeout=120)[0] for process in processes]
        for process, said in zip(processes, outputs, strict=True):
            assert process.returncode == 0 and "RESULT 28" in said, said
    finally:
        for process in processes:
            process.kill()
    runs = http.post("/flow_runs/filter", json={}).json()
    assert [run["state_name"] for run in runs] == ["Completed", "Completed"]
    tasks = http.post("/task_runs/filter", json={}).json()
    assert sorted(task["state_name"] for task in tasks) == ["Completed"] * 16
    # Each task logs its end. A client that has never reached the server with lines drops those that it cannot
    # send, and says so (prefect 3.8.8, logging/handlers.py); nothing else may be missing.
    told = {line["task_run_id"] for line in http.post("/logs/filter", json={}).json()}
    dropped = any("Error logging to API" in said for said in outputs)
    assert dropped or told >= {task["id"] for task in tasks}
