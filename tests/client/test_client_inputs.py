"""Values on their way to a device, and rows of the log on their way back (openapi-notes.md section 9)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from client.fake_cloud import FakeCloud, ok, settle, text_of
from mooring.client import BadValue, Reading, SendResult, ThingModel
from mooring.client._inputs import SendOptions, epoch_ms, raw_members, read_text, service_text, write_text
from mooring.client._readings import Model, payload_of, polars_frame
from mooring.client.types import DataRecord

Connect = Callable[..., Any]

MODEL = {
    "profile": {"tslVersion": "1.2.0", "productKey": "P", "version": "20250531064139554"},
    "properties": [
        {
            "id": 1,
            "code": "at",
            "name": "At",
            "dataType": "DATE",
            "subType": "RW",
            "type": "PROPERTY",
            "specs": {"length": "13"},
        },
        {
            "id": 2,
            "code": "secret",
            "name": "S",
            "dataType": "TEXT",
            "subType": "W",
            "type": "PROPERTY",
            "specs": {"length": "9"},
        },
        {
            "id": 3,
            "code": "fence",
            "name": "F",
            "dataType": "STRUCT",
            "subType": "RW",
            "type": "PROPERTY",
            "specs": [
                {
                    "id": 1,
                    "code": "lat",
                    "name": "l",
                    "dataType": "DOUBLE",
                    "specs": {"min": "0", "max": "9", "step": "0.1"},
                }
            ],
        },
        {
            "id": 4,
            "code": "list",
            "name": "L",
            "dataType": "ARRAY",
            "subType": "RW",
            "type": "PROPERTY",
            "specs": {"size": "5", "dataType": "FLOAT", "numberSpecs": {"min": "0", "max": "9", "step": "0.1"}},
        },
    ],
}


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (True, "true"),
        (False, "false"),
        (21, "21"),
        (21.5, "21.5"),
        (1e-7, "0.0000001"),
        (Decimal("2.50"), "2.50"),
        ("text", "text"),
        (b"\x01\xff", "01FF"),
        (datetime(2025, 3, 27, tzinfo=UTC), "1743033600000"),
        ([1, 2], [{"0": "1"}, {"0": "2"}]),
        ({"lat": 1.5, "on": True}, [{"lat": "1.5"}, {"on": "true"}]),
        ([{"a": 1}], [{"0": [{"a": "1"}]}]),
    ],
)
def test_values_as_the_platform_wants_them(value: object, wire: object) -> None:
    assert msgspec.json.decode(write_text({"p": value})) == [{"p": wire}]
    assert msgspec.json.decode(service_text("s", {"i": value})) == [{"s": [{"i": wire}]}]


def test_what_is_no_value() -> None:
    with pytest.raises(TypeError, match="object is no value"):
        write_text({"p": object()})


def test_reads_and_raw_data() -> None:
    assert read_text(["a", "b"]) == '["a","b"]'
    assert raw_members("123") == {"data": "123", "encode": "Text"}
    assert raw_members(b"\xab") == {"data": "AB", "encode": "Hex"}
    assert SendOptions().members() == {"isCache": None, "cacheTime": None, "isCover": None, "qos": None}


def test_moments_are_aware_or_milliseconds() -> None:
    east = timezone(timedelta(hours=8))
    assert epoch_ms(datetime(1970, 1, 1, 8, 0, 1, tzinfo=east)) == 1000
    assert (epoch_ms(5), epoch_ms(None)) == (5, None)
    with pytest.raises(ValueError, match="time zone"):
        epoch_ms(datetime(2025, 1, 1))


def model() -> Model:
    return Model(ThingModel(raw=MODEL))


def record(data: str | None, direction: int | None = 1) -> DataRecord:
    return DataRecord(raw={}, product_key="P", device_key="D", data=data, direction=direction)


def test_dates_structs_and_lists_become_python() -> None:
    from base64 import b64encode

    from mooring.protocol import ttlv
    from mooring.protocol.ttlv import Field

    fields = [
        Field(1, Decimal(1_743_033_600_000)),
        Field(3, [Field(1, Decimal("1.5"))]),
        Field(4, [Field(0, Decimal("0.5"))]),
    ]
    reading = model().reading(record(b64encode(ttlv.encode(fields)).decode()))
    assert reading.values == {"at": datetime(2025, 3, 27, tzinfo=UTC), "fence": {"lat": 1.5}, "list": [0.5]}
    assert polars_frame([reading]).columns == ["time", "at", "fence", "list"]
    assert model().readable == {"at", "fence", "list"}


@pytest.mark.parametrize(("data", "direction"), [("AAk=", 2), ("not base64", 1), ("/w==", 1), (None, 1)])
def test_rows_that_say_nothing_have_no_values(data: str | None, direction: int) -> None:
    reading = model().reading(record(data, direction))
    assert reading.values == {}
    assert reading == Reading(record(data, direction))


def test_payload_that_cannot_be_read_is_empty() -> None:
    assert payload_of(record("***")) == b""
    assert model().outputs(record("/w=="), "s") is None


@pytest.mark.parametrize("document", [{"properties": [{"id": 1}]}, {"properties": 7}])
def test_model_that_cannot_be_read_says_so(document: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match="cannot be read"):
        Model(ThingModel(raw=document))


def test_codes_of_results() -> None:
    assert [SendResult(raw={}, code=code).accepted for code in (0, 200, 61002)] == [True, True, False]


def test_subscriptions_of_a_product_and_raw_delete(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["create"] = ok({"subscribeId": 5})
    assert settle(connect().subscriptions.create_for_product("s", "q", "P", (1, 6))) == 5
    assert text_of(cloud.requests[-1]) == {
        "subscribeName": "s",
        "queueName": "q",
        "dataLevel": 1,
        "productKey": "P",
        "msgTypes": [1, 6],
    }
    assert (
        settle(connect().raw.delete("/v2/x/products", {"pageNum": 1, "pageSize": 1, "flag": True, "no": None}))["code"]
        == 200
    )
    assert cloud.requests[-1].method == "DELETE"
    assert cloud.requests[-1].url.params["flag"] == "true"
