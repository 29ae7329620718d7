"""Location reports, section 6.5 of contract/device-protocol.md and 4.8 of contract/messages.md."""

import datetime
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol.geodesy import Coordinates
from mooring.protocol.nmea import Cell, Position, Sentence, checksum, parse, read, split

GGA = "$GPGGA,042523.0,3413.610533,N,10854.063257,E,1,05,2.6,438.5,M,-28.0,M,,*78"
RMC = "$GNRMC,235959.75,A,3351.5000,S,15112.2500,W,003.6,054.7,191194,020.3,E*68"
GLL = "$BDGLL,4916.45,N,12311.12,W,225444,A,*1D"
LBS = "$LBS,460,00,21501,90817263,-79,0*75"


def position(sentence: str) -> Position:
    content = parse(sentence)
    assert isinstance(content, Position)
    return content


def test_sentences_are_each_followed_by_a_semicolon() -> None:
    assert split(f"{GGA};{RMC};") == [GGA, RMC]
    assert split(f"{GGA};\r\n{RMC}\r\n;;") == [GGA, RMC]
    assert split("") == []


def test_gga_gives_position_quality_satellites_hdop_and_height() -> None:
    assert position(GGA) == Position(
        "GP",
        "GGA",
        Coordinates(34 + 13.610533 / 60, 108 + 54.063257 / 60),
        "3413.610533",
        "N",
        "10854.063257",
        "E",
        time_of_day=((4 * 60 + 25) * 60 + 23) * 1000,
        quality=1,
        satellites=5,
        hdop=Decimal("2.6"),
        height=Decimal("438.5"),
    )


def test_rmc_gives_position_date_speed_and_course() -> None:
    assert position(RMC) == Position(
        "GN",
        "RMC",
        Coordinates(-(33 + 51.5 / 60), -(151 + 12.25 / 60)),
        "3351.5000",
        "S",
        "15112.2500",
        "W",
        time_of_day=86_399_750,
        date=datetime.date(1994, 11, 19),
        speed=Decimal("003.6"),
        course=Decimal("054.7"),
    )


def test_gll_gives_position_and_time() -> None:
    found = position(GLL)
    assert (found.talker, found.kind, found.lat, found.lng_type) == ("BD", "GLL", "4916.45", "W")
    assert found.time_of_day == ((22 * 60 + 54) * 60 + 44) * 1000


def test_gll_of_old_receivers_has_no_status() -> None:
    assert position("$GPGLL,4916.45,N,12311.12,W*00").time_of_day is None


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "BD", "PQ"])
@pytest.mark.parametrize("sentence", [GGA, RMC, GLL])
def test_every_talker_is_understood(talker: str, sentence: str) -> None:
    assert position(f"${talker}{sentence[3:]}").talker == talker


def test_the_newer_talker_of_beidou_is_bd() -> None:
    assert position(GGA.replace("$GP", "$GB")).talker == "BD"


def test_a_cell() -> None:
    assert parse(LBS) == Cell(mcc=460, mnc=0, lac=21501, cell_id=90817263, signal=-79)


@pytest.mark.parametrize("sentence", [GGA, RMC, GLL, LBS])
@pytest.mark.parametrize("ending", ["", "*", "*00", "*117", "*zz"])
def test_checksums_are_not_looked_at(sentence: str, ending: str) -> None:
    assert parse(sentence.partition("*")[0] + ending) == parse(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "$GPGGA,042523.0,3413.610533,N,10854.063257,E,0,05,2.6,438.5,M,-28.0,M,,*78",
        "$GPGGA,042523.0,,,,,0,00,99.9,,M,,M,,*78",
        "$GPGGA,042523.0,3413.610533,N,10854.063257,E,,05,2.6,438.5,M",
        "$GPRMC,042523.0,V,3413.610533,N,10854.063257,E,,,010125,,*00",
        "$GPGLL,4916.45,N,12311.12,W,225444,V*1D",
        "$GPGGA",
        "$GPRMC,,",
        "$GPGLL",
        "$LBS,460,00,21501",
        "$LBS,460,00,x,1,-79,0*75",
        "$LBS,460,00,1.5,1,-79,0*75",
        "$WIFI,aa:bb:cc:dd:ee:ff,746573,-40*00",
        "$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K*48",
        "$XXGGA,042523.0,3413.610533,N,10854.063257,E,1,05,2.6,438.5,M,-28.0,M,,*78",
        "GPGGA,042523.0,3413.610533,N,10854.063257,E,1,05,2.6,438.5,M,-28.0,M,,*78",
        "$",
        "",
        "hello",
    ],
)
def test_no_fix_and_what_is_not_understood_say_nothing_and_stay_raw(sentence: str) -> None:
    assert parse(sentence) is None
    assert read(f"{sentence};{LBS};")[-1] == Sentence(LBS, parse(LBS))
    assert [found.raw for found in read(f"{sentence};{LBS};")] == [*([sentence] if sentence else []), LBS]


