"""Newest values and positions as they are read back; reports in time and out of it."""

import msgspec
import pytest

from mooring.platform.journal import Entry, Journal
from mooring.platform.latest import Latest, Newest
from mooring.platform.locations import Location, newest_fix, parse_location, read_report
from mooring.protocol.geodesy import Coordinates
from mooring.store import Store

NOON = 1_760_011_200_000  # 2025-10-09 12:00 UTC
GGA = "$GPGGA,{time},5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76;"
DAY_MS = 86_400_000


async def test_what_was_never_reported_is_none(store: Store) -> None:
    latest = Latest(store)
    assert await latest.of(7) is None
    assert await latest.location(7) is None


async def test_every_kind_is_read_back(store: Store) -> None:
    journal, latest = Journal(store), Latest(store)
    entry = Entry()
    entry.set_properties(7, {1: True, 2: {"a": ["1", "2"]}, 3: "x"}, 100)
    entry.set_resources(7, {"battery": "80"}, 101)
    await journal.commit(entry)
    later = Entry()
    later.set_properties(7, {2: {"b": "3"}}, 200)
    await journal.commit(later)
    found = await latest.of(7)
    assert found is not None
    assert found.properties == {1: Newest(True, 100), 2: Newest({"b": "3"}, 200), 3: Newest("x", 100)}
    assert found.resources == {"battery": Newest("80", 101)}
    assert (found.location, found.created_at, found.updated_at) == (None, 101, 200)


@pytest.mark.parametrize(
    ("time", "at", "expected"),
    [
        ("120000.00", NOON, NOON),
        ("115959.50", NOON, NOON - 500),
        ("235959.00", NOON + DAY_MS // 2 + 5_000, NOON + DAY_MS // 2 - 1_000),
        ("000001.00", NOON + DAY_MS // 2 - 5_000, NOON + DAY_MS // 2 + 1_000),
        ("", NOON, NOON),
    ],
)
def test_a_time_without_a_date_is_of_the_nearest_day(time: str, at: int, expected: int) -> None:
    [location], _ = read_report(GGA.format(time=time), at)
    assert location.time == expected


@pytest.mark.parametrize(("date", "expected"), [("081025", NOON - DAY_MS), ("060180", NOON), ("310225", NOON)])
def test_a_date_counts_unless_the_receiver_does_not_know_it(date: str, expected: int) -> None:
    sentence = f"$GPRMC,120000,A,5321.6802,N,00630.3372,W,0.02,31.66,{date},,,A*43;"
    [location], _ = read_report(sentence, NOON)
    assert location.time == expected


def test_one_moment_is_one_fix_and_a_track_is_many() -> None:
    moments = "".join(GGA.format(time=f"1200{second:02}.00") for second in (1, 2, 3))
    rmc = "$GPRMC,120003.00,A,5321.6802,N,00630.3372,W,0.02,31.66,091025,,,A*43;"
    found, unread = read_report("$GPGSV,1,1,0;" + moments + rmc + "$GPXYZ,1;", NOON)
    assert [one.time - NOON for one in found] == [1_000, 2_000, 3_000]
    assert [one.kinds for one in found] == [("GGA",), ("GGA",), ("GGA", "RMC")]
    assert found[0].raw.startswith("$GPGSV")
    assert found[2].raw.endswith("$GPXYZ,1;")
    assert (found[2].speed, found[2].course, unread) == ("0.02", "31.66", 0)
    assert newest_fix(found) is found[2]
    assert newest_fix(reversed(found)) is found[2]


def test_the_three_systems() -> None:
    inside, _ = read_report("$GNGLL,3149.33442,N,11706.92633,E,120000.00,A*76;", NOON)
    outside, _ = read_report(GGA.format(time=""), NOON)
    assert inside[0].wgs84 != inside[0].gcj02 != inside[0].bd09
    assert outside[0].wgs84 == outside[0].gcj02 == Coordinates(53.36133667, -6.50562)
    assert outside[0].bd09 != outside[0].gcj02


def test_no_fix_is_kept_as_it_came() -> None:
    found, _ = read_report("$GPGGA,120000.00,,,,,0,,,,,,,,*66;$WIFI,aabb,6869,-60*12;anything", NOON)
    assert [(one.source, one.raw, one.wgs84) for one in found] == [
        ("WIFI", "$WIFI,aabb,6869,-60*12;", None),
        ("", "$GPGGA,120000.00,,,,,0,,,,,,,,*66;anything;", None),
    ]
    assert newest_fix(found) is None
    assert read_report(" ;\r\n;", NOON) == ([], 0)


def test_a_location_survives_its_text() -> None:
    found, _ = read_report(GGA.format(time="120000.00") + "$LBS,460,00,21501,90817263,-79,0*4B;", NOON)
    for location in found:
        assert parse_location(msgspec.json.encode(location).decode()) == location
    assert isinstance(found[0], Location)
