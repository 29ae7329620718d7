"""Statements about the queues of customers and their subscriptions.

A queue is started (1) while one of its subscriptions runs. Whoever changes what runs takes rows in one order: what it
is about, queue, subscription. So of two who change the same, the second decides on what the first has left.
"""

import msgspec
from sqlalchemy import ColumnElement, Table, case, delete, exists, func, insert, null, select, update
from sqlalchemy.sql.expression import bindparam

from . import end_user_tables, tables
from .statement import Change, Query, Write

__all__ = [
    "ADD",
    "ADD_SUBSCRIPTION",
    "ALL",
    "DELETE",
    "DELETE_SUBSCRIPTION",
    "HOLD_DEVICE",
    "HOLD_DOMAIN",
    "HOLD_PRODUCT",
    "LOCK_ACCOUNT",
    "ONE",
    "SET_USED",
    "START",
    "START_QUEUE",
    "SUBSCRIPTIONS",
    "SUSPEND",
    "UPDATE_SUBSCRIPTION",
    "QueueRow",
    "SubscriptionRow",
    "stop_device",
    "stop_domain",
    "stop_one",
    "stop_product",
    "stop_queue",
]

_queues, _subscriptions = tables.queues, tables.subscriptions
_STOPPED, _STARTED, _SUSPENDED = 0, 1, 2


class QueueRow(msgspec.Struct, frozen=True):
    """One queue. `status` 0 not started, 1 started, 2 suspended; the counters are of messages, ever."""

    id: int
    account_id: int
    app_id: int
    name: str
    description: str
    is_free: bool
    status: int
    pushed: int
    acked: int
    expired: int
    overflowed: int
    rejected: int
    cleared: int
    used_at: int
    suspended_at: int | None
    created_at: int
    updated_at: int | None


class SubscriptionRow(msgspec.Struct, frozen=True):
    """One subscription. `level` is product, device, saas or domain; `codes` a JSON list of message codes."""

    id: int
    account_id: int
    app_id: int
    queue_id: int
    name: str
    level: str
    product_id: int | None
    product_key: str | None
    device_id: int | None
    device_key: str | None
    user_domain: str | None
    codes: str
    running: bool
    created_at: int
    updated_at: int | None


ALL = Query(select(_queues).order_by(_queues.c.id), QueueRow)
ONE = Query(select(_queues).where(_queues.c.id == bindparam("of_queue")), QueueRow)
SUBSCRIPTIONS = Query(select(_subscriptions).order_by(_subscriptions.c.id), SubscriptionRow)

LOCK_ACCOUNT = Change(
    update(tables.accounts).where(tables.accounts.c.id == bindparam("of_account")).values(name=tables.accounts.c.name)
)
"""Goes before `ADD` and `ADD_SUBSCRIPTION`: of two callers of which only one is within the limit, one is late."""


def _add_within(table: Table, **computed: ColumnElement[bool]) -> Change:
    """An INSERT that touches no row when the account has `allowed` of them already."""
    others = table.alias()
    count = select(func.count()).select_from(others).where(others.c.account_id == bindparam("account_id"))
    row = [
        computed.get(column.name, bindparam(column.name, type_=column.type)).label(column.name) for column in table.c
    ]
    names = [column.name for column in table.c]
    return Change(insert(table).from_select(names, select(*row).where(count.scalar_subquery() < bindparam("allowed"))))


_free = _queues.alias()
ADD = _add_within(_queues, is_free=~exists().where(_free.c.app_id == bindparam("app_id"), _free.c.is_free))
"""The first queue of an application is its free one. Guard it with `must`."""
DELETE = Change(
    delete(_queues).where(
        _queues.c.id == bindparam("of_queue"), ~exists().where(_subscriptions.c.queue_id == _queues.c.id)
    )
)
"""Of a queue that no subscription points to. Guard it with `must`."""
SET_USED = Change(
    update(_queues)
    .where(_queues.c.id == bindparam("of_queue"))
    .values(used_at=bindparam("used", type_=_queues.c.used_at.type))
)
START_QUEUE = Change(
    update(_queues)
    .where(_queues.c.id == bindparam("of_queue"))
    .values(
        status=_STARTED,
        suspended_at=null(),
        used_at=bindparam("now"),
        updated_at=case((_queues.c.status != _STARTED, bindparam("now")), else_=_queues.c.updated_at),
    )
)
SUSPEND = Change(
    update(_queues)
    .where(
        _queues.c.id == bindparam("of_queue"),
        _queues.c.status != _SUSPENDED,
        _queues.c.used_at <= bindparam("unused_since", type_=_queues.c.used_at.type),
    )
    .values(status=_SUSPENDED, suspended_at=bindparam("now"), updated_at=bindparam("now"))
)
"""Guard it with `must`: somebody may use the queue meanwhile."""

