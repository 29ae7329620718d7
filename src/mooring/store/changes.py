"""The change log that every process's directory follows (see `tables.directory_state`)."""

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from . import tables
from .statement import Change, Query, Write

__all__ = ["CHANGES_AFTER", "STATE", "ChangeRow", "StateRow", "forget_before", "record"]

_changes, _state = tables.directory_changes, tables.directory_state


class ChangeRow(msgspec.Struct, frozen=True):
    """One changed entity: `kind` is what it is ("account", "app", …), `entity_id` its id."""

    version: int
    kind: str
    entity_id: int


class StateRow(msgspec.Struct, frozen=True):
    """The version of the newest change."""

    version: int


STATE = Query(select(_state.c.version), StateRow)
CHANGES_AFTER = Query(
    select(_changes.c.version, _changes.c.kind, _changes.c.entity_id)
    .where(_changes.c.version > bindparam("seen"))
    .order_by(_changes.c.version),
    ChangeRow,
)

_ADVANCE = Change(update(_state).values(version=_state.c.version + 1))
_RECORD = Change(
    insert(_changes).from_select(
        ["version", "kind", "entity_id", "at"],
        select(
            _state.c.version,
            bindparam("kind", type_=_changes.c.kind.type),
            bindparam("entity_id", type_=_changes.c.entity_id.type),
            bindparam("now", type_=_changes.c.at.type),
        ),
    )
)
# The newest entry stays: it shows a process that missed it, and those before it, that there is a gap.
_FORGET = Change(
    delete(_changes).where(
        _changes.c.at < bindparam("before"), _changes.c.version < select(_state.c.version).scalar_subquery()
    )
)


def record(kind: str, entity_id: int, now_ms: int) -> tuple[Write, Write]:
    """The writes that announce a change; they belong into the transaction of the change itself."""
    return _ADVANCE(), _RECORD(kind=kind, entity_id=entity_id, now=now_ms)


def forget_before(at_ms: int) -> Write:
    """Drop entries older than `at_ms` but the newest; a process that slept longer loads everything anew."""
    return _FORGET(before=at_ms)