@pytest.mark.parametrize(
    ("lat", "lat_type", "lng", "lng_type"),
    [
        ("9000.0001", "N", "10854.0", "E"),
        ("3460.0", "N", "10854.0", "E"),
        ("3413.6", "E", "10854.0", "E"),
        ("3413.6", "", "10854.0", "E"),
        ("3413.6", "NS", "10854.0", "E"),
        ("3413.6", "N", "18000.1", "E"),
        ("3413.6", "N", "1854.0", "E"),
        ("03413.6", "N", "10854.0", "E"),
        ("34.2268", "N", "108.9010", "E"),
        ("-3413.6", "N", "10854.0", "E"),
        ("٣٤13.6", "N", "10854.0", "E"),
    ],
)
def test_an_angle_out_of_its_form_is_no_position(lat: str, lat_type: str, lng: str, lng_type: str) -> None:
    assert parse(f"$GPGGA,042523.0,{lat},{lat_type},{lng},{lng_type},1,05,2.6,438.5,M") is None


def test_the_poles_and_the_date_line_are_positions() -> None:
    assert position("$GPGGA,,9000.0,S,18000.0,W,1,,,,M").wgs84 == Coordinates(-90.0, -180.0)


def test_parts_that_are_missing_or_wrong_are_left_out() -> None:
    found = position("$GPGGA,250000,3413.6,N,10854.0,E,1,x,,1e5,M")
    assert (found.time_of_day, found.satellites, found.hdop, found.height) == (None, None, None, None)
    assert position("$GPRMC,,A,3413.6,N,10854.0,E,,,310225").date is None


def test_years_before_80_are_of_this_century() -> None:
    assert position("$GPRMC,,A,3413.6,N,10854.0,E,,,060180").date == datetime.date(1980, 1, 6)
    assert position("$GPRMC,,A,3413.6,N,10854.0,E,,,010125").date == datetime.date(2025, 1, 1)


def test_sentences_of_the_message_examples_are_read() -> None:
    path = Path(__file__).parents[2] / "contract" / "message-examples.json"
    text = path.read_text(encoding="utf-8")
    [raw] = [line for line in text.splitlines() if '"raw": ["$GNGGA' in line]
    sentences = json.loads("{" + raw.strip().rstrip(",") + "}")["data"]["raw"]
    gga, lbs = (parse(sentence) for sentence in sentences)
    assert isinstance(gga, Position)
    assert (gga.wgs84, gga.satellites, gga.quality) == (Coordinates(30.5, 104.0625), 18, 4)
    assert (str(gga.hdop), str(gga.height), gga.lat, gga.lng) == ("0.8", "497.3", "3030.0000", "10403.7500")
    assert lbs == Cell(460, 0, 21501, 90817263, -79)
    assert [checksum(sentence) for sentence in sentences] == [0x49, 0x4B]


def test_checksum_is_the_xor_between_dollar_and_star() -> None:
    assert checksum(GGA) == 0x78
    assert checksum("$*00") == 0


_words = st.sampled_from(
    [*"$,;*.-NSEWAV", "GPGGA", "GNRMC", "GLGLL", "LBS", "3413.6", "10854.0", "1", "042523", "010125"]
)


@given(st.text(max_size=60) | st.lists(_words, max_size=30).map("".join))
def test_any_text_is_read(text: str) -> None:
    sentences = read(text)
    assert [sentence.raw for sentence in sentences] == split(text)


@given(st.sampled_from([GGA, RMC, GLL, LBS]), st.data())
def test_a_damaged_sentence_never_raises(sentence: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sentence)))
    parse(sentence[:at] + data.draw(st.text(max_size=3)) + sentence[at + data.draw(st.integers(0, 3)) :])


@given(
    st.integers(0, 89), st.integers(0, 59_999_999), st.integers(0, 179), st.sampled_from("NS"), st.sampled_from("EW")
)
def test_degrees_and_minutes_become_signed_degrees(
    latitude: int, millionths: int, longitude: int, lat_type: str, lng_type: str
) -> None:
    minutes = f"{millionths // 1_000_000:02}.{millionths % 1_000_000:06}"
    found = position(f"$GPGGA,,{latitude:02}{minutes},{lat_type},{longitude:03}{minutes},{lng_type},1,,,,M").wgs84
    part = millionths / 60e6
    assert found.latitude == pytest.approx((latitude + part) * (1 if lat_type == "N" else -1), abs=1e-9)
    assert found.longitude == pytest.approx((longitude + part) * (1 if lng_type == "E" else -1), abs=1e-9)
