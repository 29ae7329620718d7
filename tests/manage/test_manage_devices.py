"""Devices over the management API: CSV files, filters, logs, commands, refusals."""

import asyncio
from typing import Any

import msgspec
import pytest

from cloud import sample
from manage.desk import Desk
from mooring.manage import trace
from mooring.platform.trace import MAX_WATCHERS


@pytest.fixture
async def product(desk: Desk) -> str:
    """The key of a product with a released model."""
    key: str = (await desk.ask("POST", "/products", {"name": "Plug"}, status=201))["product_key"]
    await desk.ask("PUT", f"/products/{key}/thing-model/draft", sample("smart-plug"))
    await desk.ask("POST", f"/products/{key}/thing-model/release")
    return key


@pytest.fixture
async def online(desk: Desk, product: str) -> str:
    """The path of the product's virtual device, which is online."""
    made = await desk.ask("POST", f"/products/{product}/virtual-device", status=201)
    await desk.ask("POST", f"/products/{product}/virtual-device/online")
    return f"/devices/{product}/{made['device']['device_key']}"


async def push(desk: Desk, product: str, values: dict[str, Any]) -> None:
    await desk.ask("POST", f"/products/{product}/virtual-device/properties", {"values": values})


CSV = "device_key,name,sn\r\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no device"),
        (CSV.encode(), "holds no device"),
        (b"key,name\nDK00001,Lamp\n", "line 1: the header names 'key'"),
        (b"name,sn\nLamp,1\n", "line 1: the header does not name device_key"),
        (b"device_key,name,name\nDK00001,Lamp,Lamp\n", "line 1: the header names a column twice"),
        (f"{CSV}DK00001,Lamp,SN1\nDK2,Lamp,SN2\n".encode(), "line 3: device_key must be 4 to 32"),
        (f"{CSV}DK00001,Lamp\n".encode(), "line 2: has 2 cells, the header 3"),
        (f"{CSV}DK00001,,\n\nDK00001,,\n".encode(), "line 4: device_key is that of line 2"),
        (f"{CSV}DK00001,,SN1\nDK00002,,SN1\n".encode(), "line 3: sn is that of line 2"),
        (f"{CSV}DK00001,L\xe4mp,\n".encode("latin-1"), "line 2: is not UTF-8"),
        (f'{CSV}DK00001,"Lamp,\n'.encode(), "is no CSV"),
        (b"device_key,auth_mode\nDK00001,4\n", "line 2: auth_mode is 4"),
        (b"device_key,auth_mode\nDK00001,x\n", "line 2: auth_mode must be 0, 1 or 2"),
        (b"device_key,auth_mode,fingerprint\nDK00001,2,ab\n", "line 2: fingerprint must be 40 hex digits"),
    ],
)
async def test_a_fault_of_a_csv_file_names_its_line(desk: Desk, product: str, content: bytes, message: str) -> None:
    error = await desk.refused("POST", f"/products/{product}/devices/import", content, status=422, code="csv")
    assert message in error["message"]
    assert (await desk.ask("GET", f"/products/{product}/devices"))["total"] == 0


async def test_a_csv_file_of_static_devices_brings_their_secrets(desk: Desk, product: str) -> None:
    content = '\ufeffsn,device_key,auth_mode,name\r\nSN1,DK00001,1,"Lamp, left"\r\n,DK00002,,\r\n'.encode()
    added = (await desk.ask("POST", f"/products/{product}/devices/import", content, status=201))["items"]
    assert [(one["device_key"], one["name"], one["sn"], one["auth_mode"]) for one in added] == [
        ("DK00001", "Lamp, left", "SN1", 1),
        ("DK00002", "DK00002", None, 0),
    ]
    assert [one["device_secret"] is None for one in added] == [False, True]
    error = await desk.refused(
        "POST", f"/products/{product}/devices/import", content, status=409, code="device_key_taken"
    )
    assert error["wire_code"] == 70062


async def test_a_csv_file_with_too_many_devices_is_refused(desk: Desk, product: str) -> None:
    content = CSV + "".join(f"DK{number:05},,\r\n" for number in range(501))
    path = f"/products/{product}/devices/import"
    error = await desk.refused("POST", path, content.encode(), status=409, code="batch_limit")
    assert "line 502" in error["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("online=1", "online"), ("online=True", "online"), ("limit=0", "limit"), ("of=1", "of"), ("auth_mode=x", None)],
)
async def test_filters_take_one_plain_form(desk: Desk, product: str, query: str, field: str | None) -> None:
    error = await desk.refused("GET", f"/products/{product}/devices?{query}", status=422, code="invalid_query")
    assert field is None or error["field"] == field


async def test_unknown_devices_and_products_are_named_as_such(desk: Desk, product: str) -> None:
    error = await desk.refused("GET", f"/devices/{product}/DK00001", status=404, code="no_such_device")
    assert error["wire_code"] == 70130
    await desk.refused("GET", "/devices/nowhere/DK00001/values", status=404, code="no_such_product")
    await desk.refused("GET", "/commands/12", status=404, code="command")
    await desk.refused("GET", f"/products/{product}/virtual-device", status=404, code="no_virtual_device")


async def test_values_have_names_units_and_times(desk: Desk, product: str, online: str) -> None:
    await push(desk, product, {"relay": True, "power": 12.5})
    found = await desk.ask("GET", f"{online}/values")
    shown = {one["code"]: one for one in found["properties"]}
    assert (shown["relay"]["value"], shown["power"]["value"], shown["voltage"]["value"]) == (True, "12.5", None)
    assert (shown["power"]["unit"], shown["power"]["data_type"]) == ("W", "FLOAT")
    assert shown["power"]["at"] == found["updated_at"] == desk.platform.clock.now_ms()


