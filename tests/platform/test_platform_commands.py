"""Commands from acceptance to their last step, on both databases, with connections and time under control."""

import asyncio
import base64
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from cloud import Cloud, build_cloud
from databases import on_sqlite
from fakes import FakeClock
from links import Desk, Line
from mooring.platform import Conflict, Missing, Platform
from mooring.platform.command_input import Kind
from mooring.platform.command_steps import State
from mooring.platform.commands import MAX_CACHED, MAX_DEVICES, MAX_UNCONFIRMED, BadData, SendOptions, SendResult
from mooring.platform.entities import Product
from mooring.platform.journal import Entry
from mooring.platform.products import NewProduct
from mooring.protocol import frame, ttlv
from mooring.protocol.ttlv import Field
from mooring.store import Rows, StoreError, StoreUnavailable, Write
from mooring.store import commands as command_statements
from mooring.store import devices as device_statements

CACHED = SendOptions(cache_s=600)
PLAIN = SendOptions()


@pytest.fixture
async def cloud(platform: Platform, clock: FakeClock) -> Cloud:
    return await build_cloud(platform, clock)


@pytest.fixture
async def desk(cloud: Cloud, clock: FakeClock) -> AsyncIterator[Desk]:
    made = Desk(cloud.platform, clock)
    yield made
    await made.journal.settle()


async def write(
    desk: Desk, cloud: Cloud, data: str = '[{"relay":"true"}]', options: SendOptions = PLAIN, key: str = "DK1"
) -> SendResult:
    [result] = await desk.commands.send_write(cloud.app, cloud.modelled, [key], data, options)
    return result


async def state(desk: Desk, cloud: Cloud, ticket: int | None) -> State:
    await desk.journal.settle()
    return (await desk.commands.one(cloud.app.account_id, ticket or 0)).state


def relay(line: Line) -> list[object]:
    return [ttlv.decode(sent.payload)[0].value for sent in line.sent]


