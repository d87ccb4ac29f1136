"""The client runs flows, and finds them and their tasks again with its commands."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest
from client import Client, both_clients

pytestmark = pytest.mark.data

REPORT = """
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

TASKS = """
import time
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

@task(tags=["limited"])
def add(x, y):
    print("adding", x, y)
    return x + y

@task(retries=1, retry_delay_seconds=0)
def flaky():
    from prefect.runtime import task_run
    if task_run.run_count == 1:
        raise ValueError("first try")
    return "second try"

@task
def broken():
    raise RuntimeError("broken for good")

@flow(log_prints=True)
def child(n: int):
    return add(n, n)

@flow(log_prints=True, timeout_seconds=60, persist_result=True)
def parent():
    first = add(1, 2)
    later = add.submit(first, 3)
    many = add.map([1, 2, 3], 1)
    flaky()
    inner = child(5)
    bad = broken(return_state=True)
    assert bad.is_failed()
    return [first, later.result(), [one.result() for one in many], inner]

if __name__ == "__main__":
    print("RESULT", parent())
"""

SLOW = """
import time
from prefect import flow, task

@task
def wait():
    time.sleep(120)

@flow
def slow():
    open("began", "w").close()
    wait()

@flow(timeout_seconds=1)
def late():
    time.sleep(30)

if __name__ == "__main__":
    {name}()
"""

PAUSED = """
from prefect import flow, pause_flow_run
from prefect.input import RunInput

class Answer(RunInput):
    x: int

@flow(log_prints=True)
def asks():
    answer = pause_flow_run(wait_for_input=Answer, timeout=90, poll_interval=1)
    print("was told", answer.x)

if __name__ == "__main__":
    asks()
"""


NESTED = """
import time
from prefect import flow

@flow
def inner():
    time.sleep(120)

@flow
def middle():
    inner()

@flow
def outer():
    middle()

if __name__ == "__main__":
    outer()
"""

CLOCK = """
from datetime import timedelta
from prefect import flow, task
from prefect.states import Completed
from prefect.types._datetime import now

@task(log_prints=True)
def add(back: float):
    # What the client says of a task whose clock was set back while it ran.
    return Completed(message="done", data=back, timestamp=now("UTC") - timedelta(seconds=back))

@flow
def clocks():
    for back in (3, 200, 4000):
        add(back, return_state=True)

if __name__ == "__main__":
    clocks()
"""


