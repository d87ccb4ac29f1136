"""A workspace moves to another account while the client works in it."""

from __future__ import annotations

import json
import re

import pytest
from client import Client
from test_flow_runs import newest, run, start, wait_for

pytestmark = pytest.mark.data

STEPS = """
import time
from prefect import flow, task

@task
def step(n):
    time.sleep(1)
    print("step", n)
    return n

@flow(log_prints=True)
def steps():
    return sum(step(n) for n in range(8))

if __name__ == "__main__":
    print("RESULT", steps())
"""


@pytest.fixture(scope="module")
def port(ada) -> str:
    """An organization of which Ada is an admin."""
    ada.creates_organization("port")
    return "port"


def transferred(ada, workspace: str, organization: str) -> str:
    """Moves one of Ada's own workspaces; what the page says."""
    ada.browser.open(f"/workspaces/ada/{workspace}/settings/transfer?target={organization}")
    page = ada.browser.submit("Transfer", {f"Type ada/{workspace} to confirm": f"ada/{workspace}"})
    assert page.status == 200 and page.path.startswith("/transfers/"), page.text
    assert "Transferred" in page.text
    return page.text


def test_whoever_has_access_in_both_places_needs_no_command(client: Client, ada, ada_key, port):
    """SP-30: a run goes on over the move by its old address, and so does the next one."""
    ada.creates_workspace("barge")
    client.log_in(ada_key, "ada/barge")
    old = client.profile()["PREFECT_API_URL"]
    process = start(client, STEPS)
    try:
        wait_for(lambda: client.run("flow-run", "ls", "--state", "Running").stdout.count("steps"), "it does not run")
        transferred(ada, "barge", port)
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "RESULT 28" in said
    assert client.profile()["PREFECT_API_URL"] == old
    ran = newest(client)
    assert ran["state_name"] == "Completed"
    assert "step 7" in client.ok("flow-run", "logs", ran["id"])
    tasks = json.loads(client.ok("task-run", "ls", "--limit", "50", "-o", "json"))
    assert [task["state_type"] for task in tasks] == ["COMPLETED"] * 8


def test_the_printed_commands_are_enough(client: Client, ada, ada_key, port, api):
    """T7 (6), (7), 1.14: what the page prints points a profile to the new place, and nothing else is needed."""
    ada.creates_workspace("ferry")
    client.log_in(ada_key, "ada/ferry")
    assert run(client, STEPS)[0] == 0
    before = client.place()
    text = transferred(ada, "ferry", port)
    moved = api("POST", before + "/flow_runs/filter", ada_key, json={})
    assert moved.status_code == 308, moved.text
    url = re.search(r'PREFECT_API_URL="([^"]+)"', text)[1]
    client.ok("cloud", "workspace", "set", "--workspace", f"{port}/ferry")
    assert client.profile()["PREFECT_API_URL"] == url
    status, said = run(client, STEPS)
    assert status == 0, said
    assert newest(client)["state_name"] == "Completed"
    runs = client.ok("flow-run", "ls")
    assert runs.count("steps") == 2, runs
