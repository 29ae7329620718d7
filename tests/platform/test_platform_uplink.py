"""What devices send: rows of the logs, newest values, and nothing that is ever refused."""

import base64
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud import Cloud
from fakes import FakeClock
from mooring.platform.command_input import SendOptions
from mooring.platform.latest import Newest
from mooring.platform.uplink import MAX_EVENTS
from mooring.protocol import commands, ttlv
from mooring.protocol.commands import (
    ExceptionReport,
    LocationReport,
    ModuleInformationReport,
    PassThroughUp,
    Report,
    StatusReport,
)
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import Field
from mooring.store.logs import ExceptionRow
from reporting import Reporter, connect, paths

SAMPLE = "AFQAAwAKAAAAEgAAABoAAA=="
"""Of openapi-notes.md section 12, cut after its first item."""


@pytest.fixture
async def plug(cloud: Cloud) -> Reporter:
    return await connect(cloud.platform, cloud.modelled)


async def exceptions(reporter: Reporter) -> list[ExceptionRow]:
    rows, _ = await reporter.platform.history.exceptions(reporter.device.id)
    return rows


async def test_a_report_is_logged_and_shown_as_the_newest(plug: Reporter, clock: FakeClock) -> None:
    clock.advance(5)
    await plug.values({"relay": True, "power": Decimal("28.56"), "label": "Büro"})
    assert plug.told == [None]
    [row], total = await plug.platform.history.data(plug.device.id)
    now = clock.now_ms()
    assert (row.direction, row.cmd, row.packet_id, row.status, row.ticket) == (1, 0x0014, 1, 1, row.id)
    assert (row.created_at, row.sent_at, row.updated_at, total) == (now, now, now, 1)
    assert row.dm_data == '[{"id":1,"value":true},{"id":2,"value":"28.6"},{"id":9,"value":"Büro"}]'
    assert ttlv.decode(base64.b64decode(row.data))[0] == Field(1, True)
    latest = await plug.latest()
    assert latest.properties == {1: Newest(True, now), 2: Newest("28.6", now), 9: Newest("Büro", now)}
    assert await exceptions(plug) == []


async def test_newest_values_merge_and_the_last_of_one_id_counts(plug: Reporter, clock: FakeClock) -> None:
    await plug.values({"relay": True, "power": 1})
    first = clock.now_ms()
    clock.advance(10)
    await plug.fields([Field(2, Decimal(2)), Field(2, Decimal(3))])
    latest = await plug.latest()
    assert latest.properties == {1: Newest(True, first), 2: Newest("3", clock.now_ms())}
    [row, _], _ = await plug.platform.history.data(plug.device.id)
    assert row.dm_data == '[{"id":2,"value":"2"},{"id":2,"value":"3"}]'


async def test_the_sample_of_the_contract(cloud: Cloud) -> None:
    untold = await connect(cloud.platform, cloud.empty)
    await untold.frame(0x0014, base64.b64decode(SAMPLE))
    [row], _ = await cloud.platform.history.data(untold.device.id)
    assert row.data == SAMPLE
    zeros = ",".join(f'{{"id":{ident},"value":"0"}}' for ident in (1, 2, 3))
    assert row.dm_data == f'[{{"id":10,"value":[{zeros}]}}]'


async def test_an_event_is_logged_by_code(plug: Reporter, clock: FakeClock) -> None:
    await plug.event("overload", {"power": Decimal("3700.5"), "current": Decimal("16.2"), "limit": 3600})
    [row], _ = await plug.platform.history.events(plug.device.id, event_type=5)
    assert (row.ab_id, row.code, row.name, row.packet_id, row.remark) == (10, "overload", "Overload cut-off", 1, None)
    assert row.output == '{"power":"3700.5","current":"16.2","limit":"3600"}'
    assert row.created_at == clock.now_ms()
    assert await plug.platform.latest.of(plug.device.id) is None


async def test_events_and_properties_share_a_report(plug: Reporter) -> None:
    await plug.fields([Field(12, []), Field(1, False), Field(12, [])])
    rows, total = await plug.platform.history.events(plug.device.id, event_type=3)
    assert [(row.code, row.output) for row in rows] == [("countdown_done", "{}")] * 2
    assert (total, rows[0].id > rows[1].id) == (2, True)
    assert (await plug.latest()).properties[1].value is False


async def test_more_events_than_one_report_may_have_are_named(plug: Reporter) -> None:
    await plug.fields([Field(12, [])] * (MAX_EVENTS + 1))
    _, total = await plug.platform.history.events(plug.device.id, event_type=3)
    [row] = await exceptions(plug)
    assert (total, row.reason) == (MAX_EVENTS, "the report has 201 events, the limit is 200")


