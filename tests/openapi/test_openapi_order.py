"""The order of checks (openapi-notes.md section 4) and what stands in front of every operation."""

import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from cloud import LOGIN, REFRESH, Cloud, build_cloud
from databases import open_store
from fakes import FakeClock, FakeEntropy
from mooring.openapi import OPERATIONS, OpenApi, OpenApiMetrics, Operation
from mooring.openapi.app import MAX_BODY_BYTES, MAX_QUERY_BYTES
from mooring.openapi.operation import Call
from mooring.platform import Platform
from mooring.platform.saas_apps import AppChanges
from mooring.store import Vault
from mooring.store.postgres import PostgresStore

DETAIL = "/v2/quecproductmgr/r3/openapi/product/detail"
TSL = "/v2/quectsl/openapi/product/export/tslFile"
PACKAGE = "product-and-device-management"


class Request:
    """What is sent; each violation changes the request or the cloud so that one check fails."""

    def __init__(self, cloud: Cloud, token: str) -> None:
        self.cloud = cloud
        self.token = token
        self.params: dict[str, str] = {"productKey": cloud.modelled.product_key}


async def no_token(request: Request) -> None:
    request.token = ""


async def bad_token(request: Request) -> None:
    if request.token:
        request.token = "QJWT x.y.z"


async def address(request: Request) -> None:
    cloud = request.cloud
    changes = AppChanges(address_list_enabled=True, allowed_addresses=["192.0.2.0/24"])
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, changes)


async def not_activated(request: Request) -> None:
    await request.cloud.platform.service_market.deactivate(request.cloud.actor, PACKAGE)


async def not_authorized(request: Request) -> None:
    cloud = request.cloud
    await cloud.platform.saas_apps.cancel_package(cloud.actor, cloud.app.id, PACKAGE)


async def no_parameter(request: Request) -> None:
    request.params = {}


async def unknown_product(request: Request) -> None:
    if request.params:
        request.params = {"productKey": "pXXXXX"}


async def foreign_product(request: Request) -> None:
    if request.params:
        request.params = {"productKey": request.cloud.foreign.product_key}


Violation = Callable[[Request], Awaitable[None]]

# In the order of the contract. `no_parameter` is step 7, the last two are step 8.
STEPS: list[tuple[Violation, int, int]] = [
    (no_token, 91001, 91001),
    (bad_token, 91004, 91004),
    (address, 91006, 91006),
    (not_activated, 91007, 91007),
    (not_authorized, 91005, 91005),
    (no_parameter, 50005, 50006),
    (unknown_product, 70017, 70017),
    (foreign_product, 70089, 70089),
]


@pytest.mark.parametrize("violation", STEPS, ids=lambda step: step[0].__name__)
async def test_each_check_has_its_code(cloud_on_each: Cloud, violation: tuple[Violation, int, int]) -> None:
    request = Request(cloud_on_each, await cloud_on_each.token())
    await violation[0](request)
    for path, code in ((DETAIL, violation[1]), (TSL, violation[2])):
        assert (await cloud_on_each.get(path, request.params, token=request.token))["code"] == code


@pytest.mark.parametrize(
    ("earlier", "later"),
    list(itertools.combinations(STEPS[:6], 2)),
    ids=lambda step: step[0].__name__,
)
async def test_of_two_violations_the_earlier_check_answers(
    cloud: Cloud, earlier: tuple[Violation, int, int], later: tuple[Violation, int, int]
) -> None:
    request = Request(cloud, await cloud.token())
    await earlier[0](request)
    await later[0](request)
    for path, code in ((DETAIL, earlier[1]), (TSL, earlier[2])):
        assert (await cloud.get(path, request.params, token=request.token))["code"] == code


async def test_all_violations_at_once_answer_the_first(cloud: Cloud) -> None:
    request = Request(cloud, await cloud.token())
    for violation, _, _ in STEPS[:6]:
        await violation(request)
    assert (await cloud.get(DETAIL, request.params, token=request.token))["code"] == 91001


async def test_the_product_is_checked_before_the_page(cloud: Cloud) -> None:
    params = {"productKey": cloud.foreign.product_key, "pageSize": "0"}
    assert (await cloud.get("/v2/quecproductmgr/r3/openapi/products", params))["code"] == 70089


async def test_bad_encoding_is_found_only_after_the_token(cloud: Cloud) -> None:
    assert (await cloud.get(DETAIL + "?productKey=%ff", token=""))["code"] == 91001
    assert (await cloud.get(DETAIL + "?productKey=%ff"))["code"] == 50005


# Cut off with a token that is out (design.md section 3, promise 4)


async def disable_key(cloud: Cloud) -> None:
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, AppChanges(enabled=False))


async def reset_secret(cloud: Cloud) -> None:
    await cloud.platform.saas_apps.reset_secret(cloud.actor, cloud.app.id)


async def delete_app(cloud: Cloud) -> None:
    await cloud.platform.saas_apps.delete(cloud.actor, cloud.app.id)


async def cancel_package(cloud: Cloud) -> None:
    await cloud.platform.saas_apps.cancel_package(cloud.actor, cloud.app.id, PACKAGE)


