"""What a review says is what happens: each pair of accounts, against what the client wrote (product.md 1.12, 1.14)."""

from __future__ import annotations

import datetime
import json

import pytest
from client import Client
from people import Person
from test_flow_runs import REPORT, TASKS, run

pytestmark = pytest.mark.data

# A transfer touches none of their rows.
KEPT = [
    "flows",
    "flow_runs",
    "flow_run_states",
    "flow_run_inputs",
    "flow_run_leftovers",
    "task_runs",
    "task_run_states",
    "concurrency_limits",
    "concurrency_leases",
    "concurrency_holds",
    "logs",
    "events",
    "users",
    "organizations",
    "organization_members",
    "workspace_roles",
    "service_accounts",
    "two_factor",
    "recovery_codes",
]
# When something was last used is no part of what is kept.
USED = {"last_used_at", "last_seen_at", "used_at", "seen_at"}
MOVED = {"account_id", "handle", "updated_at", "default_role", "default_custom_role_id", "runs_visible_from"}

PAIRS = {
    "personal to organization": ("ada", "quay"),
    "organization to organization": ("yard", "dock"),
    "organization to personal": ("mill", "ada"),
}


class Place:
    """A workspace with people, keys, a service account and what a client ran in it."""

    def __init__(self, service, api, ada: Person, ada_key: str, source: str, target: str):
        self.service, self.api, self.ada, self.key = service, api, ada, ada_key
        self.source, self.target = source, target
        self.is_organization = source != "ada"
        self.handle = f"hold-{target}"
        if self.is_organization:
            ada.creates_organization(source)
            ada.creates_workspace_of(source, self.handle)
        else:
            ada.creates_workspace(self.handle)
        self.path = f"{source}/{self.handle}"
        found = [one for one in self.call("GET", "/me/workspaces") if one["workspace_handle"] == self.handle]
        self.account, self.id = found[0]["account_id"], found[0]["workspace_id"]
        self.at = f"/accounts/{self.account}/workspaces/{self.id}"

    def call(self, method: str, path: str, body=None, key: str | None = None):
        answer = self.api(method, path, key or self.key, **({} if body is None else {"json": body}))
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def lets_in(self, bob: Person) -> None:
        """Bob, an invitation, and of an organization a service account with a role of its own, and everybody."""
        if not self.is_organization:
            for email in (bob.email, "pam@example.org"):
                self.call("POST", f"{self.at}/invitations/", {"emails": [email]})
            bob.accepts_invitation()
            return
        account = f"/accounts/{self.account}"
        self.call("POST", f"{account}/invitations/", {"emails": [bob.email]})
        bob.accepts_invitation()
        scopes = ["see_flows", "run_flows"]
        painter = self.call("POST", f"{account}/workspace_roles/", {"name": "Painter", "scopes": scopes})["id"]
        viewer = self.call("POST", f"{account}/workspace_roles/filter", {"workspace_roles": {"name": {"any_": ["Viewer"]}}})
        members = self.call("POST", f"{account}/account_memberships/filter", {})
        [user] = [one["user_id"] for one in members if one["email"] == bob.email]
        self.call("POST", f"{self.at}/user_access/", [{"user_id": user, "workspace_role_id": painter}])
        self.robot = self.call("POST", f"{account}/bots/", {"name": "robot"})
        self.call("POST", f"{self.at}/bot_access/", [{"bot_id": self.robot["id"], "workspace_role_id": painter}])
        self.call("PUT", f"{self.at}/default_role", {"workspace_role_id": viewer[0]["id"]})

    def is_worked_in(self, client: Client) -> None:
        """The client runs flows; those of one are three days old, one goes on, and one is due."""
        client.log_in(self.key, self.path)
        assert run(client, TASKS)[0] == 0
        for _ in range(2):
            assert run(client, REPORT.format(retries=0, fails=0))[0] == 0
        flows = {one["name"]: one["id"] for one in self.call("POST", f"{self.at}/flows/filter", {})}
        days = "- interval '3 days'" if self.service.database else "- 259200000000"
        chosen = f"flow_id = '{flows['report']}'"
        if not self.service.database:
            chosen = f"flow_id = x'{flows['report'].replace('-', '')}'"
        self.service.change_row(f"UPDATE flow_runs SET ended_at = ended_at {days} WHERE {chosen}")
        soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=30)).isoformat()
        due = {"type": "SCHEDULED", "state_details": {"scheduled_time": soon}}
        for name, state in (("drifting", {"type": "RUNNING"}), ("next", due)):
            body = {"flow_id": flows["parent"], "name": name, "state": state}
            self.call("POST", f"{self.at}/flow_runs/", body)

    def of_it(self, rows: list[dict]) -> list[dict]:
        return [row for row in rows if row["workspace_id"] == self.id]


