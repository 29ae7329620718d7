"""What RabbitMQ's HTTP auth back end asks: user, virtual host, resource, topic.

It sends forms (GET or POST) and reads `allow` or `deny`. Who asks is known by the secret in the path, or, without one,
by coming from this machine and not through a proxy.
"""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl

import structlog

from mooring.platform.broker_access import VIRTUAL_HOST, BrokerAccess

__all__ = ["AuthDoor"]

PREFIX = "/rabbitmq/auth/"
_MAX_FORM = 16_384

_log = structlog.get_logger()

_Scope = MutableMapping[str, Any]
_Message = MutableMapping[str, Any]


class AuthDoor:
    """An ASGI application for paths below /rabbitmq/auth/."""

    def __init__(self, access: BrokerAccess, secret: str | None) -> None:
        self._access = access
        self._secret = secret

    async def __call__(
        self, scope: _Scope, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
    ) -> None:
        """Answer one question."""
        question = self._question(scope)
        if question is None:
            await _answer(send, 404, "not found")
            return
        text: bytes | None = scope["query_string"] if scope["method"] == "GET" else await _body(receive)
        if text is None:
            await _answer(send, 413, f"a form has at most {_MAX_FORM} bytes")
            return
        form = dict(parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True))
        await _answer(send, 200, "allow" if await self._decide(question, form) else "deny")

    def _question(self, scope: _Scope) -> str | None:
        """What is asked, by somebody who may ask."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "POST"):
            return None
        secret, _, question = scope["path"].removeprefix(PREFIX).rpartition("/")
        if question not in ("user", "vhost", "resource", "topic"):
            return None
        if self._secret is not None:
            return question if hmac.compare_digest(secret.encode(), self._secret.encode()) else None
        return question if not secret and _is_near(scope) else None

    async def _decide(self, question: str, form: dict[str, str]) -> bool:
        username = form.get("username", "")
        if question == "user":
            refusal = self._access.user(username, form.get("password", ""))
            if refusal is not None:
                _log.info("AMQP login refused", reason=refusal)
            return refusal is None
        if question == "vhost":
            return self._access.virtual_host(username, form.get("vhost", ""), form.get("ip"))
        if question == "resource" and form.get("resource") == "queue" and form.get("vhost") == VIRTUAL_HOST:
            return await self._access.queue(username, form.get("name", ""), form.get("permission", ""))
        return False


def _is_near(scope: _Scope) -> bool:
    client = scope.get("client")
    if client is None or any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"]):
        return False
    try:
        return ip_address(client[0]).is_loopback
    except ValueError:
        return False


async def _body(receive: Callable[[], Awaitable[_Message]]) -> bytes | None:
    found = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        found += part
        if len(found) > _MAX_FORM:
            return None
        if not message.get("more_body"):
            return found


async def _answer(send: Callable[[_Message], Awaitable[None]], status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
