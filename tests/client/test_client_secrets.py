"""The AccessSecret, signatures and tokens show up in no repr, no error and no log."""

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client.fake_cloud import ACCESS_KEY, ACCESS_SECRET, Clock, FakeCloud, settle
from mooring.client import Client, MooringError, Token
from mooring.protocol.login import build_username, sign

Connect = Callable[..., Any]
PATH = "/v2/quecproductmgr/r3/openapi/products?pageNum=1&pageSize=1"


def test_secrets_show_in_no_repr(connect: Connect) -> None:
    client = connect(base_url="http://user:hunter2hunter2@cloud.example/api")
    token = settle(client.login())
    assert isinstance(token, Token)
    assert token.expires_at is not None
    shown = f"{client!r} {client} {token!r} {token} {[token]}"
    assert ACCESS_KEY in shown
    for secret in (ACCESS_SECRET, token.value, "opaque", "hunter2hunter2"):
        assert secret not in shown


def echo(request: httpx.Request) -> str:
    query, headers = dict(request.url.params), dict(request.headers)
    return f"{ACCESS_SECRET} {query} {headers} {request.url}"


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("failing", ["accessKeyLogin", "thing"])
def test_an_echoing_server_puts_no_secret_into_errors(failing: str, as_json: bool) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith(failing):
            return httpx.Response(200, json={"code": 200, "access_token": "QJWT aaaa.bbbb.cccc"})
        if as_json:
            return httpx.Response(200, json={"code": 50000, "msg": echo(request), "deep": [echo(request)]})
        return httpx.Response(502, text=echo(request))

    client = Client(ACCESS_KEY, ACCESS_SECRET, transport=httpx.MockTransport(handle), clock=Clock(1.0))
    with pytest.raises(MooringError) as caught:
        client.raw.get("/thing")
    error = caught.value
    shown = f"{error!r} {error} {vars(error)} {error.args}"
    assert "***" in shown
    for secret in (ACCESS_SECRET, sign(build_username(ACCESS_KEY, 1000), ACCESS_SECRET), "aaaa.bbbb.cccc"):
        assert secret not in shown


def test_log_of_httpx_has_no_signature_and_no_token(
    connect: Connect, cloud: FakeCloud, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = connect()
    settle(client.raw.get(PATH))
    clock.sleep(3600)
    settle(client.raw.get(PATH))
    assert "accessKeyLogin" in caplog.text
    assert "refreshToken" in caplog.text
    assert "pageNum=1" in caplog.text
    for secret in ("password=", "refresh_token=", "opaque"):
        assert secret not in caplog.text