async def test_logs_are_paged(desk: Desk, product: str, online: str) -> None:
    for power in range(5):
        await push(desk, product, {"power": power})
    page = await desk.ask("GET", f"{online}/logs/data?limit=2&offset=2")
    assert page["total"] == 5
    assert [row["dm_data"] for row in page["items"]] == [[{"id": 2, "value": str(value)}] for value in (2, 1)]
    assert {(row["direction"], row["cmd"]) for row in page["items"]} == {("up", "0014")}
    await desk.refused("GET", f"{online}/logs/data?limit=2&offset=1", status=422, code="invalid_query")
    assert (await desk.ask("GET", f"{online}/logs/data?direction=2"))["total"] == 0
    events = await desk.ask("GET", f"{online}/logs/events?type=1")
    assert [event["code"] for event in events["items"]] == ["online"]


async def test_a_command_is_followed_to_its_answer(desk: Desk, product: str, online: str) -> None:
    await push(desk, product, {"relay": True})
    sent = await desk.ask("POST", f"{online}/commands", {"kind": "read", "data": ["relay"]}, status=201)
    while (shown := await desk.ask("GET", f"/commands/{sent['ticket']}"))["state"] != "answered":  # noqa: ASYNC110 - the API has no event for it
        await asyncio.sleep(0)
    assert shown["reply_cmd"] == "0012"
    assert shown["frame"].startswith("aaaa")
    services = await desk.ask("GET", f"{online}/logs/services")
    assert services["total"] == 0
    await desk.ask("POST", f"{online}/commands", {"kind": "service", "data": [{"reset_energy": []}]}, status=201)
    services = await desk.ask("GET", f"{online}/logs/services")
    assert [one["kind"] for one in services["items"]] == ["service"]
    await desk.ask("POST", f"{online}/commands", {"kind": "raw", "data": "00ff", "encoding": "Hex"}, status=201)
    await desk.refused("POST", f"/commands/{sent['ticket']}/cancel", status=409, code="command_not_waiting")


@pytest.mark.parametrize(
    ("body", "status", "wire"),
    [
        ({"kind": "write", "data": [{"no_such": 1}]}, 422, 71028),
        ({"kind": "write", "data": "no JSON"}, 422, 71027),
        ({"kind": "read", "data": ["relay"], "qos": 3}, 422, 50005),
        ({"kind": "raw", "data": [1]}, 422, None),
        ({"kind": "read", "data": ["relay"]}, 409, 61002),
    ],
)
async def test_a_command_that_cannot_be_sent_says_why(
    desk: Desk, product: str, body: dict[str, object], status: int, wire: int | None
) -> None:
    await desk.ask("POST", f"/products/{product}/devices", {"device_key": "DK00001"}, status=201)
    answer = await desk.ask("POST", f"/devices/{product}/DK00001/commands", body, status=status)
    assert answer["error"].get("wire_code") == wire


async def test_numbers_of_a_command_reach_the_device_as_they_were_written(
    desk: Desk, product: str, online: str
) -> None:
    body = b'{"kind": "write", "data": [{"countdown": 1e1}]}'
    sent = await desk.ask("POST", f"{online}/commands", body, status=201)
    assert msgspec.json.decode(sent["input"]) == [{"id": 7, "value": "10"}]


async def test_a_trace_says_that_it_still_watches(
    desk: Desk, product: str, online: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "KEEP_ALIVE_S", 0.0)
    device = await desk.ask("GET", online)
    watching = asyncio.create_task(desk.send("GET", f"{online}/trace?limit=2"))
    while not desk.platform.trace.watched(device["id"]):  # noqa: ASYNC110 - the platform has no event for it
        await asyncio.sleep(0)
    for value in (True, False):
        await push(desk, product, {"relay": value})
    lines = (await watching).text.split("\n\n")
    assert ": keep-alive" in lines
    assert len([line for line in lines if line.startswith("data: ")]) == 2
    assert not desk.platform.trace.watched(device["id"])


async def test_a_trace_ends_with_the_server(desk: Desk, product: str, online: str) -> None:
    device = await desk.ask("GET", online)
    watching = asyncio.create_task(desk.send("GET", f"{online}/trace"))
    while not desk.platform.trace.watched(device["id"]):  # noqa: ASYNC110 - the platform has no event for it
        await asyncio.sleep(0)
    await push(desk, product, {"relay": True})
    desk.platform.trace.close()
    assert (await watching).text.count("data: ") == 1
    assert not desk.platform.trace.watched(device["id"])


async def test_too_many_traces_are_refused(desk: Desk, online: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.platform.trace, "_open", MAX_WATCHERS)
    error = await desk.refused("GET", f"{online}/trace", status=409, code="too_many_traces")
    assert str(MAX_WATCHERS) in error["message"]


async def test_new_product_settings_are_kept(desk: Desk) -> None:
    body = {"name": "Pump", "dynamic_authentication": False, "require_encryption": True}
    made = await desk.ask("POST", "/products", body, status=201)
    assert (made["dynamic_authentication"], made["require_encryption"]) == (False, True)
    path = f"/products/{made['product_key']}"
    changed = await desk.ask("PATCH", path, {"dynamic_authentication": True})
    assert (changed["dynamic_authentication"], changed["require_encryption"]) == (True, True)


@pytest.mark.parametrize("certificate", ["-----BEGIN CERTIFICATE-----\nno\n", "bm8=", "not base64"])
async def test_what_is_no_certificate_is_refused(desk: Desk, certificate: str) -> None:
    body = {"name": "Own", "certificate": certificate}
    error = await desk.refused("POST", "/ca-certificates", body, status=422, code="certificate")
    assert error["field"] == "certificate"