async def test_what_does_not_fit_goes_to_the_exception_log_and_the_rest_is_taken(plug: Reporter) -> None:
    inner = Field(10, [Field(2, b"much"), Field(11, Decimal(1))])
    await plug.fields([Field(99, True), Field(98, True), Field(1, b"on"), Field(7, Decimal("1.5")), inner])
    assert plug.told == [None]
    [row] = await exceptions(plug)
    assert (row.cmd, row.packet_id) == (0x0014, 1)
    assert paths(row.feature_ids) == [[99], [98], [1], [10, 2]]
    assert "(id 99, 98)" in row.reason
    assert "10.2" in row.reason
    assert len(base64.b64decode(row.data)) > 10
    assert (await plug.latest()).properties.keys() == {7}


async def test_a_flood_of_unknown_ids_makes_one_bounded_row(plug: Reporter) -> None:
    await plug.frame(0x0014, b"\x0f\x01" * 30_000)
    [row] = await exceptions(plug)
    assert len(paths(row.feature_ids)) == 100
    assert row.reason.endswith("; and 29900 more")
    assert plug.told == [None]


async def test_a_payload_that_is_no_ttlv(plug: Reporter) -> None:
    await plug.frame(0x0014, b"\xff\xff\xff")
    [row] = await exceptions(plug)
    assert row.reason.startswith("the payload is no TTLV: byte 0")
    [logged], _ = await plug.platform.history.data(plug.device.id)
    assert (logged.data, logged.dm_data) == ("////", None)
    assert plug.told == [None]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("empty", "the product has no released thing model"), ("transparent", "the product is transparent")],
)
async def test_model_data_without_a_model(cloud: Cloud, name: str, reason: str) -> None:
    device = await connect(cloud.platform, getattr(cloud, name))
    await device.say(Report([Field(1, True), Field(2, b"\x00\xff")]))
    [row], _ = await cloud.platform.history.data(device.device.id)
    assert row.dm_data == '[{"id":1,"value":true},{"id":2,"value":"00ff"}]'
    assert [row.reason for row in await exceptions(device)] == [reason]


async def test_pass_through_is_logged_as_it_came(cloud: Cloud) -> None:
    device = await connect(cloud.platform, cloud.transparent)
    await device.say(PassThroughUp(b"\x00any\xffthing"))
    [row], _ = await cloud.platform.history.data(device.device.id)
    assert (row.cmd, base64.b64decode(row.data), row.dm_data) == (0x0024, b"\x00any\xffthing", None)
    assert await exceptions(device) == []


async def test_the_first_data_message_activates_and_status_does_not(plug: Reporter, clock: FakeClock) -> None:
    await plug.say(StatusReport(battery=Decimal(80)))
    device = await plug.platform.devices.by_id(plug.device.id)
    assert device is not None
    assert device.activated_at is None
    clock.advance(7)
    await plug.values({"relay": True})
    device = await plug.platform.devices.by_id(plug.device.id)
    assert device is not None
    assert device.activated_at == clock.now_ms()


async def test_status_and_module_values_by_name(plug: Reporter, clock: FakeClock) -> None:
    await plug.say(StatusReport(battery=Decimal(80), voltage=Decimal("3.70"), signal_strength=Decimal(-71)))
    first = clock.now_ms()
    clock.advance(1)
    await plug.say(
        ModuleInformationReport(
            model="EC200U",
            version="R01",
            mcu_versions="",
            iccid="8986",
            cell_id=2**40,
            location_kinds=("NONE", "AUTO"),
            data_protocol_version="1.3.0",
            communication_protocol_version="3.0.0",
            sdk_version="2.9.0",
            imsi="46000",
            phone_number="+8613",
        )
    )
    await plug.say(StatusReport(battery=Decimal(79)))
    later = clock.now_ms()
    found = (await plug.latest()).resources
    assert {name: value.value for name, value in found.items()} == {
        "battery": "79",
        "voltage": "3.7",
        "signal_strength": "-71",
        "type": "EC200U",
        "version": "R01",
        "mcu_version": "",
        "icc_id": "8986",
        "cell_id": str(2**40),
        "locator": "NONE;AUTO;",
        "data_protocol_ver": "1.3.0",
        "com_protocol_ver": "3.0.0",
        "sdk_ver": "2.9.0",
        "sim_num": "46000",
        "phone_num": "+8613",
    }
    assert (found["battery"].at, found["voltage"].at) == (later, first)
    assert await plug.platform.history.data(plug.device.id) == ([], 0)


