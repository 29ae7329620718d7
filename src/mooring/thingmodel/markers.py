"""Markers: the byte before the magnitude of a number, which says sign, decimals and size.

Contract: device-protocol.md section 9. From it follows how the number becomes text; most do without a Decimal.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeAlias

from mooring.protocol.ttlv import MAX_EXPONENT, MAX_MAGNITUDE
from mooring.thingmodel.exact import number_text

__all__ = ["FIELDS", "FRACTIONS", "NEGATIVE", "SIZE", "TABLED", "Way", "text_of", "usual_markers", "way_of"]

NEGATIVE: Final = 0x80
SIZE: Final = 7  # the bits of a magnitude's bytes less one
TABLED: Final = 3  # decimals whose texts are kept: devices hardly report more
FRACTIONS: Final = tuple(
    tuple(f".{rest:0{decimals}}".rstrip("0").rstrip(".") for rest in range(10**decimals)) if decimals else ("",)
    for decimals in range(TABLED + 1)
)
"""By decimals, the end of a number's text by the last digits of its magnitude."""

FIELDS: Final = ("3xB", "3xH", "2xI", "3xI", "3x5s", "3x6s", "3x7s", "3xQ")
"""By the size bits of a marker, how `struct` unpacks header, marker and magnitude into one field.

It is the magnitude; of three bytes, which `struct` cannot read, with the marker before it; of 5 to 7 its bytes.
"""
_THREE: Final = 2
_AS_BYTES: Final = (4, 5, 6)
_LOW: Final = 0xFFFFFF

Way: TypeAlias = tuple[int, tuple[str, ...]] | tuple[int, Callable[[Any], str]]
"""How a field becomes text: what divides it and the texts of the remainders; or 0 and a function."""


def text_of(marker: int, magnitude: int, decimals: int) -> str:
    """The text of any number, rounded to so many decimals."""
    exponent = marker >> 3 & MAX_EXPONENT
    if exponent <= TABLED and exponent <= decimals:
        before, rest = divmod(magnitude, 10**exponent)
        sign = "-" if marker & NEGATIVE and magnitude else ""
        return f"{sign}{before}{FRACTIONS[exponent][rest]}"
    number = Decimal(f"{'-' if marker & NEGATIVE else ''}{magnitude}E-{exponent}")
    return number_text(number, decimals)


@cache
def way_of(marker: int, decimals: int) -> Way:
    """How the field of a marker becomes the text of a number that is rounded to so many decimals, 0 to 15."""
    size, exponent = marker & SIZE, marker >> 3 & MAX_EXPONENT
    low = _LOW if size == _THREE else MAX_MAGNITUDE
    if size in _AS_BYTES:
        return 0, lambda field: text_of(marker, int.from_bytes(field), decimals)
    if exponent > decimals or exponent > TABLED:
        return 0, lambda field: text_of(marker, field & low, decimals)
    if not size:
        return 0, _texts_of_bytes(marker).__getitem__
    power, ends = 10**exponent, FRACTIONS[exponent]
    if marker & NEGATIVE:
        return 0, lambda field: f"-{(field & low) // power}{ends[(field & low) % power]}" if field & low else "0"
    if size == _THREE:
        return 0, lambda field: f"{(field & _LOW) // power}{ends[(field & _LOW) % power]}"
    return power, ends


def usual_markers(marker: int, decimals: int) -> set[int]:
    """A marker, and those that are likely where it was seen: of the same size, with few decimals."""
    exponents = range(min(decimals, TABLED) + 1)
    return {marker, *(sign | exponent << 3 | marker & SIZE for sign in (0, NEGATIVE) for exponent in exponents)}


@cache
def _texts_of_bytes(marker: int) -> tuple[str, ...]:
    return tuple(text_of(marker, magnitude, TABLED) for magnitude in range(256))
