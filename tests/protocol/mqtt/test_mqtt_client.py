"""The device's side against a server that misbehaves."""

import pytest

from mooring.protocol.mqtt import (
    ClientSession,
    Connect,
    ConnectAccepted,
    ConnectRefused,
    DeliveryUnconfirmed,
    InvalidArgument,
    LimitExceeded,
    Limits,
    MalformedPacket,
    PeerSilent,
    ProtocolViolated,
    PublishAcked,
    PublishReceived,
    RemoteProtocolError,
    Resends,
    State,
    TooManyInFlight,
    packets,
)
from mooring.protocol.mqtt import UnexpectedPacket as Unexpected
from mooring.protocol.mqtt.encode import encode, puback, pubcomp, publish, pubrec, pubrel
from protocol.mqtt.mqtt_link import CONNACK, CONNECT, DEVICE, DOWN, UP


def opened(limits: Limits | None = None) -> ClientSession:
    client = ClientSession(0.0, limits or Limits())
    client.connect(DEVICE, 0.0)
    assert client.data_to_send() == CONNECT
    assert client.receive_data(CONNACK, 0.0) == [ConnectAccepted(session_present=False)]
    return client


def test_new_client_waits_for_connect() -> None:
    client = ClientSession(0.0)
    assert not client.wants_data
    assert client.next_deadline() is None
    assert client.data_to_send() == b""


def test_connect_that_can_not_be_encoded_changes_nothing() -> None:
    client = ClientSession(0.0)
    with pytest.raises(InvalidArgument):
        client.connect(Connect("a", keep_alive_s=70_000), 0.0)
    assert client.state is State.NEW


def test_server_that_does_not_answer_connect() -> None:
    client = ClientSession(0.0)
    client.connect(DEVICE, 100.0)
    assert client.next_deadline() == 115.0
    assert client.on_time(114.0) == []
    (event,) = client.on_time(115.0)
    assert isinstance(event, ProtocolViolated)
    assert event.error is PeerSilent


@pytest.mark.parametrize("first", [publish("a", b"x"), puback(1), b"\xd0\0", encode(packets.Suback(1, (0,)))])
def test_something_else_before_connack(first: bytes) -> None:
    client = ClientSession(0.0)
    client.connect(DEVICE, 0.0)
    (event,) = client.receive_data(first, 0.0)
    assert isinstance(event, ProtocolViolated)
    assert event.error is Unexpected


@pytest.mark.parametrize("extra", [b"", publish("a", b"x")])
def test_nothing_counts_after_a_refusal(extra: bytes) -> None:
    client = ClientSession(0.0)
    client.connect(DEVICE, 0.0)
    assert client.receive_data(b"\x20\x02\x00\x05" + extra, 0.0) == [ConnectRefused(5)]
    assert client.is_over
    assert client.receive_eof() == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (CONNACK, Unexpected),
        (CONNECT, Unexpected),
        (b"\xc0\0", Unexpected),
        (b"\xe0\0", Unexpected),
        (encode(packets.Subscribe(1, (("a", 0),))), Unexpected),
        (encode(packets.Unsubscribe(1, ("a",))), Unexpected),
        (encode(packets.Suback(1, (0,))), Unexpected),
        (encode(packets.Unsuback(1)), Unexpected),
        (b"\x40\x02\0\0", MalformedPacket),
        (publish("t" * 600, b""), LimitExceeded),
    ],
)
def test_offence_of_the_server_ends_the_session(data: bytes, error: type[RemoteProtocolError]) -> None:
    client = opened()
    (event,) = client.receive_data(data, 0.0)
    assert isinstance(event, ProtocolViolated)
    assert event.error is error
    assert client.is_over


@pytest.mark.parametrize(
    ("qos", "answer"), [(1, pubrec(1)), (2, puback(1)), (2, pubcomp(1))], ids=["PUBREC", "PUBACK", "early PUBCOMP"]
)
def test_answer_of_another_qos_is_an_offence(qos: int, answer: bytes) -> None:
    client = opened()
    client.publish(UP, b"x", qos, 0.0)
    assert client.receive_data(answer, 0.0)[-1].__class__ is ProtocolViolated


def test_unsuback_does_not_answer_subscribe() -> None:
    client = opened()
    packet_id = client.subscribe([("a", 0)], 0.0)
    (event,) = client.receive_data(encode(packets.Unsuback(packet_id)), 0.0)
    assert isinstance(event, ProtocolViolated)


def test_requests_without_an_answer_are_bounded() -> None:
    client = opened(Limits(max_subscriptions=2))
    client.subscribe([("a", 0)], 0.0)
    client.unsubscribe(["a"], 0.0)
    with pytest.raises(TooManyInFlight):
        client.subscribe([("b", 0)], 0.0)


@pytest.mark.parametrize("filters", [[], [("a#", 0)], [("a", 3)], [("", 0)]])
def test_impossible_subscription_is_refused(filters: list[tuple[str, int]]) -> None:
    client = opened()
    with pytest.raises(InvalidArgument):
        client.subscribe(filters, 0.0)
    assert client.data_to_send() == b""


def test_qos_2_goes_through_its_four_packets() -> None:
    client = opened()
    packet_id = client.publish(UP, b"x", 2, 0.0)
    assert client.data_to_send() == publish(UP, b"x", 2, packet_id)
    assert client.receive_data(pubrec(packet_id), 1.0) == []
    assert client.data_to_send() == pubrel(packet_id)
    assert client.receive_data(pubcomp(packet_id), 2.0) == [PublishAcked(packet_id)]


def test_after_pubrec_only_pubrel_is_sent_again() -> None:
    client = opened(Limits(resends=Resends(5.0, 2)))
    packet_id = client.publish(UP, b"x", 2, 0.0)
    client.receive_data(pubrec(packet_id), 1.0)
    client.data_to_send()
    client.on_time(6.0)
    assert client.data_to_send() == pubrel(packet_id)
    assert client.on_time(11.0) == [DeliveryUnconfirmed(packet_id, 2)]
    assert client.receive_data(pubcomp(packet_id), 12.0) == [PublishAcked(packet_id)]


def test_each_pubrec_is_answered_by_pubrel() -> None:
    client = opened()
    packet_id = client.publish(UP, b"x", 2, 0.0)
    client.receive_data(pubrec(packet_id) * 2 + pubcomp(packet_id) + pubrec(packet_id), 1.0)
    assert client.data_to_send() == publish(UP, b"x", 2, packet_id) + pubrel(packet_id) * 3


def test_qos_2_from_the_server_is_told_once() -> None:
    client = opened()
    events = client.receive_data(publish(DOWN, b"x", 2, 9) * 2, 0.0)
    assert events == [PublishReceived(DOWN, b"x", 2, 9, dup=False, retain=False)]
    client.acknowledge(9)
    assert client.receive_data(pubrel(9), 0.0) == []
    assert client.data_to_send() == pubrec(9) + pubcomp(9)


def test_rate_of_the_server_is_not_limited() -> None:
    client = opened()
    assert len(client.receive_data(publish(DOWN, b"x") * 5000, 0.0)) == 5000


def test_pings_go_on_while_reading_waits_for_the_application() -> None:
    client = opened(Limits(max_unacknowledged=1))
    client.receive_data(publish(DOWN, b"x", 1, 1) + b"\xd0\0", 0.0)
    assert not client.wants_data
    assert client.next_deadline() == 90.0
    client.on_time(90.0)
    assert client.data_to_send() == b"\xc0\0"
    assert client.next_deadline() is None, "the answer could not be seen"
    client.acknowledge(1)
    assert client.on_time(500.0) == []
    assert not client.is_over
