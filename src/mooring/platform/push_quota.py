"""How many messages queues got in a month, and how many the paid ones of an account may have together.

contract/messages.md section 7: every message pushed to a paid queue counts, and when the allowance is used up paid
queues get no more; the free queue of each application goes on. Nothing is limited by default. A month is a calendar
month of UTC. Counts are in memory; what was added is written every few seconds, so that they outlive the process and
several processes see about the same.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from mooring.store import Store
from mooring.store import queue_pushes as statements
from mooring.store.queue_messages import MessageRow

from .announcer import Announcer
from .directory import Directory
from .sources import Clock

__all__ = ["PushQuota"]

_KEPT = 100  # as a difference of months: a year

_log = structlog.get_logger()


class PushQuota:
    """Listens to the outbox with `on_committed`, and closes queues to the announcer. None means without limit."""

    def __init__(
        self, store: Store, directory: Directory, clock: Clock, announcer: Announcer, *, paid_per_month: int | None
    ) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._announcer = announcer
        self._per_month = paid_per_month
        self._month = 0
        self._pushes: Counter[int] = Counter()  # of this month, by queue
        self._paid: Counter[int] = Counter()  # of this month, into paid queues, by account
        self._unwritten: Counter[tuple[int, int, int, bool]] = Counter()  # by queue, month, account, whether it is paid

    def pushed(self, queue_id: int) -> int:
        """Messages that a queue got in this month."""
        self._turn()
        return self._pushes[queue_id]

    def on_committed(self, messages: Sequence[MessageRow]) -> None:
        """Count what reached queues."""
        self._turn()
        touched = set()
        for queue_id, count in Counter(row.queue_id for row in messages).items():
            queue = self._directory.queue(queue_id)
            if queue is None:  # just deleted
                continue
            self._pushes[queue_id] += count
            self._unwritten[queue_id, self._month, queue.account_id, not queue.is_free] += count
            if not queue.is_free:
                self._paid[queue.account_id] += count
                touched.add(queue.account_id)
        if touched and self._per_month is not None:
            self._judge()

    async def load(self) -> None:
        """What was counted in this month, by all processes. Raises StoreUnavailable."""
        self._month = _month(self._clock.now_ms())
        rows = await self._store.scan(statements.PUSHES, of_month=self._month)
        pushes: Counter[int] = Counter()
        paid: Counter[int] = Counter()
        known = [((row.queue_id, row.month, row.account_id, row.is_paid), row.pushes) for row in rows]
        for (queue_id, month, account_id, is_paid), count in (*known, *self._unwritten.items()):
            if month == self._month:
                pushes[queue_id] += count
                if is_paid:
                    paid[account_id] += count
        self._pushes, self._paid = pushes, paid
        self._judge()

    async def flush(self) -> None:
        """Write what was added, and see what other processes added. Raises StoreUnavailable: it is kept then."""
        self._turn()
        written, self._unwritten = self._unwritten, Counter()
        if written:
            rows = [(*key, count) for key, count in sorted(written.items())]
            try:
                await self._store.write(
                    statements.COUNT_PUSHES.rows(rows), statements.FORGET_PUSHES(before=self._month - _KEPT)
                )
            except Exception:
                self._unwritten.update(written)
                raise
        if self._store.shared:
            await self.load()

    def _turn(self) -> None:
        month = _month(self._clock.now_ms())
        if month != self._month:
            self._month = month
            self._pushes.clear()
            self._paid.clear()
            self._judge()

    def _judge(self) -> None:
        if self._per_month is None:
            return
        spent = [account_id for account_id, count in self._paid.items() if count >= self._per_month]
        paid = [queue for account_id in spent for queue in self._directory.queues(account_id) if not queue.is_free]
        closed = frozenset(queue.id for queue in paid)
        if closed != self._announcer.closed:
            names = sorted(queue.full_name for queue in paid)
            _log.warning("paid queues that get no more messages this month", queues=names, limit=self._per_month)
            self._announcer.closed = closed


def _month(now_ms: int) -> int:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return now.year * 100 + now.month
