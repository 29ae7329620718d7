"""One AMQP connection of a customer: what its session says, and what the queues have for it.

Everything runs in callbacks. A message is forgotten when its acknowledgement is committed; one that was not
acknowledged goes back to its queue when its channel ends, however that happens.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, cast

import structlog

from mooring.platform import Refused
from mooring.platform.entities import App
from mooring.platform.message_queues import Unreadable
from mooring.platform.queue_access import QueueAccess, QueueRefused
from mooring.platform.waiting_line import Held
from mooring.protocol.amqp import (
    Acked,
    Cancelled,
    ChannelClosed,
    ConnectionClosed,
    ConsumeRequested,
    DeclareRequested,
    Event,
    GetRequested,
    LocalProtocolError,
    LoginRequested,
    Message,
    PrefetchChanged,
    ProtocolViolated,
    ReplyCode,
    Returned,
    ServerSession,
    Silent,
)

from .endpoint import PRODUCT, Endpoint

__all__ = ["QueueConnection"]

_CLOSE_S = 5.0  # for the peer to take what is left, then the connection is cut

_log = structlog.get_logger()

_Reference = tuple[int, int]
"""Queue and message: what a session gives back of a delivery."""


class _Consumer:
    """One consumer, as the queues see it."""

    __slots__ = ("_connection", "channel", "queue_id", "tag")

    def __init__(self, connection: "QueueConnection", channel: int, tag: str, queue_id: int) -> None:
        self._connection = connection
        self.channel = channel
        self.tag = tag
        self.queue_id = queue_id

    def room(self) -> int:
        """See `QueueConsumer`."""
        return self._connection.room(self)

    def deliver(self, messages: Sequence[Held]) -> bool:
        """See `QueueConsumer`."""
        return self._connection.deliver(self, messages)

    def cancel(self, reason: str) -> None:
        """See `QueueConsumer`."""
        self._connection.cancel(self, reason)

    def overdue(self, message_ids: Sequence[int], reason: str) -> None:
        """See `QueueConsumer`."""
        self._connection.close_channel(self.channel, reason)


class _Getter:
    """Who asks for messages one by one."""

    __slots__ = ("_channel", "_connection")

    def __init__(self, connection: "QueueConnection", channel: int) -> None:
        self._connection = connection
        self._channel = channel

    def overdue(self, message_ids: Sequence[int], reason: str) -> None:
        """See `Holder`."""
        self._connection.close_channel(self._channel, reason)


class QueueConnection(asyncio.Protocol):
    """Serves one client. It is a `Member` of its endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._queues = endpoint.platform.message_queues
        self._loop = asyncio.get_running_loop()
        self._amqp: ServerSession[_Reference] = ServerSession(self._loop.time(), endpoint.limits.amqp, PRODUCT)
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._app: App | None = None
        self._consumers: dict[tuple[int, str], _Consumer] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._blocked = False
        self._paused = False
        self._registered = False
        self._flushing = False
        self._hungry: set[int] = set()  # queues that acknowledgements made room for
        self._resuming = False
        self._tasks: set[asyncio.Task[None]] = set()

    # The transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A TCP or TLS connection was accepted."""
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family in (socket.AF_INET, socket.AF_INET6):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = transport.get_extra_info("peername")
        self._address = address[0] if address else ""
        self._transport = cast("asyncio.Transport", transport)
        self._registered = self._endpoint.admit(self)
        if not self._registered:
            self._transport.abort()
            return
        self._arm()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._take(self._amqp.receive_data(data, self._loop.time()))
        self._after()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._transport = None
        self._take(self._amqp.receive_eof())
        self._leave()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._registered:
            self._registered = False
            self._endpoint.leave(self)

    def pause_writing(self) -> None:
        """The peer reads too slowly: it gets nothing more."""
        self._blocked = True

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._blocked = False
        self._after()
        for consumer in self._consumers.values():
            self._queues.wake(consumer.queue_id)

    # Member of the endpoint

    def check(self) -> None:
        """End the connection when its application may not consume any more."""
        if self._app is not None and not self._amqp.is_over:
            reason = self._endpoint.platform.queue_access.why_not(self._app.id, self._address)
            if reason is not None:
                self._close(ReplyCode.ACCESS_REFUSED, reason)

    def stop(self) -> None:
        """The server stops (section 6: 320)."""
        self._close(ReplyCode.CONNECTION_FORCED, "the server stops; connect again")

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    # Consumers

    def room(self, consumer: _Consumer) -> int:
        """How many messages a consumer takes now; none while the socket is full."""
        if self._blocked or self._transport is None:
            return 0
        return self._amqp.room(consumer.channel, consumer.tag)

    def deliver(self, consumer: _Consumer, messages: Sequence[Held]) -> bool:
        """Send messages to a consumer."""
        self._endpoint.metrics.delivered += len(messages)
        queue_id = consumer.queue_id
        deliveries = [((queue_id, held.row.id), message_of(held), held.redelivered) for held in messages]
        try:
            tracked = self._amqp.deliver(consumer.channel, consumer.tag, deliveries)
        except LocalProtocolError:  # it has just ended; the messages are to come back
            self._loop.call_soon(self._queues.give_back, queue_id, [held.id for held in messages])
            return True
        self._flush_soon()
        return tracked

    def cancel(self, consumer: _Consumer, reason: str) -> None:
        """The queue of a consumer is gone."""
        self._consumers.pop((consumer.channel, consumer.tag), None)
        self._amqp.cancel(consumer.channel, consumer.tag)
        _log.info("consumer cancelled", reason=reason)
        self._after()

    def close_channel(self, channel: int, reason: str) -> None:
        """End a channel that kept messages for too long."""
        self._take(self._amqp.close_channel(channel, ReplyCode.PRECONDITION_FAILED, reason))
        self._after()

    # Events of the session

    def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            handler = self._HANDLERS.get(type(event))
            if handler is not None:
                handler(self, event)

    def _resume(self) -> None:
        self._take(self._amqp.resume(self._loop.time()))
        self._after()

    def _on_login(self, event: LoginRequested) -> None:
        now = self._loop.time()
        access = self._endpoint.platform.queue_access
        try:
            app = access.log_in(event.username, event.password, self._address)
        except Refused as refusal:
            self._endpoint.metrics.refused[refusal.reason.name.lower()] += 1
            detail = " ".join(part for part in (refusal.field, refusal.detail) if part)
            _log.info("AMQP login refused", reason=refusal.reason.value, detail=detail, address=self._address)
            self._amqp.refuse_login(detail or refusal.reason.value, now)
            return
        if not self._endpoint.count_in(app.id):
            self._endpoint.metrics.refused["too_many"] += 1
            limit = self._endpoint.limits.connections_per_key
            self._amqp.refuse_login(f"{limit} connections of this AccessKey are open, which is the limit", now)
            return
        self._app = app
        self._amqp.accept_login(now)
        self._loop.call_soon(self._resume)

    def _queue_of(self, channel: int, find: Callable[[QueueAccess, int], int]) -> int | None:
        """The id of a queue that the customer may consume; else the channel is closed."""
        app = self._app
        try:
            if app is None:
                raise QueueRefused(ReplyCode.ACCESS_REFUSED, "nobody has logged in")
            return find(self._endpoint.platform.queue_access, app.id)
        except QueueRefused as refusal:
            self._take(self._amqp.refuse(channel, ReplyCode(refusal.code), refusal.reason))
            return None

    def _on_declare(self, event: DeclareRequested) -> None:
        queue_id = self._queue_of(
            event.channel, lambda access, app_id: access.declare(app_id, event.queue, passive=event.passive)
        )
        if queue_id is not None:
            state = self._queues.state(queue_id)
            self._amqp.declared(event.channel, state.waiting, state.consumers)
        self._loop.call_soon(self._resume)

    def _on_consume(self, event: ConsumeRequested) -> None:
        queue_id = self._queue_of(event.channel, lambda access, app_id: access.queue(app_id, event.queue))
        if queue_id is not None:
            consumer = _Consumer(self, event.channel, event.consumer_tag, queue_id)
            if self._queues.attach(queue_id, consumer, exclusive=event.exclusive):
                self._consumers[event.channel, event.consumer_tag] = consumer
                self._amqp.accept_consumer(event.channel)
            else:
                reason = f"queue {event.queue} has another consumer, and one of them wants it alone"
                self._take(self._amqp.refuse(event.channel, ReplyCode.ACCESS_REFUSED, reason))
        self._loop.call_soon(self._resume)

    def _on_get(self, event: GetRequested) -> None:
        queue_id = self._queue_of(event.channel, lambda access, app_id: access.queue(app_id, event.queue))
        if queue_id is None:
            self._loop.call_soon(self._resume)
            return
        task = self._loop.create_task(self._get(event, queue_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _get(self, event: GetRequested, queue_id: int) -> None:
        held: Held | None = None
        try:
            held = await self._queues.get(queue_id, _Getter(self, event.channel))
            if held is None:
                self._amqp.nothing_to_get(event.channel)
            else:
                left = self._queues.state(queue_id).waiting
                reference = (queue_id, held.id)
                self._amqp.deliver_one(
                    event.channel, reference, message_of(held), redelivered=held.redelivered, left=left
                )
                self._endpoint.metrics.delivered += 1
                if event.no_ack:
                    self._queues.ack(queue_id, (held.id,))
        except Unreadable:
            self._take(self._amqp.refuse(event.channel, ReplyCode.RESOURCE_LOCKED, "the database does not answer"))
        except LocalProtocolError:  # the channel has ended meanwhile
            if held is not None:
                self._queues.give_back(queue_id, (held.id,))
        self._resume()

    def _on_cancelled(self, event: Cancelled) -> None:
        self._detach(event.channel, event.consumer_tag)

    def _on_channel_closed(self, event: ChannelClosed) -> None:
        for channel, tag in tuple(self._consumers):
            if channel == event.channel:
                self._detach(channel, tag)

    def _detach(self, channel: int, tag: str) -> None:
        consumer = self._consumers.pop((channel, tag), None)
        if consumer is not None:
            self._queues.detach(consumer.queue_id, consumer)

    def _on_prefetch(self, event: PrefetchChanged) -> None:
        for consumer in self._consumers.values():
            if consumer.channel == event.channel:
                self._queues.wake(consumer.queue_id)

    def _on_acked(self, event: Acked[_Reference]) -> None:
        self._endpoint.metrics.acknowledged += len(event.messages)
        has_plenty = self._amqp.has_plenty(event.channel)
        for queue_id, message_ids in _by_queue(event.messages).items():
            self._queues.ack(queue_id, message_ids, partial(self._settled, len(message_ids)))
            if has_plenty:
                self._queues.wake_later(queue_id)
            else:
                self._hungry.add(queue_id)

    def _on_returned(self, event: Returned[_Reference]) -> None:
        for queue_id, message_ids in _by_queue(event.messages).items():
            if not event.refused:
                self._queues.give_back(queue_id, message_ids)
                continue
            settled = partial(self._settled, len(message_ids))
            self._queues.refuse(queue_id, message_ids, requeue=event.requeue, settled=settled)
            self._queues.wake(queue_id)

    def _settled(self, count: int) -> None:
        """One commit settles many acknowledgements: what was held back goes on once for all of them."""
        self._amqp.settled(count)
        if self._transport is not None and not self._resuming:
            self._resuming = True
            self._loop.call_soon(self._resume_once)

    def _resume_once(self) -> None:
        self._resuming = False
        self._resume()

    def _on_end(self, event: ConnectionClosed) -> None:
        self._leave()

    def _on_violation(self, event: ProtocolViolated) -> None:
        self._endpoint.metrics.refused["protocol"] += 1
        _log.info("connection broke the AMQP protocol", code=event.code, reason=event.reason, address=self._address)
        self._leave()

    def _on_silent(self, event: Silent) -> None:
        _log.info("AMQP connection ended", reason=event.reason, address=self._address)
        self._leave()

    _HANDLERS: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = {
        LoginRequested: _on_login,
        DeclareRequested: _on_declare,
        ConsumeRequested: _on_consume,
        GetRequested: _on_get,
        Cancelled: _on_cancelled,
        ChannelClosed: _on_channel_closed,
        PrefetchChanged: _on_prefetch,
        Acked: _on_acked,
        Returned: _on_returned,
        ConnectionClosed: _on_end,
        ProtocolViolated: _on_violation,
        Silent: _on_silent,
    }

    # Sending and reading

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._after()

    def _after(self) -> None:
        transport = self._transport
        if transport is None:
            return
        if self._hungry:
            self._serve()
        if self._amqp.is_held:
            self._queues.hurry()
        data = self._amqp.data_to_send()
        if data:
            transport.write(data)
        if self._amqp.is_over:
            transport.close()
        elif self._amqp.wants_data == self._paused:
            self._paused = not self._paused
            (transport.pause_reading if self._paused else transport.resume_reading)()
        self._arm()

    def _serve(self) -> None:
        """Take what acknowledgements made room for; the caller writes it."""
        hungry, self._hungry = self._hungry, set()
        self._flushing = True
        for queue_id in hungry:
            self._queues.serve(queue_id)
        self._flushing = False

    def _arm(self) -> None:
        deadline = self._amqp.next_deadline()
        if deadline is None:
            deadline = self._loop.time() + _CLOSE_S
        if self._timer is None or self._timer.when() > deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._amqp.is_over:
            self.abort()
            return
        self._take(self._amqp.on_time(self._loop.time()))
        self._after()

    # The end

    def _close(self, code: ReplyCode, reason: str) -> None:
        _log.info("AMQP connection closed", code=int(code), reason=reason, address=self._address)
        self._take(self._amqp.close(code, reason, self._loop.time()))
        self._leave()
        self._after()

    def _leave(self) -> None:
        for channel, tag in tuple(self._consumers):
            self._detach(channel, tag)
        if self._app is not None:
            self._endpoint.count_out(self._app.id)
            self._app = None


def message_of(held: Held) -> Message:
    """A message as it goes out."""
    row = held.row
    return Message(row.ticket, row.type, row.created_at // 1000, row.body)


def _by_queue(references: Sequence[_Reference]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for queue_id, message_id in references:
        found.setdefault(queue_id, []).append(message_id)
    return found
