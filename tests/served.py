"""A running `mooring up --demo` with its smart plug product, as applications, administrators and devices meet it."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from mooring.client import Client, ServiceError
from mooring.protocol import credentials
from up import Running, mooring_up

__all__ = ["DATA", "DETAIL", "EVENTS", "READ", "WRITE", "Served", "eventually", "serving"]

DETAIL = "/v2/devicemgr/r3/openapi/device/detail"
DATA = "/v2/quecdatastorage/r1/openapi/device/data/history"
EVENTS = "/v2/quecdatastorage/r1/openapi/device/eventdata/history"
READ = "/v2/deviceshadow/r3/openapi/dm/readData"
WRITE = "/v2/deviceshadow/r3/openapi/dm/writeData"
_WITHIN_S = 30.0
_PAGE = 1000

T = TypeVar("T")


def eventually(look: Callable[[], T | None]) -> T:
    """What `look` finds, as soon as it finds anything; for what no event tells of."""
    until = time.monotonic() + _WITHIN_S
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise TimeoutError(f"{look} found nothing within {_WITHIN_S:.0f} s")
        time.sleep(0.02)


class Served:
    """The doors of one platform. `product_key` and `product_secret` are those of the smart plug."""

    def __init__(self, running: Running, data: Path) -> None:
        self.running = running
        self.data = data
        self.store_url: str | None = None
        self.demo: dict[str, Any] = json.loads((data / "demo.json").read_text())
        [plug] = [product for product in self.demo["products"] if product["name"] == "Smart plug"]
        self.product_key: str = plug["product_key"]
        self.product_secret: str = plug["product_secret"]
        self._http = httpx.Client(base_url=self.demo["base_url"], timeout=_WITHIN_S)
        self.token = eventually(self._login)

    def _login(self) -> str | None:
        with Client(self.demo["access_key"], self.demo["access_secret"], base_url=self.demo["base_url"]) as client:
            try:
                return client.login().value
            except ServiceError:  # a database that has just lost a server by kill -9 may be slow to answer the next
                return None

    def close(self) -> None:
        self._http.close()

    # Applications

    def get(self, path: str, **params: object) -> dict[str, Any]:
        """The answer of an operation that looks; the keys of the product go along."""
        known = {"productKey": self.product_key, "language": "EN"}
        chosen = {name: str(value) for name, value in {**known, **params}.items()}
        answer = self._http.get(path, params=chosen, headers={"Authorization": self.token})
        decoded: dict[str, Any] = answer.json()
        return decoded

    def post(self, path: str, body: dict[str, Any], language: str = "EN") -> dict[str, Any]:
        """The answer of an operation that does something."""
        answer = self._http.post(path, params={"language": language}, json=body, headers={"Authorization": self.token})
        decoded: dict[str, Any] = answer.json()
        return decoded

    def send(self, path: str, device_key: str, data: str, **options: object) -> str:
        """The ticket of a command that was accepted."""
        answer = self.post(path, {"productKey": self.product_key, "devices": [device_key], "data": data, **options})
        assert (answer["code"], answer["data"][0]["code"]) == (200, 200), answer
        ticket: str = answer["data"][0]["ticket"]
        return ticket

    def detail(self, device_key: str) -> dict[str, Any]:
        """The row of a device, empty before it exists."""
        answer = self.get(DETAIL, deviceKey=device_key)
        found: dict[str, Any] = answer.get("data") or {}
        return found

    def rows(self, path: str, device_key: str, **params: object) -> list[dict[str, Any]]:
        """Every row of a log of a device, newest first."""
        found: list[dict[str, Any]] = []
        number = 1
        while True:
            answer = self.get(path, deviceKey=device_key, pageSize=_PAGE, pageNum=number, **params)
            assert answer["code"] == 200, answer
            found += answer["data"]
            if len(answer["data"]) < _PAGE:
                return found
            number += 1

    def reaches(self, device_key: str, online: int) -> dict[str, Any]:
        """The row of the device once it is shown online (1) or offline (0)."""
        return eventually(lambda: row if (row := self.detail(device_key)).get("deviceStatus") == online else None)

    # Administrators

    def manage(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the management API, which must be a success."""
        headers = {"Authorization": f"Bearer {self.demo['manage']['token']}"}
        answer = self._http.request(method, f"/manage/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def timeline(self, ticket: str) -> dict[str, Any]:
        """A command with its steps."""
        found: dict[str, Any] = self.manage("GET", f"/commands/{ticket}")
        return found

    def becomes(self, ticket: str, state: str) -> dict[str, Any]:
        """A command once it has reached this state."""
        return eventually(lambda: found if (found := self.timeline(ticket))["state"] == state else None)

    def values(self, device_key: str) -> dict[str, Any]:
        """The newest values that a device reported, by code."""
        found = self.manage("GET", f"/devices/{self.product_key}/{device_key}/values")
        return {row["code"]: row["value"] for row in found["properties"] if row["at"] is not None}

    def add(self, device_key: str, **members: object) -> dict[str, Any]:
        """Add a device beforehand."""
        body = {"device_key": device_key, **members}
        found: dict[str, Any] = self.manage("POST", f"/products/{self.product_key}/devices", body)
        return found

    # Devices

    def client_id(self, device_key: str) -> str:
        return credentials.client_id(self.product_key, device_key)

    def first_password(self, device_key: str) -> str:
        """Step `0;`."""
        rand = secrets.token_hex(8)
        return credentials.build_authentication(self.product_key, self.product_secret, device_key, rand)

    def password(self, device_secret: str) -> str:
        """Step `1;`."""
        return credentials.build_connection(self.product_secret, device_secret, secrets.token_hex(8))


@contextmanager
def serving(data: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Runs until the block ends."""
    with mooring_up(data, "--demo", *arguments, env=env) as running:
        served = Served(running, data)
        try:
            yield served
        finally:
            served.close()
