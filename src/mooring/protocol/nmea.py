"""Sentences of a location report: positions of satellite receivers, and cells.

Implements section 6.5 of contract/device-protocol.md and the units of section 4.8 of contract/messages.md. One text
carries sentences each followed by ";". Whatever is not understood is kept as it came: devices have sentences that we
do not know, and none of them is an error. Checksums are not looked at: the channel has its own, and SDK 2.9.0 writes
those of `$LBS` in decimal.
"""

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from mooring.protocol.geodesy import Coordinates

__all__ = ["Cell", "Content", "Position", "Sentence", "checksum", "parse", "read", "split"]

TALKERS = {"GP": "GP", "GN": "GN", "GL": "GL", "GA": "GA", "BD": "BD", "PQ": "PQ", "GB": "BD"}  # GB: BeiDou since 4.11

_ANGLE = re.compile(r"([0-9]{2,3})([0-5][0-9](?:\.[0-9]{1,12})?)")
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_TIME = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9]|60)(?:\.([0-9]{1,9}))?")
_DATE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})")
_FIRST_YEAR = 80  # two digits; GPS counts from 1980, and receivers that do not know the date say so


class Position(msgspec.Struct, frozen=True):
    """A fix, with the parts its kind of sentence has. Sentences without a fix have no `Position`."""

    talker: str  # GP, GN, GL, GA, BD or PQ
    kind: str  # GGA, RMC or GLL
    wgs84: Coordinates
    lat: str  # as it came: ddmm.mmmm, unsigned
    lat_type: str  # N or S
    lng: str  # as it came: dddmm.mmmm, unsigned
    lng_type: str  # E or W
    time_of_day: int | None = None  # milliseconds since midnight, UTC
    date: datetime.date | None = None  # UTC; RMC only
    quality: int | None = None  # GGA only: 1 single point, 2 differential, … 9 WAAS
    satellites: int | None = None  # in use
    hdop: Decimal | None = None
    height: Decimal | None = None  # metres above mean sea level
    speed: Decimal | None = None  # knots
    course: Decimal | None = None  # degrees from true north


class Cell(msgspec.Struct, frozen=True):
    """A radio cell that a device sees."""

    mcc: int
    mnc: int
    lac: int
    cell_id: int
    signal: int  # dBm


Content: TypeAlias = Position | Cell


class Sentence(msgspec.Struct, frozen=True):
    """One sentence as it came, without its ";", and what it says; None for no fix, or a sentence not understood."""

    raw: str
    content: Content | None


def split(text: str) -> list[str]:
    """Return the sentences of a location report, without separators, line ends and empty ones."""
    return [sentence for part in text.split(";") if (sentence := part.strip())]


def read(text: str) -> list[Sentence]:
    """Return every sentence of a location report, in order."""
    return [Sentence(raw, parse(raw)) for raw in split(text)]


def parse(sentence: str) -> Content | None:
    """Return what one sentence says; None for no fix, and for anything that is not understood."""
    if not sentence.startswith("$"):
        return None
    name, *parts = sentence[1:].partition("*")[0].split(",")
    if name == "LBS":
        return _cell(parts)
    talker = TALKERS.get(name[:2])
    reader = _READERS.get(name[2:])
    return reader(talker, parts) if talker and reader else None


def checksum(sentence: str) -> int:
    """Return the XOR over what stands between "$" and "*", 0 to 255."""
    result = 0
    for byte in sentence.removeprefix("$").partition("*")[0].encode():
        result ^= byte
    return result


def _gga(talker: str, parts: Sequence[str]) -> Position | None:
    if len(parts) < 9:
        return None
    quality = _integer(parts[5])
    angles = _angles(parts[1:5])
    if not quality or angles is None:
        return None
    return Position(
        talker,
        "GGA",
        *angles,
        time_of_day=_time_of_day(parts[0]),
        quality=quality,
        satellites=_integer(parts[6]),
        hdop=_number(parts[7]),
        height=_number(parts[8]),
    )


def _rmc(talker: str, parts: Sequence[str]) -> Position | None:
    if len(parts) < 9:
        return None
    angles = _angles(parts[2:6])
    if parts[1] != "A" or angles is None:
        return None
    return Position(
        talker,
        "RMC",
        *angles,
        time_of_day=_time_of_day(parts[0]),
        date=_date(parts[8]),
        speed=_number(parts[6]),
        course=_number(parts[7]),
    )


def _gll(talker: str, parts: Sequence[str]) -> Position | None:
    angles = _angles(parts[0:4])
    status = parts[5] if len(parts) > 5 else "A"  # receivers before NMEA 2.0 send neither time nor status
    if status != "A" or angles is None:
        return None
    return Position(talker, "GLL", *angles, time_of_day=_time_of_day(parts[4]) if len(parts) > 4 else None)


_READERS = {"GGA": _gga, "RMC": _rmc, "GLL": _gll}


def _cell(parts: Sequence[str]) -> Cell | None:
    numbers = [_integer(part) for part in parts[:5]]
    known = [number for number in numbers if number is not None]
    return Cell(*known) if len(known) == 5 else None


def _angles(parts: Sequence[str]) -> tuple[Coordinates, str, str, str, str] | None:
    """Return degrees and the four parts: latitude, N or S, longitude, E or W."""
    if len(parts) != 4:
        return None
    lat, lat_type, lng, lng_type = parts
    latitude = _degrees(lat, lat_type, "NS", 2, 90)
    longitude = _degrees(lng, lng_type, "EW", 3, 180)
    if latitude is None or longitude is None:
        return None
    return Coordinates(latitude, longitude), lat, lat_type, lng, lng_type


def _degrees(text: str, side: str, sides: str, digits: int, most: int) -> float | None:
    match = _ANGLE.fullmatch(text)
    if match is None or len(match[1]) != digits or len(side) != 1 or side not in sides:
        return None
    degrees = int(match[1]) + float(match[2]) / 60
    if degrees > most:
        return None
    return degrees if side == sides[0] else -degrees


def _time_of_day(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    milliseconds = int(f"{match[4] or ''}000"[:3])
    return ((int(match[1]) * 60 + int(match[2])) * 60 + int(match[3])) * 1000 + milliseconds


def _date(text: str) -> datetime.date | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year = int(match[3])
    try:
        return datetime.date(year + (1900 if year >= _FIRST_YEAR else 2000), int(match[2]), int(match[1]))
    except ValueError:
        return None


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _integer(text: str) -> int | None:
    number = _number(text)
    return int(number) if number is not None and "." not in text else None
