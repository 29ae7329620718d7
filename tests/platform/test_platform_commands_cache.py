"""Commands that wait for their device, also over a restart, on both databases."""

import asyncio

import pytest

from cloud import Cloud
from fakes import FakeClock
from links import Desk
from mooring.platform import Conflict, Missing
from mooring.platform.command_steps import State
from mooring.platform.commands import SendOptions
from mooring.protocol.ttlv import Field
from platform_commands import CACHED, PLAIN, Database, relay, settled, state, write

# The cache


async def test_cached_commands_leave_oldest_first_when_the_device_comes(
    desk: Desk, cloud: Cloud, clock: FakeClock
) -> None:
    device = await desk.device(cloud.modelled)
    tickets = []
    for on in ("true", "false", "true"):
        tickets.append((await write(desk, cloud, f'[{{"relay":"{on}"}}]', CACHED)).ticket)
        clock.advance(1)
    row = await desk.row(tickets[0])
    assert (row.waits, row.cached_at, row.expires_at) == (True, row.accepted_at, row.accepted_at + 600_000)
    assert await state(desk, cloud, tickets[0]) == State.CACHED
    assert (await desk.logged(tickets[0])).status == 0
    _, line = desk.connect(device, "published delivered")
    await settled(desk, line, 3)
    assert relay(line) == [True, False, True]
    assert [await state(desk, cloud, ticket) for ticket in tickets] == [State.DELIVERED] * 3


async def test_an_uplink_lets_cached_commands_leave(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    result = await write(desk, cloud, options=CACHED)
    session, line = desk.connect(device, "lost")
    await settled(desk, line, 1)
    line.by_itself = "published delivered"
    await desk.uplink(session, 0x0014, 1, [Field(1, False)])
    await settled(desk, line, 2)
    assert await state(desk, cloud, result.ticket) == State.DELIVERED


async def test_a_new_command_does_not_overtake_those_that_wait(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    await write(desk, cloud, '[{"relay":"true"}]', CACHED)
    session, line = desk.connect(device, "lost")
    await settled(desk, line, 1)
    line.by_itself = "published delivered"
    await write(desk, cloud, '[{"relay":"false"}]')
    assert len(line.sent) == 1
    desk.commands.tick()
    assert relay(line) == [True, True, False]
    assert desk.lines.of(device.id) is session


async def test_the_window_holds_and_the_rest_follows(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    for _ in range(20):
        await write(desk, cloud, options=CACHED)
    _, line = desk.connect(device, "published")
    await settled(desk, line, 16)
    assert len(line.sent) == 16
    line.deliveries[0].delivered()
    line.deliveries[1].lost("given up")
    await settled(desk, line, 18)
    assert len(line.sent) == 18


async def test_cover_replaces_waiting_ones_of_the_same_kind(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    replaced = await write(desk, cloud, options=CACHED)
    [read] = await desk.commands.send_read(cloud.app, cloud.modelled, ["DK1"], '["relay"]', CACHED)
    last = await write(desk, cloud, '[{"relay":"false"}]', SendOptions(cache_s=600, cover=True))
    row = await desk.row(replaced.ticket)
    assert (row.failure, row.waits) == (f"replaced by {last.ticket}", False)
    assert (await desk.logged(replaced.ticket)).status == -1
    _, line = desk.connect(device, "published delivered")
    await settled(desk, line, 2)
    assert [sent.command for sent in line.sent] == [0x0011, 0x0013]
    assert await state(desk, cloud, read.ticket) == State.DELIVERED


async def test_what_waits_too_long_expires(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    device = await desk.device(cloud.modelled)
    result = await write(desk, cloud, options=SendOptions(cache_s=2))
    later = await write(desk, cloud, options=SendOptions(cache_s=3))
    clock.advance(1_999)
    desk.commands.tick()
    assert await state(desk, cloud, result.ticket) == State.CACHED
    clock.advance(1)
    desk.commands.tick()
    row = await desk.row(result.ticket)
    assert (row.expired_at, row.waits, row.open) == (clock.now_ms(), False, False)
    assert (await desk.logged(result.ticket)).status == -1
    _, line = desk.connect(device, "published delivered")
    await settled(desk, line, 1)
    assert await state(desk, cloud, later.ticket) == State.DELIVERED


async def test_a_command_that_waits_can_be_taken_back(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    result = await write(desk, cloud, options=CACHED)
    with pytest.raises(Missing):
        await desk.commands.cancel(404, result.ticket or 0)
    await desk.commands.cancel(cloud.app.account_id, result.ticket or 0)
    assert (await desk.row(result.ticket)).failure == "cancelled"
    with pytest.raises(Conflict):
        await desk.commands.cancel(cloud.app.account_id, result.ticket or 0)
    other = await write(desk, cloud, options=CACHED)
    desk.commands.abandon(device.id, "the device was deleted")
    assert (await desk.row(other.ticket)).failure == "the device was deleted"


@pytest.mark.parametrize(
    ("options", "outcome", "failure"),
    [(PLAIN, State.FAILED, "the device went offline before it could be sent"), (CACHED, State.CACHED, None)],
)
async def test_a_device_that_goes_while_the_command_is_committed(
    desk: Desk,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    options: SendOptions,
    outcome: State,
    failure: str | None,
) -> None:
    database = Database(desk, monkeypatch)
    session, line = desk.connect(await desk.device(cloud.modelled))
    database.hold()
    sending = asyncio.ensure_future(write(desk, cloud, options=options))
    await database.asked.wait()
    desk.disconnect(session)
    database.open.set()
    result = await sending
    assert result.code == 200
    assert await state(desk, cloud, result.ticket) == outcome
    assert (await desk.row(result.ticket)).failure == failure
    assert line.sent == []


# Restart


async def test_a_restart_keeps_what_waits_and_fails_what_was_on_its_way(
    desk: Desk, cloud: Cloud, clock: FakeClock
) -> None:
    device = await desk.device(cloud.modelled)
    _, line = desk.connect(device, "published")
    failed = await write(desk, cloud, options=CACHED)
    line.by_itself = ""
    never_sent = await write(desk, cloud)
    kept = await write(desk, cloud, options=CACHED)
    line.by_itself = "published delivered"
    done = await write(desk, cloud)
    offline = await desk.device(cloud.modelled, "DK2")
    waiting = await write(desk, cloud, options=CACHED, key="DK2")
    clock.advance(1)
    await desk.restart()
    for ticket in (failed.ticket, never_sent.ticket):
        row = await desk.row(ticket)
        assert (row.failure, row.failed_at, row.open) == ("the server stopped", clock.now_ms(), False)
        assert (await desk.logged(ticket)).status == -1
    row = await desk.row(done.ticket)
    assert (row.open, row.failed_at) == (False, None)
    assert (await desk.logged(done.ticket)).status == 1
    for ticket, of in ((kept.ticket, device), (waiting.ticket, offline)):
        assert await state(desk, cloud, ticket) == State.CACHED
        _, line = desk.connect(of, "published delivered")
        await settled(desk, line, 1)
        assert await state(desk, cloud, ticket) == State.DELIVERED


async def test_what_expired_while_nobody_ran_expires_at_the_start(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    await desk.device(cloud.modelled)
    result = await write(desk, cloud, options=SendOptions(cache_s=1))
    clock.advance(2_000)
    await desk.restart()
    desk.commands.tick()
    assert await state(desk, cloud, result.ticket) == State.EXPIRED