def start(client: Client, text: str) -> subprocess.Popen[str]:
    script = client.home / "script.py"
    script.write_text(text)
    return subprocess.Popen(
        [client.python, script],
        env=client.environment,
        cwd=client.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whoever starts the tests in the background has them ignore it, and they would pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def run(client: Client, text: str) -> tuple[int, str]:
    """The status that the script ended with, and what it printed."""
    process = start(client, text)
    try:
        said, _ = process.communicate(timeout=180)
    finally:
        process.kill()
    return process.returncode, said


def newest(client: Client, *more: str) -> dict:
    return json.loads(client.ok("flow-run", "ls", "--limit", "1", "-o", "json", *more))[0]


def wait_for(condition, complaint: str, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.3)
    raise AssertionError(complaint)


@pytest.mark.parametrize(
    ("retries", "fails", "state", "count"), [(0, 0, "Completed", 1), (2, 1, "Completed", 2), (1, 5, "Failed", 2)]
)
def test_a_flow_runs_to_its_end(logged_in, retries, fails, state, count):
    """api.md T1, §5.1 (14), §5.2: completed, completed after a retry, failed for good."""
    began = time.monotonic()
    status, said = run(logged_in, REPORT.format(retries=retries, fails=fails))

    assert (status == 0) == (state == "Completed"), said
    assert "EventsWorker" not in said and "may be lost" not in said, said
    ran = newest(logged_in)
    assert ran["state_name"] == state
    assert ran["run_count"] == count
    assert ran["parameters"] == {"fails": fails}
    logs = logged_in.ok("flow-run", "logs", ran["id"])
    assert f"try {count}" in logs
    assert ran["name"] in logged_in.ok("flow-run", "inspect", ran["id"])
    assert "report" in logged_in.ok("flow", "ls")
    assert time.monotonic() - began < 120


@both_clients
def test_tasks_are_told_by_events(logged_in, ask):
    """api.md §3.3, §6, §12.2, §12.4: tasks with retries, `submit`, `map`, tags, a failure, a subflow, results."""
    status, said = run(logged_in, TASKS)

    assert status == 0, said
    assert "RESULT [3, 6, [2, 3, 4], 10]" in said
    assert "may be lost" not in said, said
    parent = ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["parent"]}}, "limit": 1})[0]
    assert parent["state_name"] == "Completed"
    of_parent = {"flow_runs": {"id": {"any_": [parent["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    tasks = wait_for(
        lambda: (found := ask("POST", "/task_runs/filter", of_parent))
        and len(found) == 8
        and all(task["state_type"] in ("COMPLETED", "FAILED") for task in found)
        and found,
        "eight tasks end",
    )
    by_key = {}
    for task in tasks:
        by_key.setdefault(task["task_key"].rsplit("-", 1)[0], []).append(task)
    assert {key: len(found) for key, found in by_key.items()} == {"add": 5, "flaky": 1, "broken": 1, "child": 1}
    assert by_key["flaky"][0]["run_count"] == 2
    assert by_key["broken"][0]["state_name"] == "Failed"
    assert by_key["add"][0]["tags"] == ["limited"]
    states = ask("GET", f"/task_run_states/?task_run_id={by_key['flaky'][0]['id']}")
    assert [state["name"] for state in states] == ["Pending", "Running", "Retrying", "Completed"]
    child = ask("POST", "/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": [parent["id"]]}}})
    assert [run["parent_task_run_id"] for run in child] == [by_key["child"][0]["id"]]
    dummy = ask("GET", f"/task_runs/{by_key['child'][0]['id']}")
    assert dummy["state_name"] == "Completed"
    assert dummy["state"]["state_details"]["child_flow_run_id"] == child[0]["id"]

    assert by_key["flaky"][0]["name"] in logged_in.ok("task-run", "ls", "--limit", "50")
    assert by_key["flaky"][0]["name"] in logged_in.ok("task-run", "inspect", by_key["flaky"][0]["id"])
    assert "adding" in logged_in.ok("flow-run", "logs", parent["id"]) or "adding" in said

    told = ask("POST", "/events/filter", {"filter": {"any_resource": {"id": [f"prefect.flow-run.{parent['id']}"]}}})
    names = {event["event"] for event in told["events"]}
    assert {"prefect.flow-run.Running", "prefect.flow-run.Completed", "prefect.task-run.Completed"} <= names


def test_a_flow_takes_no_longer_than_it_may(logged_in):
    """A timeout fails the run."""
    status, said = run(logged_in, SLOW.format(name="late"))

    assert status != 0, said
    assert newest(logged_in)["state_name"] == "TimedOut"


@both_clients
def test_a_run_is_cancelled_from_outside(logged_in, ask):
    """api.md §4: what no process is known for is cancelled at once, with its tasks."""
    process = start(logged_in, SLOW.format(name="slow"))
    try:
        ran = wait_for(
            lambda: (found := json.loads(logged_in.ok("flow-run", "ls", "--limit", "1", "-o", "json")))
            and found[0]["state_name"] == "Running"
            and found[0],
            "the run begins",
        )
        of_run = {"flow_runs": {"id": {"any_": [ran["id"]]}}}
        wait_for(lambda: ask("POST", "/task_runs/filter", of_run), "its task begins")
        logged_in.ok("flow-run", "cancel", ran["id"])
        assert ask("GET", f"/flow_runs/{ran['id']}")["state_type"] == "CANCELLING"
        ask("POST", f"/flow_runs/{ran['id']}/set_state", {"state": {"type": "CANCELLED"}, "force": True})
        assert [task["state_type"] for task in ask("POST", "/task_runs/filter", of_run)] == ["CANCELLED"]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_subflows_are_cancelled_with_their_parent(logged_in, ask):
    """api.md §4.2: they run in the same process, so they end at once, and with them theirs."""
    process = start(logged_in, NESTED)
    try:
        by_name = wait_for(
            lambda: (
                found := {
                    flow: runs[0]
                    for flow in ("outer", "middle", "inner")
                    if (runs := ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": [flow]}}}))
                    and runs[0]["state_type"] == "RUNNING"
                }
            )
            and len(found) == 3
            and found,
            "three flows run",
        )
        outer = by_name["outer"]["id"]
        logged_in.ok("flow-run", "cancel", outer)
        ask("POST", f"/flow_runs/{outer}/set_state", {"state": {"type": "CANCELLED"}, "force": True})
        ended = {flow: ask("GET", f"/flow_runs/{ran['id']}")["state_type"] for flow, ran in by_name.items()}
        assert ended == {"outer": "CANCELLED", "middle": "CANCELLED", "inner": "CANCELLED"}
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_paused_run_is_cancelled(logged_in, ask):
    """api.md §5.1 (11): the command says that it is cancelled, and so it is."""
    process = start(logged_in, PAUSED)
    try:
        ran = wait_for(
            lambda: (found := ask("POST", "/flow_runs/filter", {"limit": 1}))
            and found[0]["state_type"] == "PAUSED"
            and found[0],
            "the run pauses",
        )
        assert "successfully scheduled for cancellation" in logged_in.ok("flow-run", "cancel", ran["id"])
        assert ask("GET", f"/flow_runs/{ran['id']}")["state_type"] == "CANCELLING"
        assert ask("POST", f"/flow_runs/{ran['id']}/resume", {"run_input": {"x": 5}})["status"] == "ABORT"
        ended = {"state": {"type": "CANCELLED"}}
        assert ask("POST", f"/flow_runs/{ran['id']}/set_state", ended)["status"] == "ACCEPT"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_task_ends_though_its_clock_was_set_back(logged_in, ask):
    """api.md §3.3: by some seconds, by minutes, and by more than the client says what follows what."""
    status, said = run(logged_in, CLOCK)

    assert status == 0, said
    ran = ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["clocks"]}}, "limit": 1})[0]
    tasks = ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [ran["id"]]}}})
    assert [(task["state_name"], task["run_count"]) for task in tasks] == [("Completed", 1)] * 3
    for task in tasks:
        states = ask("GET", f"/task_run_states/?task_run_id={task['id']}")
        assert sorted(state["name"] for state in states) == ["Completed", "Pending", "Running"]


