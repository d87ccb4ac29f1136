"""What 200 sign-ins at once do to everybody else: response times of a page while their passwords are hashed.

    BULKHEAD_BIN=target/release/bulkhead .venv/bin/python -B tests/bench/sign_ins.py [COUNT]

Each comes from an address of its own on this machine and names somebody unknown, which costs as much as a known one.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "prefect_client")]

import httpx  # noqa: E402
from rate import measure  # noqa: E402
from service import Service  # noqa: E402


async def sign_in(base: str, number: int, ready: asyncio.Barrier) -> float:
    transport = httpx.AsyncHTTPTransport(local_address=f"127.0.{1 + number // 250}.{1 + number % 250}")
    async with httpx.AsyncClient(base_url=base, transport=transport, timeout=60) as client:
        page = (await client.get("/sign-in")).text
        form = {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("csrf", "once")}
        await ready.wait()
        began = time.monotonic()
        form |= {"email": f"nobody-{number}@example.org", "password": "not the password", "next": ""}
        answer = await client.post("/sign-in", data=form, headers={"origin": base})
        assert answer.status_code == 422, answer.status_code
        return time.monotonic() - began


async def run(service: Service, count: int) -> None:
    ready = asyncio.Barrier(count + 1)
    tasks = [asyncio.create_task(sign_in(service.base, number, ready)) for number in range(count)]
    await ready.wait()
    figures = await measure(service.base + "/sign-up", 50, 10, 4, 0, {})
    took = sorted(await asyncio.gather(*tasks))
    print(f"{count} sign-ins at once: the middle one took {took[count // 2]:.2f} s, the last {took[-1]:.2f} s")
    print(f"/sign-up meanwhile, 50 a second: {figures.line()}")
    print(f"memory: {service.resident_memory()} MiB")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder))
        service.start({"BULKHEAD_LOG": "warn"})
        try:
            asyncio.run(run(service, int(sys.argv[1]) if len(sys.argv) > 1 else 200))
        finally:
            service.stop()


if __name__ == "__main__":
    main()
