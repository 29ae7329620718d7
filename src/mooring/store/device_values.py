"""Statements about the newest values of devices: merged inside the database, so no writer needs to know the others'."""

from typing import Any

import msgspec
from sqlalchemy import Text, case, cast, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import bindparam

from . import tables
from .statement import Change, Query

__all__ = ["MERGE", "ONE", "ValuesRow"]

_values = tables.device_values


class ValuesRow(msgspec.Struct, frozen=True, gc=False):
    """`properties` and `resources` are JSON objects of [value, epoch ms]; `location` is a position as JSON."""

    device_id: int
    properties: str
    resources: str
    location: str | None
    created_at: int
    updated_at: int


def _sqlite_merge() -> Any:
    statement = sqlite.insert(_values)
    new = statement.excluded

    def merged(old: Any, later: Any) -> Any:
        # Most messages bring only one of the two kinds, and patching with nothing costs as much as with a value.
        return case((later == literal_column("'{}'"), old), else_=func.json_patch(old, later))

    return statement.on_conflict_do_update(
        index_elements=[_values.c.device_id],
        set_={
            "properties": merged(_values.c.properties, new.properties),
            "resources": merged(_values.c.resources, new.resources),
            "location": func.coalesce(new.location, _values.c.location),
            "updated_at": new.updated_at,
        },
    )


def _postgres_merge() -> Any:
    statement = postgresql.insert(_values)
    new = statement.excluded

    def merged(old: Any, later: Any) -> Any:
        return cast(cast(old, postgresql.JSONB).op("||")(cast(later, postgresql.JSONB)), Text)

    return statement.on_conflict_do_update(
        index_elements=[_values.c.device_id],
        set_={
            "properties": merged(_values.c.properties, new.properties),
            "resources": merged(_values.c.resources, new.resources),
            "location": func.coalesce(new.location, _values.c.location),
            "updated_at": new.updated_at,
        },
    )


MERGE = Change(_sqlite_merge(), _postgres_merge())
"""Takes rows; members that are not given stay."""

ONE = Query(select(_values).where(_values.c.device_id == bindparam("of_device")), ValuesRow)
