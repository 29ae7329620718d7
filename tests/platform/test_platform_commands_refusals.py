"""Commands that are not taken, and what is left of one when the database fails."""

import asyncio

import pytest

from cloud import Cloud
from databases import on_sqlite
from links import Desk
from mooring.platform.command_steps import State
from mooring.platform.commands import MAX_CACHED, MAX_DEVICES, MAX_UNCONFIRMED, BadData, SendOptions
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct
from mooring.protocol.ttlv import Field
from mooring.store import StoreError
from platform_commands import CACHED, PLAIN, Database, state, write

# Refusals


async def test_each_device_has_its_own_outcome(desk: Desk, cloud: Cloud) -> None:
    desk.connect(await desk.device(cloud.modelled, "online"))
    await desk.device(cloud.modelled, "offline")
    await desk.device(cloud.modelled, "disabled", enabled=False)
    keys = ["offline", "online", "disabled", "unknown", "online"]
    results = await desk.commands.send_write(cloud.app, cloud.modelled, keys, '[{"relay":"true"}]', PLAIN)
    assert [(result.device_key, result.code) for result in results] == [
        ("offline", 61002),
        ("online", 200),
        ("disabled", 70051),
        ("unknown", 70130),
    ]
    assert [result.ticket is None for result in results] == [True, False, True, True]


@pytest.mark.parametrize(("changes", "code"), [({"access_type": 2}, 70026), ({"net_way": "3"}, 61001)])
@on_sqlite
async def test_devices_that_cannot_be_reached_by_mqtt(
    desk: Desk, cloud: Cloud, changes: dict[str, object], code: int
) -> None:
    product = await cloud.platform.products.create(cloud.actor, NewProduct("Far", data_fmt=0, **changes))  # type: ignore[arg-type]
    device = await desk.device(product)
    [result] = await desk.commands.send_raw(cloud.app, [(product, "DK1")], "x", CACHED)
    assert result.code == code
    _, line = desk.connect(device)
    [result] = await desk.commands.send_raw(cloud.app, [(product, "DK1")], "x", CACHED)
    assert (result.code, len(line.sent)) == (200, 1)


@on_sqlite
async def test_a_device_has_a_bounded_number_of_open_commands(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    for _ in range(MAX_CACHED):
        assert (await write(desk, cloud, options=CACHED)).code == 200
    refused = await write(desk, cloud, options=CACHED)
    assert (refused.code, refused.detail) == (
        61006,
        f"{MAX_CACHED} commands are cached, which is the limit of a device",
    )
    covering = await write(desk, cloud, options=SendOptions(cache_s=600, cover=True))
    assert covering.code == 200
    desk.connect(device)
    for _ in range(MAX_UNCONFIRMED - 1):
        assert (await write(desk, cloud)).code == 200
    refused = await write(desk, cloud)
    assert (refused.code, refused.ticket) == (61007, None)


@on_sqlite
async def test_the_limit_holds_for_calls_at_the_same_time(desk: Desk, cloud: Cloud) -> None:
    await desk.device(cloud.modelled)
    results = await asyncio.gather(*(write(desk, cloud, options=CACHED) for _ in range(MAX_CACHED + 5)))
    assert sorted(result.code for result in results) == [200] * MAX_CACHED + [61006] * 5


@pytest.mark.parametrize(
    "options", [SendOptions(cache_s=0), SendOptions(cache_s=7_776_001), SendOptions(qos=3), SendOptions(qos=-1)]
)
@on_sqlite
async def test_options_out_of_range(desk: Desk, cloud: Cloud, options: SendOptions) -> None:
    with pytest.raises(BadData) as caught:
        await write(desk, cloud, options=options)
    assert caught.value.wire == 50005


@on_sqlite
async def test_no_more_than_so_many_devices(desk: Desk, cloud: Cloud) -> None:
    keys = [f"D{number}" for number in range(MAX_DEVICES)]
    results = await desk.commands.send_read(cloud.app, cloud.modelled, keys, '["relay"]', PLAIN)
    assert {result.code for result in results} == {70130}
    with pytest.raises(BadData) as caught:
        await desk.commands.send_read(cloud.app, cloud.modelled, [*keys, "one more"], '["relay"]', PLAIN)
    assert caught.value.wire == 50005


@on_sqlite
async def test_products_that_cannot_take_thing_model_data(desk: Desk, cloud: Cloud) -> None:
    async def code(product: Product) -> int | None:
        with pytest.raises(BadData) as caught:
            await desk.commands.send_write(cloud.app, product, ["DK1"], '[{"relay":"true"}]', PLAIN)
        return caught.value.wire

    assert (await code(cloud.transparent), await code(cloud.empty)) == (70083, 70094)


# When the database fails


async def test_what_is_not_committed_is_not_sent(desk: Desk, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    _, line = desk.connect(await desk.device(cloud.modelled), "published delivered")
    database = Database(desk, monkeypatch)
    database.down = True
    with pytest.raises(StoreError):
        await write(desk, cloud)
    assert line.sent == []
    database.down = False
    assert (await write(desk, cloud)).code == 200
    assert len(line.sent) == 1


async def test_steps_that_could_not_be_written_are_written_later(
    desk: Desk, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, line = desk.connect(await desk.device(cloud.modelled))
    [result] = await desk.commands.send_read(cloud.app, cloud.modelled, ["DK1"], '["relay"]', PLAIN)
    database = Database(desk, monkeypatch)
    database.down = True
    line.deliveries[0].published()
    line.deliveries[0].delivered()
    await desk.journal.settle()
    await desk.uplink(session, 0x0012, line.sent[0].packet_id, [Field(1, True)])
    assert await state(desk, cloud, result.ticket) == State.ACCEPTED
    database.down = False
    desk.commands.tick()
    row = await desk.row(result.ticket)
    assert row.answered_at is not None
    assert row.delivered_at is not None
    assert row.published_at is not None


async def test_a_caller_that_goes_away_does_not_stop_the_command(
    desk: Desk, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(desk, monkeypatch)
    _, line = desk.connect(await desk.device(cloud.modelled), "published delivered")
    database.hold()
    sending = asyncio.ensure_future(write(desk, cloud))
    await database.asked.wait()
    sending.cancel()
    database.open.set()
    await desk.journal.settle()
    assert len(line.sent) == 1
