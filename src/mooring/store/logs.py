"""Statements about the logs of devices: data, events, exceptions, positions. Rows come in bulk."""

from typing import Any

import msgspec
from sqlalchemy import Table, bindparam, delete, insert, select

from . import tables
from .statement import Change

__all__ = [
    "ADD_DATA",
    "ADD_EVENT",
    "ADD_EXCEPTION",
    "ADD_LOCATION",
    "FORGET",
    "DataRow",
    "EventRow",
    "ExceptionRow",
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


def _forget(table: Table) -> Change:
    """Delete at most `rows` rows with an id below `before`: ids grow with time."""
    old: Any = select(table.c.id).where(table.c.id < bindparam("before")).order_by(table.c.id).limit(bindparam("rows"))
    return Change(delete(table).where(table.c.id.in_(old)))


FORGET = {
    "data": _forget(tables.data_log),
    "event": _forget(tables.event_log),
    "exception": _forget(tables.exception_log),
    "location": _forget(tables.location_log),
    "command": _forget(tables.commands),
}
"""By log: drops a bounded number of the oldest rows."""
