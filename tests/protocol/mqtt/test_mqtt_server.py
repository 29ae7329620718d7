"""The server's side, rule by rule; the page above the tables in `states`, device-protocol.md sections 2 and 4."""

from dataclasses import dataclass

import pytest

from mooring.protocol.mqtt import (
    GRANT_REFUSED,
    Connect,
    ConnectRequested,
    Disconnected,
    IdentifierRejected,
    InvalidArgument,
    KeepAliveExpired,
    LocalProtocolError,
    MalformedPacket,
    PeerSilent,
    PingReceived,
    ProtocolViolated,
    PublishReceived,
    ServerSession,
    SessionEnded,
    State,
    Subscribe,
    UnacceptableProtocol,
    UnexpectedPacket,
    Unsubscribe,
    Will,
    packets,
)
from mooring.protocol.mqtt.encode import PINGREQ, PINGRESP, encode, publish
from protocol.mqtt.mqtt_link import CID, CONNACK, CONNECT, DEVICE, FILTER, UP, open_server

SUBSCRIBE = encode(packets.Subscribe(1, ((FILTER, 1),)))
DISCONNECT = b"\xe0\x00"


def requested(connect: Connect, repeated: bool = False) -> ConnectRequested:
    return ConnectRequested(
        connect.client_id,
        connect.username,
        connect.password,
        connect.keep_alive_s,
        connect.clean_session,
        connect.will,
        connect.flags,
        repeated,
    )


@pytest.mark.parametrize(
    ("connect", "flags"),
    [
        (DEVICE, 0x42),
        (Connect(CID, "", b"p", 120), 0xC2),
        (Connect("plain", "user", b"p", 60), 0xC2),
        (Connect("plain", "user", None, 60), 0x82),
        (Connect("plain"), 0x02),
        (Connect("", None, None, 60), 0x02),
        (Connect("plain", None, None, 60, clean_session=False), 0x00),
        (Connect("plain", None, None, 60, True, Will("gone", b"x", 1, True)), 0x2E),
    ],
)
def test_connect_is_reported_as_it_came(connect: Connect, flags: int) -> None:
    server = ServerSession(0.0)
    assert server.receive_data(encode(connect), 0.0) == [requested(connect)]
    assert connect.flags == flags
    assert server.state is State.CONNECTING
    assert server.data_to_send() == b""


def test_accept_answers_connack_0() -> None:
    server = ServerSession(0.0)
    server.receive_data(CONNECT, 0.0)
    assert server.accept(0.0) == []
    assert server.data_to_send() == CONNACK
    assert server.data_to_send() == b""
    assert server.state is State.OPEN


def test_accept_can_name_a_kept_session() -> None:
    server = ServerSession(0.0)
    server.receive_data(CONNECT, 0.0)
    server.accept(0.0, session_present=True)
    assert server.data_to_send() == bytes.fromhex("20020100")


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
def test_refuse_answers_its_code_and_ends(code: int) -> None:
    server = ServerSession(0.0)
    server.receive_data(CONNECT + SUBSCRIBE, 0.0)
    server.refuse(code)
    assert server.data_to_send() == bytes((0x20, 2, 0, code))
    assert server.is_over
    assert server.receive_data(SUBSCRIBE, 0.0) == []


@pytest.mark.parametrize("code", [0, 6, -1])
def test_refuse_takes_no_other_code(code: int) -> None:
    server = ServerSession(0.0)
    server.receive_data(CONNECT, 0.0)
    with pytest.raises(InvalidArgument):
        server.refuse(code)
    assert server.state is State.CONNECTING


def test_connect_does_not_show_its_password() -> None:
    event = requested(Connect("me", "user", b"secret"))
    assert "secret" not in repr(event)
    assert "secret" not in repr(event.__rich_repr__())


# What comes when


@dataclass(frozen=True)
class Offence:
    first: bytes
    then: bytes
    error: type[Exception]
    answer: bytes = b""


