"""JSON of end users' apps (device-protocol.md section 12)."""

from collections.abc import Mapping

import msgspec

from mooring.platform.entities import Device, Product
from mooring.platform.locations import Location
from mooring.platform.user_access import Refusal, Request, cache_of

__all__ = ["acked", "located", "online", "parse_request", "refused", "reported"]

_READ, _WRITE = "READ-ATTR", "WRITE-ATTR"
_PARAMETER = 50005
_encode = msgspec.json.Encoder().encode


class _Request(msgspec.Struct):
    """What apps send; members that they leave out or send as null have their default."""

    type: str
    kv: str
    msgId: int | str | None = None
    productKey: str | None = None
    deviceKey: str | None = None
    cacheTime: int | None = None
    isCache: bool | None = None
    isCover: bool | None = None


_decode = msgspec.json.Decoder(_Request, strict=False).decode


def parse_request(payload: bytes, device: Device, product_key: str) -> tuple[Request, str, int | str | None]:
    """A request with its type and message id. Raises Refusal 50005."""
    try:
        found = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(_PARAMETER, f"the message is not as it should be: {error}") from None
    if found.type not in (_READ, _WRITE):
        raise Refusal(_PARAMETER, f"type is {found.type[:40]!r}; allowed: {_READ}, {_WRITE}")
    for name, given, own in (
        ("productKey", found.productKey, product_key),
        ("deviceKey", found.deviceKey, device.device_key),
    ):
        if given not in (None, own):
            raise Refusal(_PARAMETER, f"{name} is not that of the topic")
    cache_s = cache_of(bool(found.isCache), found.cacheTime)
    return Request(found.type == _READ, found.kv, cache_s, bool(found.isCover)), found.type, found.msgId


def reported(device: Device, product: Product | None, values: Mapping[str, object]) -> bytes:
    """For `bus_`: properties that the device reported."""
    return _message(device, product, "MATTR", {"kv": values})


def online(device: Device, product: Product | None, is_online: bool) -> bytes:
    """For `onl_`: the device came or went."""
    return _message(device, product, "ONLINE", {"value": int(is_online)})


def located(device: Device, product: Product | None, location: Location) -> bytes:
    """For `loc_`: a position that the device reported, in the three systems."""
    pairs = {"wgs_84": location.wgs84, "gcj_02": location.gcj02, "bd_09": location.bd09}
    shown = {name: {"lat": pair.latitude, "lng": pair.longitude} for name, pair in pairs.items() if pair is not None}
    return _message(device, product, "LOCATION", {"time": location.time, "source": location.source, **shown})


def acked(device: Device, message_id: int | str | None, succeeded: bool, text: str) -> bytes:
    """For `ack_`: what became of something that the app sent."""
    found: dict[str, object] = {"status": "succ" if succeeded else "fail", "msg": text, "deviceKey": device.device_key}
    if message_id is not None:
        found["msgId"] = message_id
    return _encode(found)


def refused(refusal: Refusal, kind: str, topic: str, message_id: int | str | None = None) -> bytes:
    """For the app's own `sys_`: why something is not done."""
    found: dict[str, object] = {"code": refusal.code, "msg": refusal.message, "type": kind, "topic": topic}
    if message_id is not None:
        found["msgId"] = message_id
    return _encode(found)


def _message(device: Device, product: Product | None, kind: str, data: object) -> bytes:
    product_key = product.product_key if product is not None else ""
    return _encode({"productKey": product_key, "deviceKey": device.device_key, "type": kind, "data": data})
