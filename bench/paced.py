"""An open load: calls are sent when they are due, over a fixed number of connections.

`python -m bench.paced '{"url": …, "paths": FILE, "token": …, "rate": 500, "seconds": 5}'` prints one line of JSON. A
call waits for a free connection when all have one in flight; its time counts from when it was due all the same, so that
a server that stalls does not look better for being asked less.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from .load import CONNECTIONS

__all__: list[str] = []

_WARM_UP_S = 1.0  # calls of the first second are not counted


class _Caller:
    """One connection with one call in flight."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._head = head

    async def call(self, path: bytes) -> None:
        """Raises RuntimeError for anything but status 200 and code 200."""
        self._writer.write(b"GET " + path + self._head)
        header = await self._reader.readuntil(b"\r\n\r\n")
        status, _, fields = header.partition(b"\r\n")
        length = next(
            int(field.partition(b":")[2])
            for field in fields.split(b"\r\n")
            if field.lower().startswith(b"content-length")
        )
        body = await self._reader.readexactly(length)
        if b" 200 " not in status or not body.startswith(b'{"code":200,'):
            raise RuntimeError(f"{path[:80]!r} answered {status!r} {body[:200]!r}")


async def _run(order: dict[str, Any], requests: Sequence[bytes]) -> None:
    url = urlsplit(order["url"])
    head = f" HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: {order['token']}\r\n\r\n".encode()
    free: asyncio.Queue[_Caller] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        free.put_nowait(_Caller(reader, writer, head))
    times: list[float] = []

    async def one(path: bytes, due: float) -> None:
        caller = await free.get()
        await caller.call(path)
        times.append(time.perf_counter() - due)
        free.put_nowait(caller)

    paths = cycle(requests)
    began, counted = time.perf_counter(), int(order["rate"] * _WARM_UP_S)
    async with asyncio.TaskGroup() as calls:
        for number in range(int(order["rate"] * order["seconds"]) + counted):
            due = began + number / order["rate"]
            ahead = due - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
            calls.create_task(one(next(paths), due))
    found = statistics.quantiles(times[counted:], n=100)
    print(f"RESULT {json.dumps({'calls': len(times), 'p50_ms': found[49] * 1e3, 'p99_ms': found[98] * 1e3})}")


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(asked, Path(asked["paths"]).read_bytes().split()))
