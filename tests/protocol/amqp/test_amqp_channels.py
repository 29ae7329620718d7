"""Consumers, deliveries, what comes back, and the ends of channels and connections."""

from typing import Any

import pytest
from pamqp import frame
from pamqp.commands import Basic, Channel, Connection, Queue

from mooring.protocol.amqp import (
    Acked,
    Cancelled,
    ChannelClosed,
    ConnectionClosed,
    ConsumeRequested,
    DeclareRequested,
    Limits,
    LocalProtocolError,
    Message,
    PrefetchChanged,
    ProtocolViolated,
    ReplyCode,
    Returned,
    State,
)
from protocol.amqp.amqp_link import MESSAGE, Link, recover_async


def test_consume_is_asked_and_answered() -> None:
    link = Link().open()
    assert link.send(Basic.Consume(queue="q", consumer_tag="c", exclusive=True)) == [
        ConsumeRequested(1, "c", "q", False, True)
    ]
    assert link.server.accept_consumer(1) == "c"
    assert link.got(Basic.ConsumeOk).consumer_tag == "c"


def test_client_may_leave_the_consumer_tag_to_the_server() -> None:
    link = Link().open().consume("ctag1.1")
    (asked,) = link.send(Basic.Consume(queue="q"))
    assert isinstance(asked, ConsumeRequested)
    assert asked.consumer_tag == "ctag1.2"


@pytest.mark.parametrize("passive", [False, True])
def test_declare_is_asked_and_answered_with_the_counts(passive: bool) -> None:
    link = Link().open()
    assert link.send(Queue.Declare(queue="q", passive=passive)) == [DeclareRequested(1, "q", passive)]
    link.server.declared(1, 12, 3)
    ok = link.got(Queue.DeclareOk)
    assert (ok.queue, ok.message_count, ok.consumer_count) == ("q", 12, 3)


def test_nowait_is_not_answered() -> None:
    link = Link().open()
    link.send(Queue.Declare(queue="q", nowait=True))
    link.server.declared(1, 0, 0)
    link.resume()
    link.send(Basic.Consume(queue="q", consumer_tag="c", nowait=True))
    link.server.accept_consumer(1)
    link.resume()
    assert link.send(Basic.Cancel("c", nowait=True)) == [Cancelled(1, "c")]
    assert link.read() == []


def test_delivery_has_the_properties_of_the_contract() -> None:
    link = Link().open().consume()
    assert link.server.deliver(1, "c", [("m1", MESSAGE, True)])
    (_, method), (_, head), (_, content) = link.read()
    assert (method.consumer_tag, method.delivery_tag, method.redelivered) == ("c", 1, True)
    assert (method.exchange, method.routing_key) == ("", "q")
    properties: Any = head.properties
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)
    assert (properties.message_id, properties.message_type) == (MESSAGE.id, MESSAGE.type)
    assert int(properties.timestamp.timestamp()) == MESSAGE.timestamp_s
    assert content.value == MESSAGE.body


def test_long_body_is_cut_into_frames_that_the_client_agreed_to() -> None:
    link = Link().open(frame_max=4096).consume()
    link.server.deliver(1, "c", [("m", Message("1", "t", 1, b"x" * 10_000), False)])
    data = link.server.data_to_send()
    sizes = []
    while data:
        consumed, _, _ = frame.unmarshal(data)
        sizes.append(consumed)
        data = data[consumed:]
    assert max(sizes) == 4096
    assert len(sizes) == 2 + 3


def test_message_that_cannot_be_written_changes_nothing() -> None:
    link = Link().open().consume(prefetch=1)
    with pytest.raises(ValueError, match="short string"):
        link.server.deliver(1, "c", [("m", Message("x" * 256, "t", 1, b"{}"), False)])
    assert (link.server.data_to_send(), link.server.room(1, "c")) == (b"", 1)
    link.deliver("m1")


def test_prefetch_is_for_consumers_to_come() -> None:
    link = Link().open().consume("first").consume("second", prefetch=2)
    assert link.server.room(1, "first") > 1000
    assert link.server.room(1, "second") == 2
    link.deliver("m1", "m2", tag="second")
    assert link.server.room(1, "second") == 0
    assert link.send(Basic.Ack(1)) == [Acked(1, ("m1",))]
    assert link.server.room(1, "second") == 1


def test_global_prefetch_is_for_the_channel_together() -> None:
    link = Link().open().consume("a").consume("b")
    assert link.send(Basic.Qos(0, 3, True)) == [PrefetchChanged(1)]
    link.got(Basic.QosOk)
    link.deliver("m1", "m2", tag="a")
    assert (link.server.room(1, "a"), link.server.room(1, "b")) == (1, 1)
    link.deliver("m3", tag="b")
    assert (link.server.room(1, "a"), link.server.room(1, "b")) == (0, 0)


