"""Numbers that are counted up and never given twice: read the last one, take the next with what uses it.

`TAKE` is guarded by the number that was read; `REACH` skips to one that somebody chose.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, case, select
from sqlalchemy.dialects import postgresql, sqlite

from .end_user_tables import sequences
from .statement import Change, Query

__all__ = ["LAST", "REACH", "TAKE", "LastRow"]


class LastRow(msgspec.Struct, frozen=True):
    """The number that was given last."""

    last: int


LAST = Query(select(sequences.c.last).where(sequences.c.name == bindparam("of_sequence")), LastRow)


def _put(dialect: Any, *, chosen: bool) -> Any:
    statement = dialect.insert(sequences).values(name=bindparam("of_sequence"), last=bindparam("number"))
    new = statement.excluded
    higher = case((sequences.c.last < new.last, new.last), else_=sequences.c.last)
    return statement.on_conflict_do_update(
        index_elements=[sequences.c.name],
        set_={"last": higher if chosen else new.last},
        where=None if chosen else sequences.c.last == bindparam("seen_last", type_=sequences.c.last.type),
    )


TAKE = Change(_put(sqlite, chosen=False), _put(postgresql, chosen=False))
REACH = Change(_put(sqlite, chosen=True), _put(postgresql, chosen=True))
