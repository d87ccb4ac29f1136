"""The client limits what happens at once: with its commands, in code, and by tags of tasks (contents.md 8)."""

from __future__ import annotations

import json
import time
import uuid

import pytest
from client import OLDER, Client, both_clients
from test_flow_runs import run, start, wait_for

pytestmark = pytest.mark.data

# Several threads want slots of one limit; how many held one at the same time, at most.
CODE = """
import threading, time
from prefect.concurrency.sync import concurrency, rate_limit

held, most, lock = 0, 0, threading.Lock()

def work():
    global held, most
    with concurrency("{name}", occupy=1, timeout_seconds=100, strict=True):
        with lock:
            held += 1
            most = max(most, held)
        time.sleep(0.5)
        with lock:
            held -= 1

threads = [threading.Thread(target=work) for _ in range(5)]
[one.start() for one in threads]
[one.join() for one in threads]
print("MOST", most)
began = time.monotonic()
for _ in range(4):
    rate_limit("{name}-rate", strict=True)
print("TOOK", time.monotonic() - began)
"""

STRICT = """
from prefect.concurrency.sync import concurrency, rate_limit

for what in (lambda: concurrency("{name}", strict=True).__enter__(), lambda: rate_limit("{held}")):
    try:
        what()
    except Exception as error:
        print("ERROR", type(error).__name__, error)
"""

TAGGED = """
import time
from prefect import flow, task

@task(tags=["{tag}"])
def limited(n: int):
    began = time.time()
    time.sleep({seconds})
    return began, time.time()

@flow
def tagged():
    spans = [one.result() for one in [limited.submit(n) for n in range({tasks})]]
    marks = sorted([(began, 1) for began, _ in spans] + [(end, -1) for _, end in spans])
    held = most = 0
    for _, change in marks:
        held += change
        most = max(most, held)
    print("MOST", most)

if __name__ == "__main__":
    tagged()
"""


def name() -> str:
    return f"limit-{uuid.uuid4().hex[:8]}"


def inspected(client: Client, limit: str) -> dict:
    return json.loads(client.ok("gcl", "inspect", limit, "-o", "json"))


@both_clients
def test_global_limits_are_made_shown_changed_and_deleted(logged_in):
    """LIM-01, LIM-03, LIM-08: `prefect gcl`."""
    limit = name()
    assert "Created" in logged_in.ok("gcl", "create", limit, "--limit", "5", "--slot-decay-per-second", "0.5")
    assert "already exists" in logged_in.refused("gcl", "create", limit, "--limit", "1")
    made = inspected(logged_in, limit)
    assert (made["limit"], made["active"], made["active_slots"], made["slot_decay_per_second"]) == (5, True, 0, 0.5)
    assert limit in logged_in.ok("gcl", "ls")

    logged_in.ok("gcl", "update", limit, "--limit", "7", "--slot-decay-per-second", "0")
    logged_in.ok("gcl", "disable", limit)
    changed = inspected(logged_in, limit)
    assert (changed["limit"], changed["active"], changed["slot_decay_per_second"]) == (7, False, 0.0)
    assert "already disabled" in logged_in.refused("gcl", "disable", limit)
    logged_in.ok("gcl", "enable", limit)
    assert "not found" in logged_in.refused("gcl", "update", name(), "--limit", "1")

    assert "Deleted" in logged_in.ok("gcl", "delete", limit)
    assert "not found" in logged_in.refused("gcl", "inspect", limit)
    assert "not found" in logged_in.refused("gcl", "delete", limit)


@both_clients
def test_limits_of_tags_are_made_shown_reset_and_deleted(logged_in, ask):
    """LIM-01: `prefect concurrency-limit`."""
    tag = name()
    logged_in.ok("concurrency-limit", "create", tag, "2")
    logged_in.ok("concurrency-limit", "create", tag, "3")
    assert tag in logged_in.ok("concurrency-limit", "ls")
    shown = json.loads(logged_in.ok("concurrency-limit", "inspect", tag, "-o", "json"))
    assert (shown["concurrency_limit"], shown["active_slots"]) == (3, [])
    assert inspected(logged_in, f"tag:{tag}")["id"] == shown["id"]

    task_run = str(uuid.uuid4())
    holder = {"type": "task_run", "id": task_run}
    ask("POST", "/v2/concurrency_limits/increment-with-lease", {"names": [f"tag:{tag}"], "slots": 1, "holder": holder})
    shown = json.loads(logged_in.ok("concurrency-limit", "inspect", tag, "-o", "json"))
    assert shown["active_slots"] == [task_run]
    logged_in.ok("concurrency-limit", "reset", tag)
    assert inspected(logged_in, f"tag:{tag}")["active_slots"] == 0

    logged_in.ok("concurrency-limit", "delete", tag)
    assert "No concurrency limit found" in logged_in.refused("concurrency-limit", "inspect", tag)
    assert "No concurrency limit found" in logged_in.refused("concurrency-limit", "reset", tag)


