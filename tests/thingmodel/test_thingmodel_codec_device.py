"""The device's side of values: Python values to fields and back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mooring.protocol.ttlv import Field
from mooring.thingmodel import DataError, ModelCodec

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
STATION = ModelCodec.of((SAMPLES / "power-station.json").read_bytes())
PLUG = ModelCodec.of((SAMPLES / "smart-plug.json").read_bytes())


def single(data_type: str, specs: Any = None) -> ModelCodec:
    body = {"id": 1, "code": "v", "name": "v", "type": "PROPERTY", "subType": "R", "dataType": data_type}
    return ModelCodec.of({"properties": [body | {"specs": specs}]})


ENUM = [{"name": "a", "value": "1"}]


@pytest.mark.parametrize(
    ("data_type", "specs", "value", "sent"),
    [
        ("BOOL", [], True, True),
        ("BOOL", [], 0, False),
        ("INT", {"min": "0", "max": "10", "step": "5"}, 12, Decimal(12)),
        ("INT", {}, 21.0, Decimal(21)),
        ("FLOAT", {"min": "0", "max": "1"}, 0.1 + 0.2 + 28, Decimal("28.3")),
        ("FLOAT", {"step": "0.1"}, 21.37, Decimal("21.4")),
        ("DOUBLE", {}, 0.1 + 0.2, Decimal("0.3")),
        ("DOUBLE", {}, 1 / 3, Decimal("0.333333333333333")),
        ("DOUBLE", {}, 28.559999999999996, Decimal("28.56")),
        ("DOUBLE", {}, "2.5", Decimal("2.5")),
        ("ENUM", ENUM, 7, Decimal(7)),
        ("TEXT", {"length": "8"}, "水", "水".encode()),
        ("RAW", {"length": "2"}, b"\x01\x02", b"\x01\x02"),
        ("RAW", {"length": "2"}, bytearray(b"\x01"), b"\x01"),
        ("RAW", {"length": "2"}, "0a", b"\n"),
        ("DATE", None, 1635839462000, Decimal(1635839462000)),
        ("DATE", None, 0, Decimal(0)),
        ("DATE", None, "1635839462000", Decimal(1635839462000)),
        ("DATE", None, datetime(2021, 11, 2, 7, 51, 2, 1500, UTC), Decimal(1635839462001)),
        ("DATE", None, datetime(2021, 11, 2, 8, 51, 2, tzinfo=timezone(timedelta(hours=1))), Decimal(1635839462000)),
        ("ARRAY", {"dataType": "INT", "size": "3"}, (1, 2), [Field(0, Decimal(1)), Field(0, Decimal(2))]),
    ],
)
def test_values_are_reported(data_type: str, specs: Any, value: object, sent: object) -> None:
    assert single(data_type, specs).encode_values({"v": value}) == [Field(1, sent)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data_type", "specs", "value", "code"),
    [
        ("BOOL", [], 2, 71036),
        ("INT", {}, True, 71036),
        ("INT", {}, 1.5, 71036),
        ("INT", {}, None, 71036),
        ("INT", {}, 2**64, 70090),
        ("INT", {}, 10**400, 70090),
        ("INT", {}, {}, 71028),
        ("DOUBLE", {}, float("nan"), 71036),
        ("DOUBLE", {}, float("inf"), 70090),
        ("DOUBLE", {}, 1e300, 70090),
        ("ENUM", ENUM, 1.5, 71036),
        ("TEXT", {"length": "2"}, "abc", 70092),
        ("TEXT", {"length": "2"}, b"ab", 71036),
        ("RAW", {"length": "2"}, b"abc", 70092),
        ("DATE", None, datetime(2021, 11, 2), 70093),
        ("DATE", None, "yesterday", 70093),
        ("ARRAY", {"dataType": "INT", "size": "1"}, [1, 2], 71039),
        ("ARRAY", {"dataType": "INT", "size": "1"}, 1, 71028),
    ],
)
def test_what_no_report_can_hold_is_refused(data_type: str, specs: Any, value: object, code: int) -> None:
    with pytest.raises(DataError) as caught:
        single(data_type, specs).encode_values({"v": value})
    assert (caught.value.code, caught.value.path) == (code, "v")


def test_structs_events_and_answers() -> None:
    assert STATION.encode_values({"grid": {"volt": 230.04, "power": -5}, "fault_codes": []}) == [
        Field(11, [Field(1, Decimal(230)), Field(3, Decimal(-5))]),
        Field(9, []),
    ]
    assert STATION.encode_event("fault", {"pack": {"pack_no": 2}}) == [Field(13, [Field(14, [Field(1, Decimal(2))])])]
    assert STATION.encode_event("full", {}) == [Field(17, [])]
    assert STATION.encode_service_answer("force_charge", {"accepted": True}) == [Field(18, [Field(21, True)])]


@pytest.mark.parametrize(
    ("encode", "values", "code"),
    [
        (STATION.encode_values, ({"nothing": 1},), 71028),
        (STATION.encode_values, ({"fault": {}},), 71029),
        (STATION.encode_values, ({"grid": {"nothing": 1}},), 71028),
        (STATION.encode_event, ("soc", {}), 71029),
        (STATION.encode_event, ("restart", {}), 71029),
        (STATION.encode_event, ("nothing", {}), 71028),
        (STATION.encode_service_answer, ("fault", {}), 71029),
        (STATION.encode_service_answer, ("force_charge", {"target": 50}), 71028),
    ],
)
def test_what_the_model_does_not_know_is_refused(
    encode: Callable[..., object], values: tuple[object, ...], code: int
) -> None:
    with pytest.raises(DataError) as caught:
        encode(*values)
    assert caught.value.code == code


def test_a_device_is_told_in_python_values() -> None:
    fields = STATION.write_fields('[{"outlets":[{"0":[{"no":"1"},{"kind":"2"},{"on":"true"},{"watts":"2.5"}]}]}]')
    received = STATION.decode_write([*fields, Field(18, [Field(19, Decimal(50)), Field(20, Decimal(1635839462000))])])
    assert received.properties == {"outlets": [{"no": 1, "kind": 2, "on": True, "watts": Decimal("2.5")}]}
    outlets: Any = received.properties["outlets"]
    assert [type(value) for value in outlets[0].values()] == [int, int, bool, Decimal]
    assert received.services == [("force_charge", {"target": 50, "until": 1635839462000})]
    assert received.misfits == []


def test_raw_bytes_reach_a_device_as_bytes_and_calls_keep_their_order() -> None:
    codec = single("RAW", {"length": "4"})
    assert codec.decode_write([Field(1, b"\xaa")]).properties == {"v": b"\xaa"}
    calls = [Field(24, []), Field(22, [Field(7, [])]), Field(24, [])]
    assert [code for code, _ in STATION.decode_write(calls).services] == ["restart", "set_tariff", "restart"]


def test_what_a_device_cannot_place_is_listed() -> None:
    received = PLUG.decode_write([Field(99, True), Field(1, Decimal(1)), Field(10, [])])
    assert (received.properties, received.services) == ({}, [])
    assert [misfit.ids for misfit in received.misfits] == [(99,), (1,), (10,)]
    outlet = [Field(1, Decimal(1)), Field(3, b"x"), Field(9, True)]
    received = STATION.decode_write([Field(6, [Field(0, outlet)]), Field(11, [Field(9, True)])])
    assert received.properties == {"outlets": [{"no": 1}]}
    assert [misfit.ids for misfit in received.misfits] == [(6, 0, 3), (6, 0, 9), (11, 9), (11,)]
