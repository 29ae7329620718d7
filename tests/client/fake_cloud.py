"""A small honest cloud for tests of the client: it checks signatures and tokens as the contract says."""

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from mooring.client import AsyncClient, Client, Retries
from mooring.protocol.login import LoginFieldError, in_window, parse_username, verify

ACCESS_KEY = "24b9zicjuns41H6MDg71AMnP"
ACCESS_SECRET = "6AE3p2SnA9ShP7ofigrccoeeks8DDoteJ1jUUTEz"
MISSING_KEY = "AccessKey didn't exists"

Answer = dict[str, Any] | httpx.Response
Handler = Callable[[httpx.Request], Answer]


class Clock:
    """A clock that moves only when told to; seconds."""

    def __init__(self, now: float = 1_743_059_249.391) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class FakeCloud:
    """Logs in, renews, lists products and exports thing models; counts what it is asked.

    `override` maps the end of a path to a handler that answers in place of the cloud, once per entry.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.calls: Counter[str] = Counter()
        self.requests: list[httpx.Request] = []
        self.lifetime: object = 7200
        self.login_answer: Answer | None = None
        self.refresh_answer: Answer | None = None
        self.token_http_status = 200
        self.rows: list[dict[str, Any]] = [{"productKey": f"PK{number:04}"} for number in range(1, 6)]
        self.answers: dict[str, Answer | Exception] = {}
        self.delay = 0.0
        self._issued: dict[str, float] = {}
        self._serial = itertools.count(1)
        self._lock = threading.Lock()

    def revoke_all(self) -> None:
        self._issued.clear()

    def handle(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        with self._lock:
            self.calls[name] += 1
            self.requests.append(request)
        if name in ("accessKeyLogin", "refreshToken"):
            time.sleep(self.delay)
        return self._response(self._answer(name, request))

    async def handle_async(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.001)
        return self.handle(request)

    def _answer(self, name: str, request: httpx.Request) -> Answer:
        if name == "accessKeyLogin":
            return self.login_answer or self._login(request.url.params)
        if name == "refreshToken":
            return self.refresh_answer or self._refresh(request.url.params)
        refusal = self._refusal(request.headers.get("Authorization"))
        if refusal is not None:
            return refusal
        answer = self.answers.get(name)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        return self._products(request.url.params)

    def _response(self, answer: Answer) -> httpx.Response:
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        status = self.token_http_status if answer.get("code") in (91001, 91004) else 200
        return httpx.Response(status, json=answer, headers={"X-Request-Id": "req-1"})

    def _login(self, params: httpx.QueryParams) -> Answer:
        username = params["username"]
        try:
            request = parse_username(username)
        except LoginFieldError as error:
            return {"code": 50005, "msg": str(error)}
        if params["grant_type"] != "password":
            return {"code": 50005, "msg": "grant_type"}
        if request.access_key != ACCESS_KEY:
            return {"code": 90047, "msg": MISSING_KEY, "error": MISSING_KEY}
        if not in_window(request.timestamp_ms, int(self.clock() * 1000)):
            return {"code": 50005, "msg": "stale timestamp"}
        if not verify(username, ACCESS_SECRET, params["password"]):
            return {"code": 401, "msg": "wrong password"}
        return self._issue()

    def _refresh(self, params: httpx.QueryParams) -> Answer:
        token = params["refresh_token"]
        if params["grant_type"] != "refresh_token" or self._refusal(token) is not None:
            return {"code": 91004, "msg": "Wrong token"}
        if self.clock() - self._issued[token] < 1800:
            return self._token(token)
        return self._issue()

    def _issue(self) -> Answer:
        token = f"QJWT opaque.{next(self._serial)}.signature"
        self._issued[token] = self.clock()
        return self._token(token)

    def _token(self, value: str) -> Answer:
        answer: dict[str, Any] = {"code": 200, "msg": "OK", "access_token": value, "token_type": "jwt", "scope": ""}
        if self.lifetime is not None:
            answer["expires_in"] = self.lifetime
        return answer

    def _refusal(self, token: str | None) -> Answer | None:
        if token is None:
            return {"code": 91001, "msg": "No token"}
        issued_at = self._issued.get(token)
        lifetime = self.lifetime if isinstance(self.lifetime, int) else 7200
        if issued_at is None or self.clock() >= issued_at + lifetime:
            return {"code": 91004, "msg": "Wrong token"}
        return None

    def _products(self, params: httpx.QueryParams) -> Answer:
        number, size = int(params["pageNum"]), int(params["pageSize"])
        key = params.get("productKey")
        rows = [row for row in self.rows if key in (None, row["productKey"])]
        return {
            "code": 200,
            "msg": "",
            "data": rows[(number - 1) * size : number * size],
            "pageNum": number,
            "pageSize": size,
            "pages": -(-len(rows) // size),
            "total": len(rows),
        }


def sync_client(cloud: FakeCloud, secret: str = ACCESS_SECRET, key: str = ACCESS_KEY, **options: Any) -> Client:
    """Return a client that talks to `cloud` in process and, unless told to, does not try again."""
    options.setdefault("retries", Retries(attempts=0))
    return Client(key, secret, transport=httpx.MockTransport(cloud.handle), clock=cloud.clock, **options)


def async_client(cloud: FakeCloud, secret: str = ACCESS_SECRET, key: str = ACCESS_KEY, **options: Any) -> AsyncClient:
    """Return an async client that talks to `cloud` in process and, unless told to, does not try again."""
    options.setdefault("retries", Retries(attempts=0))
    transport = httpx.MockTransport(cloud.handle_async)
    return AsyncClient(key, secret, transport=transport, clock=cloud.clock, **options)


def ok(data: object) -> dict[str, Any]:
    """Return a success envelope."""
    return {"code": 200, "msg": "", "data": data}


def text_of(request: httpx.Request) -> Any:
    """Return the JSON body of a request."""
    return json.loads(request.content)


def settle(value: Any) -> Any:
    """Return what a call of either client gives; asks the awaitables of the async one for it."""
    if isinstance(value, Awaitable):
        return asyncio.run(_wait(value))
    return value


def walk(rows: Any) -> list[Any]:
    """Return all rows of a listing of either client."""
    if hasattr(rows, "__aiter__"):
        return asyncio.run(_collect(rows))
    return list(rows)


async def _wait(value: Awaitable[Any]) -> Any:
    return await value


async def _collect(rows: Any) -> list[Any]:
    return [row async for row in rows]
