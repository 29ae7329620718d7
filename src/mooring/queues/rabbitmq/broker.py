"""RabbitMQ as the platform's `Broker`: what is needed there is made by Mooring itself.

Limits are a policy and no arguments of queues, so that settings can change, and so that customers who declare their
queue as durable find it equal. Lost messages are dead-lettered to be counted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from mooring.platform.broker_access import VIRTUAL_HOST
from mooring.platform.queue_broker import (
    BrokerConnection,
    BrokerConsumer,
    BrokerQueue,
    BrokerUnavailable,
    Link,
    LinkListener,
    Lost,
    MessageRow,
)
from mooring.platform.queue_engine import QueueLimits

from .address import Address
from .losses import LOST_QUEUE, LossReader
from .management import Management, path
from .publisher import Publisher
from .wire import connected

__all__ = ["RabbitMq"]

_POLICY, _LOST_POLICY = "mooring", "mooring-lost"
_LOST_BYTES = 2 * 1024**3  # on disk, while no process is there to count them; what is over it is not counted
_OUR_QUEUES = r"^a\.[0-9]+\."
_RATES = {"msg_rates_age": "60", "msg_rates_incr": "5"}
_TAKEN = ("ack", "deliver_no_ack", "get_no_ack")
_COLUMNS = "name,messages_ready,message_bytes_ready,messages_unacknowledged,consumers,head_message_timestamp"
_STATISTICS = ",".join(f"message_stats.{name}" for name in _TAKEN)


class RabbitMq:
    """One for a process."""

    def __init__(self, address: Address, limits: QueueLimits) -> None:
        self._address = address
        self._limits = limits
        self._management = Management(address)
        self._preparing = asyncio.Lock()  # RabbitMQ fails when two make the same thing at once

    async def close(self) -> None:
        """Close what is kept open."""
        await self._management.close()

    async def prepare(self) -> None:
        """See `Broker`: nothing is written that is there already."""
        async with self._preparing:
            await self._prepare()

    async def _prepare(self) -> None:
        host = path("vhosts", VIRTUAL_HOST)
        if await self._management.get(host) is None:
            await self._management.put(host, {"description": "message queues of Mooring"})
        rights = path("permissions", VIRTUAL_HOST, self._address.user)
        if await self._management.get(rights) is None:
            await self._management.put(rights, {"configure": ".*", "write": ".*", "read": ".*"})
        of_losses = {"max-length-bytes": _LOST_BYTES, "overflow": "drop-head", "queue-mode": "lazy"}
        await self._policy(_LOST_POLICY, f"^{LOST_QUEUE.replace('.', '[.]')}$", of_losses)
        # First where losses go, then what loses: else the first ones would not be counted.
        if await self._management.get(_queue(LOST_QUEUE), columns="name") is None:
            await self.declare(LOST_QUEUE)
        await self._policy(
            _POLICY,
            _OUR_QUEUES,
            {
                "max-length-bytes": self._limits.max_bytes,
                "overflow": "drop-head",
                "message-ttl": self._limits.max_age_ms,
                "dead-letter-exchange": "",
                "dead-letter-routing-key": LOST_QUEUE,
            },
        )

    async def _policy(self, name: str, pattern: str, definition: Mapping[str, object]) -> None:
        wanted = {"pattern": pattern, "definition": dict(definition), "priority": 0, "apply-to": "queues"}
        where = path("policies", VIRTUAL_HOST, name)
        found = await self._management.get(where) or {}
        if {key: found.get(key) for key in wanted} != wanted:
            await self._management.put(where, wanted)

    async def open(self, listener: LinkListener) -> Link:
        """See `Broker`."""
        publisher = await connected(Publisher(listener), self._address)
        await publisher.begin()
        return publisher

    async def losses(self, take: Callable[[Sequence[Lost]], Awaitable[None]]) -> None:
        """See `Broker`."""
        await self.prepare()
        reader = await connected(LossReader(), self._address)
        try:
            await reader.begin()
            while reader.lost is None:
                await take(await reader.some())
                reader.done()
            raise BrokerUnavailable(reader.lost)
        finally:
            reader.close()

    async def declare(self, queue: str) -> None:
        """See `Broker`."""
        await self._management.put(_queue(queue), {"durable": True, "auto_delete": False, "arguments": {}})

    async def delete(self, queue: str) -> None:
        """See `Broker`."""
        await self._management.delete(_queue(queue))

    async def purge(self, queue: str) -> int:
        """See `Broker`."""
        found = await self.queue(queue)
        await self._management.delete(f"{_queue(queue)}/contents")
        return 0 if found is None else found.waiting

    async def peek(self, queue: str, count: int) -> list[MessageRow]:
        """See `Broker`."""
        how = {"count": count, "ackmode": "ack_requeue_true", "encoding": "base64"}
        found = await self._management.post(f"{_queue(queue)}/get", how) or []
        return [_message(one) for one in found]

    async def queue(self, queue: str) -> BrokerQueue | None:
        """See `Broker`."""
        found = await self._management.get(_queue(queue), **_RATES)
        return None if found is None else _seen(found)

    async def queues(self) -> list[BrokerQueue]:
        """See `Broker`."""
        columns = f"{_COLUMNS},{_STATISTICS}"
        found = await self._management.get(path("queues", VIRTUAL_HOST), columns=columns) or []
        return [_seen(one) for one in found]

    async def connections(self) -> list[BrokerConnection]:
        """See `Broker`: those of Mooring itself are left out."""
        columns = "name,user,peer_host,connected_at"
        found = await self._management.get(f"{path('vhosts', VIRTUAL_HOST)}/connections", columns=columns) or []
        return [
            BrokerConnection(one["name"], one["user"], str(one.get("peer_host", "")), one.get("connected_at", 0))
            for one in found
            if one.get("user") and one["user"] != self._address.user
        ]

    async def consumers(self) -> list[BrokerConsumer]:
        """See `Broker`."""
        found = await self._management.get(path("consumers", VIRTUAL_HOST)) or []
        seen = [
            BrokerConsumer(one["queue"]["name"], details["connection_name"], details["user"])
            for one in found
            if "connection_name" in (details := one.get("channel_details") or {})
        ]
        return [one for one in seen if one.user != self._address.user]

    async def disconnect(self, connection: str, reason: str) -> None:
        """See `Broker`."""
        await self._management.delete(path("connections", connection), reason)


def _queue(name: str) -> str:
    return path("queues", VIRTUAL_HOST, name)


def _seen(found: Mapping[str, Any]) -> BrokerQueue:
    statistics = found.get("message_stats") or {}
    oldest = found.get("head_message_timestamp")
    rate = (statistics.get("ack_details") or {}).get("avg_rate", 0.0)
    return BrokerQueue(
        name=found["name"],
        waiting=found.get("messages_ready", 0),
        bytes_waiting=found.get("message_bytes_ready", 0),
        unacked=found.get("messages_unacknowledged", 0),
        consumers=found.get("consumers", 0),
        oldest_at=oldest * 1000 if isinstance(oldest, int) and found.get("messages_ready") else None,
        rate=float(rate),
        taken=sum(statistics.get(name, 0) for name in _TAKEN),
    )


class _Properties(msgspec.Struct):
    type: str = ""
    message_id: str = ""
    timestamp: int = 0


class _Got(msgspec.Struct):
    payload: bytes  # base64 in JSON
    properties: _Properties | list[object]  # an empty object is an empty list there


def _message(found: object) -> MessageRow:
    got = msgspec.convert(found, _Got, builtin_types=(datetime,))
    properties = got.properties if isinstance(got.properties, _Properties) else _Properties()
    return MessageRow(0, 0, properties.type, properties.message_id, got.payload, properties.timestamp * 1000)
