"""The device SDK and the simulator as a gateway with sub-devices, against the door over its sockets."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from cloud import sample
from gateway.door import Door, until
from gateway.hub import Hub, build_hub
from mooring.device import (
    Device,
    Fleet,
    GatewayOf,
    Happening,
    Kind,
    NotConnected,
    Refused,
    Scenario,
    Simulator,
    State,
    SubDevice,
    Timing,
)
from mooring.device.scenario import ReportRule
from mooring.platform.commands import SendOptions
from mooring.platform.products import NewProduct, ProductChanges

QUICK = Timing(retry_least_s=0.01, retry_most_s=0.05, anew_s=0.01, short_refusal_s=0.05, long_refusal_s=0.05)


@pytest.fixture
async def hub(door: Door) -> Hub:
    return await build_hub(door)


def gateway(hub: Hub, key: str = "HUB1", **options: Any) -> Device:
    secret = hub.hub.product_secret.reveal()
    return Device(hub.hub.product_key, secret, key, port=hub.door.port, timing=QUICK, **options)


def lamp(hub: Hub, carrier: Device, key: str = "LAMP1", **options: Any) -> SubDevice:
    secret = hub.lamp.product_secret.reveal()
    return carrier.sub_device(hub.lamp.product_key, secret, key, model=sample("smart-plug"), **options)


async def shown(hub: Hub, key: str = "LAMP1") -> dict[str, object]:
    """Newest properties by code."""
    found = await hub.platform.latest.of((await hub.device(hub.lamp, key)).id)
    product = hub.platform.directory.product(hub.lamp.id)
    assert product is not None
    assert product.model is not None
    codes = product.model.codec.properties
    return {} if found is None else {codes[ident].code: value.value for ident, value in found.properties.items()}


async def write(hub: Hub, data: str, key: str = "LAMP1") -> int:
    app, options = hub.door.cloud.app, SendOptions()
    [result] = await hub.platform.commands.send_write(app, hub.lamp, [key], data, options)
    return result.code


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_sub_device_authenticates_logs_in_reports_and_obeys(hub: Hub, encrypted: bool) -> None:
    async with gateway(hub) as carrier:
        async with lamp(hub, carrier, session_encryption=encrypted) as device:
            assert device.state is State.ONLINE
            assert await hub.online("LAMP1")
            await device.report({"power": 12})
            assert await shown(hub) == {"power": "12"}
            written = asyncio.Event()

            @device.on_write
            def on_write(values: dict[str, object]) -> None:
                assert values == {"relay": True}
                written.set()

            assert await write(hub, '[{"relay":"true"}]') == 200
            async with asyncio.timeout(20):
                await written.wait()
            assert device.values == {"power": 12} or device.values == {"power": 12, "relay": True}
        assert not await hub.online("LAMP1")
        assert await hub.carrier("LAMP1") == "HUB1"


async def test_its_secret_survives_and_a_void_one_is_replaced(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "lamp.json"
    async with gateway(hub) as carrier, lamp(hub, carrier, secret_file=file) as device:
        first = device.secret
    actor, key = hub.door.cloud.actor, hub.hub.product_key
    await hub.platform.devices.reset(actor, key, "HUB1")
    async with gateway(hub) as carrier:
        async with lamp(hub, carrier, secret_file=file) as device:
            assert device.secret == first
        await hub.platform.devices.reset(actor, hub.lamp.product_key, "LAMP1")
        async with asyncio.timeout(20):
            again = lamp(hub, carrier, secret_file=file)
            await again.start()
            await again.wait_connected(patiently=True)
        assert again.secret != first
        await again.withdraw()
        assert again.secret is None
        assert (await hub.device(hub.lamp, "LAMP1")).device_secret is None
        await again.close()


async def test_it_comes_back_by_itself(hub: Hub) -> None:
    """After the gateway was offline, and after the cloud said that it is not logged in."""
    actor = hub.door.cloud.actor
    async with gateway(hub) as carrier, lamp(hub, carrier) as device:
        known = await hub.device(hub.lamp, "LAMP1")
        for end in ("gateway", "unbind"):
            before = hub.platform.sessions.of(known.id)
            if end == "gateway":
                session = hub.platform.sessions.of((await hub.device(hub.hub, "HUB1")).id)
                assert session is not None
                session.link.close("a test")
            else:
                await hub.platform.topology.unbind(actor, hub.lamp.product_key, "LAMP1")
            await until(lambda: hub.platform.sessions.of(known.id) not in (None, before))  # noqa: B023
            async with asyncio.timeout(20):
                await device.wait_connected(patiently=True)
            await device.report({"power": 3})
        assert await hub.carrier("LAMP1") == "HUB1"


async def test_a_refusal_says_why(hub: Hub) -> None:
    other = await hub.platform.products.create(hub.door.cloud.actor, NewProduct("Other hub", access_type=1))
    wanted = ProductChanges(specified_gateways=[other.product_key])
    await hub.platform.products.update(hub.door.cloud.actor, hub.lamp.product_key, wanted)
    async with gateway(hub) as carrier:
        with pytest.raises(Refused) as refused:
            async with lamp(hub, carrier):
                pass
        assert refused.value.code == 10440
        assert "gateways its product names" in (refused.value.advice or "")
        with pytest.raises(NotConnected):
            await lamp(hub, carrier, "LAMP2").report({"power": 1})


async def test_it_tells_that_one_dropped_off(hub: Hub) -> None:
    async with gateway(hub) as carrier:
        device = lamp(hub, carrier)
        await device.start()
        await device.wait_connected()
        await device.drop_off()
        await hub.platform.sub_devices.settle()
        assert not await hub.online("LAMP1")
        await device.start()
        await device.wait_connected()
        assert await hub.online("LAMP1")
        await device.close()


async def test_the_simulator_plays_a_gateway_with_sub_devices(hub: Hub, tmp_path: Path) -> None:
    happened: list[Happening] = []
    fleet = Fleet(
        hub.lamp.product_key,
        hub.lamp.product_secret.reveal(),
        ["LAMP1", "LAMP2"],
        port=hub.door.port,
        model=sample("smart-plug"),
        scenario=Scenario(report=ReportRule(interval=0.05, codes=["power"]), events=()),
        seed="seed",
        secrets_dir=tmp_path / "secrets",
        timing=QUICK,
        gateway=GatewayOf(hub.hub.product_key, hub.hub.product_secret.reveal(), "HUB1"),
    )
    running = asyncio.create_task(Simulator(fleet, happened.append).run())

    def reported() -> set[str]:
        return {entry.device_key for entry in happened if entry.kind is Kind.REPORTED}

    await until(lambda: reported() == {"LAMP1", "LAMP2"})
    assert await hub.online("LAMP1")
    assert next(entry.device_key for entry in happened if entry.kind is Kind.CONNECTED) == "HUB1"
    assert await write(hub, '[{"relay":"true"}]') == 200
    await until(lambda: any(entry.kind is Kind.WRITTEN for entry in happened))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert {entry.kind for entry in happened} & {Kind.REFUSED, Kind.FAILED} == set()
    kept = {f"{client_id}.json" for client_id in (hub.gateway_id(), hub.lamp_id("LAMP1"), hub.lamp_id("LAMP2"))}
    assert set(await asyncio.to_thread(os.listdir, tmp_path / "secrets")) == kept
