"""Statements about what only one process does at a time.

No clocks are compared: who wants a lease watches `turn`, and takes it when that stands still for too long.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from . import tables
from .statement import Change, Query

__all__ = ["ONE", "TAKE", "LeaseRow"]

_leases = tables.leases


class LeaseRow(msgspec.Struct, frozen=True):
    """Who holds a lease, 0 nobody, and how often it was taken or renewed."""

    holder: int
    turn: int


ONE = Query(select(_leases.c.holder, _leases.c.turn).where(_leases.c.name == bindparam("of_name")), LeaseRow)


def _take(dialect: Any) -> Any:
    statement = dialect.insert(_leases).values(
        name=bindparam("of_name"), holder=bindparam("new_holder"), turn=bindparam("new_turn")
    )
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[_leases.c.name],
        set_={"holder": new.holder, "turn": new.turn},
        where=_leases.c.turn == bindparam("seen_turn", type_=_leases.c.turn.type),
    )


TAKE = Change(_take(sqlite), _take(postgresql))
"""Take, renew or leave (holder 0) a lease whose turn was `seen_turn`. Guard it with `must`: somebody may be faster."""
