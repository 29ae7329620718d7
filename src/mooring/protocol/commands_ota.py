"""Commands of the `ota` topics: firmware upgrade.

Implements section 7 of contract/device-protocol.md. 0113 must reach a device within 30 s after status 2.
"""

import enum
from typing import TypeAlias

import msgspec

from mooring.protocol.commands_codec import Direction, Item, Layout, array, layout_codec
from mooring.protocol.commands_kinds import FLAG, INTEGER, TEXT, text

__all__ = [
    "CODECS",
    "MAX_FILES",
    "MAX_PLANS",
    "ComponentType",
    "Downlink",
    "FirmwareFile",
    "FirmwareInformation",
    "UpgradeConfirmation",
    "UpgradeNotice",
    "UpgradePlan",
    "UpgradePlanCheck",
    "UpgradeProgress",
    "UpgradeStatus",
    "Uplink",
]

MAX_PLANS = 20  # of one notice
MAX_FILES = 5  # of one firmware
MAX_COMPONENT = 32  # bytes of a component's name
MAX_VERSION = 64  # bytes of a version


class ComponentType(enum.IntEnum):
    """What is upgraded (id 7)."""

    MODULE = 0
    MCU = 1


class UpgradeStatus(enum.IntEnum):
    """Steps of an upgrade (id 13). The names are the texts of id 14, spelt as devices spell them."""

    NOPLAN = 0
    REVICEPLAN = 1
    SUBMITOTA = 2
    REFUSEDOTA = 3
    DOWNLOADSTART = 4
    DOWNLOADING = 5
    DOWNLOADERROR = 6
    DOWNLOADSUCCESS = 8
    UPDATING = 9
    UPDATESUCCESS = 11
    UPDATEERROR = 12


class UpgradePlan(msgspec.Struct, frozen=True):
    """One upgrade on offer. Component, both versions and type are always written: a missing one can crash SDK 2.9.0."""

    component: str
    target_version: str
    component_type: int
    source_version: str = ""
    least_battery: int | None = None  # percent
    space_needed: int | None = None
    least_signal: int | None = None  # dBm, negative
    handling_mode: int | None = None


class UpgradeNotice(UpgradePlan, frozen=True):
    """0111: offers an upgrade; answered by 0114 with status 1. `plans` is for devices that take several."""

    plans: tuple[UpgradePlan, ...] = ()


class UpgradeConfirmation(msgspec.Struct, frozen=True):
    """0112: accepts or delays. SDK 2.9.0 never sends it; the unit of the delay is not known."""

    accepted: bool
    delay: int | None = None


class FirmwareFile(msgspec.Struct, frozen=True):
    """One of several files of a firmware."""

    url: str
    size: int  # bytes
    md5: str  # 32 lower-case hex digits
    index: int


class FirmwareInformation(msgspec.Struct, frozen=True):
    """0113: where the firmware is. Each attribute without a default is required by devices."""

    url: str
    size: int  # bytes
    md5: str  # 32 lower-case hex digits
    component: str
    target_version: str
    component_type: int
    crc: str  # of the file as hex text, CRC-32 assumed; handed to the MCU
    sha256: str | None = None  # hex; required when the device asked for the digest
    files: tuple[FirmwareFile, ...] = ()


class UpgradeProgress(msgspec.Struct, frozen=True):
    """0114: how far an upgrade is. `status` is an `UpgradeStatus`, or a number newer devices know."""

    status: int
    status_name: str | None = None
    component_type: int | None = None
    component: str | None = None
    wanted_digest: str | None = None  # "sha256" with status 2
    module_version: str | None = None  # with status 11 and 12, as the next
    mcu_versions: str | None = None


class UpgradePlanCheck(msgspec.Struct, frozen=True):
    """0115: asks whether there is a plan; answered by 0111 when there is."""

    module_version: str | None = None
    mcu_versions: str | None = None


Uplink: TypeAlias = UpgradeConfirmation | UpgradeProgress | UpgradePlanCheck
Downlink: TypeAlias = UpgradeNotice | FirmwareInformation

_COMPONENT = Item(4, "component", text(MAX_COMPONENT), required=True)
_TARGET_VERSION = Item(6, "target_version", text(MAX_VERSION), required=True)
_COMPONENT_TYPE = Item(7, "component_type", INTEGER, required=True)
_MODULE_VERSION = Item(25, "module_version", TEXT)
_MCU_VERSIONS = Item(26, "mcu_versions", TEXT)

_PLAN = (
    _COMPONENT,
    Item(5, "source_version", text(MAX_VERSION)),
    _TARGET_VERSION,
    _COMPONENT_TYPE,
    Item(8, "least_battery", INTEGER),
    Item(9, "space_needed", INTEGER),
    Item(10, "least_signal", INTEGER),
    Item(27, "handling_mode", INTEGER),
)

_FILE = (
    Item(1, "url", TEXT, required=True),
    Item(2, "size", INTEGER, required=True),
    Item(3, "md5", TEXT, required=True),
)

CODECS = (
    layout_codec(
        0x0111,
        Direction.DOWN,
        UpgradeNotice,
        *_PLAN,
        Item(28, "plans", array(Layout(UpgradePlan, *_PLAN), MAX_PLANS), default=()),
    ),
    layout_codec(
        0x0112,
        Direction.UP,
        UpgradeConfirmation,
        Item(11, "accepted", FLAG, required=True),
        Item(12, "delay", INTEGER),
    ),
    layout_codec(
        0x0113,
        Direction.DOWN,
        FirmwareInformation,
        *_FILE,
        _COMPONENT,
        _TARGET_VERSION,
        _COMPONENT_TYPE,
        Item(15, "crc", TEXT, required=True),
        Item(16, "sha256", TEXT),
        Item(
            20,
            "files",
            array(Layout(FirmwareFile, *_FILE, Item(30, "index", INTEGER, required=True)), MAX_FILES),
            default=(),
        ),
    ),
    layout_codec(
        0x0114,
        Direction.UP,
        UpgradeProgress,
        Item(13, "status", INTEGER, required=True),
        Item(14, "status_name", TEXT),
        Item(7, "component_type", INTEGER),
        Item(4, "component", TEXT),
        Item(19, "wanted_digest", TEXT),
        _MODULE_VERSION,
        _MCU_VERSIONS,
    ),
    layout_codec(0x0115, Direction.UP, UpgradePlanCheck, _MODULE_VERSION, _MCU_VERSIONS),
)
