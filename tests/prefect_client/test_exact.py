"""What the client sends is neither lost, nor changed, nor refused for its form (SP-34, SP-38, SP-42)."""

from __future__ import annotations

import json

import pytest
from client import OLDER, Client, both_clients
from test_flow_runs import run, wait_for

pytestmark = pytest.mark.data

FAILS = """
from prefect import flow

@flow(name="fails")
def fails():
    raise ValueError({message})

if __name__ == "__main__":
    fails()
"""

KEEPS = """
import json
from prefect import flow
from prefect.client.orchestration import get_client

@flow(name="keeps")
def keeps(z: int, a: dict):
    return None

if __name__ == "__main__":
    state = keeps(202402144809161001040, {"y": [1.1, 1e22], "b": 2 ** 200, "path": "C:\\\\u0000"}, return_state=True)
    with get_client(sync_client=True) as client:
        print("KEPT", json.dumps(client.read_flow_run(state.state_details.flow_run_id).parameters))
"""

TELLS = """
from datetime import datetime, timezone
from prefect import flow, task
from prefect.events import emit_event

@task
def before():
    return 1

@task
def after():
    return 2

@flow(name="tells")
def tells():
    before()
    deep = 1
    for _ in range(200):
        deep = [deep]
    thing = {"prefect.resource.id": "odd.thing"}
    emit_event("odd.large", thing, payload={"text": "x" * 1_200_000})
    emit_event("odd.digits", thing, payload={"n": int("9" * 400)})
    emit_event("odd.deep", thing, payload={"deep": deep})
    emit_event("odd.never", thing, occurred=datetime(9999, 12, 31, tzinfo=timezone.utc))
    return after()

if __name__ == "__main__":
    tells()
"""

MESSAGES = [
    ('"a\\0b"', lambda said: "a\ufffdb" in said),
    ('r"the letters \\u0000"', lambda said: r"the letters \u0000" in said),
    ('"began " + "x" * 1_200_000 + " ended"', lambda said: "characters left out" in said and said.endswith("ended")),
]


@both_clients
@pytest.mark.parametrize(("message", "fits"), MESSAGES, ids=["nul", "letters", "long"])
def test_a_run_fails_whatever_its_message(logged_in, ask, message, fits):
    status, said = run(logged_in, FAILS.format(message=message))

    assert status != 0
    ran = ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["fails"]}}, "sort": "START_TIME_DESC"})[0]
    assert ran["state"]["type"] == "FAILED", said[-2000:]
    assert fits(ran["state"]["message"])


@pytest.mark.parametrize(("message", "fits"), MESSAGES, ids=["nul", "letters", "long"])
def test_a_run_of_the_older_client_fails_too(service, tmp_path, ada_key, ask, message, fits):
    older = Client(service.base, tmp_path / "older", OLDER)
    older.log_in(ada_key, "ada/lab")
    status, said = run(older, FAILS.format(message=message))

    assert status != 0
    ran = ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["fails"]}}, "sort": "START_TIME_DESC"})[0]
    assert ran["state"]["type"] == "FAILED", said[-2000:]
    assert fits(ran["state"]["message"])


@both_clients
def test_parameters_keep_digits_and_order(logged_in):
    status, said = run(logged_in, KEEPS)

    assert status == 0, said
    expected = {"z": 202402144809161001040, "a": {"y": [1.1, 1e22], "b": 2**200, "path": "C:\\u0000"}}
    assert f"KEPT {json.dumps(expected)}" in said


@both_clients
def test_odd_events_cost_no_task_its_end(logged_in, ask):
    status, said = run(logged_in, TELLS)

    assert status == 0, said
    assert "may be lost" not in said, said
    ran = ask("POST", "/flow_runs/filter", {"flows": {"name": {"any_": ["tells"]}}, "sort": "START_TIME_DESC"})[0]
    of_run = {"flow_runs": {"id": {"any_": [ran["id"]]}}}
    wait_for(
        lambda: [task["state_type"] for task in ask("POST", "/task_runs/filter", of_run)] == ["COMPLETED"] * 2,
        "both tasks end",
    )
    asked = {"filter": {"resource": {"id": ["odd.thing"]}, "occurred": {"until": "9999-12-31T00:00:00Z"}}}
    told = {event["event"]: event for event in ask("POST", "/events/filter", asked)["events"]}
    assert set(told) == {"odd.large", "odd.digits", "odd.deep", "odd.never"}
    assert told["odd.digits"]["payload"]["n"] == int("9" * 400)
