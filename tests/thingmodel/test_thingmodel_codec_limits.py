"""Data strings at their limits: the liberal forms, hostile sizes and numbers, and what a refusal says."""

import decimal
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from mooring.protocol.frame import MAX_PAYLOAD
from mooring.protocol.ttlv import Field
from mooring.thingmodel import MAX_DATA_CHARACTERS, DataError, ModelCodec

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
STATION = ModelCodec.of((SAMPLES / "power-station.json").read_bytes())
SPECS = {
    "free": ("DOUBLE", {"unit": "", "min": "", "max": ""}),
    "wide": ("DOUBLE", {"min": "-1" + "0" * 300, "max": "1" + "0" * 300, "step": "0.000000000000001"}),
    "tenth": ("FLOAT", {"min": "0.05", "step": "0.1"}),
    "whole": ("INT", {}),
    "text": ("TEXT", {"length": "10240"}),
    "when": ("DATE", {}),
    "mode": ("ENUM", [{"name": "", "value": "01"}, {"name": "", "value": "-2"}]),
    "flag": ("BOOL", [{"name": "", "value": "true"}, {"name": "", "value": "false"}]),
    "texts": ("ARRAY", {"dataType": "TEXT", "size": "100"}),
    "77": ("INT", {}),
}
DOCUMENT = {
    "properties": [
        {
            "id": number,
            "code": code,
            "name": code,
            "type": "PROPERTY",
            "subType": "RW",
            "dataType": kind,
            "specs": specs,
        }
        for number, (code, (kind, specs)) in enumerate(SPECS.items(), 1)
    ]
}
MODEL = ModelCodec.of(DOCUMENT)


def refused(data: str, codec: ModelCodec = MODEL) -> tuple[int, str]:
    with pytest.raises(DataError) as caught:
        codec.write_fields(data)
    assert caught.value.reason
    return caught.value.code, caught.value.path


@pytest.fixture(params=["usual", "narrow", "untrapped"])
def context(request: pytest.FixtureRequest) -> Iterator[None]:
    """The caller's decimal context, which must not matter."""
    contexts = {
        "usual": decimal.getcontext(),
        "narrow": decimal.Context(prec=2, capitals=0),
        "untrapped": decimal.Context(traps=[]),
    }
    with decimal.localcontext(contexts[request.param]):
        yield


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("free", "1e999999999999999999999"),
        ("free", "-1e999999999999999999999"),
        ("free", "1e-999999999999999999999"),
        ("free", "1e999999999"),
        ("free", "1e-999999999"),
        ("free", "1e-16"),
        ("free", "18446744073709551616"),
        ("free", "1844674407370955.16161"),
        ("free", "9" * 5000),
        ("free", "0." + "1" * 5000),
        ("wide", "1e300"),
        ("whole", "2147483648"),
        ("whole", "-2147483649"),
        ("tenth", "0.1"),
        ("tenth", "-0.05"),
    ],
)
def test_numbers_beyond_range_step_or_wire_are_70090(code: str, text: str) -> None:
    assert refused(f'[{{"{code}":"{text}"}}]') == (70090, code)
    assert refused(f'[{{"{code}":{text}}}]') == (70090, code)


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    ("code", "text", "number"),
    [
        ("free", "18446744073709551615", "18446744073709551615"),
        ("free", "1.000000000000001", "1.000000000000001"),
        ("free", "-0", "0"),
        ("free", "0e999999999", "0"),
        ("free", "1.5e2", "150"),
        ("free", "0.10", "0.1"),
        ("wide", "-12.000000000000001", "-12.000000000000001"),
        ("tenth", "12.35", "12.35"),
        ("whole", "-2147483648", "-2147483648"),
        ("mode", "1", "1"),
        ("mode", "-2.0", "-2"),
    ],
)
def test_numbers_are_read_exactly(code: str, text: str, number: str) -> None:
    for data in (f'[{{"{code}":"{text}"}}]', f'[{{"{code}":{text}}}]'):
        [field] = MODEL.write_fields(data)
        assert isinstance(field.value, Decimal)
        assert f"{field.value:f}" == number


