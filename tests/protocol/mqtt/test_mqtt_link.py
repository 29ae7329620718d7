"""Two sessions joined by a wire: what one is told to do, the other is told of. Both sides are looked at."""

import pytest

from mooring.protocol.mqtt import (
    Connect,
    ConnectAccepted,
    ConnectRefused,
    ConnectRequested,
    Disconnected,
    KeepAliveExpired,
    Limits,
    LocalProtocolError,
    PingReceived,
    PublishAcked,
    PublishReceived,
    PublishSent,
    Resends,
    SessionEnded,
    State,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Will,
)
from protocol.mqtt.mqtt_link import DOWN, FILTER, UP, Link


@pytest.mark.parametrize("present", [False, True])
def test_connect_and_accept(present: bool) -> None:
    will = Will("gone", b"x", 1, retain=True)
    link = Link(connect=Connect("me", "user", b"secret", 30, clean_session=False, will=will))
    (asked,), told = link.carry()
    assert asked == ConnectRequested("me", "user", b"secret", 30, False, will, 0xEC, repeated=False)
    assert told == []
    link.server.accept(link.now, session_present=present)
    assert link.carry() == ([], [ConnectAccepted(present)])
    assert link.server.state is link.client.state is State.OPEN


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
def test_connect_and_refuse(code: int) -> None:
    link = Link()
    link.carry()
    link.server.refuse(code)
    assert link.carry() == ([], [ConnectRefused(code)])
    assert link.server.is_over
    assert link.client.is_over


def test_subscribe_and_grant() -> None:
    link = Link().open()
    packet_id = link.client.subscribe([("a", 2), ("b/#", 0)], link.now)
    assert link.carry() == ([Subscribe(packet_id, (("a", 2), ("b/#", 0)), repeated=False)], [])
    link.server.grant(packet_id, [1, 0x80])
    assert link.carry() == ([], [Subscribed(packet_id, (1, 0x80))])


def test_unsubscribe() -> None:
    link = Link().open()
    packet_id = link.client.unsubscribe([FILTER], link.now)
    assert link.carry() == ([Unsubscribe(packet_id, (FILTER,))], [Unsubscribed(packet_id)])


@pytest.mark.parametrize("retain", [False, True])
def test_qos_0_up(retain: bool) -> None:
    link = Link().open()
    assert link.client.publish(UP, b"x", 0, link.now, retain=retain) == 0
    assert link.carry() == ([PublishReceived(UP, b"x", 0, 0, False, retain)], [])


@pytest.mark.parametrize("qos", [1, 2])
def test_up_is_confirmed_when_the_server_has_it(qos: int) -> None:
    link = Link().open()
    packet_id = link.client.publish(UP, b"x", qos, link.now)
    assert link.carry() == ([PublishReceived(UP, b"x", qos, packet_id, False, False)], [])
    link.server.acknowledge(packet_id)
    assert link.carry() == ([], [PublishAcked(packet_id)])
    assert link.carry() == ([], [])


def test_down_is_confirmed_when_the_device_has_it() -> None:
    link = Link().open()
    packet_id = link.server.publish(DOWN, b"x", 1, link.now)
    assert link.carry() == ([], [PublishReceived(DOWN, b"x", 1, packet_id, False, False)])
    link.client.acknowledge(packet_id)
    assert link.carry() == ([PublishAcked(packet_id)], [])


def test_packet_ids_of_the_two_directions_are_independent() -> None:
    link = Link().open()
    up = link.client.publish(UP, b"up", 1, link.now)
    link.carry()
    while link.server.publish(DOWN, b"down", 1, link.now) != up:
        pass
    link.carry()
    link.server.acknowledge(up)
    link.client.acknowledge(up)
    assert link.carry() == ([PublishAcked(up)], [PublishAcked(up)])


def test_packet_ids_of_requests_and_messages_differ() -> None:
    link = Link().open()
    ids = [
        link.client.subscribe([("a", 0)], link.now),
        link.client.publish(UP, b"x", 1, link.now),
        link.client.unsubscribe(["a"], link.now),
        link.client.publish(UP, b"x", 2, link.now),
    ]
    assert len(set(ids)) == len(ids)


