"""Publishing with confirms: the `Link` of the platform's forwarder. Properties: contract/messages.md section 6."""

from datetime import UTC, datetime

from pamqp import body, commands, frame, header

from mooring.platform.queue_broker import LinkListener, MessageRow

from .wire import CHANNEL, Wire

__all__ = ["Publisher"]

_FRAME_OVERHEAD = 8
_PERSISTENT = 2


class Publisher(Wire):
    """Numbers what it publishes as RabbitMQ does, and tells by ids what became of it."""

    def __init__(self, listener: LinkListener) -> None:
        super().__init__()
        self._listener = listener
        self._heads: dict[str, bytes] = {}
        self._last = 0
        self._first = 1
        self._sent: dict[int, tuple[int, str]] = {}  # id and queue by number
        self._doubtful: set[int] = set()  # numbers of messages that may have come back
        self._confirmed: list[int] = []
        self._unroutable: list[int] = []

    @property
    def ready(self) -> bool:
        """See `Link`."""
        return self.lost is None and not self.full and not self.blocked

    async def begin(self) -> None:
        """Ask for confirms. Raises BrokerUnavailable."""
        await self.call(commands.Confirm.Select())

    def publish(self, queue: str, row: MessageRow, expires_in_ms: int | None) -> None:
        """See `Link`."""
        head = self._heads.get(queue)
        if head is None:
            head = frame.marshal(commands.Basic.Publish(exchange="", routing_key=queue, mandatory=True), CHANNEL)
            self._heads[queue] = head
        properties = commands.Basic.Properties(
            content_type="application/json",
            delivery_mode=_PERSISTENT,
            message_id=row.ticket,
            timestamp=datetime.fromtimestamp(row.created_at // 1000, UTC),
            message_type=row.type,
            expiration=None if expires_in_ms is None else str(expires_in_ms),
        )
        step = self.frame_max - _FRAME_OVERHEAD
        parts = (row.body[start : start + step] for start in range(0, len(row.body), step))
        self._last += 1
        self._sent[self._last] = row.id, queue
        self.write(
            head
            + frame.marshal(header.ContentHeader(0, len(row.body), properties), CHANNEL)
            + b"".join(frame.marshal(body.ContentBody(part), CHANNEL) for part in parts)
        )

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol: what came together is told together."""
        super().data_received(data)
        confirmed, self._confirmed = self._confirmed, []
        unroutable, self._unroutable = self._unroutable, []
        if unroutable:
            self._listener.unroutable(unroutable)
        if confirmed:
            self._listener.confirmed(confirmed)

    def on_frame(self, found: object) -> None:
        """A confirm, or a message that came back because its queue is missing."""
        if isinstance(found, commands.Basic.Ack):
            numbers = range(self._first, found.delivery_tag + 1) if found.multiple else (found.delivery_tag,)
            for number in numbers:
                self._settle(number)
            while self._first <= self._last and self._first not in self._sent:
                self._first += 1
        elif isinstance(found, commands.Basic.Return):
            # It comes before its confirm and does not say which message it was: any to this queue may be lost.
            self._doubtful.update(number for number, (_, queue) in self._sent.items() if queue == found.routing_key)
        elif isinstance(found, commands.Basic.Nack):
            self.fail("RabbitMQ could not take a message")

    def on_change(self) -> None:
        """See `Wire`."""
        self._listener.changed()

    def _settle(self, number: int) -> None:
        sent = self._sent.pop(number, None)
        if sent is None:
            return
        if number in self._doubtful:
            self._doubtful.discard(number)
            self._unroutable.append(sent[0])
        else:
            self._confirmed.append(sent[0])
