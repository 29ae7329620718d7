"""The walk of one command from acceptance to its last step, confirmed and not confirmed, on both databases."""

import base64
from decimal import Decimal

import pytest

from cloud import Cloud
from databases import on_sqlite
from fakes import FakeClock
from links import Desk
from mooring.platform.command_steps import State
from mooring.platform.commands import SendOptions
from mooring.protocol import frame, ttlv
from mooring.protocol.ttlv import Field
from mooring.store import devices as device_statements
from platform_commands import CACHED, PLAIN, settled, state, write

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
