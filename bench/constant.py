"""The measure of all ratios: the HTTP server of `mooring up`, as configured there, answering constant bytes.

`python -m bench.constant '{"/path": 4096}'` serves so many bytes at each path, whatever the query.
"""

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, cast

import uvloop
from prometheus_client import CollectorRegistry

from mooring.gateway import Gateway
from mooring.http import Doors
from mooring.platform import Platform
from mooring.server import _Server
from mooring.settings import Settings, load_settings

__all__ = ["Constant", "app"]

_BACKLOG = 2048
_FILLER = b'{"code":200,"msg":"","data":"'


class Constant:
    """ASGI: nothing but the two messages of an answer, made beforehand."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._answers = {path: _answer(size) for path, size in sizes.items()}

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        start, body = self._answers[scope["path"]]
        await send(start)
        await send(body)


class _ConstantDoors(Doors):
    def __init__(self, constant: Constant) -> None:
        super().__init__(
            openapi=constant,
            manage=constant,
            console=constant,
            mqtt=constant,
            registry=CollectorRegistry(),
            ready=lambda: None,
        )
        self._constant = constant

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        await self._constant(scope, receive, send)


class _ConstantServer(_Server):
    """Mooring's own server with other doors, so that both are configured alike by construction."""

    def __init__(self, constant: Constant) -> None:
        self._constant = constant
        super().__init__(load_settings({}), cast("Platform", None), cast("Gateway", None), CollectorRegistry())

    def _doors(self, settings: Settings) -> Doors:
        return _ConstantDoors(self._constant)


def _answer(size: int) -> tuple[dict[str, Any], dict[str, Any]]:
    body = _FILLER.ljust(size - 2, b"x") + b'"}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", b"00000000-1"),
    ]
    return {"type": "http.response.start", "status": 200, "headers": headers}, {
        "type": "http.response.body",
        "body": body,
    }


async def _serve(sizes: Mapping[str, int]) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    server = _ConstantServer(Constant(sizes))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
        await asyncio.sleep(0.002)
    print(f"Constant bytes are ready: http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await serving


app = Constant({"/": 4096})
"""For servers that import their application (`bench.servers`)."""


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(json.loads(sys.argv[1])))