async def test_a_position_is_logged_and_the_newest(plug: Reporter, clock: FakeClock) -> None:
    await plug.say(
        LocationReport(
            "$GNGGA,080642.00,3149.3344,N,11706.9263,E,1,24,0.58,40.5,M,0.0,M,,*4E;"
            "$GNRMC,080642.00,A,3149.3344,N,11706.9263,E,1.5,90.0,091025,,,A*7A;"
            "$LBS,460,00,21501,90817263,-79,0*4B;$LBS,460,00,550A,8B3C2,-71,0*33;"
        )
    )
    rows, total = await plug.platform.history.locations(plug.device.id)
    assert (total, [row.source for row in rows]) == (2, ["LBS", "GN"])
    fix = await plug.platform.latest.location(plug.device.id)
    assert fix == rows[1] == (await plug.latest()).location
    assert fix is not None
    assert (fix.kinds, fix.quality, fix.satellites, fix.hdop, fix.speed) == (("GGA", "RMC"), 1, 24, "0.58", "1.5")
    assert (fix.lat, fix.lat_type, fix.packet_id, fix.at) == ("3149.3344", "N", 1, clock.now_ms())
    assert fix.wgs84 is not None
    assert (fix.wgs84.latitude, fix.wgs84.longitude) == (31.82224, 117.11543833)
    assert fix.raw.count(";") == 2
    assert rows[0].raw.count("$LBS,") == 2
    assert [(cell.lac, cell.cell_id, cell.signal) for cell in rows[0].cells] == [(21501, 90817263, -79)]


async def test_cells_do_not_hide_the_last_fix(plug: Reporter) -> None:
    await plug.say(LocationReport("$LBS,460,00,1,2,-71,0*33;"))
    before = await plug.platform.latest.location(plug.device.id)
    await plug.say(LocationReport("$GPGLL,4717.11,N,00833.91,E,092321.00,A*60;"))
    await plug.say(LocationReport("$LBS,460,00,1,2,-71,0*33;"))
    after = await plug.platform.latest.location(plug.device.id)
    assert before is not None
    assert after is not None
    assert (before.source, before.wgs84, after.source) == ("LBS", None, "GP")


async def test_too_many_sentences_are_named(plug: Reporter) -> None:
    await plug.say(LocationReport("$GPGSV,1;" * 301))
    [row] = await exceptions(plug)
    assert row.reason == "1 sentences beyond the limit were not read"
    [location], _ = await plug.platform.history.locations(plug.device.id)
    assert (location.source, location.raw.count(";")) == ("", 300)


@pytest.mark.parametrize(
    ("command", "payload", "reason"),
    [
        (0x1234, b"?", "unknown command 1234"),
        (0x0011, b"", "unknown command 0011"),
        (0x0115, b"", "this server does not serve 0115"),
        (0x0034, ttlv.encode([Field(1, b"full")]), "battery: is not a number"),
        (0x0122, ttlv.encode([]), "text: is missing"),
        (0x0122, b"\xff", "payload: byte 0: the field ends early"),
    ],
)
async def test_what_is_not_served_or_malformed(plug: Reporter, command: int, payload: bytes, reason: str) -> None:
    await plug.frame(command, payload)
    [row] = await exceptions(plug)
    assert (row.cmd, row.reason, row.data) == (command, reason, base64.b64encode(payload).decode())
    assert plug.told == [None]


async def test_a_request_for_a_sub_device_that_is_refused(plug: Reporter) -> None:
    """Not with its payload, which holds a password."""
    payload = ttlv.encode([Field(1, b"pXXXXX"), Field(2, b"DK2"), Field(3, b"1;0000;0123456789abcdef;x")])
    await plug.frame(0x00C8, payload)
    await plug.platform.sub_devices.settle()
    [row] = await exceptions(plug)
    assert (row.cmd, row.data) == (0x00C8, "")
    assert row.reason == (
        "sub-device pXXXXX DK2: 10440: the product of the device that speaks for it is no gateway product"
    )
    assert plug.told == [None]


@pytest.mark.parametrize(("packet_id", "shown"), [(77, 77), (2**40, 1), (None, 1)])
async def test_a_refusal_by_the_device(plug: Reporter, packet_id: int | None, shown: int) -> None:
    await plug.say(ExceptionReport(5, packet_id))
    [row] = await exceptions(plug)
    assert (row.reason, row.packet_id) == ("the device refused a frame with code 5", shown)


