"""Statements about what waits in the queues of customers."""

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, cast, delete, func, insert, select
from sqlalchemy.dialects import postgresql

from . import tables
from .statement import Change, Query

__all__ = ["ADD", "CLEAR", "DROP", "SOME", "WAITING", "MessageRow", "WaitingRow"]

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


ADD = Change(insert(_messages))
"""Takes rows."""

WAITING = Query(
    select(_messages.c.id, _messages.c.queue_id, func.length(_messages.c.body).label("size")).order_by(_messages.c.id),
    WaitingRow,
)
"""Everything that waits, oldest first."""

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


def _drop(values: Any) -> Any:
    # The ids are one parameter, a JSON list, so that one statement serves any number of them.
    return delete(_messages).where(_messages.c.id.in_(select(cast(values.c.value, BigInteger))))


DROP = Change(
    _drop(func.json_each(bindparam("ids", type_=Text)).table_valued("value")),
    _drop(func.json_array_elements_text(cast(bindparam("ids", type_=Text), postgresql.JSON)).table_valued("value")),
)
"""Deletes messages; `ids` is a JSON list."""

CLEAR = Change(delete(_messages).where(_messages.c.queue_id == bindparam("of_queue")))
