"""Devices: lists, adding one, many or a CSV file of them, changing, deleting, secrets."""

from typing import Any

import msgspec

from mooring.platform import Role, Secret
from mooring.platform.device_csv import read_devices
from mooring.platform.devices import DeviceChanges, DeviceFilter, NewDevice, Registered
from mooring.platform.entities import Device, Product

from .endpoint import CSV, AnyEndpoint, Call, Endpoint, Nothing, Page

__all__ = ["ENDPOINTS", "DeviceView", "device_of", "device_view"]


class DeviceQuery(Page, frozen=True, forbid_unknown_fields=True):
    """Which devices. `device_key` and `sn` match as a whole, `name` and `text` (key, name or SN) in part."""

    device_key: str = ""
    sn: str = ""
    name: str = ""
    text: str = ""
    online: bool | None = None
    activated: bool | None = None
    enabled: bool | None = None
    virtual: bool | None = None
    auth_mode: int | None = None

    @property
    def filter(self) -> DeviceFilter:
        """The same without the page."""
        members = msgspec.structs.asdict(self)
        return DeviceFilter(**{name: members[name] for name in DeviceFilter.__struct_fields__})


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """One device. `auth_mode` 0 dynamic, 1 static, 2 X.509; `has_secret` and `secret_confirmed` say whether it was
    given a DeviceSecret, and has used it."""

    id: int
    product_key: str
    device_key: str
    client_id: str
    name: str
    sn: str | None
    auth_mode: int
    has_secret: bool
    secret_confirmed: bool
    fingerprint: str | None
    enabled: bool
    is_verified: bool
    is_virtual: bool
    online: bool
    created_at: int
    updated_at: int | None
    activated_at: int | None
    first_conn_at: int | None
    last_conn_at: int | None
    last_offline_at: int | None


class AddedDevice(DeviceView, frozen=True, kw_only=True):
    """A device just added or reset; `device_secret` is that of a static device, in clear."""

    device_secret: Secret | None


class DeviceList(msgspec.Struct, frozen=True):
    """Devices, newest first."""

    items: tuple[DeviceView, ...]
    total: int


