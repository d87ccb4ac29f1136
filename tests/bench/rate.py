#!/usr/bin/env python3
"""Sends requests at a constant rate over kept connections, and tells how long the answers took.

    tests/bench/rate.py http://localhost:4280/workspaces --rate 200 --connections 50 --seconds 30 --cookie NAME=VALUE

Every request has its moment on a fixed timetable, and its time counts from that moment even when no connection was
free to send it: a server that stalls cannot hide the requests that had to wait (coordinated omission). "late" is how
long after its moment a request was sent although a connection was free: that is this program's fault, not the
server's, and is taken off. Where it comes near the figures themselves, the machine was too busy to measure.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import ipaddress
import math
import socket
import sys
import time
from urllib.parse import urlsplit


@dataclasses.dataclass
class Figures:
    seconds: float = 0.0
    times: list[float] = dataclasses.field(default_factory=list)
    late: list[float] = dataclasses.field(default_factory=list)
    errors: dict[str, int] = dataclasses.field(default_factory=dict)

    def error(self, kind: str) -> None:
        self.errors[kind] = self.errors.get(kind, 0) + 1

    def line(self) -> str:
        shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
        parts = [f"{name} {quantile(self.times, share) * 1000:.2f} ms" for name, share in shares.items()]
        rate = len(self.times) / self.seconds if self.seconds else 0.0
        errors = ", ".join(f"{count} × {kind}" for kind, count in sorted(self.errors.items())) or "0"
        late = f"late p99 {quantile(self.late, 0.99) * 1000:.2f} ms"
        return f"{len(self.times)} answers, {rate:.1f}/s · {' · '.join(parts)} · errors {errors} · {late}"


def quantile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan


class Connection:
    def __init__(self, host: str, port: int, request: bytes):
        self.host, self.port, self.request = host, port, request
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None

    async def ask(self) -> int:
        """Sends the request, reads the whole answer, and returns its status."""
        if not self.writer:
            await self.open()
        self.writer.write(self.request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        headers = dict(line.split(":", 1) for line in head.split("\r\n")[1:] if ":" in line)
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                await self.reader.readexactly(size + 2)
            await self.reader.readuntil(b"\r\n")
        else:
            await self.reader.readexactly(int(headers.get("content-length", 0)))
        if "close" in headers.get("connection", ""):
            self.close()
        return status


async def measure(
    url: str, rate: float, connections: int, seconds: float, warm_up: float, headers: dict, body: bytes | None = None
) -> Figures:
    parts = urlsplit(url)
    address = loopback(parts.hostname, parts.port or 80)
    lines = {"Host": parts.netloc, "Accept": "text/html,application/json", "Accept-Encoding": "gzip, br"} | headers
    target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    method = "GET"
    if body is not None:
        method = "POST"
        lines |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    request = head.encode() + (body or b"")

    figures, turn = Figures(), 0
    total, skipped = int((warm_up + seconds) * rate), int(warm_up * rate)
    lanes = [Connection(address, parts.port or 80, request) for _ in range(connections)]
    await asyncio.gather(*(lane.open() for lane in lanes))
    start = time.perf_counter() + 0.1

    async def work(lane: Connection) -> None:
        nonlocal turn
        while turn < total:
            mine, turn = turn, turn + 1
            moment, free = start + mine / rate, time.perf_counter()
            if (rest := moment - free) > 0:
                await asyncio.sleep(rest)
            sent = time.perf_counter()
            try:
                status = await asyncio.wait_for(lane.ask(), 30)
                problem = None if 200 <= status < 300 else f"status {status}"
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, TimeoutError, asyncio.TimeoutError) as error:
                problem = type(error).__name__
                lane.close()
            done = time.perf_counter()
            if mine < skipped:
                continue
            late = sent - max(moment, free)
            figures.late.append(late)
            if problem:
                figures.error(problem)
            else:
                figures.times.append(done - moment - late)

    await asyncio.gather(*(work(lane) for lane in lanes))
    figures.seconds = time.perf_counter() - start - warm_up
    for lane in lanes:
        lane.close()
    return figures


def loopback(host: str, port: int) -> str:
    """The address under which this machine answers; load goes nowhere else."""
    candidates = ["127.0.0.1", "::1"] if host == "localhost" else [host]
    for address in candidates:
        try:
            if ipaddress.ip_address(address).is_loopback:
                socket.create_connection((address, port), timeout=5).close()
                return address
        except (OSError, ValueError):
            continue
    sys.exit(f"nothing answers at {host}:{port} on this machine")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--warm-up", type=float, default=2, help="seconds before counting begins")
    parser.add_argument("--cookie", help="the Cookie header")
    parser.add_argument("--key", help="an API key, sent as a bearer token")
    parser.add_argument("--body", help="JSON to post instead of a GET")
    options = parser.parse_args()
    headers = {"Cookie": options.cookie} if options.cookie else {}
    if options.key:
        headers["Authorization"] = f"Bearer {options.key}"
    body = options.body.encode() if options.body else None
    run = measure(options.url, options.rate, options.connections, options.seconds, options.warm_up, headers, body)
    figures = asyncio.run(run)
    print(figures.line())
    sys.exit(1 if figures.errors else 0)


if __name__ == "__main__":
    main()