async def deactivate_package(cloud: Cloud) -> None:
    await cloud.platform.service_market.deactivate(cloud.actor, PACKAGE)


async def cancel_product(cloud: Cloud) -> None:
    await cloud.platform.saas_apps.cancel_product(cloud.actor, cloud.app.id, cloud.modelled.product_key)


async def list_app_addresses(cloud: Cloud) -> None:
    changes = AppChanges(address_list_enabled=True, allowed_addresses=["2001:db8::/32"])
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, changes)


async def list_account_addresses(cloud: Cloud) -> None:
    await cloud.platform.accounts.set_addresses(cloud.actor, enabled=True, addresses=["192.0.2.7"])


CUTS: list[tuple[Callable[[Cloud], Awaitable[None]], int]] = [
    (disable_key, 91004),
    (reset_secret, 91004),
    (delete_app, 91004),
    (cancel_package, 91005),
    (deactivate_package, 91007),
    (cancel_product, 70089),
    (list_app_addresses, 91006),
    (list_account_addresses, 91006),
]


@pytest.mark.parametrize(("cut", "code"), CUTS, ids=lambda value: getattr(value, "__name__", str(value)))
async def test_a_token_that_is_out_loses_its_rights_at_once(
    cloud_on_each: Cloud, cut: Callable[[Cloud], Awaitable[None]], code: int
) -> None:
    cloud, params = cloud_on_each, {"productKey": cloud_on_each.modelled.product_key}
    token = await cloud.token()
    assert (await cloud.get(TSL, params, token=token))["code"] == 200
    await cut(cloud)
    assert (await cloud.get(TSL, params, token=token))["code"] == code


@pytest.mark.parametrize(("cut", "code"), CUTS, ids=lambda value: getattr(value, "__name__", str(value)))
async def test_another_process_follows_within_a_second(
    postgres_url: str, vault: Vault, clock: FakeClock, cut: Callable[[Cloud], Awaitable[None]], code: int
) -> None:

    stores = [await open_store(postgres_url), await PostgresStore.open(postgres_url)]
    here, there = [await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(str(store))) for store in stores]
    cloud = await build_cloud(here, clock)
    params, token = {"productKey": cloud.modelled.product_key}, await cloud.token()
    door = OpenApi(there, metrics=OpenApiMetrics(CollectorRegistry()), client_address=lambda scope: "127.0.0.1")
    async with cloud.client(door) as client:

        async def seen() -> int:
            answer = await client.get(TSL, params=params, headers={"Authorization": token})
            found: int = answer.json()["code"]
            return found

        await there.directory.catch_up()
        assert await seen() == 200
        await cut(cloud)
        # The other process polls five times a second; one poll is what it takes.
        await there.directory.catch_up()
        assert await seen() == code
    for store in stores:
        await store.close()


async def test_a_process_that_cannot_follow_refuses_with_70000(
    postgres_url: str, vault: Vault, clock: FakeClock
) -> None:

    store = await open_store(postgres_url)
    cloud = await build_cloud(await Platform.open(store, vault, clock=clock, entropy=FakeEntropy()), clock)
    token = await cloud.token()
    clock.advance(1_001)
    for path in (DETAIL, TSL, "/v2/quecproductmgr/r3/openapi/products"):
        assert (await cloud.get(path, {"productKey": cloud.modelled.product_key}, token=token))["code"] == 70000
    async with cloud.client() as client:
        assert (await client.get(LOGIN, params=cloud.login_fields())).json()["code"] == 70000
    await store.close()


# Header, addresses, transport


@pytest.mark.parametrize(
    "form", ["{jwt}", "QJWT {jwt}", "Bearer QJWT {jwt}", "Bearer {jwt}", "bearer qjwt {jwt}", "  QJWT   {jwt} "]
)
async def test_the_token_is_taken_with_any_prefix(cloud: Cloud, form: str) -> None:
    jwt = (await cloud.token()).removeprefix("QJWT ")
    assert (await cloud.get(DETAIL, {"productKey": cloud.modelled.product_key}, token=form.format(jwt=jwt)))[
        "code"
    ] == 200


@pytest.mark.parametrize(
    ("listed", "peer", "code"),
    [
        (["127.0.0.1"], "127.0.0.1", 200),
        (["127.0.0.0/8"], "127.9.9.9", 200),
        (["127.0.0.1"], "::ffff:127.0.0.1", 200),
        (["2001:db8::/32"], "2001:db8::1", 200),
        (["2001:db8::/32"], "2001:db9::1", 91006),
        (["10.0.0.0/8", "127.0.0.1/32"], "127.0.0.2", 91006),
        (["127.0.0.1"], "", 91006),
        (["127.0.0.1"], "testclient", 91006),
    ],
)
async def test_white_list_forms(cloud: Cloud, listed: list[str], peer: str, code: int) -> None:
    token = await cloud.token()
    changes = AppChanges(address_list_enabled=True, allowed_addresses=listed)
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, changes)
    cloud.peer = peer
    assert (await cloud.get(DETAIL, {"productKey": cloud.modelled.product_key}, token=token))["code"] == code


