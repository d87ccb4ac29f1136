"""The API as anybody on the network meets it."""

from __future__ import annotations

import uuid

import pytest
from browser import Browser

FIELDS = {
    "account_id",
    "account_name",
    "account_handle",
    "workspace_id",
    "workspace_name",
    "workspace_description",
    "workspace_handle",
}
UNKNOWN = "pnu_" + "x" * 36


def place(account: str, workspace: str) -> str:
    return f"/accounts/{account}/workspaces/{workspace}"


@pytest.fixture(scope="module")
def lab(api, ada_key) -> dict:
    return next(w for w in api("GET", "/me/workspaces", ada_key).json() if w["workspace_handle"] == "lab")


@pytest.fixture(scope="module")
def attic(api, bob_key) -> dict:
    return api("GET", "/me/workspaces", bob_key).json()[0]


def test_me_workspaces_has_every_field_the_client_needs(api, ada_key):
    """api.md 3.1, product 1.13, W1, L3."""
    answer = api("GET", "/me/workspaces", ada_key)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert {w["workspace_handle"] for w in answer.json()} == {"lab", "field"}
    for workspace in answer.json():
        assert FIELDS <= workspace.keys()
        assert all(isinstance(workspace[field], str) for field in FIELDS)
        for field in ("account_id", "workspace_id"):
            assert str(uuid.UUID(workspace[field])) == workspace[field]
        assert workspace["account_handle"] == "ada"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_name_of_the_scheme_may_be_written_in_any_case(api, ada_key, scheme):
    """api.md 1: the client writes both."""
    answer = api("GET", "/me/workspaces", headers={"Authorization": f"{scheme} {ada_key}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", f"Bearer {UNKNOWN}", f"Basic {UNKNOWN}", UNKNOWN, "Bearer \xff", "Bearer " + "x" * 4000],
    ids=["none", "empty", "no key", "unknown key", "other scheme", "no scheme", "not ASCII", "long"],
)
def test_without_a_good_key_the_answer_is_401_in_json(api, ada, header):
    """W2, A7, BR-08, AU-09."""
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}

    answer = api("GET", "/me/workspaces", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/json")
    assert isinstance(answer.json()["detail"], str)


def test_a_browsers_cookies_do_not_open_the_api(api, ada, lab):
    """BR-03, WS-03, D-15."""
    cookies = {"Cookie": ada.browser.cookie_header()}
    assert cookies["Cookie"]

    for path in ("/me/workspaces", place(lab["account_id"], lab["workspace_id"]) + "/health"):
        answer = api("GET", path, headers=cookies)

        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


def test_a_key_does_not_open_the_pages(api, ada_key, service):
    """BR-03."""
    browser = Browser(service.base)
    browser.http.headers["Authorization"] = f"Bearer {ada_key}"

    assert browser.open("/workspaces").path == "/sign-in"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_address_is_404_with_a_key_and_401_without(api, ada_key, lab, method):
    """AZ-02, W2, BR-08: JSON on every path of the API."""
    for path in ("/nothing/here", place(lab["account_id"], lab["workspace_id"]) + "/nothing/here"):
        for key, status in ((ada_key, 404), (None, 401), (UNKNOWN, 401)):
            answer = api(method, path, key, json={})

            assert answer.status_code == status, f"{method} {path}"
            assert answer.headers["content-type"].startswith("application/json")
            assert isinstance(answer.json()["detail"], str)


def test_somebody_elses_workspace_is_answered_like_one_that_does_not_exist(api, ada_key, lab, attic):
    """W2, AZ-03, AZ-04, D-25: the same bytes."""
    nowhere = str(uuid.uuid4())
    places = [
        place(attic["account_id"], attic["workspace_id"]),
        place(lab["account_id"], attic["workspace_id"]),
        place(attic["account_id"], lab["workspace_id"]),
        place(lab["account_id"], nowhere),
        place(nowhere, lab["workspace_id"]),
        place(nowhere, nowhere),
    ]
    for method, rest in (("POST", "/flows/filter"), ("GET", "/health"), ("GET", "/admin/version"), ("GET", "")):
        answers = [api(method, there + rest, ada_key, json={}) for there in places]

        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert len({tuple(sorted(set(answer.headers) - {"date", "connection"})) for answer in answers}) == 1


@pytest.mark.parametrize("nonsense", ["x", "%00", "..%2f..", "11111111-1111-1111-1111-11111111111", "'%20OR%201=1"])
def test_ids_that_are_none_are_404(api, ada_key, lab, nonsense):
    """W2, IV-03."""
    for path in (place(lab["account_id"], nonsense), place(nonsense, lab["workspace_id"])):
        assert api("GET", path + "/health", ada_key).status_code == 404


@pytest.mark.parametrize(("path", "told"), [("/health", True), ("/hello", "👋"), ("/admin/version", "3.8.8")])
def test_the_client_is_told_what_it_asks_of_every_server(api, ada_key, lab, path, told):
    """api.md 1, 11: health, hello and version, at the root and inside a workspace."""
    for start in ("", place(lab["account_id"], lab["workspace_id"])):
        answer = api("GET", start + path, ada_key)

        assert answer.status_code == 200
        assert answer.json() == told
