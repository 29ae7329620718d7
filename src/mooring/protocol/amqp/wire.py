"""Methods to and from bytes: `pamqp` for all of them, but `basic.deliver`, its content and `basic.ack` by hand.

Those three are one of each a message; written by hand they cost a small part of what the general codec takes, and a
test holds them against it.
"""

from struct import Struct
from typing import Final

import msgspec
from pamqp import base, commands, frame

from mooring.protocol.amqp.errors import ConnectionError_, ReplyCode

__all__ = [
    "HEARTBEAT_FRAME",
    "PROTOCOL_HEADER",
    "Message",
    "Template",
    "content_of",
    "decode_ack",
    "decode_method",
    "encode_method",
]

PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
HEARTBEAT_FRAME: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"

_HEAD = Struct(">BHI")
_ACK = Struct(">QB")
_DELIVER = Struct(">QB")
_CONTENT = Struct(">HHQH")
_U64 = Struct(">Q")
_ACK_INDEX = b"\x00\x3c\x00\x50"
_DELIVER_INDEX = b"\x00\x3c\x00\x3c"
_END = b"\xce"
_BASIC = 60
# content-type, delivery-mode, message-id, timestamp, type
_FLAGS = 1 << 15 | 1 << 12 | 1 << 7 | 1 << 6 | 1 << 5
_JSON = b"\x10application/json"
_PERSISTENT = b"\x02"
_MAX_SHORT = 255


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


def decode_ack(payload: bytes) -> tuple[int, bool] | None:
    """Delivery tag and `multiple` when this is a `basic.ack`, else None."""
    if len(payload) == 13 and payload.startswith(_ACK_INDEX):
        tag, bits = _ACK.unpack_from(payload, 4)
        return tag, bits & 1 == 1
    return None


def encode_method(method: base.Frame, channel: int) -> bytes:
    """One method frame."""
    return frame.marshal(method, channel)


def content_of(message: Message, channel: int, frame_max: int) -> bytes:
    """Content header and body frames of a message, none longer than `frame_max` bytes (0 means no limit)."""
    body = message.body
    header = b"".join(
        (
            _CONTENT.pack(_BASIC, 0, len(body), _FLAGS),
            _JSON,
            _PERSISTENT,
            _short(message.id),
            _U64.pack(message.timestamp_s),
            _short(message.type),
        )
    )
    parts = [_HEAD.pack(2, channel, len(header)), header, _END]
    most = frame_max - 8 if frame_max else max(len(body), 1)
    for start in range(0, len(body), most):
        part = body[start : start + most]
        parts += (_HEAD.pack(3, channel, len(part)), part, _END)
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