class Database:
    """The writes of a desk: refused while `down`, held up while `open` is clear."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.down = False
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self._write = desk.platform.store.write
        monkeypatch.setattr(desk.platform.store, "write", self.write)

    def hold(self) -> None:
        """Hold up what is written from now on; `asked` tells when there is something."""
        self.open.clear()
        self.asked.clear()

    async def write(self, *writes: Write | Rows) -> None:
        if self.down:
            raise StoreUnavailable("down")
        self.asked.set()
        await self.open.wait()
        await self._write(*writes)


# The walk of one command


async def test_a_write_goes_from_accepted_to_reported(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    device = await desk.device(cloud.modelled)
    session, line = desk.connect(device)
    accepted_at = clock.now_ms()
    result = await write(desk, cloud, '[{"relay":"true"},{"countdown":"60"}]')
    assert (result.code, result.detail) == (200, "")
    assert await state(desk, cloud, result.ticket) == State.ACCEPTED
    [sent] = line.sent
    assert sent.command == 0x0013
    assert ttlv.decode(sent.payload) == [Field(1, True), Field(7, Decimal(60))]
    logged = await desk.logged(result.ticket)
    assert (logged.direction, logged.status, logged.sent_at, logged.packet_id) == (2, 0, None, None)
    assert logged.dm_data == '[{"id":1,"value":true},{"id":7,"value":"60"}]'
    assert base64.b64decode(logged.data) == sent.payload

    clock.advance(10)
    line.deliveries[0].published()
    published_at = clock.now_ms()
    assert await state(desk, cloud, result.ticket) == State.PUBLISHED
    logged = await desk.logged(result.ticket)
    assert (logged.status, logged.sent_at, logged.packet_id) == (0, published_at, sent.packet_id)

    clock.advance(10)
    line.deliveries[0].delivered()
    assert await state(desk, cloud, result.ticket) == State.DELIVERED
    logged = await desk.logged(result.ticket)
    assert (logged.status, logged.updated_at) == (1, clock.now_ms())

    clock.advance(10)
    assert await desk.uplink(session, 0x0014, 5, [Field(1, True)]) is None
    assert await state(desk, cloud, result.ticket) == State.DELIVERED
    assert await desk.uplink(session, 0x0014, 6, [Field(7, Decimal(60)), Field(2, Decimal(3))]) is None
    assert await state(desk, cloud, result.ticket) == State.REPORTED

    shown = await desk.commands.one(cloud.app.account_id, result.ticket or 0)
    assert (shown.accepted_at, shown.published_at, shown.reported_at) == (accepted_at, published_at, clock.now_ms())
    assert (shown.kind, shown.cmd, shown.origin, shown.app_id) == ("property", "0013", "openapi", cloud.app.id)
    assert shown.frame == frame.encode(sent).hex()
    assert (shown.product_key, shown.device_key) == (cloud.modelled.product_key, "DK1")
    assert shown.reply_cmd == "0014"
    assert shown.failure is None
    row = await desk.row(result.ticket)
    assert not row.open


async def test_a_value_that_differs_is_no_evidence(desk: Desk, cloud: Cloud) -> None:
    session, _ = desk.connect(await desk.device(cloud.modelled), "published delivered")
    result = await write(desk, cloud)
    await desk.uplink(session, 0x0014, 5, [Field(1, False)])
    assert await state(desk, cloud, result.ticket) == State.DELIVERED


async def test_a_report_before_the_confirmation_is_no_evidence(desk: Desk, cloud: Cloud) -> None:
    session, line = desk.connect(await desk.device(cloud.modelled), "published")
    result = await write(desk, cloud)
    await desk.uplink(session, 0x0014, 5, [Field(1, True)])
    assert await state(desk, cloud, result.ticket) == State.PUBLISHED
    line.deliveries[0].delivered()
    await desk.uplink(session, 0x0014, 6, [Field(1, True)])
    assert await state(desk, cloud, result.ticket) == State.REPORTED


async def test_a_read_is_answered_by_the_reply_with_its_packet_id(desk: Desk, cloud: Cloud) -> None:
    session, line = desk.connect(await desk.device(cloud.modelled), "published delivered")
    [first] = await desk.commands.send_read(cloud.app, cloud.modelled, ["DK1"], '["relay","power"]', PLAIN)
    [second] = await desk.commands.send_read(cloud.app, cloud.modelled, ["DK1"], '["relay"]', PLAIN)
    assert [sent.command for sent in line.sent] == [0x0011, 0x0011]
    assert line.sent[0].payload == bytes([0, 1, 0, 2])
    answer = [Field(1, True), Field(2, Decimal("1.5"))]
    assert await desk.uplink(session, 0x0012, 0x7FFF, answer) is None
    assert await desk.uplink(session, 0x0014, line.sent[1].packet_id, answer) is None
    assert await desk.uplink(session, 0x0012, line.sent[1].packet_id, answer) == second.ticket
    assert await state(desk, cloud, first.ticket) == State.DELIVERED
    shown = await desk.commands.one(cloud.app.account_id, second.ticket or 0)
    assert shown.state == State.ANSWERED
    assert shown.output == '[{"id":1,"value":true},{"id":2,"value":"1.5"}]'
    assert (await desk.logged(first.ticket)).dm_data == '["1","2"]'
    assert await desk.uplink(session, 0x0012, line.sent[0].packet_id, answer) == first.ticket


async def test_an_answer_shows_the_delivery_that_was_not_confirmed(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    session, line = desk.connect(await desk.device(cloud.modelled), "published")
    [result] = await desk.commands.send_read(cloud.app, cloud.modelled, ["DK1"], '["relay"]', PLAIN)
    clock.advance(5_000)
    desk.commands.tick()
    assert await state(desk, cloud, result.ticket) == State.FAILED
    await desk.uplink(session, 0x0012, line.sent[0].packet_id, [Field(1, True)])
    row = await desk.row(result.ticket)
    assert row.delivered_at == row.answered_at == clock.now_ms()
    assert (row.failed_at, row.failure) == (None, None)
    assert (await desk.logged(result.ticket)).status == 1
    line.deliveries[0].delivered()
    assert (await desk.row(result.ticket)).delivered_at == row.delivered_at


async def test_a_service_is_answered_by_a_struct_under_its_id(desk: Desk, cloud: Cloud) -> None:
    session, line = desk.connect(await desk.device(cloud.modelled), "published delivered")
    send = desk.commands.send_service
    [first] = await send(cloud.app, cloud.modelled, ["DK1"], '[{"reset_energy":[]}]', PLAIN)
    [second] = await send(cloud.app, cloud.modelled, ["DK1"], '[{"reset_energy":[]}]', PLAIN)
    assert ttlv.decode(line.sent[0].payload) == [Field(13, [])]
    answer = [Field(13, [Field(5, Decimal("1.25"))])]
    assert await desk.uplink(session, 0x0014, 9, answer) == first.ticket
    assert await state(desk, cloud, second.ticket) == State.DELIVERED
    assert await desk.uplink(session, 0x0014, 10, answer) == second.ticket
    shown = await desk.commands.one(cloud.app.account_id, first.ticket or 0)
    assert (shown.state, shown.feature_id) == (State.ANSWERED, 13)
    assert shown.output == '{"reset_energy":{"energy_total":"1.25"}}'
    assert await desk.uplink(session, 0x0014, 11, answer) is None


@pytest.mark.parametrize(("data", "encoding", "payload"), [("0aFF", "Hex", b"\x0a\xff"), ("é1", "Text", b"\xc3\xa91")])
async def test_raw_data_is_done_when_it_is_confirmed(
    desk: Desk, cloud: Cloud, data: str, encoding: str, payload: bytes
) -> None:
    _, line = desk.connect(await desk.device(cloud.transparent), "published delivered")
    [result] = await desk.commands.send_raw(cloud.app, [(cloud.transparent, "DK1")], data, PLAIN, encoding)
    assert line.sent == [frame.Frame(line.sent[0].packet_id, 0x0023, payload)]
    row = await desk.row(result.ticket)
    assert not row.open
    assert (row.kind, row.input) == ("raw", base64.b64encode(payload).decode())
    assert (await desk.logged(result.ticket)).dm_data is None


async def test_the_first_command_activates_the_device(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    device = await desk.device(cloud.modelled)
    _, line = desk.connect(device)
    await write(desk, cloud)
    [row] = await desk.platform.store.read(device_statements.BY_ID, device_id=device.id)
    assert row.activated_at is None
    line.deliveries[0].published()
    await desk.journal.settle()
    [row] = await desk.platform.store.read(device_statements.BY_ID, device_id=device.id)
    assert row.activated_at == clock.now_ms()


@pytest.mark.parametrize(("qos", "sent"), [(0, 0), (1, 1), (2, 1)])
@on_sqlite
async def test_qos_two_is_sent_as_one(desk: Desk, cloud: Cloud, qos: int, sent: int) -> None:
    _, line = desk.connect(await desk.device(cloud.modelled))
    result = await write(desk, cloud, options=SendOptions(qos=qos))
    assert line.qos == [sent]
    assert (await desk.row(result.ticket)).qos == qos


# Not confirmed


async def test_without_a_confirmation_in_five_seconds_it_has_failed(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    _, line = desk.connect(await desk.device(cloud.modelled), "published")
    result = await write(desk, cloud)
    clock.advance(4_999)
    desk.commands.tick()
    assert await state(desk, cloud, result.ticket) == State.PUBLISHED
    clock.advance(1)
    desk.commands.tick()
    row = await desk.row(result.ticket)
    assert (row.failed_at, row.failure) == (clock.now_ms(), "the device did not confirm it within 5 s")
    assert (await desk.logged(result.ticket)).status == -1
    clock.advance(1_000)
    line.deliveries[0].delivered()
    row = await desk.row(result.ticket)
    assert (row.delivered_at, row.failed_at, row.failure) == (clock.now_ms(), None, None)
    assert (await desk.logged(result.ticket)).status == 1


async def test_a_confirmation_shows_that_it_was_published(desk: Desk, cloud: Cloud, clock: FakeClock) -> None:
    _, line = desk.connect(await desk.device(cloud.modelled), "delivered")
    result = await write(desk, cloud)
    row = await desk.row(result.ticket)
    assert row.published_at == row.delivered_at == clock.now_ms()
    assert row.packet_id == line.sent[0].packet_id


async def test_a_lost_connection_fails_what_was_on_its_way(desk: Desk, cloud: Cloud) -> None:
    session, line = desk.connect(await desk.device(cloud.modelled), "published")
    result = await write(desk, cloud, options=CACHED)
    line.deliveries[0].lost("the connection ended")
    desk.disconnect(session)
    row = await desk.row(result.ticket)
    assert (row.failure, row.waits, row.open) == ("the connection ended", False, False)


async def test_a_connection_that_says_nothing_is_over_when_its_session_is(desk: Desk, cloud: Cloud) -> None:
    session, _ = desk.connect(await desk.device(cloud.modelled), "published")
    result = await write(desk, cloud)
    desk.disconnect(session)
    assert (await desk.row(result.ticket)).failure == "the connection ended before the device confirmed it"


async def test_what_was_never_written_goes_back_to_the_cache_if_it_may(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    session, line = desk.connect(device)
    kept = await write(desk, cloud, options=CACHED)
    failed = await write(desk, cloud)
    for delivery in line.deliveries:
        delivery.lost("the connection ended")
    desk.disconnect(session)
    assert await state(desk, cloud, kept.ticket) == State.CACHED
    assert await state(desk, cloud, failed.ticket) == State.FAILED
    _, line = desk.connect(device, "published delivered")
    await settled(desk, line, 1)
    assert await state(desk, cloud, kept.ticket) == State.DELIVERED
    assert len(line.sent) == 1


async def test_a_refusing_connection_is_tried_again_by_and_by(desk: Desk, cloud: Cloud) -> None:
    _, line = desk.connect(await desk.device(cloud.modelled), "lost")
    result = await write(desk, cloud, options=CACHED)
    assert len(line.sent) == 1
    assert await state(desk, cloud, result.ticket) == State.CACHED
    desk.commands.tick()
    assert len(line.sent) == 2
    line.by_itself = "published delivered"
    desk.commands.tick()
    assert await state(desk, cloud, result.ticket) == State.DELIVERED


async def test_a_takeover_loses_what_the_first_connection_was_given(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    desk.connect(device, "published")
    result = await write(desk, cloud)
    _, line = desk.connect(device)
    assert await state(desk, cloud, result.ticket) == State.FAILED
    assert line.sent == []


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


async def settled(desk: Desk, line: Line, count: int) -> None:
    await line.reaches(count)
    await desk.journal.settle()


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


# Looking


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
