"""Messages both ways: acknowledged when committed, in a window, sent again by time; sections 2.4 and 4."""

from collections.abc import Callable

import pytest

from mooring.protocol.mqtt import (
    DEVICE_RESENDS,
    DeliveryUnconfirmed,
    Disconnected,
    Event,
    InvalidArgument,
    Limits,
    PublishAcked,
    PublishReceived,
    PublishSent,
    ResendFilter,
    Resends,
    ServerSession,
    TooManyInFlight,
    packets,
)
from mooring.protocol.mqtt.encode import encode, puback, pubcomp, publish, pubrec
from protocol.mqtt.mqtt_link import DOWN, UP, open_server

ROOMY = Limits(max_in_flight=2, max_waiting=3, resends=Resends(5.0, 3))


def received(payload: bytes, qos: int, packet_id: int, dup: bool = False) -> PublishReceived:
    return PublishReceived(UP, payload, qos, packet_id, dup, retain=False)


# From the device


def test_qos_0_needs_no_answer() -> None:
    server = open_server()
    assert server.receive_data(publish(UP, b"x", retain=True), 0.0) == [PublishReceived(UP, b"x", 0, 0, False, True)]
    assert server.data_to_send() == b""


def test_qos_1_is_acknowledged_only_by_command() -> None:
    server = open_server()
    assert server.receive_data(publish(UP, b"x", 1, 2), 0.0) == [received(b"x", 1, 2)]
    assert server.data_to_send() == b""
    server.acknowledge(2)
    assert server.data_to_send() == puback(2)


def test_messages_are_acknowledged_in_any_order() -> None:
    server = open_server()
    server.receive_data(publish(UP, b"x", 1, 2) + publish(UP, b"y", 2, 3) + publish(UP, b"z", 1, 4), 0.0)
    for packet_id in (4, 3, 2):
        server.acknowledge(packet_id)
    assert server.data_to_send() == puback(4) + pubrec(3) + puback(2)


@pytest.mark.parametrize("dup", [False, True])
def test_each_copy_of_qos_1_is_told_and_acknowledged(dup: bool) -> None:
    server = open_server()
    events = server.receive_data(publish(UP, b"x", 1, 2), 0.0)
    events += server.receive_data(publish(UP, b"x", 1, 2, dup=dup), 2.0)
    assert events == [received(b"x", 1, 2), received(b"x", 1, 2, dup)]
    server.acknowledge(2)
    server.acknowledge(2)
    assert server.data_to_send() == puback(2) * 2


def test_qos_2_goes_through_its_four_packets() -> None:
    server = open_server()
    assert server.receive_data(publish(UP, b"x", 2, 5), 0.0) == [received(b"x", 2, 5)]
    assert server.data_to_send() == b""
    server.acknowledge(5)
    assert server.data_to_send() == pubrec(5)
    assert server.receive_data(encode(packets.Pubrel(5)), 0.0) == []
    assert server.data_to_send() == pubcomp(5)


@pytest.mark.parametrize("dup", [False, True])
def test_copy_of_qos_2_is_not_told_again(dup: bool) -> None:
    server = open_server()
    copy = publish(UP, b"x", 2, 5, dup=dup)
    server.receive_data(publish(UP, b"x", 2, 5), 0.0)
    assert server.receive_data(copy, 2.0) == []
    assert server.data_to_send() == b"", "not committed, so not confirmed"
    server.acknowledge(5)
    assert server.receive_data(copy, 4.0) == []
    assert server.data_to_send() == pubrec(5) * 2


def test_packet_id_is_free_after_pubrel() -> None:
    server = open_server()
    for _ in range(2):
        assert server.receive_data(publish(UP, b"x", 2, 5), 0.0) == [received(b"x", 2, 5)]
        server.acknowledge(5)
        server.receive_data(encode(packets.Pubrel(5)), 0.0)
    assert server.data_to_send() == (pubrec(5) + pubcomp(5)) * 2


def test_pubrel_is_answered_each_time() -> None:
    server = open_server()
    server.receive_data(encode(packets.Pubrel(5)) * 2, 0.0)
    assert server.data_to_send() == pubcomp(5) * 2


@pytest.mark.parametrize("qos", [1, 2])
def test_confirmed_message_that_the_sender_gave_up_does_not_swallow_the_next(qos: int) -> None:
    server = open_server()
    server.receive_data(publish(UP, b"old", 2, 5), 0.0)
    server.acknowledge(5)
    assert server.receive_data(publish(UP, b"new", qos, 5), 60.0) == [received(b"new", qos, 5)]
    server.acknowledge(5)
    assert server.data_to_send() == pubrec(5) + (puback(5) if qos == 1 else pubrec(5))


# To the device


def test_qos_0_is_written_at_once() -> None:
    server = open_server()
    assert server.publish(DOWN, b"x", 0, 0.0) == 0
    assert server.data_to_send() == publish(DOWN, b"x")
    assert server.next_deadline() == 180.0


