"""How many messages went into each queue in each month; months are numbers such as 202511 (UTC).

They outlive their queue: what was pushed into a deleted one still counts for the account.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from . import tables
from .statement import Change, Query

__all__ = ["COUNT_PUSHES", "FORGET_PUSHES", "PUSHES", "PushesRow"]

_pushes = tables.queue_pushes


class PushesRow(msgspec.Struct, frozen=True, gc=False):
    """Messages that one queue got in one month; `is_paid` unless it is the free queue of its application."""

    queue_id: int
    month: int
    account_id: int
    is_paid: bool
    pushes: int


def _count(dialect: Any) -> Any:
    statement = dialect.insert(_pushes)
    return statement.on_conflict_do_update(
        index_elements=[_pushes.c.queue_id, _pushes.c.month],
        set_={"pushes": _pushes.c.pushes + statement.excluded.pushes},
    )


COUNT_PUSHES = Change(_count(sqlite), _count(postgresql))
"""Adds rows to what is there."""
PUSHES = Query(select(_pushes).where(_pushes.c.month == bindparam("of_month")), PushesRow)
FORGET_PUSHES = Change(delete(_pushes).where(_pushes.c.month < bindparam("before")))
