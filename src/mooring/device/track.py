"""A path over the ground, and the sentences a satellite receiver on it would send (device-protocol.md section 6.5)."""

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from mooring.protocol.nmea import checksum

__all__ = ["SENTENCES", "Fix", "Track", "sentences"]

SENTENCES: Final = ("GGA", "RMC")

_METRES_PER_DEGREE: Final = 111_320.0  # of latitude; good to half a percent
_KNOTS_PER_KMH: Final = 0.539957


class Fix(msgspec.Struct, frozen=True):
    """Where a device is, and where it goes."""

    latitude: float  # degrees, north is positive
    longitude: float  # degrees, east is positive
    course: float  # degrees from north
    speed_kmh: float


class Track:
    """Straight lines between points, at one speed. The end leads back to the start, or the device stays there."""

    def __init__(self, points: Sequence[tuple[float, float]], speed_kmh: float, *, loop: bool) -> None:
        path = [*points, points[0]] if loop and len(points) > 1 else list(points)
        self._legs = [(a, b, _metres(a, b)) for a, b in itertools.pairwise(path) if a != b]
        self._length = sum(metres for _, _, metres in self._legs)
        self._end = path[-1]
        self._speed_kmh = speed_kmh
        self._loop = loop

    def at(self, seconds: float) -> Fix:
        """Return where the device is so long after the start."""
        way = max(seconds, 0.0) * self._speed_kmh / 3.6
        if self._loop and self._length:
            way %= self._length
        for a, b, metres in self._legs:
            if way < metres:
                part = way / metres
                return Fix(
                    a[0] + (b[0] - a[0]) * part,
                    a[1] + (b[1] - a[1]) * part,
                    _course(a, b),
                    self._speed_kmh,
                )
            way -= metres
        return Fix(*self._end, 0.0, 0.0)


def sentences(fix: Fix, now_ms: int, kinds: Sequence[str] = SENTENCES) -> str:
    """Return the sentences of these kinds (GGA, RMC), each followed by ";". The time is Unix time in milliseconds."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    time = f"{now:%H%M%S}.{now.microsecond // 1000:03}"
    place = f"{_angle(fix.latitude, 2, 'NS')},{_angle(fix.longitude, 3, 'EW')}"
    bodies = {
        "GGA": f"GPGGA,{time},{place},1,09,0.9,12.0,M,0.0,M,,",
        "RMC": f"GPRMC,{time},A,{place},{fix.speed_kmh * _KNOTS_PER_KMH:.1f},{fix.course:.1f},{now:%d%m%y},,,A",
    }
    return "".join(f"${bodies[kind]}*{checksum(bodies[kind]):02X};" for kind in kinds)


def _angle(degrees: float, digits: int, sides: str) -> str:
    """Return an angle as receivers write it: degrees, minutes with 4 decimals, side."""
    units = round(abs(degrees) * 600_000)  # ten-thousandths of a minute, so that 59.99996 does not become 60
    whole, rest = divmod(units, 600_000)
    return f"{whole:0{digits}}{rest / 10_000:07.4f},{sides[degrees < 0]}"


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    east = (b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return math.hypot(b[0] - a[0], east) * _METRES_PER_DEGREE


def _course(a: tuple[float, float], b: tuple[float, float]) -> float:
    east = (b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return round(math.degrees(math.atan2(east, b[0] - a[0])) % 360, 1) % 360
