"""The demo account of a running `mooring up --demo`, used from outside: management API and OpenAPI over HTTP."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from mooring.protocol.login import build_username, sign

__all__ = ["PATIENCE_S", "DemoAccount", "eventually"]

PATIENCE_S = 30.0

_Found = TypeVar("_Found")


async def eventually(ask: Callable[[], Awaitable[_Found | None]]) -> _Found:
    """Ask again until there is something. Raises TimeoutError after `PATIENCE_S`."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await ask()
            if found:
                return found
            await asyncio.sleep(0.05)


class DemoAccount:
    """The account of demo.json. Use as a context; every failed call raises with what was answered."""

    def __init__(self, data: Path) -> None:
        self.document: dict[str, Any] = json.loads((data / "demo.json").read_text())
        manage = self.document["manage"]
        headers = {"Authorization": f"Bearer {manage['token']}"}
        self._manage = httpx.AsyncClient(base_url=manage["url"], headers=headers, timeout=PATIENCE_S)
        self._openapi = httpx.AsyncClient(base_url=self.document["base_url"], timeout=PATIENCE_S)

    async def __aenter__(self) -> "DemoAccount":
        username = build_username(self.document["access_key"], time.time_ns() // 1_000_000)
        password = sign(username, self.document["access_secret"])
        fields = {"grant_type": "password", "username": username, "password": password}
        login = await self._openapi.get("/v2/quecauth/accessKeyAuthrize/accessKeyLogin", params=fields)
        self._openapi.headers["Authorization"] = login.json()["access_token"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._manage.aclose()
        await self._openapi.aclose()

    def product(self, name: str) -> dict[str, Any]:
        """A product of demo.json."""
        found: dict[str, Any] = next(item for item in self.document["products"] if item["name"] == name)
        return found

    async def manage(self, method: str, path: str, body: object = None, **query: str | int) -> Any:
        """The answer of the management API."""
        answer = await self._manage.request(method, path.lstrip("/"), json=body, params=query)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    @contextlib.asynccontextmanager
    async def trace(self, product_key: str, device_key: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The live trace of a device; it is being watched when the block begins."""
        async with self._manage.stream("GET", f"devices/{product_key}/{device_key}/trace") as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == ": watching"
            yield (json.loads(line[6:]) async for line in lines if line.startswith("data: "))

    async def get(self, path: str, **query: str | int) -> Any:
        """`data` of an OpenAPI answer to GET."""
        return self._data((await self._openapi.get(path, params=query)).json())

    async def eventually_get(self, path: str, **query: str | int) -> Any:
        """The same, asked again until there is something."""

        async def look() -> Any:
            return await self.get(path, **query)

        return await eventually(look)

    async def command(self, ticket: str, state: str) -> dict[str, Any]:
        """The timeline of a command once it has come that far."""

        async def look() -> dict[str, Any] | None:
            found: dict[str, Any] = await self.manage("GET", f"/commands/{ticket}")
            return found if found["state"] == state else None

        return await eventually(look)

    async def send(self, operation: str, product_key: str, device_key: str, data: object, **options: object) -> Any:
        """The row of one device in the answer of dm/readData, dm/writeData or dm/sendServiceData."""
        body = {"productKey": product_key, "devices": [device_key], "data": json.dumps(data), **options}
        answer = await self._openapi.post(f"/v2/deviceshadow/r3/openapi/dm/{operation}", json=body)
        [row] = self._data(answer.json())
        return row

    @staticmethod
    def _data(answer: dict[str, Any]) -> Any:
        assert answer["code"] == 200, answer
        return answer["data"]
