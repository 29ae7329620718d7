"""Methods to and from bytes: `pamqp` for all of them, but `basic.deliver`, its content and `basic.ack` by hand.

Those three are one of each a message; written by hand they cost a small part of what the general codec takes, and a
test holds them against it.
"""

from collections.abc import Iterator
from functools import lru_cache
from struct import Struct
from typing import Final

import msgspec
from pamqp import base, commands, frame

from mooring.protocol.amqp.errors import ConnectionError_, ReplyCode

__all__ = [
    "ACK_BYTES",
    "HEARTBEAT_FRAME",
    "PROTOCOL_HEADER",
    "Message",
    "Template",
    "ack_head",
    "content_of",
    "decode_acks",
    "decode_method",
    "encode_method",
    "is_ack",
]

PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
HEARTBEAT_FRAME: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"

_HEAD = Struct(">BHI")
_ACKS = Struct(">11xQBx")  # whole frames
_DELIVER = Struct(">QB")
_CONTENT = Struct(">BHIHHQH")  # with the head of its frame
_TIMESTAMP = Struct(">Q")
_BODY = Struct(">BBHI")  # the end of the frame before it, and the head of its own
_ACK_INDEX = b"\x00\x3c\x00\x50"
_DELIVER_INDEX = b"\x00\x3c\x00\x3c"
_END = b"\xce"
_BASIC = 60
# content-type, delivery-mode, message-id, timestamp, type
_FLAGS = 1 << 15 | 1 << 12 | 1 << 7 | 1 << 6 | 1 << 5
_JSON_PERSISTENT = b"\x10application/json\x02"
_CONTENT_BYTES = _CONTENT.size - _HEAD.size + len(_JSON_PERSISTENT) + _TIMESTAMP.size  # of the payload, without texts
_MAX_SHORT = 255
_TYPES = 256  # that are remembered

ACK_BYTES: Final = _ACKS.size
"""The size of a `basic.ack` frame."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message as a consumer gets it (contract/messages.md section 6): `id` and `type` are at most 255 bytes of
    UTF-8, `timestamp_s` is in seconds."""

    id: str
    type: str
    timestamp_s: int
    body: bytes


def decode_method(payload: bytes) -> base.Frame:
    """The method in the payload of a method frame. Raises ConnectionError_ 502, or 503 for one that does not exist."""
    index = int.from_bytes(payload[:4], "big")
    kind: type[base.Frame] | None = commands.INDEX_MAPPING.get(index)
    if len(payload) < 4 or kind is None:
        raise ConnectionError_(ReplyCode.COMMAND_INVALID, f"there is no method {index >> 16}.{index & 0xFFFF}")
    try:
        method = kind.__new__(kind)  # some constructors warn of what is deprecated
        method.unmarshal(payload[4:])
    except Exception as error:  # the codec raises many kinds for malformed bytes
        reason = f"the arguments of {kind.name} are malformed"
        raise ConnectionError_(ReplyCode.SYNTAX_ERROR, reason, index >> 16, index & 0xFFFF) from error
    return method


def is_ack(payload: bytes) -> bool:
    """Whether the payload of a method frame is a `basic.ack`."""
    return len(payload) == ACK_BYTES - 8 and payload.startswith(_ACK_INDEX)


def ack_head(channel: int) -> bytes:
    """What every `basic.ack` frame of a channel begins with, up to the delivery tag."""
    return _HEAD.pack(1, channel, ACK_BYTES - 8) + _ACK_INDEX


def decode_acks(frames: bytes) -> Iterator[tuple[int, int]]:
    """Delivery tags of `basic.ack` frames, one after the other; the lowest bit beside each is its `multiple`."""
    return _ACKS.iter_unpack(frames)


def encode_method(method: base.Frame, channel: int) -> bytes:
    """One method frame."""
    return frame.marshal(method, channel)


def content_of(message: Message, channel: int, frame_max: int) -> bytes:
    """Content header and body frames of a message, none longer than `frame_max` bytes (0 means no limit)."""
    body, identity, kind = message.body, _short(message.id), _short_type(message.type)
    size = len(body)
    most = frame_max - 8 if frame_max else size
    payload = _CONTENT_BYTES + len(identity) + len(kind)
    head = _CONTENT.pack(2, channel, payload, _BASIC, 0, size, _FLAGS)
    parts = [head, _JSON_PERSISTENT, identity, _TIMESTAMP.pack(message.timestamp_s), kind]
    if 0 < size <= most:
        parts += (_BODY.pack(0xCE, 3, channel, size), body)
    else:
        for start in range(0, size, most):
            part = body[start : start + most]
            parts += (_BODY.pack(0xCE, 3, channel, len(part)), part)
    parts.append(_END)
    return b"".join(parts)


class Template:
    """`basic.deliver` of one consumer, ready but for delivery tag and `redelivered`."""

    __slots__ = ("_after", "_before")

    def __init__(self, channel: int, consumer_tag: str, routing_key: str) -> None:
        tag, key = _short(consumer_tag), _short(routing_key)
        size = len(_DELIVER_INDEX) + len(tag) + _DELIVER.size + 1 + len(key)
        self._before = _HEAD.pack(1, channel, size) + _DELIVER_INDEX + tag
        self._after = b"\x00" + key + _END  # the default exchange has an empty name

    def fill(self, delivery_tag: int, redelivered: bool) -> bytes:
        """The method frame."""
        return self._before + _DELIVER.pack(delivery_tag, redelivered) + self._after


def _short(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > _MAX_SHORT:
        raise ValueError(f"a short string has {len(encoded)} bytes, the limit is {_MAX_SHORT}")
    return bytes((len(encoded),)) + encoded


_short_type = lru_cache(_TYPES)(_short)
