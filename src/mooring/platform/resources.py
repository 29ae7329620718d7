"""Status and module values of a device by the names of domain-rules.md section 7, as texts."""

from collections.abc import Mapping
from decimal import Decimal

from mooring.protocol.commands import ModuleInformation, Status

__all__ = ["module_resources", "status_resources"]

_MODULE: Mapping[str, str] = {
    "model": "type",
    "version": "version",
    "mcu_versions": "mcu_version",
    "cell_id": "cell_id",
    "iccid": "icc_id",
    "mcc": "mcc",
    "mnc": "mnc",
    "lac": "lac",
    "phone_number": "phone_num",
    "imsi": "sim_num",
    "sdk_version": "sdk_ver",
    "location_kinds": "locator",
    "data_protocol_version": "data_protocol_ver",
    "communication_protocol_version": "com_protocol_ver",
}


def status_resources(status: Status) -> dict[str, str]:
    """What a 0032 or 0034 reported: numbers without exponent and padding zeros."""
    found = {name: getattr(status, name) for name in Status.__struct_fields__}
    return {name: _number(value) for name, value in found.items() if value is not None}


def module_resources(information: ModuleInformation) -> dict[str, str]:
    """What a 0042 or 0044 reported; the kinds of positions are each followed by ";"."""
    found = {name: getattr(information, member) for member, name in _MODULE.items()}
    return {name: _shown(value) for name, value in found.items() if value is not None}


def _shown(value: object) -> str:
    return "".join(f"{kind};" for kind in value) if isinstance(value, tuple) else str(value)


def _number(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
