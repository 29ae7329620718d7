"""Login, renewal and replay; contract/openapi-notes.md sections 1 to 4."""

import asyncio
import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from client.fake_cloud import (
    ACCESS_KEY,
    ACCESS_SECRET,
    Clock,
    FakeCloud,
    async_client,
    ok,
    settle,
    sync_client,
)
from mooring.client import ApiError, AuthenticationError, Client, ConnectionFailed, InvalidRequest, MooringError
from mooring.protocol.login import build_username, sign

Connect = Callable[..., Any]
PATH = "/v2/quecproductmgr/r3/openapi/products?pageNum=1&pageSize=1"


def get(client: Any) -> Any:
    return settle(client.raw.get(PATH))


def test_login_happens_on_first_use_and_once(connect: Connect, cloud: FakeCloud) -> None:
    client = connect()
    assert cloud.calls.total() == 0
    get(client)
    get(client)
    assert cloud.calls == {"accessKeyLogin": 1, "products": 2}


def test_login_request_is_signed_and_encoded_once(connect: Connect, cloud: FakeCloud, clock: Clock) -> None:
    settle(connect().login())
    username = build_username(ACCESS_KEY, int(clock() * 1000))
    request = cloud.requests[0]
    assert request.method == "GET"
    assert request.url.path == "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
    assert dict(request.url.params) == {
        "grant_type": "password",
        "username": username,
        "password": sign(username, ACCESS_SECRET),
    }
    assert b"username=ver%3D1%26auth_mode%3DaccessKey%26" in request.url.query
    assert "Authorization" not in request.headers


def test_token_goes_unchanged_into_authorization(connect: Connect, cloud: FakeCloud) -> None:
    client = connect()
    token = settle(client.login())
    get(client)
    assert cloud.requests[-1].headers["Authorization"] == token.value == "QJWT opaque.1.signature"


def test_login_is_forced_and_gives_a_new_token(connect: Connect, cloud: FakeCloud) -> None:
    client = connect()
    first, second = settle(client.login()), settle(client.login())
    assert first.value != second.value
    assert cloud.calls == {"accessKeyLogin": 2}


def test_hundred_threads_make_one_login(cloud: FakeCloud) -> None:
    cloud.delay = 0.05
    with sync_client(cloud) as client, ThreadPoolExecutor(100) as pool:
        assert len(list(pool.map(lambda _: get(client), range(100)))) == 100
    assert cloud.calls == {"accessKeyLogin": 1, "products": 100}


async def test_hundred_tasks_make_one_login(cloud: FakeCloud) -> None:
    async with async_client(cloud) as client:
        await asyncio.gather(*(client.raw.get(PATH) for _ in range(100)))
    assert cloud.calls == {"accessKeyLogin": 1, "products": 100}


def test_hundred_threads_with_a_dead_token_make_one_fresh_login(cloud: FakeCloud) -> None:
    cloud.delay = 0.05
    with sync_client(cloud) as client, ThreadPoolExecutor(100) as pool:
        client.login()
        cloud.revoke_all()
        list(pool.map(lambda _: get(client), range(100)))
    assert cloud.calls["accessKeyLogin"] == 2


async def test_hundred_tasks_with_a_dead_token_make_one_fresh_login(cloud: FakeCloud) -> None:
    async with async_client(cloud) as client:
        await client.login()
        cloud.revoke_all()
        await asyncio.gather(*(client.raw.get(PATH) for _ in range(100)))
    assert cloud.calls == {"accessKeyLogin": 2, "products": 200}


async def test_waiting_calls_share_a_failed_login(cloud: FakeCloud) -> None:
    async with async_client(cloud, "wrong secret") as client:
        results = await asyncio.gather(*(client.raw.get(PATH) for _ in range(100)), return_exceptions=True)
        assert {type(result) for result in results} == {AuthenticationError}
        assert cloud.calls == {"accessKeyLogin": 1}
        with pytest.raises(AuthenticationError):
            await client.raw.get(PATH)
    assert cloud.calls == {"accessKeyLogin": 2}


