"""The client signs in, looks around and leaves, all with the command line a person uses."""

from __future__ import annotations

import pytest
from people import Person


def test_login_with_a_key_writes_the_profile(client, ada_key, api):
    """api.md 3.2, product 1.13, A6, A7."""
    said = client.log_in(ada_key, "ada/lab")

    lab = next(w for w in api("GET", "/me/workspaces", ada_key).json() if w["workspace_handle"] == "lab")
    place = f"/accounts/{lab['account_id']}/workspaces/{lab['workspace_id']}"
    assert "Using workspace 'ada/lab'" in said
    assert client.profile()["PREFECT_API_KEY"] == ada_key
    assert client.profile()["PREFECT_API_URL"] == client.environment["PREFECT_CLOUD_API_URL"] + place


def test_login_names_the_workspaces_there_are_when_the_wanted_one_is_not_there(client, ada_key, bob):
    """api.md 3.2, W2: somebody else's workspace is answered like one that does not exist."""
    said = client.refused("cloud", "login", "--key", ada_key, "--workspace", "bob/attic")

    assert "Workspace 'bob/attic' not found" in said
    assert "ada/field" in said and "ada/lab" in said


def test_workspace_ls_shows_all_accessible_workspaces_and_no_others(logged_in, bob):
    """api.md 3.2, W1, W2, L3."""
    said = logged_in.ok("cloud", "workspace", "ls")

    assert "* ada/lab" in said
    assert "  ada/field" in said
    assert "attic" not in said


def test_each_key_shows_the_workspaces_of_its_own_user(client, bob_key):
    """L3, A7, AK-02."""
    client.log_in(bob_key, "bob/attic")

    said = client.ok("cloud", "workspace", "ls")

    assert "* bob/attic" in said
    assert "ada/lab" not in said and "ada/field" not in said


def test_an_organizations_admin_selects_its_workspaces(client, service, ada, ada_key):
    """api.md 3.2, H8, A7: the workspaces of an organization are there for its admins' keys, and for nobody else's."""
    cyd = Person(service, "cyd").signs_up()
    cyd.creates_organization("acme")
    cyd.creates_workspace_of("acme", "press")
    client.log_in(cyd.creates_key("everyday"), "acme/press")

    assert "* acme/press" in client.ok("cloud", "workspace", "ls")
    assert "Workspace 'acme/press' not found" in client.refused(
        "cloud", "login", "--key", ada_key, "--workspace", "acme/press"
    )


def test_a_service_account_reaches_what_is_shared_with_it_and_nothing_else(client, service, api):
    """A1, A2, A3, A7, W2, B3: made, shared and taken back by a program."""
    eli = Person(service, "eli").signs_up()
    eli.creates_organization("globex")
    for handle in ["press", "vault"]:
        eli.creates_workspace_of("globex", handle)
    key = eli.creates_key("everyday")
    places = {w["workspace_handle"]: w for w in api("GET", "/me/workspaces", key).json()}
    account = f"/accounts/{places['press']['account_id']}"
    bot = api("POST", f"{account}/bots/", key, json={"name": "ingest"}).json()
    roles = api(
        "POST", f"{account}/workspace_roles/filter", key, json={"workspace_roles": {"name": {"any_": ["Worker"]}}}
    ).json()
    access = f"{account}/workspaces/{places['press']['workspace_id']}/bot_access/"
    granted = api("POST", access, key, json=[{"bot_id": bot["id"], "workspace_role_id": roles[0]["id"]}]).json()

    client.log_in(bot["api_key"]["key"], "globex/press")

    said = client.ok("cloud", "workspace", "ls")
    assert "* globex/press" in said
    assert "vault" not in said
    assert api("DELETE", f"{access}{granted[0]['id']}", key).status_code == 204
    assert api("GET", "/me/workspaces", bot["api_key"]["key"]).json() == []


def test_workspace_set_changes_the_profile(logged_in):
    """api.md 3.2, SP-21."""
    before = logged_in.profile()["PREFECT_API_URL"]

    said = logged_in.ok("cloud", "workspace", "set", "--workspace", "ada/field")

    assert "Successfully set workspace to 'ada/field'" in said
    assert logged_in.profile()["PREFECT_API_URL"] != before
    assert "* ada/field" in logged_in.ok("cloud", "workspace", "ls")


def test_logout_forgets_the_key(logged_in):
    """api.md 3.2."""
    assert "Logged out" in logged_in.ok("cloud", "logout")

    assert "PREFECT_API_KEY" not in logged_in.profile()
    assert "not authenticated" in logged_in.refused("cloud", "workspace", "ls")


def test_the_client_takes_the_server_for_the_hosted_one(logged_in):
    """api.md 1."""
    assert "cloud" in logged_in.ok("version")


@pytest.mark.parametrize(
    "key",
    ["pnu_" + "x" * 36, "pnb_" + "x" * 36, "pnu_short", "not-a-key"],
    ids=["user key", "service account key", "too short", "no prefix"],
)
def test_a_wrong_key_is_refused(client, ada, key):
    """api.md 3 row 1, A6, AK-01."""
    said = client.refused("cloud", "login", "--key", key, "--workspace", "ada/lab")

    assert "Unable to authenticate" in said


def test_a_key_with_one_character_changed_is_refused(client, ada_key):
    """AK-01: the checksum notices."""
    changed = ada_key[:-1] + ("a" if ada_key[-1] != "a" else "b")

    said = client.refused("cloud", "login", "--key", changed, "--workspace", "ada/lab")

    assert "Unable to authenticate" in said


def test_a_revoked_key_is_refused_at_once(client, ada):
    """A5, AK-05, AZ-08."""
    key = ada.creates_key("given-away")
    client.log_in(key, "ada/lab")

    ada.revokes_key("given-away")

    assert "Unable to authenticate" in client.refused("cloud", "workspace", "ls")


def test_an_expired_key_is_refused(client, ada, service):
    """A5, AK-05."""
    key = ada.creates_key("short-lived")
    client.log_in(key, "ada/lab")

    past = "'2001-01-01T00:00:00Z'" if service.database else "1"
    service.change_row(f"UPDATE api_keys SET expires_at = {past} WHERE name = 'short-lived'")

    assert "Unable to authenticate" in client.refused("cloud", "workspace", "ls")


def test_no_key_reaches_the_servers_log(client, ada_key, service):
    """AK-06, LG-02."""
    wrong = "pnu_" + "z" * 36
    client.refused("cloud", "login", "--key", wrong, "--workspace", "ada/lab")
    client.log_in(ada_key, "ada/lab")

    assert ada_key not in service.output
    assert wrong not in service.output
