"""The account at one glance."""

import asyncio

from fakes import FakeClock
from mooring.platform import Actor, Platform
from mooring.platform.devices import NewDevice
from mooring.platform.overview import SAMPLE_S
from mooring.platform.products import NewProduct
from mooring.platform.saas_apps import NewApp


async def test_it_counts_devices_and_names_what_needs_attention(
    platform: Platform, actor: Actor, clock: FakeClock
) -> None:
    product = await platform.products.create(actor, NewProduct("Plug"))
    await platform.devices.add_many(actor, product.product_key, [NewDevice("PLUG0001"), NewDevice("PLUG0002")])
    app = await platform.saas_apps.create(actor, NewApp("Fleet"))
    platform.api_statistics.note(app.id, "device/detail", 200, 0.001)
    platform.api_statistics.note(app.id, "device/detail", 91004, 0.001)
    found = await platform.overview.of(actor.account_id)
    assert (found.devices.real, found.devices.online, found.devices.activated) == (2, 0, 0)
    assert [(entry.name, entry.calls, entry.failures) for entry in found.apps] == [("Fleet", 2, 1)]
    assert {(entry.code, entry.name) for entry in found.attention} == {
        ("app_without_packages", "Fleet"),
        ("product_without_model", "Plug"),
    }


async def test_what_the_database_counted_is_remembered_for_a_few_seconds(
    platform: Platform, actor: Actor, clock: FakeClock
) -> None:
    product = await platform.products.create(actor, NewProduct("Plug"))
    first, second = await asyncio.gather(*(platform.overview.of(actor.account_id) for _ in range(2)))
    await platform.devices.add(actor, product.product_key, NewDevice("PLUG0001"))
    assert (first, (await platform.overview.of(actor.account_id)).devices.real) == (second, 0)
    clock.advance(3_000)
    assert (await platform.overview.of(actor.account_id)).devices.real == 1


async def test_messages_are_told_as_a_rate_per_minute(platform: Platform, actor: Actor, clock: FakeClock) -> None:
    clock.advance(int(SAMPLE_S * 1000))
    platform.uplinks.received += 5
    platform.overview.sample()
    clock.advance(int(SAMPLE_S * 1000))
    platform.overview.sample()
    found = await platform.overview.of(actor.account_id)
    assert [sample.per_minute for sample in found.messages] == [30.0, 0.0]
