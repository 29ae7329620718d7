"""The built-in engine of message queues: hands what is committed to consumers, fairly and in order.

contract/messages.md sections 7 and 9; `waiting_line` has the rules of one queue. Acknowledgements are deletions. Those
of some milliseconds are one statement, for a consumer that takes one message at a time would else cost a transaction
each time; when somebody waits, it is written at once. Whoever asks is told when it is committed. Nothing here waits for
a consumer: each says how much room it has.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Protocol, cast

import msgspec
import structlog

from mooring.store import Store, StoreError, StoreUnavailable
from mooring.store import queue_counters as counter_statements
from mooring.store import queue_messages as statements
from mooring.store.queue_messages import MessageRow
from mooring.store.queues import QueueRow

from .journal import Entry, Journal
from .outbox import Outbox
from .queue_engine import QueueLimits, QueueState
from .sources import Clock, Ids
from .waiting_line import Held, WaitingLine

__all__ = ["Holder", "MessageQueues", "QueueConsumer", "Unreadable"]

_log = structlog.get_logger()

_RATE_WINDOW_S = 60
_TICK_S = 1.0
_LATER_S = 0.002  # more for a consumer that has enough to do
_AT_ONCE = 200  # deliveries of a queue in one turn of the event loop
_encode = msgspec.json.Encoder().encode

Settled = Callable[[], None]


class Unreadable(StoreUnavailable):
    """Messages of a queue cannot be read, because the database does not answer."""


class Holder(Protocol):
    """Somebody who has messages and has not acknowledged them."""

    def overdue(self, message_ids: Sequence[int], reason: str) -> None:
        """It has had these for too long: they are taken back, its channel is to be closed."""


class QueueConsumer(Holder, Protocol):
    """Somebody who takes messages of one queue."""

    def room(self) -> int:
        """How many messages it takes now."""

    def deliver(self, messages: Sequence[Held]) -> bool:
        """Take them, oldest first, no more than there was room for; whether they will be acknowledged. Never raises."""

    def cancel(self, reason: str) -> None:
        """The queue is no more."""


class _Queue:
    __slots__ = ("acks", "consumers", "counts", "exclusive", "line", "loading", "used_at")

    def __init__(self, limits: QueueLimits) -> None:
        self.line = WaitingLine(limits.max_bytes, limits.window)
        self.loading: asyncio.Task[None] | None = None
        self.consumers: deque[QueueConsumer] = deque()
        self.exclusive: QueueConsumer | None = None
        self.counts: Counter[str] = Counter()
        self.used_at = 0
        self.acks: deque[tuple[float, int]] = deque()  # (monotonic s, how many)


class MessageQueues:
    """Every queue of this process: the `QueueEngine` that needs nothing else. Make it, `recover`, let consumers come
    and `run` go on."""

    def __init__(self, store: Store, journal: Journal, outbox: Outbox, clock: Clock, limits: QueueLimits) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._clock = clock
        self._limits = limits
        self._queues: dict[int, _Queue] = {}
        self._restored_up_to = 0
        self._gone: list[int] = []
        self._settling: list[Settled] = []
        self._flushing: asyncio.TimerHandle | None = None
        self._awake: set[int] = set()
        self._dozing: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def recover(self) -> None:
        """Take what an earlier process left, and listen for what comes. Raises StoreError."""
        for row in await self._store.scan(statements.WAITING):
            self._queue(row.queue_id).line.restore(row.id, row.size)
            self._restored_up_to = row.id
        self._outbox.listeners.append(self._on_committed)

    async def run(self) -> None:
        """Keep time."""
        while True:
            self.tick()
            await asyncio.sleep(_TICK_S)

    async def close(self) -> None:
        """Write what is acknowledged and counted."""
        for queue_id, queue in self._queues.items():
            self._write_counts(queue_id, queue)
        self._flush()
        await self._journal.settle()

    # Consumers

    def attach(self, queue_id: int, consumer: QueueConsumer, *, exclusive: bool = False) -> bool:
        """Let a consumer have messages; False when another one is exclusive, or it wants to be and is not alone."""
        queue = self._queue(queue_id)
        if queue.exclusive is not None or (exclusive and queue.consumers):
            return False
        queue.consumers.append(consumer)
        queue.exclusive = consumer if exclusive else None
        queue.used_at = self._clock.now_ms()
        self.wake(queue_id)
        return True

    def detach(self, queue_id: int, consumer: QueueConsumer) -> None:
        """The consumer takes no more; what it has stays out until it is acknowledged or given back."""
        queue = self._queues.get(queue_id)
        if queue is not None and consumer in queue.consumers:
            queue.consumers.remove(consumer)
            queue.used_at = self._clock.now_ms()
            if queue.exclusive is consumer:
                queue.exclusive = None

    def cancel_all(self, queue_id: int, reason: str) -> None:
        """End every consumer of a queue that is deleted or suspended."""
        queue = self._queues.get(queue_id)
        if queue is not None:
            consumers, queue.consumers, queue.exclusive = tuple(queue.consumers), deque(), None
            for consumer in consumers:
                consumer.cancel(reason)

    def wake(self, queue_id: int) -> None:
        """Deliver what can be delivered, in the next turn of the event loop: a consumer has room again."""
        if queue_id not in self._awake:
            self._awake.add(queue_id)
            asyncio.get_running_loop().call_soon(self._pump, queue_id)

    def serve(self, queue_id: int) -> None:
        """As `wake`, in this turn: for whoever writes to its consumers anyway when this is done."""
        if queue_id not in self._awake:
            self._pump(queue_id)

    def wake_later(self, queue_id: int) -> None:
        """A consumer has room again, and enough to do: what it gets next goes out together."""
        if queue_id not in self._dozing and queue_id not in self._awake:
            self._dozing.add(queue_id)
            asyncio.get_running_loop().call_later(_LATER_S, self._wake_up, queue_id)

    def _wake_up(self, queue_id: int) -> None:
        self._dozing.discard(queue_id)
        if queue_id not in self._awake:
            self._pump(queue_id)

    async def get(self, queue_id: int, holder: Holder) -> Held | None:
        """One message for somebody who asks for one; it is out then. Raises Unreadable."""
        queue = self._queue(queue_id)
        queue.used_at = self._clock.now_ms()
        if not queue.line.has_ready:
            await self._load(queue_id, queue)
        return next(iter(queue.line.take(self._clock.now_ms(), holder)), None)

    # What comes back

    def ack(self, queue_id: int, message_ids: Iterable[int], settled: Settled | None = None) -> None:
        """Messages are done with; `settled` is called once that is committed."""
        queue = self._queue(queue_id)
        done = queue.line.acked(message_ids)
        queue.counts["acked"] += len(done)
        now = self._clock.monotonic()
        if queue.acks and queue.acks[-1][0] > now - 1.0:
            queue.acks[-1] = queue.acks[-1][0], queue.acks[-1][1] + len(done)
        else:
            queue.acks.append((now, len(done)))
        self._delete(done, settled)

    def hurry(self) -> None:
        """Somebody waits until what was acknowledged is committed."""
        if self._flushing is not None:
            self._flush()

    def refuse(
        self, queue_id: int, message_ids: Sequence[int], *, requeue: bool, settled: Settled | None = None
    ) -> None:
        """A consumer refuses messages: they come again after about a minute, or are dropped and counted."""
        queue = self._queue(queue_id)
        if requeue:
            queue.line.back(message_ids, self._clock.now_ms() + self._limits.redeliver_after_ms)
            self._delete((), settled)
            return
        done = queue.line.acked(message_ids)
        queue.counts["rejected"] += len(done)
        self._delete(done, settled)

    def give_back(self, queue_id: int, message_ids: Sequence[int]) -> None:
        """A channel is gone: what it had goes back to its place and may leave at once."""
        queue = self._queue(queue_id)
        queue.line.back(message_ids)
        self.wake(queue_id)

    # Administration

    def state(self, queue_id: int) -> QueueState:
        """How a queue stands."""
        queue = self._queue(queue_id)
        oldest = queue.line.oldest()
        self._forget_acks(queue)
        return QueueState(
            waiting=queue.line.waiting,
            bytes_waiting=queue.line.bytes_waiting,
            unacked=queue.line.out,
            consumers=len(queue.consumers),
            oldest_at=None if oldest is None else Ids.time_of(oldest),
            rate=sum(count for _, count in queue.acks) / _RATE_WINDOW_S,
        )

    async def inspect(self, queue_id: int) -> QueueState:
        """How a queue stands, for whoever does not know which engine it asks."""
        return self.state(queue_id)

    async def inspect_many(self, queue_ids: Sequence[int]) -> dict[int, QueueState]:
        """How queues stand."""
        return {queue_id: self.state(queue_id) for queue_id in queue_ids}

    def acked(self, row: QueueRow, state: QueueState) -> int:
        """How many messages were acknowledged, up to a second ago."""
        return row.acked

    def used_at(self, queue_id: int) -> int:
        """When somebody last consumed, or now while somebody does (epoch ms); 0 when nobody did in this process."""
        queue = self._queue(queue_id)
        return self._clock.now_ms() if queue.consumers else queue.used_at

    async def peek(self, queue_id: int, count: int) -> list[MessageRow]:
        """The next messages, without taking them. Raises Unreadable."""
        queue = self._queue(queue_id)
        await self._load(queue_id, queue)
        return [held.row for held in queue.line.head(count)]

    async def ensure(self, queue_id: int) -> None:
        """A queue is there as soon as somebody asks for it."""

    async def clear(self, queue_id: int) -> int:
        """Drop what waits, not what is out; returns how many."""
        queue = self._queue(queue_id)
        dropped = queue.line.clear()
        queue.counts["cleared"] += len(dropped)
        self._delete(dropped, None)
        return len(dropped)

    async def suspend(self, queue_id: int, reason: str) -> None:
        """End the consumers of a queue, drop what waits."""
        self.cancel_all(queue_id, reason)
        await self.clear(queue_id)

    async def forget(self, queue_id: int) -> None:
        """The queue is deleted: end its consumers, drop its messages. Raises StoreError."""
        self.cancel_all(queue_id, "the queue was deleted")
        self._queues.pop(queue_id, None)
        entry = Entry()
        entry.write(statements.CLEAR(of_queue=queue_id))
        await self._journal.commit(entry)

    # Time

    def tick(self) -> None:
        """Expire, redeliver, take back; write counters."""
        now = self._clock.now_ms()
        oldest = Ids.first_of(now - self._limits.max_age_ms)
        for queue_id, queue in tuple(self._queues.items()):
            expired = queue.line.expire(oldest)
            if expired:
                queue.counts["expired"] += len(expired)
                self._delete(expired, None)
            if queue.line.on_time(now):
                self.wake(queue_id)
            self._take_back(queue, now)
            self._forget_acks(queue)
            self._write_counts(queue_id, queue)
        if self._gone or self._settling:
            self._flush()

    def _take_back(self, queue: _Queue, now: int) -> None:
        late: dict[Holder, list[int]] = {}
        for held in queue.line.overdue(now - self._limits.unacked_ms):
            late.setdefault(cast("Holder", held.holder), []).append(held.id)
        for holder, message_ids in late.items():
            minutes = self._limits.unacked_ms // 60_000
            holder.overdue(message_ids, f"{len(message_ids)} messages were not acknowledged within {minutes} minutes")

    def _write_counts(self, queue_id: int, queue: _Queue) -> None:
        counts, queue.counts = queue.counts, Counter()
        if not any(counts.values()):
            return
        entry = Entry(lambda error: queue.counts.update(counts) if error is not None else None)
        more = {f"more_{name}": counts[name] for name in counter_statements.COUNTERS}
        entry.write(counter_statements.COUNT(of_queue=queue_id, used=queue.used_at, **more))
        self._journal.add(entry)

    def _forget_acks(self, queue: _Queue) -> None:
        since = self._clock.monotonic() - _RATE_WINDOW_S
        while queue.acks and queue.acks[0][0] < since:
            queue.acks.popleft()

    # Inside

    def _queue(self, queue_id: int) -> _Queue:
        queue = self._queues.get(queue_id)
        if queue is None:
            queue = self._queues[queue_id] = _Queue(self._limits)
        return queue

    def _on_committed(self, messages: Sequence[MessageRow]) -> None:
        for row in messages:
            queue = self._queue(row.queue_id)
            queue.counts["pushed"] += 1
            dropped = queue.line.push(row)
            if dropped:
                queue.counts["overflowed"] += len(dropped)
                self._delete(dropped, None)
            if queue.consumers:
                self.wake(row.queue_id)

    def _pump(self, queue_id: int) -> None:
        self._awake.discard(queue_id)
        queue = self._queues.get(queue_id)
        if queue is None or not queue.consumers:
            return
        line, consumers = queue.line, queue.consumers
        now = self._clock.now_ms()
        left, full = _AT_ONCE, 0
        while line.has_ready and full < len(consumers):
            if left <= 0:
                self.wake(queue_id)
                break
            consumer = consumers[0]
            consumers.rotate(-1)
            room = consumer.room()
            if room <= 0:
                full += 1
                continue
            full = 0
            # Several share what there is one by one; a single one takes all it can at once.
            count = min(room, left) if len(consumers) == 1 else 1
            left -= self._deliver(queue_id, queue, consumer, count, now)
            if count == room and len(consumers) == 1:
                break
        if line.wants_more:
            self._spawn(self._load_and_wake(queue_id, queue))

    def _deliver(self, queue_id: int, queue: _Queue, consumer: QueueConsumer, count: int, now: int) -> int:
        taken = queue.line.take(now, consumer, count)
        queue.used_at = now
        if not consumer.deliver(taken):
            self.ack(queue_id, [held.id for held in taken])
        return len(taken)

    async def _load(self, queue_id: int, queue: _Queue) -> None:
        """Read more messages, or wait until that is done. Raises Unreadable."""
        if queue.loading is None:
            wanted = queue.line.wanted()
            if wanted is None:
                return
            queue.loading = asyncio.get_running_loop().create_task(self._read(queue_id, queue, wanted))
        await asyncio.shield(queue.loading)

    async def _read(self, queue_id: int, queue: _Queue, wanted: tuple[int, int]) -> None:
        try:
            rows = await self._store.scan(statements.SOME, of_queue=queue_id, first=wanted[0], last=wanted[1])
        except StoreError as error:
            queue.line.not_loaded()
            raise Unreadable(str(error)) from error
        finally:
            queue.loading = None
        queue.line.loaded(rows, seen_up_to=self._restored_up_to)

    async def _load_and_wake(self, queue_id: int, queue: _Queue) -> None:
        try:
            await self._load(queue_id, queue)
        except Unreadable as error:
            _log.warning("messages of a queue cannot be read", queue=queue_id, error=str(error))
            await asyncio.sleep(1.0)
        self.wake(queue_id)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _delete(self, message_ids: Iterable[int], settled: Settled | None) -> None:
        self._gone += message_ids
        if settled is not None:
            self._settling.append(settled)
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_later(self._limits.gather_ms / 1000, self._flush)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        gone, self._gone = self._gone, []
        settling, self._settling = self._settling, []

        def done(error: StoreError | None) -> None:
            if error is not None:  # the next tick tries again
                self._gone += gone
                self._settling += settling
                return
            for settled in settling:
                settled()

        if not gone:
            done(None)
            return
        entry = Entry(done)
        entry.write(statements.DROP(ids=_encode(gone).decode()))
        self._journal.add(entry)
