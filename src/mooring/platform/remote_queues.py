"""The engine of message queues where a broker keeps them: customers connect to it, Mooring looks after it.

contract/messages.md sections 7 and 9. Messages get there through the `Forwarder`. Queues are there as they are here:
made, deleted and suspended at once, and compared every few seconds, so that whatever went wrong in between is set
right. Who may not consume any more is cut off there.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from mooring.store import Store, StoreError, StoreUnavailable
from mooring.store import queue_messages as statements
from mooring.store.queue_messages import MessageRow
from mooring.store.queues import QueueRow

from .broker_access import BrokerAccess
from .directory import Changed, Directory
from .forwarder import Forwarder, count
from .journal import Entry, Journal
from .lease import RENEW_S, Lease
from .outbox import Outbox
from .queue_broker import Broker, BrokerQueue, BrokerUnavailable, Lost
from .queue_engine import QueueLimits, QueueState
from .sources import Clock, Entropy, Ids

__all__ = ["RemoteQueues"]

_KEEP_S = 10.0  # how often queues and connections are compared; messages.md section 6 allows 60 s
_LIMITS_S = 30.0  # how often the limits of what waits here are looked at
_RETRY_S = 1.0
_CACHED_S = 1.0  # how long an answer about a queue is good
_USED_MS = 60_000  # how exactly the last use is kept
_PER_KEY = 100  # connections

_log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode


class RemoteQueues:
    """A `QueueEngine`. Of several processes on one database, one does the work that is nobody's in particular."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        directory: Directory,
        outbox: Outbox,
        clock: Clock,
        entropy: Entropy,
        access: BrokerAccess,
        broker: Broker,
        limits: QueueLimits,
    ) -> None:
        self._store = store
        self._journal = journal
        self._directory = directory
        self._outbox = outbox
        self._clock = clock
        self._access = access
        self._broker = broker
        self._limits = limits
        self._lease = Lease(store, clock, entropy, "message queues")
        self.forwarder = Forwarder(store, journal, directory, clock, broker, self._lease, limits.max_age_ms)
        self._names: dict[int, str] = {}  # also of queues that were just deleted
        self._answers: dict[str, tuple[float, BrokerQueue | None]] = {}
        self._seen: tuple[float, dict[str, BrokerQueue]] | None = None
        self._taken: dict[str, int] = {}
        self._used: dict[int, int] = {}
        self._used_written: dict[int, int] = {}

    async def recover(self) -> None:
        """Listen for messages; what an earlier process left is in the table."""
        self._remember(None)
        self._directory.on_change.append(self._remember)
        self._outbox.listeners.append(self.forwarder.on_committed)

    async def run(self) -> None:
        """Forward, and look after the broker."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(self._lease.renew, RENEW_S, whoever=True))
            tasks.create_task(self.forwarder.run())
            tasks.create_task(self._again(self._keep, _KEEP_S))
            tasks.create_task(self._again(self._keep_limits, _LIMITS_S))
            tasks.create_task(self._again(lambda: self._broker.losses(self._count), _RETRY_S))

    async def close(self) -> None:
        """Let another process go on at once."""
        await self._lease.leave()

    # Of one queue

    async def inspect(self, queue_id: int) -> QueueState:
        """What the broker says, up to a second ago, and what waits here."""
        name = self._name(queue_id)
        now = self._clock.monotonic()
        asked, found = self._answers.get(name, (float("-inf"), None))
        if now - asked >= _CACHED_S:
            found = await self._broker.queue(name)
            self._answers[name] = now, found
        [here] = await self._store.scan(statements.TOTALS, of_queue=queue_id)
        return _state(found, here.count, here.size)

    async def inspect_many(self, queue_ids: Sequence[int]) -> dict[int, QueueState]:
        """The same of many, by one question to the broker; of none while it is away."""
        if not queue_ids:
            return {}
        now = self._clock.monotonic()
        if self._seen is None or now - self._seen[0] >= _CACHED_S:
            try:
                self._seen = now, {queue.name: queue for queue in await self._broker.queues()}
            except BrokerUnavailable as error:
                _log.warning("the broker does not say how queues stand", error=str(error))
                self._seen = None
                return {}
        there = self._seen[1]
        here = {row.queue_id: row for row in await self._store.scan(statements.TOTALS_OF_ALL)}
        found = {}
        for queue_id in queue_ids:
            row = here.get(queue_id)
            count, size = (row.count, row.size) if row is not None else (0, 0)
            found[queue_id] = _state(there.get(self._name(queue_id)), count, size)
        return found

    def used_at(self, queue_id: int) -> int:
        """When the broker was last seen to have a consumer or to be asked for a message."""
        return self._used.get(queue_id, 0)

    def acked(self, row: QueueRow, state: QueueState) -> int:
        """What was pushed and neither waits, is out nor was lost: the broker counts only for itself."""
        lost = row.expired + row.overflowed + row.rejected + row.cleared
        return max(0, row.pushed - lost - state.waiting - state.unacked)

    async def peek(self, queue_id: int, count: int) -> list[MessageRow]:
        """The next messages; the broker marks them as redelivered."""
        return await self._broker.peek(self._name(queue_id), count)

    async def ensure(self, queue_id: int) -> None:
        """Make the queue at the broker."""
        await self._try("made", queue_id, self._make)

    async def clear(self, queue_id: int) -> int:
        """Drop what waits at the broker and here."""
        name = self._name(queue_id)
        [here] = await self._store.scan(statements.TOTALS, of_queue=queue_id)
        purged = await self._broker.purge(name)
        self.forwarder.drop(queue_id)
        entry = Entry()
        entry.write(statements.CLEAR(of_queue=queue_id))
        count(entry, queue_id, Counter(pushed=here.count, cleared=purged + here.count))
        await self._journal.commit(entry)
        self._answers.pop(name, None)
        return purged + here.count

    async def suspend(self, queue_id: int, reason: str) -> None:
        """Delete it at the broker, which cancels its consumers; it is made again when it revives."""
        await self._try("suspended", queue_id, self._broker.delete)
        self._clear_here(queue_id)

    async def forget(self, queue_id: int) -> None:
        """Delete it at the broker, and what waits for it here."""
        await self._try("deleted", queue_id, self._broker.delete)
        self._clear_here(queue_id)
        self._names.pop(queue_id, None)

    async def _make(self, name: str) -> None:
        await self._broker.declare(name)
        self._taken[name] = 0  # what is taken before the first look was taken since now

    def _clear_here(self, queue_id: int) -> None:
        self.forwarder.drop(queue_id)
        entry = Entry()
        entry.write(statements.CLEAR(of_queue=queue_id))
        self._journal.add(entry)

    async def _try(self, what: str, queue_id: int, step: Callable[[str], Awaitable[None]]) -> None:
        try:
            await step(self._name(queue_id))
        except StoreUnavailable as error:
            _log.warning("queue is not right at the broker yet", queue=queue_id, to_be=what, error=str(error))

    def _name(self, queue_id: int) -> str:
        queue = self._directory.queue(queue_id)
        return queue.full_name if queue is not None else self._names.get(queue_id, "")

    def _remember(self, changed: Changed | None) -> None:
        if changed is None or any(kind == "queue" for kind, _ in changed):
            for account in self._directory.accounts():
                self._names |= {queue.id: queue.full_name for queue in self._directory.queues(account.id)}

    # Of all queues

    async def _again(self, work: Callable[[], Awaitable[None]], pause_s: float, *, whoever: bool = False) -> None:
        failing = False
        while True:
            try:
                if whoever or self._lease.held:
                    await work()
                failing = False
            except StoreError as error:
                if not failing:
                    _log.warning("broker of message queues is not looked after", error=str(error))
                failing = True
            await asyncio.sleep(_RETRY_S if failing or not (whoever or self._lease.held) else pause_s)

    async def _keep(self) -> None:
        await self._broker.prepare()
        there = {queue.name: queue for queue in await self._broker.queues()}
        await self._directory.catch_up()
        accounts = [account.id for account in self._directory.accounts()]
        here = {queue.full_name: queue for account in accounts for queue in self._directory.queues(account)}
        ours = {name.rpartition(".")[0] + "." for name in here} | {f"a.{account:012d}." for account in accounts}
        for name, queue in here.items():
            if not queue.is_suspended and name not in there:
                await self._make(name)
        for name in there:
            if (name not in here or here[name].is_suspended) and name.startswith(tuple(ours)):
                await self._broker.delete(name)
        for name, queue in here.items():
            if name in there:
                self._see_use(queue.id, there[name])
        await self._cut_off()

    def _see_use(self, queue_id: int, seen: BrokerQueue) -> None:
        taken = self._taken.get(seen.name)
        self._taken[seen.name] = seen.taken
        if not seen.consumers and (taken is None or taken == seen.taken):
            return
        now = self._used[queue_id] = self._clock.now_ms()
        if now - self._used_written.get(queue_id, 0) >= _USED_MS:
            self._used_written[queue_id] = now
            entry = Entry()
            count(entry, queue_id, Counter(), used_at=now)
            self._journal.add(entry)

    async def _cut_off(self) -> None:
        """End connections that may not be, and consumers of queues that are not theirs."""
        ending: dict[str, str] = {}
        numbers: Counter[int] = Counter()
        for connection in sorted(await self._broker.connections(), key=lambda one: one.connected_at):
            app_id, reason = self._access.of_connection(connection.user, connection.address)
            numbers[app_id] += 1
            if reason is None and numbers[app_id] > _PER_KEY:
                reason = f"{_PER_KEY} connections of this AccessKey are open, which is the limit"
            if reason is not None:
                ending[connection.name] = reason
        for consumer in await self._broker.consumers():
            if not self._access.may_consume(consumer.user, consumer.queue):
                ending.setdefault(consumer.connection, f"queue {consumer.queue} may not be consumed")
        for name, reason in ending.items():
            _log.info("AMQP connection ended", connection=name, reason=reason)
            await self._broker.disconnect(name, reason)

    async def _keep_limits(self) -> None:
        """Age and size of what waits here because the broker is away (messages.md section 7)."""
        if self.forwarder.connected:
            return
        oldest = Ids.first_of(self._clock.now_ms() - self._limits.max_age_ms)
        sizes: Counter[int] = Counter()
        dropped: list[int] = []
        counts: dict[int, Counter[str]] = {}
        for row in reversed(await self._store.scan(statements.WAITING)):
            sizes[row.queue_id] += row.size
            why = "expired" if row.id < oldest else "overflowed" if sizes[row.queue_id] > self._limits.max_bytes else ""
            if why:
                dropped.append(row.id)
                counts.setdefault(row.queue_id, Counter()).update((why, "pushed"))
        if dropped and not self.forwarder.connected:
            entry = Entry()
            entry.write(statements.DROP(ids=_encode(dropped).decode()))
            for queue_id, counter in counts.items():
                count(entry, queue_id, counter)
            await self._journal.commit(entry)

    async def _count(self, lost: Sequence[Lost]) -> None:
        """The broker dropped messages: count them with their queues."""
        counts: dict[int, Counter[str]] = {}
        for one in lost:
            queue = self._directory.queue_by_name(one.queue)
            if queue is not None:
                counts.setdefault(queue.id, Counter())[one.why] += 1
        entry = Entry()
        for queue_id, counter in counts.items():
            count(entry, queue_id, counter)
        await self._journal.commit(entry)


def _state(there: BrokerQueue | None, waiting: int, size: int) -> QueueState:
    """What the broker has and what waits here, together."""
    if there is None:
        return QueueState(waiting, size, 0, 0, None, 0.0)
    return QueueState(
        waiting=there.waiting + waiting,
        bytes_waiting=there.bytes_waiting + size,
        unacked=there.unacked,
        consumers=there.consumers,
        oldest_at=there.oldest_at,
        rate=there.rate,
    )
