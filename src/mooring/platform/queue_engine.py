"""What an engine of message queues does for the platform: the built-in one (`message_queues`) or RabbitMQ
(`remote_queues`).

contract/messages.md sections 7 and 9. Messages reach an engine through the table `queue_messages` and the `Outbox`;
what consumers do with them is between them and the engine.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from mooring.store.queue_messages import MessageRow
from mooring.store.queues import QueueRow

__all__ = ["QueueEngine", "QueueLimits", "QueueState"]


class QueueLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a queue may hold (bytes, ms) and how long a consumer may take (ms); `window` is how many messages of its
    head are in memory. Acknowledgements gather for `gather_ms` before they are committed together."""

    max_bytes: int = 500 * 1024 * 1024
    max_age_ms: int = 6 * 3_600_000
    redeliver_after_ms: int = 60_000
    unacked_ms: int = 30 * 60_000
    window: int = 1_000
    gather_ms: int = 50


class QueueState(msgspec.Struct, frozen=True):
    """A queue as it is now. `oldest_at` is epoch ms, `rate` acknowledgements a second over the last minute."""

    waiting: int
    bytes_waiting: int
    unacked: int
    consumers: int
    oldest_at: int | None
    rate: float


class QueueEngine(Protocol):
    """Keeps messages of queues until consumers have them. What it cannot reach raises StoreUnavailable."""

    async def recover(self) -> None:
        """Take up what an earlier process left, and listen for what comes. Raises StoreError."""

    async def run(self) -> None:
        """What goes on in the background, until cancelled."""

    async def close(self) -> None:
        """After `run` has ended: leave to others what they may take over."""

    async def inspect(self, queue_id: int) -> QueueState:
        """How a queue stands. Raises StoreUnavailable."""

    async def inspect_many(self, queue_ids: Sequence[int]) -> dict[int, QueueState]:
        """How queues stand, asked for at once, without `rate`; those that nobody can tell of now are missing. Raises
        StoreUnavailable when the database does not answer."""

    def used_at(self, queue_id: int) -> int:
        """When somebody last consumed, as far as this process knows (epoch ms); 0 when nobody did."""

    def acked(self, row: QueueRow, state: QueueState) -> int:
        """How many messages were acknowledged, ever."""

    async def peek(self, queue_id: int, count: int) -> list[MessageRow]:
        """The next messages, without taking them. Raises StoreUnavailable."""

    async def ensure(self, queue_id: int) -> None:
        """The queue is new or revived: let consumers come. Never raises; what cannot be done now is done later."""

    async def clear(self, queue_id: int) -> int:
        """Drop what waits, not what is out; returns how many. Raises StoreUnavailable."""

    async def suspend(self, queue_id: int, reason: str) -> None:
        """End the consumers of a queue and drop what waits. Never raises; what cannot be done now is done later."""

    async def forget(self, queue_id: int) -> None:
        """The queue is deleted: end its consumers, drop its messages. Raises StoreError."""
