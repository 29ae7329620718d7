"""/v2/devicemgr, gateways and their sub-devices (domain-rules.md section 5).

An application sees the sub-devices, and the gateways, of products that are authorized to it; others are left out.
"""

import msgspec

from mooring.platform.entities import Product
from mooring.platform.topology import SUB_DEVICE, SubDevice

from . import answers
from .answers import Failure
from .device_target import by_id_or_keys, by_keys
from .operation import Call, Operation
from .params import page_of

__all__ = ["OPERATIONS"]

_INTEGRATED = 2  # gateway_type
_MISSING, _NO_LINK, _NOT_INTEGRATED, _NO_GATEWAY, _NO_SUB_DEVICE = 50007, 70026, 70027, 70028, 70029
_DISABLED, _ENABLED = 1, 0  # `enabled` of a sub-device is inverted on the wire


class _SubDevice(msgspec.Struct):
    activedTime: int | None
    authMode: int
    createTime: int
    deviceKey: str
    deviceName: str
    deviceStatus: int
    enabled: int
    fingerPrint: str | None
    firstConnTime: int | None
    gatewayType: int
    id: int
    isActived: int
    isCurrent: int
    isLiveness: int
    isVerified: int
    isVirtual: int
    lastConnTime: int | None
    lastOfflineTime: int | None
    locateType: str | None
    moduleType: str | None
    moduleVersion: str | None
    oldDeviceName: None
    productId: int
    productKey: str
    productName: str
    projectId: None
    protocol: int
    sn: str | None
    updateTime: int | None


class _Gateway(msgspec.Struct):
    productKey: str
    productName: str
    deviceKey: str
    deviceName: str


async def _sub_list(call: Call) -> bytes:
    target = await by_id_or_keys(call)
    number, size = page_of(call.params)
    gateway, product = await target.found()
    found, total = await call.platform.topology.sub_devices(
        gateway, product, app_id=call.app.id, skip=(number - 1) * size, rows=size
    )
    return answers.page([row for row in (_row(call, sub) for sub in found) if row is not None], number, size, total)


async def _gateway_by_child(call: Call) -> bytes:
    device, product = await by_keys(call, _MISSING).found()
    if product.access_type != SUB_DEVICE:
        raise Failure(_NO_SUB_DEVICE)
    if product.gateway_type != _INTEGRATED:
        raise Failure(_NOT_INTEGRATED)
    gateway = await call.platform.topology.gateway(device)
    if gateway is None:
        raise Failure(_NO_LINK)
    carrier = call.platform.directory.product(gateway.product_id)
    if carrier is None or carrier.app_id != call.app.id:
        raise Failure(_NO_GATEWAY)  # not one that the application may see
    return answers.action(_Gateway(carrier.product_key, carrier.name, gateway.device_key, gateway.name))


async def _unbind(call: Call) -> bytes:
    device, product = await by_keys(call, _MISSING).found()
    await call.platform.topology.unbind(call.actor, product.product_key, device.device_key)
    return answers.done()


def _row(call: Call, sub: SubDevice) -> _SubDevice | None:
    device = sub.device
    product: Product | None = call.platform.directory.product(device.product_id)
    if product is None:
        return None  # deleted since
    return _SubDevice(
        activedTime=device.activated_at,
        authMode=device.auth_mode,
        createTime=device.created_at,
        deviceKey=device.device_key,
        deviceName=device.name,
        deviceStatus=int(device.online),
        enabled=_ENABLED if device.enabled else _DISABLED,
        fingerPrint=device.fingerprint,
        firstConnTime=device.first_conn_at,
        gatewayType=product.gateway_type,
        id=device.id,
        isActived=int(device.activated_at is not None),
        isCurrent=int(sub.is_current),
        isLiveness=int(device.online),
        isVerified=int(device.is_verified),
        isVirtual=int(device.is_virtual),
        lastConnTime=device.last_conn_at,
        lastOfflineTime=device.last_offline_at,
        locateType=sub.resources.get("locator"),
        moduleType=sub.resources.get("type"),
        moduleVersion=sub.resources.get("version"),
        oldDeviceName=None,
        productId=product.id,
        productKey=product.product_key,
        productName=product.name,
        projectId=None,
        protocol=product.protocol,
        sn=device.sn,
        updateTime=device.updated_at,
    )


_BASE = "/v2/devicemgr/r1/openapi/product/gateway"

OPERATIONS = (
    Operation("gatewaySubList", "GET", f"{_BASE}/subList", "device", _sub_list),
    Operation("gatewayByChildDevice", "GET", f"{_BASE}/getGatewayProductByChildDevice", "device", _gateway_by_child),
    Operation("gatewayUnbind", "POST", f"{_BASE}/unbind", "device", _unbind),
)
