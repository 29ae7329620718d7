"""Commands of the device link: frames to typed values and back.

Implements section 6 of contract/device-protocol.md. `decode` gives one frozen value per command and direction, and
`Unknown` for a command that is not in the table or comes from the wrong side: devices ignore those, and so may we.
`encode` is the reverse. `TOPICS`, `REPLIES` and `UPLINK_QOS` say where commands travel and which answer each other.

The types live beside their layouts: `commands_model` (topic level `bus`), `commands_system` (`sys`), `commands_ota`
(`ota`), `commands_subdevice` (gateways); import them from here.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias, overload

import msgspec

from mooring.protocol import commands_model, commands_ota, commands_subdevice, commands_system
from mooring.protocol.commands_codec import Codec, Direction
from mooring.protocol.commands_kinds import Misfit
from mooring.protocol.commands_model import (
    LocationConfiguration,
    LocationReport,
    LocationRequest,
    LocationResponse,
    PassThroughDown,
    PassThroughUp,
    ReadProperties,
    ReadResponse,
    Report,
    WriteProperties,
    call_service,
    report_event,
)
from mooring.protocol.commands_ota import (
    MAX_FILES,
    MAX_PLANS,
    ComponentType,
    FirmwareFile,
    FirmwareInformation,
    UpgradeConfirmation,
    UpgradeNotice,
    UpgradePlan,
    UpgradePlanCheck,
    UpgradeProgress,
    UpgradeStatus,
)
from mooring.protocol.commands_subdevice import (
    Result,
    SubDeviceAnswer,
    SubDeviceAuthentication,
    SubDeviceAuthenticationAnswer,
    SubDeviceLogin,
    SubDeviceLoginAnswer,
    SubDeviceLogout,
    SubDeviceLogoutAnswer,
    SubDeviceOffline,
    SubDeviceRequest,
    SubDeviceWithdrawal,
    SubDeviceWithdrawalAnswer,
)
from mooring.protocol.commands_system import (
    BindCodeReport,
    DeviceConfiguration,
    ExceptionNotice,
    ExceptionReport,
    ModuleInformation,
    ModuleInformationReport,
    ModuleInformationResponse,
    OlderDeviceConfiguration,
    ReadModuleInformation,
    ReadStatus,
    ServerAddress,
    Status,
    StatusReport,
    StatusResponse,
)
from mooring.protocol.commands_topics import REPLIES, TOPICS, UPLINK_QOS, Topic
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import TtlvError

__all__ = [
    "MAX_FILES",
    "MAX_PLANS",
    "REPLIES",
    "TOPICS",
    "UPLINK_QOS",
    "BindCodeReport",
    "CommandError",
    "ComponentType",
    "DeviceConfiguration",
    "Direction",
    "Downlink",
    "ExceptionNotice",
    "ExceptionReport",
    "FirmwareFile",
    "FirmwareInformation",
    "LocationConfiguration",
    "LocationReport",
    "LocationRequest",
    "LocationResponse",
    "ModuleInformation",
    "ModuleInformationReport",
    "ModuleInformationResponse",
    "OlderDeviceConfiguration",
    "PassThroughDown",
    "PassThroughUp",
    "ReadModuleInformation",
    "ReadProperties",
    "ReadResponse",
    "ReadStatus",
    "Report",
    "Result",
    "ServerAddress",
    "Status",
    "StatusReport",
    "StatusResponse",
    "SubDeviceAnswer",
    "SubDeviceAuthentication",
    "SubDeviceAuthenticationAnswer",
    "SubDeviceLogin",
    "SubDeviceLoginAnswer",
    "SubDeviceLogout",
    "SubDeviceLogoutAnswer",
    "SubDeviceOffline",
    "SubDeviceRequest",
    "SubDeviceWithdrawal",
    "SubDeviceWithdrawalAnswer",
    "Topic",
    "Unknown",
    "UpgradeConfirmation",
    "UpgradeNotice",
    "UpgradePlan",
    "UpgradePlanCheck",
    "UpgradeProgress",
    "UpgradeStatus",
    "Uplink",
    "WriteProperties",
    "call_service",
    "command_of",
    "decode",
    "encode",
    "report_event",
]


class CommandError(ValueError):
    """The payload of a known command is malformed, or a value cannot be written as one.

    `field` is the dotted name of the part at fault, "payload" when the whole is no TTLV (exception code 5 of section
    6.4); `reason` never repeats what was given.
    """

    def __init__(self, command: int, field: str, reason: str) -> None:
        super().__init__(command, field, reason)
        self.command = command
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"command {self.command:04X}, {self.field}: {self.reason}"


class Unknown(msgspec.Struct, frozen=True):
    """A frame whose command is not in the table, or comes from the wrong side."""

    command: int
    payload: bytes


Uplink: TypeAlias = (
    commands_model.Uplink | commands_system.Uplink | commands_ota.Uplink | commands_subdevice.Uplink | Unknown
)
Downlink: TypeAlias = (
    commands_model.Downlink | commands_system.Downlink | commands_ota.Downlink | commands_subdevice.Downlink | Unknown
)

_CODECS: tuple[Codec, ...] = (
    *commands_model.CODECS,
    *commands_system.CODECS,
    *commands_ota.CODECS,
    *commands_subdevice.CODECS,
)
_BY_COMMAND: Mapping[Direction, Mapping[int, Codec]] = {
    direction: {codec.command: codec for codec in _CODECS if codec.direction is direction} for direction in Direction
}
_UPLINKS, _DOWNLINKS = _BY_COMMAND[Direction.UP], _BY_COMMAND[Direction.DOWN]
_UP = Direction.UP  # to look up a member of an Enum, or a key that is one, costs 0.2 µs
_BY_TYPE: Mapping[type, Codec] = {codec.type: codec for codec in _CODECS}


@overload
def decode(frame: Frame, direction: Literal[Direction.UP]) -> Uplink: ...


@overload
def decode(frame: Frame, direction: Literal[Direction.DOWN]) -> Downlink: ...


@overload
def decode(frame: Frame, direction: Direction) -> Uplink | Downlink: ...


def decode(frame: Frame, direction: Direction) -> Uplink | Downlink:
    """Return the value a frame carries. Raises `CommandError` when the payload of a known command is malformed."""
    codec = (_UPLINKS if direction is _UP else _DOWNLINKS).get(frame.command)
    if codec is None:
        return Unknown(frame.command, frame.payload)
    try:
        value: Uplink | Downlink = codec.read(frame.payload)
    except TtlvError as error:
        raise CommandError(frame.command, "payload", str(error)) from error
    except Misfit as error:
        raise CommandError(frame.command, error.field, error.reason) from error
    return value


def encode(value: Uplink | Downlink, packet_id: int) -> Frame:
    """Return the frame that carries a value. Raises `CommandError` when a part of it cannot be written.

    The packet id is 1 to FFFE: the next of the sender, or that of the request for the replies in `REPLIES`.
    """
    if isinstance(value, Unknown):
        return Frame(packet_id, value.command, value.payload)
    codec = _BY_TYPE[type(value)]
    try:
        return Frame(packet_id, codec.command, codec.write(value))
    except TtlvError as error:
        raise CommandError(codec.command, "payload", str(error)) from error
    except Misfit as error:
        raise CommandError(codec.command, error.field, error.reason) from error


def command_of(value: Uplink | Downlink) -> int:
    """Return the command code of a value."""
    return value.command if isinstance(value, Unknown) else _BY_TYPE[type(value)].command
