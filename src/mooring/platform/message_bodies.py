"""Bodies of messages as they go on the wire (contract/messages.md sections 2 to 4), one function for each `data`.

They are JSON objects and nothing else, so here they are dictionaries. `announcer` puts the head around them.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence

from mooring.protocol import nmea
from mooring.store.products import ProductRow
from mooring.thingmodel import ModelCodec

from .end_user_entities import Binding, EndUser
from .entities import Device, Product
from .locations import LBS, MAX_SENTENCES, WIFI, Location

__all__ = [
    "Json",
    "binding",
    "brief",
    "by_code",
    "changes",
    "event",
    "fix",
    "keys",
    "model",
    "online",
    "positions",
    "product_snapshot",
    "raw",
    "renamed",
    "reqack",
    "sentences",
    "user",
    "values",
]

Json = Mapping[str, object]

_NAME = 3  # characters of a sentence's name, behind its talker
_PROTOCOLS = (1, 2, 3)
_FIRST_MS = 1_000_000_000_000  # times in messages have 13 digits; receivers that do not know the date tell earlier ones
_SENTENCE = re.compile(r"\$([A-Z]{3,8}),")
_MOST_SATELLITES, _MOST_QUALITY = 999, 9
_POLE, _MERIDIAN = 90, 180


def online(value: int) -> Json:
    """4.1: 0 offline, 1 online, 2 reconnected."""
    return {"value": value}


def reqack(sent_at: int | None, *, succeeded: bool) -> Json:
    """4.3: `sent_at` is when it left (epoch ms), None when it never did."""
    status = "succ" if succeeded else "fail"
    return {"status": status} if sent_at is None else {"sentAt": sent_at, "status": status}


def brief(name: str, sn: str | None) -> Json:
    """4.4: what DEVICE messages say of a device that comes, goes or proves itself."""
    return {"deviceName": name, "sn": sn}


def values(packet_id: int, kv: Mapping[str, object]) -> Json:
    """4.2 and 4.7: reported values by name or code."""
    return {"packetId": packet_id, "kv": kv}


def event(packet_id: int | None, code: str, kv: Mapping[str, object]) -> Json:
    """4.7: an event, or the call or the answer of a service."""
    body = {"code": code, "kv": kv}
    return body if packet_id is None else {"packetId": packet_id, **body}


def user(found: EndUser, user_domain: str, *, whole: bool) -> Json:
    """4.10: an end user, with `whole` by what is known of the user; a key without a value is left out."""
    keys = {"endUserId": found.uid, "endUserDomain": user_domain}
    if not whole:
        return keys
    known = {
        "internationalCode": found.international_code,
        "phone": found.phone,
        "email": found.email,
        "wechatId": found.third_party.get("wechat_union_id"),
    }
    return {**keys, **{name: value for name, value in known.items() if value is not None}}


def binding(found: Binding, user_domain: str, value: int, cause: int | None) -> Json:
    """4.5: what became of a binding."""
    body = {
        "endUserId": found.uid,
        "endUserDomain": user_domain,
        "value": value,
        "authStatus": 1 if found.verified else 2,
        "authLevel": 1 if found.is_own else 2,
    }
    return body if cause is None else {**body, "invalidCause": cause}


def by_code(codec: ModelCodec, properties: Mapping[int, object]) -> dict[str, object]:
    """Properties by code; what the model does not have is left out (section 3)."""
    known = codec.properties
    return {known[ident].code: value for ident, value in properties.items() if ident in known}


def raw(payload: bytes, packet_id: int | None = None) -> Json:
    """4.6: transparent data, with the packet id when it came from the device."""
    text = b64encode(payload).decode()
    return {"raw": text} if packet_id is None else {"packetId": packet_id, "raw": text}


def sentences(text: str, *, network: bool = True) -> list[str]:
    """4.8: the sentences of a report that have the form the contract knows; with `network` also `$LBS` and `$WIFI`."""
    found = ((sentence, _SENTENCE.match(sentence)) for sentence in nmea.split(text)[:MAX_SENTENCES])
    return [sentence for sentence, name in found if name and (network or name[1] not in (LBS, WIFI))]


def positions(packet_id: int, raw_sentences: Iterable[str]) -> Json:
    """4.8: what a device sent."""
    return {"packetId": packet_id, "raw": list(raw_sentences)}


def fix(packet_id: int, location: Location) -> Json:
    """4.8: one position that was worked out."""
    kv: dict[str, object] = {}
    texts = {
        "satellites": _within(location.satellites, _MOST_SATELLITES),
        "ggaStatus": _within(location.quality, _MOST_QUALITY),
        "lat": location.lat,
        "latType": location.lat_type,
        "lng": location.lng,
        "lngType": location.lng_type,
        "hdop": location.hdop,
        "height": location.height,
    }
    kv.update((name, str(value)) for name, value in texts.items() if value is not None)
    for name, pair in (("wgs_84", location.wgs84), ("gcj_02", location.gcj02), ("bd_09", location.bd09)):
        # What is derived from a place at the edge of the map may lie beyond it.
        if pair is not None and abs(pair.latitude) <= _POLE and abs(pair.longitude) <= _MERIDIAN:
            kv[name] = {"lat": float(pair.latitude), "lng": float(pair.longitude)}
    if location.time >= _FIRST_MS:
        kv["locateTime"] = location.time
    return {"packetId": packet_id, "type": location.source, "subType": _sub_type(location), "kv": kv}


def _sub_type(location: Location) -> str:
    if location.source in (LBS, WIFI) or not location.kinds:
        return location.source
    return f"{location.source}({location.kinds[0][-_NAME:]})"


def _within(number: int | None, most: int) -> int | None:
    """A number that the contract has a place for."""
    return number if number is not None and 0 <= number <= most else None


def product_snapshot(product: Product | ProductRow) -> Json:
    """4.9: a product as it is; members that this server does not have are null."""
    return {
        "productName": product.name,
        "productType": product.product_type,
        "accessType": product.access_type,
        "dataFmt": product.data_fmt,
        "protocol": product.protocol if product.protocol in _PROTOCOLS else 1,
        "netWay": product.net_way,
        "logoPath": product.logo_path,
        "moduleType": None,
        "moduleName": None,
        "moduleId": None,
        "allowedLimit": product.allowed_limit or 0,
        "productStatus": product.product_status,
        "projectId": product.account_id,
        "createTime": product.created_at,
        "updateTime": product.updated_at or product.created_at,
        "itemCode": product.item_code,
    }


def changes(before: Device, after: Device) -> Json:
    """4.4: what UPDATE says, only of what changed."""
    found: dict[str, object] = {}
    if before.name != after.name:
        found["deviceName"] = {"old": before.name, "new": after.name}
    if before.sn != after.sn:
        found["sn"] = {"new": after.sn}
    return found


def renamed(before: str, after: str) -> Json:
    """4.9: a product's other name."""
    return {"productName": {"old": before, "new": after}}


def model(exported: Json) -> Json:
    """4.9: the exported thing model."""
    return {"tslJson": exported}


def keys(codes: Sequence[str]) -> Json:
    """4.7: the codes of a read."""
    return {"keys": list(codes)}