async def test_login_and_renewal_from_an_unlisted_address_are_refused(cloud: Cloud) -> None:
    token = await cloud.token()
    await list_app_addresses(cloud)
    async with cloud.client() as client:
        login = await client.get(LOGIN, params=cloud.login_fields())
        renewal = await client.get(REFRESH, params={"grant_type": "refresh_token", "refresh_token": token})
    assert (login.json()["code"], renewal.json()["code"]) == (91006, 91006)


@pytest.mark.parametrize(
    ("mapped", "statuses"),
    [(False, [200, 200, 200, 200, 200]), (True, [401, 401, 403, 403, 403])],
)
async def test_both_http_status_modes(cloud: Cloud, mapped: bool, statuses: list[int]) -> None:
    token = await cloud.token()
    found = []
    async with cloud.client(cloud.door(mapped_status=mapped)) as client:

        async def status(header: str, product_key: str) -> int:
            answer = await client.get(DETAIL, params={"productKey": product_key}, headers={"Authorization": header})
            return answer.status_code

        found.append(await status("", "x"))
        found.append(await status("nonsense", "x"))
        found.append(await status(token, cloud.foreign.product_key))
        await cancel_package(cloud)
        found.append(await status(token, "x"))
        await deactivate_package(cloud)
        found.append(await status(token, "x"))
    assert found == statuses


async def raw(cloud: Cloud, method: str, path: str, **options: Any) -> httpx.Response:
    async with cloud.client() as client:
        return await client.request(method, path, **options)


@pytest.mark.parametrize("path", ["/v2/", "/v2/nothing", DETAIL + "/", LOGIN.upper(), "/v2/\u2028"])
async def test_an_unknown_route_is_404_in_json(cloud: Cloud, path: str) -> None:
    answer = await raw(cloud, "GET", path)
    assert (answer.status_code, answer.json()["code"]) == (404, 404)
    assert answer.json()["msg"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_a_wrong_method_is_405_and_names_the_right_one(cloud: Cloud, method: str) -> None:
    answer = await raw(cloud, method, DETAIL)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "POST", "path": LOGIN, "content": b"x" * (MAX_BODY_BYTES + 1)},
        {"method": "GET", "path": LOGIN + "?username=" + "x" * MAX_QUERY_BYTES},
    ],
)
async def test_what_is_too_large_is_413_and_names_the_limit(cloud: Cloud, request_: dict[str, Any]) -> None:
    answer = await raw(cloud, **request_)
    assert (answer.status_code, answer.json()["code"]) == (413, 413)
    assert "limit" in answer.json()["msg"] or "more than" in answer.json()["msg"]


async def test_a_defect_is_50000_with_a_request_id_and_no_inside(cloud: Cloud) -> None:
    async def broken(call: Call) -> bytes:
        raise ZeroDivisionError(call.app.access_secret.reveal())

    operations = [Operation(found.id, found.method, found.path, found.service, broken) for found in OPERATIONS]
    door = cloud.door(operations)
    token = await cloud.token()
    async with cloud.client(door) as client:
        answer = await client.get(DETAIL, headers={"Authorization": token})
    assert answer.json()["code"] == 50000
    assert answer.headers["x-request-id"] in answer.json()["msg"]
    assert cloud.app.access_secret.reveal() not in answer.text


async def test_a_caller_that_hangs_up_changes_nothing(cloud: Cloud) -> None:
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": LOGIN,
        "query_string": b"",
        "headers": [],
        "client": None,
    }
    await cloud.door()(scope, receive, send)
    assert sent[0]["status"] == 499


async def test_calls_are_counted_by_operation_and_code(cloud: Cloud) -> None:
    registry = CollectorRegistry()
    door = OpenApi(cloud.platform, metrics=OpenApiMetrics(registry), client_address=lambda scope: None)
    async with cloud.client(door) as client:
        await client.get(DETAIL)
        await client.get("/v2/nothing")
    text = generate_latest(registry).decode()
    assert 'mooring_openapi_calls_total{code="91001",operation="productDetail"} 1.0' in text
    assert 'mooring_openapi_calls_total{code="404",operation="unknown"} 1.0' in text


async def test_a_read_touches_no_sql(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await cloud.token()

    async def forbidden(*_args: object, **_params: object) -> list[Any]:
        raise AssertionError("a read must come from the directory")

    for name in ("read", "scan", "write"):
        monkeypatch.setattr(cloud.platform.store, name, forbidden)
    for path in (DETAIL, TSL, "/v2/quecproductmgr/r3/openapi/products"):
        assert (await cloud.get(path, {"productKey": cloud.modelled.product_key}, token=token))["code"] == 200


def test_codes_are_those_of_the_contract() -> None:
    from tools.generate_codes import TARGET, render

    assert TARGET.read_text() == render()


async def test_answers_are_compact_json(cloud: Cloud) -> None:
    answer = await raw(cloud, "GET", DETAIL)
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content) == {"code": 91001, "msg": "没有 token"}
