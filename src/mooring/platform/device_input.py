"""What is given about devices: what to add, to change, to look for, and the checks of it."""

from collections.abc import Sequence

import msgspec

from .entities import Device
from .errors import Conflict, Invalid
from .fields import check_choice, check_key, check_range, check_text, like_pattern

__all__ = [
    "DYNAMIC",
    "MAX_PAGE",
    "STATIC",
    "X509",
    "DeviceChanges",
    "DeviceFilter",
    "NewDevice",
    "apply_changes",
    "check_changes",
    "check_device_key",
    "check_distinct",
    "check_distinct_numbers",
    "check_new",
    "filter_params",
    "skip_of",
]

MAX_PAGE = 1_000  # rows of a page
DYNAMIC, STATIC, X509 = 0, 1, 2  # auth_mode


class NewDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device to add. `auth_mode` 0 dynamic, 1 static (a DeviceSecret is made), 2 X.509 with an optional SHA-1
    `fingerprint`, 40 hex digits; the name is the DeviceKey unless given."""

    device_key: str
    name: str | None = None
    sn: str | None = None
    auth_mode: int = DYNAMIC
    fingerprint: str | None = None


class DeviceChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a device; a member that is not given stays, an `sn` of None is taken away."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    sn: str | msgspec.UnsetType | None = msgspec.UNSET


class DeviceFilter(msgspec.Struct, frozen=True):
    """Which devices a list shows. `device_key` and `sn` match as a whole, `name` and `text` (key, name or SN) in
    part and in either case; None means any."""

    device_key: str | None = None
    sn: str | None = None
    name: str | None = None
    text: str | None = None
    online: bool | None = None
    activated: bool | None = None
    enabled: bool | None = None
    virtual: bool | None = None
    auth_mode: int | None = None


def filter_params(chosen: DeviceFilter) -> dict[str, object]:
    """The parameters of the statements that list devices."""
    return {
        "of_key": chosen.device_key or "",
        "of_sn": chosen.sn or "",
        "like_name": like_pattern(chosen.name),
        "like_text": like_pattern(chosen.text),
        "is_online": _switch_param(chosen.online),
        "is_activated": _switch_param(chosen.activated),
        "is_enabled": _switch_param(chosen.enabled),
        "is_virtual": _switch_param(chosen.virtual),
        "of_auth_mode": -1 if chosen.auth_mode is None else chosen.auth_mode,
    }


def _switch_param(wanted: bool | None) -> int:
    return -1 if wanted is None else int(wanted)


def skip_of(number: int, size: int) -> int:
    """How many rows come before a page. Raises Invalid."""
    check_range("page number", number, 1, 2**31 - 1)
    check_range("page size", size, 1, MAX_PAGE)
    return (number - 1) * size


def check_new(new: NewDevice, index: int | None) -> NewDevice:
    """The device with name, SN and fingerprint in the form they are kept. Raises Invalid; with an `index`, its `field`
    is that of a member of a batch."""
    try:
        check_device_key(new.device_key)
        check_choice("auth_mode", new.auth_mode, (DYNAMIC, STATIC, X509))
        name = check_name(new.name) if new.name else None
        sn = check_serial_number(new.sn) if new.sn else None
        fingerprint = _fingerprint(new)
    except Invalid as error:
        if index is None:
            raise
        place = f"devices[{index}].{error.field}"
        raise Invalid(error.code, error.message, field=place, wire=error.wire) from None
    return NewDevice(new.device_key, name, sn, new.auth_mode, fingerprint)


def check_device_key(device_key: str) -> None:
    """4 to 32 letters and digits. Raises Invalid."""
    check_key("device_key", device_key, "[A-Za-z0-9]{4,32}", "4 to 32 letters and digits")


def check_name(name: str) -> str:
    """The name without surrounding blanks. Raises Invalid."""
    return check_text("name", name, low=1, high=254)


def check_serial_number(sn: str) -> str:
    """The SN without surrounding blanks. Raises Invalid."""
    text = check_text("sn", sn, low=1, high=64)
    # In the text of a QR code, `pk=…&sn=…&v=1`, other characters would need quoting that scanners do not undo.
    check_key("sn", text, r"[A-Za-z0-9._:-]+", "letters, digits and . _ : -")
    return text


def _fingerprint(new: NewDevice) -> str | None:
    if not new.fingerprint:
        return None
    if new.auth_mode != X509:
        message = "only an X.509 device (auth_mode 2) has a fingerprint"
        raise Invalid("fingerprint", message, field="fingerprint", wire=50005)
    check_key("fingerprint", new.fingerprint, "[0-9A-Fa-f]{40}", "40 hex digits without colons")
    return new.fingerprint.lower()


def check_distinct(new: Sequence[NewDevice]) -> None:
    """No key and no SN comes twice. Raises Conflict (70062 for a key)."""
    seen: set[str] = set()
    for device in new:
        if device.device_key in seen:
            message = f"DeviceKey {device.device_key} is given twice"
            raise Conflict("device_key_taken", message, field="device_key", wire=70062)
        seen.add(device.device_key)
    check_distinct_numbers([device.sn for device in new])


def check_distinct_numbers(numbers: Sequence[str | None]) -> None:
    """No SN comes twice. Raises Conflict."""
    seen: set[str] = set()
    for sn in numbers:
        if sn in seen:
            raise Conflict("sn_taken", f"SN {sn} is given twice", field="sn", wire=50005)
        if sn is not None:
            seen.add(sn)


def check_changes(changes: Sequence[tuple[str, DeviceChanges]]) -> dict[str, DeviceChanges]:
    """The changes by DeviceKey, with name and SN in the form they are kept.

    Raises Invalid: for an update without members, for a key that comes twice, and for what breaks a rule. Raises
    Conflict for an SN that comes twice. Of several devices, `field` names the one at fault, `devices[3].sn`.
    """
    checked: dict[str, DeviceChanges] = {}
    for index, (device_key, wanted) in enumerate(changes):
        try:
            if device_key in checked:
                message = f"DeviceKey {device_key} is given twice"
                raise Invalid("device_key_twice", message, field="device_key", wire=50005)
            checked[device_key] = _checked(device_key, wanted)
        except Invalid as error:
            if len(changes) == 1:
                raise
            place = f"devices[{index}].{error.field}" if error.field else f"devices[{index}]"
            raise Invalid(error.code, error.message, field=place, wire=error.wire) from None
    numbers = [wanted.sn for wanted in checked.values()]
    check_distinct_numbers([sn for sn in numbers if not isinstance(sn, msgspec.UnsetType)])
    return checked


def _checked(device_key: str, wanted: DeviceChanges) -> DeviceChanges:
    name, sn = wanted.name, wanted.sn
    if isinstance(name, msgspec.UnsetType) and isinstance(sn, msgspec.UnsetType):
        message = f"device {device_key}: neither name nor SN is given"
        raise Invalid("nothing_to_change", message, wire=50005)
    if isinstance(name, str):
        name = check_name(name)
    if not isinstance(sn, msgspec.UnsetType):
        sn = check_serial_number(sn) if sn else None
    return DeviceChanges(name, sn)


def apply_changes(device: Device, changes: DeviceChanges) -> Device:
    """The device with changes that are checked."""
    name = device.name if isinstance(changes.name, msgspec.UnsetType) else changes.name
    sn = device.sn if isinstance(changes.sn, msgspec.UnsetType) else changes.sn
    return msgspec.structs.replace(device, name=name, sn=sn)
