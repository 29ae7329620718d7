"""Guards: what a peer can make grow is bounded, and over a bound an event names the limit."""

import tracemalloc

import pytest

from mooring.protocol.mqtt import (
    Connect,
    Disconnected,
    Event,
    LimitExceeded,
    Limits,
    PingReceived,
    ProtocolViolated,
    PublishReceived,
    RateExceeded,
    ServerSession,
    Subscribe,
    packets,
)
from mooring.protocol.mqtt.encode import PINGREQ, encode, publish
from protocol.mqtt.mqtt_link import CONNACK, CONNECT, FILTER, UP, open_server


def names_limit(events: list[Event], limit: int) -> bool:
    last = events[-1]
    return isinstance(last, ProtocolViolated) and last.error is LimitExceeded and str(limit) in last.reason


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def test_large_packet_is_refused_by_its_header() -> None:
    server = open_server(Limits(max_packet_bytes=1000))
    assert server.receive_data(bytes.fromhex("30e907"), 0.0)[-1] == ProtocolViolated(
        "PUBLISH has 1001 bytes, the limit is 1000", LimitExceeded
    )


def test_packet_of_the_largest_size_is_taken() -> None:
    server = open_server(Limits(max_packet_bytes=1000))
    (event,) = server.receive_data(publish("abc", bytes(995)), 0.0)
    assert isinstance(event, PublishReceived)


def test_large_connect_is_refused_by_its_header() -> None:
    server = ServerSession(0.0, Limits(max_connect_bytes=200))
    assert names_limit(server.receive_data(bytes.fromhex("10c901"), 0.0), 200)


def test_largest_frame_of_a_device_fits() -> None:
    frame = bytes(2 * 65_539 + 16)
    assert kinds(open_server().receive_data(publish("t" * 130, frame, 1, 1), 0.0)) == [PublishReceived]


@pytest.mark.parametrize(
    "packet", [packets.Publish("a" * 21, b""), packets.Subscribe(1, (("a" * 21, 0),))], ids=["topic", "filter"]
)
def test_long_topic_is_refused(packet: packets.Packet) -> None:
    server = open_server(Limits(max_topic_length=20))
    assert names_limit(server.receive_data(encode(packet), 0.0), 20)


def subscribe(packet_id: int, *filters: str) -> bytes:
    return encode(packets.Subscribe(packet_id, tuple((text, 0) for text in filters)))


def test_subscriptions_are_bounded_over_all_requests() -> None:
    server = open_server(Limits(max_subscriptions=3))
    server.receive_data(subscribe(1, "a", "b"), 0.0)
    server.grant(1, [0, 0])
    assert kinds(server.receive_data(subscribe(2, "a", "b", "c"), 0.0)) == [Subscribe]
    assert names_limit(server.receive_data(subscribe(3, "d"), 0.0), 3)


def test_refused_and_ended_subscriptions_do_not_count() -> None:
    server = open_server(Limits(max_subscriptions=2))
    server.receive_data(subscribe(1, "a", "b"), 0.0)
    server.grant(1, [0, 0x80])
    server.receive_data(encode(packets.Unsubscribe(2, ("a",))), 0.0)
    assert kinds(server.receive_data(subscribe(3, "c", "d"), 0.0)) == [Subscribe]


def test_requests_without_an_answer_are_bounded() -> None:
    server = open_server(Limits(max_subscriptions=3))
    assert kinds(server.receive_data(subscribe(1, FILTER) * 3, 0.0)) == [Subscribe] * 3
    assert names_limit(server.receive_data(subscribe(1, FILTER), 0.0), 3)


def test_what_comes_before_accept_is_bounded() -> None:
    server = ServerSession(0.0, Limits(max_early_bytes=100))
    assert kinds(server.receive_data(CONNECT + bytes(60), 0.0)) != [ProtocolViolated]
    assert server.receive_data(bytes(40), 0.0) == []
    assert names_limit(server.receive_data(bytes(1), 0.0), 100)


def test_what_comes_with_connect_is_bounded() -> None:
    server = ServerSession(0.0, Limits(max_early_bytes=100))
    assert names_limit(server.receive_data(CONNECT + bytes(101), 0.0), 100)


def test_incomplete_packet_may_be_larger_than_what_is_held() -> None:
    server = open_server(Limits(max_held_bytes=100))
    packet = publish("a", bytes(1000))
    events = [event for at in range(len(packet)) for event in server.receive_data(packet[at : at + 1], 0.0)]
    assert kinds(events) == [PublishReceived]


# The rate

SLOW = Limits(packets_per_s=2.0, burst=3)


def messages(*numbers: int) -> bytes:
    return b"".join(publish(UP, bytes([number])) for number in numbers)


def payloads(events: list[Event]) -> list[int]:
    return [event.payload[0] for event in events if isinstance(event, PublishReceived)]


def test_over_the_rate_reading_waits_and_nothing_is_lost() -> None:
    server = open_server(SLOW)  # CONNECT was the first packet
    events = server.receive_data(messages(1, 2, 3, 4, 5), 0.0)
    assert payloads(events) == [1, 2, 3]
    assert events[-1] == RateExceeded(until=0.5)
    assert not server.wants_data
    assert server.next_deadline() == 0.5
    assert server.on_time(0.4) == []
    assert kinds(server.on_time(0.5)) == [PublishReceived], "the rate is told once"
    assert payloads(server.on_time(1.0)) == [5]
    assert server.on_time(1.5) == []
    assert server.wants_data


