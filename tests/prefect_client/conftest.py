"""One server for all tests; each test has a client of its own."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from client import CURRENT, Client
from people import Person
from service import Service


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("service"))
    service.start()
    yield service
    assert service.stop() == 0, f"the server did not end well:\n{service.output}"


@pytest.fixture(scope="session")
def ada(service) -> Person:
    """The first user, with two workspaces."""
    ada = Person(service, "ada").sets_up()
    ada.creates_workspace("lab")
    ada.creates_workspace("field")
    return ada


@pytest.fixture(scope="session")
def bob(service, ada) -> Person:
    """Somebody else, whose workspace is nobody else's business."""
    bob = Person(service, "bob").signs_up()
    bob.creates_workspace("attic")
    return bob


@pytest.fixture(scope="session")
def ada_key(ada) -> str:
    return ada.creates_key("everyday")


@pytest.fixture(scope="session")
def bob_key(bob) -> str:
    return bob.creates_key("everyday")


@pytest.fixture
def client(service, tmp_path, request) -> Client:
    return Client(service.base, tmp_path / "home", getattr(request, "param", CURRENT))


@pytest.fixture(scope="session")
def at_lab(service, ada_key, tmp_path_factory):
    """Clients that logged in once, each of its version: a login takes seconds, and what it writes is one file."""
    known: dict[Path, Client] = {}

    def of(program: Path) -> Client:
        if program not in known:
            known[program] = Client(service.base, tmp_path_factory.mktemp("logged-in"), program)
            known[program].log_in(ada_key, "ada/lab")
        return known[program]

    return of


@pytest.fixture
def logged_in(client, at_lab) -> Client:
    client.takes_profile(at_lab(client.program))
    return client


@pytest.fixture
def ask(logged_in, api, ada_key):
    """Asks the API of the workspace."""

    def call(method: str, path: str, body=None):
        answer = api(method, logged_in.place() + path, ada_key, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    return call


@pytest.fixture(scope="session")
def api(service):
    """A caller of the API that sends what it is told to, and nothing else."""
    with httpx.Client(base_url=f"{service.base}/api", timeout=30, trust_env=False) as http:

        def call(method: str, path: str, key: str | None = None, **more) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            return http.request(method, path, headers=headers | more.pop("headers", {}), **more)

        yield call
