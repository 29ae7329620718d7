"""Answers that are failures, and answers that are not this API; contract/openapi-notes.md section 5."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client.fake_cloud import FakeCloud, async_client, settle, sync_client
from mooring.client import ApiError, BadAnswer, ConnectionFailed, NotFound, RateLimited, ServiceError, TimedOut

Connect = Callable[..., Any]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.Response(200, text="<html>Sign in to the network</html>"),
        httpx.Response(401, text="<html>proxy</html>"),
        httpx.Response(200, text=""),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={"msg": "no code"}),
        httpx.Response(200, json={"code": "fine"}),
        httpx.Response(200, json={"code": True}),
        httpx.Response(200, content=b'{"code": 200, "msg": "\xff"}'),
        httpx.Response(200, content=b'{"data": ' + b"[" * 100_000),
        httpx.Response(302, headers={"Location": "https://iot.example/"}),
    ],
)
def test_answer_that_is_not_this_api(connect: Connect, cloud: FakeCloud, answer: httpx.Response) -> None:
    cloud.answers["thing"] = answer
    with pytest.raises(BadAnswer) as caught:
        settle(connect().raw.get("/thing"))
    error = caught.value
    assert (error.operation, error.http_status) == ("GET /thing", answer.status_code)
    assert len(error.excerpt) <= 200
    assert cloud.calls == {"accessKeyLogin": 1, "thing": 1}


@pytest.mark.parametrize("token", [None, "", 5, "QJWT a\nb", "QJWT é"])
def test_login_without_a_usable_token_is_a_bad_answer(connect: Connect, cloud: FakeCloud, token: object) -> None:
    cloud.login_answer = {"code": 200, "access_token": token}
    with pytest.raises(BadAnswer, match="authLogin"):
        settle(connect().login())


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("refused"), ConnectionFailed),
        (httpx.ReadError(""), ConnectionFailed),
        (httpx.RemoteProtocolError("cut off"), ConnectionFailed),
        (httpx.ConnectTimeout(""), TimedOut),
        (httpx.ReadTimeout(""), TimedOut),
        (httpx.PoolTimeout(""), TimedOut),
        (httpx.DecodingError("gzip"), BadAnswer),
    ],
)
def test_transport_failures(connect: Connect, cloud: FakeCloud, raised: Exception, kind: type[Exception]) -> None:
    cloud.answers["thing"] = raised
    with pytest.raises(kind, match="GET /thing"):
        settle(connect().raw.get("/thing"))
    assert cloud.calls["thing"] == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (404, {"code": 404, "msg": "no such path"}, NotFound, 404),
        (404, {"detail": "no code"}, NotFound, 404),
        (429, {"code": 429, "msg": "slow down"}, RateLimited, 429),
        (500, {"code": 200, "msg": "contradiction"}, ServiceError, 500),
        (503, {"code": 987654, "msg": "unknown code"}, ServiceError, 987654),
        (200, {"code": 987654, "msg": "unknown code"}, ApiError, 987654),
        (200, {"code": "70017", "msg": None}, NotFound, 70017),
    ],
)
def test_failures_by_code_and_status(
    connect: Connect, cloud: FakeCloud, status: int, body: dict[str, Any], kind: type[ApiError], code: int
) -> None:
    cloud.answers["thing"] = httpx.Response(status, json=body)
    with pytest.raises(ApiError) as caught:
        settle(connect().raw.get("/thing"))
    error = caught.value
    assert (type(error), error.code, error.http_status) == (kind, code, status)
    assert error.message == (body.get("msg") or "")
    assert error.body == body
    assert error.request_id is None


def test_context_managers_close_the_connections(cloud: FakeCloud) -> None:
    with sync_client(cloud) as client:
        client.login()
    with pytest.raises(RuntimeError, match="closed"):
        client.login()


async def test_async_context_manager_closes_the_connections(cloud: FakeCloud) -> None:
    async with async_client(cloud) as client:
        await client.login()
    with pytest.raises(RuntimeError, match="closed"):
        await client.login()
