"""Commands of the `sys` topics: status, module information, configuration of a device, exception notices.

Implements sections 3, 6.2, 6.3 and 6.4 of contract/device-protocol.md. An attribute that is None was not sent.
"""

from decimal import Decimal
from typing import TypeAlias

import msgspec

from mooring.protocol.commands_codec import Direction, Item, Layout, ids_codec, layout_codec, struct
from mooring.protocol.commands_kinds import FLAG, INTEGER, NAMES, NUMBER, TEXT, data, text

__all__ = [
    "CODECS",
    "BindCodeReport",
    "DeviceConfiguration",
    "Downlink",
    "ExceptionNotice",
    "ExceptionReport",
    "ModuleInformation",
    "ModuleInformationReport",
    "ModuleInformationResponse",
    "OlderDeviceConfiguration",
    "ReadModuleInformation",
    "ReadStatus",
    "ServerAddress",
    "Status",
    "StatusReport",
    "StatusResponse",
    "Uplink",
]

MAX_SECRET = 32  # characters of a product key, product secret or device secret
SESSION_KEY = 16  # bytes that count of a session key


class ReadStatus(msgspec.Struct, frozen=True):
    """0031: asks for ids of `Status`. SDK 2.9.0 never answers."""

    ids: tuple[int, ...]


class Status(msgspec.Struct, frozen=True):
    """What 0032 and 0034 carry. Devices leave out what they cannot get, or send 0."""

    battery: Decimal | None = None  # percent
    voltage: Decimal | None = None  # volt
    signal_strength: Decimal | None = None  # dBm, negative
    memory_free: Decimal | None = None  # bytes of flash
    rsrp: Decimal | None = None  # dBm
    rsrq: Decimal | None = None  # dB
    snr: Decimal | None = None  # dB


class StatusResponse(Status, frozen=True):
    """0032: answers 0031 with its packet id."""


class StatusReport(Status, frozen=True):
    """0034: sent after each successful subscribe, and when the device's application asks."""


class ReadModuleInformation(msgspec.Struct, frozen=True):
    """0041: asks for ids of `ModuleInformation`. SDK 2.9.0 never answers."""

    ids: tuple[int, ...]


class ModuleInformation(msgspec.Struct, frozen=True):
    """What 0042 and 0044 carry."""

    model: str | None = None
    version: str | None = None  # of the module's firmware
    mcu_versions: str | None = None  # "name:version" joined by ";"
    cell_id: int | None = None
    iccid: str | None = None
    mcc: int | None = None
    mnc: int | None = None
    lac: int | None = None
    phone_number: str | None = None
    imsi: str | None = None
    sdk_version: str | None = None
    location_kinds: tuple[str, ...] | None = None
    data_protocol_version: str | None = None
    communication_protocol_version: str | None = None


class ModuleInformationResponse(ModuleInformation, frozen=True):
    """0042: answers 0041 with its packet id."""


class ModuleInformationReport(ModuleInformation, frozen=True):
    """0044: sent after each successful subscribe."""


class ExceptionNotice(msgspec.Struct, frozen=True):
    """00A3: tells a device why it is refused. Section 2.3 says what it does for which code."""

    code: int
    packet_id: int | None = None  # of the frame that caused it
    product_key: str | None = None  # of the sub-device concerned
    device_key: str | None = None


class ExceptionReport(ExceptionNotice, frozen=True):
    """00A4: a device tells why it refused a frame."""


class ServerAddress(msgspec.Struct, frozen=True):
    """Where a device shall connect. Two empty texts and port 0 make it forget a stored address."""

    domain: str
    ip: str
    port: int


class DeviceConfiguration(msgspec.Struct, frozen=True):
    """00B4: delivers secrets and keys, moves a device to another server or product, or makes it start over."""

    server: ServerAddress | None = None
    device_secret: str | None = None  # at most 32 characters, plain
    session_key: bytes | None = None  # the first 16 bytes count
    product_key: str | None = None  # new one, the device reconnects under it
    product_secret: str | None = None
    authenticate_again: bool = False  # forget the device secret, come back with step 0
    replacement_secret: str | None = None  # for a connected device, which reconnects with it
    bind_code: bytes | None = None


