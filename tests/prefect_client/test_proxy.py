"""The client behind nginx, set up as the README says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time

import httpx
import pytest
from client import Client
from people import Person
from service import ROOT, Service, free_port
from test_flow_runs import run, wait_for

TWO_TASKS = """
from prefect import flow, task

@task
def first():
    return 1

@task
def second(x):
    return x + 1

@flow
def two_tasks():
    assert second(first()) == 2

if __name__ == "__main__":
    two_tasks()
"""


def block_of_readme(port: int, behind: int) -> str:
    """The README's block for nginx, with plain http on a port of this machine in place of TLS."""
    block = re.search(r"```nginx\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    for was, now in [
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        (r"server_name [^;]+;", "server_name localhost;"),
        (r" *ssl_\w+ [^;]+;\n", ""),
        (r"http://127\.0\.0\.1:4280;", f"http://127.0.0.1:{behind};"),
    ]:
        block, count = re.subn(was, now, block)
        assert count, f"{was} is not in the README's block"
    return block


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A server, and the address of nginx before it."""
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert nginx, "nginx is not installed: tests/run installs it"
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    service = Service(folder)
    address = f"http://localhost:{port}"
    (folder / "nginx.conf").write_text(f"""
        daemon off;
        pid {folder}/pid;
        error_log stderr;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {folder}/body;
            proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi;
            scgi_temp_path {folder}/scgi;
            {block_of_readme(port, service.port)}
        }}
    """)
    service.start({"BULKHEAD_BASE_URL": address, "BULKHEAD_TRUSTED_PROXIES": "127.0.0.1"})
    process = subprocess.Popen([nginx, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx.get(f"{address}/ready", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline and process.poll() is None, "nginx does not answer"
            time.sleep(0.1)
        service.direct, service.base = service.base, address
        yield service
    finally:
        process.terminate()
        process.wait(timeout=30)
        service.stop()


@pytest.fixture(scope="module")
def key(proxied) -> str:
    # Without a mail server pages do not show kept mails behind a proxy: the first user needs none.
    ada = Person(proxied, "ada").sets_up()
    ada.creates_workspace("lab")
    return ada.creates_key("everyday")


def test_both_tasks_of_a_flow_arrive_through_nginx(proxied, key, tmp_path):
    """api.md §3.3: what is told of tasks comes over a WebSocket, which the proxy must let through."""
    client = Client(proxied.base, tmp_path / "home")
    client.log_in(key, "ada/lab")
    status, said = run(client, TWO_TASKS)
    assert status == 0, said
    assert "may be lost" not in said and "EventsWorker" not in said, said

    def tasks() -> list[dict]:
        url = client.profile()["PREFECT_API_URL"] + "/task_runs/filter"
        found = httpx.post(url, json={}, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
        return [one for one in found.raise_for_status().json() if one["state_type"] == "COMPLETED"]

    wait_for(lambda: len(tasks()) == 2, "both task runs are known and completed")
    names = {one["name"].rsplit("-", 1)[0] for one in tasks()}
    assert names == {"first", "second"}
    ran = json.loads(client.ok("flow-run", "ls", "--limit", "1", "-o", "json"))[0]
    assert ran["state"]["type"] == "COMPLETED"


def test_a_socket_that_lost_its_upgrade_names_the_proxy(proxied, key):
    """A proxy that passes no upgrade on makes a plain request of it, as this one is."""
    head = {"Authorization": f"Bearer {key}"}
    own = httpx.get(f"{proxied.base}/api/me/workspaces", headers=head, trust_env=False).json()[0]
    place = f"/api/accounts/{own['account_id']}/workspaces/{own['workspace_id']}"
    for address in ("in", "out"):
        answer = httpx.get(f"{proxied.base}{place}/events/{address}", headers=head, trust_env=False)
        assert answer.status_code == 400
        assert "proxy" in answer.json()["detail"] and "Upgrade" in answer.json()["detail"]
