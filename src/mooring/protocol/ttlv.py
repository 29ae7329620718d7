"""TTLV: the list of typed values that most payloads of the device link are made of.

Implements section 9 of contract/device-protocol.md. A payload is a list of fields; the same list read twice
gives equal values. Numbers are exact decimals, never binary floats: a report of 28.20 is read as
`Decimal("28.20")` and written in its shortest form, 28.2. A payload is read as a whole or refused as a whole.

Rules of the wire that callers may rely on:

- an array is a list whose members have id 0; nothing with another id may follow such a member;
- one id may come several times, in order; who keeps one value per id takes the last one;
- type 5 of newer devices is read as bytes; writing always gives type 3.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

__all__ = [
    "BYTES",
    "ELEMENT_ID",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_EXPONENT",
    "MAX_FIELD_ID",
    "MAX_MAGNITUDE",
    "MAX_MEMBERS",
    "NEWER_BYTES",
    "NUMBER",
    "Field",
    "TtlvError",
    "Value",
    "decode",
    "decode_ids",
    "encode",
    "encode_ids",
]

ELEMENT_ID = 0  # the id of every element of an array
MAX_FIELD_ID = 8191  # 13 bits
MAX_DEPTH = 16  # structs inside one another; the thing model needs 2, the rest is room
MAX_BYTES = 65535  # of one bytes value: its length has 16 bits
MAX_MEMBERS = 65535  # of one struct or array: their count has 16 bits; reading is also bound by the bytes left
MAX_MAGNITUDE = 2**64 - 1  # of a number without its sign and decimal point; devices of SDK 2.9.0 wrap above 2**63 - 1
MAX_EXPONENT = 15  # decimals after the point

# Types on the wire, the low three bits of a header; those of a bool are its value.
NUMBER, BYTES, NEWER_BYTES = 2, 3, 5
_LIST = 4
_ID_BITS = 8  # what the id counts in the low byte of a header; the type has the bits below
_SMALLEST_FIELD = 2  # bytes: a bool is its header alone
_MOST_WHOLE_DIGITS = len(str(MAX_MAGNITUDE))


class TtlvError(ValueError):
    """The bytes are not TTLV, or the value cannot be written as TTLV; `reason` never repeats what was given.

    `offset` counts bytes from the start of the payload to the field at fault, when reading and when writing.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(offset, reason)
        self.offset = offset
        self.reason = reason

    def __str__(self) -> str:
        return f"byte {self.offset}: {self.reason}"


class Field(msgspec.Struct, frozen=True, gc=False):
    """One value and its id, 0 to 8191. A list is a struct, or an array when its members have id 0.

    Outside the garbage collector for speed; a `value` list must never be made to contain itself.
    """

    id: int
    value: "Value"


Value: TypeAlias = bool | Decimal | bytes | list[Field]

# Devices repeat themselves: most numbers on the wire have been seen before under the same id, and a look-up costs a
# fifth of making the field. Only short ones are kept, so that timestamps do not push them out; 32768 of them take
# about 7 MB.
_KNOWN_NUMBERS: dict[bytes, Field] = {}
_KNOWN_NUMBERS_LIMIT = 32768
_KNOWN_NUMBER_BYTES = 6  # header, marker and three bytes of magnitude


def decode(data: bytes) -> list[Field]:
    """Return the fields of a payload, in order. Raises `TtlvError` when any part of it is not as section 9 says."""
    return _read_list(data, 0, len(data), 0)[0]


def encode(fields: Iterable[Field]) -> bytes:
    """Return the payload of the fields: numbers in the fewest bytes, with the fewest decimals.

    Raises `TtlvError` for what the wire cannot carry: an id out of range, NaN, infinity, more than 15 decimals or
    64 bits, a value of another type, a list too deep or too long, an element before a member with an id.
    """
    out = bytearray()
    _write_list(out, fields, 0)
    return bytes(out)


def decode_ids(data: bytes) -> list[int]:
    """Return the ids of a read request (0011, 0031, 0041), 16 bits each. `TtlvError` for a byte left over."""
    if len(data) % 2:
        raise TtlvError(len(data) - 1, "half an id is left over")
    return [data[at] << 8 | data[at + 1] for at in range(0, len(data), 2)]


def encode_ids(ids: Sequence[int]) -> bytes:
    """Return the payload of a read request. Raises `TtlvError` for an id that does not fit 16 bits."""
    out = bytearray()
    for ident in ids:
        if not 0 <= ident <= 0xFFFF:
            raise TtlvError(len(out), "the id does not fit 16 bits")
        out += ident.to_bytes(2, "big")
    return bytes(out)


