"""The queues of customers: made, listed, cleared, deleted, suspended (contract/messages.md section 7).

A queue belongs to the application it was made for. What waits in it is the engine's matter (`queue_engine`).
"""

import re
from collections.abc import Sequence

import msgspec
import structlog

from mooring.store import StoreError, UniqueViolation, Write, WriteRefused
from mooring.store import queues as statements
from mooring.store.queue_counters import COUNTERS
from mooring.store.queue_messages import MessageRow

from .entities import App
from .errors import Conflict, Invalid, LimitReached, Missing
from .ledger import Actor, Ledger
from .push_quota import PushQuota
from .queue_engine import QueueEngine, QueueState
from .routes import Queue

__all__ = ["IDLE_DAYS", "STOPPED", "SUSPENDED", "WARNED_DAYS", "QueueDetail", "Queues", "filtered"]

_log = structlog.get_logger()

STOPPED, SUSPENDED = 0, 2
IDLE_DAYS, WARNED_DAYS = 30, 7
"""After how many days without a consumer a queue is suspended, and how many before that it is warned of."""

_DAY_MS = 86_400_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_DESCRIPTION = 200


class QueueDetail(msgspec.Struct, frozen=True):
    """A queue, what is in it and what went through it; the counters are of messages, ever.

    `pushed_this_month` (UTC) is some seconds old where several processes run. `used_at` is when it was used last,
    `suspends_at` when it will be suspended unless it is used: set `WARNED_DAYS` days before. Both are epoch ms.
    """

    queue: Queue
    state: QueueState
    pushed: int
    acked: int
    expired: int
    overflowed: int
    rejected: int
    cleared: int
    pushed_this_month: int
    used_at: int
    suspends_at: int | None