@both_clients
def test_code_holds_slots_and_waits_for_a_rate(logged_in, ask):
    """LIM-02, semantics 29: `concurrency()` and `rate_limit()`."""
    limit = name()
    logged_in.ok("gcl", "create", limit, "--limit", "2")
    logged_in.ok("gcl", "create", f"{limit}-rate", "--limit", "2", "--slot-decay-per-second", "1")

    status, said = run(logged_in, CODE.format(name=limit))

    assert status == 0, said
    assert "MOST 2" in said, said
    assert float(said.split("TOOK")[1].split()[0]) > 0.9, said
    assert inspected(logged_in, limit)["active_slots"] == 0
    hours = ask("GET", f"/v2/concurrency_limits/{limit}-rate")
    assert hours["active_slots"] <= 2


def test_what_cannot_be_is_said(logged_in):
    """semantics 29: a limit that is not there where it has to be, and a rate of what is held."""
    held = name()
    logged_in.ok("gcl", "create", held, "--limit", "2")

    status, said = run(logged_in, STRICT.format(name=name(), held=held))

    assert status == 0, said
    assert "must be created before acquiring slots" in said, said
    assert "Only concurrency limits with slot decay can be used for rate limiting" in said, said


@both_clients
def test_tasks_hold_slots_of_their_tags(logged_in, ask):
    """LIM-01, LIM-04, semantics 30: so many at once, and the limit says which."""
    tag = name()
    logged_in.ok("concurrency-limit", "create", tag, "1")
    process = start(logged_in, TAGGED.format(tag=tag, seconds=2, tasks=3))
    try:
        held = wait_for(
            lambda: ask("GET", f"/concurrency_limits/tag/{tag}")["active_slots"], "no task holds a slot"
        )
        assert len(held) == 1
        wait_for(
            lambda: ask("POST", "/task_runs/filter", {"task_runs": {"id": {"any_": held}}}), "no task is the holder"
        )
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()

    assert process.returncode == 0 and "MOST 1" in said, said
    assert ask("GET", f"/concurrency_limits/tag/{tag}")["active_slots"] == []


@pytest.mark.parametrize("client", [OLDER], ids=["2.20"], indirect=True)
def test_tasks_of_the_older_client_wait_for_a_slot(logged_in, ask):
    """LIM-09, semantics 30: the server takes and gives back the slots of tasks that it is asked about."""
    tag = name()
    logged_in.ok("concurrency-limit", "create", tag, "1")

    status, said = run(logged_in, TAGGED.format(tag=tag, seconds=1, tasks=2))

    assert status == 0 and "MOST 1" in said, said
    time.sleep(1)
    assert ask("GET", f"/concurrency_limits/tag/{tag}")["active_slots"] == []
    ask("POST", "/concurrency_limits/", {"tag": tag, "concurrency_limit": 0})
    status, said = run(logged_in, TAGGED.format(tag=tag, seconds=1, tasks=1))
    assert status != 0 and "is 0 and will deadlock" in said, said


def test_a_crashed_holder_gives_its_slot_back(logged_in, ask):
    """LIM-05: nobody renews its lease, so others go on."""
    limit = name()
    logged_in.ok("gcl", "create", limit, "--limit", "1")
    body = {"names": [limit], "slots": 1, "lease_duration": 60}
    ask("POST", "/v2/concurrency_limits/increment-with-lease", body)
    assert inspected(logged_in, limit)["active_slots"] == 1

    wait_for(lambda: ask("GET", f"/v2/concurrency_limits/{limit}")["active_slots"] == 0, "the slot stays taken", 80)
