"""What goes wrong on the way to a cloud, on request; everything else is the real thing."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

__all__ = ["Faults"]

_LOGIN = "/v2/quecauth/accessKeyAuthrize/"
_SENDS = ("/dm/readData", "/dm/writeData", "/dm/sendServiceData", "/raw/sendData")
_QUOTA = 61006
_EXPIRED = b'{"code":91004,"msg":"the token has expired"}'

Message: TypeAlias = MutableMapping[str, Any]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class _Rule:
    kind: str
    path: str
    left: int | None
    seconds: float = 0.0

    def takes(self, path: str) -> bool:
        """Whether this call is one of those it is for; counts it."""
        if self.path not in path or self.left == 0:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """Faults of the OpenAPI of one cloud. `path` is a part of the paths that a fault is for, all of them unless given;
    `times` is for how many calls, None until `clear`. Logins and renewals are spared, but where a path names them.
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._tokens: set[bytes] = set()
        self._refused: set[bytes] = set()
        self._lock = threading.Lock()

    def expire_tokens(self) -> None:
        """Every token that was handed out until now is refused from now on, with 91004."""
        with self._lock:
            self._refused |= self._tokens

    def slow(self, seconds: float, *, path: str = "", times: int | None = None) -> None:
        """Calls are answered `seconds` late."""
        self._add(_Rule("slow", path, times, seconds))

    def drop(self, *, path: str = "", times: int | None = 1) -> None:
        """The connection breaks before a call is carried out."""
        self._add(_Rule("drop", path, times))

    def drop_answer(self, *, path: str = "", times: int | None = 1) -> None:
        """A call is carried out, and then the connection breaks before its answer."""
        self._add(_Rule("drop_answer", path, times))

    def unavailable(self, *, path: str = "", times: int | None = 1) -> None:
        """Calls are answered HTTP 503 with a page for people, as a proxy in front of a cloud does."""
        self._add(_Rule("unavailable", path, times))

    def quota_used_up(self, *, times: int | None = None) -> None:
        """Commands are refused for every device with 61006: it has used up what it may send and get in a day."""
        self._add(_Rule("quota", "", times))

    def clear(self) -> None:
        """Nothing goes wrong any more; tokens that were refused stay so."""
        with self._lock:
            self._rules.clear()

    def wrap(self, doors: App) -> App:
        """Return the ASGI application with these faults in front of it."""

        async def faulty(scope: Any, receive: Any, send: Any) -> None:
            path: str = scope.get("path", "")
            if scope["type"] != "http" or not path.startswith("/v2/"):
                await doors(scope, receive, send)
                return
            await self._call(doors, scope, receive, send, path)

        return faulty

    async def _call(self, doors: App, scope: Any, receive: Any, send: Any, path: str) -> None:
        rules = self._taken(path)
        kinds = {rule.kind for rule in rules}
        await asyncio.sleep(sum(rule.seconds for rule in rules))
        if "drop" in kinds:
            await _break_off(send)
        elif "unavailable" in kinds:
            page = b"<html><body>503 Service Temporarily Unavailable</body></html>"
            await _answer(send, 503, b"text/html", page)
        elif self._is_refused(scope, path):
            await _answer(send, 200, b"application/json", _EXPIRED)
        elif "quota" in kinds:
            await _answer(send, 200, b"application/json", _without_quota(await _body(receive)))
        elif "drop_answer" in kinds:
            await doors(scope, receive, _nowhere)
            await _break_off(send)
        elif path.startswith(_LOGIN):
            await doors(scope, receive, self._remembering(send))
        else:
            await doors(scope, receive, send)

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def _taken(self, path: str) -> list[_Rule]:
        with self._lock:
            return [rule for rule in self._rules if self._is_for(rule, path) and rule.takes(path)]

    def _is_for(self, rule: _Rule, path: str) -> bool:
        if rule.kind == "quota":
            return path.endswith(_SENDS)
        return bool(rule.path) or not path.startswith(_LOGIN)

    def _is_refused(self, scope: Any, path: str) -> bool:
        with self._lock:
            if path.startswith(_LOGIN):
                query: bytes = scope.get("query_string", b"")
                return any(token.rpartition(b" ")[2] in query for token in self._refused)
            header = dict(scope["headers"]).get(b"authorization", b"")
            return header in self._refused

    def _remembering(self, send: Any) -> Any:
        async def remember(message: Message) -> None:
            body = message.get("body", b"")
            if body:
                token = msgspec.json.decode(body).get("access_token")
                if token:
                    with self._lock:
                        self._tokens.add(token.encode())
            await send(message)

        return remember


async def _nowhere(_: Message) -> None:
    """Take an answer that nobody gets."""


async def _break_off(send: Any) -> None:
    # An answer shorter than it says makes the server close the connection.
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def _answer(send: Any, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Any) -> Any:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return msgspec.json.decode(body or b"{}")


def _without_quota(request: Any) -> bytes:
    text = "the device has used up its quota"
    devices = [one if isinstance(one, dict) else {"deviceKey": one} for one in request.get("devices", ())]
    rows = [
        {
            "code": _QUOTA,
            "productKey": device.get("productKey", request.get("productKey")),
            "deviceKey": device.get("deviceKey"),
            "ticket": None,
            "message": text,
        }
        for device in devices
    ]
    return msgspec.json.encode({"code": 200, "msg": text, "data": rows})
