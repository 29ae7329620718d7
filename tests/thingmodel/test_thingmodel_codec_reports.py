"""Reports of devices: rounding, leniency, misfits with their ids, the contract's samples and vectors."""

import base64
import decimal
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mooring.protocol import ttlv
from mooring.protocol.ttlv import Field
from mooring.thingmodel import Misfit, ModelCodec, plain_dm_data
from strategies_protocol import fields_of, title, vectors

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
STATION_DOCUMENT: dict[str, Any] = json.loads((SAMPLES / "power-station.json").read_text())
STATION = ModelCodec.of(STATION_DOCUMENT)
NAMES = sorted(path.stem for path in SAMPLES.glob("*.json"))


def single(data_type: str, specs: Any = None) -> ModelCodec:
    body = {"id": 1, "code": "v", "name": "v", "type": "PROPERTY", "subType": "W", "dataType": data_type}
    return ModelCodec.of({"properties": [body | ({} if specs is None else {"specs": specs})]})


def pushed(codec: ModelCodec, value: ttlv.Value) -> object:
    decoded = codec.decode([Field(1, value)])
    assert decoded.misfits == []
    assert json.loads(decoded.dm) == [{"id": 1, "value": decoded.properties[1]}]
    return decoded.properties[1]


@pytest.mark.parametrize("precision", [3, 28])
@pytest.mark.parametrize(
    ("data_type", "step", "number", "text"),
    [
        ("FLOAT", "", "28559999999999996E-15", "28.56"),
        ("DOUBLE", "", "28559999999999996E-15", "28.56"),
        ("DOUBLE", "0.01", "28559999999999996E-15", "28.56"),
        ("INT", "1", "28559999999999996E-15", "28.56"),
        ("DOUBLE", "", "-28559999999999996E-15", "-28.56"),
        ("DOUBLE", "", "3123456789012345E-15", "3.123456789012345"),
        ("DOUBLE", "", "123456789012345E-15", "0.123456789012345"),
        ("DOUBLE", "", "1E-15", "0.000000000000001"),
        ("FLOAT", "", "1E-15", "0"),
        ("FLOAT", "", "-1E-15", "0"),
        ("FLOAT", "", "1E-7", "0.0000001"),
        ("FLOAT", "", "12345678950E-8", "123.4567895"),
        ("FLOAT", "", "12345678955E-8", "123.4567896"),
        ("FLOAT", "0.1", "2825E-2", "28.3"),
        ("FLOAT", "0.10", "-2825E-2", "-28.3"),
        ("FLOAT", "1", "275E-1", "28"),
        ("FLOAT", "0.1", "99999E-3", "100"),
        ("INT", "5", "7", "7"),
        ("INT", "1", "5", "5"),
        ("INT", "1", "5.5", "5.5"),
        ("INT", "1", "4294967296", "4294967296"),
        ("DOUBLE", "", "18446744073709551615", "18446744073709551615"),
        ("DOUBLE", "", "-0", "0"),
        ("DOUBLE", "", "-0.00", "0"),
        ("DOUBLE", "", "28.20", "28.2"),
        ("DOUBLE", "", "-28.50", "-28.5"),
        ("DOUBLE", "", "-28", "-28"),
        ("DOUBLE", "", "5E+3", "5000"),
        ("ENUM", None, "99", "99"),
        ("DATE", None, "1659664758817", "1659664758817"),
        ("DATE", None, "1659664758817.5", "1659664758818"),
    ],
)
def test_numbers_are_rounded_and_written_plainly(
    data_type: str, step: str | None, number: str, text: str, precision: int
) -> None:
    codec = single(data_type, None if step is None else {"min": "0", "max": "3", "step": step})
    with decimal.localcontext(decimal.Context(prec=precision)):
        assert pushed(codec, Decimal(number)) == text
        assert pushed(codec, Decimal(number)) == text  # now from memory


def test_more_numbers_than_are_remembered_are_read_as_well() -> None:
    codec = single("DOUBLE")
    numbers = [f"{number}.5" for number in range(5000)]
    assert [pushed(codec, Decimal(number)) for number in (*numbers, "0.5")] == [*numbers, "0.5"]


def test_a_step_that_starts_between_its_decimals_keeps_them() -> None:
    assert pushed(single("FLOAT", {"min": "0.05", "step": "0.1"}), Decimal("0.15")) == "0.15"


@pytest.mark.parametrize("vector", vectors("ttlv", "sdk_float"), ids=title)
def test_floats_of_the_device_sdk_are_what_its_application_set(vector: dict[str, Any]) -> None:
    [field] = fields_of(vector["fields"])
    for data_type in ("FLOAT", "DOUBLE"):
        assert Decimal(str(pushed(single(data_type), field.value))) == Decimal(vector["set_by_application"])


@pytest.mark.parametrize(
    ("data_type", "value", "text"),
    [
        ("BOOL", True, True),
        ("BOOL", False, False),
        ("TEXT", b"", ""),
        ("TEXT", 'q"\\\n\x7f\u6c34'.encode(), 'q"\\\n\x7f\u6c34'),
        ("TEXT", b"\xff\x00z", "\ufffd\ufffdz"),
        ("TEXT", b"x" * 20_000, "x" * 20_000),
        ("RAW", b"\xaa\x0f", "aa0f"),
        ("RAW", b"", ""),
        ("DATE", b"1659664758817", "1659664758817"),
    ],
)
def test_other_values_are_pushed(data_type: str, value: ttlv.Value, text: object) -> None:
    assert pushed(single(data_type), value) == text


ONE_OF_EACH: dict[str, ttlv.Value] = {"a bool": True, "a number": Decimal(1), "bytes": b"x", "a list": []}


