"""The types of single values: BOOL, INT, FLOAT, DOUBLE, ENUM, TEXT, RAW and DATE, in and out.

Contract: tsl.md sections 4, 9 and 10, device-protocol.md section 9.3.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from json.encoder import encode_basestring as quoted
from typing import Any, Final, Protocol

from mooring.protocol.ttlv import MAX_EXPONENT, Value
from mooring.thingmodel.data_error import DataCode, DataError, Misfit, Unfit
from mooring.thingmodel.exact import decimals_of, number_of, number_text, rounded, scaled, sendable

__all__ = ["Kind", "ValueType", "kind_of", "quoted", "scalar"]

_DECIMALS: Final = {"INT": 0, "FLOAT": 7, "DOUBLE": 15}
_LARGEST_INT: Final = Decimal(2**31 - 1)
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_DATE: Final = re.compile(r"[0-9]{13}")
_REPORTED_DATE: Final = re.compile(rb"[0-9]{1,16}")
_DATE_DIGITS: Final = 13
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
# The types' own limits, for elements of arrays, which have no specs of their own.
_LONGEST: Final = {"TEXT": 10240, "RAW": 4096}


class ValueType(Protocol):
    """One data type with its specs, compiled.

    `encode` takes JSON values and Python values. With `checked` it refuses whatever tsl.md section 9 refuses; without,
    for what a device itself reports, bounds, steps and options are not enforced and decimals are rounded.
    """

    def encode(self, value: object, path: str, *, checked: bool) -> Value:
        """Return the value as it travels. Raises `DataError`."""

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[object, str]:
        """Return the value in pushed form, and its JSON in dmData. Raises `Unfit`; adds members that do not fit."""

    def unpack(self, value: Value, misfits: list[Misfit]) -> object:
        """Return the value as Python has it. Raises `Unfit`; adds members that do not fit."""


def scalar(data_type: str, specs: Any) -> ValueType:
    """Compile one of the eight types of single values; `specs` may be absent."""
    match data_type:
        case "BOOL":
            return _Bool()
        case "ENUM":
            return _Enum(specs or ())
        case "TEXT":
            return _Text(specs or {})
        case "RAW":
            return _Raw(specs or {})
        case "DATE":
            return _Date()
        case _:
            return _Number(data_type, specs or {})


class Kind(enum.Enum):
    """What a value is made of that is no number."""

    BOOL = "bool"
    BYTES = "bytes"  # whatever they are, they fit
    OTHER = "other"


def kind_of(value_type: ValueType) -> Kind | int:
    """What a value of this type is read from, of a number to how many decimals it is rounded."""
    match value_type:
        case _Number() | _Enum() | _Date():
            return value_type.reported_decimals
        case _Bool():
            return Kind.BOOL
        case _Text() | _Raw():
            return Kind.BYTES
        case _:
            return Kind.OTHER


class _Bool:
    __slots__ = ()

    def encode(self, value: object, path: str, *, checked: bool) -> bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "1") or (isinstance(value, int | Decimal) and value == 1):
            return True
        if value in ("false", "0") or (isinstance(value, int | Decimal) and value == 0):
            return False
        raise _wrong(value, path, DataCode.VALUE, "must be true or false")

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[object, str]:
        if value is True:
            return True, "true"
        if value is False:
            return False, "false"
        raise Unfit(f"a BOOL cannot be {_wire_class(value)}")

    def unpack(self, value: Value, misfits: list[Misfit]) -> object:
        return self.decode(value, misfits)[0]


class _Number:
    """INT, FLOAT and DOUBLE."""

    __slots__ = ("_decimals", "_highest", "_integral", "_lowest", "_origin", "_step", "reported_decimals")

    def __init__(self, data_type: str, specs: Mapping[str, Any]) -> None:
        bounds = {key: Decimal(specs[key]) for key in ("min", "max", "step") if specs.get(key)}
        self._integral = data_type == "INT"
        self._decimals = _DECIMALS[data_type]
        self._lowest = bounds.get("min", -_LARGEST_INT - 1 if self._integral else None)
        self._highest = bounds.get("max", _LARGEST_INT if self._integral else None)
        self._origin = scaled(bounds["min"]) if "min" in bounds else 0
        self._step = scaled(bounds["step"]) if "step" in bounds else None
        # A fraction for an INT is accepted as it comes; other numbers keep what lies on a step.
        self.reported_decimals = MAX_EXPONENT if self._integral else self._decimals
        if "step" in bounds and not self._integral:
            finest = max(len(specs[key].partition(".")[2].rstrip("0")) for key in ("min", "step") if key in bounds)
            self.reported_decimals = min(self._decimals, finest)

    def encode(self, value: object, path: str, *, checked: bool) -> Decimal:
        number = number_of(value, path)
        if self._integral:
            if number != number.to_integral_value():
                raise DataError(DataCode.VALUE, path, "must be a whole number")
        elif not checked:
            try:
                number = rounded(number, self.reported_decimals)
            except Unfit as unfit:
                raise DataError(DataCode.RANGE, path, unfit.reason) from None
        if checked:
            self._check_range(number, path)
        number = sendable(number, path)
        if checked:
            self._check_step(number, path)
        return number

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[object, str]:
        if type(value) is not Decimal:
            raise Unfit(f"a number cannot be {_wire_class(value)}")
        text = number_text(value, self.reported_decimals)
        return text, f'"{text}"'

    def unpack(self, value: Value, misfits: list[Misfit]) -> object:
        if type(value) is not Decimal:
            raise Unfit(f"a number cannot be {_wire_class(value)}")
        text = number_text(value, self.reported_decimals)
        return int(text) if self._integral and "." not in text else Decimal(text)

    def _check_range(self, number: Decimal, path: str) -> None:
        if self._lowest is not None and number < self._lowest:
            raise DataError(DataCode.RANGE, path, f"must not be below {self._lowest}")
        if self._highest is not None and number > self._highest:
            raise DataError(DataCode.RANGE, path, f"must not be above {self._highest}")

    def _check_step(self, number: Decimal, path: str) -> None:
        if decimals_of(number) > self._decimals:
            raise DataError(DataCode.RANGE, path, f"must not have more than {self._decimals} decimals")
        if self._step is not None and (scaled(number) - self._origin) % self._step:
            raise DataError(DataCode.RANGE, path, "must lie on a step of the model")


class _Enum:
    __slots__ = ("_options",)
    reported_decimals = MAX_EXPONENT

    def __init__(self, specs: Sequence[Mapping[str, Any]]) -> None:
        self._options = frozenset(int(option["value"]) for option in specs)

    def encode(self, value: object, path: str, *, checked: bool) -> Decimal:
        number = number_of(value, path)
        if checked and number not in self._options:
            raise DataError(DataCode.OPTION, path, "must be one of the options of the model")
        if number != number.to_integral_value():
            raise DataError(DataCode.VALUE, path, "must be a whole number")
        return sendable(number, path)

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[object, str]:
        if type(value) is not Decimal:
            raise Unfit(f"an ENUM cannot be {_wire_class(value)}")
        text = number_text(value, self.reported_decimals)
        return text, f'"{text}"'

    def unpack(self, value: Value, misfits: list[Misfit]) -> object:
        text = str(self.decode(value, misfits)[0])
        return Decimal(text) if "." in text else int(text)


class _Text:
    __slots__ = ("_longest",)

    def __init__(self, specs: Mapping[str, Any]) -> None:
        self._longest = int(specs.get("length", _LONGEST["TEXT"]))

    def encode(self, value: object, path: str, *, checked: bool) -> bytes:
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int | Decimal) and _is_plain(Decimal(value)):
            value = str(Decimal(value))
        if not isinstance(value, str):
            raise _wrong(value, path, DataCode.VALUE, "must be a text")
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise DataError(DataCode.VALUE, path, "must be a text that UTF-8 can carry") from None
        if b"\0" in data:
            raise DataError(DataCode.VALUE, path, "must not contain the character U+0000, where devices cut texts")
        if len(data) > self._longest:
            raise DataError(DataCode.LENGTH, path, f"must have at most {self._longest} bytes, this has {len(data)}")
        return data

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[object, str]:
        if type(value) is not bytes:
            raise Unfit(f"a TEXT cannot be {_wire_class(value)}")
        # The raw log has the bytes as they came; texts must be such that every database and client can hold them.
        text = value.decode("utf-8", "replace").replace("\0", "\ufffd")
        return text, quoted(text)

    def unpack(self, value: Value, misfits: list[Misfit]) -> str:
        return str(self.decode(value, misfits)[0])


class _Raw:
    __slots__ = ("_longest",)

    def __init__(self, specs: Mapping[str, Any]) -> None:
        self._longest = int(specs.get("length", _LONGEST["RAW"]))

    def encode(self, value: object, path: str, *, checked: bool) -> bytes:
        if isinstance(value, bytes | bytearray):
            data = bytes(value)
        elif isinstance(value, str) and _HEX.fullmatch(value):
            data = bytes.fromhex(value)
        else:
            raise _wrong(value, path, DataCode.VALUE, "must be an even number of hex digits")
        if len(data) > self._longest:
            raise DataError(DataCode.LENGTH, path, f"must have at most {self._longest} bytes, this has {len(data)}")
        return data

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[object, str]:
        text = self.unpack(value, misfits).hex()
        return text, f'"{text}"'

    def unpack(self, value: Value, misfits: list[Misfit]) -> bytes:
        if type(value) is not bytes:
            raise Unfit(f"a RAW cannot be {_wire_class(value)}")
        return value


class _Date:
    """Milliseconds since 1970, a number on the wire; 13 digits as bytes are read as well."""

    __slots__ = ()
    reported_decimals = 0

    def encode(self, value: object, path: str, *, checked: bool) -> Decimal:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return Decimal((value - _EPOCH) // _MILLISECOND)
        if not checked and isinstance(value, int) and not isinstance(value, bool):
            return sendable(Decimal(value), path)
        # Bounded before it is spelt out.
        if isinstance(value, int | Decimal) and Decimal(value).adjusted() < _DATE_DIGITS:
            value = str(value)
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise _wrong(value, path, DataCode.DATE, "must be 13 digits, milliseconds since 1970 in UTC")
        return Decimal(int(value))

    def decode(self, value: Value, misfits: list[Misfit]) -> tuple[object, str]:
        if type(value) is Decimal:
            text = number_text(value, self.reported_decimals)
        elif type(value) is bytes and _REPORTED_DATE.fullmatch(value):
            text = value.decode()
        else:
            digits = " without 13 digits" if type(value) is bytes else ""
            raise Unfit(f"a DATE cannot be {_wire_class(value)}{digits}")
        return text, f'"{text}"'

    def unpack(self, value: Value, misfits: list[Misfit]) -> int:
        return int(str(self.decode(value, misfits)[0]))


def _wrong(value: object, path: str, code: DataCode, reason: str) -> DataError:
    """Return the error of a value that is none of its type; of one nested where none may be, when it is that."""
    if isinstance(value, list | tuple | Mapping):
        return DataError(DataCode.UNKNOWN, path, f"{reason}, not a list or an object")
    return DataError(code, path, reason)


def _is_plain(number: Decimal) -> bool:
    """Whether the text of a number is digits and perhaps a point, not an exponent of any length."""
    return number.is_finite() and "E" not in str(number)


def _wire_class(value: Value) -> str:
    match value:
        case bool():
            return "a bool"
        case Decimal():
            return "a number"
        case bytes():
            return "bytes"
        case _:
            return "a list"
