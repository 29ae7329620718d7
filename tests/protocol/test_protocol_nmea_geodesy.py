"""WGS-84, GCJ-02 and BD-09, section 4.8 of contract/messages.md."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol.geodesy import Coordinates, gcj02_to_bd09, in_china, wgs84_to_gcj02

METRES_PER_DEGREE = 111_320.0
latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


def approximately(point: Coordinates, latitude: float, longitude: float, degrees: float) -> bool:
    return abs(point.latitude - latitude) <= degrees and abs(point.longitude - longitude) <= degrees


def examples() -> list[dict[str, Any]]:
    """The positions of the contract's messages."""
    path = Path(__file__).parents[2] / "contract" / "message-examples.json"
    found: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "wgs_84" in node:
                found.append(node)
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                walk(child)

    walk(json.loads(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("kv", examples(), ids=lambda kv: str(kv["wgs_84"]["lat"]))
def test_the_examples_of_the_contract(kv: dict[str, Any]) -> None:
    gcj = wgs84_to_gcj02(Coordinates(kv["wgs_84"]["lat"], kv["wgs_84"]["lng"]))
    assert approximately(gcj, kv["gcj_02"]["lat"], kv["gcj_02"]["lng"], 6e-8)
    assert approximately(gcj02_to_bd09(gcj), kv["bd_09"]["lat"], kv["bd_09"]["lng"], 6e-8)


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
        ((39.915, 116.404), (39.91640428150164, 116.41024449916938)),
    ],
    ids=["Shanghai", "Shenzhen", "Beijing", "Tiananmen"],
)
def test_published_reference_points_of_gcj02(wgs: tuple[float, float], gcj: tuple[float, float]) -> None:
    assert approximately(wgs84_to_gcj02(Coordinates(*wgs)), *gcj, 1e-9)


def test_published_reference_point_of_bd09() -> None:
    assert approximately(gcj02_to_bd09(Coordinates(39.915, 116.404)), 39.92133699351021, 116.41036949371029, 1e-9)


@pytest.mark.parametrize(
    "place",
    [(39.7392, -104.9903), (51.5007, -0.1246), (-33.8568, 151.2153), (35.6586, 139.7454), (0.0, 0.0), (90.0, 180.0)],
    ids=["Denver", "London", "Sydney", "Tokyo", "origin", "pole"],
)
def test_gcj02_is_wgs84_outside_china(place: tuple[float, float]) -> None:
    point = Coordinates(*place)
    assert not in_china(point)
    assert wgs84_to_gcj02(point) == point


@given(latitudes, longitudes)
def test_gcj02_moves_a_point_by_less_than_two_kilometres(latitude: float, longitude: float) -> None:
    point = Coordinates(latitude, longitude)
    moved = wgs84_to_gcj02(point)
    if not in_china(point):
        assert moved == point
        return
    north = (moved.latitude - latitude) * METRES_PER_DEGREE
    east = (moved.longitude - longitude) * METRES_PER_DEGREE * math.cos(math.radians(latitude))
    assert math.hypot(north, east) < 2000


@given(latitudes, longitudes)
def test_bd09_is_near_gcj02_everywhere(latitude: float, longitude: float) -> None:
    moved = gcj02_to_bd09(Coordinates(latitude, longitude))
    assert approximately(moved, latitude, longitude, 0.01)
