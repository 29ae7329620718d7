"""Values in and out by a released model: every documented form and code, the recorded sample, lenient reports."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol import ttlv
from mooring.protocol.ttlv import Field, TtlvError
from mooring.thingmodel import DataError, ModelCodec, check, plain_dm_data

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
PLUG = ModelCodec.of((SAMPLES / "smart-plug.json").read_bytes())


def feature(number: int, code: str, kind: str, **members: Any) -> dict[str, Any]:
    return {"id": number, "code": code, "name": code, "sort": number, "desc": "", "type": kind, **members}


def members(*fields: tuple[int, str, str, Any]) -> list[dict[str, Any]]:
    return [
        {"id": number, "code": code, "name": code, "dataType": kind, "specs": specs}
        for number, code, kind, specs in fields
    ]


FREE = {"unit": "", "min": "", "max": "", "step": ""}
INT = {"unit": "", "min": "0", "max": "100", "step": "5"}
WIDE = members((1, "f1", "INT", INT), (2, "f2", "TEXT", {"length": "4"}))
ROWS = {"dataType": "STRUCT", "size": "2", "specs": WIDE}
FLAGS = [
    {"dataType": "BOOL", "name": "On", "value": "true"},
    {"dataType": "BOOL", "name": "Off", "value": "false"},
]
MODES = [{"dataType": "ENUM", "name": "A", "value": "3"}]
WIDE_DOCUMENT = {
    "profile": {"tslVersion": "1.2.0", "productKey": "p11v14", "version": "20260101000000000"},
    "services": [
        feature(
            20,
            "timer",
            "SERVICE",
            subType="ASYNC",
            inputData=members((21, "minutes", "INT", INT), (22, "s", "STRUCT", WIDE)),
        ),
        feature(23, "stop", "SERVICE", subType="ASYNC"),
    ],
    "properties": [
        feature(1, "number", "PROPERTY", subType="RW", dataType="INT", specs=INT),
        feature(2, "float", "PROPERTY", subType="RW", dataType="FLOAT", specs=FREE),
        feature(3, "only_read", "PROPERTY", subType="R", dataType="INT", specs=INT),
        feature(4, "only_write", "PROPERTY", subType="W", dataType="INT", specs=INT),
        feature(5, "when", "PROPERTY", subType="RW", dataType="DATE", specs={"length": "13"}),
        feature(6, "raw", "PROPERTY", subType="RW", dataType="RAW", specs={"length": "2"}),
        feature(7, "struct", "PROPERTY", subType="RW", dataType="STRUCT", specs=WIDE),
        feature(
            8, "array", "PROPERTY", subType="RW", dataType="ARRAY",
            specs={"dataType": "INT", "size": "2", "numberSpecs": {"min": "0", "max": "100", "step": "5"}},
        ),
        feature(9, "rows", "PROPERTY", subType="RW", dataType="ARRAY", specs=ROWS),
        feature(10, "flag", "PROPERTY", subType="RW", dataType="BOOL", specs=FLAGS),
        feature(11, "mode", "PROPERTY", subType="RW", dataType="ENUM", specs=MODES),
        feature(12, "text", "PROPERTY", subType="RW", dataType="TEXT", specs={"length": "4"}),
        feature(13, "double", "PROPERTY", subType="R", dataType="DOUBLE", specs=FREE),
    ],
}  # fmt: skip
MODEL = ModelCodec.of(WIDE_DOCUMENT)


def test_the_model_of_these_tests_is_valid() -> None:
    assert check(WIDE_DOCUMENT).faults == ()


FIVE, TEN = Decimal(5), Decimal(10)
WRITES: dict[str, tuple[str, list[Field]]] = {
    "string": ('[{"number":"5"}]', [Field(1, FIVE)]),
    "number": ('[{"number":5}]', [Field(1, FIVE)]),
    "whole with decimals": ('[{"number":5.0}]', [Field(1, FIVE)]),
    "two items": ('[{"number":"5"},{"flag":"true"}]', [Field(1, FIVE), Field(10, True)]),
    "two keys in one object": ('[{"number":"5","flag":false}]', [Field(1, FIVE), Field(10, False)]),
    "one object": ('{"flag":"0"}', [Field(10, False)]),
    "flag by number": ('[{"flag":1}]', [Field(10, True)]),
    "id instead of code": ('[{"1":"10"}]', [Field(1, TEN)]),
    "float": ('[{"float":"28.56"}]', [Field(2, Decimal("28.56"))]),
    "date": ('[{"when":"1635839462000"}]', [Field(5, Decimal(1635839462000))]),
    "raw": ('[{"raw":"aA0f"}]', [Field(6, b"\xaa\x0f")]),
    "enum": ('[{"mode":"3"}]', [Field(11, Decimal(3))]),
    "text": ('[{"text":"水"}]', [Field(12, "水".encode())]),
    "struct": ('[{"struct":[{"f1":"5"},{"f2":"ab"}]}]', [Field(7, [Field(1, FIVE), Field(2, b"ab")])]),
    "plain struct": ('[{"struct":{"f1":"5"}}]', [Field(7, [Field(1, FIVE)])]),
    "array": ('[{"array":[{"0":"5"},{"0":"10"}]}]', [Field(8, [Field(0, FIVE), Field(0, TEN)])]),
    "plain array": ('[{"array":["5",10]}]', [Field(8, [Field(0, FIVE), Field(0, TEN)])]),
    "array of struct": (
        '[{"rows":[{"0":[{"f1":"5"}]},{"0":[{"f2":"x"}]}]}]',
        [Field(9, [Field(0, [Field(1, FIVE)]), Field(0, [Field(2, b"x")])])],
    ),
}


@pytest.mark.parametrize("case", WRITES.values(), ids=WRITES)
def test_every_form_of_a_write_gives_its_fields(case: tuple[str, list[Field]]) -> None:
    data, fields = case
    assert MODEL.write_fields(data) == fields
    assert ttlv.decode(ttlv.encode(fields)) == fields


BAD_WRITES = {
    "not JSON": ("[", 71027),
    "empty": ("", 71027),
    "a text": ('"number"', 71008),
    "a list of texts": ('["number"]', 71008),
    "nothing": ("[]", 71008),
    "unknown code": ('[{"nothing":"1"}]', 71028),
    "unknown member": ('[{"struct":[{"f9":"1"}]}]', 71028),
    "a struct as a number": ('[{"struct":"1"}]', 71028),
    "a number as a struct": ('[{"number":[{"f1":"1"}]}]', 71028),
    "a service": ('[{"timer":[]}]', 71029),
    "read-only": ('[{"only_read":"5"}]', 71038),
    "above the range": ('[{"number":"105"}]', 70090),
    "off the step": ('[{"number":"7"}]', 70090),
    "a huge exponent": ('[{"number":1e999999}]', 70090),
    "too many decimals": ('[{"float":"0.00000001"}]', 70090),
    "a fraction": ('[{"number":"5.5"}]', 71036),
    "no number": ('[{"number":"five"}]', 71036),
    "no flag": ('[{"flag":"yes"}]', 71036),
    "odd hex": ('[{"raw":"abc"}]', 71036),
    "not in the list": ('[{"mode":"4"}]', 70091),
    "text too long": ('[{"text":"水水"}]', 70092),
    "bytes too long": ('[{"raw":"aabbcc"}]', 70092),
    "short date": ('[{"when":"163583946200"}]', 70093),
    "too many elements": ('[{"array":["5","5","5"]}]', 71039),
    "NaN": ('[{"float":NaN}]', 71027),
}


@pytest.mark.parametrize("case", BAD_WRITES.values(), ids=BAD_WRITES)
def test_bad_data_is_refused_with_its_code(case: tuple[str, int]) -> None:
    data, code = case
    with pytest.raises(DataError) as caught:
        MODEL.write_fields(data)
    assert caught.value.code == code, caught.value


def test_one_bad_item_refuses_all() -> None:
    with pytest.raises(DataError) as caught:
        MODEL.write_fields('[{"flag":"true"},{"number":"7"}]')
    assert (caught.value.code, caught.value.path) == (70090, "number")


def test_reads_name_each_property_once_and_leave_write_only_ones_out() -> None:
    assert MODEL.read_ids('["number","only_write","flag","number"]') == (1, 10)
    assert MODEL.read_dm_data((10, 12)) == '["10","12"]'


@pytest.mark.parametrize(
    ("data", "code"),
    [('["only_write"]', 71048), ('["timer"]', 71029), ('["x"]', 71028), ("[]", 71008), ("{", 71027), ("[[1]]", 71008)],
)
def test_bad_reads_are_refused_with_their_code(data: str, code: int) -> None:
    with pytest.raises(DataError) as caught:
        MODEL.read_ids(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ('[{"timer":[{"minutes":"5"}]}]', [Field(21, FIVE)]),
        ('[{"timer":[{"minutes":"5"},{"s":[{"f2":"x"}]}]}]', [Field(21, FIVE), Field(22, [Field(2, b"x")])]),
        ('[{"timer":[]}]', []),
        ('[{"timer":{}}]', []),
        ('[{"timer":""}]', []),
    ],
)
def test_services_take_any_part_of_their_inputs(data: str, fields: list[Field]) -> None:
    [call] = MODEL.service_calls(data)
    assert (call.feature_id, call.code, call.fields) == (20, "timer", fields)


@pytest.mark.parametrize(
    ("data", "code"),
    [('[{"number":"5"}]', 71029), ('[{"timer":[{"x":"5"}]}]', 71028), ('[{"timer":[{"minutes":"7"}]}]', 70090)],
)
def test_bad_calls_are_refused_with_their_code(data: str, code: int) -> None:
    with pytest.raises(DataError) as caught:
        MODEL.service_calls(data)
    assert caught.value.code == code


# Out


def test_reports_are_pushed_as_texts_and_logged_by_id() -> None:
    fields = [
        Field(1, Decimal("5.50")),
        Field(2, Decimal("28559999999999996E-15")),
        Field(10, True),
        Field(7, [Field(1, FIVE), Field(2, b"ab")]),
        Field(9, [Field(0, [Field(1, FIVE)])]),
        Field(6, b"\xaa\x0f"),
        Field(5, b"1635839462000"),
    ]
    decoded = MODEL.decode(fields)
    assert (
        decoded.properties
        == {
            1: "5.5",
            2: "28.56",
            10: True,
            7: {"f1": "5", "f2": "ab"},
            9: [{"f1": "5"}],
            6: "AA0F",
            5: "1635839462000",
        }
        or decoded.properties[6] == "aa0f"
    )
    assert decoded.misfits == []
    rows = json.loads(decoded.dm)
    assert rows[3] == {"id": 7, "value": [{"id": 1, "value": "5"}, {"id": 2, "value": "ab"}]}
    assert rows[4] == {"id": 9, "value": [{"id": 0, "value": [{"id": 1, "value": "5"}]}]}
    assert MODEL.dm_data(fields) == decoded.dm


def test_what_does_not_fit_is_listed_and_the_rest_goes_on() -> None:
    decoded = MODEL.decode([Field(99, True), Field(1, b"x"), Field(10, False), Field(7, FIVE)])
    assert decoded.properties == {10: False}
    assert [misfit.ids for misfit in decoded.misfits] == [(99,), (1,), (7,)]
    assert [row["id"] for row in json.loads(decoded.dm)] == [99, 1, 10, 7]


def test_of_one_id_the_last_value_counts_and_the_log_keeps_all() -> None:
    decoded = MODEL.decode([Field(1, FIVE), Field(1, TEN)])
    assert (decoded.properties, len(json.loads(decoded.dm))) == ({1: "10"}, 2)


def test_events_and_answers_are_told_apart() -> None:
    decoded = PLUG.decode(
        [Field(10, [Field(2, Decimal("3681.5")), Field(11, Decimal(3680))]), Field(12, []), Field(13, [])]
    )
    [overload, done] = decoded.events
    assert (overload.code, overload.sub_type, overload.outputs) == (
        "overload",
        "ERROR",
        {"power": "3681.5", "limit": "3680"},
    )
    assert (done.code, done.sub_type, done.outputs) == ("countdown_done", "INFO", {})
    assert [(service.code, service.outputs) for service in decoded.services] == [("reset_energy", {})]


def test_the_published_beginning_of_an_uplink_reads_as_published() -> None:
    fields = ttlv.decode(base64.b64decode("AFQAAwAKAAAAEgAAABoAAA=="))
    assert json.loads(plain_dm_data(fields)) == [
        {"id": 10, "value": [{"id": 1, "value": "0"}, {"id": 2, "value": "0"}, {"id": 3, "value": "0"}]}
    ]


def test_the_device_side_reads_what_applications_write() -> None:
    received = MODEL.decode_write(
        [*MODEL.write_fields('[{"number":"5"},{"struct":{"f2":"ab"}},{"array":["5"]}]'), Field(20, [Field(21, TEN)])]
    )
    assert received.properties == {"number": FIVE, "struct": {"f2": "ab"}, "array": [FIVE]}
    assert received.services == [("timer", {"minutes": TEN})]


@given(st.decimals(-4294967295, 4294967295, places=7))
def test_a_float_that_is_written_comes_back_the_same(number: Decimal) -> None:
    fields = ttlv.decode(ttlv.encode(MODEL.write_fields(json.dumps([{"float": f"{number:f}"}]))))
    assert Decimal(str(MODEL.decode(fields).properties[2])) == number


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_data_error(text: str) -> None:
    for read in (MODEL.write_fields, MODEL.read_ids, MODEL.service_calls):
        try:
            read(text)
        except DataError:
            continue


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["0", "f1", "f2", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([one.code for one in MODEL.by_code.values()]), JSON_VALUES, max_size=3))
def test_no_value_raises_anything_but_a_data_error(values: dict[str, object]) -> None:
    for read in (MODEL.write_fields, MODEL.service_calls):
        try:
            read(json.dumps([values]))
        except DataError:
            continue


SOUND = ttlv.encode(
    [Field(1, FIVE), Field(7, [Field(1, FIVE), Field(2, b"ab")]), Field(9, [Field(0, [Field(1, FIVE)])]), Field(20, [])]
)


@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=4))
def test_mutated_messages_never_raise(at: int, noise: bytes) -> None:
    try:
        fields = ttlv.decode(SOUND[:at] + noise + SOUND[at + len(noise) :])
    except TtlvError:
        return
    decoded = MODEL.decode(fields)
    assert len(json.loads(decoded.dm)) == len(fields)
    MODEL.decode_write(fields)
    json.loads(plain_dm_data(fields))
