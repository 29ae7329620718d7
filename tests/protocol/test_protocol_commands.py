"""Commands, section 6 of contract/device-protocol.md."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.protocol import (
    commands,
    commands_codec,
    commands_kinds,
    commands_model,
    commands_ota,
    commands_subdevice,
    commands_system,
)
from mooring.protocol.commands import (
    REPLIES,
    TOPICS,
    UPLINK_QOS,
    CommandError,
    DeviceConfiguration,
    Direction,
    Downlink,
    ExceptionNotice,
    ExceptionReport,
    LocationReport,
    LocationRequest,
    ModuleInformationReport,
    PassThroughDown,
    PassThroughUp,
    ReadProperties,
    ReadResponse,
    ReadStatus,
    Report,
    ServerAddress,
    StatusReport,
    StatusResponse,
    Topic,
    Unknown,
    Uplink,
    WriteProperties,
    call_service,
    command_of,
    decode,
    encode,
    report_event,
)
from mooring.protocol.commands_codec import Codec
from mooring.protocol.frame import Frame
from mooring.protocol.frame import decode as decode_frame
from mooring.protocol.frame import encode as encode_frame
from mooring.protocol.ttlv import Field
from strategies_protocol import field_lists, mutated, title, values_of, vectors

CODECS = (*commands_model.CODECS, *commands_system.CODECS, *commands_ota.CODECS, *commands_subdevice.CODECS)
UP, DOWN = Direction.UP, Direction.DOWN
SECRET = "5f2c9e1b7a3d4c6081e2f3a4b5c6d7e8"


def name_of(codec: Codec) -> str:
    return f"{codec.command:04X}-{codec.direction.value}"


def expected(name: str) -> Uplink | Downlink:
    """The typed form of each named vector."""
    values: dict[str, Uplink | Downlink] = {
        "read one property": ReadProperties((1,)),
        "read three properties": ReadProperties((1, 2, 300)),
        "read nothing": ReadProperties(()),
        "read response": ReadResponse([Field(1, True), Field(2, Decimal(100)), Field(300, Decimal("28.5"))]),
        "write bool": WriteProperties([Field(1, True)]),
        "write several": WriteProperties(
            [Field(1, False), Field(2, Decimal(-20)), Field(3, Decimal("21.5")), Field(4, b"auto")]
        ),
        "report": Report([Field(1, True), Field(2, Decimal(100)), Field(3, Decimal("28.5"))]),
        "report event with parameters": report_event(20, [Field(1, Decimal(3)), Field(2, b"overheat")]),
        "empty report": Report([]),
        "pass-through down": PassThroughDown(b"AT+1"),
        "pass-through up": PassThroughUp(b"hello"),
        "status report": StatusReport(Decimal(88), Decimal("3.75"), Decimal(-67), Decimal(1048576)),
        "module information": ModuleInformationReport(
            model="EC600S",
            version="FW_TEST_01",
            mcu_versions="MCU1:1.0.0",
            iccid="89860012345678901234",
            sdk_version="2.9.0",
            location_kinds=("NONE", "AUTO", "LBS", "GGA"),
            data_protocol_version="1.3.0",
            communication_protocol_version="3.0.0",
        ),
        "device secret delivery": DeviceConfiguration(device_secret=SECRET),
        "device secret and session key delivery": DeviceConfiguration(
            device_secret=SECRET, session_key=b"SESSIONKEY012345"
        ),
        "server change": DeviceConfiguration(server=ServerAddress("iot.example.org", "192.0.2.10", 1883)),
        "authenticate again": DeviceConfiguration(authenticate_again=True),
        "exception notice 10425": ExceptionNotice(10425),
        "location report NMEA": LocationReport(
            "$GPGGA,042523.0,3413.610533,N,10854.063257,E,1,05,2.6,438.5,M,-28.0,M,,*78;"
        ),
        "location request": LocationRequest(("LBS",)),
        "upgrade notice": commands.UpgradeNotice(
            component="FW",
            source_version="FW_TEST_01",
            target_version="FW_TEST_02",
            component_type=0,
            least_battery=30,
            space_needed=200,
            least_signal=-100,
        ),
        "upgrade plan check": commands.UpgradePlanCheck("FW_TEST_01", "MCU1:1.0.0"),
        "upgrade progress": commands.UpgradeProgress(
            status=5, status_name="DOWNLOADING", component_type=0, component="FW"
        ),
    }
    return values[name]


@pytest.mark.parametrize("vector", [v for v in vectors("frames", "encode") if "direction" in v], ids=title)
def test_frame_vector_is_its_typed_value_and_travels_on_its_topic(vector: dict[str, Any]) -> None:
    frame = decode_frame(bytes.fromhex(vector["frame_hex"]))
    value = expected(vector["name"])
    assert decode(frame, Direction(vector["direction"])) == value
    assert encode_frame(encode(value, vector["packet_id"])).hex() == vector["frame_hex"]
    assert TOPICS[frame.command] == vector["topic_suffix"]


@pytest.mark.parametrize(
    "vector", [v for v in vectors("frames", "encode") if "direction" not in v and v["command"] == "0024"], ids=title
)
def test_pass_through_vector_keeps_its_bytes(vector: dict[str, Any]) -> None:
    frame = decode_frame(bytes.fromhex(vector["frame_hex"]))
    assert decode(frame, UP) == PassThroughUp(bytes.fromhex(vector["payload_hex"]))


def test_status_of_the_recorded_first_minute() -> None:
    frame = decode_frame(bytes.fromhex("aaaa00184300010034000a00580012110177001a8043002202100000"))
    assert decode(frame, UP) == expected("status report")


@pytest.mark.parametrize("codec", CODECS, ids=name_of)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_what_is_written_is_decode(codec: Codec, data: st.DataObject) -> None:
    value = data.draw(values_of(codec.type))
    frame = encode(value, 7)
    assert (frame.packet_id, frame.command, command_of(value)) == (7, codec.command, codec.command)
    assert decode(frame, codec.direction) == value


@pytest.mark.parametrize("codec", CODECS, ids=name_of)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_payload_is_read_or_refused_by_name(codec: Codec, data: st.DataObject) -> None:
    valid = values_of(codec.type).map(codec.write)
    payload = data.draw(st.binary(max_size=40) | mutated(valid))
    fault = None
    try:
        value = decode(Frame(1, codec.command, payload), codec.direction)
    except CommandError as error:
        fault = error
    if fault is None:
        assert type(value) is codec.type
    else:
        assert (fault.command, bool(fault.field)) == (codec.command, True)
        assert str(fault).startswith(f"command {codec.command:04X}, {fault.field}: ")


@given(st.integers(0, 0xFFFF), st.binary(max_size=20), st.sampled_from(Direction))
def test_a_command_that_is_not_in_the_table_is_unknown_and_kept(
    command: int, payload: bytes, direction: Direction
) -> None:
    known = {codec.command for codec in CODECS if codec.direction is direction}
    if command not in known:
        value = decode(Frame(3, command, payload), direction)
        assert value == Unknown(command, payload)
        assert encode(value, 3) == Frame(3, command, payload)
        assert command_of(value) == command


@pytest.mark.parametrize("codec", CODECS, ids=name_of)
def test_a_command_from_the_wrong_side_is_unknown(codec: Codec) -> None:
    other = DOWN if codec.direction is UP else UP
    assert decode(Frame(3, codec.command, b"?"), other) == Unknown(codec.command, b"?")


@pytest.mark.parametrize(
    ("value", "field", "reason"),
    [
        (Frame(1, 0x0014, b"\x00"), "payload", "byte 0: the field ends early"),
        (Frame(1, 0x0012, bytes.fromhex("0009ff")), "payload", "byte 2: the field ends early"),
        (Frame(1, 0x0034, bytes.fromhex("0009")), "battery", "is not a number"),
        (Frame(1, 0x0044, bytes.fromhex("000a0001")), "model", "is not bytes"),
        (Frame(1, 0x0044, bytes.fromhex("000b0001ff")), "model", "is not UTF-8 text"),
        (Frame(1, 0x0044, bytes.fromhex("00220801")), "cell_id", "is not a whole number"),
        (Frame(1, 0x0122, b""), "text", "is missing"),
        (Frame(1, 0x0114, b""), "status", "is missing"),
        (Frame(1, 0x00A4, b""), "code", "is missing"),
        (Frame(1, 0x0112, bytes.fromhex("005a0002")), "accepted", "is not true or false"),
    ],
)
def test_a_malformed_uplink_names_the_part(value: Frame, field: str, reason: str) -> None:
    with pytest.raises(CommandError) as caught:
        decode(value, UP)
    assert (caught.value.command, caught.value.field, caught.value.reason) == (value.command, field, reason)


@pytest.mark.parametrize(
    ("command", "payload", "field", "reason"),
    [
        (0x0011, "000100", "payload", "byte 2: half an id is left over"),
        (0x0031, "00", "payload", "byte 0: half an id is left over"),
        (0x00B4, "000c00020013000161001b000162", "server.port", "is missing"),
        (0x00B4, "0009", "server", "is not a struct or array"),
        (0x0123, "", "kinds", "is missing"),
    ],
)
def test_a_malformed_downlink_names_the_part(command: int, payload: str, field: str, reason: str) -> None:
    with pytest.raises(CommandError) as caught:
        decode(Frame(1, command, bytes.fromhex(payload)), DOWN)
    assert (caught.value.command, caught.value.field, caught.value.reason) == (command, field, reason)


@pytest.mark.parametrize(
    ("value", "field", "reason"),
    [
        (DeviceConfiguration(device_secret="x" * 33), "device_secret", "is longer than 32 bytes"),
        (DeviceConfiguration(session_key=b"short"), "session_key", "is shorter than 16 bytes"),
        (LocationRequest(("LBS;GGA",)), "kinds", "has an empty name, or one with a semicolon"),
        (LocationRequest(("",)), "kinds", "has an empty name, or one with a semicolon"),
        (LocationReport("\ud800"), "text", "is not text that UTF-8 can carry"),
        (LocationReport("x" * 65536), "text", "is longer than 65535 bytes"),
        (WriteProperties([Field(9000, True)]), "payload", "byte 0: the id is not 0 to 8191"),
        (StatusReport(battery=Decimal("NaN")), "payload", "byte 0: the number is not finite"),
        (ReadStatus((70000,)), "payload", "byte 0: the id does not fit 16 bits"),
    ],
)
def test_a_value_that_cannot_be_written_names_the_part(value: Uplink | Downlink, field: str, reason: str) -> None:
    with pytest.raises(CommandError) as caught:
        encode(value, 1)
    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_unknown_ids_are_skipped_and_of_a_repeated_one_the_last_wins() -> None:
    frame = Frame(1, 0x0032, bytes.fromhex("000a000107d20005000a0002"))
    assert decode(frame, UP) == StatusResponse(battery=Decimal(2))


def test_a_gateway_may_say_which_sub_device_an_exception_concerns() -> None:
    value = ExceptionReport(10442, packet_id=3, product_key="p11sub", device_key="SUB00001")
    assert decode(encode(value, 3), UP) == value


def test_clearing_the_stored_server_address_sends_all_three_parts_empty() -> None:
    frame = encode(DeviceConfiguration(server=ServerAddress("", "", 0)), 1)
    assert frame.payload.hex() == "000c000300130000001b000000220000"


def test_a_service_is_called_by_a_struct_under_its_id() -> None:
    assert call_service(17, [Field(18, True)]) == WriteProperties([Field(17, [Field(18, True)])])


@given(st.integers(1, 8000), field_lists)
def test_an_event_without_parameters_is_an_empty_struct(event_id: int, outputs: list[Field]) -> None:
    value = report_event(event_id, outputs)
    assert decode(encode(value, 1), UP) == value
    assert encode(report_event(21, []), 1).payload.hex() == "00ac0000"


def _commands(text: str) -> set[int]:
    """Codes of a cell of a table, such as `0032 0034 00C0–00C8`."""
    codes: set[int] = set()
    for first, last in re.findall(r"([0-9A-F]{4})(?:–([0-9A-F]{4}))?", text):
        codes.update(range(int(first, 16), int(last or first, 16) + 1))
    return codes


CONTRACT = (Path(__file__).parents[2] / "contract" / "device-protocol.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("topic", Topic)
def test_topics_are_those_of_the_contract(direction: Direction, topic: Topic) -> None:
    [cell] = re.findall(rf"^\| {direction.value} `{topic.value}` \| `[^`]*` \| ([^|]*)\|", CONTRACT, re.MULTILINE)
    ours = {codec.command for codec in CODECS if codec.direction is direction and TOPICS.get(codec.command) is topic}
    # The table gives the range of the gateway's commands for the way up; section 8 says which of them go up.
    answers = {0x00C1, 0x00C3, 0x00C5, 0x00C7} if direction is UP else set()
    assert ours == _commands(cell) - answers


def test_every_command_of_the_contract_has_a_codec() -> None:
    table = CONTRACT[CONTRACT.index("## 6. Commands") : CONTRACT.index("### 6.1")]
    rows = re.findall(r"^\| ([0-9A-F–/ ]+) \| ", table, re.MULTILINE)
    listed = {code for row in rows for code in _commands(row)}
    assert {codec.command for codec in CODECS} == listed


def test_replies_carry_the_packet_id_of_their_request() -> None:
    assert REPLIES == {
        0x0011: 0x0012,
        0x0031: 0x0032,
        0x0041: 0x0042,
        0x0123: 0x0124,
        0x00C0: 0x00C1,
        0x00C2: 0x00C3,
        0x00C4: 0x00C5,
        0x00C6: 0x00C7,
    }
    sides = {codec.command: codec.direction for codec in CODECS}
    assert all(sides[request] is not sides[reply] for request, reply in REPLIES.items())


def test_only_the_application_data_of_a_device_has_a_qos_of_its_choice() -> None:
    up = {codec.command for codec in (*commands_model.CODECS, *commands_system.CODECS, *commands_ota.CODECS)}
    up &= {codec.command for codec in CODECS if codec.direction is UP}
    assert up - set(UPLINK_QOS) == {0x0014, 0x0024}
    assert {command for command, qos in UPLINK_QOS.items() if qos == 2} == {0x0112, 0x0114, 0x0115}


def test_tables_cannot_be_changed() -> None:
    for table in (TOPICS, REPLIES, UPLINK_QOS):
        with pytest.raises(TypeError):
            table[1] = 1  # type: ignore[index]


def test_every_type_is_exported_once() -> None:
    homes = (commands_model, commands_system, commands_ota, commands_subdevice, commands_codec, commands_kinds)
    for codec in CODECS:
        assert getattr(commands, codec.type.__name__) is codec.type
    for module in (*homes, commands):
        assert all(hasattr(module, name) for name in module.__all__)