ADD_SUBSCRIPTION = _add_within(_subscriptions)
"""Guard it with `must`."""
_stopped = (_subscriptions.c.id == bindparam("of_subscription"), _subscriptions.c.running.is_(False))
DELETE_SUBSCRIPTION = Change(delete(_subscriptions).where(*_stopped))
UPDATE_SUBSCRIPTION = Change(
    update(_subscriptions)
    .where(*_stopped)
    .values(
        name=bindparam("new_name"),
        codes=bindparam("new_codes"),
        queue_id=bindparam("new_queue"),
        updated_at=bindparam("now"),
    )
)
START = Change(update(_subscriptions).where(*_stopped).values(running=True, updated_at=bindparam("now")))
"""Guard these three with `must`: somebody may start, stop or delete it meanwhile. Before `START` go those of
`HOLD_PRODUCT`, `HOLD_DEVICE` and `HOLD_DOMAIN` that it is about, and `START_QUEUE`."""
HOLD_PRODUCT = Change(
    update(tables.products)
    .where(tables.products.c.id == bindparam("of_product"), tables.products.c.app_id == bindparam("of_app"))
    .values(app_id=bindparam("of_app"))
)
"""Guard it with `must`: the product may have been withdrawn."""
HOLD_DEVICE = Change(
    update(tables.devices)
    .where(tables.devices.c.id == bindparam("of_device"), tables.devices.c.deleted_at.is_(None))
    .values(name=tables.devices.c.name)
)
"""Guard it with `must`: the device may have been deleted."""
_grants = end_user_tables.end_user_app_grants
HOLD_DOMAIN = Change(
    update(_grants)
    .where(_grants.c.end_user_app_id == bindparam("of_domain"), _grants.c.app_id == bindparam("of_app"))
    .values(app_id=bindparam("of_app"))
)
"""Guard it with `must`: the App of the domain may have been withdrawn."""


class _Stop:
    """Stops running subscriptions of one kind, and queues of which none runs any more."""

    def __init__(self, *condition: ColumnElement[bool]) -> None:
        running = (_subscriptions.c.running.is_(True), *condition)
        theirs = _queues.c.id.in_(select(_subscriptions.c.queue_id).where(*running))
        self._lock = Change(update(_queues).where(theirs).values(status=_queues.c.status))
        self._stop = Change(update(_subscriptions).where(*running).values(running=False, updated_at=bindparam("now")))

    def __call__(self, now: int, **params: object) -> tuple[Write, Write, Write]:
        return self._lock(**params), self._stop(now=now, **params), _SETTLE(now=now)


_SETTLE = Change(
    update(_queues)
    .where(
        _queues.c.status == _STARTED,
        ~exists().where(_subscriptions.c.queue_id == _queues.c.id, _subscriptions.c.running.is_(True)),
    )
    .values(status=_STOPPED, updated_at=bindparam("now"))
)
_OF_PRODUCT = _Stop(_subscriptions.c.product_id == bindparam("of_product"))
_OF_DEVICE = _Stop(_subscriptions.c.device_id == bindparam("of_device"))
_OF_DOMAIN = _Stop(
    _subscriptions.c.user_domain == bindparam("of_domain"), _subscriptions.c.app_id == bindparam("of_app")
)
_OF_QUEUE = _Stop(_subscriptions.c.queue_id == bindparam("of_queue"))
_OF_SUBSCRIPTION = _Stop(_subscriptions.c.id == bindparam("of_subscription"))


def stop_product(product_id: int, now: int) -> tuple[Write, ...]:
    """What a product, whose row is changed before, leaves behind: its subscriptions and those of its devices stop."""
    return _OF_PRODUCT(now, of_product=product_id)


def stop_device(device_id: int, now: int) -> tuple[Write, ...]:
    """The same for a device."""
    return _OF_DEVICE(now, of_device=device_id)


def stop_domain(app_id: int, user_domain: str, now: int) -> tuple[Write, ...]:
    """The same for an end-user domain that is taken from an application."""
    return _OF_DOMAIN(now, of_app=app_id, of_domain=user_domain)


def stop_queue(queue_id: int, now: int) -> tuple[Write, ...]:
    """Everything that runs into a queue stops."""
    return _OF_QUEUE(now, of_queue=queue_id)


def stop_one(subscription_id: int, now: int, guard: str) -> tuple[Write, ...]:
    """One subscription stops; refused under the name of the guard when it does not run."""
    lock, stop, settle = _OF_SUBSCRIPTION(now, of_subscription=subscription_id)
    return lock, stop.must(guard), settle
