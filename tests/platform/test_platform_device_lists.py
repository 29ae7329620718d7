"""Pages of devices and their totals, which are remembered."""

import asyncio
from typing import Any

from fakes import FakeClock
from mooring.platform import Actor, Platform
from mooring.platform.device_input import DeviceFilter, NewDevice
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct


async def total(platform: Platform, product: Product, chosen: DeviceFilter | None = None) -> int:
    _, found = await platform.devices.some(product, chosen, rows=1)
    return found


async def test_the_total_is_true_after_every_change_of_this_process(
    platform: Platform, actor: Actor, product: Product
) -> None:
    key = product.product_key
    assert await total(platform, product) == 0
    await platform.devices.add_many(actor, key, [NewDevice("DK00001"), NewDevice("DK00002")])
    assert await total(platform, product) == 2
    await platform.devices.ensure_registered(product, "DK00003")
    assert await total(platform, product) == 3
    await platform.devices.delete(actor, key, "DK00001")
    assert await total(platform, product) == 2
    other = await platform.products.create(actor, NewProduct("Other"))
    await platform.devices.add(actor, other.product_key, NewDevice("DK00001"))
    assert (await total(platform, product), await total(platform, other)) == (2, 1)


async def test_changes_of_other_processes_are_seen_within_a_second(
    platform: Platform, actor: Actor, product: Product, clock: FakeClock
) -> None:
    if not platform.store.shared:
        return
    assert await total(platform, product) == 0
    other = await Platform.open(platform.store, platform.devices._vault, clock=clock)
    await other.devices.add(actor, product.product_key, NewDevice("DK00001"))
    clock.advance(1_000)
    assert await total(platform, product) == 1


async def test_a_count_that_was_overtaken_is_not_remembered(
    platform: Platform, actor: Actor, product: Product, monkeypatch: Any
) -> None:
    counted, go_on = asyncio.Event(), asyncio.Event()
    scan = platform.store.scan

    async def slow(query: Any, **params: Any) -> Any:
        found = await scan(query, **params)
        counted.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(platform.store, "scan", slow)
    asked = asyncio.create_task(total(platform, product))
    await counted.wait()
    await platform.devices.add(actor, product.product_key, NewDevice("DK00001"))
    go_on.set()
    assert await asked == 0
    assert await total(platform, product) == 1


async def test_filters_and_far_pages_count_for_themselves(platform: Platform, actor: Actor, product: Product) -> None:
    new = [NewDevice(f"DK{number:05}") for number in range(250)]
    await platform.devices.add_many(actor, product.product_key, new)
    assert await total(platform, product) == 250
    assert await total(platform, product, DeviceFilter(name="DK0000")) == 10
    assert await total(platform, product, DeviceFilter(device_key="DK00001")) == 1
    assert await total(platform, product, DeviceFilter(device_key="DK00001", online=True)) == 0
    page, found = await platform.devices.some(product, skip=245, rows=10)
    assert (len(page), found) == (5, 250)
    page, found = await platform.devices.some(product, DeviceFilter(device_key="DK00001"), skip=1, rows=10)
    assert (page, found) == ([], 1)
