"""Bytes of MQTT 3.1.1 as packets: `decode_body` for a packet whose header was read.

Which first byte may come, and how long its packet may be, `reader.py` decides from the header alone; here a
packet is complete. The lengths below are those that the standard fixes; within them nothing reads past `end`.

Every function raises `MalformedPacket` or one of its brothers, and nothing else.
"""

from collections.abc import Callable
from typing import Any, Final

from mooring.protocol.mqtt import packets
from mooring.protocol.mqtt.encode import LARGEST_REMAINING
from mooring.protocol.mqtt.errors import IdentifierRejected, MalformedPacket, UnacceptableProtocol
from mooring.protocol.mqtt.packets import GRANT_REFUSED, Packet, Will, filter_fault

__all__ = ["FIRST_BYTES", "LENGTHS", "decode_body"]

# The first bytes that each packet may begin with: its type, and the flags that the standard allows (2.2.2).
# PUBLISH: QoS 3 does not exist, and DUP has no meaning with QoS 0 (3.3.1).
FIRST_BYTES: Final[dict[type, tuple[int, ...]]] = {
    packets.Connect: (0x10,),
    packets.Connack: (0x20,),
    packets.Publish: tuple(first for first in range(0x30, 0x40) if first & 6 != 6 and first & 14 != 8),
    packets.Puback: (0x40,),
    packets.Pubrec: (0x50,),
    packets.Pubrel: (0x62,),
    packets.Pubcomp: (0x70,),
    packets.Subscribe: (0x82,),
    packets.Suback: (0x90,),
    packets.Unsubscribe: (0xA2,),
    packets.Unsuback: (0xB0,),
    packets.Pingreq: (0xC0,),
    packets.Pingresp: (0xD0,),
    packets.Disconnect: (0xE0,),
}

# Fewest and most bytes after the fixed header that a packet can have by its layout.
LENGTHS: Final[dict[type, tuple[int, int]]] = {
    packets.Connect: (12, LARGEST_REMAINING),  # name, level, flags, keep alive, empty client id
    packets.Connack: (2, 2),
    packets.Publish: (3, LARGEST_REMAINING),  # a topic of one byte; two more for QoS 1 and 2, checked below
    packets.Puback: (2, 2),
    packets.Pubrec: (2, 2),
    packets.Pubrel: (2, 2),
    packets.Pubcomp: (2, 2),
    packets.Subscribe: (6, LARGEST_REMAINING),  # packet id, a filter of one byte, its QoS
    packets.Suback: (3, LARGEST_REMAINING),
    packets.Unsubscribe: (5, LARGEST_REMAINING),
    packets.Unsuback: (2, 2),
    packets.Pingreq: (0, 0),
    packets.Pingresp: (0, 0),
    packets.Disconnect: (0, 0),
}

_LATER_OR_EARLIER: Final = {b"MQTT", b"MQIsdp"}


def decode_body(first: int, data: bytes, start: int, end: int) -> Packet:
    """Return the packet whose first byte is `first` and whose body is `data[start:end]`.

    The body has a length within `LENGTHS` and lies inside `data`.
    """
    packet: Packet = _DECODERS[first >> 4](first, data, start, end)
    return packet


def _publish(first: int, data: bytes, start: int, end: int) -> packets.Publish:
    after = start + 2 + (data[start] << 8 | data[start + 1])
    if not first & 6:
        if after > end:
            raise MalformedPacket("PUBLISH ends inside its topic")
        return packets.Publish(_topic(data[start + 2 : after]), data[after:end], 0, 0, False, first & 1 == 1)
    if after + 2 > end:
        raise MalformedPacket("PUBLISH ends before its payload")
    packet_id = data[after] << 8 | data[after + 1]
    if not packet_id:
        raise MalformedPacket("PUBLISH has packet id 0")
    return packets.Publish(
        _topic(data[start + 2 : after]),
        data[after + 2 : end],
        first >> 1 & 3,
        packet_id,
        first & 8 == 8,
        first & 1 == 1,
    )


def _topic(raw: bytes) -> str:
    try:
        topic = raw.decode()
    except UnicodeDecodeError:
        raise MalformedPacket("a topic is not UTF-8") from None
    # `in` of one character is six times faster on a text than on bytes.
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        raise MalformedPacket("a topic is empty, has a wildcard or holds U+0000")
    return topic


def _packet_id(data: bytes, start: int) -> int:
    packet_id = data[start] << 8 | data[start + 1]
    if not packet_id:
        raise MalformedPacket("a packet id is 0")
    return packet_id