class ProductDevices(msgspec.Struct, frozen=True):
    """Devices of a product, newest first; the counts are of the whole product, `real` ones are not virtual."""

    items: tuple[DeviceView, ...]
    total: int
    real: int
    virtual: int
    online: int
    activated: int


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 500 devices, which are added all or not at all."""

    devices: list[NewDevice]


class AddedDevices(msgspec.Struct, frozen=True):
    """Devices just added, in their order."""

    items: tuple[AddedDevice, ...]


class DeviceSecretView(msgspec.Struct, frozen=True):
    """The DeviceSecret in clear, None when the device has none."""

    device_key: str
    device_secret: Secret | None


def device_view(device: Device, product: Product | None) -> DeviceView:
    """A device as this API shows it."""
    return DeviceView(**_members(device, product))


async def device_of(call: Call) -> Device:
    """The device that the path names. Raises Missing."""
    return await call.platform.devices.one(call.account_id, *_keys(call))


def _members(device: Device, product: Product | None) -> dict[str, Any]:
    members = msgspec.structs.asdict(device)
    members.pop("product_id")
    has_secret = members.pop("device_secret") is not None
    return {**members, "product_key": product.product_key if product is not None else "", "has_secret": has_secret}


def _added(registered: Registered, product: Product) -> AddedDevice:
    return AddedDevice(**_members(registered.device, product), device_secret=registered.secret)


def _product(call: Call) -> Product:
    return call.platform.products.one(call.account_id, call.path["product_key"])


def _keys(call: Call) -> tuple[str, str]:
    return call.path["product_key"], call.path["device_key"]


async def _list_all_devices(call: Call, request: DeviceQuery) -> DeviceList:
    found, total = await call.platform.devices.some(
        call.account_id, request.filter, skip=request.offset, rows=request.limit
    )
    directory = call.platform.directory
    return DeviceList(tuple(device_view(device, directory.product(device.product_id)) for device in found), total)


async def _list_devices(call: Call, request: DeviceQuery) -> ProductDevices:
    product = _product(call)
    devices = call.platform.devices
    found, total = await devices.some(product, request.filter, skip=request.offset, rows=request.limit)
    summary = await devices.summary(product)
    views = tuple(device_view(device, product) for device in found)
    return ProductDevices(views, total, **msgspec.structs.asdict(summary))


async def _add_device(call: Call, request: NewDevice) -> AddedDevice:
    product = _product(call)
    return _added(await call.platform.devices.add(call.actor, product.product_key, request), product)


async def _add_devices(call: Call, request: Batch) -> AddedDevices:
    product = _product(call)
    added = await call.platform.devices.add_many(call.actor, product.product_key, request.devices)
    return AddedDevices(tuple(_added(registered, product) for registered in added))


async def _import_devices(call: Call, request: bytes) -> AddedDevices:
    return await _add_devices(call, Batch(read_devices(request)))


async def _show_device(call: Call, request: Nothing) -> DeviceView:
    return device_view(await device_of(call), _product(call))


async def _update_device(call: Call, request: DeviceChanges) -> DeviceView:
    return device_view(await call.platform.devices.update(call.actor, *_keys(call), request), _product(call))


async def _delete_device(call: Call, request: Nothing) -> Nothing:
    await call.platform.devices.delete(call.actor, *_keys(call))
    return Nothing()


async def _enable_device(call: Call, request: Nothing) -> DeviceView:
    return device_view(await call.platform.devices.enable(call.actor, *_keys(call)), _product(call))


async def _disable_device(call: Call, request: Nothing) -> DeviceView:
    return device_view(await call.platform.devices.disable(call.actor, *_keys(call)), _product(call))


async def _show_device_secret(call: Call, request: Nothing) -> DeviceSecretView:
    return DeviceSecretView(call.path["device_key"], await call.platform.devices.show_secret(call.actor, *_keys(call)))


async def _reset_device_secret(call: Call, request: Nothing) -> AddedDevice:
    return _added(await call.platform.devices.reset(call.actor, *_keys(call)), _product(call))


_OF_PRODUCT = "/products/{product_key}/devices"
_ONE = "/devices/{product_key}/{device_key}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", "/devices", "Devices of all products, newest first", _list_all_devices, DeviceQuery, DeviceList),
    Endpoint("GET", _OF_PRODUCT, "Devices of a product, newest first", _list_devices, DeviceQuery, ProductDevices),
    Endpoint("POST", _OF_PRODUCT, "Add a device", _add_device, NewDevice, AddedDevice, status=201, errors=_BUSY),
    Endpoint(
        "POST",
        f"{_OF_PRODUCT}/batch",
        "Add up to 500 devices, all or none",
        _add_devices,
        Batch,
        AddedDevices,
        status=201,
        errors=_BUSY,
    ),
    Endpoint(
        "POST",
        f"{_OF_PRODUCT}/import",
        "Add the devices of a CSV file: device_key, and name, sn, auth_mode, fingerprint where the header names them",
        _import_devices,
        bytes,
        AddedDevices,
        status=201,
        errors=_BUSY,
        takes=CSV,
    ),
    Endpoint("GET", _ONE, "One device", _show_device, Nothing, DeviceView),
    Endpoint("PATCH", _ONE, "Change name or SN", _update_device, DeviceChanges, DeviceView, errors=_BUSY),
    Endpoint(
        "DELETE",
        _ONE,
        "Delete a device; its session ends, its history stays",
        _delete_device,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
    Endpoint("POST", f"{_ONE}/enable", "Let a device connect again", _enable_device, Nothing, DeviceView, errors=_BUSY),
    Endpoint(
        "POST",
        f"{_ONE}/disable",
        "Keep a device out; its session ends",
        _disable_device,
        Nothing,
        DeviceView,
        errors=_BUSY,
    ),
    Endpoint(
        "GET",
        f"{_ONE}/secret",
        "The DeviceSecret; that it was shown is audited",
        _show_device_secret,
        Nothing,
        DeviceSecretView,
        role=Role.DEVELOPER,
    ),
    Endpoint(
        "POST",
        f"{_ONE}/secret/reset",
        "Forget DeviceSecret and fingerprint, so that the device authenticates again; a static one gets a new secret",
        _reset_device_secret,
        Nothing,
        AddedDevice,
        errors=_BUSY,
    ),
)
