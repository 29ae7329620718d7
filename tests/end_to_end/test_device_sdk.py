"""The device SDK and `mooring device run` against a running `mooring up`: over its ports, with nothing faked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cloud import sample
from demo_account import PATIENCE_S, DemoAccount, eventually
from mooring.device import Device, Refused, State, Timing
from up import Running, mooring_up

HISTORY = "/v2/quecdatastorage/r1/openapi/device/data/history"
EVENTS = "/v2/quecdatastorage/r1/openapi/device/eventdata/history"
LOCATION = "/v2/deviceshadow/r1/openapi/device/getlocation"
RESOURCE = "/v2/deviceshadow/r2/openapi/device/resource"
QUICK = Timing(retry_least_s=0.05, retry_most_s=0.2, anew_s=0.05, long_refusal_s=1.0)


class Place(NamedTuple):
    """A running platform, its data directory, and its demo account."""

    running: Running
    data: Path
    account: DemoAccount

    def device(self, key: str, product: str = "Smart plug", model: str = "smart-plug", **options: Any) -> Device:
        """A device of a demo product."""
        found = self.account.product(product)
        options = {"port": self.running.mqtt_port, "model": sample(model), "timing": QUICK, **options}
        return Device(found["product_key"], found["product_secret"], key, **options)

    async def shown(self, device: Device) -> Any:
        """The device as the management API shows it."""
        return await self.account.manage("GET", path_of(device))

    async def values(self, device: Device) -> dict[str, Any]:
        """Its newest properties by code."""
        found = await self.account.manage("GET", f"{path_of(device)}/values")
        return {item["code"]: item["value"] for item in found["properties"] if item["at"] is not None}

    async def ask(self, operation: str, device: Device, data: object, **options: object) -> Any:
        """Send a command by the OpenAPI; its row."""
        return await self.account.send(operation, device.product_key, device.device_key, data, **options)


def path_of(device: Device) -> str:
    return f"/devices/{device.product_key}/{device.device_key}"


def keys(device: Device) -> dict[str, str]:
    return {"productKey": device.product_key, "deviceKey": device.device_key}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    data = tmp_path_factory.mktemp("sdk") / "data"
    with mooring_up(data, "--demo", "--mqtts-port", "0") as running:
        yield running, data


@pytest.fixture
async def place(server: tuple[Running, Path]) -> AsyncIterator[Place]:
    running, data = server
    async with DemoAccount(data) as account:
        yield Place(running, data, account)


async def test_the_first_connection_brings_a_secret_and_the_next_one_uses_it(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "first.json"
    async with place.device("FIRST0001", secret_file=file) as first:
        secret = first.secret
        assert secret is not None
        assert len(secret) == 32
        await first.report({"power": 1.5})
        assert (await place.shown(first))["secret_confirmed"]
    async with place.device("FIRST0001", secret_file=file) as again:
        assert again.secret == secret
        await again.report({"power": 2.5})
        assert (await place.values(again))["power"] == "2.5"
    with pytest.raises(Refused) as refused:
        async with place.device("FIRST0001"):
            pass
    assert refused.value.code == 10422


async def test_online_offline_and_activation_are_told(place: Place) -> None:
    device = place.device("STATE0001")
    async with device:
        await device.report({"relay": True})
        shown = await place.shown(device)
        assert shown["online"]
        assert shown["activated_at"] is not None

    async def offline() -> bool:
        return not (await place.shown(device))["online"]

    await eventually(offline)
    events = await place.account.get(EVENTS, **keys(device))
    assert [event["eventCode"] for event in events] == ["offline", "online"]


async def test_tls_with_the_certificate_that_the_server_made(place: Place) -> None:
    trusted = ssl.create_default_context(cafile=place.data / "tls.crt")
    async with place.device("TLS00001", port=place.running.mqtts_port, tls=trusted) as device:
        await device.report({"voltage": 229.5})
        assert (await place.values(device))["voltage"] == "229.5"


async def test_session_encryption_in_both_directions(place: Place) -> None:
    async with place.device("CRYPT0001", session_encryption=True) as device:
        await device.report({"relay": False})
        frames: dict[str, dict[str, Any]] = {}
        async with place.account.trace(device.product_key, device.device_key) as trace:
            row = await place.ask("writeData", device, [{"relay": "true"}])
            async with asyncio.timeout(PATIENCE_S):
                async for event in trace:
                    if event["kind"] == "frame":
                        frames[event["cmd"]] = event
                    if "0014" in frames:
                        break
        await place.account.command(row["ticket"], "reported")
        assert (await place.values(device))["relay"] is True
    assert frames.keys() == {"0013", "0014"}
    assert {frame["clear"][:4] for frame in frames.values()} == {"aaaa"}
    assert all(frame["hex"] != frame["clear"] for frame in frames.values())


async def test_what_a_device_reports_is_shown(place: Place) -> None:
    async with place.device("REPORT0001") as device:
        await device.report({"relay": True, "power": 12.5, "label": "kitchen"})
        await device.report({"countdown": 3}, qos=2)
        await device.report({"child_lock": True}, qos=0)
        await device.event("overload", {"power": 3500, "limit": 3000})
        await device.report_status(battery=87)

        async def reported() -> bool:
            return "child_lock" in await place.values(device)

        await eventually(reported)
        assert await place.values(device) == {
            "relay": True,
            "power": "12.5",
            "label": "kitchen",
            "countdown": "3",
            "child_lock": True,
        }
        [event, *_] = await place.account.get(EVENTS, **keys(device))
        assert event["eventCode"] == "overload"
        assert (await place.account.get(RESOURCE, **keys(device)))["battery"] == 87
        logged = await place.account.get(HISTORY, **keys(device))
        assert [log["cmd"] for log in logged] == ["0014"] * 4


async def test_a_position_is_shown(place: Place) -> None:
    async with place.device("TRACK0001", "Asset tracker", "tracker") as device:
        await device.locate("$GPGGA,123519.000,4807.0380,N,01131.0000,E,1,08,0.9,545.4,M,46.9,M,,*59;")
        found = await place.account.get(LOCATION, **keys(device))
        assert found["wgsLat"] == pytest.approx(48.1173, abs=1e-4)


async def test_a_write_is_taken_reported_back_and_confirmed(place: Place) -> None:
    taken: list[dict[str, object]] = []
    async with place.device("WRITE0001") as device:
        device.on_write(taken.append)
        row = await place.ask("writeData", device, [{"relay": "true"}, {"countdown": "60"}])
        assert row["code"] == 200
        found = await place.account.command(row["ticket"], "reported")
        assert taken == [{"relay": True, "countdown": 60}]
        assert found["accepted_at"] <= found["published_at"] <= found["delivered_at"]
        assert (await place.values(device))["countdown"] == "60"
        logged = await place.account.get(HISTORY, **keys(device), direction=2)
        assert [(log["cmd"], log["ticket"], log["sendStatus"]) for log in logged] == [("0013", row["ticket"], 1)]


async def test_a_read_is_answered_under_its_ticket(place: Place) -> None:
    async with place.device("READ0001") as device:
        device.on_read(lambda codes: {"power": 77.7, "relay": True})
        row = await place.ask("readData", device, ["power", "relay"])
        await place.account.command(row["ticket"], "answered")
        logged = await place.account.get(HISTORY, **keys(device))
        assert [log["cmd"] for log in logged if log["ticket"] == row["ticket"]] == ["0012", "0011"]
        assert (await place.values(device))["power"] == "77.7"


async def test_a_service_is_answered(place: Place) -> None:
    async with place.device("SERVE0001") as device:
        device.on_service(lambda code, inputs: {"energy_total": 0})
        row = await place.ask("sendServiceData", device, [{"reset_energy": []}])
        found = await place.account.command(row["ticket"], "answered")
        assert "energy_total" in found["output"]


async def test_raw_data_goes_both_ways(place: Place) -> None:
    got: list[bytes] = []
    async with place.device("RAW00001") as device:
        device.on_raw(got.append)
        body = {"kind": "raw", "data": "AA55AA", "encoding": "Hex"}
        sent = await place.account.manage("POST", f"{path_of(device)}/commands", body)
        await place.account.command(str(sent["ticket"]), "delivered")
        assert got == [b"\xaa\x55\xaa"]
        await device.send_raw(b"\x01\x02")
        logged = await place.account.get(HISTORY, **keys(device))
        assert {"0023", "0024"} <= {log["cmd"] for log in logged}


async def test_a_cached_command_waits_for_the_device(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "cached.json"
    async with place.device("CACHE0001", secret_file=file) as device:
        await device.report({"relay": False})

    async def offline() -> bool:
        return not (await place.shown(device))["online"]

    await eventually(offline)
    refused = await place.ask("writeData", device, [{"relay": "true"}])
    assert refused["code"] == 61002
    row = await place.ask("writeData", device, [{"relay": "true"}], isCache=True, cacheTime=60)
    assert (await place.account.command(row["ticket"], "cached"))["published_at"] is None
    async with place.device("CACHE0001", secret_file=file) as device:
        await place.account.command(row["ticket"], "reported")
        assert device.values["relay"] is True


async def test_a_device_that_is_reset_gets_a_new_secret_by_itself(place: Place) -> None:
    async with place.device("RESET0001") as device:
        await device.report({"power": 1})
        before = device.secret
        await place.account.manage("POST", f"{path_of(device)}/secret/reset")

        async def healed() -> bool:
            return device.state is State.ONLINE and device.secret != before

        await eventually(healed)
        await device.report({"power": 2})
        assert (await place.shown(device))["secret_confirmed"]


async def test_a_disabled_device_hears_10430_keeps_its_secret_and_comes_back(place: Place) -> None:
    async with place.device("OFF000001") as device:
        await device.report({"power": 1})
        secret, events = device.secret, device.events()
        await place.account.manage("POST", f"{path_of(device)}/disable")
        async with asyncio.timeout(PATIENCE_S):
            async for event in events:
                if event.code == 10430:
                    break
        assert device.secret == secret
        await place.account.manage("POST", f"{path_of(device)}/enable")
        async with asyncio.timeout(PATIENCE_S):
            await device.wait_connected(patiently=True)
        await device.report({"power": 2})


async def test_a_deleted_device_registers_again(place: Place) -> None:
    async with place.device("GONE00001") as device:
        await device.report({"power": 1})
        before = device.secret
        await place.account.manage("DELETE", path_of(device))

        async def back() -> bool:
            return device.state is State.ONLINE and device.secret != before

        await eventually(back)
        await device.report({"power": 2})
        assert (await place.shown(device))["online"]


async def test_a_restart_of_the_server_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with mooring_up(data, "--demo") as running:
        async with DemoAccount(data) as account:
            device = Place(running, data, account).device("AGAIN0001")
            port = running.mqtt_port
            await device.start()
            await device.wait_connected()
            await device.report({"power": 41})
            await asyncio.to_thread(running.stop)
    try:

        async def cut_off() -> bool:
            return device.state is not State.ONLINE

        await eventually(cut_off)
        with mooring_up(data, "--demo", "--mqtt-port", str(port)) as running:
            async with DemoAccount(data) as account, asyncio.timeout(PATIENCE_S):
                place = Place(running, data, account)
                await device.wait_connected(patiently=True)
                assert (await place.values(device))["power"] == "41"
                await device.report({"power": 42})
                assert (await place.values(device))["power"] == "42"
    finally:
        await device.close()
