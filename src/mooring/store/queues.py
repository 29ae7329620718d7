"""Statements about the queues of customers and their subscriptions."""

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.sql.expression import bindparam

from . import tables
from .statement import Change, Query

__all__ = [
    "ADD",
    "ADD_SUBSCRIPTION",
    "ALL",
    "DELETE",
    "DELETE_SUBSCRIPTION",
    "ONE",
    "SET_RUNNING",
    "SET_STATUS",
    "SUBSCRIPTIONS",
    "UPDATE_SUBSCRIPTION",
    "QueueRow",
    "SubscriptionRow",
]

_queues, _subscriptions = tables.queues, tables.subscriptions


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

ADD = Change(insert(_queues))
DELETE = Change(delete(_queues).where(_queues.c.id == bindparam("of_queue")))
SET_STATUS = Change(
    update(_queues)
    .where(_queues.c.id == bindparam("of_queue"))
    .values(
        status=bindparam("new_status"),
        suspended_at=bindparam("new_suspended_at", type_=_queues.c.suspended_at.type),
        used_at=bindparam("new_used_at", type_=_queues.c.used_at.type),
        updated_at=bindparam("now"),
    )
)

ADD_SUBSCRIPTION = Change(insert(_subscriptions))
DELETE_SUBSCRIPTION = Change(
    delete(_subscriptions).where(
        _subscriptions.c.id == bindparam("of_subscription"), _subscriptions.c.running.is_(False)
    )
)
SET_RUNNING = Change(
    update(_subscriptions)
    .where(_subscriptions.c.id == bindparam("of_subscription"), _subscriptions.c.running != bindparam("new_running"))
    .values(running=bindparam("new_running"), updated_at=bindparam("now"))
)
"""Guard it with `must`: of two callers that start it, one is late."""
UPDATE_SUBSCRIPTION = Change(
    update(_subscriptions)
    .where(_subscriptions.c.id == bindparam("of_subscription"), _subscriptions.c.running.is_(False))
    .values(
        name=bindparam("new_name"),
        codes=bindparam("new_codes"),
        queue_id=bindparam("new_queue"),
        updated_at=bindparam("now"),
    )
)
