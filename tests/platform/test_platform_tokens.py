"""Access tokens of the OpenAPI; openapi-notes.md sections 2 and 3."""

import base64
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Limits, Platform, Reason, Refused
from mooring.platform import tokens as tokens_module
from mooring.platform.entities import App
from mooring.platform.saas_apps import AppChanges, NewApp
from mooring.platform.tokens import IssuedToken
from mooring.protocol.login import build_username, sign
from mooring.store import Store, Vault

pytestmark = on_sqlite

SECOND, MINUTE = 1_000, 60_000
CALLER = "192.0.2.50"
KEY = Vault(bytes(range(32))).derive("openapi-tokens")


def log_in(platform: Platform, app: App, clock: FakeClock) -> IssuedToken:
    username = build_username(app.access_key, clock.now_ms())
    return platform.access.log_in(username, sign(username, app.access_secret.reveal()), CALLER)


def admitted(platform: Platform, token: str) -> bool:
    try:
        platform.access.admit(token, CALLER, "device")
    except Refused as refused:
        if refused.reason is Reason.BAD_TOKEN:
            return False
        raise
    return True


def renewal(platform: Platform, token: str) -> str | Reason:
    try:
        return platform.access.renew(token, CALLER).text
    except Refused as refused:
        return refused.reason


def parts(token: str) -> list[Any]:
    """Header and claims."""
    encoded = token.removeprefix("QJWT ").split(".")[:2]
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in encoded]


@pytest.fixture
def token(platform: Platform, app: App, clock: FakeClock) -> str:
    return log_in(platform, app, clock).text


# Form


async def test_a_token_is_qjwt_and_a_jwt_without_typ(token: str) -> None:
    assert token.startswith("QJWT ")
    assert parts(token)[0] == {"alg": "HS256"}


async def test_a_token_carries_the_claims_of_the_platforms(token: str, actor: Actor, clock: FakeClock) -> None:
    claims = parts(token)[1]
    assert uuid.UUID(claims["jti"]).version == 4
    assert {name: claims[name] for name in ("sub", "uty", "am", "sp", "iat", "exp")} == {
        "sub": str(actor.account_id),
        "uty": "ent",
        "am": "AccessKey",
        "sp": "",
        "iat": clock.now_ms() // 1000,
        "exp": clock.now_ms() // 1000 + 7200,
    }


async def test_expires_in_is_the_whole_life(platform: Platform, app: App, clock: FakeClock) -> None:
    assert log_in(platform, app, clock).expires_in == 7200


async def test_two_logins_give_two_tokens(platform: Platform, app: App, clock: FakeClock) -> None:
    assert log_in(platform, app, clock).text != log_in(platform, app, clock).text


async def test_a_token_does_not_show_itself(platform: Platform, app: App, clock: FakeClock) -> None:
    issued = log_in(platform, app, clock)
    assert issued.text.split(".")[-1] not in repr(issued)


# Life


async def test_a_token_lives_until_its_exp(platform: Platform, token: str, clock: FakeClock) -> None:
    clock.advance(7200 * SECOND - 1)
    assert admitted(platform, token)
    clock.advance(1)
    assert not admitted(platform, token)


async def test_an_expired_token_is_not_renewed(platform: Platform, token: str, clock: FakeClock) -> None:
    clock.advance(7200 * SECOND)
    assert renewal(platform, token) is Reason.BAD_TOKEN


@pytest.mark.parametrize("lifetime_s", [60, 86_400])
async def test_the_life_of_a_token_is_a_setting(
    store: Store, vault: Vault, clock: FakeClock, app: App, lifetime_s: int
) -> None:
    limits = Limits(token_lifetime_s=lifetime_s)
    other = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy("other"), limits=limits)
    issued = log_in(other, app, clock)
    assert issued.expires_in == lifetime_s
    clock.advance(lifetime_s * SECOND - 1)
    assert admitted(other, issued.text)
    clock.advance(1)
    assert not admitted(other, issued.text)


async def test_a_token_is_good_at_every_process_with_the_key(
    store: Store, vault: Vault, clock: FakeClock, token: str
) -> None:
    other = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy("other"))
    assert admitted(other, token)


# Renewal


async def test_refresh_before_30_minutes_returns_the_same_token(
    platform: Platform, token: str, clock: FakeClock
) -> None:
    clock.advance(30 * MINUTE - SECOND)
    assert renewal(platform, token) == token