OFFENCES = {
    "not MQTT": Offence(b"", b"GET / HTTP/1.1\r\n", MalformedPacket),
    "TLS on the plain port": Offence(b"", bytes.fromhex("1603010200010001fc0303"), MalformedPacket),
    "PUBLISH first": Offence(b"", publish("a", b"x"), UnexpectedPacket),
    "PINGREQ first": Offence(b"", PINGREQ, UnexpectedPacket),
    "DISCONNECT first": Offence(b"", DISCONNECT, UnexpectedPacket),
    "a server's packet first": Offence(b"", CONNACK, UnexpectedPacket),
    "MQIsdp": Offence(
        b"", bytes.fromhex("100e00064d514973647003020000 0000"), UnacceptableProtocol, b"\x20\x02\x00\x01"
    ),
    "MQTT 5": Offence(b"", bytes.fromhex("100d00044d5154540502000000 0000"), UnacceptableProtocol, b"\x20\x02\x00\x01"),
    "kept session without a name": Offence(
        b"", bytes.fromhex("100c00044d51545404000000 0000"), IdentifierRejected, b"\x20\x02\x00\x02"
    ),
    "another CONNECT": Offence(CONNECT, encode(Connect(CID, None, b"other", 120)), UnexpectedPacket),
    "the same CONNECT with another keep alive": Offence(
        CONNECT, encode(Connect(CID, None, b"1", 60)), UnexpectedPacket
    ),
    "CONNACK": Offence(CONNECT, CONNACK, UnexpectedPacket),
    "SUBACK": Offence(CONNECT, encode(packets.Suback(1, (0,))), UnexpectedPacket),
    "UNSUBACK": Offence(CONNECT, encode(packets.Unsuback(1)), UnexpectedPacket),
    "PINGRESP": Offence(CONNECT, PINGRESP, UnexpectedPacket),
    "PUBREC, though QoS 2 is never sent": Offence(CONNECT, encode(packets.Pubrec(1)), UnexpectedPacket),
    "PUBCOMP, though QoS 2 is never sent": Offence(CONNECT, encode(packets.Pubcomp(1)), UnexpectedPacket),
    "a packet that is none": Offence(CONNECT, b"\x00\x00", MalformedPacket),
    "two messages of QoS 2 with one packet id": Offence(
        CONNECT, publish("a", b"1", 2, 7) + publish("a", b"2", 2, 7), UnexpectedPacket
    ),
    "a message of QoS 1 and one of QoS 2 with one packet id": Offence(
        CONNECT, publish("a", b"1", 1, 7) + publish("a", b"1", 2, 7), UnexpectedPacket
    ),
    "a message of QoS 2 and one of QoS 1 with one packet id": Offence(
        CONNECT, publish("a", b"1", 2, 7) + publish("a", b"1", 1, 7), UnexpectedPacket
    ),
    "PUBREL before PUBREC": Offence(CONNECT, publish("a", b"1", 2, 7) + encode(packets.Pubrel(7)), UnexpectedPacket),
}


@pytest.mark.parametrize("offence", OFFENCES.values(), ids=OFFENCES.keys())
def test_offence_of_the_client_ends_the_session_with_its_answer(offence: Offence) -> None:
    server = ServerSession(0.0)
    if offence.first:
        server = open_server()
    last = server.receive_data(offence.then, 0.0)[-1]
    assert isinstance(last, ProtocolViolated)
    assert last.error is offence.error
    assert last.reason
    assert server.data_to_send() == offence.answer
    assert server.is_over
    assert not server.wants_data
    assert server.receive_data(CONNECT, 0.0) == []
    assert server.receive_eof() == []
    assert server.next_deadline() is None
    assert server.on_time(1e9) == []


def test_what_came_before_the_offence_counts() -> None:
    server = open_server()
    events = server.receive_data(publish("a", b"x") + PINGREQ + b"\x00\x00" + publish("a", b"y"), 0.0)
    assert [type(event) for event in events] == [PublishReceived, PingReceived, ProtocolViolated]
    assert server.data_to_send() == PINGRESP


def test_offence_is_seen_in_the_first_byte() -> None:
    server = ServerSession(0.0)
    (event,) = server.receive_data(b"\x30", 0.0)
    assert event == ProtocolViolated("PUBLISH has no place before CONNECT", UnexpectedPacket)


@pytest.mark.parametrize("data", [b"\x10\x00", b"\x30\x02", b"\x40\x03", b"\x82\x05", b"\xc0\x01"])
def test_impossible_length_is_seen_in_the_header(data: bytes) -> None:
    (event,) = open_server().receive_data(data, 0.0)
    assert isinstance(event, ProtocolViolated)
    assert event.error is MalformedPacket


# Pipelining, repeated packets (rules 1 to 3)


def test_what_follows_connect_in_one_segment_waits_for_accept() -> None:
    server = ServerSession(0.0)
    data = CONNECT + SUBSCRIBE + publish(UP, b"x", 1, 2) + publish(UP, b"y", 1, 3)[:-4]
    assert server.receive_data(data, 0.0) == [requested(DEVICE)]
    wants = [server.wants_data]
    assert server.receive_data(publish(UP, b"y", 1, 3)[-4:-1], 1.0) == []
    assert server.accept(2.0) == [
        Subscribe(1, ((FILTER, 1),), repeated=False),
        PublishReceived(UP, b"x", 1, 2, dup=False, retain=False),
    ]
    assert [*wants, server.wants_data] == [False, True]
    assert server.receive_data(b"y", 2.0) == [PublishReceived(UP, b"y", 1, 3, dup=False, retain=False)]
    assert server.data_to_send() == CONNACK