async def test_cancelled_login_leaves_the_others_to_log_in(cloud: FakeCloud) -> None:
    async with async_client(cloud) as client:
        first = asyncio.create_task(client.raw.get(PATH))
        second = asyncio.create_task(client.raw.get(PATH))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second)["code"] == 200
        with pytest.raises(asyncio.CancelledError):
            await first


@pytest.mark.parametrize(("age", "refreshes"), [(3599, 0), (3600, 1), (7199, 1)])
def test_token_is_renewed_from_one_hour_on(
    connect: Connect, cloud: FakeCloud, clock: Clock, age: float, refreshes: int
) -> None:
    client = connect()
    get(client)
    clock.sleep(age)
    get(client)
    get(client)
    assert (cloud.calls["accessKeyLogin"], cloud.calls["refreshToken"]) == (1, refreshes)


def test_renewal_presents_the_token_and_uses_the_new_one(connect: Connect, cloud: FakeCloud, clock: Clock) -> None:
    client = connect()
    get(client)
    clock.sleep(3600)
    get(client)
    refresh, call = cloud.requests[-2:]
    assert refresh.url.path == "/v2/quecauth/accessKeyAuthrize/refreshToken"
    assert dict(refresh.url.params) == {
        "grant_type": "refresh_token",
        "refresh_token": "QJWT opaque.1.signature",
    }
    assert call.headers["Authorization"] == "QJWT opaque.2.signature"


def test_token_of_a_day_is_renewed_each_hour(connect: Connect, cloud: FakeCloud, clock: Clock) -> None:
    cloud.lifetime = 86400
    client = connect()
    for _ in range(4):
        get(client)
        clock.sleep(3600)
    assert cloud.calls == {"accessKeyLogin": 1, "refreshToken": 3, "products": 4}


def test_short_token_is_replaced_at_half_of_its_life(connect: Connect, cloud: FakeCloud, clock: Clock) -> None:
    cloud.lifetime = 600
    client = connect()
    get(client)
    clock.sleep(299)
    get(client)
    assert cloud.calls["accessKeyLogin"] == 1
    clock.sleep(1)
    get(client)
    get(client)
    # Too young for renewal, the platform hands the same token back; a login is what helps.
    assert (cloud.calls["accessKeyLogin"], cloud.calls["refreshToken"]) == (2, 1)


def test_expired_token_is_not_presented_for_renewal(connect: Connect, cloud: FakeCloud, clock: Clock) -> None:
    client = connect()
    get(client)
    clock.sleep(7200)
    get(client)
    assert cloud.calls == {"accessKeyLogin": 2, "products": 2}


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 91004, "msg": "Wrong token"},
        {"code": 70000, "msg": "Service unavailable"},
        {"code": 200, "msg": ""},
        httpx.Response(502, text="<html>Bad gateway</html>"),
    ],
    ids=["refused", "down", "without-token", "html"],
)
def test_failed_renewal_falls_back_to_a_login(connect: Connect, cloud: FakeCloud, clock: Clock, answer: Any) -> None:
    client = connect()
    get(client)
    cloud.refresh_answer = answer
    clock.sleep(3600)
    get(client)
    assert cloud.calls == {"accessKeyLogin": 2, "refreshToken": 1, "products": 2}


@pytest.mark.parametrize("lifetime", ["7200", 7200.0, None, "", 0, -1, "soon"])
def test_unclear_lifetime_counts_as_two_hours(connect: Connect, cloud: FakeCloud, lifetime: object) -> None:
    cloud.lifetime = lifetime
    assert settle(connect().login()).expires_in == 7200


@pytest.mark.parametrize("http_status", [200, 401])
def test_refused_token_leads_to_one_login_and_one_replay(connect: Connect, cloud: FakeCloud, http_status: int) -> None:
    cloud.token_http_status = http_status
    client = connect()
    get(client)
    cloud.revoke_all()
    assert get(client)["code"] == 200
    assert cloud.calls == {"accessKeyLogin": 2, "products": 3}
    assert cloud.requests[-1].url == cloud.requests[-3].url


