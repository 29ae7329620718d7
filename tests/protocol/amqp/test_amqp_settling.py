"""Whoever gets an answer knows that its acknowledgements before are committed (rule 3 of `states`)."""

from typing import Any

import pytest
from pamqp import frame
from pamqp.commands import Basic, Channel, Confirm, Connection, Queue

from mooring.protocol.amqp import (
    Acked,
    ChannelClosed,
    ConnectionClosed,
    GetRequested,
    Limits,
    PrefetchChanged,
    ReplyCode,
    Returned,
    State,
)
from protocol.amqp.amqp_link import Link

ANSWERED = [
    (Basic.Qos(0, 1), Basic.QosOk),
    (Basic.Cancel("c"), Basic.CancelOk),
    (Basic.Recover(requeue=True), Basic.RecoverOk),
    (Channel.Flow(active=True), Channel.FlowOk),
    (Channel.Close(200, "", 0, 0), Channel.CloseOk),
    (Confirm.Select(), Confirm.SelectOk),
]
SETTLING = [Basic.Ack(1), Basic.Nack(1), Basic.Nack(1, requeue=False), Basic.Reject(1)]


def _name(value: Any) -> str | None:
    return getattr(value, "name", None)


def _holding(count: int = 3, limits: Limits | None = None) -> Link:
    link = Link(limits).open().consume()
    link.deliver(*(f"m{number}" for number in range(1, count + 1)))
    return link


@pytest.mark.parametrize(("method", "answer"), ANSWERED, ids=_name)
@pytest.mark.parametrize("settling", SETTLING, ids=_name)
def test_answer_waits_for_the_commit(settling: Any, method: Any, answer: Any) -> None:
    link = _holding()
    assert len(link.send(settling)) == 1
    assert link.send(method) == []
    assert link.read() == []
    assert link.resume() == []
    link.server.settled()
    link.resume()
    link.got(answer)


def test_close_of_the_connection_waits_for_the_commit() -> None:
    link = _holding(1)
    link.send(Basic.Ack(1))
    assert link.send(Connection.Close(200, "", 0, 0), 0) == []
    assert link.read() == []
    link.server.settled()
    assert link.resume() == [ChannelClosed(1), ConnectionClosed(clean=True)]
    assert isinstance(link.got(Connection.CloseOk, 0), Connection.CloseOk)


@pytest.mark.parametrize(
    "method", [Basic.Get(queue="q"), Queue.Declare(queue="q"), Basic.Consume(queue="q")], ids=_name
)
def test_requests_wait_for_the_commit(method: Any) -> None:
    link = _holding()
    link.send(Basic.Ack(1))
    assert link.send(method) == []
    link.server.settled()
    assert len(link.resume()) == 1


def test_further_acknowledgements_do_not_wait() -> None:
    link = _holding()
    assert link.send(Basic.Ack(1)) == [Acked(1, ("m1",))]
    assert link.send(Basic.Nack(2)) == [Returned(1, ("m2",), True, True)]
    assert link.send(Basic.Reject(3, requeue=False)) == [Returned(1, ("m3",), False, True)]


def test_acknowledgements_behind_a_method_that_waits_wait_too() -> None:
    link = _holding()
    assert link.raw(
        frame.marshal(Basic.Ack(1), 1) + frame.marshal(Basic.Qos(0, 5), 1) + frame.marshal(Basic.Ack(2), 1)
    ) == [Acked(1, ("m1",))]
    link.server.settled()
    assert link.resume() == [PrefetchChanged(1), Acked(1, ("m2",))]


def test_every_one_of_them_must_be_settled() -> None:
    link = _holding()
    link.send(Basic.Ack(1))
    link.send(Basic.Ack(2))
    link.send(Basic.Qos(0, 1))
    link.server.settled()
    assert (link.resume(), link.read()) == ([], [])
    link.server.settled()
    assert link.resume() == [PrefetchChanged(1)]


def test_deliveries_go_on_meanwhile() -> None:
    link = _holding(1)
    link.send(Basic.Ack(1))
    link.send(Basic.Qos(0, 1))
    link.deliver("m2")


