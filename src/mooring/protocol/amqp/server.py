"""What happens on the channels of one connection: consumers, deliveries, acknowledgements (contract/messages.md 6, 9).

This server hands out messages and nothing else: publishing and changes of queues and exchanges are refused.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, cast

from pamqp import base
from pamqp.commands import Basic, Confirm, Exchange, Queue
from pamqp.commands import Channel as ChannelMethods

from mooring.protocol.amqp.channel import Channel, Consumer
from mooring.protocol.amqp.errors import (
    ChannelError,
    ConnectionError_,
    LocalProtocolError,
    RemoteProtocolError,
    ReplyCode,
)
from mooring.protocol.amqp.events import (
    Acked,
    Cancelled,
    ConsumeRequested,
    DeclareRequested,
    Event,
    GetRequested,
    PrefetchChanged,
    Returned,
)
from mooring.protocol.amqp.reader import METHOD, RawFrame
from mooring.protocol.amqp.session import Handshake, channel_close_text
from mooring.protocol.amqp.states import State
from mooring.protocol.amqp.wire import ACK_BYTES, Message, content_of, decode_acks, decode_method, is_ack

__all__ = ["ServerSession"]

M = TypeVar("M")

_MAX_TAG_BYTES = 255
_SETTLING = (Basic.Nack, Basic.Reject)  # with basic.ack, the methods that do not wait (rule 3)
_REFUSED = (
    Basic.Publish,
    Queue.Bind,
    Queue.Unbind,
    Queue.Purge,
    Queue.Delete,
    Exchange.Declare,
    Exchange.Delete,
    Exchange.Bind,
    Exchange.Unbind,
)


class ServerSession(Handshake[M]):
    """One connection. `M` is what the application hands out as a message's reference and gets back."""

    # Frames

    def _on_channel_frame(self, raw: RawFrame, events: list[Event]) -> bool:
        kind, number, payload = raw
        channel = self._channels.get(number)
        if kind != METHOD:
            # The content of a publish that was refused; the channel is closing or gone since.
            if channel is None or channel.closing:
                return True
            raise ConnectionError_(ReplyCode.UNEXPECTED_FRAME, f"channel {number} has content without a method")
        if channel is not None and not channel.closing and is_ack(payload):
            self._reader.put_back(raw)
            self._settle(channel, self._reader.take_run(channel.ack_head, ACK_BYTES), events)
            return True
        method = decode_method(payload)
        if self._unsettled and not isinstance(method, _SETTLING):
            return False
        if channel is None or channel.closing:
            self._on_closed_channel(number, channel, method)
            return True
        try:
            self._on_method(channel, method, events)
        except RemoteProtocolError as error:
            error.class_id, error.method_id = method.index >> 16, method.index & 0xFFFF
            if not isinstance(error, ChannelError):
                raise
            self._close_channel(channel, error, events)
        return True

    def _on_closed_channel(self, number: int, channel: Channel[M] | None, method: base.Frame) -> None:
        if channel is None:
            if not isinstance(method, ChannelMethods.Open):
                raise ConnectionError_(ReplyCode.CHANNEL_ERROR, f"channel {number} is not open")
            if number > self.channel_max:
                reason = f"channel {number} is beyond the limit of {self.channel_max}"
                raise ConnectionError_(ReplyCode.CHANNEL_ERROR, reason)
            self._channels[number] = Channel(number)
            self._write(number, ChannelMethods.OpenOk())
        elif isinstance(method, ChannelMethods.CloseOk):
            del self._channels[number]
        elif isinstance(method, ChannelMethods.Close):
            self._write(number, ChannelMethods.CloseOk())  # rule 4; its close-ok is still to come

    def _on_method(self, channel: Channel[M], method: base.Frame, events: list[Event]) -> None:
        if isinstance(method, _REFUSED):
            raise ChannelError(ReplyCode.ACCESS_REFUSED, f"{method.name} is not allowed: this key may only consume")
        handler = self._HANDLERS.get(type(method))
        if handler is None:
            if isinstance(method, ChannelMethods.Open):
                raise ConnectionError_(ReplyCode.CHANNEL_ERROR, f"channel {channel.number} is open already")
            code = ReplyCode.NOT_IMPLEMENTED if method.name.startswith("Tx.") else ReplyCode.COMMAND_INVALID
            raise ConnectionError_(code, f"{method.name} is not for a server that only delivers")
        handler(self, channel, method, events)

    # Channels

    def _on_close(self, channel: Channel[M], _method: ChannelMethods.Close, events: list[Event]) -> None:
        self._write(channel.number, ChannelMethods.CloseOk())
        self._drop_channel(channel, events)

    def _on_flow(self, channel: Channel[M], method: ChannelMethods.Flow, _events: list[Event]) -> None:
        if not method.active:
            raise ConnectionError_(ReplyCode.NOT_IMPLEMENTED, "channel.flow cannot stop deliveries; use basic.qos")
        self._write(channel.number, ChannelMethods.FlowOk(active=True))

    def _on_confirm(self, channel: Channel[M], method: Confirm.Select, _events: list[Event]) -> None:
        # Harmless: whatever is published is refused.
        if not method.nowait:
            self._write(channel.number, Confirm.SelectOk())

    def _close_channel(self, channel: Channel[M], error: ChannelError, events: list[Event]) -> None:
        if self._asked is not None and getattr(self._asked[0], "channel", 0) == channel.number:
            self._asked = None
        close = ChannelMethods.Close(error.code, channel_close_text(error), error.class_id, error.method_id)
        self._write(channel.number, close)
        self._come_back(channel, events)
        channel.closing = True

    # Consumers

    def _on_qos(self, channel: Channel[M], method: Basic.Qos, events: list[Event]) -> None:
        if method.prefetch_size:
            raise ConnectionError_(
                ReplyCode.NOT_IMPLEMENTED, f"prefetch_size {method.prefetch_size} is not served, 0 is"
            )
        if method.global_:
            channel.shared_prefetch = method.prefetch_count or 0
        else:
            channel.prefetch = method.prefetch_count or 0  # of consumers to come
        self._write(channel.number, Basic.QosOk())
        events.append(PrefetchChanged(channel.number))

    def _on_consume(self, channel: Channel[M], method: Basic.Consume, events: list[Event]) -> None:
        tag = method.consumer_tag or ""
        if tag in channel.consumers:
            raise ConnectionError_(ReplyCode.NOT_ALLOWED, "a consumer tag is used twice on one channel")
        if len(tag.encode()) > _MAX_TAG_BYTES:
            raise ConnectionError_(ReplyCode.SYNTAX_ERROR, f"a consumer tag has over {_MAX_TAG_BYTES} bytes")
        if sum(len(other.consumers) for other in self._channels.values()) >= self.limits.max_consumers:
            reason = f"the limit is {self.limits.max_consumers} consumers of a connection"
            raise ChannelError(ReplyCode.PRECONDITION_FAILED, reason)
        tag = tag or channel.new_tag()
        self._ask(
            ConsumeRequested(
                channel.number,
                tag,
                method.queue or channel.declared,
                bool(method.no_ack),
                exclusive=bool(method.exclusive),
            ),
            method,
            events,
        )

    def _on_cancel(self, channel: Channel[M], method: Basic.Cancel, events: list[Event]) -> None:
        tag = method.consumer_tag or ""
        if not method.nowait:
            self._write(channel.number, Basic.CancelOk(tag))
        if channel.consumers.pop(tag, None) is not None:
            events.append(Cancelled(channel.number, tag))

    def _on_get(self, channel: Channel[M], method: Basic.Get, events: list[Event]) -> None:
        if self._unacked() >= self.limits.max_unacked:
            reason = f"{self.limits.max_unacked} messages are not acknowledged, which is the limit of a connection"
            raise ChannelError(ReplyCode.PRECONDITION_FAILED, reason)
        self._ask(GetRequested(channel.number, method.queue or channel.declared, bool(method.no_ack)), method, events)

    def _on_declare(self, channel: Channel[M], method: Queue.Declare, events: list[Event]) -> None:
        if not method.queue:
            raise ChannelError(ReplyCode.ACCESS_REFUSED, "queues are made by the OpenAPI, not by declaration")
        self._ask(DeclareRequested(channel.number, method.queue, bool(method.passive)), method, events)

    def _on_cancel_ok(self, _channel: Channel[M], _method: base.Frame, _events: list[Event]) -> None:
        """Some clients answer a cancellation by the server, though none is asked for."""

    def _ask(self, request: Event, method: base.Frame, events: list[Event]) -> None:
        self._asked = request, method
        events.append(request)

    # What comes back

    def _settle(self, channel: Channel[M], acks: bytes, events: list[Event]) -> None:
        """Clients send acknowledgements in runs: all of one are one event."""
        messages: list[M] = []
        mistake: ChannelError | None = None
        try:
            channel.take_each(decode_acks(acks), messages)
        except ChannelError as error:
            error.class_id, error.method_id = Basic.Ack.index >> 16, Basic.Ack.index & 0xFFFF
            mistake = error
        if messages:
            self._unsettled += len(messages)
            events.append(Acked(channel.number, cast("tuple[object, ...]", tuple(messages))))
        if mistake is not None:
            self._close_channel(channel, mistake, events)

    def _on_nack(self, channel: Channel[M], method: Basic.Nack, events: list[Event]) -> None:
        messages = channel.take(method.delivery_tag or 0, multiple=bool(method.multiple))
        self._refused(channel, messages, events, requeue=bool(method.requeue))

    def _on_reject(self, channel: Channel[M], method: Basic.Reject, events: list[Event]) -> None:
        messages = channel.take(method.delivery_tag or 0, multiple=False)
        self._refused(channel, messages, events, requeue=bool(method.requeue))

    def _refused(self, channel: Channel[M], messages: tuple[M, ...], events: list[Event], *, requeue: bool) -> None:
        if messages:
            self._unsettled += len(messages)
            returned = Returned(channel.number, cast("tuple[object, ...]", messages), requeue, True)
            events.append(returned)

    def _on_recover(self, channel: Channel[M], method: Basic.Recover, events: list[Event]) -> None:
        self._recover(channel, events, requeue=bool(method.requeue))
        self._write(channel.number, Basic.RecoverOk())

    def _on_recover_async(self, channel: Channel[M], method: Basic.RecoverAsync, events: list[Event]) -> None:
        self._recover(channel, events, requeue=bool(method.requeue))

    def _recover(self, channel: Channel[M], events: list[Event], *, requeue: bool) -> None:
        if not requeue:
            raise ConnectionError_(ReplyCode.NOT_IMPLEMENTED, "basic.recover is only served with requeue")
        messages = channel.take_all()
        if messages:
            events.append(Returned(channel.number, cast("tuple[object, ...]", messages), True, False))

    def settled(self, count: int = 1) -> None:
        """So many messages of `Acked` events, or of `Returned` ones with `refused`, are committed; then call
        `resume`."""
        self._unsettled = max(0, self._unsettled - count)

    # Answers

    def declared(self, channel: int, messages: int, consumers: int) -> None:
        """The queue is there. Raises LocalProtocolError when nobody asked."""
        asked, method = self._expect(channel, DeclareRequested)
        self._channels[channel].declared = asked.queue
        if not method.nowait:
            self._write(channel, Queue.DeclareOk(asked.queue, messages, consumers))

    def accept_consumer(self, channel: int) -> str:
        """Let the client consume; returns the consumer tag. Raises LocalProtocolError when nobody asked."""
        asked, method = self._expect(channel, ConsumeRequested)
        opened = self._channels[channel]
        consumer = Consumer(channel, asked.consumer_tag, asked.queue, no_ack=asked.no_ack, prefetch=opened.prefetch)
        opened.consumers[asked.consumer_tag] = consumer
        self._has_consumed = True
        if not method.nowait:
            self._write(channel, Basic.ConsumeOk(asked.consumer_tag))
        tag: str = asked.consumer_tag
        return tag

    def deliver_one(self, channel: int, reference: M, message: Message, *, redelivered: bool, left: int) -> None:
        """Answer a get; `left` messages stay in the queue. Raises LocalProtocolError when nobody asked."""
        content = content_of(message, channel, self.frame_max)
        asked, _ = self._expect(channel, GetRequested)
        self._has_consumed = True
        tag = self._channels[channel].give(None, (reference,), tracked=not asked.no_ack)
        self._write(channel, Basic.GetOk(tag, redelivered, "", asked.queue, left))
        self._out += content

    def nothing_to_get(self, channel: int) -> None:
        """Answer a get: the queue has nothing. Raises LocalProtocolError when nobody asked."""
        self._expect(channel, GetRequested)
        self._has_consumed = True
        self._write(channel, Basic.GetEmpty())

    def refuse(self, channel: int, code: ReplyCode, reason: str) -> list[Event]:
        """Answer any request by closing its channel; what was out on it comes back as events."""
        _, method = self._expect(channel, DeclareRequested, ConsumeRequested, GetRequested)
        events: list[Event] = []
        error = ChannelError(code, reason, method.index >> 16, method.index & 0xFFFF)
        self._close_channel(self._channels[channel], error, events)
        return events

    # Deliveries

    def room(self, channel: int, consumer_tag: str) -> int:
        """How many messages a consumer takes now; 0 when it is no more."""
        opened = self._channels.get(channel)
        consumer = opened.consumers.get(consumer_tag) if opened is not None else None
        if opened is None or consumer is None or self.state is not State.OPEN:
            return 0
        room = opened.room(consumer)
        return room if consumer.no_ack or not room else min(room, self.limits.max_unacked - self._unacked())

    def has_plenty(self, channel: int) -> bool:
        """Whether each consumer of a channel has at least half of what it may have, so that more is not urgent."""
        opened = self._channels.get(channel)
        if opened is None or not opened.consumers:
            return False
        for consumer in opened.consumers.values():  # noqa: SIM110 - on the hot path, where a generator costs
            if opened.room(consumer) > consumer.out:
                return False
        return True

    def deliver(self, channel: int, consumer_tag: str, deliveries: Sequence[tuple[M, Message, bool]]) -> bool:
        """Hand messages to a consumer, each with its reference and whether it is redelivered. Returns whether they will
        be acknowledged. Raises LocalProtocolError."""
        opened = self._channels.get(channel)
        consumer = opened.consumers.get(consumer_tag) if opened is not None else None
        if opened is None or consumer is None or self.state is not State.OPEN:
            raise LocalProtocolError(f"channel {channel} has no consumer {consumer_tag!r}")
        fill, frame_max = consumer.template.fill, self.frame_max
        frames: list[bytes] = []
        for tag, (_, message, redelivered) in enumerate(deliveries, opened.tag + 1):
            frames += (fill(tag, redelivered), content_of(message, channel, frame_max))
        opened.give(consumer, [reference for reference, _, _ in deliveries], tracked=not consumer.no_ack)
        self._out += b"".join(frames)
        return not consumer.no_ack

    def cancel(self, channel: int, consumer_tag: str) -> None:
        """End a consumer, because its queue is gone; clients that understand it are told."""
        opened = self._channels.get(channel)
        known = opened is not None and opened.consumers.pop(consumer_tag, None) is not None
        if known and self.state is State.OPEN and self.supports("consumer_cancel_notify"):
            self._write(channel, Basic.Cancel(consumer_tag, nowait=True))

    def close_channel(self, channel: int, code: ReplyCode, reason: str) -> list[Event]:
        """Close a channel; what is out on it comes back as events."""
        events: list[Event] = []
        opened = self._channels.get(channel)
        if opened is not None and not opened.closing and self.state is State.OPEN:
            self._close_channel(opened, ChannelError(code, reason), events)
        return events

    def _unacked(self) -> int:
        return sum(map(len, self._channels.values()))

    _HANDLERS: ClassVar[Mapping[type, Callable[[Any, Any, Any, list[Event]], None]]] = {
        ChannelMethods.Close: _on_close,
        ChannelMethods.Flow: _on_flow,
        Confirm.Select: _on_confirm,
        Basic.Qos: _on_qos,
        Basic.Consume: _on_consume,
        Basic.Cancel: _on_cancel,
        Basic.CancelOk: _on_cancel_ok,
        Basic.Get: _on_get,
        Basic.Nack: _on_nack,
        Basic.Reject: _on_reject,
        Basic.Recover: _on_recover,
        Basic.RecoverAsync: _on_recover_async,
        Queue.Declare: _on_declare,
    }
