"""The client runs flows, and finds them again with its commands."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

FLOW = """
from prefect import flow, get_run_logger

@flow(name="report", retries={retries}, retry_delay_seconds=0)
def report(fails: int):
    from prefect.runtime import flow_run
    get_run_logger().info("try %s", flow_run.run_count)
    if flow_run.run_count <= fails:
        raise ValueError("not yet")
    return 42

if __name__ == "__main__":
    report({fails})
"""


def runs_flow(client, retries: int, fails: int) -> subprocess.CompletedProcess[str]:
    script = client.home / "report.py"
    script.write_text(FLOW.format(retries=retries, fails=fails))
    return subprocess.run(
        [sys.executable, script],
        env=client.environment,
        cwd=client.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


def newest(client) -> dict:
    listed = json.loads(client.ok("flow-run", "ls", "--limit", "1", "-o", "json"))
    return listed[0]


@pytest.mark.parametrize(
    ("retries", "fails", "state", "count"), [(0, 0, "Completed", 1), (2, 1, "Completed", 2), (1, 5, "Failed", 2)]
)
def test_a_flow_runs_to_its_end(logged_in, retries, fails, state, count):
    """api.md T1, §5.1 (14), §5.2: completed, completed after a retry, failed for good."""
    ran = runs_flow(logged_in, retries, fails)

    assert (ran.returncode == 0) == (state == "Completed"), ran.stdout
    run = newest(logged_in)
    assert run["state_name"] == state
    assert run["run_count"] == count
    assert run["parameters"] == {"fails": fails}
    said = logged_in.ok("flow-run", "logs", run["id"])
    assert f"try {count}" in said
    assert run["name"] in logged_in.ok("flow-run", "inspect", run["id"])
    assert "report" in logged_in.ok("flow", "ls")


def test_a_run_is_deleted(logged_in):
    """api.md T1."""
    assert runs_flow(logged_in, 0, 0).returncode == 0
    run = newest(logged_in)

    logged_in.ok("flow-run", "delete", run["id"])

    assert run["id"] not in logged_in.ok("flow-run", "ls")


def test_a_run_is_nobody_elses(client, bob_key, logged_in, api, ada_key, tmp_path):
    """W2, AZ-03."""
    assert runs_flow(logged_in, 0, 0).returncode == 0
    run = newest(logged_in)
    theirs = next(w for w in api("GET", "/me/workspaces", bob_key).json() if w["workspace_handle"] == "attic")
    place = f"/accounts/{theirs['account_id']}/workspaces/{theirs['workspace_id']}"

    assert api("GET", f"{place}/flow_runs/{run['id']}", bob_key).status_code == 404
    assert api("POST", f"{place}/flow_runs/filter", bob_key, json={}).json() == []