def keyed(rows: list[dict]) -> list[str]:
    """Rows that can be compared, whatever was looked at meanwhile."""
    told = ({name: value for name, value in row.items() if name not in USED} for row in rows)
    return sorted(json.dumps(row, sort_keys=True) for row in told)


def other_than(rows: list[dict], gone: list[dict]) -> list[dict]:
    ids = {row["id"] for row in gone}
    return [row for row in rows if row["id"] not in ids]


def is_untouched(before: dict, after: dict) -> None:
    for table in KEPT:
        assert keyed(before[table]) == keyed(after[table]), table
    for table in ("api_keys", "service_account_keys"):
        assert keyed(before[table]) == keyed(after[table]), table
    kept = {(row["account_id"], row["sequence"]): row for row in after["audit_entries"]}
    for row in before["audit_entries"]:
        assert kept[row["account_id"], row["sequence"]] == row


def has_moved(place: Place, before: dict, after: dict, target: str) -> None:
    """Every row that should be is what it was, its id included; what should change did, and nothing else."""
    is_untouched(before, after)
    for table in ("memberships", "service_account_grants"):
        gone = place.of_it(before[table])
        assert keyed(other_than(before[table], gone)) == keyed(after[table]), table
    there = {row["id"]: row for row in after["workspaces"]}
    for row in before["workspaces"]:
        changed = {name for name in row if row[name] != there[row["id"]][name]}
        if row["id"] == place.id:
            assert "account_id" in changed and changed <= MOVED, changed
            assert there[place.id]["account_id"] == target
        else:
            assert not changed, row["handle"]
    for old, new in zip(*(sorted(rows["invitations"], key=lambda row: row["id"]) for rows in (before, after))):
        is_void = old["workspace_id"] == place.id and old["state"] == "pending"
        assert new["state"] == ("void" if is_void else old["state"])
    [redirect] = place.of_it(after["workspace_redirects"])
    assert (redirect["account_id"], redirect["handle"]) == (place.account, place.handle)


def is_back(place: Place, before: dict, after: dict) -> None:
    """Undone, everything is what it was: ids of roles and invitations included."""
    is_untouched(before, after)
    for table in ("memberships", "service_account_grants", "invitations"):
        assert keyed(before[table]) == keyed(after[table]), table
    there = {row["id"]: row for row in after["workspaces"]}
    for row in before["workspaces"]:
        assert {name for name in row if row[name] != there[row["id"]][name]} <= {"updated_at"}, row["handle"]


def reaches(key: dict, place: Place) -> bool:
    """Whether a key counts and is not limited to another workspace."""
    end = key["expires_at"]
    if isinstance(end, int):
        end = datetime.datetime.fromtimestamp(end / 1_000_000, datetime.UTC)
    elif end:
        end = datetime.datetime.fromisoformat(end)
    counts = end is None or end > datetime.datetime.now(datetime.UTC)
    return counts and key["only_workspace_id"] in (None, place.id)


def says_what_is_there(place: Place, review: dict, rows: dict, people: dict[str, str]) -> None:
    """The source's review, part by part, against the rows."""
    parts = {}
    for part in review["review"]["impacts"]:
        parts.setdefault(part["code"], []).append(part)

    def one(code: str) -> dict:
        assert len(parts.get(code, [])) == 1, f"{code} in {sorted(parts)}"
        part = parts[code][0]
        named = ("runs-active", "runs-removed")
        assert not part["subjects"] or code in named or part["count"] in (len(part["subjects"]), 1), part
        return part

    def named(code: str) -> dict[str, str]:
        return {subject["name"]: subject["detail"] for subject in one(code)["subjects"]}

    assert {name: detail.split(" · ")[1] for name, detail in named("people-lose").items()} == people
    addresses = {f"{name.lower()}@example.org" for name in people}
    losers = {row["id"] for row in rows["users"] if row["email"] in addresses}
    keys = [row for row in rows["api_keys"] if row["user_id"] in losers and reaches(row, place)]
    assert one("keys-lose")["count"] == len(keys) and set(named("keys-lose")) == {row["name"] for row in keys}
    runs = place.of_it(rows["flow_runs"])
    flows = {row["id"]: row["name"] for row in place.of_it(rows["flows"])}
    old = [row for row in runs if flows[row["flow_id"]] == "report"]
    removed = one("runs-removed")
    assert removed["severity"] == "loses" and removed["count"] == len(old) == 2
    assert named("runs-removed") == {"report": "2"}
    ended = [row for row in runs if row["ended_at"]]
    assert sum(step["runs"] for step in removed["history"] if not step["is_kept"]) == 2
    assert sum(step["runs"] for step in removed["history"] if step["is_kept"]) == len(ended) - 2
    assert list(named("runs-active")) == ["drifting"] and one("runs-active")["count"] == 1
    assert one("runs-due")["count"] == 1
    kept = {part["title"].split(" with ")[0]: part["count"] for part in parts["contents"]}
    assert kept == {f"{len(flows)} flows": len(flows), f"{len(runs) - 2} flow runs": len(runs) - 2}
    workspaces = [row for row in rows["workspaces"] if row["account_id"] == place.account and not row["deleted_at"]]
    assert one("slot-freed")["count"] == len(workspaces) - 1
    assert one("id")["sentence"] == place.id
    new = review["target"]["account_id"]
    assert named("links-change")[f"{place.target}/{place.handle}"].endswith(f"/accounts/{new}/workspaces/{place.id}")
    url = f"{place.service.base}/api/accounts/{new}/workspaces/{place.id}"
    commands = [f'prefect cloud workspace set --workspace "{place.target}/{place.handle}"']
    assert one("profiles-change")["lines"] == [*commands, f'prefect config set PREFECT_API_URL="{url}"']
    assert one("retention-changes")["count"] == 1 and one("charges")["count"] == 0
    open_ones = [row["email"] for row in place.of_it(rows["invitations"]) if row["state"] == "pending"]
    if open_ones:
        assert list(named("invitations-end")) == open_ones
    else:
        assert "invitations-end" not in parts
    of_organizations = {"service-accounts-lose", "roles-lost", "default-role-reset", "audit-stops"}
    assert parts.keys() & of_organizations == (of_organizations if place.is_organization else set())
    if place.is_organization:
        assert named("service-accounts-lose")["robot"].startswith("Painter · ")
        assert list(named("roles-lost")) == ["Painter"]
        assert "Viewer" in one("default-role-reset")["sentence"]
        told = [row for row in rows["audit_entries"] if row["account_id"] == place.account]
        assert one("audit-stops")["count"] == len(place.of_it(told))
    assert ("audit-starts" in parts) == (place.target != "ada")


