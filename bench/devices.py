"""What the measured devices are and say: meters of one product that report 64 bytes of TTLV."""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from mooring.protocol import ttlv
from mooring.protocol.credentials import RAND_LENGTH, build_connection, client_id
from mooring.protocol.frame import Frame, encode, next_packet_id
from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.encode import encode as encode_packet
from mooring.protocol.mqtt.encode import publish
from mooring.protocol.ttlv import Field

__all__ = [
    "PAYLOAD_BYTES",
    "RELAY_ID",
    "Fleet",
    "connect_packet",
    "model",
    "reports",
    "subscribe_packet",
    "uplink_topic",
]

PAYLOAD_BYTES = 64
RELAY_ID = 1

_REPORT = 0x0014
_KEEP_ALIVE_S = 3600  # nobody pings while another server is measured
_TEXT_ID = 10
_TEXT_HEAD = 4  # bytes before a text: header and length
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

# id, code, type, least, most, decimals
_NUMBERS = (
    (2, "voltage", "FLOAT", 2150, 2350, 1),
    (3, "current", "FLOAT", 0, 16_000, 3),
    (4, "power", "FLOAT", 0, 36_800, 1),
    (5, "frequency", "FLOAT", 4950, 5050, 2),
    (6, "temperature", "FLOAT", -200, 850, 1),
    (7, "signal", "INT", -113, -51, 0),
    (8, "uptime", "INT", 0, 2_000_000, 0),
    (9, "energy", "DOUBLE", 0, 90_000_000, 2),
)
_GROWS = {"uptime", "energy"}


class Fleet(msgspec.Struct, frozen=True):
    """Devices of one product, by number: keys and secrets, in JSON for the process that plays them."""

    product_key: str
    product_secret: str
    device_keys: list[str]
    device_secrets: list[str]

    def client_id(self, number: int) -> str:
        """What the device is called in MQTT."""
        return client_id(self.product_key, self.device_keys[number])


def model(product_key: str) -> dict[str, Any]:
    """The thing model: a relay, numbers of every kind, a text."""
    relay = [{"dataType": "BOOL", "name": name, "value": value} for name, value in (("On", "true"), ("Off", "false"))]
    features = [_feature(RELAY_ID, "relay", "BOOL", relay, "RW")]
    for ident, code, kind, low, high, decimals in _NUMBERS:
        step = Decimal(1).scaleb(-decimals)
        specs = {"unit": "", "min": f"{low * step}", "max": f"{high * step}", "multiple": "", "step": f"{step}"}
        features.append(_feature(ident, code, kind, specs, "R"))
    features.append(_feature(_TEXT_ID, "state", "TEXT", {"length": "64"}, "R"))
    profile = {"tslVersion": "1.2.0", "productKey": product_key, "version": "20250101000000000"}
    return {"profile": profile, "properties": features, "services": [], "events": []}


def connect_packet(fleet: Fleet, number: int, *, password: bool = True) -> bytes:
    """CONNECT with the password of a device that has its secret; without, as a broker for everybody takes it."""
    secret = None
    if password:
        rand = f"{number:0{RAND_LENGTH}}"
        secret = build_connection(fleet.product_secret, fleet.device_secrets[number], rand).encode()
    return encode_packet(packets.Connect(fleet.client_id(number), password=secret, keep_alive_s=_KEEP_ALIVE_S))


def subscribe_packet(fleet: Fleet, number: int) -> bytes:
    """SUBSCRIBE to everything that comes down to the device."""
    return encode_packet(packets.Subscribe(1, ((f"q/1/d/{fleet.client_id(number)}/+", 1),)))


def uplink_topic(fleet: Fleet, number: int) -> str:
    """Where the device reports."""
    return f"q/2/d/{fleet.client_id(number)}/bus"


def reports(fleet: Fleet, number: int, count: int) -> Iterator[tuple[int, bytes]]:
    """So many PUBLISH packets of QoS 1 with their packet ids: ids count, values wander, nothing is said twice."""
    chance = random.Random(number)
    values = {code: chance.randint(low, high) for _, code, _, low, high, _ in _NUMBERS}
    topic = uplink_topic(fleet, number)
    packet_id = 1 + 97 * number % 60_000
    for _ in range(count):
        for _, code, _, low, high, _ in _NUMBERS:
            most = max(1, (high - low) // 50)
            moved = values[code] + chance.randint(1 if code in _GROWS else -most, most)
            values[code] = moved if low <= moved <= high else low
        yield packet_id, publish(topic, encode(Frame(packet_id, _REPORT, _payload(values, chance))), 1, packet_id)
        packet_id = next_packet_id(packet_id)


def _payload(values: dict[str, int], chance: random.Random) -> bytes:
    fields = [Field(RELAY_ID, chance.random() < 0.5)]
    fields += [Field(ident, Decimal(values[code]).scaleb(-decimals)) for ident, code, _, _, _, decimals in _NUMBERS]
    room = PAYLOAD_BYTES - len(ttlv.encode(fields)) - _TEXT_HEAD
    fields.append(Field(_TEXT_ID, "".join(chance.choices(_LETTERS, k=room)).encode()))
    return ttlv.encode(fields)


def _feature(ident: int, code: str, kind: str, specs: Any, sub_type: str) -> dict[str, Any]:
    return {
        "id": ident,
        "code": code,
        "name": code.title(),
        "dataType": kind,
        "subType": sub_type,
        "type": "PROPERTY",
        "sort": ident,
        "desc": "",
        "specs": specs,
    }
