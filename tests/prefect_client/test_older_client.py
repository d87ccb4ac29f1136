"""The 2.20 client, still in use, signs in the same way (api.md 11)."""

from __future__ import annotations

import pytest
from client import OLDER, Client


@pytest.fixture
def older(service, tmp_path) -> Client:
    return Client(service.base, tmp_path / "home", OLDER)


def test_the_older_client_logs_in_lists_and_changes_workspaces(older, ada_key, bob):
    """api.md 3.2, 11, L3."""
    assert "2.20" in older.ok("version")

    assert "Using workspace 'ada/lab'" in older.log_in(ada_key, "ada/lab")
    said = older.ok("cloud", "workspace", "ls")
    assert "* ada/lab" in said and "ada/field" in said and "attic" not in said
    older.ok("cloud", "workspace", "set", "--workspace", "ada/field")
    assert "* ada/field" in older.ok("cloud", "workspace", "ls")
    older.ok("cloud", "logout")
    assert "PREFECT_API_KEY" not in older.profile()


def test_the_older_client_says_so_when_a_key_is_wrong(older, ada):
    """api.md 3 row 1."""
    said = older.refused("cloud", "login", "--key", "pnu_" + "x" * 36, "--workspace", "ada/lab")

    assert "Unable to authenticate" in said
