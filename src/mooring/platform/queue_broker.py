"""What the platform asks of a message broker that keeps the queues of customers in its place (`remote_queues`).

`mooring.queues.rabbitmq` is one. Queues are named as customers name them, `a.{account}.{name}`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from mooring.store import StoreUnavailable
from mooring.store.queue_messages import MessageRow

__all__ = [
    "Broker",
    "BrokerConnection",
    "BrokerConsumer",
    "BrokerQueue",
    "BrokerUnavailable",
    "Link",
    "LinkListener",
    "Lost",
    "MessageRow",
]


class BrokerUnavailable(StoreUnavailable):
    """The broker does not answer, or refuses what Mooring needs."""


class BrokerQueue(msgspec.Struct, frozen=True):
    """A queue as the broker sees it. `taken` counts acknowledgements since the broker last forgot; `oldest_at` is epoch
    ms, `rate` acknowledgements a second over the last minute."""

    name: str
    waiting: int
    bytes_waiting: int
    unacked: int
    consumers: int
    oldest_at: int | None
    rate: float
    taken: int


class BrokerConnection(msgspec.Struct, frozen=True):
    """An open connection. `user` is the signed user name, `connected_at` epoch ms."""

    name: str
    user: str
    address: str
    connected_at: int


class BrokerConsumer(msgspec.Struct, frozen=True):
    """Who consumes a queue: the connection's name and user."""

    queue: str
    connection: str
    user: str


class Lost(msgspec.Struct, frozen=True):
    """A message that left a queue unread. `why` is a counter of queues: expired, overflowed or rejected."""

    queue: str
    why: str


class LinkListener(Protocol):
    """Hears what becomes of published messages, by their ids."""

    def confirmed(self, message_ids: Sequence[int]) -> None:
        """These are safe with the broker."""

    def unroutable(self, message_ids: Sequence[int]) -> None:
        """These may have been dropped, because there was no such queue."""

    def changed(self) -> None:
        """The link takes messages again, or is lost."""


class Link(Protocol):
    """A way to publish, in order, until it is lost."""

    @property
    def ready(self) -> bool:
        """Whether it takes messages now."""

    @property
    def lost(self) -> str | None:
        """Why it is lost; None while it is not."""

    def publish(self, queue: str, row: MessageRow, expires_in_ms: int | None) -> None:
        """Send a message; whoever listens will hear of it, unless the link is lost."""

    def close(self) -> None:
        """End it; what is not confirmed by now may or may not have arrived."""


class Broker(Protocol):
    """Everything raises BrokerUnavailable."""

    async def prepare(self) -> None:
        """See that everything but queues is there: the virtual host, limits of queues, where lost messages go."""

    async def open(self, listener: LinkListener) -> Link:
        """A new link."""

    async def losses(self, take: Callable[[Sequence[Lost]], Awaitable[None]]) -> None:
        """Give lost messages to `take`, and forget them when it returns. Runs until it fails."""

    async def declare(self, queue: str) -> None:
        """See that a queue is there."""

    async def delete(self, queue: str) -> None:
        """See that a queue is not there; its consumers are cancelled."""

    async def purge(self, queue: str) -> int:
        """Drop what waits; about how many messages that were."""

    async def peek(self, queue: str, count: int) -> list[MessageRow]:
        """The next messages."""

    async def queue(self, queue: str) -> BrokerQueue | None:
        """One queue."""

    async def queues(self) -> list[BrokerQueue]:
        """All queues."""

    async def connections(self) -> list[BrokerConnection]:
        """All connections of customers."""

    async def consumers(self) -> list[BrokerConsumer]:
        """All consumers of queues."""

    async def disconnect(self, connection: str, reason: str) -> None:
        """End a connection."""
