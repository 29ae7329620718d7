"""Exact numbers: read from texts and Python values, rounded as reports are, written without exponent or padding.

Contract: tsl.md sections 9 and 10, device-protocol.md section 9.1. Nothing here depends on the decimal context of the
caller, and no number is spelt out before its size is known.
"""

import re
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Final

from mooring.protocol.ttlv import MAX_EXPONENT, MAX_MAGNITUDE
from mooring.thingmodel.data_error import DataCode, DataError, Unfit

__all__ = ["ZERO", "decimals_of", "number_of", "number_text", "parsed", "rounded", "scaled", "sendable"]

ZERO: Final = Decimal(0)

_FORM: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INFINITY: Final = Decimal("Infinity")
_MOST_DIGITS: Final = 20  # before the point; 64 bits have no more
# Room for every number of the wire with all its decimals, and for one digit that rounding up may add.
_EXACT: Final = Context(prec=_MOST_DIGITS + 1 + MAX_EXPONENT, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
# Room for every bound that a model may have: a DOUBLE with 309 digits before the point.
_BOUNDS: Final = Context(prec=400, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_UNITS: Final = tuple(Decimal(1).scaleb(-decimals) for decimals in range(MAX_EXPONENT + 1))

# What a double holds for certain. The device SDK writes 28.56 as 28.559999999999996: what lies beyond these digits is
# the noise of its encoder when hardly any digit is left of the number without it.
_DOUBLE: Final = Context(prec=15, traps=[])
_FEW_DIGITS: Final = 12

# Devices repeat themselves, and a look-up costs a tenth of writing a fraction. One dictionary per number of decimals;
# together they take less than 20 MB.
_KNOWN_TEXTS: Final[tuple[dict[Decimal, str], ...]] = tuple({} for _ in _UNITS)
_KNOWN_TEXTS_LIMIT: Final = 4096


def parsed(text: str) -> Decimal:
    """Return the number of a text that has the form of one; infinity when its exponent is beyond any use."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _INFINITY
    return _INFINITY if number.is_nan() else number  # which it is where the context does not trap


def number_of(value: object, path: str) -> Decimal:
    """Return the number that a value is or has the text of, perhaps infinite. Raises `DataError`; true is no number."""
    number: Decimal | None = None
    if isinstance(value, str):
        number = parsed(value) if _FORM.fullmatch(value) else None
    elif isinstance(value, Decimal):
        number = value
    elif isinstance(value, int) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, float):
        number = Decimal(repr(value))  # the shortest text that means this float
    elif isinstance(value, list | tuple | Mapping):
        raise DataError(DataCode.UNKNOWN, path, "must be one number, not a list or an object")
    if number is None or number.is_nan():
        raise DataError(DataCode.VALUE, path, "must be a number")
    return number


def sendable(number: Decimal, path: str) -> Decimal:
    """Return the number with as few digits as it has. Raises `DataError` for more than the device link carries."""
    if not number:
        return ZERO
    if number.is_infinite() or number.adjusted() >= _MOST_DIGITS:
        raise DataError(DataCode.RANGE, path, "is too large for the device link")
    short = number.normalize(_EXACT)
    decimals = decimals_of(short)
    if short != number or decimals > MAX_EXPONENT:
        raise DataError(DataCode.RANGE, path, f"must not have more than {MAX_EXPONENT} decimals")
    if short.scaleb(decimals, _EXACT).copy_abs() > MAX_MAGNITUDE:
        raise DataError(DataCode.RANGE, path, "has more digits than the device link carries, which are 64 bits")
    return short if decimals else Decimal(int(short))


def decimals_of(number: Decimal) -> int:
    """Return how many decimals a finite number is written with."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def scaled(number: Decimal) -> int:
    """Return a number of at most 15 decimals as a count of its fifteenth decimal."""
    return int(number.scaleb(MAX_EXPONENT, _BOUNDS))


def rounded(number: Decimal, decimals: int) -> Decimal:
    """Return a reported number with at most so many decimals, 0 to 15, half away from zero.

    With 15 the noise of the device SDK's encoder goes as well. Raises `Unfit` for what no TTLV number can be.
    """
    if not number:
        return ZERO
    if not number.is_finite() or number.adjusted() >= _MOST_DIGITS:
        raise Unfit("the number is not finite or has more than 64 bits")
    if decimals < MAX_EXPONENT or decimals_of(number) > MAX_EXPONENT:
        return number if decimals_of(number) <= decimals else number.quantize(_UNITS[decimals], ROUND_HALF_UP, _EXACT)
    if decimals_of(number) == MAX_EXPONENT:
        short = number.normalize(_DOUBLE)
        if len(short.as_tuple().digits) <= _FEW_DIGITS:
            return short
    return number


def number_text(number: Decimal, decimals: int) -> str:
    """Return the text of a reported number, rounded: no exponent, no padding zeros. Raises `Unfit` as `rounded`."""
    text = str(number)
    if text.isdigit():
        return text
    if not number.is_finite():
        raise Unfit("the number is not finite")
    known = _KNOWN_TEXTS[decimals]
    found = known.get(number)
    if found is None:
        fraction = text.partition(".")[2]
        short = len(fraction) <= decimals and len(fraction) < MAX_EXPONENT
        plain = text[1:].isdigit() or (short and fraction.isdigit())
        found = _unpadded(text if plain else format(rounded(number, decimals), "f"))
        if len(known) >= _KNOWN_TEXTS_LIMIT:
            known.clear()
        known[number] = found
    return found


def _unpadded(text: str) -> str:
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
