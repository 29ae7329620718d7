"""Coordinates of the three systems that maps in China use: WGS-84, GCJ-02, BD-09.

Positions arrive and are stored as WGS-84; the other two are for maps that show shifted tiles (contract/messages.md,
section 4.8). GCJ-02 equals WGS-84 outside China; BD-09 is always derived from GCJ-02. The formulas have no official
publication; these are the ones everybody uses, good to about a metre.
"""

import math

import msgspec

__all__ = ["Coordinates", "gcj02_to_bd09", "in_china", "wgs84_to_gcj02"]

_SEMI_MAJOR_AXIS = 6378245.0  # metres, Krasovsky 1940
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_CENTRE_LATITUDE, _CENTRE_LONGITUDE = 35.0, 105.0
_SOUTH, _NORTH, _WEST, _EAST = 0.8293, 55.8271, 72.004, 137.8347  # the box within which GCJ-02 is shifted
_BD_FREQUENCY = math.pi * 3000.0 / 180.0
_BD_LATITUDE_SHIFT, _BD_LONGITUDE_SHIFT = 0.006, 0.0065


class Coordinates(msgspec.Struct, frozen=True):
    """A point in signed decimal degrees; north and east are positive."""

    latitude: float
    longitude: float


def in_china(point: Coordinates) -> bool:
    """Say whether a WGS-84 point is inside the box that GCJ-02 shifts. It is a box: neighbours are inside too."""
    return _SOUTH <= point.latitude <= _NORTH and _WEST <= point.longitude <= _EAST


def wgs84_to_gcj02(point: Coordinates) -> Coordinates:
    """Return the GCJ-02 coordinates of a WGS-84 point, the same outside China."""
    if not in_china(point):
        return point
    north, east = _shift(point.longitude - _CENTRE_LONGITUDE, point.latitude - _CENTRE_LATITUDE)
    latitude = math.radians(point.latitude)
    flattening = 1 - _ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
    meridian = _SEMI_MAJOR_AXIS * (1 - _ECCENTRICITY_SQUARED) / flattening**1.5
    parallel = _SEMI_MAJOR_AXIS / math.sqrt(flattening) * math.cos(latitude)
    return Coordinates(
        point.latitude + math.degrees(north / meridian),
        point.longitude + math.degrees(east / parallel),
    )


def gcj02_to_bd09(point: Coordinates) -> Coordinates:
    """Return the BD-09 coordinates of a GCJ-02 point."""
    x, y = point.longitude, point.latitude
    radius = math.hypot(x, y) + 0.00002 * math.sin(y * _BD_FREQUENCY)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * _BD_FREQUENCY)
    return Coordinates(
        radius * math.sin(angle) + _BD_LATITUDE_SHIFT,
        radius * math.cos(angle) + _BD_LONGITUDE_SHIFT,
    )


def _shift(x: float, y: float) -> tuple[float, float]:
    """Return how far GCJ-02 moves a point to the north and to the east, metres; x and y are degrees from the centre."""
    common = _wave(20.0, 6.0, x) + _wave(20.0, 2.0, x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + common
    north += _wave(20.0, 1.0, y) + _wave(40.0, 1 / 3, y) + _wave(160.0, 1 / 12, y) + _wave(320.0, 1 / 30, y)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + common
    east += _wave(20.0, 1.0, x) + _wave(40.0, 1 / 3, x) + _wave(150.0, 1 / 12, x) + _wave(300.0, 1 / 30, x)
    return north, east


def _wave(amplitude: float, frequency: float, degrees: float) -> float:
    return amplitude * math.sin(degrees * frequency * math.pi) * 2.0 / 3.0
