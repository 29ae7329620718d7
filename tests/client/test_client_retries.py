"""What is sent again, when, and what never is."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client.fake_cloud import FakeCloud, ok, settle
from mooring.client import (
    ApiError,
    BadAnswer,
    ConnectionFailed,
    RateLimited,
    Retries,
    ServiceError,
    TimedOut,
)
from mooring.client._calls import Call
from mooring.client._core import Core

Connect = Callable[..., Any]

QUICK = Retries(attempts=2, first_s=0.001)
PAGE = httpx.Response(503, html="<html>")


class Once:
    """Answers of a cloud in their order; the last one stays."""

    def __init__(self, cloud: FakeCloud, path: str, *answers: Any) -> None:
        left = list(answers)
        original = cloud._answer

        def answer(name: str, request: httpx.Request) -> Any:
            if name != path or not left:
                return original(name, request)
            found = left.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        cloud._answer = answer  # type: ignore[method-assign]


def read(connect: Connect, cloud: FakeCloud, *answers: Any, retries: Retries = QUICK) -> Any:
    Once(cloud, "products", *answers)
    return settle(connect(retries=retries).products.list().page())


def write(connect: Connect, cloud: FakeCloud, *answers: Any, retries: Retries = QUICK) -> Any:
    Once(cloud, "create", *answers, ok(None))
    return settle(connect(retries=retries).devices.create("P", "D"))


PASSING = [
    httpx.ConnectError("refused"),
    httpx.ReadError("cut"),
    httpx.RemoteProtocolError("cut"),
    httpx.ReadTimeout("late"),
    httpx.ConnectTimeout("late"),
    PAGE,
    httpx.Response(500, json={"code": 50000, "msg": "oh"}),
    httpx.Response(429, json={"code": 429, "msg": "slow down"}),
    httpx.Response(429, html="slow down"),
]


@pytest.mark.parametrize("fault", PASSING, ids=repr)
def test_reads_are_sent_again(connect: Connect, cloud: FakeCloud, fault: Any) -> None:
    assert read(connect, cloud, fault, fault).rows
    assert cloud.calls["products"] == 3


@pytest.mark.parametrize("fault", [httpx.ReadError("cut"), PAGE])
def test_attempts_come_to_an_end(connect: Connect, cloud: FakeCloud, fault: Any) -> None:
    with pytest.raises((ConnectionFailed, BadAnswer)):
        read(connect, cloud, fault, fault, fault)
    assert cloud.calls["products"] == 3


@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(404, json={"code": 404, "msg": "no"}),
        {"code": 50000, "msg": "failed"},
        {"code": 70089, "msg": "no"},
        httpx.Response(200, html="<html>"),
    ],
    ids=repr,
)
def test_what_will_fail_again_is_not_sent_again(connect: Connect, cloud: FakeCloud, fault: Any) -> None:
    with pytest.raises((ApiError, BadAnswer)):
        read(connect, cloud, fault)
    assert cloud.calls["products"] == 1


@pytest.mark.parametrize("fault", [PASSING[0], PASSING[4], PASSING[7], PASSING[8]], ids=repr)
def test_writes_that_cannot_have_been_applied_are_sent_again(connect: Connect, cloud: FakeCloud, fault: Any) -> None:
    write(connect, cloud, fault)
    assert cloud.calls["create"] == 2


@pytest.mark.parametrize("fault", [PASSING[1], PASSING[2], PASSING[3], PASSING[5], PASSING[6]], ids=repr)
def test_writes_that_may_have_been_applied_are_not(connect: Connect, cloud: FakeCloud, fault: Any) -> None:
    with pytest.raises((ConnectionFailed, TimedOut, BadAnswer, ServiceError)):
        write(connect, cloud, fault)
    assert cloud.calls["create"] == 1


def test_but_for_who_asks_for_it(connect: Connect, cloud: FakeCloud) -> None:
    write(connect, cloud, PASSING[1], PAGE, retries=Retries(first_s=0.001, writes=True))
    assert cloud.calls["create"] == 3


def test_write_whose_login_failed_in_passing_was_not_sent(connect: Connect, cloud: FakeCloud) -> None:
    Once(cloud, "accessKeyLogin", httpx.ReadError("cut"), PAGE)
    write(connect, cloud)
    assert (cloud.calls["accessKeyLogin"], cloud.calls["create"]) == (3, 1)


def test_cloud_that_says_how_long_is_obeyed(connect: Connect, cloud: FakeCloud) -> None:
    at_once = httpx.Response(429, json={"code": 429}, headers={"Retry-After": "0"})
    assert read(connect, cloud, at_once, retries=Retries(first_s=3600, longest_s=3600)).rows


def test_cloud_that_says_too_long_is_not_asked_again(connect: Connect, cloud: FakeCloud) -> None:
    later = httpx.Response(429, json={"code": 429}, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimited) as caught:
        read(connect, cloud, later)
    assert (caught.value.retry_after, cloud.calls["products"]) == (3600.0, 1)


def test_pauses_grow_up_to_a_limit_and_half_of_each_is_random() -> None:
    call = Call("x", "GET", "/", lambda body: body, safe=True)
    error = ConnectionFailed("x", "x")
    retries = Retries(attempts=9, first_s=1, longest_s=4)
    assert [retries.pause(call, error, done, lambda: 1.0) for done in range(4)] == [1, 2, 4, 4]
    assert [retries.pause(call, error, done, lambda: 0.0) for done in range(4)] == [0.5, 1, 2, 2]
    assert retries.pause(call, error, 9, lambda: 1.0) is None


def test_options_hold_for_the_client_they_were_asked_of(connect: Connect, cloud: FakeCloud) -> None:
    client = connect()
    other = client.with_options(timeout=None, retries=QUICK, language="EN")
    Once(cloud, "products", PASSING[1])
    settle(other.products.list().page())
    Once(cloud, "products", PASSING[1])
    with pytest.raises(ConnectionFailed):
        settle(client.products.list().page())
    assert (other._timeout, other._language, client._timeout, client._language) == (None, "EN", 10.0, None)
    assert client.with_options(timeout=1)._timeout == 1
    assert client.with_options(language="EN")._timeout == 10.0
    assert cloud.calls["accessKeyLogin"] == 1


def test_a_core_has_chance_of_its_own() -> None:
    assert 0 <= Core("k", "s", lambda: 0.0)._random() < 1