def test_many_messages_wait_for_the_window_and_all_arrive_in_order() -> None:
    link = Link(Limits(max_in_flight=3)).open()
    for number in range(50):
        link.client.publish(UP, bytes([number]), 1 + number % 2, link.now)
    arrived: list[int] = []
    waited = acked = 0
    while acked < 50:
        at_server, at_client = link.carry()
        for event in at_server:
            assert isinstance(event, PublishReceived)
            arrived.append(event.payload[0])
            link.server.acknowledge(event.packet_id)
        waited += sum(isinstance(event, PublishSent) for event in at_client)
        acked += sum(isinstance(event, PublishAcked) for event in at_client)
    assert arrived == list(range(50))
    assert waited == 47


@pytest.mark.parametrize("keep_alive_s", [1, 21, 120])
def test_pings_keep_an_idle_session_alive(keep_alive_s: int) -> None:
    link = Link(connect=Connect("a", keep_alive_s=keep_alive_s)).open()
    at_server, at_client = link.wait(10 * keep_alive_s)
    assert set(at_server) == {PingReceived()}
    assert len(at_server) == 13
    assert at_client == []
    assert not link.server.is_over
    assert not link.client.is_over


def test_traffic_replaces_pings() -> None:
    link = Link(connect=Connect("a", keep_alive_s=10)).open()
    for _ in range(20):
        link.client.publish(UP, b"x", 0, link.now)
        at_server, _ = link.wait(5.0)
        assert PingReceived() not in at_server


def test_disconnect_is_a_clean_end() -> None:
    link = Link().open()
    assert link.client.disconnect() == []
    assert link.client.disconnect() == []
    assert link.carry() == ([Disconnected(clean=True)], [])
    assert link.client.is_over


def test_silent_server_is_noticed() -> None:
    link = Link(connect=Connect("a", keep_alive_s=60)).open()
    assert link.client.next_deadline() == 45.0
    assert link.client.on_time(45.0) == []
    assert link.client.data_to_send() == b"\xc0\x00"
    assert link.client.next_deadline() == 55.0
    assert link.client.on_time(54.0) == []
    assert link.client.on_time(55.0) == [KeepAliveExpired()]


def test_anything_from_the_server_shows_that_it_is_there() -> None:
    link = Link(connect=Connect("a", keep_alive_s=60)).open()
    link.client.ping(10.0)
    link.server.publish(DOWN, b"x", 0, 15.0)
    link.client.receive_data(link.server.data_to_send(), 15.0)
    assert link.client.next_deadline() == 25.0


def test_ping_on_command() -> None:
    link = Link().open()
    link.client.ping(link.now)
    link.client.ping(link.now)
    assert link.carry() == ([PingReceived(), PingReceived()], [])
    assert link.client.next_deadline() == 90.0


def test_lost_message_is_sent_again_both_ways() -> None:
    link = Link(Limits(resends=Resends(5.0, 3))).open()
    link.client.publish(UP, b"x", 2, link.now)
    link.server.publish(DOWN, b"y", 1, link.now)
    link.client.data_to_send()
    link.server.data_to_send()
    at_server, at_client = link.wait(5.0)
    assert [event.dup for event in at_server + at_client if isinstance(event, PublishReceived)] == [True, True]


def test_client_speaks_only_in_its_time() -> None:
    link = Link()
    with pytest.raises(LocalProtocolError):
        link.client.publish(UP, b"x", 0, link.now)
    with pytest.raises(LocalProtocolError):
        link.client.connect(Connect("a"), link.now)
    link.open()
    link.client.close()
    with pytest.raises(SessionEnded):
        link.client.publish(UP, b"x", 0, link.now)
    with pytest.raises(SessionEnded):
        link.client.subscribe([("a", 0)], link.now)
    assert link.carry() == ([], [])
