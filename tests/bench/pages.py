"""Response times of the pages that people open most, at a constant rate, for somebody signed in."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "prefect_client")]

import httpx  # noqa: E402
from fill import add_sizes, fill_postgres, fill_sqlite  # noqa: E402
from people import Person  # noqa: E402
from rate import measure  # noqa: E402
from service import Service  # noqa: E402

FILLED_PAGES = ["/workspaces", "/workspaces/ada/big/collaborators", "/health"]
PAGES = ["/workspaces", "/workspaces/ada/w-1", "/workspaces/ada/w-1/settings", "/workspaces/new", "/profile/api-keys"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--filled", action="store_true", help="on a full database and on one 100 times smaller")
    parser.add_argument("--peak", action="store_true", help="with --filled: how many answers there can be (needs wrk)")
    add_sizes(parser)
    parser.add_argument("pages", nargs="*")
    options = parser.parse_args()
    errors = 0
    for share in [1, 100] if options.filled else [0]:
        errors += run(options, share)
    sys.exit(1 if errors else 0)


def run(options: argparse.Namespace, share: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        service.start({"BULKHEAD_REQUESTS_PER_MINUTE": "10000000", "BULKHEAD_LOG": "warn,bulkhead=info"})
        try:
            return measure_filled(service, options, share) if share else measure_all(service, options)
        finally:
            service.stop()


def measure_filled(service: Service, options: argparse.Namespace, share: int) -> int:
    ada = Person(service, "ada").sets_up()
    sizes = argparse.Namespace(**vars(options))
    # What the person has stays the same: only what other people have shrinks.
    for name in ("workspaces", "users"):
        setattr(sizes, name, max(1, getattr(options, name) // share))
    if service.database:
        fill_postgres(service.database, sizes)
    else:
        fill_sqlite(str(service.data / "bulkhead.db"), sizes)
    print(f"{sizes.workspaces} workspaces, {sizes.users} people; {sizes.own} are one's own, {sizes.people} in one")
    errors = 0
    for page in options.pages or FILLED_PAGES:
        headers = {"Cookie": ada.browser.cookie_header()}
        figures = asyncio.run(
            measure(service.base + page, options.rate, options.connections, options.seconds, 2, headers)
        )
        errors += sum(figures.errors.values())
        print(f"{page:36} {figures.line()}", flush=True)
    if options.peak:
        measure_peak(service, ada, options)
    print(f"memory: {service.resident_memory()} MiB", flush=True)
    return errors


def measure_peak(service: Service, ada: Person, options: argparse.Namespace) -> None:
    """As many answers as there can be, beside a file and a handler with one small query of the same server."""
    static = re.search(r"/static/[\w./-]+\.css", httpx.get(f"{service.base}/sign-in").text)[0]
    for page in [static, "/ready", *FILLED_PAGES]:
        load = ["wrk", "-t2", f"-c{options.connections}", f"-d{options.seconds:g}s"]
        load += ["-H", f"Cookie: {ada.browser.cookie_header()}", service.base + page]
        told = subprocess.run(load, check=True, capture_output=True, text=True).stdout
        failed = "with failures" if "Non-2xx" in told or "Socket errors" in told else "no failures"
        print(f"{page:36} at most {re.search(r'Requests/sec: *([0-9.]+)', told)[1]}/s, {failed}", flush=True)


def measure_all(service: Service, options: argparse.Namespace) -> int:
    ada = Person(service, "ada").sets_up()
    for number in range(1, 21):
        ada.creates_workspace(f"w-{number}")
    key = ada.creates_key("bench")
    signed_in, with_key = {"Cookie": ada.browser.cookie_header()}, {"Authorization": f"Bearer {key}"}

    database = os.environ.get("TEST_DB", "sqlite")
    print(f"{options.rate:g} requests a second over {options.connections} connections, {database}")
    errors = 0
    asked = [(page, signed_in) for page in options.pages or PAGES] + [("/sign-in", {}), ("/api/me/workspaces", with_key)]
    for page, headers in asked:
        run = measure(service.base + page, options.rate, options.connections, options.seconds, 2, headers)
        figures = asyncio.run(run)
        errors += sum(figures.errors.values())
        print(f"{page:32} {figures.line()}", flush=True)
    print(f"memory: {service.resident_memory()} MiB")
    return errors


if __name__ == "__main__":
    main()