@pytest.mark.parametrize(
    ("data_type", "taken"),
    [
        ("BOOL", {"a bool"}),
        ("INT", {"a number"}),
        ("ENUM", {"a number"}),
        ("DOUBLE", {"a number"}),
        ("TEXT", {"bytes"}),
        ("RAW", {"bytes"}),
        ("DATE", {"a number"}),
    ],
)
def test_a_wire_class_that_cannot_hold_the_type_is_a_misfit(data_type: str, taken: set[str]) -> None:
    codec = single(data_type)
    for name, value in ONE_OF_EACH.items():
        for misfits in (codec.decode([Field(1, value)]).misfits, codec.decode_write([Field(1, value)]).misfits):
            assert [misfit.ids for misfit in misfits] == ([] if name in taken else [(1,)])
            assert all(name in misfit.reason for misfit in misfits)


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "1E+20", "1E+999999"])
def test_numbers_that_no_ttlv_holds_are_misfits_too(number: str) -> None:
    for data_type in ("INT", "DOUBLE", "ENUM", "DATE"):
        decoded = single(data_type).decode([Field(1, Decimal(number))])
        assert (decoded.properties, len(decoded.misfits), decoded.dm) == ({}, 1, '[{"id":1,"value":null}]')


def test_misfits_name_their_ids_from_the_outside_in() -> None:
    cell = [Field(1, Decimal(1)), Field(2, b"x"), Field(9, True)]
    decoded = STATION.decode(
        [
            Field(4, [Field(0, cell)]),
            Field(11, [Field(0, Decimal(1))]),
            Field(11, [Field(7, True)]),
            Field(8, [Field(0, Decimal(1)), Field(0, b"x")]),
            Field(9, [Field(1, Decimal(1))]),
            Field(13, [Field(9, True), Field(14, [Field(2, Decimal("51.2")), Field(3, True)])]),
            Field(14, True),
            Field(17, True),
            Field(18, [Field(19, Decimal(50))]),
        ]
    )
    assert [misfit.ids for misfit in decoded.misfits] == [
        *((4, 0, 2), (4, 0, 9), (11,), (11, 7), (11,), (8,), (9,), (13, 9), (13, 14, 3), (14,), (17,), (18, 19)),
    ]
    assert decoded.properties == {4: [{"index": "1"}]}
    assert [event.outputs for event in decoded.events] == [{"pack": {"volt": "51.2"}}]
    assert [service.outputs for service in decoded.services] == [{}]
    assert decoded.misfits[0] == Misfit((4, 0, 2), "a number cannot be bytes")
    rows = json.loads(decoded.dm)
    assert rows[0]["value"] == [
        {"id": 0, "value": [{"id": 1, "value": "1"}, {"id": 2, "value": "x"}, {"id": 9, "value": True}]}
    ]
    assert json.loads(STATION.dm_data([Field(18, [Field(19, Decimal("50.0"))])])) == [
        {"id": 18, "value": [{"id": 19, "value": "50"}]}
    ]


def test_the_same_event_twice_happened_twice() -> None:
    full = Field(17, [Field(1, Decimal(100))])
    assert [event.outputs for event in STATION.decode([full, full]).events] == [{"soc": "100"}, {"soc": "100"}]


def test_what_was_told_to_a_device_is_keyed_by_the_inputs() -> None:
    call = Field(18, [Field(19, Decimal(50)), Field(1, Decimal(2))])
    told = STATION.decode_command([call, Field(5, Decimal(3)), Field(17, [])])
    assert (told.properties, told.events) == ({5: "3"}, [])
    assert [(service.code, service.outputs) for service in told.services] == [("force_charge", {"target": "50"})]
    assert [misfit.ids for misfit in told.misfits] == [(18, 1), (17,)]


def test_plain_values_are_what_the_wire_says() -> None:
    fields = [
        Field(1, True),
        Field(2, Decimal("28.50")),
        Field(3, "a\tb水".encode()),
        Field(4, b"\x00\x01"),
        Field(5, b"\xff"),
        Field(6, [Field(0, False)]),
        Field(7, []),
    ]
    assert plain_dm_data(fields) == (
        '[{"id":1,"value":true},{"id":2,"value":"28.5"},{"id":3,"value":"a\\tb水"},{"id":4,"value":"0001"},'
        '{"id":5,"value":"ff"},{"id":6,"value":[{"id":0,"value":false}]},{"id":7,"value":[]}]'
    )
    assert plain_dm_data([]) == STATION.dm_data([]) == "[]"


def test_the_recorded_read_request_is_logged_as_its_ids() -> None:
    ids = ttlv.decode_ids(base64.b64decode("AAoADAABAA0ABwAJAAgACwADAAYAAgAFAAQ="))
    assert STATION.read_dm_data(ids) == '["10","12","1","13","7","9","8","11","3","6","2","5","4"]'


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_of_the_contract_are_ready_for_values(name: str) -> None:
    document = json.loads((SAMPLES / f"{name}.json").read_text())
    codec = ModelCodec.of(document)
    assert codec.version == document["profile"]["version"]
    features = [body for array in ("properties", "events", "services") for body in document.get(array, [])]
    assert {code: (f.id, f.name, f.sub_type, f.data_type) for code, f in codec.by_code.items()} == {
        body["code"]: (body["id"], body["name"], body["subType"], body.get("dataType")) for body in features
    }
    assert len(codec.properties) + len(codec.events) + len(codec.services) == len(features)
    without_profile = {key: value for key, value in document.items() if key != "profile"}
    assert ModelCodec.of(json.dumps(without_profile).encode()).version == ""