def test_heartbeats_do_not_wait() -> None:
    link = _holding(1)
    link.send(Basic.Ack(1))
    assert link.raw(b"\x08\0\0\0\0\0\0\xce") == []
    link.server.settled()


def test_close_of_the_server_does_not_wait() -> None:
    link = _holding(2)
    link.send(Basic.Ack(1))
    assert link.server.close(ReplyCode.CONNECTION_FORCED, "stop", 0.0) == [
        Returned(1, ("m2",), True, False),
        ChannelClosed(1),
    ]
    assert link.got(Connection.Close, 0).reply_code == 320
    assert link.server.state is State.CLOSING


def test_lost_connection_does_not_give_back_what_was_acknowledged() -> None:
    link = _holding(2)
    link.send(Basic.Ack(1))
    assert link.server.receive_eof()[0] == Returned(1, ("m2",), True, False)
    link.server.settled()


def test_only_one_request_at_a_time() -> None:
    link = Link().open()
    two = frame.marshal(Basic.Get(queue="a"), 1) + frame.marshal(Basic.Get(queue="b"), 1)
    assert link.raw(two) == [GetRequested(1, "a", False)]
    link.server.nothing_to_get(1)
    assert link.resume() == [GetRequested(1, "b", False)]


def test_too_many_unsettled_stop_the_reading() -> None:
    link = _holding(3, Limits(max_acks_waiting=2))
    read = []
    for tag in (1, 2):
        link.send(Basic.Ack(tag))
        read.append(link.server.wants_data)
    link.server.settled()
    assert [*read, link.server.wants_data] == [True, False, True]


def test_much_behind_a_request_stops_the_reading() -> None:
    link = Link().open()
    link.send(Basic.Get(queue="q"))
    read = [link.server.wants_data]
    link.raw(frame.marshal(Basic.Qos(0, 1), 1) * 60_000)
    read.append(link.server.wants_data)
    link.server.nothing_to_get(1)
    link.resume()
    assert [*read, link.server.wants_data] == [True, False, True]


# Runs of acknowledgements


def _acks(*tags: int, channel: int = 1) -> bytes:
    return b"".join(frame.marshal(Basic.Ack(tag), channel) for tag in tags)


def test_acknowledgements_that_come_together_are_one_event() -> None:
    link = _holding(4)
    assert link.raw(_acks(2, 1, 4)) == [Acked(1, ("m2", "m1", "m4"))]
    link.send(Basic.Qos(0, 1))
    link.server.settled(2)
    assert (link.resume(), link.read()) == ([], [])
    link.server.settled()
    assert link.resume() == [PrefetchChanged(1)]


def test_a_run_may_be_cut_anywhere() -> None:
    sent = _acks(1, 2, 3)
    for cut in range(1, len(sent)):
        link = _holding()
        events = link.raw(sent[:cut]) + link.raw(sent[cut:])
        acked = [message for event in events if isinstance(event, Acked) for message in event.messages]
        assert acked == ["m1", "m2", "m3"]


def test_a_run_may_acknowledge_several_at_once() -> None:
    link = _holding(4)
    sent = _acks(1) + frame.marshal(Basic.Ack(3, multiple=True), 1) + _acks(4)
    assert link.raw(sent) == [Acked(1, ("m1", "m2", "m3", "m4"))]


def test_a_mistake_in_a_run_ends_the_channel_there() -> None:
    link = _holding(4)
    assert link.raw(_acks(1, 2, 2, 3)) == [
        Acked(1, ("m1", "m2")),
        Returned(1, ("m3", "m4"), True, False),
        ChannelClosed(1),
    ]
    closed = link.got(Channel.Close)
    assert (closed.reply_code, closed.class_id, closed.method_id) == (406, 60, 80)


def test_a_run_ends_with_its_channel() -> None:
    link = _holding(2).open_channel(2).consume("d", 2)
    link.deliver("n1", tag="d", channel=2)
    events = link.raw(_acks(1) + _acks(1, channel=2) + _acks(2))
    assert events == [Acked(1, ("m1",)), Acked(2, ("n1",)), Acked(1, ("m2",))]
