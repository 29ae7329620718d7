"""Every reason for which a device is turned away, as the device SDK meets it (docs/devices.md)."""

import itertools
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo_account import DemoAccount
from mooring.device import Device, Refused, Timing
from up import Running, mooring_up

QUICK = Timing(retry_least_s=0.05, retry_most_s=0.2, anew_s=0.05)
WRONG = "0123456789abcdef0123456789abcdef"

_numbers = itertools.count(1)


class Gate:
    """Products of every kind, and devices that knock."""

    def __init__(self, running: Running, data: Path, account: DemoAccount) -> None:
        self.running = running
        self.certificate = data / "tls.crt"
        self.account = account

    async def product(self, **settings: object) -> dict[str, Any]:
        body = {"name": f"Refusals {next(_numbers)}", "data_fmt": 0, **settings}
        found: dict[str, Any] = await self.account.manage("POST", "/products", body)
        return found

    async def add(self, product: dict[str, Any], key: str, **settings: object) -> dict[str, Any]:
        path = f"/products/{product['product_key']}/devices"
        found: dict[str, Any] = await self.account.manage("POST", path, {"device_key": key, **settings})
        return found

    def device(self, product: dict[str, Any], key: str, **options: Any) -> Device:
        options = {"port": self.running.mqtt_port, "timing": QUICK, **options}
        return Device(product["product_key"], product["product_secret"], key, **options)

    async def code(self, product: dict[str, Any], key: str, **options: Any) -> int:
        """The code that the device hears; 0 when it is let in."""
        try:
            async with self.device(product, key, **options) as device:
                await device.send_raw(b"hello")
                return 0
        except Refused as refused:
            return refused.code


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    data = tmp_path_factory.mktemp("refusals") / "data"
    with mooring_up(data, "--demo", "--mqtts-port", "0") as running:
        yield running, data


@pytest.fixture
async def gate(server: tuple[Running, Path]) -> AsyncIterator[Gate]:
    async with DemoAccount(server[1]) as account:
        yield Gate(*server, account)


async def test_no_such_product(gate: Gate) -> None:
    assert await gate.code({"product_key": "pNONE1", "product_secret": "Zm9vYmFyYmF6cXV4"}, "DEV00001") == 10423


async def test_a_wrong_product_secret(gate: Gate) -> None:
    product = await gate.product()
    assert await gate.code({**product, "product_secret": "Zm9vYmFyYmF6cXV4"}, "DEV00001") in (10424, 10425)


async def test_a_device_key_that_is_none(gate: Gate) -> None:
    assert await gate.code(await gate.product(), "abc") == 10431


async def test_a_static_device_needs_its_secret(gate: Gate) -> None:
    product = await gate.product()
    added = await gate.add(product, "STATIC01", auth_mode=1)
    assert await gate.code(product, "STATIC01") == 10421
    assert await gate.code(product, "STATIC01", device_secret=WRONG) == 10430
    assert await gate.code(product, "STATIC01", device_secret=added["device_secret"]) == 0


async def test_a_device_that_nobody_added_while_only_added_ones_may_come(gate: Gate) -> None:
    product = await gate.product(dynamic_authentication=False)
    assert await gate.code(product, "STRANGER1") == 10438
    assert await gate.code(product, "STRANGER1", device_secret=WRONG) == 10430
    await gate.add(product, "STRANGER1")
    assert await gate.code(product, "STRANGER1") == 0


async def test_a_used_secret_is_handed_out_once(gate: Gate) -> None:
    product = await gate.product()
    assert await gate.code(product, "ONCE0001") == 0
    assert await gate.code(product, "ONCE0001") == 10422
    assert await gate.code(product, "ONCE0001", device_secret=WRONG) == 10430
    await gate.account.manage("POST", f"/devices/{product['product_key']}/ONCE0001/secret/reset")
    assert await gate.code(product, "ONCE0001") == 0


async def test_a_secret_of_another_cloud_is_dropped_by_itself(gate: Gate) -> None:
    async with gate.device(await gate.product(), "MOVED001", device_secret=WRONG) as device:
        assert device.secret not in (None, WRONG)


async def test_a_disabled_device(gate: Gate) -> None:
    product = await gate.product()
    await gate.add(product, "DISABLED1")
    path = f"/devices/{product['product_key']}/DISABLED1"
    await gate.account.manage("POST", f"{path}/disable")
    assert await gate.code(product, "DISABLED1") == 10430
    await gate.account.manage("POST", f"{path}/enable")
    assert await gate.code(product, "DISABLED1") == 0


async def test_a_product_that_requires_encryption_is_satisfied_by_the_session_or_by_tls(gate: Gate) -> None:
    product = await gate.product(require_encryption=True)
    trusted = ssl.create_default_context(cafile=gate.certificate)
    assert await gate.code(product, "PLAIN001") == 10433
    assert await gate.code(product, "CRYPT001", session_encryption=True) == 0
    assert await gate.code(product, "TLS00001", port=gate.running.mqtts_port, tls=trusted) == 0


async def test_a_sub_device_does_not_connect_by_itself(gate: Gate) -> None:
    assert await gate.code(await gate.product(access_type=2), "SUB00001") == 10440
