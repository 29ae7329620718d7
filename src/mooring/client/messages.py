"""Messages of a queue as typed values (contract/messages.md sections 2 to 4).

Message                       `raw` is the body as it came; every other member may be missing there
├── Online                    a device came online, went offline, or moved
├── Status                    battery, signal, versions … of a device or its module
├── CommandOutcome            a command was acknowledged, or given up
├── DeviceChanged             added, edited, deleted, reset, authenticated, activated, logged off
├── UserBound                 an end user gained or lost a device
├── RawUplink, RawDownlink    transparent data
├── PropertyReport, PropertyAnswer, PropertyWrite, PropertyRead
├── EventReported
├── ServiceCalled, ServiceAnswered
├── PositionRaw, Position, PositionQuery
├── ProductChanged, ProductAuthorized, UserDomainAuthorized, ThingModelReleased
├── UserChanged               an end user registered, edited the profile, left
└── RuleNotice                a rule of the platform fired

What a cloud sends beyond that is a plain `Message`. Numbers inside `values` and `outputs` are text, as they come.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from mooring.client.types import moment

__all__ = [
    "BadMessage",
    "CommandOutcome",
    "DeviceChanged",
    "EventReported",
    "Message",
    "Online",
    "Position",
    "PositionQuery",
    "PositionRaw",
    "ProductAuthorized",
    "ProductChanged",
    "PropertyAnswer",
    "PropertyRead",
    "PropertyReport",
    "PropertyWrite",
    "RawDownlink",
    "RawUplink",
    "RuleNotice",
    "ServiceAnswered",
    "ServiceCalled",
    "Status",
    "ThingModelReleased",
    "UserBound",
    "UserChanged",
    "UserDomainAuthorized",
    "decode",
]

Json = Mapping[str, Any]


class BadMessage(ValueError):
    """A body that is no message; `body` is what came."""

    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What every message has. `created_at_ms` is when the platform made it, epoch ms; `ticket` an opaque id, that of
    the command where there is one; `gateway` is (product key, device key) of the gateway of a sub-device."""

    type: str
    subtype: str | None = None
    created_at_ms: int | None = None
    ticket: str | None = None
    product_key: str | None = None
    device_key: str | None = None
    gateway: tuple[str, str] | None = None
    raw: Json

    @property
    def created_at(self) -> datetime | None:
        """When the platform made it."""
        return moment(self.created_at_ms)

    @property
    def kind(self) -> str:
        """TYPE, or TYPE/SUBTYPE."""
        return self.type if self.subtype is None else f"{self.type}/{self.subtype}"

    @property
    def data(self) -> Json:
        """The payload as it came; empty when there is none."""
        found = self.raw.get("data")
        return found if isinstance(found, dict) else {}

    def __repr__(self) -> str:
        where = f", {self.product_key}/{self.device_key}" if self.device_key else ""
        return f"{type(self).__name__}({self.kind}{where}, ticket={self.ticket})"


class Online(Message, frozen=True, kw_only=True):
    """`value` is 0 offline, 1 online, 2 registered again while shown online."""

    value: int

    @property
    def is_online(self) -> bool:
        """Whether the device can be reached now."""
        return self.value != 0


class Status(Message, frozen=True, kw_only=True):
    """Keys that were reported, with values as text: battery in percent, voltage in volt, signal_strength in dBm …"""

    packet_id: int | None
    values: Mapping[str, str]


class CommandOutcome(Message, frozen=True, kw_only=True):
    """`sent_at_ms` is when the command left, epoch ms; None when it never did."""

    succeeded: bool
    sent_at_ms: int | None


class DeviceChanged(Message, frozen=True, kw_only=True):
    """`operation` is ADD, UPDATE, DELETE, RESET, AUTH, ACTIVE or LOGOFF; `data` says what, where it says anything."""

    operation: str


class UserBound(Message, frozen=True, kw_only=True):
    """`value` is 0 removed, 1 added, 2 no longer valid because the device was reset."""

    user_id: str
    user_domain: str
    value: int
    cause: int | None


class RawUplink(Message, frozen=True, kw_only=True):
    """Transparent data that a device sent."""

    packet_id: int | None
    payload: bytes


class RawDownlink(Message, frozen=True, kw_only=True):
    """Transparent data that went to a device."""

    payload: bytes


class PropertyReport(Message, frozen=True, kw_only=True):
    """Properties by code that a device reported; `occurred_at_ms` is the device's own time, where it tells it."""

    packet_id: int | None
    values: Json
    occurred_at_ms: int | None