def _binary(data: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Return what stands behind a 16-bit length at `start`, and where it ends."""
    if start + 2 > end:
        raise MalformedPacket("a packet ends before a length")
    after = start + 2 + (data[start] << 8 | data[start + 1])
    if after > end:
        raise MalformedPacket("a packet ends inside a text")
    return data[start + 2 : after], after


def _text(data: bytes, start: int, end: int) -> tuple[str, int]:
    raw, after = _binary(data, start, end)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise MalformedPacket("a text is not UTF-8") from None
    if "\0" in text:
        raise MalformedPacket("a text holds U+0000")
    return text, after


def _connect(_first: int, data: bytes, start: int, end: int) -> packets.Connect:
    name, at = _binary(data, start, end)
    if name not in _LATER_OR_EARLIER or at == end:
        raise MalformedPacket("CONNECT does not name MQTT")
    if name != b"MQTT" or data[at] != 4:
        raise UnacceptableProtocol(f"CONNECT asks for {name.decode()} level {data[at]}")
    if at + 4 > end:
        raise MalformedPacket("CONNECT ends before its client id")
    flags, keep_alive_s = data[at + 1], data[at + 2] << 8 | data[at + 3]
    if flags & 1 or flags & 0x18 == 0x18 or (flags & 0x38 and not flags & 4):
        raise MalformedPacket("CONNECT has flags that the standard forbids")
    client_id, at = _text(data, at + 4, end)
    will, at = _will(flags, data, at, end) if flags & 4 else (None, at)
    # The standard forbids a password without a user name; the devices send it (contract, section 2).
    username, at = _text(data, at, end) if flags & 0x80 else (None, at)
    password, at = _binary(data, at, end) if flags & 0x40 else (None, at)
    if at != end:
        raise MalformedPacket("CONNECT has bytes left over")
    clean_session = flags & 2 == 2
    if not client_id and not clean_session:
        raise IdentifierRejected("CONNECT has an empty client id and asks for a kept session")
    return packets.Connect(client_id, username, password, keep_alive_s, clean_session, will)


def _will(flags: int, data: bytes, start: int, end: int) -> tuple[Will, int]:
    topic, at = _binary(data, start, end)
    payload, at = _binary(data, at, end)
    return Will(_topic(topic), payload, flags >> 3 & 3, flags & 0x20 == 0x20), at


def _connack(_first: int, data: bytes, start: int, _end: int) -> packets.Connack:
    flags, return_code = data[start], data[start + 1]
    if flags > 1 or return_code > 5 or (flags and return_code):
        raise MalformedPacket("CONNACK has flags or a code that the standard does not know")
    return packets.Connack(return_code, flags == 1)


def _filter(data: bytes, start: int, end: int) -> tuple[str, int]:
    text, after = _text(data, start, end)
    fault = filter_fault(text)
    if fault:
        raise MalformedPacket(f"a topic filter {fault}")
    return text, after


def _subscribe(_first: int, data: bytes, start: int, end: int) -> packets.Subscribe:
    filters, at = [], start + 2
    while at < end:
        text, at = _filter(data, at, end)
        if at == end or data[at] > 2:
            raise MalformedPacket("SUBSCRIBE has a filter without a QoS of 0 to 2")
        filters.append((text, data[at]))
        at += 1
    return packets.Subscribe(_packet_id(data, start), tuple(filters))


def _suback(_first: int, data: bytes, start: int, end: int) -> packets.Suback:
    codes = tuple(data[start + 2 : end])
    if any(code > 2 and code != GRANT_REFUSED for code in codes):
        raise MalformedPacket("SUBACK has a code that the standard does not know")
    return packets.Suback(_packet_id(data, start), codes)


def _unsubscribe(_first: int, data: bytes, start: int, end: int) -> packets.Unsubscribe:
    filters, at = [], start + 2
    while at < end:
        text, at = _filter(data, at, end)
        filters.append(text)
    return packets.Unsubscribe(_packet_id(data, start), tuple(filters))


# By packet type, the high half of the first byte.
_DECODERS: Final[dict[int, Callable[[int, bytes, int, int], Any]]] = {
    1: _connect,
    2: _connack,
    3: _publish,
    4: lambda _first, data, start, _end: packets.Puback(_packet_id(data, start)),
    5: lambda _first, data, start, _end: packets.Pubrec(_packet_id(data, start)),
    6: lambda _first, data, start, _end: packets.Pubrel(_packet_id(data, start)),
    7: lambda _first, data, start, _end: packets.Pubcomp(_packet_id(data, start)),
    8: _subscribe,
    9: _suback,
    10: _unsubscribe,
    11: lambda _first, data, start, _end: packets.Unsuback(_packet_id(data, start)),
    12: lambda _first, _data, _start, _end: packets.Pingreq(),
    13: lambda _first, _data, _start, _end: packets.Pingresp(),
    14: lambda _first, _data, _start, _end: packets.Disconnect(),
}