class Queues:
    """What applications and administrators do with queues."""

    def __init__(self, ledger: Ledger, engine: QueueEngine, quota: PushQuota, *, limit: int) -> None:
        self._ledger = ledger
        self._directory = ledger.directory
        self._engine = engine
        self._quota = quota
        self._limit = limit
        self._warned: dict[int, int] = {}  # by queue the last use that a warning was about

    def all(self, account_id: int, app_id: int | None = None) -> list[Queue]:
        """Queues of the account, or of one application, newest first."""
        found = self._directory.queues(account_id)
        return found if app_id is None else [queue for queue in found if queue.app_id == app_id]

    def one(self, account_id: int, queue_id: int, app_id: int | None = None) -> Queue:
        """One queue. Raises Missing (16002), also for another account's or application's."""
        queue = self._directory.queue(queue_id)
        if queue is None or queue.account_id != account_id or app_id not in (None, queue.app_id):
            raise Missing("no_such_queue", f"there is no queue {queue_id}", field="queue", wire=16002)
        return queue

    def by_name(self, account_id: int, name: str, app_id: int | None = None) -> Queue:
        """One queue by its short or its full name. Raises Missing (16002)."""
        for queue in self.all(account_id, app_id):
            if queue.is_named(name):
                return queue
        raise Missing("no_such_queue", f"there is no queue {name[:100]!r}", field="name", wire=16002)

    async def detail(self, account_id: int, queue_id: int, app_id: int | None = None) -> QueueDetail:
        """A queue with its backlog. Raises Missing, StoreUnavailable."""
        queue = self.one(account_id, queue_id, app_id)
        for row in await self._ledger.store.read(statements.ONE, of_queue=queue_id):
            used_at = max(row.used_at, self._engine.used_at(queue_id))
            state = await self._engine.inspect(queue_id)
            acked = self._engine.acked(row, state)
            counters = (row.pushed, acked, row.expired, row.overflowed, row.rejected, row.cleared)
            month = self._quota.pushed(queue_id)
            suspends_at = None if queue.status == SUSPENDED else _suspends_at(used_at, self._ledger.clock.now_ms())
            return QueueDetail(queue, state, *counters, month, used_at, suspends_at)
        raise Missing("no_such_queue", f"there is no queue {queue_id}", field="queue", wire=16002)

    async def states(self, queues: Sequence[Queue]) -> dict[int, QueueState]:
        """How queues stand, by id, for lists: without `rate`, and without those that nobody can tell of now. Raises
        StoreUnavailable."""
        return await self._engine.inspect_many([queue.id for queue in queues])

    async def create(self, actor: Actor, app: App, name: str, description: str = "") -> Queue:
        """A new queue, not started; the first of an application is its free one. Raises Invalid, Conflict (16001),
        LimitReached (16007)."""
        _check_name(name)
        if len(description) > _MAX_DESCRIPTION:
            message = f"description has {len(description)} characters, the limit is {_MAX_DESCRIPTION}"
            raise Invalid("text_length", message, field="description", wire=50005)
        now = self._ledger.clock.now_ms()
        queue_id = self._ledger.ids.next()
        add = statements.ADD(
            id=queue_id,
            account_id=app.account_id,
            app_id=app.id,
            name=name,
            description=description,
            status=STOPPED,
            **dict.fromkeys(COUNTERS, 0),
            used_at=now,
            suspended_at=None,
            created_at=now,
            updated_at=None,
            allowed=self._limit,
        )
        lock = statements.LOCK_ACCOUNT(of_account=app.account_id)
        try:
            await self._commit(actor, "queue.create", name, lock, add.must("number of queues"), queue_id=queue_id)
        except UniqueViolation:
            raise Conflict("queue_taken", f"queue name {name} is in use", field="name", wire=16001) from None
        except WriteRefused:
            message = f"the account has {self._limit} queues, which is its limit"
            raise LimitReached("queue_limit", message, wire=16007) from None
        await self._engine.ensure(queue_id)
        return self.one(app.account_id, queue_id)

    async def revive(self, queue_id: int) -> None:
        """One of its subscriptions was started."""
        await self._engine.ensure(queue_id)

    async def delete(self, actor: Actor, queue_id: int, app_id: int | None = None) -> None:
        """Delete a queue that no subscription points to, with what is in it. Raises Missing, Conflict (16008)."""
        queue = self.one(actor.account_id, queue_id, app_id)
        write = statements.DELETE(of_queue=queue_id).must(f"queue {queue.name}")
        try:
            await self._commit(actor, "queue.delete", queue.name, write, queue_id=queue_id)
        except WriteRefused:
            await self._directory.catch_up()
            self.one(actor.account_id, queue_id)  # unless it was deleted meanwhile
            names = [one.name for one in self._directory.subscriptions(queue.account_id) if one.queue_id == queue_id]
            message = f"{len(names)} subscriptions point to it: {', '.join(names[:3])}"
            raise Conflict("queue_subscribed", message, wire=16008) from None
        await self.forget([queue])

    async def clear(self, actor: Actor, queue_id: int, app_id: int | None = None) -> int:
        """Drop what waits, not what consumers have; returns how many messages. Raises Missing."""
        queue = self.one(actor.account_id, queue_id, app_id)
        dropped = await self._engine.clear(queue_id)
        await self._commit(actor, "queue.clear", queue.name, queue_id=queue_id, dropped=dropped)
        return dropped

    async def peek(self, account_id: int, queue_id: int, count: int) -> list[MessageRow]:
        """The next messages that consumers get, without taking them; perhaps fewer than `count` although more wait.
        Raises Missing, StoreUnavailable."""
        self.one(account_id, queue_id)
        return await self._engine.peek(queue_id, count)

    async def forget(self, queues: Sequence[Queue]) -> None:
        """These are deleted: their consumers end, their messages go, now or when their time is over."""
        for queue in queues:
            self._warned.pop(queue.id, None)
            try:
                await self._engine.forget(queue.id)
            except StoreError as error:
                _log.warning("messages of a deleted queue stay until they expire", queue=queue.id, error=str(error))

    async def suspend_idle(self) -> None:
        """Suspend queues that nobody used for `IDLE_DAYS` days, and warn of those that come near it.

        Suspended: consumers end, messages go, subscriptions stop. Raises StoreUnavailable.
        """
        now = self._ledger.clock.now_ms()
        for row in await self._ledger.store.scan(statements.ALL):
            queue, used_at = self._directory.queue(row.id), max(row.used_at, self._engine.used_at(row.id))
            if queue is None or queue.status == SUSPENDED:
                continue
            if used_at > row.used_at:  # a consumer that got no message has left no trace in the database yet
                await self._ledger.store.write(statements.SET_USED(of_queue=row.id, used=used_at))
            suspends_at = _suspends_at(used_at, now)
            if suspends_at is None:
                continue
            if suspends_at <= now:
                await self._suspend(queue, now)
            elif self._warned.get(queue.id) != used_at:
                self._warned[queue.id] = used_at
                days = (now - used_at) // _DAY_MS
                _log.warning("queue is about to be suspended", queue=queue.full_name, idle_days=days)

    async def _suspend(self, queue: Queue, now: int) -> None:
        actor = Actor(queue.account_id, "housekeeping", "local")
        write = statements.SUSPEND(of_queue=queue.id, unused_since=now - IDLE_DAYS * _DAY_MS, now=now)
        stops = statements.stop_queue(queue.id, now)
        try:
            await self._commit(actor, "queue.suspend", queue.name, write.must("idle"), *stops, queue_id=queue.id)
        except WriteRefused:
            return  # somebody used it meanwhile
        _log.warning("queue suspended", queue=queue.full_name, idle_days=IDLE_DAYS)
        self._warned.pop(queue.id, None)
        await self._engine.suspend(queue.id, f"the queue was suspended: nobody used it for {IDLE_DAYS} days")

    async def _commit(
        self, actor: Actor, action: str, name: str, *writes: Write, queue_id: int, **detail: object
    ) -> None:
        await self._ledger.commit(
            actor,
            action,
            ("queue", name),
            *writes,
            changed=[("queue", queue_id)],
            detail={"id": queue_id, **detail},
        )


def _suspends_at(used_at: int, now: int) -> int | None:
    """When a queue that was last used then is to be suspended, once that is near."""
    suspends_at = used_at + IDLE_DAYS * _DAY_MS
    return suspends_at if suspends_at - now <= WARNED_DAYS * _DAY_MS else None


def _check_name(name: str) -> None:
    """1 to 64 letters, digits, _ and -. Raises Invalid."""
    if not _NAME.fullmatch(name):
        message = "name must be 1 to 64 letters, digits, _ and -"
        raise Invalid("key_form", message, field="name", wire=50005)


def filtered(queues: Sequence[Queue], name: str | None, status: int | None) -> list[Queue]:
    """Those whose name holds a text, in the given status; None means any."""
    return [
        queue
        for queue in queues
        if (name is None or name in queue.full_name) and (status is None or queue.status == status)
    ]