def test_smaller_of_both_prefetches_counts() -> None:
    link = Link().open().consume("a", prefetch=5)
    link.call(Basic.Qos(0, 2, True), Basic.QosOk)
    assert link.server.room(1, "a") == 2
    link.call(Basic.Qos(0, 9, True), Basic.QosOk)
    assert link.server.room(1, "a") == 5


def test_connection_holds_a_limited_number() -> None:
    link = Link(Limits(max_unacked=3)).open().consume("a").open_channel(2).consume("b", 2)
    link.deliver("m1", "m2", tag="a")
    assert (link.server.room(1, "a"), link.server.room(2, "b")) == (1, 1)


def test_without_acknowledgement_nothing_is_out() -> None:
    link = Link().open().consume("a", no_ack=True, prefetch=1)
    assert not link.server.deliver(1, "a", [("m1", MESSAGE, False)])
    assert link.server.room(1, "a") > 1000
    link.read()
    assert link.send(Channel.Close(200, "", 0, 0)) == [ChannelClosed(1)]


def test_delivery_tags_go_up_per_channel() -> None:
    link = Link().open().consume("a").open_channel(2).consume("b", 2)
    for channel, tag in ((1, "a"), (2, "b"), (1, "a")):
        link.server.deliver(channel, tag, [("m", MESSAGE, False)])
    tags = [(on, method.delivery_tag) for on, method in link.read() if isinstance(method, Basic.Deliver)]
    assert tags == [(1, 1), (2, 1), (1, 2)]