@pytest.mark.parametrize("pair", PAIRS)
def test_a_review_is_what_happens(pair, service, api, client, ada, ada_key, bob, bob_key):
    """T1 … T9, 1.14, SP-27, SP-29, SP-31: by name and number; every row that should stay does, and comes back."""
    source, target = PAIRS[pair]
    place = Place(service, api, ada, ada_key, source, target)
    place.lets_in(bob)
    place.is_worked_in(client)
    carol, carol_key = None, ada_key
    if target == "dock":
        carol = Person(service, "carol").signs_up()
        carol_key = carol.creates_key("everyday")
        carol.creates_organization(target)
    elif target != "ada":
        ada.creates_organization(target)
    if target == "ada":
        service.change_row("UPDATE accounts SET run_retention_days = 1 WHERE handle = 'ada'")
    else:
        there = [one for one in service.rows()["accounts"] if one["handle"] == target][0]["id"]
        place.call("PATCH", f"/accounts/{there}/policy", {"run_retention_days": 1}, carol_key)
    try:
        before = service.rows()
        new = [one for one in before["accounts"] if one["handle"] == target][0]["id"]
        review = place.call("POST", f"{place.at}/transfer/review", {"account_handle": target})
        role = "Painter" if place.is_organization else "Collaborator"
        people = {"Bob": f"Viewer as everybody + {role}" if place.is_organization else role}
        if carol:
            people["Ada"] = "Admin"
        says_what_is_there(place, review, before, people)
        body = {
            "account_handle": target,
            "review_hash": review["review"]["hash"],
            "acknowledge": review["acknowledge"],
            "confirm": place.path,
        }
        told = place.call("POST", f"{place.at}/transfer", body)
        transfer = f"/transfers/{told['id']}"
        if carol:
            assert (told["state"], told["awaits"]) == ("pending", "target")
            seen = place.call("GET", transfer, key=carol_key)
            gained = [part for part in seen["review"]["impacts"] if part["code"] == "people-gain"]
            assert [one["name"] for one in gained[0]["subjects"]] == ["Carol"]
            answer = {
                "review_hash": seen["review"]["hash"],
                "acknowledge": seen["acknowledge"],
                "confirm": place.path,
            }
            place.call("POST", f"{transfer}/approve", answer, carol_key)
        moved = place.call("GET", transfer, key=carol_key)
        assert moved["state"] == "completed"
        has_moved(place, before, service.rows(), new)
        runs = place.call("POST", f"/accounts/{new}/workspaces/{place.id}/flow_runs/filter", {}, carol_key)
        assert len(runs) == len(place.of_it(before["flow_runs"])) - 2
        back = {"confirm": f"{target}/{place.handle}"}
        place.call("POST", f"{transfer}/undo", back, carol_key)
        is_back(place, before, service.rows())
        assert len(place.call("POST", f"{place.at}/flow_runs/filter", {})) == len(place.of_it(before["flow_runs"]))
    finally:
        service.change_row("UPDATE accounts SET run_retention_days = NULL WHERE handle = 'ada'")