def test_qos_1_is_written_and_confirmed() -> None:
    server = open_server()
    packet_id = server.publish(DOWN, b"x", 1, 0.0)
    assert not server.is_waiting(packet_id)
    assert server.data_to_send() == publish(DOWN, b"x", 1, packet_id)
    assert server.receive_data(puback(packet_id), 1.0) == [PublishAcked(packet_id)]
    assert server.next_deadline() == 181.0


def test_confirmation_that_nobody_waits_for_is_dropped() -> None:
    server = open_server()
    packet_id = server.publish(DOWN, b"x", 1, 0.0)
    assert server.receive_data(puback(packet_id) * 2 + puback(999), 1.0) == [PublishAcked(packet_id)]


@pytest.mark.parametrize("qos", [-1, 2, 3])
def test_server_publishes_with_qos_0_or_1(qos: int) -> None:
    with pytest.raises(InvalidArgument):
        open_server().publish(DOWN, b"x", qos, 0.0)


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0", "\udc00"])
def test_impossible_topic_is_refused_and_takes_no_packet_id(topic: str) -> None:
    server = open_server()
    with pytest.raises(InvalidArgument):
        server.publish(topic, b"x", 1, 0.0)
    assert server.data_to_send() == b""
    assert server.publish(DOWN, b"x", 1, 0.0) == 1


def test_window_full_messages_wait_in_order() -> None:
    server = open_server(ROOMY)
    sent = [server.publish(DOWN, bytes([n]), 1, 0.0) for n in range(5)]
    assert sent == [1, 2, 3, 4, 5]
    assert [server.is_waiting(packet_id) for packet_id in sent] == [False, False, True, True, True]
    assert server.data_to_send() == publish(DOWN, b"\0", 1, 1) + publish(DOWN, b"\1", 1, 2)
    assert server.receive_data(puback(2), 1.0) == [PublishAcked(2), PublishSent(3)]
    assert server.data_to_send() == publish(DOWN, b"\2", 1, 3)
    assert not server.is_waiting(3)
    assert server.receive_data(puback(1) + puback(3), 1.0) == [
        PublishAcked(1),
        PublishSent(4),
        PublishAcked(3),
        PublishSent(5),
    ]


def test_queue_full_is_an_error_that_names_the_limits_and_sends_nothing() -> None:
    server = open_server(ROOMY)
    for _ in range(5):
        server.publish(DOWN, b"x", 1, 0.0)
    server.data_to_send()
    with pytest.raises(TooManyInFlight, match="2 in flight and 3 waiting"):
        server.publish(DOWN, b"x", 1, 0.0)
    assert server.data_to_send() == b""
    assert server.publish(DOWN, b"x", 0, 0.0) == 0
    server.receive_data(puback(1), 0.0)
    assert server.publish(DOWN, b"x", 1, 0.0) == 6


def test_qos_0_is_bounded_by_what_is_not_sent() -> None:
    limits = Limits(max_held_bytes=1000)
    server = open_server(limits)
    for _ in range(8):
        server.publish(DOWN, bytes(100), 0, 0.0)
    with pytest.raises(TooManyInFlight, match="1000 bytes"):
        server.publish(DOWN, bytes(100), 0, 0.0)
    assert len(server.data_to_send()) < 1200
    server.publish(DOWN, bytes(100), 0, 0.0)


def timeline(server: ServerSession, until: float) -> list[tuple[float, bytes, list[Event]]]:
    """Keep the client alive and return what is sent and told at each deadline."""
    told = []
    while (due := server.next_deadline()) is not None and due <= until:
        events = server.on_time(due)
        told.append((due, server.data_to_send(), events))
    return told


def test_unconfirmed_message_is_sent_again_with_dup_and_then_given_up() -> None:
    server = open_server(ROOMY)
    server.publish(DOWN, b"x", 1, 0.0)
    server.data_to_send()
    again = publish(DOWN, b"x", 1, 1, dup=True)
    assert timeline(server, 100.0) == [(5.0, again, []), (10.0, again, []), (15.0, b"", [DeliveryUnconfirmed(1, 3)])]


def test_devices_resend_without_dup() -> None:
    server = open_server(Limits(resends=DEVICE_RESENDS))
    server.publish(DOWN, b"x", 1, 0.0)
    again = server.data_to_send()
    assert timeline(server, 100.0) == [(2.0, again, []), (4.0, again, []), (6.0, b"", [DeliveryUnconfirmed(1, 3)])]


def test_sent_once_means_never_sent_again() -> None:
    server = open_server(Limits(resends=Resends(7.0, sends=1)))
    server.publish(DOWN, b"x", 1, 0.0)
    server.data_to_send()
    assert timeline(server, 100.0) == [(7.0, b"", [DeliveryUnconfirmed(1, 1)])]


