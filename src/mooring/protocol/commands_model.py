"""Commands of the `bus` topics: thing model data, pass-through and location.

Implements sections 6, 6.1 and 6.5 of contract/device-protocol.md. What a field means is for the thing model to say;
here a field is an id and a value. A property is a field; an event or the call of a service is a struct under its id
whose members are the parameters. The contract knows no command for the answer of a service: newer devices have one
whose code is not public. Until it is, an answer is a report of a struct under the service's id.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from mooring.protocol.commands_codec import Direction, Item, fields_codec, ids_codec, layout_codec, raw_codec
from mooring.protocol.commands_kinds import NAMES, TEXT
from mooring.protocol.ttlv import Field

__all__ = [
    "CODECS",
    "Downlink",
    "LocationConfiguration",
    "LocationReport",
    "LocationRequest",
    "LocationResponse",
    "PassThroughDown",
    "PassThroughUp",
    "ReadProperties",
    "ReadResponse",
    "Report",
    "Uplink",
    "WriteProperties",
    "call_service",
    "report_event",
]


class ReadProperties(msgspec.Struct, frozen=True):
    """0011: asks for properties. No ids is allowed, and devices differ in what they then answer: list them."""

    ids: tuple[int, ...]


class ReadResponse(msgspec.Struct, frozen=True):
    """0012: the properties a device returns for 0011, maybe fewer than asked, with the packet id of the request."""

    fields: list[Field]


class WriteProperties(msgspec.Struct, frozen=True):
    """0013: writes properties, or calls services (`call_service`). Has no answer; take the next report as truth."""

    fields: list[Field]


class Report(msgspec.Struct, frozen=True):
    """0014: properties and events a device reports, and by our reading answers of services."""

    fields: list[Field]


class PassThroughDown(msgspec.Struct, frozen=True):
    """0023: bytes of the application to the device."""

    data: bytes


class PassThroughUp(msgspec.Struct, frozen=True):
    """0024: bytes of the device to the application."""

    data: bytes


class LocationConfiguration(msgspec.Struct, frozen=True):
    """0121: not implemented in the SDK, content unknown; kept as bytes."""

    data: bytes


class LocationReport(msgspec.Struct, frozen=True):
    """0122: sentences each followed by ";"; `nmea` reads them."""

    text: str


class LocationRequest(msgspec.Struct, frozen=True):
    """0123: asks for positions of these kinds: AUTO, LBS, or names of NMEA sentences such as GGA."""

    kinds: tuple[str, ...]


class LocationResponse(msgspec.Struct, frozen=True):
    """0124: as 0122, with the packet id of the request."""

    text: str


def call_service(service_id: int, inputs: Sequence[Field]) -> WriteProperties:
    """Return the command that calls a service with its input parameters."""
    return WriteProperties([Field(service_id, list(inputs))])


def report_event(event_id: int, outputs: Sequence[Field]) -> Report:
    """Return the report of an event with its output parameters; none make an empty struct."""
    return Report([Field(event_id, list(outputs))])


Uplink: TypeAlias = ReadResponse | Report | PassThroughUp | LocationReport | LocationResponse
Downlink: TypeAlias = ReadProperties | WriteProperties | PassThroughDown | LocationConfiguration | LocationRequest

_TEXT = Item(2, "text", TEXT, required=True)

CODECS = (
    ids_codec(0x0011, Direction.DOWN, ReadProperties),
    fields_codec(0x0012, Direction.UP, ReadResponse),
    fields_codec(0x0013, Direction.DOWN, WriteProperties),
    fields_codec(0x0014, Direction.UP, Report),
    raw_codec(0x0023, Direction.DOWN, PassThroughDown),
    raw_codec(0x0024, Direction.UP, PassThroughUp),
    raw_codec(0x0121, Direction.DOWN, LocationConfiguration),
    layout_codec(0x0122, Direction.UP, LocationReport, _TEXT),
    layout_codec(0x0123, Direction.DOWN, LocationRequest, Item(1, "kinds", NAMES, required=True)),
    layout_codec(0x0124, Direction.UP, LocationResponse, _TEXT),
)
