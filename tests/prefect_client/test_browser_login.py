"""`prefect cloud login` without a key: the client waits while its user says yes in the browser."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pexpect
import pytest
from client import CURRENT, OLDER, Client
from people import PASSWORD, Person

ENTER = "\r"


@pytest.fixture(params=[CURRENT, OLDER], ids=["current", "older"])
def waiting_client(request, service, tmp_path) -> Client:
    return Client(service.base, tmp_path / "home", request.param, for_login=True)


def begins_login(client) -> tuple[pexpect.spawn, str]:
    """Starts the login at a terminal, chooses the browser, and notes the address that it opens."""
    opened, opener = client.home / "opened", client.home / "opener"
    opener.write_text('#!/bin/sh\nprintf "%s" "$1" > "$OPENED.part" && mv "$OPENED.part" "$OPENED"\n')
    opener.chmod(0o755)
    environment = client.environment | {"BROWSER": f"{opener} %s", "OPENED": str(opened), "TERM": "xterm"}
    terminal = pexpect.spawn(
        str(client.program),
        ["cloud", "login"],
        env=environment,
        cwd=str(client.home),
        dimensions=(50, 200),
        encoding="utf-8",
        timeout=60,
    )
    terminal.logfile_read = sys.stdout
    terminal.expect("How would you like to authenticate")
    terminal.expect("Paste an API key")
    terminal.send(ENTER)
    terminal.expect("Waiting for response")
    return terminal, address_in(opened)


def address_in(file: Path) -> str:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, "the client opened no browser"
        time.sleep(0.05)
    return file.read_text()


def callback_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["callback"][0]


def finishes(terminal: pexpect.spawn) -> int:
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus


def test_login_by_browser_ends_with_a_working_client(waiting_client, bob):
    """api.md 3.2, 11, product 1.13, A6, SP-20."""
    terminal, address = begins_login(waiting_client)
    assert address.startswith(f"{bob.service.base}/auth/client?callback=http%3A//localhost%3A")

    page = bob.browser.open(address)
    assert page.status == 200
    page = bob.browser.submit("Authorize")
    key = page.find(r"prefect cloud login --key (pnu_\w+)")

    # Here the page's script takes over; without it the shown command works just as well.
    answer = httpx.post(f"{callback_of(address)}/success", json={"api_key": key}, trust_env=False)
    assert answer.status_code == 200
    terminal.expect("Using workspace 'bob/attic'")
    assert finishes(terminal) == 0
    assert waiting_client.profile()["PREFECT_API_KEY"] == key
    assert "* bob/attic" in waiting_client.ok("cloud", "workspace", "ls")


def test_the_shown_command_works_by_itself(client, bob):
    """SP-20: without script, or where the browser refuses to post to the client."""
    bob.browser.open("/auth/client?callback=http%3A//localhost%3A4300")
    key = bob.browser.submit("Authorize").find(r"prefect cloud login --key (pnu_\w+)")

    assert "Using workspace 'bob/attic'" in client.log_in(key, "bob/attic")


def test_the_key_is_shown_once_and_never_kept_by_a_cache(bob):
    """SP-17, A3, BR-11."""
    bob.browser.open("/auth/client?callback=http%3A//127.0.0.1%3A4300")
    shown = bob.browser.submit("Authorize")

    assert shown.answer.headers["cache-control"] == "no-store"
    assert "pnu_" not in bob.browser.open(shown.url).answer.text


def test_the_page_may_talk_to_the_callback_and_to_nothing_else(bob):
    """SP-20, BR-04."""
    page = bob.browser.open("/auth/client?callback=http%3A//localhost%3A4300")

    directives = dict(d.strip().partition(" ")[::2] for d in page.answer.headers["content-security-policy"].split(";"))
    assert "http://localhost:4300" in directives["connect-src"].split()
    assert set(directives["connect-src"].split()) <= {"'self'", "http://localhost:4300"}


def test_looking_at_the_page_creates_no_key(bob, api):
    """BR-01: only the button does."""
    address = "/auth/client?callback=http%3A//localhost%3A4300"
    before = len(list(bob.browser.open("/profile/api-keys").root.all("tr")))

    for _ in range(3):
        assert "pnu_" not in bob.browser.open(address).answer.text

    assert len(list(bob.browser.open("/profile/api-keys").root.all("tr"))) == before


@pytest.mark.parametrize(
    "callback",
    [
        "https://evil.example",
        "http://evil.example:4300",
        "http://localhost.evil.example",
        "http://localhost.evil.example:4300",
        "http://localhost@evil.example:4300",
        "http://evil.example:4300/#http://localhost:4300",
        "http://localhost:4300@evil.example",
        "http://localhost:4300\\@evil.example",
        "//evil.example:4300",
        "/workspaces",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://localhost:4300\r\nx-evil: 1",
        "http://localhost:4300; script-src *",
        "",
    ],
)
def test_a_callback_that_is_not_the_users_own_machine_is_refused(bob, callback):
    """api.md 3.2, product 1.13: otherwise any site could harvest a key."""
    page = bob.browser.open(f"/auth/client?callback={quote(callback, safe='')}")

    assert 400 <= page.status < 500
    assert not page.buttons("Authorize")
    assert "evil" not in page.answer.headers.get("content-security-policy", "")


def test_without_a_callback_there_is_nothing_to_authorize(bob):
    """api.md 3.2."""
    page = bob.browser.open("/auth/client")

    assert 400 <= page.status < 500
    assert not page.buttons("Authorize")


def test_a_stranger_signs_in_first(service, bob):
    """W2, BR-10: after signing in, the question is still the same."""
    stranger = Person(service, "bob").browser
    page = stranger.open("/auth/client?callback=http%3A//localhost%3A4300")
    assert page.path == "/sign-in"

    page = stranger.submit("Sign in", {"Email": "bob@example.org", "Password": PASSWORD})

    assert page.path == "/auth/client"
    assert page.buttons("Authorize")
