"""Messages as typed values: every body of the contract, and bodies that lack what they are about."""

import json
from pathlib import Path
from typing import Any

import pytest

from mooring.client import BadMessage, Message, Online, Position, PropertyReport, RawUplink
from mooring.client import messages as module
from mooring.client.messages import decode

CONTRACT = Path(__file__).parents[2] / "contract"


def bodies() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("type"), str) and value["type"].replace("_", "").isupper():
                found.append(value)
                return
            for member in value.values():
                collect(member)
        elif isinstance(value, list):
            for member in value:
                collect(member)

    collect(json.loads((CONTRACT / "message-examples.json").read_text()))
    return found


def decoded(body: Any) -> Message:
    return decode(json.dumps(body).encode())


@pytest.mark.parametrize("body", bodies(), ids=lambda body: f"{body['type']}/{body.get('subtype')}")
def test_every_example_of_the_contract_has_a_type_of_its_own(body: dict[str, Any]) -> None:
    message = decoded(body)
    assert type(message) is not Message
    assert message.raw == body
    assert message.kind in repr(message)
    assert message.created_at is None or message.created_at.tzinfo is not None
    assert message.data == (body.get("data") if isinstance(body.get("data"), dict) else {})


def test_every_kind_is_among_the_examples() -> None:
    kinds = {decoded(body).kind for body in bodies()}
    assert set(module._READERS) - kinds <= {"CEP_RULE/NOTICE", "LOCATION/QUERY"}


def test_kinds_that_have_no_example() -> None:
    assert decoded({"type": "LOCATION", "subtype": "QUERY", "data": {"keys": ["GPS"]}}).modes == ("GPS",)  # type: ignore[attr-defined]
    assert decoded({"type": "CEP_RULE", "subtype": "NOTICE", "traceId": 7}).trace_id == "7"  # type: ignore[attr-defined]


def test_kind_that_is_new_is_a_plain_message() -> None:
    message = decoded({"type": "BRAND_NEW", "data": [1], "productKey": "P", "deviceKey": "D"})
    assert type(message) is Message
    assert (message.data, message.kind) == ({}, "BRAND_NEW")


def test_gateway_is_named_by_its_keys() -> None:
    gateway = {"productKey": "G", "deviceKey": "H"}
    assert decoded({"type": "ONLINE", "data": {"value": 0}, "gateway": gateway}).gateway == ("G", "H")


def test_offline_is_not_online() -> None:
    message = decoded({"type": "ONLINE", "data": {"value": "0"}, "createdAt": ""})
    assert isinstance(message, Online)
    assert (message.is_online, message.created_at) == (False, None)


def test_position_without_degrees() -> None:
    message = decoded({"type": "LOCATION", "subtype": "INFO-KV", "data": {"type": "GPS", "kv": {"wgs_84": None}}})
    assert isinstance(message, Position)
    assert (message.latitude, message.longitude, message.located_at_ms) == (None, None, None)


def test_report_without_the_time_of_the_device() -> None:
    message = decoded({"type": "MATTR", "subtype": "REPORT", "data": {"kv": {"power": "1"}}})
    assert isinstance(message, PropertyReport)
    assert (message.values, message.occurred_at_ms) == ({"power": "1"}, None)


def test_payload_is_bytes() -> None:
    message = decoded({"type": "RAW", "subtype": "UPLINK", "data": {"raw": "AQI="}})
    assert isinstance(message, RawUplink)
    assert message.payload == b"\x01\x02"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"type": 1}',
        b"\xff",
        b"[" * 5000,
        b'{"type": "ONLINE"}',
        b'{"type": "ONLINE", "data": {"value": 1}, "createdAt": {}}',
        b'{"type": "RAW", "subtype": "UPLINK", "data": {"raw": "*"}}',
        b'{"type": "MATTR", "subtype": "REPORT", "data": {"kv": []}}',
    ],
)
def test_body_that_is_no_message(body: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        decode(body)
    assert caught.value.body == body
