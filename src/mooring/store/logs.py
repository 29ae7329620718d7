"""Statements about the logs of devices: data, events, exceptions, positions. Rows come in bulk."""

from typing import Any

import msgspec
from sqlalchemy import Table, bindparam, delete, false, insert, select

from . import tables
from .statement import Change, Query

__all__ = [
    "ADD_DATA",
    "ADD_EVENT",
    "ADD_EXCEPTION",
    "ADD_LOCATION",
    "FORGET",
    "OLD",
    "DataRow",
    "EventRow",
    "ExceptionRow",
    "IdRow",
    "LocationRow",
]


class DataRow(msgspec.Struct, frozen=True, gc=False):
    """One message of a device: direction 1 up, 2 down; status 0 waiting, 1 sent, -1 failed; `data` is base64."""

    id: int
    device_id: int
    direction: int
    cmd: int
    packet_id: int | None
    data: str
    dm_data: str | None
    ticket: int
    status: int
    sent_at: int | None
    created_at: int
    updated_at: int


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """One event: type 0 offline, 1 online, 2 reconnect, 3 info, 4 alert, 5 fault, 6 reset; `output` is JSON by code."""

    id: int
    device_id: int
    type: int
    ab_id: int | None
    code: str
    name: str
    output: str | None
    packet_id: int | None
    remark: str | None
    created_at: int


class ExceptionRow(msgspec.Struct, frozen=True, gc=False):
    """What of an uplink did not fit: `feature_ids` is a JSON list of id paths, `data` the payload in base64."""

    id: int
    device_id: int
    cmd: int | None
    packet_id: int | None
    reason: str
    feature_ids: str
    data: str
    created_at: int


class LocationRow(msgspec.Struct, frozen=True, gc=False):
    """One position; `position` is JSON."""

    id: int
    device_id: int
    position: str
    created_at: int


ADD_DATA = Change(insert(tables.data_log))
ADD_EVENT = Change(insert(tables.event_log))
ADD_EXCEPTION = Change(insert(tables.exception_log))
ADD_LOCATION = Change(insert(tables.location_log))


class IdRow(msgspec.Struct, frozen=True, gc=False):
    """One id."""

    id: int


def _old(table: Table) -> Any:
    """Rows with an id below `before`, oldest first: ids grow with time. A command that is open stays."""
    old: Any = select(table.c.id).where(table.c.id < bindparam("before")).order_by(table.c.id)
    return old.where(table.c.open.is_(false())) if table is tables.commands else old


_LOGS = {
    "data": tables.data_log,
    "event": tables.event_log,
    "exception": tables.exception_log,
    "location": tables.location_log,
    "command": tables.commands,
}

OLD = {log: Query(_old(table).limit(1), IdRow) for log, table in _LOGS.items()}
"""By log: the oldest row below `before`, if there is one."""

FORGET = {
    log: Change(delete(table).where(table.c.id.in_(_old(table).limit(bindparam("rows")))))
    for log, table in _LOGS.items()
}
"""By log: deletes at most `rows` of the oldest rows below `before`."""
