"""Statements about commands and their timelines."""

import msgspec
from sqlalchemy import bindparam, insert, select

from . import tables
from .statement import Change, Query

__all__ = ["ADD", "ONE", "CommandRow"]

_commands = tables.commands


class CommandRow(msgspec.Struct, frozen=True, gc=False):
    """One command to one device. `id` is the ticket; each time (epoch ms) is a step that has evidence.

    `kind` is read, property, service or raw; `input` and `output` are JSON (dmData form), or base64 for raw ones.
    """

    id: int
    device_id: int
    app_id: int | None
    origin: str
    kind: str
    feature_id: int | None
    cmd: int
    payload: bytes
    input: str
    output: str | None
    qos: int
    packet_id: int | None
    waits: bool
    open: bool
    expires_at: int | None
    reply_id: int | None
    failure: str | None
    accepted_at: int
    cached_at: int | None
    published_at: int | None
    delivered_at: int | None
    answered_at: int | None
    reported_at: int | None
    failed_at: int | None
    expired_at: int | None


ONE = Query(select(_commands).where(_commands.c.id == bindparam("ticket")), CommandRow)
ADD = Change(insert(_commands))
