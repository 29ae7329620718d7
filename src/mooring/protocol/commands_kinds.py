"""The kinds of values that named items of a command take: wire value to attribute and back."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mooring.protocol.ttlv import MAX_BYTES, Value

__all__ = ["FLAG", "INTEGER", "NAMES", "NUMBER", "TEXT", "Kind", "Misfit", "data", "text"]


class Misfit(ValueError):
    """A part of a payload, or of a value to be written, does not fit.

    `field` is the dotted name of the part, "" where it has not got one yet; `reason` never repeats the value.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def inside(self, field: str) -> "Misfit":
        """Return the same fault as seen from one level further out."""
        return Misfit(f"{field}.{self.field}" if self.field else field, self.reason)


@dataclass(frozen=True, slots=True)
class Kind:
    """What an item takes. Both functions raise `Misfit` for what does not fit."""

    read: Callable[[Value], object]
    write: Callable[[Any], Value]


def data(*, least: int = 0) -> Kind:
    """Bytes of any content; fewer than `least` are read, but not written."""

    def write(value: bytes) -> Value:
        if len(value) < least:
            raise Misfit("", f"is shorter than {least} bytes")
        return value

    return Kind(_read_bytes, write)


def text(limit: int = MAX_BYTES) -> Kind:
    """UTF-8 text; more than `limit` bytes are read, but not written."""

    def write(value: str) -> Value:
        try:
            encoded = value.encode()
        except UnicodeError:
            raise Misfit("", "is not text that UTF-8 can carry") from None
        if len(encoded) > limit:
            raise Misfit("", f"is longer than {limit} bytes")
        return encoded

    return Kind(_read_text, write)


def _read_bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise Misfit("", "is not bytes")
    return value


def _read_text(value: Value) -> str:
    try:
        return _read_bytes(value).decode()
    except UnicodeError:
        raise Misfit("", "is not UTF-8 text") from None


def _read_number(value: Value) -> Decimal:
    if not isinstance(value, Decimal):
        raise Misfit("", "is not a number")
    return value


def _read_integer(value: Value) -> int:
    number = _read_number(value)
    whole = int(number)
    if whole != number:
        raise Misfit("", "is not a whole number")
    return whole


def _read_flag(value: Value) -> bool:
    if value in (0, 1):
        return value == 1
    raise Misfit("", "is not true or false")


def _read_names(value: Value) -> tuple[str, ...]:
    return tuple(name for name in _read_text(value).split(";") if name)


def _write_names(names: tuple[str, ...]) -> Value:
    if any(";" in name or not name for name in names):
        raise Misfit("", "has an empty name, or one with a semicolon")
    return TEXT.write("".join(f"{name};" for name in names))


TEXT = text()
NUMBER = Kind(_read_number, lambda value: value)
INTEGER = Kind(_read_integer, Decimal)
FLAG = Kind(_read_flag, lambda value: value)  # reads the numbers 0 and 1 as well
NAMES = Kind(_read_names, _write_names)  # one text of names, each followed by ";"; a tuple on our side