class OlderDeviceConfiguration(DeviceConfiguration, frozen=True):
    """00B3: the same in an older form."""


class BindCodeReport(msgspec.Struct, frozen=True):
    """00B5: defined, but never sent by SDK 2.9.0; has no topic there, `sys` here."""

    bind_code: bytes
    valid_s: int | None = None  # 0 takes the code back


Uplink: TypeAlias = (
    StatusResponse
    | StatusReport
    | ModuleInformationResponse
    | ModuleInformationReport
    | ExceptionReport
    | BindCodeReport
)
Downlink: TypeAlias = (
    ReadStatus | ReadModuleInformation | ExceptionNotice | OlderDeviceConfiguration | DeviceConfiguration
)

_STATUS = (
    Item(1, "battery", NUMBER),
    Item(2, "voltage", NUMBER),
    Item(3, "signal_strength", NUMBER),
    Item(4, "memory_free", NUMBER),
    Item(5, "rsrp", NUMBER),
    Item(6, "rsrq", NUMBER),
    Item(7, "snr", NUMBER),
)

_MODULE_INFORMATION = (
    Item(1, "model", TEXT),
    Item(2, "version", TEXT),
    Item(3, "mcu_versions", TEXT),
    Item(4, "cell_id", INTEGER),
    Item(5, "iccid", TEXT),
    Item(6, "mcc", INTEGER),
    Item(7, "mnc", INTEGER),
    Item(8, "lac", INTEGER),
    Item(9, "phone_number", TEXT),
    Item(10, "imsi", TEXT),
    Item(11, "sdk_version", TEXT),
    Item(12, "location_kinds", NAMES),
    Item(13, "data_protocol_version", TEXT),
    Item(14, "communication_protocol_version", TEXT),
)

_EXCEPTION = (
    Item(1, "code", INTEGER, required=True),
    Item(2, "packet_id", INTEGER),
    Item(3, "product_key", TEXT),
    Item(4, "device_key", TEXT),
)

_SERVER = Layout(
    ServerAddress,
    Item(2, "domain", TEXT, required=True),
    Item(3, "ip", TEXT, required=True),
    Item(4, "port", INTEGER, required=True),
)

_CONFIGURATION = (
    Item(1, "server", struct(_SERVER)),
    Item(5, "device_secret", text(MAX_SECRET)),
    Item(6, "session_key", data(least=SESSION_KEY)),
    Item(7, "product_key", text(MAX_SECRET)),
    Item(8, "product_secret", text(MAX_SECRET)),
    Item(9, "authenticate_again", FLAG, default=False),
    Item(10, "replacement_secret", text(MAX_SECRET)),
    Item(11, "bind_code", data()),
)

CODECS = (
    ids_codec(0x0031, Direction.DOWN, ReadStatus),
    layout_codec(0x0032, Direction.UP, StatusResponse, *_STATUS),
    layout_codec(0x0034, Direction.UP, StatusReport, *_STATUS),
    ids_codec(0x0041, Direction.DOWN, ReadModuleInformation),
    layout_codec(0x0042, Direction.UP, ModuleInformationResponse, *_MODULE_INFORMATION),
    layout_codec(0x0044, Direction.UP, ModuleInformationReport, *_MODULE_INFORMATION),
    layout_codec(0x00A3, Direction.DOWN, ExceptionNotice, *_EXCEPTION),
    layout_codec(0x00A4, Direction.UP, ExceptionReport, *_EXCEPTION),
    layout_codec(0x00B3, Direction.DOWN, OlderDeviceConfiguration, *_CONFIGURATION),
    layout_codec(0x00B4, Direction.DOWN, DeviceConfiguration, *_CONFIGURATION),
    layout_codec(
        0x00B5, Direction.UP, BindCodeReport, Item(11, "bind_code", data(), required=True), Item(12, "valid_s", INTEGER)
    ),
)