def test_replay_sends_the_same_body(connect: Connect, cloud: FakeCloud) -> None:
    cloud.answers["create"] = ok(None)
    client = connect()
    settle(client.login())
    cloud.revoke_all()
    settle(client.raw.post("/v2/x/create", json={"a": 1}, params={"b": 2}))
    first, second = (request for request in cloud.requests if request.method == "POST")
    assert (first.url, first.content) == (second.url, second.content)
    assert first.headers["Authorization"] != second.headers["Authorization"]


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 91004, "msg": "Wrong token"},
        {"code": 91001, "msg": "No token"},
        {"code": "91004", "msg": "Wrong token"},
        {"code": 5032, "msg": "Token rejected"},
        httpx.Response(401, json={"msg": "no"}),
        httpx.Response(401, json={"code": 91004, "msg": "no"}),
    ],
)
def test_token_refused_twice_is_an_error_and_no_third_attempt(connect: Connect, cloud: FakeCloud, answer: Any) -> None:
    cloud.answers["thing"] = answer
    client = connect()
    with pytest.raises(AuthenticationError) as caught:
        settle(client.raw.get("/thing"))
    assert caught.value.refuses_token
    assert cloud.calls == {"accessKeyLogin": 2, "thing": 2}


@pytest.mark.parametrize("code", [403, 70089, 91005, 91006, 50005, 70000, 123456])
def test_other_refusals_are_not_replayed(connect: Connect, cloud: FakeCloud, code: int) -> None:
    cloud.answers["thing"] = {"code": code, "msg": "no"}
    with pytest.raises(ApiError):
        settle(connect().raw.get("/thing"))
    assert cloud.calls == {"accessKeyLogin": 1, "thing": 1}


def test_unknown_key_is_an_authentication_error(connect: Connect) -> None:
    with pytest.raises(AuthenticationError) as caught:
        get(connect(key="nobody"))
    error = caught.value
    assert (error.code, error.operation, error.http_status) == (90047, "authLogin", 200)
    assert error.message == "AccessKey didn't exists"
    assert error.request_id == "req-1"
    assert error.hint is not None


def test_wrong_secret_is_an_authentication_error(connect: Connect) -> None:
    with pytest.raises(AuthenticationError, match="Check the AccessSecret"):
        get(connect("wrong secret"))


def test_stale_timestamp_is_explained(cloud: FakeCloud) -> None:
    transport = httpx.MockTransport(cloud.handle)
    client = Client(ACCESS_KEY, ACCESS_SECRET, transport=transport, clock=Clock(cloud.clock() - 601))
    with pytest.raises(InvalidRequest, match="Check the clock"):
        get(client)


def test_failed_login_is_tried_again_by_the_next_call(connect: Connect, cloud: FakeCloud) -> None:
    cloud.login_answer = {"code": 70000, "msg": "down"}
    client = connect()
    with pytest.raises(MooringError):
        get(client)
    cloud.login_answer = None
    assert get(client)["code"] == 200


def test_errors_can_be_copied_and_pickled(connect: Connect) -> None:
    with pytest.raises(AuthenticationError) as caught:
        get(connect("wrong secret"))
    for twin in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert (type(twin), str(twin), twin.body) == (
            AuthenticationError,
            str(caught.value),
            caught.value.body,
        )


def test_unreachable_login_is_a_connection_error() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ConnectionFailed, match=r"authLogin: refused \(ConnectError\)"):
        Client(ACCESS_KEY, ACCESS_SECRET, transport=httpx.MockTransport(refuse)).login()


@pytest.mark.parametrize(("key", "secret"), [("", "s"), ("k", "")])
def test_empty_credentials_are_refused(connect: Connect, key: str, secret: str) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        connect(secret, key)