class PropertyAnswer(Message, frozen=True, kw_only=True):
    """Properties by code, the answer to a read with the same ticket."""

    packet_id: int | None
    values: Json


class PropertyWrite(Message, frozen=True, kw_only=True):
    """Properties by code that went to a device."""

    values: Json


class PropertyRead(Message, frozen=True, kw_only=True):
    """Codes of properties that a device was asked for."""

    codes: tuple[str, ...]


class EventReported(Message, frozen=True, kw_only=True):
    """An event; `level` is INFO, WARN or ERROR, `outputs` are by code."""

    level: str
    code: str
    outputs: Json
    packet_id: int | None
    occurred_at_ms: int | None


class ServiceCalled(Message, frozen=True, kw_only=True):
    """A call that went to a device."""

    code: str
    inputs: Json


class ServiceAnswered(Message, frozen=True, kw_only=True):
    """The device's answer to a call with the same ticket."""

    code: str
    outputs: Json
    packet_id: int | None


class PositionRaw(Message, frozen=True, kw_only=True):
    """Sentences as the device sent them."""

    packet_id: int | None
    sentences: tuple[str, ...]


class Position(Message, frozen=True, kw_only=True):
    """A position that was worked out; `latitude` and `longitude` are WGS-84 in signed degrees, None without them."""

    packet_id: int | None
    source: str
    latitude: float | None
    longitude: float | None
    located_at_ms: int | None
    values: Json


class PositionQuery(Message, frozen=True, kw_only=True):
    """The platform asked a device where it is."""

    modes: tuple[str, ...]


class ProductChanged(Message, frozen=True, kw_only=True):
    """`operation` is ADD, UPDATE or DELETE."""

    operation: str


class ProductAuthorized(Message, frozen=True, kw_only=True):
    """`operation` is AUTH or CANCEL_AUTH."""

    operation: str


class UserDomainAuthorized(Message, frozen=True, kw_only=True):
    """`operation` is AUTH or CANCEL_AUTH."""

    operation: str
    user_domain: str


class ThingModelReleased(Message, frozen=True, kw_only=True):
    """`model` is the exported document (contract/tsl.md)."""

    model: Json


class UserChanged(Message, frozen=True, kw_only=True):
    """`operation` is ADD, UPDATE or DELETE."""

    operation: str
    user_id: str
    user_domain: str


class RuleNotice(Message, frozen=True, kw_only=True):
    """`trace_id` is the id of this firing; `data["raw"]` says what fired it."""

    trace_id: str | None