def test_late_confirmation_is_still_told_once() -> None:
    server = open_server(ROOMY)
    server.publish(DOWN, b"x", 1, 0.0)
    timeline(server, 100.0)
    assert server.receive_data(puback(1) * 2, 100.0) == [PublishAcked(1)]


def test_only_the_last_given_up_messages_are_remembered() -> None:
    server = open_server(ROOMY)
    for _ in range(3):
        server.publish(DOWN, b"x", 1, 0.0)
    timeline(server, 100.0)
    assert server.receive_data(puback(1) + puback(2) + puback(3), 100.0) == [PublishAcked(2), PublishAcked(3)]


def test_message_given_up_makes_room_for_the_next() -> None:
    server = open_server(Limits(max_in_flight=1, resends=Resends(5.0, 1)))
    server.publish(DOWN, b"x", 1, 0.0)
    server.publish(DOWN, b"y", 1, 0.0)
    server.data_to_send()
    assert timeline(server, 9.0) == [
        (5.0, publish(DOWN, b"y", 1, 2), [DeliveryUnconfirmed(1, 1), PublishSent(2)]),
    ]


def test_resends_keep_their_own_time() -> None:
    server = open_server(ROOMY)
    server.publish(DOWN, b"x", 1, 0.0)
    server.publish(DOWN, b"y", 1, 2.0)
    server.data_to_send()
    server.receive_data(puback(1), 3.0)
    assert server.next_deadline() == 7.0
    assert server.on_time(6.9) == []
    assert server.data_to_send() == b""
    server.on_time(7.0)
    assert server.data_to_send() == publish(DOWN, b"y", 1, 2, dup=True)


@pytest.mark.parametrize("how", ["eof", "close", "violation", "silence"])
def test_end_tells_what_is_unconfirmed_before_its_last_event(how: str) -> None:
    server = open_server(Limits(max_in_flight=1, resends=Resends(1000.0, 3)))
    server.publish(DOWN, b"x", 1, 0.0)
    server.publish(DOWN, b"y", 1, 0.0)
    ends: dict[str, Callable[[], list[Event]]] = {
        "eof": server.receive_eof,
        "close": server.close,
        "violation": lambda: server.receive_data(b"\0\0", 0.0),
        "silence": lambda: server.on_time(180.0),
    }
    events = ends[how]()
    assert events[:2] == [DeliveryUnconfirmed(1, 1), DeliveryUnconfirmed(2, 0)]
    assert len(events) == (2 if how == "close" else 3)


def test_disconnect_tells_what_is_unconfirmed() -> None:
    server = open_server()
    server.publish(DOWN, b"x", 1, 0.0)
    assert server.receive_data(b"\xe0\0", 0.0) == [DeliveryUnconfirmed(1, 1), Disconnected(clean=True)]


def test_packet_ids_go_round_and_skip_those_in_use() -> None:
    server = open_server(Limits(max_in_flight=2, resends=Resends(1e9)))
    assert server.publish(DOWN, b"stays", 1, 0.0) == 1
    for expected in range(2, 65536):
        assert server.publish(DOWN, b"", 1, 0.0) == expected
        server.data_to_send()
        server.receive_data(puback(expected), expected / 100)
    assert server.publish(DOWN, b"", 1, 0.0) == 2


# Telling copies


def test_copy_within_the_window_is_a_resend() -> None:
    resends = ResendFilter()
    assert [resends.is_resend(2, b"x", now) for now in (0.0, 2.0, 4.0)] == [False, True, True]


@pytest.mark.parametrize(("packet_id", "payload"), [(3, b"x"), (2, b"y"), (2, b"")])
def test_other_packet_id_or_payload_is_another_message(packet_id: int, payload: bytes) -> None:
    resends = ResendFilter()
    resends.is_resend(2, b"x", 0.0)
    assert not resends.is_resend(packet_id, payload, 0.0)


def test_window_counts_from_the_first_copy() -> None:
    resends = ResendFilter(window_s=10.0)
    assert [resends.is_resend(2, b"x", now) for now in (0.0, 9.0, 10.0, 10.1)] == [False, True, True, False]


def test_filter_forgets_the_oldest_when_it_is_full() -> None:
    resends = ResendFilter(room=2)
    for packet_id in (1, 2, 3):
        assert not resends.is_resend(packet_id, b"x", 0.0)
    assert [resends.is_resend(packet_id, b"x", 0.0) for packet_id in (2, 3, 1)] == [True, True, False]


def test_message_that_could_not_be_stored_is_new_when_it_comes_again() -> None:
    resends = ResendFilter()
    resends.is_resend(2, b"x", 0.0)
    resends.forget(2, b"x")
    resends.forget(2, b"x")
    assert not resends.is_resend(2, b"x", 2.0)