def _read_list(data: bytes, at: int, count: int, depth: int) -> tuple[list[Field], int]:
    """Read `count` members from `at`, at depth 0 as many as there are; return them and where they end.

    This loop is the hot path of ingest, hence one function with local names; it recurses for lists only. An index
    beyond the data is how truncation shows.
    """
    fields: list[Field] = []
    append = fields.append
    end = len(data)
    known = _KNOWN_NUMBERS.get
    after_element = False
    try:
        for _ in range(count):
            if at == end:
                break
            low = data[at + 1]
            if low < _ID_BITS and not data[at]:
                after_element = True
            elif after_element:
                raise TtlvError(at, "a member with an id follows an array element")
            kind = low & 7
            if kind == NUMBER:
                stop = at + 4 + (data[at + 2] & 7)
                raw = data[at:stop]
                append(known(raw) or _number(raw, at))
            elif kind == BYTES or kind == NEWER_BYTES:  # noqa: SIM109 - faster than `in`
                start = at + 4
                stop = start + (data[at + 2] << 8 | data[at + 3])
                if stop > end:
                    raise TtlvError(at, "the bytes end early")
                append(Field(data[at] << 5 | low >> 3, data[start:stop]))
            elif kind <= 1:
                stop = at + 2
                append(Field(data[at] << 5 | low >> 3, kind == 1))
            elif kind == _LIST:
                members = data[at + 2] << 8 | data[at + 3]
                if members * _SMALLEST_FIELD > end - at - 4:
                    raise TtlvError(at, "has more members than there are bytes left")
                if depth == MAX_DEPTH:
                    raise TtlvError(at, f"is nested deeper than {MAX_DEPTH} lists")
                inner, stop = _read_list(data, at + 4, members, depth + 1)
                append(Field(data[at] << 5 | low >> 3, inner))
            else:
                raise TtlvError(at, "has an undefined type")
            at = stop
    except IndexError:
        raise TtlvError(at, "the field ends early") from None
    if depth and len(fields) < count:
        raise TtlvError(at, "a member is missing")
    return fields, at


def _number(raw: bytes, offset: int) -> Field:
    """Return the number of a header, a marker and its magnitude."""
    marker = raw[2]
    if len(raw) != (marker & 7) + 4:
        raise TtlvError(offset, "the number ends early")
    magnitude = int.from_bytes(raw[3:], "big")
    if marker & 0x80:
        magnitude = -magnitude
    exponent = marker >> 3 & 15
    # From an integer or a text, because that is exact whatever decimal context the caller has set.
    value = Decimal(f"{magnitude}E-{exponent}") if exponent else Decimal(magnitude)
    field = Field(raw[0] << 5 | raw[1] >> 3, value)
    if len(raw) <= _KNOWN_NUMBER_BYTES:
        if len(_KNOWN_NUMBERS) >= _KNOWN_NUMBERS_LIMIT:
            _KNOWN_NUMBERS.clear()
        _KNOWN_NUMBERS[raw] = field
    return field


def _write_list(out: bytearray, fields: Iterable[Field], depth: int) -> None:
    after_element = False
    for field in fields:
        if not 0 <= field.id <= MAX_FIELD_ID:
            raise TtlvError(len(out), f"the id is not 0 to {MAX_FIELD_ID}")
        if field.id == ELEMENT_ID:
            after_element = True
        elif after_element:
            raise TtlvError(len(out), "a member with an id follows an array element")
        _write_value(out, field.id << 3, field.value, depth)


def _write_value(out: bytearray, header: int, value: Value, depth: int) -> None:
    if isinstance(value, bool):
        out += (header | value).to_bytes(2, "big")
    elif isinstance(value, Decimal):
        magnitude = _magnitude(value, len(out))
        out += (header | NUMBER).to_bytes(2, "big") + magnitude
    elif isinstance(value, bytes):
        if len(value) > MAX_BYTES:
            raise TtlvError(len(out), f"the value is longer than {MAX_BYTES} bytes")
        out += (header | BYTES).to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
    elif isinstance(value, list):
        if depth == MAX_DEPTH:
            raise TtlvError(len(out), f"is nested deeper than {MAX_DEPTH} lists")
        if len(value) > MAX_MEMBERS:
            raise TtlvError(len(out), f"has more than {MAX_MEMBERS} members")
        out += (header | _LIST).to_bytes(2, "big") + len(value).to_bytes(2, "big")
        _write_list(out, value, depth + 1)
    else:
        raise TtlvError(len(out), "the value is not a bool, a Decimal, bytes or a list")


def _magnitude(value: Decimal, offset: int) -> bytes:
    """Return marker and magnitude of a number: smallest exponent, fewest bytes, zero positive."""
    if not value.is_finite():
        raise TtlvError(offset, "the number is not finite")
    if not value:
        return b"\x00\x00"
    # Bounded before it is spelt out: 1E+999999999 is a short Decimal and a very long text.
    if not -MAX_EXPONENT <= value.adjusted() < _MOST_WHOLE_DIGITS:
        raise TtlvError(offset, "the number is too large or too small")
    whole, _, fraction = format(value.copy_abs(), "f").partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > MAX_EXPONENT:
        raise TtlvError(offset, f"the number has more than {MAX_EXPONENT} decimals")
    magnitude = int(whole + fraction)
    if magnitude > MAX_MAGNITUDE:
        raise TtlvError(offset, "the number has more than 64 bits")
    size = (magnitude.bit_length() + 7) // 8
    marker = value.is_signed() << 7 | len(fraction) << 3 | size - 1
    return bytes((marker,)) + magnitude.to_bytes(size, "big")
