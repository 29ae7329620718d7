"""What calls are given, as members of their requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

When: TypeAlias = datetime | int
"""A moment: an aware datetime, or epoch milliseconds."""

Input: TypeAlias = Any
"""The value of a property or input: bool, int, float, Decimal, str, bytes (RAW), datetime (DATE), a mapping of members
(STRUCT), a sequence (ARRAY)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How a command is sent.

    `cache_s` is for how many seconds it may wait for a device that is offline, None not at all. `cover` replaces the
    commands of the same kind that wait. `qos` is the MQTT QoS of the delivery.
    """

    cache_s: int | None = None
    cover: bool | None = None
    qos: int | None = None

    def members(self) -> dict[str, Any]:
        """Return the members of the request."""
        cached = None if self.cache_s is None else True
        return {"isCache": cached, "cacheTime": self.cache_s, "isCover": self.cover, "qos": self.qos}


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device to be added. `auth_mode` is 0 dynamic, 1 static, 2 X.509; `fingerprint` is SHA-1 in 40 hex digits; `psk`
    is for AEP devices only."""

    device_key: str
    name: str | None = None
    sn: str | None = None
    auth_mode: int | None = None
    fingerprint: str | None = None
    psk: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """New name or serial number of a device; what is None stays."""

    device_key: str
    name: str | None = None
    sn: str | None = None


def new_device_members(device: NewDevice) -> dict[str, Any]:
    """Return a device to be added as the members of a request."""
    return _given(
        deviceKey=device.device_key,
        deviceName=device.name,
        sn=device.sn,
        authMode=device.auth_mode,
        fingerPrint=device.fingerprint,
        psk=device.psk,
    )


def change_members(device: DeviceChange) -> dict[str, Any]:
    """Return the change of a device as the members of a request."""
    return _given(deviceKey=device.device_key, deviceName=device.name, sn=device.sn)


def epoch_ms(moment: When | None) -> int | None:
    """Return a moment in epoch milliseconds. Raises `ValueError` for a datetime without a time zone."""
    if moment is None or isinstance(moment, int):
        return moment
    if moment.tzinfo is None:
        raise ValueError("give a datetime with a time zone, such as datetime.now(UTC)")
    return round(moment.timestamp() * 1000)


def write_text(values: Mapping[str, Input]) -> str:
    """Return the data string that sets properties by code (openapi-notes.md section 9)."""
    return _json([{code: _wire(value)} for code, value in values.items()])


def service_text(service: str, inputs: Mapping[str, Input]) -> str:
    """Return the data string that calls a service by code."""
    return _json([{service: [{code: _wire(value)} for code, value in inputs.items()]}])


def read_text(codes: Sequence[str]) -> str:
    """Return the data string that asks for properties by code."""
    return _json(list(codes))


def raw_members(data: str | bytes) -> dict[str, str]:
    """Return a transparent payload as members of a request: bytes as hex digits, text as it is."""
    if isinstance(data, bytes):
        return {"data": data.hex().upper(), "encode": "Hex"}
    return {"data": data, "encode": "Text"}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _wire(value: Input) -> Any:
    if isinstance(value, Mapping):
        return [{code: _wire(member)} for code, member in value.items()]
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, datetime):
        return str(epoch_ms(value))
    if isinstance(value, Sequence):
        return [{"0": _wire(element)} for element in value]
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    raise TypeError(f"a {type(value).__name__} is no value of a property or input")
