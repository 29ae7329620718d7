"""accessKeyLogin and refreshToken (openapi-notes.md sections 1 and 2)."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud import LOGIN, REFRESH, Cloud
from fakes import FakeClock
from mooring.openapi.answers import Failure
from mooring.openapi.params import parse_form
from mooring.platform.saas_apps import AppChanges, NewApp
from mooring.protocol.login import sign

MINUTE = 60_000


def claims(token: str) -> dict[str, Any]:
    part = token.removeprefix("QJWT ").split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def ask(cloud: Cloud, path: str, params: dict[str, str], **options: Any) -> dict[str, Any]:
    async with cloud.client(cloud.door(**options)) as client:
        answer = await client.get(path, params=params)
    assert answer.status_code == 200
    decoded: dict[str, Any] = answer.json()
    return decoded


async def test_a_signed_login_answers_a_flat_token(cloud_on_each: Cloud) -> None:
    answer = await ask(cloud_on_each, LOGIN, cloud_on_each.login_fields())
    assert answer.pop("access_token").startswith("QJWT ")
    assert answer == {"code": 200, "msg": "OK", "scope": "", "token_type": "jwt", "expires_in": 7200}


async def test_the_token_has_the_claims_of_the_platform(cloud: Cloud) -> None:
    token = await cloud.token()
    found = claims(token)
    header = json.loads(base64.urlsafe_b64decode(token.removeprefix("QJWT ").split(".")[0] + "=="))
    assert header == {"alg": "HS256"}
    assert found["exp"] - found["iat"] == 7200
    assert (found["sub"], found["uty"], found["am"], found["sp"]) == (
        str(cloud.actor.account_id),
        "ent",
        "AccessKey",
        "",
    )
    assert len(found["jti"]) == 36


async def test_the_published_vector_logs_in(cloud: Cloud) -> None:
    key, secret = "24b9zicjuns41H6MDg71AMnP", "6AE3p2SnA9ShP7ofigrccoeeks8DDoteJ1jUUTEz"
    await cloud.platform.saas_apps.create(cloud.actor, NewApp("Published", access_key=key, access_secret=secret))
    cloud.clock.step(1743059249391 - cloud.clock.now_ms())
    username = f"ver=1&auth_mode=accessKey&sign_method=sha256&access_key={key}&timestamp=1743059249391"
    password = "34fe86986230670cba424cadd01ded50f04929de3bfb0b0aef033ccee314fed1"
    fields = {"grant_type": "password", "username": username, "password": password}
    assert (await ask(cloud, LOGIN, fields))["code"] == 200


async def test_any_field_order_is_signed_as_received(cloud: Cloud) -> None:
    now = cloud.clock.now_ms()
    username = f"timestamp={now}&access_key={cloud.app.access_key}&sign_method=sha256&ver=1&auth_mode=accessKey"
    password = sign(username, cloud.app.access_secret.reveal())
    fields = {"grant_type": "password", "username": username, "password": password.upper()}
    assert (await ask(cloud, LOGIN, fields))["code"] == 200


async def test_a_login_may_be_repeated_inside_the_window(cloud: Cloud) -> None:
    fields = cloud.login_fields()
    first, second = await ask(cloud, LOGIN, fields), await ask(cloud, LOGIN, fields)
    assert first["code"] == second["code"] == 200
    assert first["access_token"] != second["access_token"]


@pytest.mark.parametrize(("minutes", "code"), [(-10, 200), (10, 200)])
async def test_the_window_is_ten_minutes_both_ways(cloud: Cloud, minutes: int, code: int) -> None:
    edge = cloud.clock.now_ms() + minutes * MINUTE
    beyond = edge + (1 if minutes > 0 else -1)
    assert (await ask(cloud, LOGIN, cloud.login_fields(timestamp_ms=edge)))["code"] == code
    refused = await ask(cloud, LOGIN, cloud.login_fields(timestamp_ms=beyond))
    assert (refused["code"], "timestamp" in refused["msg"]) == (50005, True)


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        ({"grant_type": "refresh_token"}, 50005, "grant_type"),
        ({"grant_type": ""}, 50005, "grant_type"),
        ({"username": ""}, 50005, "username"),
        ({"password": ""}, 50005, "password"),
        ({"username": "ver=1"}, 50005, "username"),
        ({"username": "x" * 5000}, 50005, "username"),
        ({"password": "0" * 64}, 401, ""),
        ({"password": "é" * 64}, 401, ""),
    ],
)
async def test_a_wrong_field_is_named(cloud: Cloud, change: dict[str, str], code: int, named: str) -> None:
    answer = await ask(cloud, LOGIN, cloud.login_fields(changes=change))
    assert answer["code"] == code
    assert named in answer["msg"]
    assert answer["error"] == answer["msg"]


@pytest.mark.parametrize("field", ["ver", "auth_mode", "sign_method", "access_key", "timestamp"])
async def test_each_field_of_the_username_is_needed_once(cloud: Cloud, field: str) -> None:
    parts = cloud.login_fields()["username"].split("&")
    own = next(part for part in parts if part.startswith(field + "="))
    for username in ("&".join(part for part in parts if part != own), "&".join([*parts, own])):
        fields = {
            "grant_type": "password",
            "username": username,
            "password": sign(username, cloud.app.access_secret.reveal()),
        }
        answer = await ask(cloud, LOGIN, fields)
        assert (answer["code"], field in answer["msg"]) == (50005, True)


async def test_an_unknown_key_answers_90047_in_the_platforms_words(cloud: Cloud) -> None:
    username = cloud.login_fields()["username"].replace(cloud.app.access_key, "A" * 24)
    fields = {"grant_type": "password", "username": username, "password": "0" * 64}
    answer = await ask(cloud, LOGIN, fields)
    assert answer == {"code": 90047, "msg": "AccessKey didn't exists", "error": "AccessKey didn't exists"}


async def test_a_disabled_key_answers_403(cloud: Cloud) -> None:
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, AppChanges(enabled=False))
    assert (await ask(cloud, LOGIN, cloud.login_fields()))["code"] == 403


async def test_a_username_that_is_not_encoded_is_explained(cloud: Cloud) -> None:
    fields = cloud.login_fields()
    async with cloud.client() as client:
        answer = (await client.get(f"{LOGIN}?grant_type=password&username={fields['username']}&password=x")).json()
    assert (answer["code"], "username" in answer["msg"]) == (50005, True)


@pytest.mark.parametrize("where", ["query", "form"])
async def test_post_takes_the_fields_from_query_and_form(cloud: Cloud, where: str) -> None:
    fields = cloud.login_fields()
    async with cloud.client() as client:
        answer = await client.post(LOGIN, params=fields) if where == "query" else await client.post(LOGIN, data=fields)
        token = answer.json()["access_token"]
        renewal = {"grant_type": "refresh_token", "refresh_token": token}
        renewed = (
            await client.post(REFRESH, params=renewal) if where == "query" else await client.post(REFRESH, data=renewal)
        )
    assert renewed.json()["access_token"] == token


async def test_get_with_any_content_type_is_normal(cloud: Cloud) -> None:
    async with cloud.client() as client:
        for content_type in ("application/json", "application/x-www-form-urlencoded"):
            answer = await client.get(LOGIN, params=cloud.login_fields(), headers={"Content-Type": content_type})
            assert answer.json()["code"] == 200


async def test_token_answers_are_not_cached(cloud: Cloud) -> None:
    async with cloud.client() as client:
        assert (await client.get(LOGIN, params=cloud.login_fields())).headers["cache-control"] == "no-store"


# Renewal


async def renew(cloud: Cloud, token: str) -> dict[str, Any]:
    return await ask(cloud, REFRESH, {"grant_type": "refresh_token", "refresh_token": token})


async def test_refresh_before_30_minutes_returns_the_same_token(cloud: Cloud, clock: FakeClock) -> None:
    token = await cloud.token()
    clock.advance(30 * MINUTE - 1 - clock.now_ms() % 1000)
    answer = await renew(cloud, token)
    assert answer == {
        "code": 200, "msg": "", "access_token": token, "scope": "", "token_type": "jwt", "expires_in": 7200
    }  # fmt: skip


async def test_refresh_after_30_minutes_returns_a_new_token_and_the_old_one_lives_on(
    cloud: Cloud, clock: FakeClock
) -> None:
    token = await cloud.token()
    clock.advance(30 * MINUTE)
    renewed = (await renew(cloud, token))["access_token"]
    assert renewed != token
    assert claims(renewed)["jti"] != claims(token)["jti"]
    for alive in (token, renewed):
        assert (await cloud.get("/v2/quecproductmgr/r3/openapi/products", token=alive))["code"] == 200
    clock.advance(90 * MINUTE)
    assert (await cloud.get("/v2/quecproductmgr/r3/openapi/products", token=token))["code"] == 91004
    assert (await cloud.get("/v2/quecproductmgr/r3/openapi/products", token=renewed))["code"] == 200


async def test_the_blank_of_the_prefix_may_arrive_in_any_form(cloud: Cloud) -> None:
    token = await cloud.token()
    jwt = token.removeprefix("QJWT ")
    async with cloud.client() as client:
        for sent in (f"QJWT%20{jwt}", f"QJWT+{jwt}", jwt, quote(token)):
            answer = await client.get(f"{REFRESH}?grant_type=refresh_token&refresh_token={sent}")
            assert answer.json()["access_token"] == token


@pytest.mark.parametrize("sent", ["nonsense", "QJWT a.b.c", "QJWT ", "e30.e30.e30", "x" * 9000])
async def test_a_wrong_token_cannot_be_renewed(cloud: Cloud, sent: str) -> None:
    assert (await renew(cloud, sent))["code"] == 91004


async def test_an_expired_token_cannot_be_renewed(cloud: Cloud, clock: FakeClock) -> None:
    token = await cloud.token()
    clock.advance(7_200_000)
    assert (await renew(cloud, token))["code"] == 91004


@pytest.mark.parametrize(
    "params", [{}, {"grant_type": "refresh_token"}, {"refresh_token": "x"}, {"grant_type": "x", "refresh_token": "x"}]
)
async def test_renewal_names_missing_fields(cloud: Cloud, params: dict[str, str]) -> None:
    assert (await ask(cloud, REFRESH, params))["code"] == 50005


async def test_renewal_with_a_disabled_key_fails_and_the_token_stays_dead(cloud: Cloud) -> None:
    token = await cloud.token()
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, AppChanges(enabled=False))
    assert (await renew(cloud, token))["code"] == 91004
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, AppChanges(enabled=True))
    assert (await renew(cloud, token))["code"] == 91004


async def test_renewal_with_a_deleted_key_answers_90047(cloud: Cloud) -> None:
    token = await cloud.token()
    await cloud.platform.saas_apps.delete(cloud.actor, cloud.app.id)
    assert (await renew(cloud, token))["code"] == 90047


# The query layer


@given(st.binary(max_size=300))
def test_any_query_parses_or_is_refused_by_code(raw: bytes) -> None:
    try:
        found: object = all(parse_form(raw).values())
    except Failure as failure:
        found = failure.code
    assert found in (True, 50005)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=20))
def test_encoded_fields_come_back_as_they_were(fields: dict[str, str]) -> None:
    raw = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in fields.items())
    assert parse_form(raw.encode()) == fields


async def test_bad_utf8_is_a_parameter_error(cloud: Cloud) -> None:
    async with cloud.client() as client:
        answer = (await client.get(f"{LOGIN}?grant_type=password&username=%ff%fe&password=x")).json()
    assert (answer["code"], "UTF-8" in answer["msg"]) == (50005, True)


async def test_more_than_100_parameters_are_refused(cloud: Cloud) -> None:
    async with cloud.client() as client:
        answer = (await client.get(f"{LOGIN}?" + "&".join(f"a{n}=1" for n in range(101)))).json()
    assert (answer["code"], "100" in answer["msg"]) == (50005, True)
