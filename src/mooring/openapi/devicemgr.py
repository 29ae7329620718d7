"""/v2/devicemgr: the devices of a product."""

import msgspec

from mooring.platform.devices import DeviceFilter
from mooring.platform.entities import Device, Product

from . import answers
from .answers import Failure
from .device_target import by_keys
from .operation import Call, Operation
from .params import page_of, whole_number
from .products import authorized_product

__all__ = ["OPERATIONS"]


class _Device(msgspec.Struct):
    activedTime: int | None
    authMode: int
    createTime: int
    dataFmt: int
    deviceKey: str
    deviceName: str
    deviceStatus: int
    firstConnTime: int | None
    isActived: int
    isVerified: int
    isVirtual: int
    lastConnTime: int | None
    lastOfflineTime: int | None
    productKey: str
    sn: str | None
    updateTime: int | None


async def _list(call: Call) -> bytes:
    product_key, device_key = call.params.get("productKey"), call.params.get("deviceKey")
    if product_key is None:
        raise Failure(50005, "productKey missing")
    product = authorized_product(call, call.platform.directory.product_by_key(product_key))
    number, size = page_of(call.params)
    chosen = DeviceFilter(
        device_key=device_key,
        name=call.params.get("deviceName"),
        online=_switch(call, "deviceStatus"),
        activated=_switch(call, "activeStatus"),
    )
    devices = call.platform.devices
    if device_key is not None and await devices.find(product.id, device_key) is None:
        raise Failure(70130)
    found, total = await devices.some(product, chosen, skip=(number - 1) * size, rows=size)
    return answers.page([_row(device, product) for device in found], number, size, total)


async def _detail(call: Call) -> bytes:
    return answers.action(_row(*await by_keys(call).found()))


def _switch(call: Call, name: str) -> bool | None:
    value = whole_number(call.params, name, low=0, high=1)
    return None if value is None else value == 1


def _row(device: Device, product: Product) -> _Device:
    return _Device(
        activedTime=device.activated_at,
        authMode=device.auth_mode,
        createTime=device.created_at,
        dataFmt=product.data_fmt,
        deviceKey=device.device_key,
        deviceName=device.name,
        deviceStatus=int(device.online),
        firstConnTime=device.first_conn_at,
        isActived=int(device.activated_at is not None),
        isVerified=int(device.is_verified),
        isVirtual=int(device.is_virtual),
        lastConnTime=device.last_conn_at,
        lastOfflineTime=device.last_offline_at,
        productKey=product.product_key,
        sn=device.sn,
        updateTime=device.updated_at,
    )


_BASE = "/v2/devicemgr/r3/openapi"

OPERATIONS = (
    Operation("deviceList", "GET", f"{_BASE}/product/device/overview", "device", _list),
    Operation("deviceDetail", "GET", f"{_BASE}/device/detail", "device", _detail),
)