@pytest.mark.parametrize(
    ("method", "event"),
    [
        (Basic.Ack(2), Acked(1, ("m2",))),
        (Basic.Ack(2, multiple=True), Acked(1, ("m1", "m2"))),
        (Basic.Ack(0, multiple=True), Acked(1, ("m1", "m2", "m3"))),
        (Basic.Nack(2), Returned(1, ("m2",), True, True)),
        (Basic.Nack(2, requeue=False), Returned(1, ("m2",), False, True)),
        (Basic.Nack(2, multiple=True), Returned(1, ("m1", "m2"), True, True)),
        (Basic.Nack(0, multiple=True, requeue=False), Returned(1, ("m1", "m2", "m3"), False, True)),
        (Basic.Reject(3), Returned(1, ("m3",), True, True)),
        (Basic.Reject(1, requeue=False), Returned(1, ("m1",), False, True)),
        (recover_async(requeue=True), Returned(1, ("m1", "m2", "m3"), True, False)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_comes_back(method: Any, event: Any) -> None:
    link = Link().open().consume()
    link.deliver("m1", "m2", "m3")
    assert link.send(method) == [event]


def test_same_tag_is_acknowledged_once() -> None:
    link = Link().open().consume()
    link.deliver("m1", "m2")
    link.send(Basic.Ack(1))
    link.server.settled()
    assert link.send(Basic.Ack(1)) == [Returned(1, ("m2",), True, False), ChannelClosed(1)]
    assert link.got(Channel.Close).reply_code == 406


def test_all_of_nothing_is_no_matter() -> None:
    link = Link().open().consume()
    assert link.send(Basic.Ack(0, multiple=True)) == []
    assert link.send(Basic.Nack(0, multiple=True)) == []
    assert link.read() == []


def test_recover_gives_everything_back_and_is_answered() -> None:
    link = Link().open().consume()
    link.deliver("m1", "m2")
    assert link.send(Basic.Recover(requeue=True)) == [Returned(1, ("m1", "m2"), True, False)]
    link.got(Basic.RecoverOk)
    assert link.send(Basic.Recover(requeue=True)) == []
    link.got(Basic.RecoverOk)


def test_cancelled_consumer_may_still_acknowledge() -> None:
    link = Link().open().consume(prefetch=1)
    link.deliver("m1")
    assert link.send(Basic.Cancel("c")) == [Cancelled(1, "c")]
    assert link.got(Basic.CancelOk).consumer_tag == "c"
    assert link.server.room(1, "c") == 0
    with pytest.raises(LocalProtocolError):
        link.server.deliver(1, "c", [("m2", MESSAGE, False)])
    assert link.send(Basic.Ack(1)) == [Acked(1, ("m1",))]


def test_unknown_consumer_is_cancelled_without_ado() -> None:
    link = Link().open()
    assert link.send(Basic.Cancel("nobody")) == []
    link.got(Basic.CancelOk)


def test_server_cancels_a_consumer_where_that_is_understood() -> None:
    link = Link().open().consume()
    link.deliver("m1")
    link.server.cancel(1, "c")
    cancel = link.got(Basic.Cancel)
    assert (cancel.consumer_tag, cancel.nowait) == ("c", True)
    assert link.send(Basic.CancelOk("c")) == []
    assert link.send(Basic.Ack(1)) == [Acked(1, ("m1",))]


def test_server_cancels_in_silence_otherwise() -> None:
    link = Link().open(capabilities={}).consume()
    link.server.cancel(1, "c")
    link.server.cancel(1, "c")
    assert (link.read(), link.server.room(1, "c")) == ([], 0)


def test_closed_channel_gives_back_in_the_order_of_delivery() -> None:
    link = Link().open().consume("a").consume("b")
    link.deliver("m1", tag="a")
    link.deliver("m2", tag="b")
    link.deliver("m3", tag="a")
    assert link.send(Channel.Close(200, "", 0, 0)) == [Returned(1, ("m1", "m2", "m3"), True, False), ChannelClosed(1)]
    link.got(Channel.CloseOk)
    link.open_channel(1)
    assert link.server.room(1, "a") == 0


def test_closed_connection_gives_everything_back() -> None:
    link = Link().open().consume("a").open_channel(2).consume("b", 2)
    link.deliver("m1", tag="a")
    link.deliver("m2", tag="b", channel=2)
    expected = [
        Returned(1, ("m1",), True, False),
        ChannelClosed(1),
        Returned(2, ("m2",), True, False),
        ChannelClosed(2),
    ]
    assert link.send(Connection.Close(200, "", 0, 0), 0) == [*expected, ConnectionClosed(clean=True)]
    assert isinstance(link.got(Connection.CloseOk, 0), Connection.CloseOk)


def test_lost_connection_gives_everything_back() -> None:
    link = Link().open().consume()
    link.deliver("m1")
    assert link.server.receive_eof() == [
        Returned(1, ("m1",), True, False),
        ChannelClosed(1),
        ConnectionClosed(clean=False),
    ]


def test_server_closes_a_channel() -> None:
    link = Link().open().consume()
    link.deliver("m1")
    events = link.server.close_channel(1, ReplyCode.PRECONDITION_FAILED, "too slow")
    assert events == [Returned(1, ("m1",), True, False), ChannelClosed(1)]
    assert link.got(Channel.Close).reply_text == "PRECONDITION_FAILED - too slow"
    assert link.server.close_channel(1, ReplyCode.PRECONDITION_FAILED, "again") == []
    assert link.server.close_channel(9, ReplyCode.PRECONDITION_FAILED, "none") == []


def test_acknowledgements_on_a_channel_that_the_server_has_closed_are_thrown_away() -> None:
    link = Link().open().consume()
    link.deliver("m1")
    link.server.close_channel(1, ReplyCode.PRECONDITION_FAILED, "too slow")
    link.read()
    assert link.send(Basic.Ack(1)) == []
    assert link.send(Basic.Qos(0, 1)) == []
    assert link.read() == []


def test_both_sides_close_a_channel_at_once() -> None:
    link = Link().open()
    link.server.close_channel(1, ReplyCode.PRECONDITION_FAILED, "x")
    link.got(Channel.Close)
    assert link.send(Channel.Close(200, "", 0, 0)) == []
    link.got(Channel.CloseOk)
    assert link.send(Channel.CloseOk()) == []
    link.open_channel(1)


def test_both_sides_close_the_connection_at_once() -> None:
    link = Link().open()
    assert link.server.close(ReplyCode.CONNECTION_FORCED, "restart", 0.0) == [ChannelClosed(1)]
    assert link.got(Connection.Close, 0).reply_code == 320
    assert link.send(Connection.Close(200, "", 0, 0), 0) == []
    assert isinstance(link.got(Connection.CloseOk, 0), Connection.CloseOk)
    link.send(Connection.CloseOk(), 0)
    assert link.server.is_over


def test_server_closes_the_connection() -> None:
    link = Link().open().consume()
    link.deliver("m1")
    events = link.server.close(ReplyCode.CONNECTION_FORCED, "the server stops", 0.0)
    assert events == [Returned(1, ("m1",), True, False), ChannelClosed(1)]
    close = link.got(Connection.Close, 0)
    assert (close.reply_code, close.reply_text) == (320, "CONNECTION_FORCED - the server stops")
    assert link.server.close(ReplyCode.CONNECTION_FORCED, "again", 0.0) == []
    assert link.send(Basic.Ack(1)) == []
    assert link.send(Channel.Open(), 2) == []
    assert link.send(Basic.Qos(0, 1), 0) == []
    assert link.read() == []
    assert link.server.receive_eof() == []
    assert link.server.is_over


def test_server_closes_before_the_login_without_a_word() -> None:
    link = Link().start()
    assert link.server.close(ReplyCode.CONNECTION_FORCED, "stop", 0.0) == []
    assert (link.server.data_to_send(), link.server.is_over) == (b"", True)


def test_rubbish_after_close_ends_at_once() -> None:
    link = Link().open()
    link.server.close(ReplyCode.CONNECTION_FORCED, "stop", 0.0)
    link.read()
    assert link.raw(b"rubbish!") == []
    assert link.server.is_over


def test_violation_gives_everything_back() -> None:
    link = Link().open().consume()
    link.deliver("m1")
    events = link.raw(b"rubbish!")
    assert events[:2] == [Returned(1, ("m1",), True, False), ChannelClosed(1)]
    assert isinstance(events[2], ProtocolViolated)
    assert link.server.state is State.CLOSING
