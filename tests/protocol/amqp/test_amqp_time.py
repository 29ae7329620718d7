"""Deadlines and heartbeats, with the clock under control."""

import pytest
from pamqp.commands import Basic, Connection

from mooring.protocol.amqp import ChannelClosed, Event, Limits, ReplyCode, Returned, ServerSession, Silent, State
from mooring.protocol.amqp.wire import HEARTBEAT_FRAME
from protocol.amqp.amqp_link import MESSAGE, PROTOCOL, Link


def _wait(link: Link, until: float) -> list[Event]:
    """Let time pass from deadline to deadline, as a timer would; each one must be later than the one before."""
    events: list[Event] = []
    while (due := link.server.next_deadline()) is not None and due <= until:
        assert due > link.now or events == []
        link.now = max(link.now, due)
        events += link.server.on_time(link.now)
        following = link.server.next_deadline()
        assert following is None or following > link.now
    link.now = until
    return events


@pytest.mark.parametrize("said", [b"", b"AMQP", PROTOCOL])
def test_login_comes_within_fifteen_seconds(said: bytes) -> None:
    link = Link()
    link.raw(said)
    assert link.server.next_deadline() == 15.0
    assert link.server.on_time(14.999) == []
    assert link.server.on_time(15.0) == [Silent("no login within 15 s")]
    assert link.server.is_over


def test_bytes_do_not_extend_the_login() -> None:
    link = Link()
    for second in range(15):
        link.now = float(second)
        link.raw(PROTOCOL[second : second + 1] if second < 8 else b"\x08\0\0\0\0\0\0\xce")
        assert link.server.on_time(link.now) == []
    assert link.server.on_time(15.0) == [Silent("no login within 15 s")]


def test_consumer_comes_within_fifteen_seconds_of_the_login() -> None:
    link = Link()
    link.now = 10.0
    link.open(heartbeat_s=60)
    assert _wait(link, 24.9) == []
    assert _wait(link, 25.0) == [ChannelClosed(1), Silent("no consumer within 15 s of the login")]
    assert link.got(Connection.Close, 0).reply_code == 320
    assert link.server.state is State.CLOSING


def test_consumer_deadline_counts_before_the_connection_is_open() -> None:
    link = Link()
    link.tune()
    assert _wait(link, 15.0) == [Silent("no consumer within 15 s of the login")]


def test_get_counts_as_consuming() -> None:
    link = Link().open()
    link.send(Basic.Get(queue="q"))
    link.server.nothing_to_get(1)
    link.resume()
    assert _wait(link, 60.0) == []


def test_losing_the_last_consumer_later_does_not_close() -> None:
    link = Link().open().consume()
    link.send(Basic.Cancel("c"))
    link.read()
    assert _wait(link, 100.0) == []


@pytest.mark.parametrize("heartbeat_s", [1, 10, 60])
def test_silence_of_two_intervals_ends(heartbeat_s: int) -> None:
    link = Link().open(heartbeat_s=heartbeat_s).consume()
    link.deliver("m1")
    assert _wait(link, 2 * heartbeat_s - 0.001) == []
    assert _wait(link, 2.0 * heartbeat_s) == [
        Returned(1, ("m1",), True, False),
        ChannelClosed(1),
        Silent(f"nothing came for {2 * heartbeat_s} s"),
    ]
    assert link.server.is_over


@pytest.mark.parametrize("data", [HEARTBEAT_FRAME, HEARTBEAT_FRAME[:1]])
def test_anything_that_comes_is_a_sign_of_life(data: bytes) -> None:
    link = Link().open(heartbeat_s=10).consume()
    _wait(link, 19.0)
    link.raw(data)
    assert _wait(link, 38.9) == []
    assert isinstance(_wait(link, 39.0)[-1], Silent)


def test_heartbeats_are_sent_twice_an_interval_when_nothing_else_is() -> None:
    link = Link().open(heartbeat_s=10).consume()
    _wait(link, 5.0)  # something was sent since the connection was opened
    link.server.data_to_send()
    _wait(link, 10.0)
    assert link.server.data_to_send() == HEARTBEAT_FRAME


def test_deliveries_stand_in_for_heartbeats() -> None:
    link = Link().open(heartbeat_s=10).consume()
    for second in range(1, 15):
        link.raw(HEARTBEAT_FRAME)
        _wait(link, float(second))
        link.deliver(f"m{second}")


def test_peer_that_is_not_read_is_not_silent() -> None:
    link = Link(Limits(max_acks_waiting=1)).open(heartbeat_s=1).consume()
    link.deliver("m1")
    link.send(Basic.Ack(1))
    assert not link.server.wants_data
    assert _wait(link, 30.0) == []


def test_close_that_is_not_answered_ends() -> None:
    link = Link().open(heartbeat_s=1)
    link.server.close(ReplyCode.CONNECTION_FORCED, "stop", 0.0)
    assert link.server.next_deadline() == 5.0
    assert _wait(link, 5.0) == []
    assert link.server.is_over
    assert link.server.next_deadline() is None


def test_early_call_does_no_harm() -> None:
    link = Link().open().consume()
    link.server.deliver(1, "c", [("m", MESSAGE, False)])
    before = link.server.data_to_send()
    for _ in range(5):
        assert link.server.on_time(0.5) == []
    assert before
    assert link.server.data_to_send() == b""


def test_nothing_has_a_deadline_after_the_end() -> None:
    server: ServerSession[str] = ServerSession(0.0)
    server.receive_eof()
    assert server.next_deadline() is None
    assert server.on_time(1e9) == []
