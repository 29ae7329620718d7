"""The one HTTP port: which door a path belongs to, health, readiness and metrics, and who the caller is."""

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

__all__ = ["Doors", "client_address"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
_JSON = (b"content-type", b"application/json")


class Doors:
    """The ASGI application of the process. `ready()` is None, or why the process is not ready.

    `rabbitmq` answers RabbitMQ, where one keeps the queues.
    """

    def __init__(
        self,
        *,
        openapi: App,
        manage: App,
        console: App,
        mqtt: App,
        registry: CollectorRegistry,
        ready: Callable[[], str | None],
        rabbitmq: App | None = None,
    ) -> None:
        self._openapi = openapi
        self._manage = manage
        self._console = console
        self._mqtt = mqtt
        self._rabbitmq = rabbitmq
        self._registry = registry
        self._ready = ready

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hand the request to the door of its path."""
        # Not a coroutine itself: that would be one more for every OpenAPI call.
        if scope["path"].startswith("/v2/") and scope["type"] == "http":
            return self._openapi(scope, receive, send)
        if scope["type"] == "websocket":
            return self._websocket(scope, receive, send)
        return self._other(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/ws/v2":
            await self._mqtt(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == "/manage/v1" or path.startswith("/manage/v1/"):
            await self._manage({**scope, "root_path": "/manage/v1"}, receive, send)
        elif path == "/console" or path.startswith("/console/"):
            # The start page is /console/ to the router; /console is what people type.
            inner = path if len(path) > len("/console") else "/console/"
            await self._console({**scope, "path": inner, "root_path": "/console"}, receive, send)
        elif path == "/":
            await _redirect(send, b"/console/")
        elif self._rabbitmq is not None and path.startswith("/rabbitmq/auth/"):
            await self._rabbitmq(scope, receive, send)
        elif path == "/metrics":
            await _respond(send, 200, _TEXT, generate_latest(self._registry))
        elif path == "/healthz":
            await _respond(send, 200, _JSON, b'{"status":"ok"}')
        elif path == "/readyz":
            reason = self._ready()
            status = {"status": "ready"} if reason is None else {"status": "not ready", "reason": reason}
            await _respond(send, 200 if reason is None else 503, _JSON, json.dumps(status).encode())
        else:
            body = json.dumps({"code": 404, "msg": f"no such path: {path[:200]}"}).encode()
            await _respond(send, 404, _JSON, body)


async def _redirect(send: Send, to: bytes) -> None:
    await send(
        {"type": "http.response.start", "status": 302, "headers": [(b"location", to), (b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})


async def _respond(send: Send, status: int, content_type: tuple[bytes, bytes], body: bytes) -> None:
    headers = [content_type, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def client_address(trusted_proxies: Sequence[str]) -> Callable[[Scope], str | None]:
    """A function that tells the caller's IP address.

    It is the peer's, or, when the peer is a trusted proxy, the last address in X-Forwarded-For that is not one itself.
    """
    networks = [ip_network(entry) for entry in trusted_proxies]

    def peer(scope: Scope) -> str | None:
        client = scope.get("client")
        return client[0] if client else None

    def behind_proxies(scope: Scope) -> str | None:
        address = peer(scope)
        hops = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        chain = [hop.strip() for hop in ",".join(hops).split(",") if hop.strip()]
        while address is not None and chain and _within(address, networks):
            address = chain.pop()
        return address

    return behind_proxies if networks else peer


def _within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
