"""Messages that RabbitMQ dropped from queues: too old, over the size, refused by a consumer.

They are dead-lettered into one queue, of which only the names and reasons are read.
"""

import asyncio
from collections.abc import Mapping

from pamqp import commands, header

from mooring.platform.queue_broker import Lost

from .wire import Wire

__all__ = ["LOST_QUEUE", "LossReader"]

LOST_QUEUE = "mooring.lost"
_AT_ONCE = 1_000
_WHY = {"expired": "expired", "maxlen": "overflowed", "rejected": "rejected"}


class LossReader(Wire):
    """Reads what is lost."""

    def __init__(self) -> None:
        super().__init__()
        self._tag = 0
        self._last = 0
        self._lost: list[Lost] = []
        self._something = asyncio.Event()

    async def begin(self) -> None:
        """Consume. Raises BrokerUnavailable."""
        await self.call(commands.Basic.Qos(prefetch_count=_AT_ONCE))
        await self.call(commands.Basic.Consume(queue=LOST_QUEUE))

    async def some(self) -> list[Lost]:
        """What has come; waits until something has, or the wire is lost."""
        while not self._last and self.lost is None:
            self._something.clear()
            await self._something.wait()
        found, self._lost = self._lost, []
        self._tag, self._last = self._last, 0
        return found

    def done(self) -> None:
        """What `some` gave last may be forgotten."""
        if self._tag:
            self.send(commands.Basic.Ack(self._tag, multiple=True))

    def on_frame(self, found: object) -> None:
        """A message; its body does not matter."""
        if isinstance(found, commands.Basic.Deliver):
            self._last = found.delivery_tag or 0
            self._something.set()
        elif isinstance(found, header.ContentHeader):
            headers = found.properties.headers or {}
            why = _WHY.get(_text(headers, "x-first-death-reason"))
            if why is not None:
                self._lost.append(Lost(_text(headers, "x-first-death-queue"), why))
        elif isinstance(found, commands.Basic.Cancel):
            self.fail(f"queue {LOST_QUEUE} was deleted")

    def on_change(self) -> None:
        """See `Wire`."""
        self._something.set()


def _text(headers: Mapping[str, object], name: str) -> str:
    value = headers.get(name)
    return value if isinstance(value, str) else ""