async def test_a_message_that_is_no_frame(plug: Reporter) -> None:
    plug.platform.uplinks.malformed(
        plug.session, b"hello", "protocol: does not start with the header", plug.told.append
    )
    await plug.platform.journal.settle()
    [row] = await exceptions(plug)
    assert (row.cmd, row.packet_id, row.feature_ids, base64.b64decode(row.data)) == (None, None, "[]", b"hello")
    assert plug.told == [None]


async def test_nul_in_a_text_stops_nothing(plug: Reporter) -> None:
    await plug.fields([Field(9, b"a\0b")])
    await plug.say(ModuleInformationReport(model="EC\0"))
    assert plug.told == [None, None]
    latest = await plug.latest()
    assert (latest.properties[9].value, latest.resources["type"].value) == ("a\ufffdb", "EC\ufffd")
    [row], _ = await plug.platform.history.data(plug.device.id)
    assert ttlv.decode(base64.b64decode(row.data)) == [Field(9, b"a\0b")]


async def test_an_answer_carries_the_ticket_of_its_request(cloud: Cloud, plug: Reporter) -> None:
    [sent] = await cloud.platform.commands.send_read(
        cloud.app, cloud.modelled, [plug.device.device_key], '["relay"]', SendOptions()
    )
    [request] = plug.line.sent
    plug.line.deliveries[0].published()
    plug.line.deliveries[0].delivered()
    await plug.frame(0x0012, ttlv.encode([Field(1, True)]), request.packet_id)
    await plug.frame(0x0012, ttlv.encode([Field(1, False)]), request.packet_id + 1)
    rows, _ = await cloud.platform.history.data(plug.device.id, direction=1)
    assert [row.ticket for row in rows] == [rows[0].id, sent.ticket]
    assert sent.ticket is not None
    shown = await cloud.platform.commands.one(cloud.actor.account_id, sent.ticket)
    assert shown.reply_id == rows[1].id


async def test_who_watches_hears_what_did_not_fit(plug: Reporter) -> None:
    async with plug.platform.trace.watch(plug.device.id) as events:
        await plug.fields([Field(99, True)])
        event = await anext(events)
    assert (event.kind, event.direction, event.qos, event.packet_id, event.cmd) == ("note", "up", 1, 1, "0014")
    assert event.note == "the id is not defined in the model (id 99)"


async def test_a_fault_of_the_server_is_logged_and_takes_nothing_with_it(
    plug: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(product_id: int) -> None:
        raise RuntimeError(product_id)

    monkeypatch.setattr(plug.platform.directory, "product", broken)
    await plug.frame(0x0014, b"")
    [row] = await exceptions(plug)
    assert (row.reason, plug.told) == ("a fault of the server, see its log", [None])


VALID = [
    commands.encode(value, 1)
    for value in (
        Report([Field(1, True), Field(2, Decimal("28.5")), Field(9, b"label"), Field(10, [Field(11, Decimal(3))])]),
        PassThroughUp(b"any"),
        LocationReport(
            "$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76;$LBS,460,00,1,2,-71,0*33;"
        ),
        StatusReport(battery=Decimal(80), voltage=Decimal("3.7")),
        ModuleInformationReport(model="EC200U", cell_id=7, location_kinds=("GGA",)),
        ExceptionReport(5, 77),
    )
]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[int, bytes]:
    """A good message with some bytes changed, dropped or added, or under another command; or any bytes."""
    frame = draw(st.sampled_from(VALID))
    payload = bytearray(frame.payload)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(payload)))
        payload[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    command = draw(st.sampled_from([frame.command, *sorted(commands.TOPICS), 0x7001]))
    return command, draw(st.just(bytes(payload)) | st.binary(max_size=60))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(frames=st.lists(mutated(), min_size=1, max_size=10))
async def test_whatever_comes_is_committed_and_never_raises(plug: Reporter, frames: list[tuple[int, bytes]]) -> None:
    plug.told.clear()
    before = {name: total for name, (_, total) in (await logs(plug)).items()}
    for command, payload in frames:
        plug.platform.uplinks.receive(plug.session, Frame(5, command, payload), 1, plug.told.append)
    await plug.platform.journal.settle()
    assert plug.told == [None] * len(frames)
    after = await logs(plug)
    assert all(total >= before[name] for name, (_, total) in after.items())
    await plug.platform.latest.of(plug.device.id)


async def logs(plug: Reporter) -> dict[str, tuple[object, int]]:
    history, device_id = plug.platform.history, plug.device.id
    return {
        "data": await history.data(device_id),
        "events": await history.events(device_id),
        "exceptions": await history.exceptions(device_id),
        "locations": await history.locations(device_id),
    }
