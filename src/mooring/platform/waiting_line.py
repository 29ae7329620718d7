"""One queue of messages, without input and output: what waits, what is out with consumers, what comes back.

contract/messages.md sections 7 and 9. The database holds every message until it is acknowledged; here is where each of
them stands. The oldest are in memory whole (`ready`), of the others only id and size (`Backlog`), so that a full queue
of 500 MB costs a few megabytes. Ids grow with time and order the queue; two that are made at the same time may be
committed the other way round, which changes their order and nothing else.
"""

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from mooring.store.queue_messages import MessageRow

__all__ = ["Backlog", "Held", "WaitingLine"]

_COMPACT_AT = 4_096


class Held(msgspec.Struct, eq=False):
    """A message in memory. `redelivered` once a consumer may have seen it; `out_since` is epoch ms, 0 when it waits;
    `holder` is who has it while it is out."""

    row: MessageRow
    redelivered: bool = False
    out_since: int = 0
    holder: object = None

    @property
    def id(self) -> int:
        """Its place in the queue."""
        return self.row.id

    @property
    def size(self) -> int:
        """Bytes of the body, which is what the limit of a queue counts."""
        return len(self.row.body)


class Backlog:
    """Ids and sizes of messages that only the database holds, in order, 16 bytes each."""

    __slots__ = ("_ids", "_sizes", "_start")

    def __init__(self) -> None:
        self._ids = array("q")
        self._sizes = array("q")
        self._start = 0

    def __len__(self) -> int:
        return len(self._ids) - self._start

    def add(self, message_id: int, size: int) -> None:
        """One more at the end."""
        self._ids.append(message_id)
        self._sizes.append(size)

    def oldest(self) -> int | None:
        """Id of the oldest one; it stays."""
        return self._ids[self._start] if self._start < len(self._ids) else None

    def first(self, count: int) -> Sequence[int]:
        """Ids of the oldest ones, at most `count`; they stay."""
        return self._ids[self._start : self._start + count]

    def pop(self) -> tuple[int, int]:
        """Id and size of the oldest, which is taken away."""
        found = self._ids[self._start], self._sizes[self._start]
        self._start += 1
        if self._start >= _COMPACT_AT and self._start * 2 > len(self._ids):
            del self._ids[: self._start], self._sizes[: self._start]
            self._start = 0
        return found