def test_offence_behind_connect_is_seen_after_accept() -> None:
    server = ServerSession(0.0)
    server.receive_data(CONNECT + b"\x00\x00", 0.0)
    assert [type(event) for event in server.accept(0.0)] == [ProtocolViolated]
    assert server.data_to_send() == CONNACK


def test_client_that_left_before_accept() -> None:
    server = ServerSession(0.0)
    server.receive_data(CONNECT + publish("a", b"x"), 0.0)
    assert server.receive_eof() == [Disconnected(clean=False)]
    assert server.accept(0.0) == []
    server.refuse(3)
    assert server.data_to_send() == b""


def test_same_connect_again_is_answered_again_and_starts_nothing() -> None:
    server = open_server()
    server.receive_data(publish(UP, b"x", 1, 2), 1.0)
    assert server.receive_data(CONNECT, 5.0) == [requested(DEVICE, repeated=True)]
    assert server.data_to_send() == CONNACK
    assert server.state is State.OPEN
    server.acknowledge(2)
    assert server.data_to_send() == bytes.fromhex("40020002")


def test_repeated_connect_is_answered_as_the_first_one_was() -> None:
    server = ServerSession(0.0)
    server.receive_data(CONNECT, 0.0)
    server.accept(0.0, session_present=True)
    first = server.data_to_send()
    server.receive_data(CONNECT, 5.0)
    assert server.data_to_send() == first


def test_one_connack_answers_all_connects_before_it() -> None:
    server = ServerSession(0.0)
    assert server.receive_data(CONNECT, 0.0) == [requested(DEVICE)]
    assert server.receive_data(CONNECT, 5.0) == []
    assert server.receive_data(CONNECT, 10.0) == []
    assert server.accept(11.0) == [requested(DEVICE, repeated=True)] * 2
    assert server.data_to_send() == CONNACK
    assert server.receive_data(CONNECT, 12.0) == [requested(DEVICE, repeated=True)]
    assert server.data_to_send() == CONNACK


def test_subscribe_is_answered_by_grant() -> None:
    server = open_server()
    assert server.receive_data(SUBSCRIBE, 0.0) == [Subscribe(1, ((FILTER, 1),), repeated=False)]
    assert server.data_to_send() == b""
    server.grant(1, [1])
    assert server.data_to_send() == bytes.fromhex("9003000101")


def test_repeated_subscribe_is_told_and_answered_again() -> None:
    server = open_server()
    events = server.receive_data(SUBSCRIBE, 0.0) + server.receive_data(SUBSCRIBE, 5.0)
    server.grant(1, [1])
    server.grant(1, [1])
    events += server.receive_data(SUBSCRIBE, 10.0)
    server.grant(1, [1])
    assert [event.repeated for event in events if isinstance(event, Subscribe)] == [False, True, True]
    assert server.data_to_send() == bytes.fromhex("9003000101") * 3


def test_other_subscribe_is_not_repeated() -> None:
    server = open_server()
    server.receive_data(SUBSCRIBE, 0.0)
    assert server.receive_data(encode(packets.Subscribe(2, ((FILTER, 1),))), 0.0) == [
        Subscribe(2, ((FILTER, 1),), repeated=False)
    ]


def test_several_requests_are_granted_in_any_order() -> None:
    server = open_server()
    server.receive_data(encode(packets.Subscribe(1, (("a", 1), ("b", 2)))), 0.0)
    server.receive_data(encode(packets.Subscribe(2, (("c", 0),))), 0.0)
    server.grant(2, [0])
    server.grant(1, [GRANT_REFUSED, 2])
    assert server.data_to_send() == bytes.fromhex("9003000200 900400018002")


@pytest.mark.parametrize(("packet_id", "codes"), [(2, [1]), (1, []), (1, [1, 1]), (1, [3]), (1, [0x81])])
def test_grant_that_answers_nothing_changes_nothing(packet_id: int, codes: list[int]) -> None:
    server = open_server()
    server.receive_data(SUBSCRIBE, 0.0)
    with pytest.raises(LocalProtocolError):
        server.grant(packet_id, codes)
    assert server.data_to_send() == b""
    server.grant(1, [1])


def test_unsubscribe_is_answered_and_told() -> None:
    server = open_server()
    assert server.receive_data(encode(packets.Unsubscribe(9, ("a", "b"))), 0.0) == [Unsubscribe(9, ("a", "b"))]
    assert server.data_to_send() == bytes.fromhex("b0020009")


