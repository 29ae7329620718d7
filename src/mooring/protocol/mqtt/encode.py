"""Packets of MQTT 3.1.1 as bytes: `encode` for any of them, quick functions for the hot ones.

Every function raises `InvalidArgument` for what no packet can carry, and nothing else.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any

from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.errors import InvalidArgument
from mooring.protocol.mqtt.packets import GRANT_REFUSED, Packet, filter_fault, topic_fault

__all__ = ["LARGEST_REMAINING", "PINGREQ", "PINGRESP", "encode", "puback", "pubcomp", "publish", "pubrec", "pubrel"]

LARGEST_REMAINING = 268_435_455  # bytes after the fixed header: four length bytes hold no more

PINGREQ = b"\xc0\x00"
PINGRESP = b"\xd0\x00"

_HEAD_AND_ID = Struct(">HH").pack
_LARGEST_TEXT = 0xFFFF
_QOS = (0, 1, 2)


def encode(packet: Packet) -> bytes:
    """Return the bytes of any packet."""
    return _ENCODERS[type(packet)](packet)


def puback(packet_id: int) -> bytes:
    """Return PUBACK for a packet id from 1 to 65535."""
    return _HEAD_AND_ID(0x4002, packet_id)


def pubrec(packet_id: int) -> bytes:
    """Return PUBREC for a packet id from 1 to 65535."""
    return _HEAD_AND_ID(0x5002, packet_id)


def pubrel(packet_id: int) -> bytes:
    """Return PUBREL for a packet id from 1 to 65535."""
    return _HEAD_AND_ID(0x6202, packet_id)


def pubcomp(packet_id: int) -> bytes:
    """Return PUBCOMP for a packet id from 1 to 65535."""
    return _HEAD_AND_ID(0x7002, packet_id)


def publish(
    topic: str, payload: bytes, qos: int = 0, packet_id: int = 0, *, dup: bool = False, retain: bool = False
) -> bytes:
    """Return PUBLISH."""
    if qos not in _QOS:
        raise InvalidArgument("a QoS is 0, 1 or 2")
    fault = topic_fault(topic)
    if fault:
        raise InvalidArgument(f"a topic that {fault}")
    if dup and not qos:
        raise InvalidArgument("nothing of QoS 0 is ever sent again")
    return _framed(
        0x30 | dup << 3 | qos << 1 | retain,
        _text(topic),
        _packet_id(packet_id) if qos else b"",
        payload,
    )


def _framed(first: int, *parts: bytes) -> bytes:
    remaining = sum(map(len, parts))
    if remaining < 128:
        return b"".join((bytes((first, remaining)), *parts))
    if remaining > LARGEST_REMAINING:
        raise InvalidArgument(f"a packet of more than {LARGEST_REMAINING} bytes")
    head = bytearray((first,))
    while remaining > 127:
        head.append(remaining & 127 | 128)
        remaining >>= 7
    head.append(remaining)
    return b"".join((head, *parts))


def _text(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise InvalidArgument("a text with half of a surrogate pair") from None
    if "\0" in text:
        raise InvalidArgument("a text that holds U+0000")
    return _binary(raw)


def _binary(raw: bytes) -> bytes:
    if len(raw) > _LARGEST_TEXT:
        raise InvalidArgument(f"a text of more than {_LARGEST_TEXT} bytes")
    return len(raw).to_bytes(2) + raw


def _packet_id(packet_id: int) -> bytes:
    if not 0 < packet_id <= 0xFFFF:
        raise InvalidArgument("a packet id is 1 to 65535")
    return packet_id.to_bytes(2)


def _connect(packet: packets.Connect) -> bytes:
    if not 0 <= packet.keep_alive_s <= 0xFFFF:
        raise InvalidArgument("a keep alive is 0 to 65535 seconds")
    parts = [_text(packet.client_id)]
    if packet.will is not None:
        fault = topic_fault(packet.will.topic)
        if fault or packet.will.qos not in _QOS:
            raise InvalidArgument(f"a will whose topic {fault}" if fault else "a QoS is 0, 1 or 2")
        parts += _text(packet.will.topic), _binary(packet.will.payload)
    if packet.username is not None:
        parts.append(_text(packet.username))
    if packet.password is not None:
        parts.append(_binary(packet.password))
    return _framed(0x10, b"\x00\x04MQTT\x04", bytes((packet.flags,)), packet.keep_alive_s.to_bytes(2), *parts)


def _connack(packet: packets.Connack) -> bytes:
    if not 0 <= packet.return_code <= 5:
        raise InvalidArgument("a return code is 0 to 5")
    if packet.return_code and packet.session_present:
        raise InvalidArgument("a refusal has no session")
    return bytes((0x20, 2, packet.session_present, packet.return_code))


def _subscribe(packet: packets.Subscribe) -> bytes:
    if any(qos not in _QOS for _, qos in packet.filters):
        raise InvalidArgument("a QoS is 0, 1 or 2")
    asked = [_filter(text) + bytes((qos,)) for text, qos in packet.filters]
    return _framed(0x82, _packet_id(packet.packet_id), *_some(asked, "filter"))


def _suback(packet: packets.Suback) -> bytes:
    if any(code not in _QOS and code != GRANT_REFUSED for code in packet.codes):
        raise InvalidArgument("a code of SUBACK is 0, 1, 2 or 128")
    return _framed(0x90, _packet_id(packet.packet_id), *_some([bytes(packet.codes)] if packet.codes else [], "code"))


def _unsubscribe(packet: packets.Unsubscribe) -> bytes:
    return _framed(0xA2, _packet_id(packet.packet_id), *_some([_filter(text) for text in packet.filters], "filter"))


def _filter(text: str) -> bytes:
    fault = filter_fault(text)
    if fault:
        raise InvalidArgument(f"a topic filter that {fault}")
    return _text(text)


def _some(parts: list[bytes], name: str) -> list[bytes]:
    if not parts:
        raise InvalidArgument(f"not a single {name}")
    return parts


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    packets.Connect: _connect,
    packets.Connack: _connack,
    packets.Publish: lambda p: publish(p.topic, p.payload, p.qos, p.packet_id, dup=p.dup, retain=p.retain),
    packets.Puback: lambda p: _framed(0x40, _packet_id(p.packet_id)),
    packets.Pubrec: lambda p: _framed(0x50, _packet_id(p.packet_id)),
    packets.Pubrel: lambda p: _framed(0x62, _packet_id(p.packet_id)),
    packets.Pubcomp: lambda p: _framed(0x70, _packet_id(p.packet_id)),
    packets.Subscribe: _subscribe,
    packets.Suback: _suback,
    packets.Unsubscribe: _unsubscribe,
    packets.Unsuback: lambda p: _framed(0xB0, _packet_id(p.packet_id)),
    packets.Pingreq: lambda _: PINGREQ,
    packets.Pingresp: lambda _: PINGRESP,
    packets.Disconnect: lambda _: b"\xe0\x00",
}
