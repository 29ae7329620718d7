"""Message queues over a real database, with consumers that are lists under the test's control."""

import asyncio
from collections.abc import Sequence

import msgspec

from fakes import FakeClock, FakeEntropy
from mooring.platform.journal import Entry, Journal
from mooring.platform.message_queues import MessageQueues
from mooring.platform.outbox import Outbox
from mooring.platform.queue_engine import QueueLimits
from mooring.platform.sources import Ids
from mooring.platform.waiting_line import Held
from mooring.store import Store, accounts, queues, saas_apps
from mooring.store.queue_messages import WAITING, MessageRow
from mooring.store.queues import QueueRow
from mooring.store.saas_apps import AppRow
from store.rows import account

__all__ = ["QUEUE", "Bench", "Taker"]

QUEUE = 77


class Taker:
    """A consumer with room for `prefetch` messages; `taken` is what it was ever given, `kept` what it has now."""

    def __init__(self, bench: "Bench", prefetch: int = 10**9, *, no_ack: bool = False) -> None:
        self._bench = bench
        self.prefetch = prefetch
        self.no_ack = no_ack
        self.taken: list[tuple[int, bool]] = []
        self.kept: list[int] = []
        self.cancelled: str | None = None
        self.late: list[int] = []

    def room(self) -> int:
        return self.prefetch - len(self.kept)

    def deliver(self, messages: Sequence[Held]) -> bool:
        assert 0 < len(messages) <= self.room()
        given = [(held.id, held.redelivered) for held in messages]
        self.taken += given
        self._bench.deliveries += given
        if not self.no_ack:
            self.kept += (held.id for held in messages)
        return not self.no_ack

    def cancel(self, reason: str) -> None:
        self.cancelled = reason

    def overdue(self, message_ids: Sequence[int], reason: str) -> None:
        """As a connection does: the channel is closed, and all it has goes back."""
        self.late += message_ids
        self.die()

    # What a client does

    def ack(self, count: int = 1) -> list[int]:
        return self._bench.ack(self, self.kept[:count])

    def refuse(self, count: int = 1, *, requeue: bool = True) -> list[int]:
        some = self.kept[:count]
        del self.kept[:count]
        self._bench.queues.refuse(QUEUE, some, requeue=requeue, settled=self._bench.settled)
        return some

    def die(self) -> list[int]:
        """Its channel is gone."""
        some, self.kept = self.kept, []
        self._bench.queues.give_back(QUEUE, some)
        self._bench.queues.detach(QUEUE, self)
        return some


class Bench:
    """One queue; `settled` counts what was asked for and what was told."""

    def __init__(
        self, store: Store, clock: FakeClock, limits: QueueLimits | None = None, *, gather_ms: int = 0
    ) -> None:
        self.store = store
        self.clock = clock
        self.limits = msgspec.structs.replace(limits or QueueLimits(window=4), gather_ms=gather_ms)
        self.ids = Ids(clock, FakeEntropy())
        self.deliveries: list[tuple[int, bool]] = []
        self.told = 0
        self._start()

    def _start(self) -> None:
        self.outbox = Outbox()
        self.journal = Journal(self.store, self.outbox)
        self.queues = MessageQueues(self.store, self.journal, self.outbox, self.clock, self.limits)

    async def open(self) -> "Bench":
        """Make the queue, in an account and an application of its own."""
        app = AppRow(1, 1, "App", "", "key", b"", True, True, 0, False, "[]", "documented", 0, None)
        await self.store.write(accounts.ADD_ACCOUNT.of(account(1)), saas_apps.ADD.of(app))
        row = QueueRow(QUEUE, 1, 1, "q", "", True, 1, 0, 0, 0, 0, 0, 0, 0, None, 0, None)
        await self.store.write(queues.ADD.of(row, allowed=50))
        await self.queues.recover()
        return self

    async def restart(self) -> None:
        """End in good order, and begin again."""
        await self.settle()
        await self.queues.close()
        self._start()
        await self.queues.recover()

    def settled(self) -> None:
        self.told += 1

    def push(self, *sizes: int) -> list[int]:
        """Messages with bodies of so many bytes, in one commit."""
        entry = Entry()
        made = []
        for size in sizes or (10,):
            made.append(self.ids.next())
            entry.push(MessageRow(made[-1], QUEUE, "ONLINE", "1", b"x" * size, self.clock.now_ms()))
        self.journal.add(entry)
        return made

    def ack(self, taker: Taker, message_ids: list[int]) -> list[int]:
        taker.kept = [message_id for message_id in taker.kept if message_id not in message_ids]
        self.queues.ack(QUEUE, message_ids, self.settled)
        self.queues.wake(QUEUE)
        return message_ids

    def taker(self, prefetch: int = 10**9, *, no_ack: bool = False, exclusive: bool = False) -> Taker:
        taker = Taker(self, prefetch, no_ack=no_ack)
        assert self.queues.attach(QUEUE, taker, exclusive=exclusive)
        return taker

    async def settle(self) -> None:
        """Wait until everything is committed, read and delivered."""
        quiet = 0
        for _ in range(10_000):
            if quiet == 3:
                return
            await asyncio.sleep(0)
            await self.journal.settle()
            queue = self.queues._queue(QUEUE)
            tasks = self.queues._tasks
            if tasks:
                await asyncio.wait(tasks)
            busy = self.queues._awake or self.queues._flushing or tasks or queue.loading
            quiet = 0 if busy else quiet + 1
        raise AssertionError("the queue does not come to rest")

    async def tick(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)
        self.queues.tick()
        await self.settle()

    async def stored(self) -> list[int]:
        """Ids in the database."""
        return [row.id for row in await self.store.scan(WAITING)]

    async def row(self) -> QueueRow:
        (row,) = await self.store.read(queues.ONE, of_queue=QUEUE)
        return row
