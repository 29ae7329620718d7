"""Rows of the logs that an uplink makes, in the order of the columns of their tables."""

from binascii import b2a_base64
from collections.abc import Sequence

import msgspec

from mooring.protocol.frame import Frame
from mooring.thingmodel import DecodedEvent, Misfit

__all__ = ["MAX_LISTED", "EventType", "data_row", "event_row", "exception_row", "misfit_reason"]

MAX_LISTED = 100  # id paths that an exception names; the payload beside them holds the rest

_UP, _SENT = 1, 1
_encode = msgspec.json.Encoder().encode

EventType = {"INFO": 3, "WARN": 4, "ERROR": 5}
"""Type of the event log by the kind of a model's event (domain-rules.md section 4)."""

Row = tuple[object, ...]


def data_row(log_id: int, device_id: int, frame: Frame, dm_data: str | None, ticket: int, at_ms: int) -> Row:
    """A message as it came; an uplink is sent, and sent when it arrived."""
    data = b2a_base64(frame.payload, newline=False).decode()
    packet_id = frame.packet_id
    return log_id, device_id, _UP, frame.command, packet_id, data, dm_data, ticket, _SENT, at_ms, at_ms, at_ms


def event_row(log_id: int, device_id: int, event: DecodedEvent, packet_id: int, at_ms: int) -> Row:
    """An event of the model, with its outputs by code."""
    kind, output = EventType[event.sub_type], _encode(event.outputs).decode()
    return log_id, device_id, kind, event.feature_id, event.code, event.name, output, packet_id, None, at_ms


def exception_row(
    log_id: int,
    device_id: int,
    cmd: int | None,
    packet_id: int | None,
    reason: str,
    misfits: Sequence[Misfit],
    payload: bytes,
    at_ms: int,
) -> Row:
    """What could not be taken of a message, with all of it."""
    ids = _encode([misfit.ids for misfit in misfits[:MAX_LISTED]]).decode()
    data = b2a_base64(payload, newline=False).decode()
    return log_id, device_id, cmd, packet_id, reason, ids, data, at_ms


def misfit_reason(misfits: Sequence[Misfit]) -> str:
    """Why items of a report did not fit: each reason with the ids it is about."""
    about: dict[str, list[str]] = {}
    for misfit in misfits[:MAX_LISTED]:
        about.setdefault(misfit.reason, []).append(".".join(map(str, misfit.ids)))
    text = "; ".join(f"{reason} (id {', '.join(ids)})" for reason, ids in about.items())
    more = len(misfits) - MAX_LISTED
    return f"{text}; and {more} more" if more > 0 else text
