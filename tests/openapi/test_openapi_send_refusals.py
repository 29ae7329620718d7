"""readData, writeData, sendServiceData and raw sendData: requests that are refused as a whole."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cloud import Cloud
from links import Desk, Line
from mooring.openapi.codes import TEXTS
from mooring.platform.entities import Product
from openapi.sending import RAW, READ, SERVICE, WRITE, post, raw, sending


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        (WRITE, "relay", 71027),
        (WRITE, "[{", 71027),
        (WRITE, '["relay"]', 71008),
        (WRITE, "1", 71008),
        (WRITE, "[]", 71008),
        (WRITE, '[{"nothing":"1"}]', 71028),
        (WRITE, '[{"relay":[{"x":"1"}]}]', 71028),
        (WRITE, '[{"reset_energy":[]}]', 71029),
        (SERVICE, '[{"relay":"true"}]', 71029),
        (WRITE, '[{"power":"1"}]', 71038),
        (WRITE, '[{"countdown":"86401"}]', 70090),
        (WRITE, '[{"start_state":"7"}]', 70091),
        (WRITE, f'[{{"label":"{"x" * 33}"}}]', 70092),
        (WRITE, '[{"relay":"yes"}]', 71036),
        (WRITE, '[{"relay":"true"},{"power":"1"}]', 71038),
        (READ, '["nothing"]', 71028),
        (READ, '["reset_energy"]', 71029),
    ],
)
async def test_bad_data_refuses_the_whole_call(
    desk: Desk, cloud: Cloud, line: Line, path: str, data: str, code: int
) -> None:
    answer = await post(cloud, path, sending(cloud.modelled, data))
    assert answer["code"] == code
    assert answer["msg"].startswith(f"{TEXTS[code][0]}: ")
    assert line.sent == []


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        (READ, '["unlock_pin"]', 71048),
        (WRITE, json.dumps([{"notes": [{"0": "x"}] * 11}]), 71039),
        (SERVICE, '[{"force_charge":[{"until":"tomorrow"}]}]', 70093),
    ],
)
async def test_more_bad_data(desk: Desk, cloud: Cloud, station: Product, path: str, data: str, code: int) -> None:
    assert (await post(cloud, path, sending(station, data)))["code"] == code


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"[]", "object"),
        (b"null", "object"),
        (b'"x"', "object"),
        (b"{", "JSON"),
        (b"productKey=x", "JSON"),
        (b'{"a":NaN}', "JSON"),
        (b'{"a":1e999}', "JSON"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b"[" * 100_000, "deep"),
        (b'{"productKey":' + b"9" * 10_000 + b"}", ""),
        (b'{"productKey":"a\\u0000"}', "NUL"),
        (b'{"productKey":{}}', "productKey is not text"),
        (b'{"productKey":true}', "productKey is not text"),
        (b'{"productKey":"x","devices":"DK1"}', "devices is not a list"),
        (b'{"productKey":"x","devices":[["DK1"]]}', "devices[0] is not text"),
    ],
)
async def test_a_body_that_is_no_request_is_50005_and_says_why(cloud: Cloud, body: bytes, named: str) -> None:
    answer = await post(cloud, READ, body)
    assert answer["code"] == 50005
    assert named in answer["msg"]
    assert len(answer["msg"]) < 200


async def test_a_nul_in_a_parameter_is_refused(cloud: Cloud) -> None:
    answer = await cloud.get("/v2/quecproductmgr/r3/openapi/products", {"productKey": "a\0b"})
    assert answer["code"] == 50005
    assert "NUL" in answer["msg"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"data": None}, "data missing"),
        ({"data": ""}, "data missing"),
        ({"data": ["relay"]}, "data is not text"),
        ({"isCache": "maybe"}, "isCache"),
        ({"isCache": 2}, "isCache"),
        ({"isCache": [True]}, "isCache"),
        ({"isCover": "x"}, "isCover"),
        ({"cacheTime": 0}, "cacheTime=0 is outside 1..7776000"),
        ({"cacheTime": 7_776_001}, "cacheTime"),
        ({"cacheTime": "soon"}, "cacheTime"),
        ({"cacheTime": 1.5}, "cacheTime"),
        ({"cacheTime": True}, "cacheTime"),
        ({"qos": 3}, "qos=3 is outside 0..2"),
        ({"devices": [f"D{number}" for number in range(501)]}, "501 devices, the limit is 500"),
    ],
)
async def test_bad_parameters_are_50005_and_named(
    cloud: Cloud, desk: Desk, changes: dict[str, Any], named: str
) -> None:
    answer = await post(cloud, READ, {**sending(cloud.modelled, '["relay"]'), **changes})
    assert answer["code"] == 50005
    assert named in answer["msg"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"encode": "Base64"}, "encode=Base64"),
        ({"encode": "Hex", "data": "abc"}, "hex"),
        ({"encode": "Hex", "data": "0x12"}, "hex"),
        ({"encode": "Hex", "data": "１２"}, "hex"),
        ({"encode": "Hex", "data": "12\n"}, "hex"),
        ({"data": "x" * 4097}, "4096"),
        ({"devices": ["DK1"]}, "devices[0] is not an object"),
    ],
)
async def test_bad_raw_parameters(cloud: Cloud, desk: Desk, changes: dict[str, Any], named: str) -> None:
    answer = await post(cloud, RAW, {**raw(cloud.modelled, "00"), **changes})
    assert answer["code"] == 50005
    assert named in answer["msg"]


@pytest.mark.parametrize(
    "body",
    [
        {"productKey": None, "devices": [], "data": ""},
        {"productKey": "", "devices": ["DK1"], "data": "[]"},
        {"productKey": "p", "devices": [], "data": "[]"},
        {"productKey": "p", "devices": None, "data": "[]"},
        {"productKey": "p", "devices": ["DK1", ""], "data": "[]"},
        {"productKey": "p", "devices": [None], "data": "[]"},
        {},
        b"",
    ],
)
async def test_missing_keys_are_50007_before_anything_else_is_looked_at(cloud: Cloud, body: Mapping[str, Any]) -> None:
    for path in (READ, WRITE, SERVICE):
        assert (await post(cloud, path, body))["code"] == 50007


@pytest.mark.parametrize(
    "devices",
    [[], None, [{}], [{"productKey": "p"}], [{"deviceKey": "d"}], [{"productKey": "p", "deviceKey": ""}]],
)
async def test_missing_keys_of_raw_data(cloud: Cloud, devices: object) -> None:
    assert (await post(cloud, RAW, {"devices": devices, "data": ""}))["code"] == 50007


async def test_the_order_of_checks(cloud: Cloud, desk: Desk) -> None:
    bad: dict[str, Any] = {"productKey": cloud.foreign.product_key, "devices": ["DK1"], "data": "", "qos": 9}
    for path in (READ, WRITE, SERVICE):
        assert (await post(cloud, path, b"{", token=""))["code"] == 91001
        assert (await post(cloud, path, {**bad, "devices": []}))["code"] == 50007
        assert (await post(cloud, path, bad))["code"] == 70089
        assert (await post(cloud, path, {**bad, "productKey": cloud.transparent.product_key}))["code"] == 50005
    devices = raw(cloud.modelled, "")["devices"] + raw(cloud.foreign, "")["devices"]
    assert (await post(cloud, RAW, {"devices": devices, "data": ""}))["code"] == 70089
