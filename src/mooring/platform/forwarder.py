"""Messages on their way from the database to a broker, in the order of their ids.

The table `queue_messages` is the truth: a message is deleted from it once the broker has confirmed it, and a new
session begins with what it holds. Where one process has the database for itself, messages come straight from the outbox
and are read only after a break. Where several share it, one of them forwards (`Lease`) and always reads, so that order
does not depend on who committed.

Rules:
- At least once: whatever was not confirmed when a link was lost is sent again.
- In order: a message waits behind those of its queue. When a queue turns out to be missing, what was sent to it and
  what follows is parked until the queue is there again.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Sequence

import msgspec
import structlog

from mooring.store import Store, StoreError, StoreUnavailable
from mooring.store import queue_counters as counter_statements
from mooring.store import queue_messages as statements
from mooring.store.queue_messages import MessageRow

from .directory import Directory
from .journal import Entry, Journal
from .lease import Lease
from .queue_broker import Broker, BrokerUnavailable, Link
from .sources import Clock, Ids

__all__ = ["Forwarder", "count"]

WINDOW = 2_000  # messages that are sent and not confirmed
READ = 1_000  # messages of one read
ROOM = 5_000  # messages in memory that are not sent, and those of one queue that are parked
_POLL_S = 0.1  # how often a shared table is looked at
_IDLE_S = 0.5  # how often the lease is looked at when nothing happens
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.25, 10.0
_ASIDE_AFTER_S = 4.0
_RETRY_S = 1.0
_TELL_AGE_MS = 5_000  # messages that waited longer than this get what is left of their time

_log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode


class Forwarder:
    """One for a process. `recover` adds `on_committed` to the outbox; `run` goes on in the background."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        directory: Directory,
        clock: Clock,
        broker: Broker,
        lease: Lease,
        max_age_ms: int,
    ) -> None:
        self._store = store
        self._journal = journal
        self._directory = directory
        self._clock = clock
        self._broker = broker
        self._lease = lease
        self._max_age_ms = max_age_ms
        self._wake = asyncio.Event()
        self._pending: deque[MessageRow] = deque()
        self._in_flight: dict[int, MessageRow] = {}
        self._parked: dict[int, list[MessageRow]] = {}
        self._known: set[int] = set()  # ids of all of these, and of those that are still to be deleted
        self._behind = True  # the table may hold messages that are not known
        self._reading = False
        self._gone: list[int] = []
        self._counts: dict[int, Counter[str]] = {}
        self._deleting = False
        self._repairs: set[asyncio.Task[None]] = set()
        self._stuck: str | None = None
        self.connected = False
        self.forwarded = 0
        self.failures = 0

    @property
    def backlog(self) -> int:
        """Messages in memory that the broker has not confirmed."""
        return len(self._pending) + len(self._in_flight) + sum(map(len, self._parked.values()))

    def on_committed(self, messages: Sequence[MessageRow]) -> None:
        """Messages are in the table."""
        if not self.connected or self._behind or self._reading or self._store.shared or len(self._pending) >= ROOM:
            self._behind = True
        else:
            self._take(messages)
        self._wake.set()

    def drop(self, queue_id: int) -> None:
        """Forget messages of this queue that are not confirmed; the table is somebody else's matter."""
        gone = [row for row in (*self._pending, *self._in_flight.values()) if row.queue_id == queue_id]
        gone += self._parked.get(queue_id, [])
        self._pending = deque(row for row in self._pending if row.queue_id != queue_id)
        for row in gone:
            self._in_flight.pop(row.id, None)
        if queue_id in self._parked:
            self._parked[queue_id] = []
        self._known.difference_update(row.id for row in gone)

    async def run(self) -> None:
        """Forward for as long as the lease is held, again and again, until cancelled."""
        delay = _FIRST_DELAY_S
        while True:
            if not self._lease.held:
                await asyncio.sleep(_POLL_S)
                continue
            before = self.forwarded
            try:
                await self._session()
                delay = _FIRST_DELAY_S
            except StoreError as error:
                if delay == _FIRST_DELAY_S or self.forwarded > before:
                    _log.warning("messages wait in the database", error=str(error))
                self.failures += 1
                delay = _FIRST_DELAY_S if self.forwarded > before else delay
                if delay >= _ASIDE_AFTER_S:  # perhaps another process can reach the broker
                    await self._lease.leave(aside_s=_LONGEST_DELAY_S)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY_S)

    # One link

    async def _session(self) -> None:
        await self._broker.prepare()
        link = await self._broker.open(self)
        self._behind, self._stuck = True, None
        self.connected = True
        _log.info("messages are forwarded")
        try:
            while self._lease.held:
                self._wake.clear()
                if link.lost or self._stuck:
                    raise BrokerUnavailable(link.lost or self._stuck or "")
                await self._fill()
                stray = self._send(link)
                if stray is not None:
                    await self._settle(stray)
                elif not (self._pending and link.ready and len(self._in_flight) < WINDOW):
                    await self._rest()
        finally:
            self.connected = False
            link.close()
            for task in self._repairs:
                task.cancel()
            sent = [*self._pending, *self._in_flight.values(), *(row for rows in self._parked.values() for row in rows)]
            self._known.difference_update(row.id for row in sent)
            self._pending.clear()
            self._in_flight.clear()
            self._parked.clear()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_POLL_S if self._store.shared else _IDLE_S):
                await self._wake.wait()
        except TimeoutError:
            self._behind = self._behind or self._store.shared

    async def _fill(self) -> None:
        if not self._behind or len(self._pending) >= READ:
            return
        self._behind, self._reading = False, True
        try:
            rows = await self._store.scan(statements.NEXT, ids=_encode(list(self._known)).decode(), rows=READ)
        except StoreError:
            self._behind = True
            raise
        finally:
            self._reading = False
        self._take(rows)
        self._behind = self._behind or len(rows) == READ

    def _take(self, rows: Sequence[MessageRow]) -> None:
        for row in rows:
            if row.id not in self._known:
                self._known.add(row.id)
                self._pending.append(row)

    def _send(self, link: Link) -> int | None:
        """Publish what can be published; the id of a queue that is not there, when the next message belongs to one."""
        now = self._clock.now_ms()
        while self._pending and link.ready and len(self._in_flight) < WINDOW:
            row = self._pending[0]
            queue = self._directory.queue(row.queue_id)
            if queue is None or queue.is_suspended:
                return row.queue_id
            self._pending.popleft()
            age = now - Ids.time_of(row.id)
            if age >= self._max_age_ms:
                self._finish((row,), "expired")
            elif row.queue_id in self._parked:
                self._park(row)
            else:
                self._in_flight[row.id] = row
                link.publish(queue.full_name, row, self._max_age_ms - age if age > _TELL_AGE_MS else None)
        return None

    async def _settle(self, queue_id: int) -> None:
        """A queue is deleted or suspended, or this process has not heard of it yet."""
        await self._directory.catch_up()
        queue = self._directory.queue(queue_id)
        if queue is None or queue.is_suspended:
            rows = [row for row in self._pending if row.queue_id == queue_id]
            self._pending = deque(row for row in self._pending if row.queue_id != queue_id)
            self._finish(rows, None)

    # What the broker says

    def confirmed(self, message_ids: Sequence[int]) -> None:
        """See `LinkListener`."""
        rows = [row for message_id in message_ids if (row := self._in_flight.pop(message_id, None)) is not None]
        self.forwarded += len(rows)
        self._finish(rows, "pushed")
        self._wake.set()

    def unroutable(self, message_ids: Sequence[int]) -> None:
        """See `LinkListener`."""
        for message_id in message_ids:
            row = self._in_flight.pop(message_id, None)
            if row is None:
                continue
            if row.queue_id not in self._parked:
                self._parked[row.queue_id] = []
                task = asyncio.get_running_loop().create_task(self._repair(row.queue_id))
                self._repairs.add(task)
                task.add_done_callback(self._repairs.discard)
            self._park(row)
        self._wake.set()

    def changed(self) -> None:
        """See `LinkListener`."""
        self._wake.set()

    def _park(self, row: MessageRow) -> None:
        parked = self._parked[row.queue_id]
        parked.append(row)
        if len(parked) >= ROOM:
            self._stuck = f"{len(parked)} messages are for a queue that cannot be made"

    async def _repair(self, queue_id: int) -> None:
        """Make a queue that somebody deleted, then send on what was parked for it."""
        while (queue := self._directory.queue(queue_id)) is not None and not queue.is_suspended:
            try:
                await self._broker.declare(queue.full_name)
                _log.warning("queue was missing at the broker", queue=queue.full_name)
                break
            except StoreUnavailable as error:
                _log.warning("queue cannot be made", queue=queue.full_name, error=str(error))
                await asyncio.sleep(_RETRY_S)
        while any(row.queue_id == queue_id for row in self._in_flight.values()):  # noqa: ASYNC110 - seldom and short
            await asyncio.sleep(_POLL_S)
        self._pending.extendleft(sorted(self._parked.pop(queue_id), key=lambda row: row.id, reverse=True))
        self._wake.set()

    # Messages that are done with

    def _finish(self, rows: Sequence[MessageRow], counter: str | None) -> None:
        if not rows:
            return
        for row in rows:
            self._gone.append(row.id)
            if counter is not None:
                self._counts.setdefault(row.queue_id, Counter())[counter] += 1
        self._delete()

    def _delete(self) -> None:
        if self._deleting or not self._gone:
            return
        gone, self._gone = self._gone, []
        counts, self._counts = self._counts, {}

        def done(error: StoreError | None) -> None:
            if error is None:
                self._deleting = False
                self._known.difference_update(gone)
                self._delete()
                return
            self._gone += gone
            for queue_id, counter in counts.items():
                self._counts.setdefault(queue_id, Counter()).update(counter)
            asyncio.get_running_loop().call_later(_RETRY_S, self._again)

        self._deleting = True
        entry = Entry(done)
        entry.write(statements.DROP(ids=_encode(gone).decode()))
        for queue_id, counter in counts.items():
            count(entry, queue_id, counter)
        self._journal.add(entry)

    def _again(self) -> None:
        self._deleting = False
        with contextlib.suppress(RuntimeError):  # the loop ends
            self._delete()


def count(entry: Entry, queue_id: int, more: Counter[str], used_at: int = 0) -> None:
    """Add to the counters of a queue; `used_at` is epoch ms, 0 when nobody used it."""
    values = {f"more_{name}": more[name] for name in counter_statements.COUNTERS}
    entry.write(counter_statements.COUNT(of_queue=queue_id, used=used_at, **values))