class WaitingLine:
    """The messages of one queue, `window` of them in memory. Times are epoch ms, sizes bytes; what is dropped is
    returned as ids."""

    __slots__ = ("_backlog", "_delayed", "_loading", "_out", "_ready", "_window", "bytes_waiting", "limit_bytes")

    def __init__(self, limit_bytes: int, window: int) -> None:
        self.limit_bytes = limit_bytes
        self._window = window
        self.bytes_waiting = 0
        self._ready: deque[Held] = deque()
        self._backlog = Backlog()
        self._out: dict[int, Held] = {}
        self._delayed: deque[tuple[int, Held]] = deque()  # (epoch ms, message), in the order of the times
        self._loading: frozenset[int] = frozenset()  # ids that are being read

    # Looking

    @property
    def waiting(self) -> int:
        """How many messages wait; those that are out do not count."""
        return len(self._ready) + len(self._backlog) + len(self._delayed)

    @property
    def out(self) -> int:
        """How many are with consumers, unacknowledged."""
        return len(self._out)

    @property
    def has_ready(self) -> bool:
        """Whether a message may leave now."""
        return bool(self._ready)

    @property
    def wants_more(self) -> bool:
        """Whether messages are to be read from the database now."""
        return not self._loading and bool(self._backlog) and len(self._ready) * 2 <= self._window

    def oldest(self) -> int | None:
        """Id of the oldest message that waits."""
        ids = [held.id for held in (*islice(self._ready, 1), *(held for _, held in self._delayed))]
        ids += self._backlog.first(1)
        return min(ids, default=None)

    def head(self, count: int) -> list[Held]:
        """The next messages, which stay where they are; for people who look."""
        return list(islice(self._ready, count))

    # Coming

    def restore(self, message_id: int, size: int) -> None:
        """A message that an earlier process left, in the order of ids."""
        self._backlog.add(message_id, size)
        self.bytes_waiting += size

    def push(self, row: MessageRow) -> list[int]:
        """A new message at the end; returns the oldest ones that had to go for it."""
        size = len(row.body)
        self.bytes_waiting += size
        if self._backlog or self._loading or len(self._ready) >= self._window:
            self._backlog.add(row.id, size)
        else:
            self._ready.append(Held(row))
        dropped = []
        while self.bytes_waiting > self.limit_bytes and self.waiting > 1:
            found = self._drop_oldest()
            if found is None:
                break
            dropped.append(found)
        return dropped

    def wanted(self) -> tuple[int, int] | None:
        """The range of ids to be read from the database now, None when nothing is; answer it with `loaded`."""
        if not self.wants_more:
            return None
        self._loading = frozenset(self._backlog.first(self._window - len(self._ready)))
        return min(self._loading), max(self._loading)

    def loaded(self, rows: Iterable[MessageRow], *, seen_up_to: int = 0) -> None:
        """What was found between the ids of `wanted`. Messages up to `seen_up_to` may have been delivered by an earlier
        process."""
        wanted, self._loading = self._loading, frozenset()
        found = {row.id: row for row in rows}
        # Some of them may have been dropped meanwhile.
        while self._backlog.oldest() in wanted:
            message_id, size = self._backlog.pop()
            row = found.get(message_id)
            if row is None:
                self.bytes_waiting -= size  # the database lost it: deleted by hand
            else:
                self._ready.append(Held(row, redelivered=message_id <= seen_up_to))

    def not_loaded(self) -> None:
        """The database did not answer; `wanted` asks again."""
        self._loading = frozenset()

    # Going

    def take(self, now_ms: int, holder: object, count: int = 1) -> list[Held]:
        """The next messages leave, at most `count`: they are out until they are acknowledged or come back."""
        ready, out = self._ready, self._out
        taken = [ready.popleft() for _ in range(min(count, len(ready)))]
        for held in taken:
            held.out_since = now_ms
            held.holder = holder
            row = held.row
            out[row.id] = held
            self.bytes_waiting -= len(row.body)
        return taken

    def acked(self, message_ids: Iterable[int]) -> list[int]:
        """Consumers are done with these; returns those that were out."""
        return [message_id for message_id in message_ids if self._out.pop(message_id, None) is not None]

    def back(self, message_ids: Iterable[int], until: int | None = None) -> None:
        """These come back to their old places, at once or at a time; those that are not out any more are no matter."""
        found = [held for message_id in message_ids if (held := self._out.pop(message_id, None)) is not None]
        for held in found:
            held.redelivered = True
            held.out_since = 0
            held.holder = None
            self.bytes_waiting += held.size
        if until is None:
            self._return(found)
            return
        in_order = not self._delayed or self._delayed[-1][0] <= until
        self._delayed += ((until, held) for held in found)
        if not in_order:  # the clock was set back
            self._delayed = deque(sorted(self._delayed, key=lambda pair: pair[0]))

    def on_time(self, now_ms: int) -> bool:
        """Whether delayed messages are ready again."""
        due = []
        while self._delayed and self._delayed[0][0] <= now_ms:
            due.append(self._delayed.popleft()[1])
        self._return(due)
        return bool(due)

    def overdue(self, before: int) -> list[Held]:
        """Messages that have been out since before a time."""
        return [held for held in self._out.values() if held.out_since < before]

    def expire(self, first_id: int) -> list[int]:
        """Drop every message older than this id, also those that are out: their acknowledgement comes to nothing."""
        dropped = [held.id for held in self._out.values() if held.id < first_id]
        for message_id in dropped:
            del self._out[message_id]
        while self._ready and self._ready[0].id < first_id:
            dropped.append(self._leave(self._ready.popleft()))
        late = [self._leave(held) for _, held in self._delayed if held.id < first_id]
        if late:
            dropped += late
            self._delayed = deque(pair for pair in self._delayed if pair[1].id >= first_id)
        if not self._ready:
            while (oldest := self._backlog.oldest()) is not None and oldest < first_id:
                message_id, size = self._backlog.pop()
                self.bytes_waiting -= size
                dropped.append(message_id)
        return dropped

    def clear(self) -> list[int]:
        """Drop everything that waits; what is out stays out."""
        dropped = [held.id for held in (*self._ready, *(held for _, held in self._delayed))]
        self._ready.clear()
        self._delayed.clear()
        while self._backlog:
            dropped.append(self._backlog.pop()[0])
        self.bytes_waiting = 0
        return dropped

    def _drop_oldest(self) -> int | None:
        delayed = self._delayed
        if delayed and (not self._ready or delayed[0][1].id < self._ready[0].id):
            return self._leave(delayed.popleft()[1])
        if self._ready:
            return self._leave(self._ready.popleft())
        if self._backlog:
            message_id, size = self._backlog.pop()
            self.bytes_waiting -= size
            return message_id
        return None

    def _leave(self, held: Held) -> int:
        self.bytes_waiting -= held.size
        return held.id

    def _return(self, found: Sequence[Held]) -> None:
        ready = self._ready
        for held in sorted(found, key=lambda held: held.id, reverse=True):
            if not ready or held.id < ready[0].id:
                ready.appendleft(held)
            else:
                ready.insert(_place(ready, held.id), held)


def _place(ready: Iterable[Held], message_id: int) -> int:
    return sum(1 for _ in _before(ready, message_id))


def _before(ready: Iterable[Held], message_id: int) -> Iterator[Held]:
    for held in ready:
        if held.id > message_id:
            return
        yield held
