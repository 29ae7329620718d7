"""Reply codes of everything that a consumer may not do, and what of the connection is left afterwards."""

from typing import Any

import pytest
from pamqp import body, frame, header
from pamqp.commands import Basic, Channel, Confirm, Connection, Exchange, Queue, Tx

from mooring.protocol.amqp import (
    ChannelClosed,
    ConsumeRequested,
    GetRequested,
    Limits,
    LocalProtocolError,
    ProtocolViolated,
    ReplyCode,
    Returned,
    State,
)
from protocol.amqp.amqp_link import MESSAGE, Link, recover_async

CLOSES_CHANNEL = [
    (Basic.Publish(), 403),
    (Queue.Declare(queue=""), 403),
    (Queue.Bind(queue="q", exchange="e"), 403),
    (Queue.Unbind(queue="q", exchange="e"), 403),
    (Queue.Purge(queue="q"), 403),
    (Queue.Delete(queue="q"), 403),
    (Exchange.Declare(exchange="e"), 403),
    (Exchange.Declare(exchange="e", passive=True), 403),
    (Exchange.Delete(exchange="e"), 403),
    (Exchange.Bind(destination="e", source="f"), 403),
    (Exchange.Unbind(destination="e", source="f"), 403),
    (Basic.Ack(1), 406),
    (Basic.Ack(0), 406),
    (Basic.Ack(7, multiple=True), 406),
    (Basic.Nack(1), 406),
    (Basic.Nack(7, multiple=True), 406),
    (Basic.Reject(1), 406),
    (Basic.Reject(0), 406),
]
CLOSES_CONNECTION = [
    (Channel.Open(), 504),
    (Channel.OpenOk(), 503),
    (Channel.Flow(active=False), 540),
    (Basic.Qos(prefetch_size=1), 540),
    (Basic.Recover(requeue=False), 540),
    (recover_async(requeue=False), 540),
    (Basic.Deliver("c", 1, False, "", "q"), 503),
    (Basic.ConsumeOk("c"), 503),
    (Basic.QosOk(), 503),
    (Tx.Select(), 540),
    (Tx.Commit(), 540),
    (Tx.Rollback(), 540),
    (Confirm.SelectOk(), 503),
    (Connection.Open("quec-open"), 503),
    (Connection.Close(200, "", 0, 0), 503),  # of a connection, on a channel
]


def _by_name(value: Any) -> str | None:
    return getattr(value, "name", None)


@pytest.mark.parametrize(("method", "code"), CLOSES_CHANNEL, ids=_by_name)
def test_refusal_closes_the_channel_and_names_the_method(method: Any, code: int) -> None:
    link = Link().open().open_channel(2)
    assert link.send(method) == [ChannelClosed(1)]
    close = link.got(Channel.Close)
    assert (close.reply_code, close.class_id, close.method_id) == (code, method.index >> 16, method.index & 0xFFFF)
    assert close.reply_text.startswith(ReplyCode(code).name)
    link.call(Basic.Qos(0, 1), Basic.QosOk, 2)


@pytest.mark.parametrize(("method", "code"), CLOSES_CONNECTION, ids=_by_name)
def test_what_a_consumer_never_says_closes_the_connection(method: Any, code: int) -> None:
    link = Link().open()
    channel, violated = link.send(method)
    assert channel == ChannelClosed(1)
    assert isinstance(violated, ProtocolViolated)
    close = link.got(Connection.Close, 0)
    assert (close.reply_code, close.class_id, close.method_id) == (code, method.index >> 16, method.index & 0xFFFF)
    assert link.server.state is State.CLOSING


def test_content_of_a_refused_publish_is_thrown_away() -> None:
    link = Link().open().open_channel(2)
    publish = frame.marshal(Basic.Publish(), 1)
    publish += frame.marshal(header.ContentHeader(0, 3, Basic.Properties()), 1) + frame.marshal(
        body.ContentBody(b"abc"), 1
    )
    assert link.raw(publish) == [ChannelClosed(1)]
    assert link.got(Channel.Close).reply_code == 403
    link.call(Basic.Qos(0, 1), Basic.QosOk, 2)
    link.send(Channel.CloseOk())
    link.open_channel(1)


def test_content_without_a_method_is_505() -> None:
    link = Link().open()
    link.raw(frame.marshal(body.ContentBody(b"abc"), 1))
    assert link.got(Connection.Close, 0).reply_code == 505


@pytest.mark.parametrize("kind", [2, 3])
def test_content_on_channel_zero_is_505(kind: int) -> None:
    link = Link().open()
    link.raw(bytes((kind, 0, 0, 0, 0, 0, 1)) + b"x\xce")
    assert link.got(Connection.Close, 0).reply_code == 505


def test_heartbeat_on_a_channel_is_505() -> None:
    link = Link().open()
    link.raw(b"\x08\x00\x01\x00\x00\x00\x00\xce")
    assert link.got(Connection.Close, 0).reply_code == 505


@pytest.mark.parametrize(
    "data",
    [
        b"\x04\x00\x01\x00\x00\x00\x00\xce",  # no such type
        b"\x01\x00\x01\x00\x00\x00\x00\xcd",  # no frame end
        b"\x01\x00\x01\x00\x02\x00\x00",  # longer than was agreed on
    ],
)
def test_broken_frame_is_501(data: bytes) -> None:
    link = Link().open(frame_max=131_072)
    link.raw(data)
    assert link.got(Connection.Close, 0).reply_code == 501


