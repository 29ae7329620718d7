"""/v2/deviceshadow, the operations that look: newest module values and newest position.

openapi-notes.md sections 6, 7 and 12. What was never reported is null.
"""

import base64
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from mooring.platform.entities import Device, Product
from mooring.platform.latest import LatestValues
from mooring.platform.locations import Location
from mooring.protocol import ttlv
from mooring.protocol.geodesy import Coordinates
from mooring.protocol.ttlv import Field

from . import answers
from .device_target import by_id_or_keys, by_keys
from .operation import Call, Operation

__all__ = ["OPERATIONS"]

_RAW_ID = 2  # of the sentences in the payload of a location report
_LOCATE_TYPES: Mapping[str, str] = {"GN": "GNSS", "GP": "GPS"}


class _Resource(msgspec.Struct):
    id: int | None
    productKey: str
    deviceKey: str
    battery: float | None
    voltage: float | None
    signalStrength: int | None
    memoryFree: int | None
    rsrp: int | None
    rsrq: int | None
    snr: int | None
    type: str | None
    cellId: int | None
    iccId: str | None
    mcc: int | None
    mnc: int | None
    lac: int | None
    phoneNum: str | None
    simNum: str | None
    locator: str | None
    comProtocolVer: str | None
    dataProtocolVer: str | None
    createTime: int | None
    updateTime: int | None
    sdkVer: str | None
    version: str | None
    mcuVersion: str | None
    deviceId: str | None
    capabilitiesBitmask: int | None
    sn: str | None
    logEnable: int | None
    logLevel: str | None


class _Location(msgspec.Struct):
    productKey: str
    deviceKey: str
    deviceId: int
    deviceStatus: int
    id: str
    ticket: str
    locateType: str | None
    locType: str | None
    locateStatus: str | None
    locateTime: int
    createTime: int
    locateRaw: str
    accuracy: str | None
    lat: str | None
    latType: str | None
    lng: str | None
    lngType: str | None
    wgsLat: float | None
    wgsLng: float | None
    gcjLat: float | None
    gcjLng: float | None
    bdLat: float | None
    bdLng: float | None
    ggaStatus: str | None
    hdop: str | None
    height: str | None
    satellites: str | None
    speed: str | None
    count: int | None


async def _resource(call: Call) -> bytes:
    device, product = await by_keys(call).found()
    return answers.action(_resource_row(device, product, await call.platform.latest.of(device.id)))


async def _location(call: Call) -> bytes:
    target = await by_id_or_keys(call)
    device, product = await target.found()
    location = await call.platform.latest.location(device.id)
    return answers.action(None if location is None else _location_row(device, product, location))


def _resource_row(device: Device, product: Product, values: LatestValues | None) -> _Resource:
    newest = values.resources if values is not None else {}
    texts = {name: str(value.value) for name, value in newest.items()}
    return _Resource(
        id=device.id if newest else None,
        productKey=product.product_key,
        deviceKey=device.device_key,
        battery=_float(texts.get("battery")),
        voltage=_float(texts.get("voltage")),
        signalStrength=_integer(texts.get("signal_strength")),
        memoryFree=_integer(texts.get("memory_free")),
        rsrp=_integer(texts.get("rsrp")),
        rsrq=_integer(texts.get("rsrq")),
        snr=_integer(texts.get("snr")),
        type=texts.get("type"),
        cellId=_integer(texts.get("cell_id")),
        iccId=texts.get("icc_id"),
        mcc=_integer(texts.get("mcc")),
        mnc=_integer(texts.get("mnc")),
        lac=_integer(texts.get("lac")),
        phoneNum=texts.get("phone_num"),
        simNum=texts.get("sim_num"),
        locator=texts.get("locator"),
        comProtocolVer=texts.get("com_protocol_ver"),
        dataProtocolVer=texts.get("data_protocol_ver"),
        createTime=values.created_at if values is not None and newest else None,
        updateTime=max((value.at for value in newest.values()), default=None),
        sdkVer=texts.get("sdk_ver"),
        version=texts.get("version"),
        mcuVersion=texts.get("mcu_version"),
        deviceId=None,
        capabilitiesBitmask=None,
        sn=device.sn,
        logEnable=None,
        logLevel=None,
    )


def _location_row(device: Device, product: Product, location: Location) -> _Location:
    wgs_lat, wgs_lng = _pair(location.wgs84)
    gcj_lat, gcj_lng = _pair(location.gcj02)
    bd_lat, bd_lng = _pair(location.bd09)
    raw = ttlv.encode([Field(_RAW_ID, location.raw.encode())])
    return _Location(
        productKey=product.product_key,
        deviceKey=device.device_key,
        deviceId=device.id,
        deviceStatus=int(device.online),
        id=str(location.ticket),
        ticket=str(location.ticket),
        locateType=_LOCATE_TYPES.get(location.source, location.source) or None,
        locType=None,
        locateStatus=None,
        locateTime=location.time,
        createTime=location.at,
        locateRaw=base64.b64encode(raw).decode(),
        accuracy=None,
        lat=location.lat,
        latType=location.lat_type,
        lng=location.lng,
        lngType=location.lng_type,
        wgsLat=wgs_lat,
        wgsLng=wgs_lng,
        gcjLat=gcj_lat,
        gcjLng=gcj_lng,
        bdLat=bd_lat,
        bdLng=bd_lng,
        ggaStatus=_shown(location.quality),
        hdop=location.hdop,
        height=location.height,
        satellites=_shown(location.satellites),
        speed=location.speed,
        count=None,
    )


def _pair(point: Coordinates | None) -> tuple[float | None, float | None]:
    return (None, None) if point is None else (point.latitude, point.longitude)


def _shown(number: int | None) -> str | None:
    return None if number is None else str(number)


def _float(text: str | None) -> float | None:
    return None if text is None else float(text)


def _integer(text: str | None) -> int | None:
    return None if text is None else round(Decimal(text))


OPERATIONS = (
    Operation("deviceResource", "GET", "/v2/deviceshadow/r2/openapi/device/resource", "shadow", _resource),
    Operation("deviceLocation", "GET", "/v2/deviceshadow/r1/openapi/device/getlocation", "shadow", _location),
)
