"""Statements about what waits in the queues of customers."""

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, cast, delete, func, insert, select
from sqlalchemy.dialects import postgresql

from . import tables
from .statement import Change, Query

__all__ = [
    "ADD",
    "CLEAR",
    "DROP",
    "NEXT",
    "SOME",
    "TOTALS",
    "TOTALS_OF_ALL",
    "WAITING",
    "MessageRow",
    "QueueTotalsRow",
    "TotalsRow",
    "WaitingRow",
]

_messages = tables.queue_messages


class MessageRow(msgspec.Struct, frozen=True, gc=False):
    """One message of one queue. `type` is TYPE or TYPE-SUBTYPE, `ticket` its message id, `body` JSON in UTF-8."""

    id: int
    queue_id: int
    type: str
    ticket: str
    body: bytes
    created_at: int


class WaitingRow(msgspec.Struct, frozen=True, gc=False):
    """What must be known of every message: its place and its size in bytes."""

    id: int
    queue_id: int
    size: int


class TotalsRow(msgspec.Struct, frozen=True, gc=False):
    """How many messages there are, and their bytes."""

    count: int
    size: int


class QueueTotalsRow(msgspec.Struct, frozen=True, gc=False):
    """How many messages wait in one queue, and their bytes."""

    queue_id: int
    count: int
    size: int


ADD = Change(insert(_messages))
"""Takes rows."""

WAITING = Query(
    select(_messages.c.id, _messages.c.queue_id, func.length(_messages.c.body).label("size")).order_by(_messages.c.id),
    WaitingRow,
)
"""Everything that waits, oldest first."""

_size: Any = cast(func.coalesce(func.sum(func.length(_messages.c.body)), 0), BigInteger).label("size")
TOTALS = Query(
    select(func.count().label("count"), _size).where(_messages.c.queue_id == bindparam("of_queue")),
    TotalsRow,
)
"""What waits in one queue, added up."""

TOTALS_OF_ALL = Query(
    select(_messages.c.queue_id, func.count().label("count"), _size).group_by(_messages.c.queue_id),
    QueueTotalsRow,
)
"""What waits in each queue that has something, added up."""

SOME = Query(
    select(_messages)
    .where(
        _messages.c.queue_id == bindparam("of_queue"),
        _messages.c.id.between(bindparam("first"), bindparam("last")),
    )
    .order_by(_messages.c.id),
    MessageRow,
)
"""Messages of one queue with ids from `first` to `last`."""


# Ids are one parameter, a JSON list, so that one statement serves any number of them.
_ids: Any = func.json_each(bindparam("ids", type_=Text)).table_valued("value")
_postgres_ids: Any = func.json_array_elements_text(cast(bindparam("ids", type_=Text), postgresql.JSON)).table_valued(
    "value"
)


def _next(values: Any) -> Any:
    known = select(cast(values.c.value, BigInteger))
    return select(_messages).where(_messages.c.id.not_in(known)).order_by(_messages.c.id).limit(bindparam("rows"))


NEXT = Query(_next(_ids), MessageRow, _next(_postgres_ids))
"""The oldest messages of all queues but those with the given ids; `ids` is a JSON list."""


def _drop(values: Any) -> Any:
    return delete(_messages).where(_messages.c.id.in_(select(cast(values.c.value, BigInteger))))


DROP = Change(_drop(_ids), _drop(_postgres_ids))
"""Deletes messages; `ids` is a JSON list."""

CLEAR = Change(delete(_messages).where(_messages.c.queue_id == bindparam("of_queue")))
