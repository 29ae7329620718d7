"""Finding, watching and repeating commands, on both databases."""

from typing import Any

import pytest

from cloud import Cloud
from fakes import FakeClock
from links import Desk
from mooring.platform import Missing
from mooring.platform.command_input import Kind
from mooring.platform.command_steps import State
from mooring.platform.commands import SendOptions
from mooring.platform.journal import Entry
from mooring.protocol.ttlv import Field
from mooring.store import commands as command_statements
from platform_commands import CACHED, PLAIN, settled, state, write


async def test_pages_of_a_device(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    device = await desk.device(cloud.modelled)
    desk.connect(device, "published delivered")
    tickets, times = [], []
    for number in range(5):
        clock.advance(1_000)
        times.append(clock.now_ms())
        send = desk.commands.send_read if number % 2 else desk.commands.send_write
        data = '["relay"]' if number % 2 else '[{"relay":"true"}]'
        [result] = await send(cloud.actor, cloud.modelled, ["DK1"], data, PLAIN)
        tickets.append(result.ticket)
    page, total = await desk.commands.of_device(device, number=2, size=2)
    assert ([shown.ticket for shown in page], total) == ([tickets[2], tickets[1]], 5)
    page, total = await desk.commands.of_device(device, kind=Kind.READ)
    assert ([shown.ticket for shown in page], total) == ([tickets[3], tickets[1]], 2)
    page, total = await desk.commands.of_device(device, since=times[1], until=times[2])
    assert ([shown.ticket for shown in page], total) == ([tickets[2], tickets[1]], 2)
    assert {shown.origin for shown in page} == {"admin@example.com"}


async def test_commands_to_all_devices_are_found_by_state_kind_and_time(
    desk: Desk, cloud: Cloud, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("DK1", "DK2"):
        await desk.device(cloud.modelled, key)
    start = clock.now_ms()
    states: dict[int, State] = {}
    for number in range(6):
        clock.advance(1_000)
        key = f"DK{number % 2 + 1}"
        [sent] = await desk.commands.send_read(cloud.actor, cloud.modelled, [key], '["relay"]', CACHED)
        states[sent.ticket or 0] = State.CACHED
    first, *_, last = states
    await desk.commands.cancel(cloud.app.account_id, first)
    states[first] = State.FAILED
    clock.advance(1_000)
    written = (await write(desk, cloud, options=CACHED)).ticket or 0
    states[written] = State.CACHED
    await desk.journal.settle()
    account = cloud.app.account_id

    async def found(**chosen: Any) -> tuple[list[int], int | None]:
        shown, older = await desk.commands.newest(account, **chosen)
        assert all(states[one.ticket] is one.state for one in shown)
        return [one.ticket for one in shown], older

    tickets = list(reversed(states))
    assert await found() == (tickets, None)
    assert {one.device_key for one in (await desk.commands.newest(account))[0]} == {"DK1", "DK2"}
    assert await found(state=State.FAILED) == ([first], None)
    assert await found(kind=Kind.PROPERTY, state=State.CACHED) == ([written], None)
    assert await found(since=start + 6_000) == ([written, last], None)
    assert await found(rows=3) == (tickets[:3], tickets[2])
    assert await found(rows=3, before=tickets[2]) == (tickets[3:6], tickets[5])
    assert await found(before=first) == ([], None)
    monkeypatch.setattr("mooring.platform.commands.MAX_LOOKED", 4)
    assert await found(state=State.FAILED) == ([], tickets[3])
    assert await found(state=State.FAILED, before=tickets[3]) == ([first], None)
    assert await found(state=State.FAILED, since=start + 5_000) == ([], None)


@pytest.mark.parametrize("reached", State)
async def test_the_database_finds_a_command_by_the_state_that_it_shows(
    desk: Desk, cloud: Cloud, reached: State
) -> None:
    await desk.device(cloud.modelled)
    ticket = (await write(desk, cloud, options=CACHED)).ticket or 0
    row = await desk.row(ticket)
    steps = {name: getattr(row, name) for name in command_statements.STEPS}
    steps["waits"] = reached is State.CACHED
    if reached not in (State.CACHED, State.ACCEPTED):
        steps[f"{reached}_at"] = row.accepted_at
    await desk.platform.store.write(
        command_statements.SAVE(ticket=ticket, **{f"new_{name}": value for name, value in steps.items()})
    )
    found, _ = await desk.commands.newest(cloud.app.account_id, state=reached)
    assert [(one.ticket, one.state) for one in found] == [(ticket, reached)]


async def test_another_account_sees_nothing(desk: Desk, cloud: Cloud) -> None:
    await desk.device(cloud.modelled)
    result = await write(desk, cloud, options=CACHED)
    assert await desk.commands.newest(404) == ([], None)
    for account, ticket in ((404, result.ticket or 0), (cloud.app.account_id, 1)):
        with pytest.raises(Missing):
            await desk.commands.one(account, ticket)


async def test_a_command_can_be_sent_again(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    first = await write(desk, cloud, options=SendOptions(cache_s=60, qos=0))
    second = await desk.commands.resend(cloud.actor, cloud.app.account_id, first.ticket or 0)
    assert second.ticket != first.ticket
    again, before = await desk.row(second.ticket), await desk.row(first.ticket)
    assert (again.payload, again.input, again.kind, again.qos) == (before.payload, before.input, before.kind, 0)
    assert (again.expires_at or 0) - again.accepted_at == 60_000
    _, line = desk.connect(device, "published delivered")
    await settled(desk, line, 2)
    assert len({sent.packet_id for sent in line.sent}) == 2


async def test_who_watches_the_device_is_told(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    desk.connect(device, "published delivered")
    async with desk.trace.watch(device.id) as events:
        result = await write(desk, cloud)
        seen = [await anext(events) for _ in range(2)]
    assert [event.note for event in seen] == [
        f"command {result.ticket} is published",
        f"command {result.ticket} is delivered",
    ]


async def test_nothing_is_remembered_of_what_is_over(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    session, line = desk.connect(await desk.device(cloud.modelled), "published")
    delivered = await write(desk, cloud)
    failed = await write(desk, cloud)
    line.deliveries[0].delivered()
    clock.advance(300_000)
    desk.commands.tick()
    await desk.uplink(session, 0x0014, 5, [Field(1, True)])
    assert not (await desk.row(delivered.ticket)).open
    assert await state(desk, cloud, delivered.ticket) == State.DELIVERED
    assert await state(desk, cloud, failed.ticket) == State.FAILED
    assert desk.commands.on_uplink(session, Entry(), 0x0014, 6, None, 1, 1) is None
    assert desk.commands.open_devices == 0