@pytest.mark.parametrize("text", ["", " 1", "1 ", "0x1", "1_0", "NaN", "Infinity", "١", "+", ".", "1e"])
def test_what_is_no_number_is_71036(text: str) -> None:
    data = json.dumps([{"whole": text}])
    assert refused(data) == (71036, "whole")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ('[{"whole":null}]', 71036),
        ('[{"whole":true}]', 71036),
        ('[{"mode":true}]', 71036),
        ('[{"mode":1.5}]', 70091),
        ('[{"flag":2}]', 71036),
        ('[{"flag":"TRUE"}]', 71036),
        ('[{"text":null}]', 71036),
        ('[{"text":"\\ud800"}]', 71036),
        ('[{"text":"a\\u0000b"}]', 71036),
        ('[{"text":1e999999999}]', 71036),
        ('[{"text":1e999999999999999999999}]', 71036),
        ('[{"when":1.635839462E12}]', 70093),
        ('[{"when":1e999999999}]', 70093),
        ('[{"when":"1635839462000.0"}]', 70093),
        ('[{"when":true}]', 70093),
        ('[{"when":[]}]', 71028),
        ('[{"flag":[]}]', 71028),
        ('[{"mode":{}}]', 71028),
        ('[{"text":["a"]}]', 71028),
        ('[{"texts":"a"}]', 71028),
        ('[{"texts":[{"0":"a","1":"b"}]}]', 71028),
        ('[{"\\ud800":1}]', 71028),
        ('[{"0":1}]', 71028),
        ('[{"0001":1,"1":2}]', 71028),
        ("null", 71008),
        ("{}", 71008),
        ("[{}]", 71008),
        ('[{"whole":1},2]', 71008),
        ("\ufeff[]", 71027),
        ('[{"free":Infinity}]', 71027),
        ("[" * 50_000, 71028),
        ('{"a":' * 50_000, 71028),
    ],
)
def test_other_bad_values_have_their_codes(data: str, code: int) -> None:
    assert refused(data)[0] == code


@pytest.mark.parametrize("data", ['[{"whole":1},{"whole":2}]', '[{"whole":1,"whole":2}]', '[{"whole":1},{"4":2}]'])
def test_a_property_that_is_given_twice_is_refused(data: str) -> None:
    assert refused(data) == (71028, "whole")


def test_a_code_of_digits_goes_before_an_id() -> None:
    assert MODEL.write_fields('[{"77":1}]') == [Field(10, Decimal(1))]
    assert MODEL.read_ids('["77",4,"4","whole"]') == (10, 4)


def test_a_single_code_is_read_without_its_list() -> None:
    assert MODEL.read_ids('"whole"') == (4,)
    for data, code in (("{}", 71008), ("true", 71008), ("[null]", 71008), ("[1e30]", 71008), ("[1.5]", 71028)):
        with pytest.raises(DataError) as caught:
            MODEL.read_ids(data)
        assert caught.value.code == code


def test_numbers_and_bools_become_texts_as_they_are_written() -> None:
    data = '[{"texts":[1.50,true,{"0":"x"},{"0":"y","0":"z"}]}]'
    assert MODEL.write_fields(data) == [Field(9, [Field(0, text) for text in (b"1.50", b"true", b"x", b"y", b"z")])]


def test_paths_lead_into_structs_and_arrays() -> None:
    assert refused('[{"tariff":[{"0":{"price":1}},{"0":{"price":101}}]}]', STATION) == (70090, "tariff[1].price")
    assert refused('[{"tariff":[{"prize":1}]}]', STATION) == (
        71028,
        'tariff[0]["prize"]'.replace('["prize"]', ".prize"),
    )
    assert refused('[{"tariff":[{"from":"1","1":"2"}]}]', STATION) == (71028, "tariff[0].from")
    assert refused('[{"a b":1}]') == (71028, '["a b"]')


def test_a_refusal_never_repeats_the_value() -> None:
    with pytest.raises(DataError) as caught:
        STATION.write_fields('[{"unlock_pin":"s3cret-pin"}]')
    assert str(caught.value) == "unlock_pin: must have at most 8 bytes, this has 10"


def test_a_message_holds_what_a_frame_holds() -> None:
    fits = ["a" * 10240] * 6 + ["a" * (MAX_PAYLOAD - 4 - 7 * 4 - 6 * 10240)]
    assert MODEL.write_fields(json.dumps({"texts": fits}))
    fits[-1] += "a"
    assert refused(json.dumps({"texts": fits})) == (71036, "")
    with pytest.raises(DataError, match="65530 bytes"):
        MODEL.encode_values({"texts": fits})


def test_a_data_string_has_a_longest() -> None:
    blank = '[{"whole":1}]'
    assert MODEL.write_fields(blank.ljust(MAX_DATA_CHARACTERS))
    assert refused(blank.ljust(MAX_DATA_CHARACTERS + 1)) == (71036, "")


def test_services_take_properties_by_reference_and_may_be_called_twice() -> None:
    calls = STATION.service_calls('[{"set_tariff":[{"tariff":[{"price":0.5}]}]},{"restart":""},{"24":[]}]')
    assert [(call.feature_id, call.code) for call in calls] == [(22, "set_tariff"), (24, "restart"), (24, "restart")]
    assert calls[0].fields == [Field(7, [Field(0, [Field(3, Decimal("0.5"))])])]
    for data, code in (
        ('[{"restart":"x"}]', 71028),
        ('[{"restart":null}]', 71028),
        ('[{"restart":[1]}]', 71028),
        ('[{"full":[]}]', 71029),
    ):
        with pytest.raises(DataError) as caught:
            STATION.service_calls(data)
        assert caught.value.code == code
