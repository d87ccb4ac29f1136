"""Response times of the pages that tell who is in a large organization and its workspace, filters included.

    tests/bench/sharing.sh [--members 5000] [--bots 500] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import tempfile
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "prefect_client")]

import fill  # noqa: E402
from fill import NOW, name_of, number_of  # noqa: E402
from people import Person  # noqa: E402
from rate import measure  # noqa: E402
from service import Service  # noqa: E402

SHARING = "/workspaces/acme/lab/sharing"
MEMBERS = "/organizations/acme/members"
BOTS = "/organizations/acme/service-accounts"
ROLES = ["viewer", "runner", "developer", "owner", "worker"]
WEEK = 7 * 24 * 3600 * 1_000_000
QUERIES = ["SELECT id FROM accounts WHERE handle = 'acme'", "SELECT id FROM workspaces WHERE handle = 'lab'"]


def rows(options: argparse.Namespace, account: uuid.UUID, lab: uuid.UUID) -> fill.Tables:
    """Everybody is in the organization and has a role in its workspace; a hundred more are invited."""
    options.users = options.members + 100
    members, bots = range(options.members), range(options.bots)
    guests = range(options.members, options.users)

    def invitation(kind: int, n: int, workspace: uuid.UUID | None) -> tuple:
        email = f"user-{n}@example.org" if workspace else f"guest-{n}@example.org"
        return (number_of(kind, n), "workspace" if workspace else "organization", account, workspace, email, email,
                number_of(2, n) if workspace else None, "viewer" if workspace else None,
                None if workspace else "member", "pending", 0, NOW + WEEK, "Ada", NOW, NOW)  # fmt: skip

    def table(columns: str, rows) -> tuple:
        return columns, rows

    return {
        "accounts": table(fill.COLUMNS["accounts"], fill.accounts(options)),
        "users": table(fill.COLUMNS["users"], fill.users(options)),
        "organization_members": table(
            "id account_id user_id role sort_name search_key created_at",
            ((number_of(7, n), account, number_of(2, n), "member", name_of(n).lower(), fill.search_key(n), NOW)
             for n in range(options.users)),
        ),
        "memberships": table(
            fill.COLUMNS["memberships"] + " expires_at",
            ((number_of(8, n), lab, number_of(2, n), ROLES[n % 5], name_of(n).lower(), fill.search_key(n), "Ada", NOW,
              NOW + WEEK if n % 10 == 0 else None) for n in members),
        ),
        "service_accounts": table(
            "id account_id name name_key organization_role created_at created_by_name",
            ((number_of(9, n), account, f"bot {n}", f"bot {n}", "member", NOW, "Ada") for n in bots),
        ),
        "service_account_keys": table(
            "id service_account_id hash last_four created_at created_by_name expires_at",
            ((number_of(10, n), number_of(9, n), hashlib.sha256(str(n).encode()).digest(), "abcd", NOW, "Ada", NOW + WEEK)
             for n in bots),
        ),
        "service_account_grants": table(
            "id workspace_id service_account_id role sort_name granted_by_name created_at",
            ((number_of(11, n), lab, number_of(9, n), ROLES[n % 5], f"bot {n}", "Ada", NOW) for n in bots),
        ),
        "invitations": table(
            "id kind account_id workspace_id email email_key user_id role organization_role state generation expires_at "
            "invited_by_name created_at sent_at",
            (invitation(kind, n, place) for kind, place in [(12, lab), (13, None)] for n in guests),
        ),
    }  # fmt: skip


def run(service: Service, options: argparse.Namespace) -> None:
    ada = Person(service, "ada").sets_up()
    ada.creates_organization("acme")
    ada.creates_workspace_of("acme", "lab")
    if service.database:
        fill.insert_postgres(service.database, rows(options, *fill.ids_postgres(service.database, QUERIES)))
    else:
        path = str(service.data / "bulkhead.db")
        fill.insert_sqlite(path, rows(options, *fill.ids_sqlite(path, QUERIES)))
    kind = "PostgreSQL" if service.database else "SQLite"
    print(f"{options.members} members, {options.bots} service accounts, {kind}")
    headers = {"Cookie": ada.browser.cookie_header()}
    behind = next(link.get("href") for link in ada.browser.open(SHARING).links() if "after=" in link.get("href"))
    for page in [
        SHARING, behind, f"{SHARING}?q=rossi+4", f"{SHARING}?q=nobody+at+all", f"{SHARING}?status=pending",
        f"{SHARING}?role=worker", f"{SHARING}?sq=bot+49", f"{SHARING}?q=rossi&role=owner&sq=bot",
        MEMBERS, f"{MEMBERS}?q=rossi+4", f"{MEMBERS}?status=pending", BOTS,
    ]:  # fmt: skip
        figures = asyncio.run(measure(service.base + page, 200, 50, options.seconds, 2, headers))
        print(f"{page:64} {figures.line()}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=5000)
    parser.add_argument("--bots", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        service.start({"BULKHEAD_REQUESTS_PER_MINUTE": "10000000", "BULKHEAD_LOG": "warn"})
        try:
            run(service, options)
        finally:
            service.stop()


if __name__ == "__main__":
    main()
