"""What an application asks for, as the payload of one command (openapi-notes.md section 9, tsl.md section 9)."""

import base64
import enum
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from mooring.protocol import commands, ttlv
from mooring.protocol.commands import (
    CommandError,
    Direction,
    Downlink,
    PassThroughDown,
    ReadProperties,
    WriteProperties,
)
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import Field, TtlvError
from mooring.thingmodel import DataError, ModelCodec, plain_dm_data

from .entities import Product
from .errors import Invalid

__all__ = [
    "DEFAULT_CACHE_S",
    "MAX_CACHE_S",
    "MAX_RAW_CHARACTERS",
    "BadData",
    "Kind",
    "Prepared",
    "SendOptions",
    "Settled",
    "codec_of",
    "prepare_payload",
    "prepare_raw",
    "prepare_read",
    "prepare_service",
    "prepare_write",
]

MAX_CACHE_S = 7_776_000  # 90 days
DEFAULT_CACHE_S = 600
MAX_RAW_CHARACTERS = 4096

_TRANSPARENT = 0
_PARAMETER, _WRONG_PRODUCT, _NO_MODEL, _BAD_VALUE = 50005, 70083, 70094, 71036
_READ_CMD, _WRITE_CMD, _RAW_CMD = 0x0011, 0x0013, 0x0023
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")


class Kind(enum.StrEnum):
    """What a command does; one that covers replaces waiting ones of its own kind only."""

    READ = "read"
    PROPERTY = "property"
    SERVICE = "service"
    RAW = "raw"


Settled = Callable[[int, str, str | None], None]
"""Hears the ticket of a command, its state, and why it was given up when it was."""


class BadData(Invalid):
    """What was asked cannot be sent to any device. `wire` is the code of errors.yaml, `message` says what is wrong."""

    def __init__(self, wire: int, message: str, field: str = "data") -> None:
        super().__init__("command_data", message, field=field, wire=wire)


class SendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a command is sent.

    `cache_s` is for how many seconds it may wait for a device that is offline, None not at all; `cover` replaces those
    of its kind that wait; `qos` is the MQTT QoS, of which 2 is sent as 1 (device-protocol.md section 4). `settled`
    hears once what became of it: delivered or given up.
    """

    cache_s: int | None = None
    cover: bool = False
    qos: int = 1
    settled: Settled | None = None

    def check(self) -> None:
        """Raises BadData 50005 when a number is out of range."""
        if self.cache_s is not None and not 1 <= self.cache_s <= MAX_CACHE_S:
            raise BadData(_PARAMETER, f"cacheTime={self.cache_s} is outside 1..{MAX_CACHE_S} seconds", "cacheTime")
        if self.qos not in (0, 1, 2):
            raise BadData(_PARAMETER, f"qos={self.qos} is not 0, 1 or 2", "qos")


class Prepared(msgspec.Struct, frozen=True):
    """One command before it has a device: `input` is dmData, or base64 for raw ones."""

    kind: Kind
    cmd: int
    payload: bytes
    input: str
    feature_id: int | None = None


def codec_of(product: Product) -> ModelCodec:
    """The released model's codec. Raises BadData 70083 for a transparent product, 70094 without a released model."""
    if product.data_fmt == _TRANSPARENT:
        raise BadData(_WRONG_PRODUCT, f"{product.product_key} is a transparent product, which takes raw data only")
    if product.model is None:
        raise BadData(_NO_MODEL, f"{product.product_key} has no released thing model")
    return product.model.codec


def prepare_read(product: Product, data: str) -> Prepared:
    """0011 for `["code", …]`. Raises BadData."""
    codec = codec_of(product)
    with _told():
        ids = codec.read_ids(data)
        return _prepared(Kind.READ, ReadProperties(ids), codec.read_dm_data(ids))


def prepare_write(product: Product, data: str) -> Prepared:
    """0013 for `[{"code": value}, …]`. Raises BadData."""
    codec = codec_of(product)
    with _told():
        fields = codec.write_fields(data)
        return _prepared(Kind.PROPERTY, WriteProperties(fields), codec.dm_data(fields))


def prepare_service(product: Product, data: str) -> Prepared:
    """0013 for `[{"service": [{"input": value}, …]}]`; several services travel in one frame. Raises BadData."""
    codec = codec_of(product)
    with _told():
        calls = codec.service_calls(data)
        fields = [Field(call.feature_id, list(call.fields)) for call in calls]
        feature_id = calls[0].feature_id if len(calls) == 1 else None
        return _prepared(Kind.SERVICE, WriteProperties(fields), codec.dm_data(fields), feature_id)


def prepare_raw(data: str, encoding: str = "Text") -> Prepared:
    """0023 for text, or for hex digits when `encoding` is Hex; any product takes it. Raises BadData 50005."""
    if len(data) > MAX_RAW_CHARACTERS:
        raise BadData(_PARAMETER, f"data has {len(data)} characters, the limit is {MAX_RAW_CHARACTERS}")
    if encoding not in ("Hex", "Text"):
        raise BadData(_PARAMETER, f"encode={encoding[:40]} is not Hex or Text", "encode")
    if encoding == "Hex" and not _HEX.fullmatch(data):
        raise BadData(_PARAMETER, "data is not an even number of hex digits")
    payload = bytes.fromhex(data) if encoding == "Hex" else data.encode()
    return _prepared(Kind.RAW, PassThroughDown(payload), base64.b64encode(payload).decode())


def prepare_payload(cmd: int, payload: bytes) -> Prepared:
    """0011, 0013 or 0023 around a payload that somebody made already. Raises BadData 50005."""
    try:
        if cmd == _READ_CMD:
            ids = commands.decode(Frame(1, cmd, payload), Direction.DOWN)
            shown = (
                msgspec.json.encode([str(ident) for ident in ids.ids]).decode()
                if isinstance(ids, ReadProperties)
                else ""
            )
            return Prepared(Kind.READ, cmd, payload, shown)
        if cmd == _WRITE_CMD:
            return Prepared(Kind.PROPERTY, cmd, payload, plain_dm_data(ttlv.decode(payload)))
    except (CommandError, TtlvError) as error:
        raise BadData(_PARAMETER, f"the payload does not fit its command: {error}", "payload") from None
    if cmd != _RAW_CMD:
        raise BadData(_PARAMETER, f"0011, 0013 and 0023 can be sent, not {cmd:04X}", "payload")
    return Prepared(Kind.RAW, cmd, payload, base64.b64encode(payload).decode())


def _prepared(kind: Kind, value: Downlink, shown: str, feature_id: int | None = None) -> Prepared:
    frame = commands.encode(value, 1)
    return Prepared(kind, frame.command, frame.payload, shown, feature_id)


@contextmanager
def _told() -> Iterator[None]:
    """Faults of the data string as BadData."""
    try:
        yield
    except DataError as error:
        raise BadData(int(error.code), str(error)) from None
    except CommandError as error:
        raise BadData(_BAD_VALUE, error.reason) from None
