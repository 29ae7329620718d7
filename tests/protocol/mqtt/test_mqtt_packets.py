"""Packets as bytes and back; MQTT 3.1.1 chapters 2 and 3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol.mqtt import (
    GRANT_REFUSED,
    IdentifierRejected,
    InvalidArgument,
    Limits,
    MalformedPacket,
    RemoteProtocolError,
    UnacceptableProtocol,
    Will,
    packets,
)
from mooring.protocol.mqtt.decode import FIRST_BYTES
from mooring.protocol.mqtt.encode import encode
from mooring.protocol.mqtt.packets import Packet, filter_fault, topic_fault
from mooring.protocol.mqtt.reader import PacketReader, bounds
from protocol.mqtt.mqtt_strategies import any_packet

EVERY_KIND = bounds("in a test", frozenset(FIRST_BYTES), Limits())


def decode(data: bytes) -> Packet | None:
    reader = PacketReader(EVERY_KIND)
    reader.feed(data)
    return reader.next_packet()


WIRE = {
    "CONNECT of a device": (
        packets.Connect("qdX", None, b"1;0000", 120),
        "10 17 0004 4d515454 04 42 0078 0003 716458 0006 313b30303030",
    ),
    "CONNECT with an empty user name": (
        packets.Connect("qdX", "", b"p", 120),
        "10 14 0004 4d515454 04 c2 0078 0003 716458 0000 0001 70",
    ),
    "CONNECT with everything": (
        packets.Connect("a", "u", b"p", 65535, False, Will("t", b"w", 2, True)),
        "10 19 0004 4d515454 04 f4 ffff 0001 61 0001 74 0001 77 0001 75 0001 70",
    ),
    "CONNECT with nothing": (packets.Connect(""), "10 0c 0004 4d515454 04 02 0000 0000"),
    "CONNACK": (packets.Connack(0), "20 02 00 00"),
    "CONNACK with a session": (packets.Connack(0, True), "20 02 01 00"),
    "CONNACK that refuses": (packets.Connack(5), "20 02 00 05"),
    "PUBLISH QoS 0": (packets.Publish("a/b", b"xy"), "30 07 0003 612f62 7879"),
    "PUBLISH QoS 0, empty, retain": (packets.Publish("a", b"", retain=True), "31 03 0001 61"),
    "PUBLISH QoS 1": (packets.Publish("a", b"x", 1, 10), "32 06 0001 61 000a 78"),
    "PUBLISH QoS 1 again": (packets.Publish("a", b"x", 1, 10, dup=True), "3a 06 0001 61 000a 78"),
    "PUBLISH QoS 2": (packets.Publish("a", b"", 2, 65535), "34 05 0001 61 ffff"),
    "PUBACK": (packets.Puback(2), "40 02 0002"),
    "PUBREC": (packets.Pubrec(256), "50 02 0100"),
    "PUBREL": (packets.Pubrel(1), "62 02 0001"),
    "PUBCOMP": (packets.Pubcomp(1), "70 02 0001"),
    "SUBSCRIBE": (packets.Subscribe(1, (("a/+", 1), ("#", 0))), "82 0c 0001 0003 612f2b 01 0001 23 00"),
    "SUBACK": (packets.Suback(1, (1, GRANT_REFUSED)), "90 04 0001 01 80"),
    "UNSUBSCRIBE": (packets.Unsubscribe(3, ("a", "b")), "a2 08 0003 0001 61 0001 62"),
    "UNSUBACK": (packets.Unsuback(3), "b0 02 0003"),
    "PINGREQ": (packets.Pingreq(), "c0 00"),
    "PINGRESP": (packets.Pingresp(), "d0 00"),
    "DISCONNECT": (packets.Disconnect(), "e0 00"),
}


@pytest.mark.parametrize(("packet", "wire"), WIRE.values(), ids=WIRE.keys())
def test_packet_and_its_bytes(packet: Packet, wire: str) -> None:
    assert encode(packet) == bytes.fromhex(wire)
    assert decode(bytes.fromhex(wire)) == packet


@given(any_packet)
def test_what_is_encoded_is_decoded(packet: Packet) -> None:
    assert decode(encode(packet)) == packet


@pytest.mark.parametrize("size", [0, 1, 121, 122, 123, 16_377, 16_378, 16_379, 100_000])
def test_length_of_one_two_and_three_bytes(size: int) -> None:
    packet = packets.Publish("abc", bytes(size))
    assert decode(encode(packet)) == packet


def test_length_in_more_bytes_than_needed_is_accepted() -> None:
    assert decode(bytes.fromhex("40 82 80 00 0002")) == packets.Puback(2)


MALFORMED = {
    "packet type 0": "00 00",
    "packet type 15": "f0 00",
    "PUBLISH with QoS 3": "36 06 0001 61 000a 78",
    "PUBLISH with QoS 0 and DUP": "38 04 0001 61 78",
    "PUBLISH without a topic": "30 00",
    "PUBLISH with an empty topic": "30 03 0000 78",
    "PUBLISH with a topic that leaves the packet": "30 03 0005 61",
    "PUBLISH with QoS 1 that ends behind its topic": "32 03 0001 61",
    "PUBLISH with QoS 1 that ends inside its packet id": "32 04 0001 61 00",
    "PUBLISH with QoS 1 and packet id 0": "32 05 0001 61 0000",
    "PUBLISH to a wildcard": "30 05 0003 612f2b",
    "PUBLISH to another wildcard": "30 05 0003 612f23",
    "PUBLISH to a topic with U+0000": "30 04 0002 6100",
    "PUBLISH to half of a surrogate pair": "30 05 0003 eda080",
    "PUBLISH to an overlong slash": "30 04 0002 c0af",
    "PUBACK of three bytes": "40 03 000100",
    "PUBACK with packet id 0": "40 02 0000",
    "PUBACK with flags": "41 02 0001",
    "PUBREL without its flags": "60 02 0001",
    "SUBSCRIBE without its flags": "80 06 0001 0001 61 00",
    "SUBSCRIBE with packet id 0": "82 06 0000 0001 61 00",
    "SUBSCRIBE without filters": "82 02 0001",
    "SUBSCRIBE with QoS 3": "82 06 0001 0001 61 03",
    "SUBSCRIBE with a filter without QoS": "82 09 0001 0001 61 00 0001 61",
    "SUBSCRIBE with an empty filter": "82 06 0001 0000 00 00",
    "SUBSCRIBE to a#": "82 07 0001 0002 6123 00",
    "SUBSCRIBE with a filter with U+0000": "82 07 0001 0002 6100 00",
    "SUBSCRIBE with a filter that is not UTF-8": "82 06 0001 0001 ff 00",
    "SUBACK with code 3": "90 03 0001 03",
    "SUBACK without codes": "90 02 0001",
    "UNSUBSCRIBE without filters": "a2 02 0001",
    "UNSUBSCRIBE that ends inside a length": "a2 06 0001 0001 61 00",
    "CONNACK with code 6": "20 02 00 06",
    "CONNACK with unknown flags": "20 02 02 00",
    "CONNACK that refuses a session that is there": "20 02 01 05",
    "PINGREQ with a body": "c0 01 00",
    "DISCONNECT with flags": "e1 00",
    "remaining length of five bytes": "30 ff ff ff ff 01",
    "CONNECT of another protocol": "10 0c 0004 48545450 04 02 0000 0000",
    "CONNECT that ends behind the name": "10 0c 000a 4d5154544d5154544d51",
    "CONNECT with the reserved flag": "10 0c 0004 4d515454 04 03 0000 0000",
    "CONNECT with a will of QoS 3": "10 12 0004 4d515454 04 1e 0000 0000 0001 61 0001 62",
    "CONNECT with a will's QoS and no will": "10 0c 0004 4d515454 04 0a 0000 0000",
    "CONNECT with a will's retain and no will": "10 0c 0004 4d515454 04 22 0000 0000",
    "CONNECT with a will for a wildcard": "10 12 0004 4d515454 04 06 0000 0000 0001 23 0001 62",
    "CONNECT without the password that its flags promise": "10 0c 0004 4d515454 04 42 0000 0000",
    "CONNECT with bytes left over": "10 0d 0004 4d515454 04 02 0000 0000 00",
    "CONNECT with a client id with U+0000": "10 0d 0004 4d515454 04 02 0000 0001 00",
    "CONNECT that ends inside its client id": "10 0d 0004 4d515454 04 02 0000 0005 61",
}


@pytest.mark.parametrize("wire", MALFORMED.values(), ids=MALFORMED.keys())
def test_bytes_that_are_no_packet(wire: str) -> None:
    data = bytes.fromhex(wire)
    # Padding: what a packet lacks must not be taken from the one behind it.
    for stream in (data, data + bytes(20)):
        with pytest.raises(MalformedPacket) as caught:
            decode(stream)
        assert caught.value.answer == b""


@pytest.mark.parametrize(
    ("wire", "error", "answer"),
    [
        ("10 0e 0006 4d5149736470 03 02 0000 0000", UnacceptableProtocol, "20 02 00 01"),
        ("10 0c 0004 4d515454 03 02 0000 0000", UnacceptableProtocol, "20 02 00 01"),
        ("10 0d 0004 4d515454 05 02 0000 00 0000", UnacceptableProtocol, "20 02 00 01"),
        ("10 0c 0004 4d515454 04 00 0000 0000", IdentifierRejected, "20 02 00 02"),
    ],
    ids=["MQIsdp 3", "MQTT 3", "MQTT 5", "empty client id, kept session"],
)
def test_connect_whose_refusal_has_a_code(wire: str, error: type[RemoteProtocolError], answer: str) -> None:
    with pytest.raises(error) as caught:
        decode(bytes.fromhex(wire))
    assert caught.value.answer == bytes.fromhex(answer)


UNENCODABLE: list[Packet] = [
    packets.Publish("", b""),
    packets.Publish("a/+", b""),
    packets.Publish("a\0", b""),
    packets.Publish("\ud800", b""),
    packets.Publish("a" * 65536, b""),
    packets.Publish("a", b"", 3, 1),
    packets.Publish("a", b"", 1, 0),
    packets.Publish("a", b"", 1, 65536),
    packets.Publish("a", b"", dup=True),
    packets.Puback(0),
    packets.Connect("a\0"),
    packets.Connect("a", keep_alive_s=65536),
    packets.Connect("a", keep_alive_s=-1),
    packets.Connect("a", password=bytes(65536)),
    packets.Connect("a", will=Will("#", b"")),
    packets.Connect("a", will=Will("a", b"", 3)),
    packets.Connack(6),
    packets.Connack(1, True),
    packets.Subscribe(1, ()),
    packets.Subscribe(1, (("a", 3),)),
    packets.Subscribe(1, (("a#", 1),)),
    packets.Suback(1, ()),
    packets.Suback(1, (3,)),
    packets.Unsubscribe(1, ()),
    packets.Unsubscribe(1, ("",)),
]


@pytest.mark.parametrize("packet", UNENCODABLE, ids=lambda packet: repr(packet)[:40])
def test_value_that_no_packet_can_carry(packet: Packet) -> None:
    with pytest.raises(InvalidArgument):
        encode(packet)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("#", True),
        ("+", True),
        ("/", True),
        ("a/#", True),
        ("+/+", True),
        ("/+", True),
        ("+/a/#", True),
        ("a b/€", True),
        ("", False),
        ("a\0", False),
        ("#/a", False),
        ("a#", False),
        ("a/#b", False),
        ("+a", False),
        ("a+/b", False),
        ("a/b+", False),
        ("++", False),
    ],
)
def test_topic_filter(text: str, allowed: bool) -> None:
    assert (filter_fault(text) is None) == allowed


@given(st.text(max_size=8))
def test_a_topic_is_a_filter_without_wildcards(text: str) -> None:
    assert (topic_fault(text) is None) == (filter_fault(text) is None and not set(text) & {"+", "#"})


def test_byte_order_mark_and_control_characters_stay_in_a_topic() -> None:
    assert decode(encode(packets.Publish("\ufeffa\x01\x7f", b""))) == packets.Publish("\ufeffa\x01\x7f", b"")


def test_connect_does_not_show_its_password() -> None:
    connect = packets.Connect("me", "user", b"secret", will=Will("t", b"secret"))
    assert "secret" not in repr(connect)
    assert "secret" not in repr(connect.__rich_repr__())
    assert "me" in repr(connect)