# Time


def test_client_that_says_nothing_is_told_after_15_s() -> None:
    server = ServerSession(100.0)
    assert server.next_deadline() == 115.0
    assert server.on_time(114.9) == []
    (event,) = server.on_time(115.0)
    assert isinstance(event, ProtocolViolated)
    assert event.error is PeerSilent


def test_pieces_of_connect_do_not_buy_time() -> None:
    server = ServerSession(0.0)
    for second in range(10):
        server.receive_data(CONNECT[second : second + 1], float(second))
    assert server.next_deadline() == 15.0


@pytest.mark.parametrize(("keep_alive_s", "expires"), [(1, 1.5), (21, 31.5), (120, 180.0), (65535, 98302.5)])
def test_keep_alive_expires_after_one_and_a_half_times(keep_alive_s: int, expires: float) -> None:
    server = open_server(connect=Connect("a", keep_alive_s=keep_alive_s), now=10.0)
    assert server.next_deadline() == 10.0 + expires
    assert server.on_time(10.0 + expires - 0.01) == []
    assert server.on_time(10.0 + expires) == [KeepAliveExpired()]
    assert server.is_over


def test_keep_alive_0_never_expires() -> None:
    server = open_server(connect=Connect("a", keep_alive_s=0))
    assert server.next_deadline() is None
    assert server.on_time(1e9) == []


@pytest.mark.parametrize("data", [PINGREQ, publish("a", b"x"), b"\x40\x02\x00\x01", b"\x30"])
def test_anything_received_keeps_alive(data: bytes) -> None:
    server = open_server()
    server.receive_data(data, 100.0)
    assert server.next_deadline() == 280.0


def test_what_is_sent_does_not_keep_alive() -> None:
    server = open_server()
    server.publish("a", b"x", 0, 100.0)
    assert server.next_deadline() == 180.0


def test_keep_alive_counts_from_accept() -> None:
    server = ServerSession(0.0)
    server.receive_data(encode(Connect("a", keep_alive_s=1)), 0.0)
    assert server.next_deadline() is None
    assert server.on_time(60.0) == []
    server.accept(60.0)
    assert server.next_deadline() == 61.5


def test_ping_is_answered_and_told() -> None:
    server = open_server()
    assert server.receive_data(PINGREQ, 0.0) == [PingReceived()]
    assert server.data_to_send() == PINGRESP


# The end


def test_disconnect_is_a_clean_end_and_the_last_thing_received() -> None:
    server = open_server()
    assert server.receive_data(DISCONNECT + PINGREQ, 0.0) == [Disconnected(clean=True)]
    assert server.receive_eof() == []
    assert server.data_to_send() == b""
    assert server.is_over


def test_closed_connection_is_not_clean() -> None:
    server = open_server()
    assert server.receive_eof() == [Disconnected(clean=False)]
    assert server.receive_eof() == []


def test_close_is_silent() -> None:
    server = open_server()
    assert server.close() == []
    assert server.close() == []
    assert server.is_over
    assert server.receive_data(PINGREQ, 0.0) == []
    assert server.receive_eof() == []
    assert server.next_deadline() is None


def test_late_answers_go_nowhere() -> None:
    server = open_server()
    server.receive_data(SUBSCRIBE + publish("a", b"x", 1, 2), 0.0)
    server.receive_eof()
    server.acknowledge(2)
    server.grant(1, [1])
    assert server.data_to_send() == b""


def test_publish_after_the_end_is_an_error() -> None:
    server = open_server()
    server.receive_eof()
    with pytest.raises(SessionEnded):
        server.publish("a", b"x", 1, 0.0)


def test_commands_before_their_time() -> None:
    server = ServerSession(0.0)
    attempts = (
        lambda: server.accept(0.0),
        lambda: server.refuse(3),
        lambda: server.grant(1, [1]),
        lambda: server.acknowledge(1),
        lambda: server.publish("a", b"x", 0, 0.0),
    )
    for attempt in attempts:
        with pytest.raises(LocalProtocolError, match="has no place before CONNECT"):
            attempt()
    assert server.receive_data(CONNECT, 0.0) == [requested(DEVICE)]


def test_accept_twice_is_an_error() -> None:
    with pytest.raises(LocalProtocolError):
        open_server().accept(0.0)


def test_acknowledge_without_a_message_is_an_error() -> None:
    server = open_server()
    with pytest.raises(LocalProtocolError):
        server.acknowledge(1)
    server.receive_data(publish("a", b"x", 1, 1), 0.0)
    server.acknowledge(1)
    with pytest.raises(LocalProtocolError):
        server.acknowledge(1)
