"""Deployments: what the client serves and registers, and its commands for them."""

from __future__ import annotations

import json
import signal

from client import Client, both_clients
from test_flow_runs import run, start, wait_for

SERVED = """
from prefect import flow

@flow(name="served", log_prints=True)
def served(x: int, note: str = "hi"):
    print("served", x, note)
    return x

if __name__ == "__main__":
    served.serve(name="here", parameters={"x": 1}, tags=["prod"], description="Says what it gets", version="7",
                 cron="0 6 * * 1-5")
"""

REGISTERED = """
from datetime import timedelta
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment

@flow(name="registered")
def registered(x: int = 1):
    return x

@flow(name="caller")
def caller():
    return run_deployment("registered/by-hand", parameters={"x": 7}, timeout=0)

if __name__ == "__main__":
    def deployed():
        made = registered.to_deployment("by-hand", interval=timedelta(hours=1), parameters={"x": 2}, tags=["a"])
        return made.apply()

    first = deployed()
    assert deployed() == first, "made once"
    asked = dict(parameters={"x": 3}, tags=["t"], timeout=0, as_subflow=False, idempotency_key="once")
    one = run_deployment("registered/by-hand", **asked)
    assert run_deployment(first, **asked).id == one.id, "one run for a key"
    assert one.deployment_id == first and one.parameters == {"x": 3} and set(one.tags) == {"a", "t"}
    assert one.state.is_scheduled() and one.created_by.type == "USER"
    called = caller()
    assert called.parent_task_run_id is not None and called.parameters == {"x": 7}
    try:
        run_deployment(first, parameters={"x": "no number"}, timeout=0, as_subflow=False)
    except Exception as refused:
        assert "Validation failed" in str(refused), refused
    else:
        raise AssertionError("parameters are checked")
    with get_client(sync_client=True) as client:
        client.pause_deployment(first)
        assert client.read_deployment(first).paused
        client.resume_deployment(first)
        assert not client.read_deployment(first).paused
        found = client.read_deployment_by_name("registered/by-hand")
        assert found.id == first and found.schedules[0].schedule.interval == timedelta(hours=1)
    print("DEPLOYED", first)
"""


def deployment(client: Client, name: str) -> dict:
    return json.loads(client.ok("deployment", "inspect", name, "-o", "json"))


@both_clients
def test_a_served_flow_runs_when_it_is_asked_for(logged_in):
    """DEP-04, DEP-16, api.md §4: served, found ready, run by the command, and paused when it is served no more."""
    logged_in.environment["PREFECT_RUNNER_POLL_FREQUENCY"] = "1"
    serving = start(logged_in, SERVED)
    try:
        wait_for(lambda: "served/here" in logged_in.ok("deployment", "ls"), "it is not there")
        wait_for(lambda: deployment(logged_in, "served/here")["status"] == "READY", "it is not ready")
        told = deployment(logged_in, "served/here")
        assert told["parameters"] == {"x": 1} and told["tags"] == ["prod"] and told["version"] == "7"
        assert told["schedules"][0]["schedule"]["cron"] == "0 6 * * 1-5"
        said = logged_in.ok("deployment", "run", "served/here", "--param", "x=5", "--watch")
        assert "Completed" in said or "finished" in said, said
        ran = json.loads(logged_in.ok("flow-run", "ls", "--limit", "1", "-o", "json"))[0]
        assert ran["parameters"] == {"x": 5} and ran["state_name"] == "Completed", ran
        assert ran["deployment_id"] == told["id"] and ran["deployment_version"] == "7"
        assert "served 5 hi" in logged_in.ok("flow-run", "logs", ran["id"])
    finally:
        serving.send_signal(signal.SIGINT)
        said, _ = serving.communicate(timeout=60)
    assert deployment(logged_in, "served/here")["paused"], said
    logged_in.ok("deployment", "delete", "served/here")
    assert "served/here" not in logged_in.ok("deployment", "ls")


@both_clients
def test_a_registered_deployment_is_run_and_scheduled(logged_in):
    """DEP-07, DEP-12, DEP-16, SCH-02, semantics.md 19, 20: registered without a work pool, run, scheduled, deleted."""
    status, said = run(logged_in, REGISTERED)
    assert status == 0 and "DEPLOYED" in said, said
    name = "registered/by-hand"
    schedule = lambda *words: logged_in.ok("deployment", "schedule", *words)  # noqa: E731
    schedule("create", name, "--cron", "0 6 * * 1-5", "--timezone", "Europe/Berlin")
    schedule("create", name, "--rrule", json.dumps({"rrule": "FREQ=WEEKLY;BYDAY=MO", "timezone": "UTC"}))
    kept = {next(k for k in ("cron", "interval", "rrule") if k in one["schedule"]): one for one in schedules(logged_in, name)}
    assert set(kept) == {"cron", "interval", "rrule"}
    assert kept["cron"]["schedule"]["timezone"] == "Europe/Berlin"
    cron = kept["cron"]["id"]
    assert "0 6 * * 1-5" in schedule("ls", name)
    schedule("pause", name, cron)
    assert not next(one for one in schedules(logged_in, name) if one["id"] == cron)["active"]
    schedule("resume", name, cron)
    assert next(one for one in schedules(logged_in, name) if one["id"] == cron)["active"]
    schedule("delete", name, cron, "-y")
    assert len(schedules(logged_in, name)) == 2
    schedule("clear", name, "-y")
    assert schedules(logged_in, name) == []
    logged_in.ok("deployment", "delete", name)
    assert logged_in.refused("deployment", "inspect", name)


def schedules(client: Client, name: str) -> list[dict]:
    return deployment(client, name)["schedules"]


def test_a_pool_that_is_not_there_is_named(logged_in):
    """api.md §4: there are no work pools yet, and the client says which one it looked for."""
    script = REGISTERED.replace("made.apply()", "made.apply(work_pool_name='k8s')")
    status, said = run(logged_in, script)
    assert status != 0 and "k8s" in said, said
