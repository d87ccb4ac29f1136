"""The API does what its OpenAPI document says: schemathesis calls every operation, well and badly."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from people import Person
from service import Service

ACCOUNT = "/api/accounts/{account_id}"
WORKSPACE = ACCOUNT + "/workspaces/{workspace_id}"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
]


@pytest.fixture
def service(tmp_path):
    """A server of its own: what is tried here changes everything."""
    service = Service(tmp_path)
    service.start({"BULKHEAD_REQUESTS_PER_MINUTE": "1000000", "BULKHEAD_INVITATIONS_PER_DAY": "100000"})
    yield service
    assert service.stop() == 0, f"the server did not end well:\n{service.output}"


class Organization:
    """An organization with one of everything, and the key of its admin."""

    def __init__(self, service: Service):
        self.ada = Person(service, "ada").sets_up()
        self.ada.creates_organization("acme")
        for handle in ["press", "spare"]:
            self.ada.creates_workspace_of("acme", handle)
        self.key = self.ada.creates_key("everyday")
        self.http = httpx.Client(base_url=service.base, headers={"Authorization": f"Bearer {self.key}"}, trust_env=False)
        places = {place["workspace_handle"]: place for place in self.ask("GET", "/api/me/workspaces")}
        self.ids = {
            "account_id": places["press"]["account_id"],
            "workspace_id": places["press"]["workspace_id"],
            "spare_id": places["spare"]["workspace_id"],
        }
        [member] = self.ask("POST", ACCOUNT + "/account_memberships/filter")
        self.ids["user_id"] = member["user_id"]

    def ask(self, method: str, path: str, **more):
        answer = self.http.request(method, path.format(**getattr(self, "ids", {})), **more)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()

    def parameters(self) -> str:
        """The ids of what is there, for schemathesis."""
        bot = self.ask("POST", ACCOUNT + "/bots/", json={"name": "ingest"})["id"]
        role = self.ask("POST", ACCOUNT + "/workspace_roles/", json={"name": "Auditor", "scopes": ["see_flows"]})["id"]
        [sent] = self.ask("POST", ACCOUNT + "/invitations/", json={"emails": ["bob@example.org"]})
        [granted] = self.ask(
            "POST", WORKSPACE + "/bot_access/", json=[{"bot_id": bot, "workspace_role_id": role}]
        )
        [member] = self.ask("POST", ACCOUNT + "/account_memberships/filter")
        [admin] = self.ask("POST", ACCOUNT + "/account_roles/filter", json={"account_roles": {"name": {"any_": ["Admin"]}}})
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        key = self.ask("POST", "/api/users/{user_id}/api_keys", json={"name": "another", "expiration": tomorrow})["id"]
        ids = {
            ACCOUNT + "/bots/{id}": bot,
            ACCOUNT + "/bots/{id}/rotate_api_key": bot,
            ACCOUNT + "/workspace_roles/{id}": role,
            ACCOUNT + "/account_roles/{id}": admin["id"],
            ACCOUNT + "/account_memberships/{id}": member["id"],
            ACCOUNT + "/invitations/{id}": sent["invitation_id"],
            ACCOUNT + "/invitations/{id}/resend": sent["invitation_id"],
            WORKSPACE + "/bot_access/{id}": granted["id"],
            "/api/users/{user_id}/api_keys/{id}": key,
        }
        lines = ["[parameters]"]
        lines += [f'"path.{name}" = "{self.ids[name]}"' for name in ("account_id", "workspace_id", "user_id")]
        for path, id in ids.items():
            lines += ["[[operations]]", f'include-path = "{path}"', f'parameters = {{ "path.id" = "{id}" }}']
        # Filters in filters: what the coverage phase makes of one field at a time would take minutes.
        lines += ["[[operations]]", 'include-path-regex = "/(filter|paginate|count|history|lateness)$"']
        lines += ["phases.coverage.enabled = false"]
        lines += ["[[operations]]", f'include-name = "DELETE {WORKSPACE}"']
        lines += [f'parameters = {{ "path.workspace_id" = "{self.ids["spare_id"]}" }}']
        return "\n".join(lines)


def test_every_operation_answers_as_the_document_says(service, tmp_path):
    """Product 1.13, IV-11, BR-08, AZ-02, CF-06."""
    organization = Organization(service)
    config = tmp_path / "schemathesis.toml"
    config.write_text(organization.parameters())

    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={config}",
            "run",
            f"{service.base}/api/openapi.json",
            f"--header=Authorization: Bearer {organization.key}",
            f"--checks={','.join(CHECKS)}",
            "--max-examples=5",
            "--seed=1",
            "--suppress-health-check=all",
            "--warnings=off",
            "--continue-on-failure",
        ],
        cwd=tmp_path,
        env=os.environ | {"NO_PROXY": "localhost", "no_proxy": "localhost", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=900,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    organization.ask("GET", "/api/me/workspaces")