def test_frame_longer_than_the_client_agreed_to_is_501() -> None:
    link = Link().open(frame_max=4096)
    link.raw(b"\x01\x00\x01\x00\x00\x10\x00")
    assert link.got(Connection.Close, 0).reply_code == 501


@pytest.mark.parametrize("method", [Basic.Qos(0, 1), Channel.Close(200, "", 0, 0), Basic.Ack(1)], ids=_by_name)
def test_channel_that_is_not_open_is_504(method: Any) -> None:
    link = Link().open()
    link.send(method, 2)
    assert link.got(Connection.Close, 0).reply_code == 504


def test_channels_end_at_what_was_agreed_on() -> None:
    link = Link(Limits(channel_max=20)).open(channels=3).open_channel(3)
    link.send(Channel.Open(), 4)
    assert link.got(Connection.Close, 0).reply_code == 504


def test_consumer_tag_twice_on_a_channel_is_530() -> None:
    link = Link().open().consume("c")
    link.send(Basic.Consume(queue="q", consumer_tag="c"))
    assert link.got(Connection.Close, 0).reply_code == 530


def test_consumer_tag_twice_on_two_channels_is_fine() -> None:
    Link().open().consume("c").open_channel(2).consume("c", 2)


def test_too_many_consumers_close_the_channel() -> None:
    link = Link(Limits(max_consumers=2)).open().consume("a").consume("b").open_channel(2)
    link.send(Basic.Consume(queue="q", consumer_tag="c"), 2)
    close = link.got(Channel.Close, 2)
    assert (close.reply_code, "2 consumers" in close.reply_text) == (406, True)


def test_get_with_too_many_unacknowledged_closes_the_channel() -> None:
    link = Link(Limits(max_unacked=1)).open()
    link.send(Basic.Get(queue="q"))
    link.server.deliver_one(1, "m1", MESSAGE, redelivered=False, left=5)
    link.read()
    link.resume()
    assert link.send(Basic.Get(queue="q")) == [Returned(1, ("m1",), True, False), ChannelClosed(1)]
    assert link.got(Channel.Close).reply_code == 406


REQUESTS = [Basic.Consume(queue="q", consumer_tag="c"), Basic.Get(queue="q"), Queue.Declare(queue="q")]


@pytest.mark.parametrize("request_", REQUESTS, ids=_by_name)
@pytest.mark.parametrize("code", [ReplyCode.ACCESS_REFUSED, ReplyCode.NOT_FOUND, ReplyCode.RESOURCE_LOCKED])
def test_application_refuses_a_request(request_: Any, code: ReplyCode) -> None:
    link = Link().open()
    link.send(request_)
    assert link.server.refuse(1, code, "queue q is not yours") == [ChannelClosed(1)]
    close = link.got(Channel.Close)
    assert (close.reply_code, close.reply_text) == (code, f"{code.name} - queue q is not yours")
    assert (close.class_id, close.method_id) == (request_.index >> 16, request_.index & 0xFFFF)


def test_long_reasons_fit_a_short_string() -> None:
    link = Link().open()
    link.send(Basic.Get(queue="q"))
    link.server.refuse(1, ReplyCode.NOT_FOUND, "ü" * 300)
    assert len(link.got(Channel.Close).reply_text.encode()) <= 255


def test_empty_queue_name_is_the_one_declared_last() -> None:
    link = Link().open().declare("mine")
    assert link.send(Basic.Get(queue="")) == [GetRequested(1, "mine", False)]
    link.server.nothing_to_get(1)
    link.resume()
    link.read()
    assert link.send(Basic.Consume(queue="", consumer_tag="c")) == [ConsumeRequested(1, "c", "mine", False, False)]


def test_confirms_are_granted_though_nothing_can_be_published() -> None:
    link = Link().open()
    link.call(Confirm.Select(), Confirm.SelectOk)
    link.send(Confirm.Select(nowait=True))
    assert link.read() == []


def test_flow_may_be_switched_on() -> None:
    assert Link().open().call(Channel.Flow(active=True), Channel.FlowOk).active is True


def test_commands_without_a_request_raise_and_change_nothing() -> None:
    link = Link().open()
    for command in (
        lambda: link.server.declared(1, 0, 0),
        lambda: link.server.accept_consumer(1),
        lambda: link.server.nothing_to_get(1),
        lambda: link.server.deliver_one(1, "m", MESSAGE, redelivered=False, left=0),
        lambda: link.server.refuse(1, ReplyCode.NOT_FOUND, "x"),
        lambda: link.server.deliver(1, "c", [("m", MESSAGE, False)]),
        lambda: link.server.deliver(2, "c", [("m", MESSAGE, False)]),
    ):
        with pytest.raises(LocalProtocolError):
            command()
    assert (link.server.data_to_send(), link.server.state) == (b"", State.OPEN)


def test_answer_to_another_channel_raises() -> None:
    link = Link().open().open_channel(2)
    link.send(Basic.Get(queue="q"), 2)
    with pytest.raises(LocalProtocolError):
        link.server.nothing_to_get(1)
    link.server.nothing_to_get(2)
    link.got(Basic.GetEmpty, 2)