async def test_refresh_at_30_minutes_returns_a_new_token(platform: Platform, token: str, clock: FakeClock) -> None:
    clock.advance(30 * MINUTE)
    renewed = renewal(platform, token)
    assert isinstance(renewed, str)
    assert renewed != token
    assert parts(renewed)[1]["iat"] == clock.now_ms() // 1000


async def test_the_age_counts_from_the_last_refresh(platform: Platform, token: str, clock: FakeClock) -> None:
    clock.advance(30 * MINUTE)
    renewed = renewal(platform, token)
    assert isinstance(renewed, str)
    clock.advance(30 * MINUTE - SECOND)
    assert renewal(platform, renewed) == renewed


async def test_the_predecessor_lives_until_its_own_exp(platform: Platform, token: str, clock: FakeClock) -> None:
    clock.advance(30 * MINUTE)
    renewal(platform, token)
    clock.advance(90 * MINUTE - 1)
    assert admitted(platform, token)
    clock.advance(1)
    assert not admitted(platform, token)


@pytest.mark.parametrize("form", ["{}", "QJWT {}", "Bearer QJWT {}"])
async def test_refresh_takes_the_token_with_and_without_prefix(platform: Platform, token: str, form: str) -> None:
    assert renewal(platform, form.format(token.removeprefix("QJWT "))) == token


async def test_a_refresh_from_elsewhere_is_refused(platform: Platform, token: str, actor: Actor, app: App) -> None:
    changes = AppChanges(address_list_enabled=True, allowed_addresses=["10.0.0.1"])
    await platform.saas_apps.update(actor, app.id, changes)
    assert renewal(platform, token) is Reason.ADDRESS


# Revocation


async def disable(platform: Platform, actor: Actor, app: App) -> None:
    await platform.saas_apps.update(actor, app.id, AppChanges(enabled=False))


async def disable_and_enable(platform: Platform, actor: Actor, app: App) -> None:
    await disable(platform, actor, app)
    await platform.saas_apps.update(actor, app.id, AppChanges(enabled=True))


async def reset(platform: Platform, actor: Actor, app: App) -> None:
    await platform.saas_apps.reset_secret(actor, app.id)


async def delete(platform: Platform, actor: Actor, app: App) -> None:
    await platform.saas_apps.delete(actor, app.id)


Loss = Callable[[Platform, Actor, App], Awaitable[None]]


@pytest.mark.parametrize("loss", [disable, disable_and_enable, reset, delete])
async def test_tokens_issued_before_a_loss_of_trust_are_dead(
    platform: Platform, actor: Actor, app: App, token: str, loss: Loss
) -> None:
    assert admitted(platform, token)
    await loss(platform, actor, app)
    assert not admitted(platform, token)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (disable, Reason.BAD_TOKEN),
        (disable_and_enable, Reason.BAD_TOKEN),
        (reset, Reason.BAD_TOKEN),
        (delete, Reason.UNKNOWN_KEY),
    ],
)
async def test_refresh_after_a_loss_of_trust_is_refused(
    platform: Platform, actor: Actor, app: App, token: str, clock: FakeClock, loss: Loss, reason: Reason
) -> None:
    await loss(platform, actor, app)
    assert renewal(platform, token) is reason
    clock.advance(30 * MINUTE)
    assert renewal(platform, token) is reason


async def test_a_token_refused_while_the_key_was_disabled_stays_dead(
    platform: Platform, actor: Actor, app: App, token: str
) -> None:
    await disable(platform, actor, app)
    assert renewal(platform, token) is Reason.BAD_TOKEN
    await platform.saas_apps.update(actor, app.id, AppChanges(enabled=True))
    assert renewal(platform, token) is Reason.BAD_TOKEN
    assert not admitted(platform, token)


@pytest.mark.parametrize("loss", [disable_and_enable, reset])
async def test_a_login_after_a_loss_of_trust_gives_a_living_token(
    platform: Platform, actor: Actor, app: App, token: str, clock: FakeClock, loss: Loss
) -> None:
    await loss(platform, actor, app)
    again = log_in(platform, platform.saas_apps.one(actor.account_id, app.id), clock)
    assert admitted(platform, again.text)


async def test_switching_api_access_keeps_tokens_alive(platform: Platform, actor: Actor, app: App, token: str) -> None:
    for api_access in (False, True):
        await platform.saas_apps.update(actor, app.id, AppChanges(api_access=api_access))
    assert admitted(platform, token)


async def test_a_loss_of_trust_of_one_application_leaves_the_tokens_of_another(
    platform: Platform, actor: Actor, app: App, token: str
) -> None:
    other = await platform.saas_apps.create(actor, NewApp("Other"))
    await disable(platform, actor, other)
    await delete(platform, actor, other)
    assert admitted(platform, token)


