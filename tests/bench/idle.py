"""What somebody feels while another address holds a thousand idle connections (F-12).

    tests/bench/idle.sh [sqlite|postgres] [--connections 1000] [--descriptors 1024]

The server starts with so many descriptors as its soft limit. One address opens connections and says nothing; from another
one a page is asked for, each time over a new connection.
"""

from __future__ import annotations

import argparse
import http.client
import resource
import socket
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "prefect_client")]

from service import Service  # noqa: E402


def page(port: int) -> tuple[float, str]:
    began = time.monotonic()
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=("127.0.0.2", 0))
    try:
        asked.request("GET", "/sign-in")
        status = str(asked.getresponse().status)
    except OSError as error:
        status = type(error).__name__
    finally:
        asked.close()
    return (time.monotonic() - began) * 1000, status


def pages(what: str, port: int, count: int) -> None:
    found = [page(port) for _ in range(count)]
    times = sorted(each for each, _ in found)
    told = {status: sum(1 for _, each in found if each == status) for _, status in found}
    print(f"{what:24} p50 {times[len(times) // 2]:8.1f} ms  slowest {times[-1]:8.1f} ms  answers {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--descriptors", type=int, default=1024)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        resource.setrlimit(resource.RLIMIT_NOFILE, (options.descriptors, hard))
        service.start()
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        port = int(service.base.rsplit(":", 1)[1])
        idle = []
        try:
            pages("alone", port, 50)
            for _ in range(options.connections):
                one = socket.socket()
                one.settimeout(2)
                one.bind(("127.0.0.3", 0))
                idle.append(one)
                try:
                    one.connect(("127.0.0.1", port))
                except TimeoutError:
                    print(f"after {len(idle) - 1} of them no other one is taken in", flush=True)
                    break
            # No longer than a head may take to arrive.
            pages(f"beside {len(idle)} idle ones", port, 10)
        finally:
            for one in idle:
                one.close()
            service.stop()


if __name__ == "__main__":
    main()
