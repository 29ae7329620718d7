"""Virtual devices: the way of their frames is that of every device's."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Conflict, Invalid, Missing, Platform
from mooring.platform.command_input import SendOptions
from mooring.platform.commands import SendResult
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct, ProductChanges
from mooring.platform.virtual_devices import IDLE_MS, VirtualDevices
from topologies import build_topologies

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"


@pytest.fixture
def virtual(platform: Platform) -> VirtualDevices:
    return VirtualDevices(
        platform.ledger,
        platform.products,
        platform.devices,
        platform.sessions,
        platform.topology,
        platform.uplinks,
        platform.latest,
        platform.journal,
        platform.trace,
        FakeEntropy("virtual"),
    )


@pytest.fixture
async def plug(platform: Platform, actor: Actor) -> Product:
    """A product with a released model."""
    made = await platform.products.create(actor, NewProduct("Plug"))
    document = msgspec.json.decode((SAMPLES / "smart-plug.json").read_bytes())
    await platform.thing_models.import_draft(actor, made.product_key, document)
    await platform.thing_models.release(actor, made.product_key)
    return platform.products.one(actor.account_id, made.product_key)


async def properties(platform: Platform, device_id: int) -> dict[int, object]:
    await platform.journal.settle()
    found = await platform.latest.of(device_id)
    return {ident: newest.value for ident, newest in found.properties.items()} if found else {}


async def test_a_product_has_one_virtual_device(virtual: VirtualDevices, actor: Actor, plug: Product) -> None:
    with pytest.raises(Missing):
        await virtual.one(actor.account_id, plug.product_key)
    made = await virtual.create(actor, plug.product_key)
    assert made.device.device_key.startswith("VD")
    assert (made.device.is_virtual, made.online) == (True, False)
    with pytest.raises(Conflict) as refusal:
        await virtual.create(actor, plug.product_key)
    assert refusal.value.code == "virtual_device_exists"
    await virtual.delete(actor, plug.product_key)
    again = await virtual.create(actor, plug.product_key)
    assert again.device.id != made.device.id


@on_sqlite
async def test_transparent_products_have_none(virtual: VirtualDevices, platform: Platform, actor: Actor) -> None:
    product = await platform.products.create(actor, NewProduct("Raw", data_fmt=0))
    with pytest.raises(Conflict) as refusal:
        await virtual.create(actor, product.product_key)
    assert refusal.value.wire == 70083


async def test_a_virtual_sub_device_needs_a_virtual_gateway_that_is_online(
    virtual: VirtualDevices, platform: Platform, actor: Actor
) -> None:
    topologies = await build_topologies(platform, actor)
    hub, lamp = topologies.hub.product_key, topologies.lamp.product_key
    gateway = (await virtual.create(actor, hub)).device
    device = (await virtual.create(actor, lamp)).device
    for refused, given in ((Invalid, None), (Invalid, lamp), (Missing, "pNoOne"), (Conflict, hub)):
        with pytest.raises(refused) as refusal:
            await virtual.go_online(actor, lamp, gateway_product_key=given)
    assert refusal.value.wire == 70026
    with pytest.raises(Invalid):
        await virtual.go_online(actor, hub, gateway_product_key=hub)
    await virtual.go_online(actor, hub)
    assert (await virtual.go_online(actor, lamp, gateway_product_key=hub)).online
    carrier = await platform.topology.gateway(device)
    assert carrier is not None
    assert carrier.id == gateway.id
    await virtual.push_properties(actor, lamp, {"power": 3})
    assert await properties(platform, device.id) == {2: "3"}
    await virtual.go_offline(actor, hub)
    assert not (await virtual.one(actor.account_id, lamp)).online
    changes = ProductChanges(specified_gateways=[(await other_hub(platform, actor)).product_key])
    await platform.products.update(actor, lamp, changes)
    await virtual.go_online(actor, hub)
    with pytest.raises(Conflict, match="does not name"):
        await virtual.go_online(actor, lamp, gateway_product_key=hub)


async def other_hub(platform: Platform, actor: Actor) -> Product:
    return await platform.products.create(actor, NewProduct("Other hub", access_type=1))


@on_sqlite
async def test_without_a_released_model_it_cannot_go_online(
    virtual: VirtualDevices, actor: Actor, product: Product
) -> None:
    await virtual.create(actor, product.product_key)
    with pytest.raises(Conflict) as refusal:
        await virtual.go_online(actor, product.product_key)
    assert refusal.value.code == "no_released_model"


async def test_what_it_reports_is_what_a_device_reports(
    virtual: VirtualDevices, platform: Platform, actor: Actor, plug: Product
) -> None:
    key = plug.product_key
    device = (await virtual.create(actor, key)).device
    for push in (
        lambda: virtual.push_properties(actor, key, {"relay": True}),
        lambda: virtual.go_offline(actor, key),
    ):
        with pytest.raises(Conflict) as refusal:
            await push()
        assert refusal.value.code == "not_online"
    assert (await virtual.go_online(actor, key)).online
    with pytest.raises(Conflict):
        await virtual.go_online(actor, key)
    async with platform.trace.watch(device.id) as seen:
        pushed = await virtual.push_properties(actor, key, {"relay": True, "power": 12.5})
        event = await anext(seen)
    assert (event.direction, event.cmd, event.hex) == ("up", "0014", pushed.frame)
    assert plug.model is not None
    ids = {code: feature.id for code, feature in plug.model.codec.by_code.items()}
    assert await properties(platform, device.id) == {ids["relay"]: True, ids["power"]: "12.5"}
    shown = await platform.devices.by_id(device.id)
    assert shown is not None
    assert (shown.online, shown.activated_at) == (True, platform.clock.now_ms())
    rows, total = await platform.history.data(device.id)
    assert (total, rows[0].cmd, rows[0].direction) == (1, 0x14, 1)
    with pytest.raises(Invalid) as invalid:
        await virtual.push_properties(actor, key, {"no_such": 1})
    assert invalid.value.wire == 71028
    with pytest.raises(Invalid):
        await virtual.push_properties(actor, key, {})
    assert not (await virtual.go_offline(actor, key)).online
    events, _ = await platform.history.events(device.id)
    assert [row.code for row in reversed(events)] == ["online", "offline"]


async def test_it_raises_events(virtual: VirtualDevices, platform: Platform, actor: Actor, plug: Product) -> None:
    key = plug.product_key
    device = (await virtual.create(actor, key)).device
    await virtual.go_online(actor, key)
    assert plug.model is not None
    event = next(iter(plug.model.codec.events.values()))
    await virtual.push_event(actor, key, event.code, {})
    rows, _ = await platform.history.events(device.id)
    assert rows[0].code == event.code
    with pytest.raises(Invalid):
        await virtual.push_event(actor, key, "relay", {})


async def send(platform: Platform, actor: Actor, plug: Product, key: str, call: str, data: str) -> SendResult:
    [result] = await getattr(platform.commands, f"send_{call}")(actor, plug, [key], data, SendOptions())
    await asyncio.sleep(0)
    await platform.journal.settle()
    return result  # type: ignore[no-any-return]


async def state(platform: Platform, actor: Actor, ticket: int | None, wanted: str) -> Any:
    assert ticket is not None
    async with asyncio.timeout(20):
        while True:
            await platform.journal.settle()
            shown = await platform.commands.one(actor.account_id, ticket)
            if shown.state == wanted:
                return shown
            await asyncio.sleep(0)


async def test_writes_are_applied_and_reported_back_and_reads_answered(
    virtual: VirtualDevices, platform: Platform, actor: Actor, plug: Product
) -> None:
    key = plug.product_key
    device = (await virtual.create(actor, key)).device
    await virtual.go_online(actor, key)
    write = await send(platform, actor, plug, device.device_key, "write", '[{"relay":true}]')
    assert write.code == 200
    await state(platform, actor, write.ticket, "reported")
    assert list((await properties(platform, device.id)).values()) == [True]
    read = await send(platform, actor, plug, device.device_key, "read", '["relay"]')
    answered = await state(platform, actor, read.ticket, "answered")
    assert "true" in answered.output
    await virtual.go_offline(actor, key)
    await virtual.go_online(actor, key)
    again = await send(platform, actor, plug, device.device_key, "read", '["relay"]')
    assert "true" in (await state(platform, actor, again.ticket, "answered")).output


async def test_services_are_answered_as_it_was_told(
    virtual: VirtualDevices, platform: Platform, actor: Actor, plug: Product
) -> None:
    key = plug.product_key
    device = (await virtual.create(actor, key)).device
    await virtual.go_online(actor, key)
    with pytest.raises(Invalid) as refusal:
        await virtual.set_answer(actor, key, "reset_energy", {"energy_total": 1}, 301)
    assert refusal.value.field == "delay_s"
    shown = await virtual.set_answer(actor, key, "reset_energy", {"energy_total": Decimal(7)}, 0)
    assert shown.answers == ("reset_energy",)
    called = await send(platform, actor, plug, device.device_key, "service", '[{"reset_energy":[]}]')
    answered = await state(platform, actor, called.ticket, "answered")
    assert msgspec.json.decode(answered.output) == {"reset_energy": {"energy_total": "7"}}
    await virtual.push_answer(actor, key, "reset_energy", {"energy_total": 8})


async def test_it_goes_offline_when_nobody_uses_it(
    virtual: VirtualDevices, platform: Platform, actor: Actor, plug: Product, clock: FakeClock
) -> None:
    key = plug.product_key
    device = (await virtual.create(actor, key)).device
    await virtual.go_online(actor, key)
    clock.advance(IDLE_MS - 1)
    await virtual.close_idle()
    assert platform.sessions.of(device.id) is not None
    await virtual.push_properties(actor, key, {"relay": False})
    clock.advance(IDLE_MS)
    await virtual.close_idle()
    assert platform.sessions.of(device.id) is None
    assert not (await virtual.one(actor.account_id, key)).online


async def test_deleting_it_ends_its_session(
    virtual: VirtualDevices, platform: Platform, actor: Actor, plug: Product
) -> None:
    key = plug.product_key
    device = (await virtual.create(actor, key)).device
    await virtual.go_online(actor, key)
    await virtual.delete(actor, key)
    assert platform.sessions.of(device.id) is None
    await virtual.close_idle()
    with pytest.raises(Missing):
        await virtual.push_properties(actor, key, {"relay": True})