def test_within_the_rate_nothing_waits() -> None:
    server = open_server(SLOW)
    for number in range(100):
        assert kinds(server.receive_data(messages(number), number / 2)) == [PublishReceived]


def test_pause_refills_no_more_than_one_burst() -> None:
    server = open_server(SLOW)
    assert payloads(server.receive_data(messages(*range(10)), 1000.0)) == [0, 1, 2, 3]


def test_more_data_over_the_rate_waits_in_order() -> None:
    server = open_server(SLOW)
    events = server.receive_data(messages(1, 2, 3, 4), 0.0)
    events += server.receive_data(messages(5)[:3], 0.1)
    events += server.receive_data(messages(5)[3:] + messages(6), 0.1)
    for tick in range(1, 10):
        events += server.on_time(tick / 2)
    assert payloads(events) == [1, 2, 3, 4, 5, 6]


def test_data_after_the_pause_needs_no_call_of_on_time() -> None:
    server = open_server(SLOW)
    server.receive_data(messages(1, 2, 3), 0.0)
    assert payloads(server.receive_data(messages(4), 10.0)) == [4]


def test_what_is_held_is_bounded() -> None:
    server = open_server(Limits(packets_per_s=2.0, burst=1, max_held_bytes=1000))
    server.receive_data(messages(1), 0.0)
    assert not server.wants_data
    assert server.receive_data(bytes(1000), 0.0) == []
    assert names_limit(server.receive_data(bytes(1), 0.0), 1000)


def test_keep_alive_stands_still_while_reading_waits() -> None:
    slow = Limits(packets_per_s=0.001, burst=1)
    server = open_server(slow, Connect("a", keep_alive_s=1))
    server.receive_data(messages(1) + PINGREQ, 0.0)
    assert server.next_deadline() == 1000.0
    assert server.on_time(999.0) == []
    assert kinds(server.on_time(1000.0)) == [PingReceived]


def test_what_was_held_counts_when_the_client_leaves() -> None:
    server = open_server(SLOW)
    server.receive_data(messages(1, 2, 3, 4, 5) + b"\xe0\0", 0.0)
    events = server.receive_eof()
    assert payloads(events) == [4, 5]
    assert events[-1] == Disconnected(clean=True)


# Messages that are not committed


def confirmed(*numbers: int) -> bytes:
    return b"".join(publish(UP, bytes([number]), 1 + number % 2, number) for number in numbers)


def test_reading_waits_for_the_application() -> None:
    server = open_server(Limits(max_unacknowledged=2))
    assert payloads(server.receive_data(confirmed(1, 2, 3, 4), 0.0)) == [1, 2]
    wants = [server.wants_data]
    assert server.next_deadline() is None
    server.acknowledge(1)
    assert server.next_deadline() == 0.0, "at once"
    assert payloads(server.on_time(500.0)) == [3]
    server.acknowledge(2)
    server.acknowledge(3)
    assert payloads(server.on_time(500.0)) == [4]
    assert [*wants, server.wants_data] == [False, True]
    assert server.next_deadline() == 680.0


def test_messages_held_for_the_application_count_when_the_client_leaves() -> None:
    server = open_server(Limits(max_unacknowledged=1))
    server.receive_data(confirmed(2, 4, 6), 0.0)
    events = server.receive_eof()
    assert payloads(events) == [4, 6]
    assert events[-1] == Disconnected(clean=False)


def test_copies_count_as_messages() -> None:
    server = open_server(Limits(max_unacknowledged=3))
    assert payloads(server.receive_data(publish(UP, b"\1", 1, 1) * 10, 0.0)) == [1, 1, 1]


def test_messages_that_wait_for_pubrel_are_bounded() -> None:
    server = open_server(Limits(max_unacknowledged=5))
    for packet_id in range(1, 6):
        server.receive_data(publish(UP, b"x", 2, packet_id), 0.0)
        server.acknowledge(packet_id)
    assert names_limit(server.receive_data(publish(UP, b"x", 2, 6), 0.0), 5)


def test_answers_that_the_peer_does_not_read_are_bounded() -> None:
    server = open_server(Limits(max_held_bytes=1000))
    events: list[Event] = []
    while not events or kinds(events) == [PingReceived] * 10:
        events = server.receive_data(PINGREQ * 10, 0.0)
    assert names_limit(events, 1000)
    assert len(server.data_to_send()) < 1100


# Memory


def test_idle_session_is_small_and_keeps_nothing_of_what_it_read() -> None:
    sessions = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(100):
            server = ServerSession(0.0)
            server.receive_data(CONNECT + subscribe(1, FILTER), 0.0)
            server.accept(0.0)
            server.grant(1, [1])
            server.receive_data(publish(UP, bytes(60_000), 1, 1), 0.0)
            server.acknowledge(1)
            assert server.data_to_send().startswith(CONNACK)
            sessions.append(server)
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used / len(sessions) < 3_000
