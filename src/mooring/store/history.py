"""Pages of the logs of one device, newest first, by time range with both ends included.

A page is found in the index (device, time, id) and its rows are fetched after that, so that rows that are skipped are
never read; counting without a filter reads the index alone. What a page costs does not depend on how long the log is.
"""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, SmallInteger, Table, and_, bindparam, func, or_, select

from . import tables
from .logs import DataRow, EventRow, ExceptionRow, LocationRow
from .statement import Query, R

__all__ = ["ANY", "DATA", "DATA_FILTERED", "EVENTS", "EVENTS_FILTERED", "EXCEPTIONS", "LOCATIONS", "CountRow", "Pages"]

ANY = -99
"""For a filter that is not to be applied."""


class CountRow(msgspec.Struct, frozen=True, gc=False):
    """How many rows there are."""

    rows: int


class Pages(msgspec.Struct, frozen=True):
    """Both take `of_device`, `since`, `until` (epoch ms) and the filters; `page` also `rows` and `skip`."""

    page: Query[Any]
    count: Query[CountRow]


def _pages(table: Table, row: type[R], *filters: ColumnElement[bool]) -> Pages:
    wanted = and_(
        table.c.device_id == bindparam("of_device"),
        table.c.created_at.between(bindparam("since"), bindparam("until")),
        *filters,
    )
    newest_first = (table.c.created_at.desc(), table.c.id.desc())
    ids = select(table.c.id).where(wanted).order_by(*newest_first).limit(bindparam("rows")).offset(bindparam("skip"))
    return Pages(
        Query(select(table).where(table.c.id.in_(ids)).order_by(*newest_first), row),
        Query(select(func.count().label("rows")).select_from(table).where(wanted), CountRow),
    )


def _filter(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    wanted = bindparam(name, type_=SmallInteger)
    return or_(wanted == ANY, column == wanted)


_data, _events = tables.data_log, tables.event_log

DATA = _pages(_data, DataRow)
DATA_FILTERED = _pages(_data, DataRow, _filter(_data.c.direction, "of_direction"), _filter(_data.c.status, "of_status"))
"""`of_direction` and `of_status` are ANY or a value."""
EVENTS = _pages(_events, EventRow)
EVENTS_FILTERED = _pages(_events, EventRow, _events.c.type == bindparam("of_type"))
EXCEPTIONS = _pages(tables.exception_log, ExceptionRow)
LOCATIONS = _pages(tables.location_log, LocationRow)