def test_a_crash_is_told(logged_in, ask):
    """A process that is asked to end tells that its run crashed."""
    process = start(logged_in, SLOW.format(name="slow"))
    try:
        ran = wait_for(
            lambda: (found := ask("POST", "/flow_runs/filter", {"limit": 1}))
            and found[0]["state_name"] == "Running"
            and (logged_in.home / "began").exists()
            and found[0],
            "the run begins",
        )
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    finally:
        process.kill()
    assert ask("GET", f"/flow_runs/{ran['id']}")["state_type"] == "CRASHED"


@both_clients
def test_a_run_waits_for_an_answer(logged_in, ask):
    """api.md §4, §5.1 (10, 11): pause, a wrong answer, the right one."""
    process = start(logged_in, PAUSED)
    try:
        ran = wait_for(
            lambda: (found := ask("POST", "/flow_runs/filter", {"limit": 1}))
            and found[0]["state_type"] == "PAUSED"
            and found[0],
            "the run pauses",
        )
        path = f"/flow_runs/{ran['id']}/resume"
        refused = ask("POST", path, {"run_input": {"x": "many"}})
        assert refused["status"] == "REJECT" and "validation failed" in refused["details"]["reason"]
        assert ask("POST", path, {"run_input": {"x": 5}})["status"] == "ACCEPT"
        said, _ = process.communicate(timeout=90)
    finally:
        process.kill()
    assert "was told 5" in said, said
    assert newest(logged_in)["state_name"] == "Completed"


def test_a_run_is_deleted(logged_in):
    """api.md T1."""
    assert run(logged_in, REPORT.format(retries=0, fails=0))[0] == 0
    ran = newest(logged_in)

    logged_in.ok("flow-run", "delete", ran["id"])

    assert ran["id"] not in logged_in.ok("flow-run", "ls")


def test_a_run_is_nobody_elses(client, bob_key, logged_in, api, ada_key, tmp_path):
    """W2, AZ-03."""
    assert run(logged_in, REPORT.format(retries=0, fails=0))[0] == 0
    ran = newest(logged_in)
    theirs = next(w for w in api("GET", "/me/workspaces", bob_key).json() if w["workspace_handle"] == "attic")
    place = f"/accounts/{theirs['account_id']}/workspaces/{theirs['workspace_id']}"

    assert api("GET", f"{place}/flow_runs/{ran['id']}", bob_key).status_code == 404
    assert api("POST", f"{place}/flow_runs/filter", bob_key, json={}).json() == []


def test_the_older_client_runs_the_same_flows(service, tmp_path, ada_key, ask):
    """api.md §11: tasks over REST, with a retry, in the same workspace."""
    from client import OLDER

    older = Client(service.base, tmp_path / "older", OLDER)
    older.log_in(ada_key, "ada/lab")
    status, said = run(older, OLD_FLOW)

    assert status == 0, said
    assert "RESULT 7" in said
    ran = ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["old-flow"]}}, "limit": 1})[0]
    assert ran["state_name"] == "Completed"
    tasks = ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [ran["id"]]}}, "sort": "NAME_ASC"})
    assert [(task["name"], task["state_name"], task["run_count"]) for task in tasks] == [
        ("add-0", "Completed", 1),
        ("flaky-0", "Completed", 2),
    ]


OLD_FLOW = """
from prefect import flow, task
from prefect.context import get_run_context

@task
def add(x, y):
    return x + y

@task(retries=1, retry_delay_seconds=0)
def flaky(x):
    if get_run_context().task_run.run_count == 1:
        raise ValueError("first try")
    return x

@flow(name="old-flow")
def old():
    return flaky(add(3, 4))

if __name__ == "__main__":
    print("RESULT", old())
"""
