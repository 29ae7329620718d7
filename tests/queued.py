"""Messages that arrive in queues as a commit brings them."""

from mooring.platform import Platform
from mooring.store import queue_messages
from mooring.store.queue_messages import MessageRow

__all__ = ["push"]


async def push(platform: Platform, queue_id: int, *bodies: bytes, type_: str = "ONLINE") -> list[MessageRow]:
    """Let messages arrive; the queue engine must have been started with `recover`."""
    ids, now = platform.ledger.ids, platform.clock.now_ms()
    rows = [MessageRow(ids.next(), queue_id, type_, str(number), body, now) for number, body in enumerate(bodies, 1)]
    await platform.store.write(*(queue_messages.ADD.of(row) for row in rows))
    platform.outbox.committed(rows)
    return rows
