"""The queues of customers: made, listed, cleared, deleted, suspended (contract/messages.md section 7).

A queue belongs to the application it was made for. What waits in it is the engine's matter (`queue_engine`).
"""

import re
from collections.abc import Sequence

import msgspec

from mooring.store import UniqueViolation, Write
from mooring.store import queues as statements

from .entities import App
from .errors import Conflict, Invalid, LimitReached, Missing
from .ledger import Actor, Ledger
from .queue_engine import QueueEngine, QueueState
from .routes import Queue

__all__ = ["IDLE_DAYS", "STARTED", "STOPPED", "SUSPENDED", "QueueDetail", "Queues", "check_queue_name", "filtered"]

STOPPED, STARTED, SUSPENDED = 0, 1, 2
IDLE_DAYS = 30

_DAY_MS = 86_400_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_DESCRIPTION = 200


class QueueDetail(msgspec.Struct, frozen=True):
    """A queue, what is in it and what went through it; `used_at` is epoch ms, the counters are of messages, ever."""

    queue: Queue
    state: QueueState
    pushed: int
    acked: int
    expired: int
    overflowed: int
    rejected: int
    cleared: int
    used_at: int


class Queues:
    """What applications and administrators do with queues."""

    def __init__(self, ledger: Ledger, engine: QueueEngine, *, limit: int) -> None:
        self._ledger = ledger
        self._directory = ledger.directory
        self._engine = engine
        self._limit = limit

    def all(self, account_id: int, app_id: int | None = None) -> list[Queue]:
        """Queues of the account, or of one application, newest first."""
        found = self._directory.queues(account_id)
        return found if app_id is None else [queue for queue in found if queue.app_id == app_id]

    def one(self, account_id: int, queue_id: int, app_id: int | None = None) -> Queue:
        """One queue. Raises Missing (16002), also for another account's or application's."""
        queue = self._directory.queue(queue_id)
        if queue is None or queue.account_id != account_id or app_id not in (None, queue.app_id):
            raise Missing("no_such_queue", f"there is no queue {queue_id}", field="queueId", wire=16002)
        return queue

    def by_name(self, account_id: int, name: str, app_id: int | None = None) -> Queue:
        """One queue by its short or its full name. Raises Missing (16002)."""
        for queue in self.all(account_id, app_id):
            if name in (queue.name, queue.full_name):
                return queue
        raise Missing("no_such_queue", f"there is no queue {name[:100]!r}", field="queueName", wire=16002)

    async def detail(self, account_id: int, queue_id: int, app_id: int | None = None) -> QueueDetail:
        """A queue with its backlog. Raises Missing, StoreUnavailable."""
        queue = self.one(account_id, queue_id, app_id)
        for row in await self._ledger.store.read(statements.ONE, of_queue=queue_id):
            used_at = max(row.used_at, self._engine.used_at(queue_id))
            state = await self._engine.inspect(queue_id)
            acked = self._engine.acked(row, state)
            counters = (row.pushed, acked, row.expired, row.overflowed, row.rejected, row.cleared)
            return QueueDetail(queue, state, *counters, used_at)
        raise Missing("no_such_queue", f"there is no queue {queue_id}", field="queueId", wire=16002)

    async def create(self, actor: Actor, app: App, name: str, description: str = "") -> Queue:
        """A new queue, not started; the first of an application is its free one. Raises Invalid, Conflict (16001),
        LimitReached (16007)."""
        check_queue_name(name)
        if len(description) > _MAX_DESCRIPTION:
            message = f"queueDesc has {len(description)} characters, the limit is {_MAX_DESCRIPTION}"
            raise Invalid("text_length", message, field="queueDesc", wire=50005)
        if len(self.all(app.account_id)) >= self._limit:
            message = f"the account has {self._limit} queues, which is its limit"
            raise LimitReached("queue_limit", message, wire=16007)
        now = self._ledger.clock.now_ms()
        row = statements.QueueRow(
            id=self._ledger.ids.next(),
            account_id=app.account_id,
            app_id=app.id,
            name=name,
            description=description,
            is_free=not any(queue.is_free for queue in self.all(app.account_id, app.id)),
            status=STOPPED,
            pushed=0,
            acked=0,
            expired=0,
            overflowed=0,
            rejected=0,
            cleared=0,
            used_at=now,
            suspended_at=None,
            created_at=now,
            updated_at=None,
        )
        try:
            await self._commit(actor, "queue.create", name, statements.ADD.of(row), queue_id=row.id)
        except UniqueViolation:
            raise Conflict("queue_taken", f"queue name {name} is in use", field="queueName", wire=16001) from None
        await self._engine.ensure(row.id)
        return self.one(app.account_id, row.id)

    async def revive(self, queue_id: int) -> None:
        """One of its subscriptions was started."""
        await self._engine.ensure(queue_id)

    async def delete(self, actor: Actor, queue_id: int, app_id: int | None = None) -> None:
        """Delete a queue that no subscription points to, with what is in it. Raises Missing, Conflict (16008)."""
        queue = self.one(actor.account_id, queue_id, app_id)
        pointing = [one for one in self._directory.subscriptions(queue.account_id) if one.queue_id == queue_id]
        if pointing:
            names = ", ".join(one.name for one in pointing[:3])
            raise Conflict("queue_subscribed", f"{len(pointing)} subscriptions point to it: {names}", wire=16008)
        write = statements.DELETE(of_queue=queue_id).must(f"queue {queue.name}")
        await self._commit(actor, "queue.delete", queue.name, write, queue_id=queue_id)
        await self._engine.forget(queue_id)

    async def clear(self, actor: Actor, queue_id: int, app_id: int | None = None) -> int:
        """Drop what waits, not what consumers have; returns how many messages. Raises Missing."""
        queue = self.one(actor.account_id, queue_id, app_id)
        dropped = await self._engine.clear(queue_id)
        await self._commit(actor, "queue.clear", queue.name, queue_id=queue_id, dropped=dropped)
        return dropped

    async def suspend_idle(self) -> None:
        """Suspend queues that nobody used for `IDLE_DAYS` days: consumers end, messages go, subscriptions stop."""
        before = self._ledger.clock.now_ms() - IDLE_DAYS * _DAY_MS
        for row in await self._ledger.store.scan(statements.ALL):
            queue = self._directory.queue(row.id)
            if queue is None or queue.status == SUSPENDED or max(row.used_at, self._engine.used_at(row.id)) > before:
                continue
            await self._suspend(queue, row.used_at)

    async def _suspend(self, queue: Queue, used_at: int) -> None:
        now = self._ledger.clock.now_ms()
        actor = Actor(queue.account_id, "housekeeping", "local")
        stops = [
            statements.SET_RUNNING(of_subscription=one.id, new_running=False, now=now)
            for one in self._directory.subscriptions(queue.account_id)
            if one.queue_id == queue.id and one.running
        ]
        write = statements.SET_STATUS(
            of_queue=queue.id, new_status=SUSPENDED, new_suspended_at=now, new_used_at=used_at, now=now
        )
        await self._commit(actor, "queue.suspend", queue.name, write, *stops, queue_id=queue.id)
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


def check_queue_name(name: str) -> None:
    """1 to 64 letters, digits, _ and -. Raises Invalid."""
    if not _NAME.fullmatch(name):
        message = "queueName must be 1 to 64 letters, digits, _ and -"
        raise Invalid("key_form", message, field="queueName", wire=50005)


def filtered(queues: Sequence[Queue], name: str | None, status: int | None) -> list[Queue]:
    """Those whose name holds a text, in the given status; None means any."""
    return [
        queue
        for queue in queues
        if (name is None or name in queue.full_name) and (status is None or queue.status == status)
    ]
