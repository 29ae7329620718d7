"""Positions in a location report (0122, 0124): one for each fix, as they are logged and shown.

device-protocol.md section 6.5, messages.md section 4.8. Sentences of one moment and talker (GGA, RMC, GLL) are one fix.
Cells and Wi-Fi scans are kept without coordinates, because turning them into some needs a service that this server
does not have; so is every sentence that is not understood.
"""

import datetime
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from mooring.protocol import nmea
from mooring.protocol.geodesy import Coordinates, gcj02_to_bd09, wgs84_to_gcj02
from mooring.protocol.nmea import Cell, Position

__all__ = ["LBS", "MAX_SENTENCES", "WIFI", "Location", "newest_fix", "parse_location", "read_report"]

MAX_SENTENCES = 300  # of one report; more would hold up everybody else
LBS, WIFI = "LBS", "WIFI"

_DAY_MS = 86_400_000
_DIGITS = 8  # of a degree: a millimetre
_FIRST_YEAR = 2000  # receivers that do not know the date tell one before


class Location(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a device was, or what it saw to find out. Times are epoch ms, `at` that of the report's arrival.

    `source` is the talker (GN, GP, GL, GA, BD, PQ), LBS, WIFI, or empty when nothing was understood. `wgs84` is None
    without a fix. `raw` are the sentences as they came, each followed by ";".
    """

    source: str
    at: int
    time: int
    raw: str
    ticket: int = 0
    packet_id: int | None = None
    kinds: tuple[str, ...] = ()
    wgs84: Coordinates | None = None
    gcj02: Coordinates | None = None
    bd09: Coordinates | None = None
    lat: str | None = None
    lat_type: str | None = None
    lng: str | None = None
    lng_type: str | None = None
    quality: int | None = None
    satellites: int | None = None
    hdop: str | None = None
    height: str | None = None
    speed: str | None = None  # knots
    course: str | None = None
    cells: tuple[Cell, ...] = ()


_decode = msgspec.json.Decoder(Location).decode


def parse_location(text: str) -> Location:
    """A location as it was stored."""
    return _decode(text)


def newest_fix(locations: Iterable[Location]) -> Location | None:
    """Of those with coordinates the one with the latest time, of equal ones the last."""
    newest = None
    for location in locations:
        if location.wgs84 is not None and (newest is None or location.time >= newest.time):
            newest = location
    return newest


def read_report(text: str, at_ms: int) -> tuple[list[Location], int]:
    """The locations of a report that arrived at `at_ms`, and how many sentences beyond the limit were not read."""
    sentences = nmea.split(text)
    fixes: list[list[Position]] = []
    texts: list[list[str]] = []
    radio: dict[str, list[str]] = {LBS: [], WIFI: []}
    cells: list[Cell] = []
    loose: list[str] = []
    for raw in sentences[:MAX_SENTENCES]:
        content = nmea.parse(raw)
        if isinstance(content, Position):
            if fixes and _same_moment(fixes[-1], content):
                fixes[-1].append(content)
                texts[-1] += [*loose, raw]
            else:
                fixes.append([content])
                texts.append([*loose, raw])
            loose = []
            continue
        if isinstance(content, Cell):
            cells.append(content)
        radio.get(raw[1:].partition(",")[0], loose).append(raw)
    if loose and texts:
        texts[-1] += loose
        loose = []
    found = [_fix(positions, kept, at_ms) for positions, kept in zip(fixes, texts, strict=True)]
    for source, kept in radio.items():
        if kept:
            seen = tuple(cells) if source == LBS else ()
            found.append(Location(source, at_ms, at_ms, _joined(kept), kinds=(source,), cells=seen))
    if loose:
        found.append(Location("", at_ms, at_ms, _joined(loose)))
    return found, max(0, len(sentences) - MAX_SENTENCES)


def _same_moment(fix: Sequence[Position], later: Position) -> bool:
    known = next((one.time_of_day for one in fix if one.time_of_day is not None), later.time_of_day)
    return (
        later.talker == fix[0].talker
        and later.time_of_day in (None, known)
        and all(one.kind != later.kind for one in fix)
    )


def _fix(positions: Sequence[Position], raw: Iterable[str], at_ms: int) -> Location:
    first = positions[0]
    gcj02 = wgs84_to_gcj02(first.wgs84)
    return Location(
        first.talker,
        at_ms,
        _time(positions, at_ms),
        _joined(raw),
        kinds=tuple(one.kind for one in positions),
        wgs84=_short(first.wgs84),
        gcj02=_short(gcj02),
        bd09=_short(gcj02_to_bd09(gcj02)),
        lat=first.lat,
        lat_type=first.lat_type,
        lng=first.lng,
        lng_type=first.lng_type,
        quality=next((one.quality for one in positions if one.quality is not None), None),
        satellites=next((one.satellites for one in positions if one.satellites is not None), None),
        hdop=_text(one.hdop for one in positions),
        height=_text(one.height for one in positions),
        speed=_text(one.speed for one in positions),
        course=_text(one.course for one in positions),
    )


def _time(positions: Sequence[Position], at_ms: int) -> int:
    """The time of a fix; without a date, that of the day nearest to its arrival."""
    time_of_day = next((one.time_of_day for one in positions if one.time_of_day is not None), None)
    if time_of_day is None:
        return at_ms
    date = next((one.date for one in positions if one.date is not None and one.date.year >= _FIRST_YEAR), None)
    if date is not None:
        return (date - datetime.date(1970, 1, 1)).days * _DAY_MS + time_of_day
    return (at_ms - time_of_day + _DAY_MS // 2) // _DAY_MS * _DAY_MS + time_of_day


def _short(point: Coordinates) -> Coordinates:
    return Coordinates(round(point.latitude, _DIGITS), round(point.longitude, _DIGITS))


def _text(numbers: Iterable[Decimal | None]) -> str | None:
    return next((format(number, "f") for number in numbers if number is not None), None)


def _joined(sentences: Iterable[str]) -> str:
    return "".join(f"{sentence};" for sentence in sentences)
