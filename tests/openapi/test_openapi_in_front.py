"""What stands in front of every operation besides rights: rates, statistics, the request log, the language."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tools.contract import operations

from cloud import LOGIN, REFRESH, Cloud, build_cloud
from databases import open_store
from fakes import FakeClock, FakeEntropy
from mooring.openapi import OPERATIONS
from mooring.openapi.codes import TEXTS
from mooring.openapi.noted import MAX_SHOWN, NotedCall
from mooring.openapi.operation import Call
from mooring.platform import Limits, Platform
from mooring.platform.device_input import NewDevice
from mooring.platform.request_log import LoggedRequest, RequestFilter
from mooring.platform.saas_apps import AppChanges
from mooring.store import Vault
from reporting import connect

PRODUCTS = "/v2/quecproductmgr/r3/openapi/products"
DETAIL = "/v2/devicemgr/r3/openapi/device/detail"
CREATE = "/v2/devicemgr/r3/openapi/device/create"
WRITE = "/v2/deviceshadow/r3/openapi/dm/writeData"


@pytest.fixture
async def limited(tmp_path: Path, vault: Vault, clock: FakeClock) -> AsyncIterator[Cloud]:
    """A cloud with every limit."""
    store = await open_store(tmp_path / "limited.sqlite3")
    limits = Limits(app_calls_per_s=5, device_commands_per_s=2, device_messages_per_day=4, request_log_rows=0)
    platform = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=limits)
    yield await build_cloud(platform, clock)
    await store.close()


async def post(cloud: Cloud, path: str, body: object, *, token: str | None = None) -> dict[str, Any]:
    header = await cloud.token() if token is None else token
    async with cloud.client() as client:
        answer = await client.post(path, json=body, params={"language": "EN"}, headers={"Authorization": header})
    decoded: dict[str, Any] = answer.json()
    return decoded


async def requests(cloud: Cloud, **chosen: Any) -> list[LoggedRequest]:
    return await cloud.platform.request_log.of_app(cloud.app.id, RequestFilter(**chosen))


# Rates


async def test_an_application_that_calls_too_often_is_told_so_with_http_429(limited: Cloud, clock: FakeClock) -> None:
    token, other = await limited.token(), await limited.token(limited.other_app)
    async with limited.client() as client:
        headers = {"Authorization": token}
        answers = [await client.get(PRODUCTS, headers=headers) for _ in range(5)]
        refused = answers[-1]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429]  # the login was the first of five
        assert refused.json().keys() == {"code", "msg"}
        assert refused.json()["code"] == 429
        assert refused.headers["retry-after"] == "1"
        assert (await client.get(PRODUCTS, headers={"Authorization": other})).json()["code"] == 200
        clock.advance(200)
        assert (await client.get(PRODUCTS, headers=headers)).json()["code"] == 200


@pytest.mark.parametrize("path", [LOGIN, REFRESH])
async def test_logins_and_renewals_count_too(limited: Cloud, path: str) -> None:
    token = await limited.token()
    params = limited.login_fields() if path == LOGIN else {"grant_type": "refresh_token", "refresh_token": token}
    async with limited.client() as client:
        statuses = [(await client.get(path, params=params)).status_code for _ in range(5)]
    assert statuses == [200] * 4 + [429]


async def test_strangers_do_not_use_up_what_an_application_may(limited: Cloud) -> None:
    """A wrong signature and an address that is not listed cost nothing."""
    token = await limited.token()
    changes = AppChanges(address_list_enabled=True, allowed_addresses=["192.0.2.1"])
    await limited.platform.saas_apps.update(limited.actor, limited.app.id, changes)
    for _ in range(20):
        assert (await limited.get(PRODUCTS, token=token))["code"] == 91006
        wrong = limited.login_fields(changes={"password": "0" * 64})
        assert (await limited.get(LOGIN, wrong, token=""))["code"] == 401
    limited.peer = "192.0.2.1"
    assert (await limited.get(PRODUCTS, token=token))["code"] == 200


async def test_commands_to_a_device_a_second_and_messages_a_day(limited: Cloud, clock: FakeClock) -> None:
    device = await connect(limited.platform, limited.modelled)
    device.line.by_itself = "published delivered"
    body = {"productKey": limited.modelled.product_key, "devices": ["DK00001"], "data": '[{"relay":true}]'}

    async def send() -> int:
        clock.advance(250)
        answer = await post(limited, WRITE, body, token=token)
        code: int = answer["data"][0]["code"]
        return code

    token = await limited.token()
    assert [await send() for _ in range(3)] == [200, 200, 200]
    clock.advance(-500)
    assert await send() == 61007
    clock.advance(2_000)
    await device.values({"relay": True})  # the fourth message of four
    assert await send() == 61006
    _, total = await limited.platform.history.data(device.device.id, direction=1)
    assert total == 1
    await device.values({"relay": False})
    assert (await limited.platform.history.data(device.device.id, direction=1))[1] == total
    assert device.told == [None, None]  # it is told that the message arrived, lest it sends it for ever
    clock.advance(86_400_000)
    token = await limited.token()
    assert await send() == 200


# Statistics


async def test_calls_of_an_application_are_counted_by_operation(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    token = await cloud.token()
    for params in ({}, {}, {"pageSize": "0"}):
        await cloud.get(PRODUCTS, params, token=token)
    await cloud.get(DETAIL, token="QJWT x.y.z")
    await cloud.get(PRODUCTS, token=await cloud.token(cloud.other_app))
    found, _ = await cloud.platform.api_statistics.of_app(cloud.app.id)
    assert {(entry.operation, entry.calls, entry.failures) for entry in found} == {
        ("productList", 3, 1),
        ("authLogin", 1, 0),
    }
    [_, other] = (await cloud.platform.api_statistics.of_app(cloud.other_app.id))[0]
    assert (other.operation, other.calls) == ("productList", 1)


@pytest.mark.parametrize("rows", [0, 1_000])
async def test_a_platform_that_ends_has_written_what_it_counted(
    tmp_path: Path, vault: Vault, clock: FakeClock, rows: int
) -> None:
    store = await open_store(tmp_path / "cloud.sqlite3")
    limits = Limits(request_log_rows=rows)
    platform = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=limits)
    cloud = await build_cloud(platform, clock)
    await cloud.token()
    await platform.close()
    again = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=limits)
    [login], _ = await again.api_statistics.of_app(cloud.app.id)
    assert (login.operation, login.calls) == ("authLogin", 1)
    assert len(await again.request_log.of_app(cloud.app.id)) == min(rows, 1)
    await store.close()


# The request log


async def test_a_failure_is_found_by_what_the_caller_saw(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    cloud.peer = "192.0.2.7"
    token = await cloud.token()
    async with cloud.client() as client:
        answer = await client.get(PRODUCTS, params={"pageSize": "0"}, headers={"Authorization": token})
    [entry] = await requests(cloud, request_id=answer.headers["x-request-id"])
    assert (entry.operation, entry.code, entry.status, entry.address) == ("productList", 50005, 200, "192.0.2.7")
    assert entry.message == answer.json()["msg"]
    assert json.loads(bytes(entry.request)) == {"query": {"pageSize": "0"}}
    assert entry.took_ms >= 0


async def test_a_command_is_found_by_its_ticket_and_the_other_way_round(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    key = cloud.modelled.product_key
    await cloud.platform.devices.add_many(cloud.actor, key, [NewDevice("DK00001"), NewDevice("DK00002")])
    body = {"productKey": key, "devices": ["DK00001", "DK00002"], "data": '[{"relay":true}]', "isCache": True}
    answer = await post(cloud, WRITE, body)
    tickets = [row["ticket"] for row in answer["data"]]
    for ticket in tickets:
        [entry] = await requests(cloud, ticket=int(ticket))
        assert list(entry.tickets) == tickets
        assert json.loads(bytes(entry.request))["body"] == body


async def test_no_secret_is_in_the_log(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    token = await cloud.token()
    await cloud.get(REFRESH, {"grant_type": "refresh_token", "refresh_token": token}, token="")
    wrong = cloud.login_fields(changes={"password": "f" * 64})
    async with cloud.client() as client:
        await client.post(LOGIN, data=wrong)
    new = {"productKey": cloud.modelled.product_key, "deviceKey": "DK00001", "psk": "a-secret", "sn": "x\0"}
    await post(cloud, CREATE, new)
    found = await requests(cloud)
    assert [entry.operation for entry in found] == [
        "deviceCreate",
        "authLogin",
        "authLoginPost",
        "authRefresh",
        "authLogin",
    ]
    text = b"".join(bytes(entry.request) for entry in found).decode()
    fields = cloud.login_fields()
    for secret in (token, token.removeprefix("QJWT "), fields["password"], wrong["password"], "a-secret"):
        assert secret not in text
    assert cloud.app.access_key in text


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"{", {"bytes": 1}),
        (b"\xff\xfe", {"bytes": 2}),
        (b'{"password":"p=x"', {"bytes": 17}),
        (b"password=p&a=b", {"password": "***", "a": "b"}),
        (b"[" * 5_000, None),
        (json.dumps({"sn": "x" * MAX_SHOWN}).encode(), None),
        (b'{"sn":"y"}', {"sn": "y"}),
        (b'{"a":{"password":"p"}}', {"a": {"password": "***"}}),
    ],
)
async def test_bodies_of_every_kind_are_described(cloud: Cloud, content: bytes, shown: object) -> None:
    headers = {"Authorization": await cloud.token()}
    async with cloud.client() as client:
        await client.post(CREATE, content=content, headers=headers)
    [entry] = await requests(cloud, operation="deviceCreate")
    described = json.loads(bytes(entry.request))
    assert described.get("body") == shown
    assert described.get("body_bytes") == (len(content) if shown is None else None)


@pytest.mark.parametrize(("kept", "whole"), [(2_048, True), (300, False), (0, None)])
async def test_an_answer_is_in_the_log_as_long_as_it_is_short(cloud: Cloud, kept: int, whole: bool | None) -> None:
    cloud.platform.request_log.answer_bytes = kept
    async with cloud.client() as client:
        answer = await client.get(PRODUCTS, headers={"Authorization": await cloud.token()})
    assert len(answer.content) > 300
    found = {entry.operation: entry.answer for entry in await requests(cloud)}
    assert found["authLogin"] is None, "it is a token"
    shown = found["productList"]
    if whole is None:
        assert shown is None
        return
    told = json.loads(bytes(shown or b""))
    beginning = answer.content[:300].decode(errors="replace")
    assert told == (answer.json() if whole else {"bytes": len(answer.content), "beginning": beginning})


@pytest.mark.parametrize(
    ("body", "cut", "shown"),
    [
        (b'{"data":{"deviceSecret":"a\\"b","n":1}}', 100, '{"data":{"deviceSecret":"***","n":1}}'),
        (b'{"userDomainSecret":"abcdef"}', 24, '{"bytes":29,"beginning":"{\\"userDomainSecret\\":\\"***\\""}'),
        (b'{"access_token":"a","token_type":"jwt"}', 100, '{"access_token":"***","token_type":"jwt"}'),
        (b'{"bindingCode":"12","psk":"","x":"\xc3\xa4"}', 100, '{"bindingCode":"***","psk":"***","x":"ä"}'),
    ],
)
def test_no_secret_of_an_answer_is_in_the_log(cloud: Cloud, body: bytes, cut: int, shown: str) -> None:
    call = Call(cloud.platform, {}, "EN", None, None)
    noted = NotedCall(call, ("x", b"1", b""), (200, 200, body), (0.0, 0.0), cut)
    assert noted.described().answer == shown


async def test_refusals_that_are_about_an_application_are_in_its_log(cloud: Cloud) -> None:
    token = await cloud.token()
    changes = AppChanges(address_list_enabled=True, allowed_addresses=["192.0.2.1"])
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, changes)
    await cloud.get(PRODUCTS, token=token)
    await cloud.get(LOGIN, cloud.login_fields(changes={"password": "0" * 64}), token="")
    await cloud.get(PRODUCTS, token="QJWT x.y.z")
    assert [(entry.operation, entry.code) for entry in await requests(cloud, failed=True)] == [
        ("authLogin", 401),
        ("productList", 91006),
    ]


# The language

LISTED = [operation for operation in OPERATIONS if "language" in operations()[operation.id].parameters]


@pytest.mark.parametrize("operation", LISTED, ids=lambda operation: operation.id)
async def test_language_chooses_the_language_of_msg(cloud: Cloud, operation: Any) -> None:
    token = await cloud.token()
    async with cloud.client() as client:
        texts = []
        for language in ("EN", "CN", "xx", "", None):
            params = {"productKey": "pXXXXX", "deviceKey": "DK00001"}
            if language is not None:
                params["language"] = language
            body = {**params, "devices": [params]} if operation.method == "POST" else None
            answer = await client.request(
                operation.method, operation.path, params=params, json=body, headers={"Authorization": token}
            )
            texts.append((answer.json()["code"], answer.json()["msg"].partition(":")[0].partition("：")[0]))
    codes = {code for code, _ in texts}
    assert len(codes) == 1
    english, chinese = TEXTS[codes.pop()]
    assert [text for _, text in texts] == [english, chinese, chinese, chinese, chinese]
