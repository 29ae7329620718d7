"""The ids of named items, against the tables of sections 3, 6.2, 6.3, 6.4 and 7 of contract/device-protocol.md."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from mooring.protocol import ttlv
from mooring.protocol.commands import (
    BindCodeReport,
    DeviceConfiguration,
    ExceptionNotice,
    ExceptionReport,
    FirmwareFile,
    FirmwareInformation,
    LocationReport,
    LocationRequest,
    LocationResponse,
    ModuleInformationReport,
    ModuleInformationResponse,
    OlderDeviceConfiguration,
    ServerAddress,
    StatusReport,
    StatusResponse,
    UpgradeConfirmation,
    UpgradeNotice,
    UpgradePlan,
    UpgradePlanCheck,
    UpgradeProgress,
    encode,
)
from mooring.protocol.ttlv import Field

STATUS = {
    "battery": 1,
    "voltage": 2,
    "signal_strength": 3,
    "memory_free": 4,
    "rsrp": 5,
    "rsrq": 6,
    "snr": 7,
}
MODULE_INFORMATION = {
    "model": 1,
    "version": 2,
    "mcu_versions": 3,
    "cell_id": 4,
    "iccid": 5,
    "mcc": 6,
    "mnc": 7,
    "lac": 8,
    "phone_number": 9,
    "imsi": 10,
    "sdk_version": 11,
    "location_kinds": 12,
    "data_protocol_version": 13,
    "communication_protocol_version": 14,
}
EXCEPTION = {"code": 1, "packet_id": 2, "product_key": 3, "device_key": 4}
CONFIGURATION = {
    "server": 1,
    "device_secret": 5,
    "session_key": 6,
    "product_key": 7,
    "product_secret": 8,
    "authenticate_again": 9,
    "replacement_secret": 10,
    "bind_code": 11,
}
PLAN = {
    "component": 4,
    "source_version": 5,
    "target_version": 6,
    "component_type": 7,
    "least_battery": 8,
    "space_needed": 9,
    "least_signal": 10,
    "handling_mode": 27,
}
FIRMWARE = {
    "url": 1,
    "size": 2,
    "md5": 3,
    "component": 4,
    "target_version": 6,
    "component_type": 7,
    "crc": 15,
    "sha256": 16,
    "files": 20,
}
PROGRESS = {
    "status": 13,
    "status_name": 14,
    "component_type": 7,
    "component": 4,
    "wanted_digest": 19,
    "module_version": 25,
    "mcu_versions": 26,
}
TABLES = {
    StatusReport: STATUS,
    StatusResponse: STATUS,
    ModuleInformationReport: MODULE_INFORMATION,
    ModuleInformationResponse: MODULE_INFORMATION,
    ExceptionNotice: EXCEPTION,
    ExceptionReport: EXCEPTION,
    DeviceConfiguration: CONFIGURATION,
    OlderDeviceConfiguration: CONFIGURATION,
    BindCodeReport: {"bind_code": 11, "valid_s": 12},
    LocationReport: {"text": 2},
    LocationResponse: {"text": 2},
    LocationRequest: {"kinds": 1},
    UpgradeNotice: {**PLAN, "plans": 28},
    UpgradeConfirmation: {"accepted": 11, "delay": 12},
    FirmwareInformation: FIRMWARE,
    UpgradeProgress: PROGRESS,
    UpgradePlanCheck: {"module_version": 25, "mcu_versions": 26},
}


def full(type_: type[Any]) -> Any:
    """Return a value whose attributes are all set, and set to different values."""
    return type_(
        **{field.name: _different(field.type, number) for number, field in enumerate(msgspec.structs.fields(type_), 1)}
    )


def _different(annotation: Any, number: int) -> Any:
    for type_, value in (
        (bool, True),
        (int, number),
        (Decimal, Decimal(number)),
        (str, f"text {number}"),
        (bytes, f"sixteen bytes {number}".ljust(16).encode()),
        (tuple[str, ...], (f"name {number}",)),
    ):
        if annotation in (type_, type_ | None):
            return value
    if annotation == tuple[UpgradePlan, ...]:
        return (full(UpgradePlan),)
    if annotation == tuple[FirmwareFile, ...]:
        return (full(FirmwareFile),)
    return full(ServerAddress)


def on_the_wire(value: object) -> object:
    """Return an attribute as TTLV carries it; None for a nested one."""
    match value:
        case bool():
            return value
        case int():
            return Decimal(value)
        case str():
            return value.encode()
        case (str(name),):
            return f"{name};".encode()
        case Decimal() | bytes():
            return value
        case _:
            return None


@pytest.mark.parametrize("type_", TABLES, ids=lambda type_: type_.__name__)
def test_every_attribute_travels_under_its_id(type_: Any) -> None:
    value = full(type_)
    fields = ttlv.decode(encode(value, 1).payload)
    assert {field.id for field in fields} == set(TABLES[type_].values())
    by_id = {field.id: field.value for field in fields}
    for name, ident in TABLES[type_].items():
        wire = on_the_wire(getattr(value, name))
        assert wire is None or by_id[ident] == wire, name


def nested(value: Any, ident: int) -> list[Field]:
    [members] = [field.value for field in ttlv.decode(encode(value, 1).payload) if field.id == ident]
    assert isinstance(members, list)
    return members


def test_members_of_structs_travel_under_their_ids() -> None:
    server = full(ServerAddress)
    assert nested(full(DeviceConfiguration), 1) == [
        Field(2, server.domain.encode()),
        Field(3, server.ip.encode()),
        Field(4, Decimal(server.port)),
    ]
    [file] = nested(full(FirmwareInformation), 20)
    [plan] = nested(full(UpgradeNotice), 28)
    assert (file.id, plan.id) == (0, 0)
    assert isinstance(file.value, list)
    assert isinstance(plan.value, list)
    assert [member.id for member in file.value] == [1, 2, 3, 30]
    assert [member.id for member in plan.value] == sorted(PLAN.values())