# Forgeries


def forged(claims: dict[str, Any], key: bytes | str = KEY, algorithm: str = "HS256", **headers: Any) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": None, **headers})


def changed(token: str, **changes: Any) -> dict[str, Any]:
    claims = {**parts(token)[1], **changes}
    return {name: value for name, value in claims.items() if value is not None}


def unsigned(token: str) -> str:
    body = token.removeprefix("QJWT ").split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    return f"{header}.{body}."


FORGERIES: dict[str, Callable[[str], str]] = {
    "alg none": unsigned,
    "alg none with signature": lambda token: unsigned(token) + token.rpartition(".")[2],
    "other key": lambda token: forged(changed(token), bytes(32)),
    "the secret key itself": lambda token: forged(changed(token), bytes(range(32))),
    "other algorithm": lambda token: forged(changed(token), KEY * 2, "HS512"),
    "longer life": lambda token: token.replace(
        token.split(".")[1],
        base64.urlsafe_b64encode(json.dumps(changed(token, exp=2**40)).encode()).decode().rstrip("="),
    ),
    "truncated": lambda token: token[:-1],
    "without signature": lambda token: token.rpartition(".")[0],
    "with empty signature": lambda token: token.rpartition(".")[0] + ".",
    "one byte more": lambda token: token + "A",
    "four parts": lambda token: token + ".x",
    "one part": lambda _: "x",
    "points": lambda _: "..",
    "prefix alone": lambda _: "QJWT ",
    "blank": lambda _: " ",
    "huge": lambda _: "x" * 1_000_000,
    "huge with parts": lambda token: token.replace(".", "." + "x" * 10_000),
    "no unicode": lambda _: "\ud800.\ud800.\ud800",
    "not ascii": lambda _: "é.é.é",
    "zero": lambda _: "\x00",
    "doubled prefix": lambda token: f"QJWT QJWT {token}",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_token_is_refused(platform: Platform, token: str, forge: Callable[[str], str]) -> None:
    assert not admitted(platform, forge(token))
    assert renewal(platform, forge(token)) is Reason.BAD_TOKEN


async def test_any_changed_character_makes_a_token_wrong(platform: Platform, token: str) -> None:
    bare = token.removeprefix("QJWT ")
    # The last character is left out: some of its bits are padding, so that two letters may mean the same signature.
    for place in range(len(bare) - 1):
        other = "A" if bare[place] != "A" else "B"
        assert not admitted(platform, bare[:place] + other + bare[place + 1 :])


MISSHAPEN: dict[str, dict[str, Any]] = {
    "no application": {"aid": None},
    "no generation": {"gen": None},
    "no end": {"exp": None},
    "application as text": {"aid": "1"},
    "end as text": {"exp": "9999999999"},
    "unknown application": {"aid": 404},
    "later generation": {"gen": 1},
    "earlier generation": {"gen": -1},
}


@pytest.mark.parametrize("changes", MISSHAPEN.values(), ids=MISSHAPEN)
async def test_a_signed_token_of_another_shape_is_refused(
    platform: Platform, token: str, changes: dict[str, Any]
) -> None:
    assert not admitted(platform, forged(changed(token, **changes)))


async def test_a_signed_token_with_more_claims_is_taken(platform: Platform, token: str) -> None:
    assert admitted(platform, forged(changed(token, scope="userinfo", nbf=2**40)))


# What is remembered


async def test_remembered_tokens_are_bounded(
    platform: Platform, app: App, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "_REMEMBERED", 5)
    issued = [log_in(platform, app, clock).text for _ in range(20)]
    assert len(platform.tokens._remembered) == 5
    assert all(admitted(platform, token) for token in issued)
    assert len(platform.tokens._remembered) == 5


async def test_wrong_tokens_are_not_remembered(platform: Platform, token: str) -> None:
    before = dict(platform.tokens._remembered)
    for forge in FORGERIES.values():
        admitted(platform, forge(token))
    assert platform.tokens._remembered == before


async def test_expired_tokens_are_forgotten(platform: Platform, token: str, clock: FakeClock) -> None:
    clock.advance(7200 * SECOND)
    admitted(platform, token)
    assert platform.tokens._remembered == {}


async def test_a_token_that_is_not_remembered_is_as_good(platform: Platform, token: str) -> None:
    platform.tokens._remembered.clear()
    assert admitted(platform, token)