def decode(body: bytes) -> Message:
    """The message of a body. Numbers may be quoted, members beyond those that are known are ignored.

    Raises BadMessage when it is no JSON object, has no `type`, or lacks what its kind is about.
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadMessage(f"the body is not JSON: {error}", body) from None
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise BadMessage("the body is no JSON object with a type", body)
    subtype = found.get("subtype")
    name = found["type"] if not isinstance(subtype, str) else f"{found['type']}/{subtype}"
    data = found.get("data")
    reader = _READERS.get(name)
    try:
        if reader is None:
            return Message(**_head(found))
        kind, members = reader(found, data if isinstance(data, dict) else {})
        return kind(**_head(found), **members)
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"{name}: {type(error).__name__} {error}", body) from None


def _head(found: Json) -> dict[str, Any]:
    gateway = found.get("gateway")
    keys = (gateway.get("productKey"), gateway.get("deviceKey")) if isinstance(gateway, dict) else None
    subtype = found.get("subtype")
    return {
        "type": found["type"],
        "subtype": subtype if isinstance(subtype, str) else None,
        "created_at_ms": _whole(found.get("createdAt")),
        "ticket": _text(found.get("ticket")),
        "product_key": _text(found.get("productKey")),
        "device_key": _text(found.get("deviceKey")),
        "gateway": None if keys is None else (str(keys[0]), str(keys[1])),
        "raw": found,
    }


def _whole(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, int | str):
        return int(value)
    raise ValueError("a number was expected")


def _degrees(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | str) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _kv(data: Json) -> Json:
    found = data.get("kv", {})
    if not isinstance(found, dict):
        raise ValueError("kv is no object")
    return found


def _payload(data: Json) -> bytes:
    try:
        return base64.b64decode(data["raw"], validate=True)
    except binascii.Error:
        raise ValueError("raw is not base64") from None


def _packet(data: Json) -> int | None:
    return _whole(data.get("packetId"))


def _occurred(found: Json) -> int | None:
    more = found.get("extData")
    return _whole(more.get("occurredAt")) if isinstance(more, dict) else None


_Read = tuple[type[Message], dict[str, Any]]
_Reader = Callable[[Json, Json], _Read]


def _status(_found: Json, data: Json) -> _Read:
    values = {name: str(value) for name, value in _kv(data).items()}
    return Status, {"packet_id": _packet(data), "values": values}


def _outcome(_found: Json, data: Json) -> _Read:
    return CommandOutcome, {"succeeded": data["status"] == "succ", "sent_at_ms": _whole(data.get("sentAt"))}


def _bound(_found: Json, data: Json) -> _Read:
    return UserBound, {
        "user_id": str(data["endUserId"]),
        "user_domain": str(data["endUserDomain"]),
        "value": _whole(data["value"]),
        "cause": _whole(data.get("invalidCause")),
    }


def _report(found: Json, data: Json) -> _Read:
    return PropertyReport, {"packet_id": _packet(data), "values": _kv(data), "occurred_at_ms": _occurred(found)}


def _event(found: Json, data: Json) -> _Read:
    return EventReported, {
        "level": str(found["subtype"]),
        "code": str(data["code"]),
        "outputs": _kv(data),
        "packet_id": _packet(data),
        "occurred_at_ms": _occurred(found),
    }


def _position(_found: Json, data: Json) -> _Read:
    values = _kv(data)
    pair = values.get("wgs_84")
    degrees = pair if isinstance(pair, dict) else {}
    return Position, {
        "packet_id": _packet(data),
        "source": str(data["type"]),
        "latitude": _degrees(degrees.get("lat")),
        "longitude": _degrees(degrees.get("lng")),
        "located_at_ms": _whole(values.get("locateTime")),
        "values": values,
    }


def _user(operation: str) -> _Reader:
    return lambda _found, data: (
        UserChanged,
        {"operation": operation, "user_id": str(data["endUserId"]), "user_domain": str(data["endUserDomain"])},
    )


def _operation(kind: type[Message]) -> _Reader:
    return lambda found, _data: (kind, {"operation": str(found["operation"])})


_READERS: Mapping[str, _Reader] = {
    "ONLINE": lambda _, data: (Online, {"value": _whole(data["value"])}),
    "STATUS": _status,
    "REQACK": _outcome,
    "META_EVENT/DEVICE": _operation(DeviceChanged),
    "ENDUSER/USER-BIND": _bound,
    "RAW/UPLINK": lambda _, data: (RawUplink, {"packet_id": _packet(data), "payload": _payload(data)}),
    "RAW/DOWNLINK": lambda _, data: (RawDownlink, {"payload": _payload(data)}),
    "MATTR/REPORT": _report,
    "MATTR/READRESP": lambda _, data: (PropertyAnswer, {"packet_id": _packet(data), "values": _kv(data)}),
    "MATTR/WRITE": lambda _, data: (PropertyWrite, {"values": _kv(data)}),
    "MATTR/READ": lambda _, data: (PropertyRead, {"codes": tuple(map(str, data.get("keys", ())))}),
    "MEVENT/INFO": _event,
    "MEVENT/WARN": _event,
    "MEVENT/ERROR": _event,
    "MSERV/INPUT": lambda _, data: (ServiceCalled, {"code": str(data["code"]), "inputs": _kv(data)}),
    "MSERV/OUTPUT": lambda _, data: (
        ServiceAnswered,
        {"code": str(data["code"]), "outputs": _kv(data), "packet_id": _packet(data)},
    ),
    "LOCATION/INFO-RAW": lambda _, data: (
        PositionRaw,
        {"packet_id": _packet(data), "sentences": tuple(map(str, data.get("raw", ())))},
    ),
    "LOCATION/INFO-KV": _position,
    "LOCATION/QUERY": lambda _, data: (PositionQuery, {"modes": tuple(map(str, data.get("keys", ())))}),
    "META_EVENT/PRODUCT": _operation(ProductChanged),
    "META_EVENT/GRANT_AUTHORIZED": _operation(ProductAuthorized),
    "META_EVENT/GRANT_USER_DOMAIN": lambda found, _: (
        UserDomainAuthorized,
        {"operation": str(found["operation"]), "user_domain": str(found["userDomain"])},
    ),
    "META_EVENT/THING_MODEL": lambda _, data: (ThingModelReleased, {"model": dict(data["tslJson"])}),
    "ENDUSER/USER-ADD": _user("ADD"),
    "ENDUSER/USER-UPDATE": _user("UPDATE"),
    "ENDUSER/USER-DELETE": _user("DELETE"),
    "CEP_RULE/NOTICE": lambda found, _: (RuleNotice, {"trace_id": _text(found.get("traceId"))}),
}
