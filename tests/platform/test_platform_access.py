"""Who may call: the order of checks of openapi-notes.md section 4, steps 2 to 6, and of a login, section 1."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import combinations

import pytest

from databases import on_sqlite
from fakes import FakeClock
from mooring.platform import Actor, Platform, Reason, Refused
from mooring.platform.entities import PACKAGE_PREFIXES, PACKAGES, App
from mooring.platform.saas_apps import AppChanges
from mooring.protocol.login import build_username, sign

PACKAGE = "product-and-device-management"
SERVICE = "device"
CALLER = "192.0.2.50"
MINUTE = 60_000


@dataclass
class Call:
    """A call that is admitted until something is changed about it or around it."""

    platform: Platform
    actor: Actor
    clock: FakeClock
    app: App
    token: str | None
    service: str = SERVICE

    def reason(self) -> Reason | None:
        try:
            self.platform.access.admit(self.token, CALLER, self.service)
        except Refused as refused:
            return refused.reason
        return None

    async def update(self, changes: AppChanges) -> None:
        await self.platform.saas_apps.update(self.actor, self.app.id, changes)


@pytest.fixture
def call(platform: Platform, actor: Actor, clock: FakeClock, app: App) -> Call:
    username = build_username(app.access_key, clock.now_ms())
    token = platform.access.log_in(username, sign(username, app.access_secret.reveal()), CALLER)
    return Call(platform, actor, clock, app, token.text)


async def go_stale(call: Call) -> None:
    call.platform.store.shared = True
    call.clock.advance(1_001)


async def send_no_token(call: Call) -> None:
    call.token = None


async def send_a_bad_token(call: Call) -> None:
    if call.token is not None:
        call.token = call.token[:-2]


async def keep_the_caller_out(call: Call) -> None:
    await call.update(AppChanges(address_list_enabled=True, allowed_addresses=["10.0.0.0/8"]))


async def deactivate(call: Call) -> None:
    await call.platform.service_market.deactivate(call.actor, PACKAGE)


async def switch_api_access_off(call: Call) -> None:
    await call.update(AppChanges(api_access=False))


async def cancel(call: Call) -> None:
    await call.platform.saas_apps.cancel_package(call.actor, call.app.id, PACKAGE)


Violation = Callable[[Call], Awaitable[None]]

IN_ORDER: list[tuple[Reason, Violation]] = [
    (Reason.UNAVAILABLE, go_stale),
    (Reason.NO_TOKEN, send_no_token),
    (Reason.BAD_TOKEN, send_a_bad_token),
    (Reason.ADDRESS, keep_the_caller_out),
    (Reason.NOT_ACTIVATED, deactivate),
    (Reason.NOT_ENABLED, switch_api_access_off),
    (Reason.NOT_AUTHORIZED, cancel),
]


def names(pair: tuple[tuple[Reason, Violation], ...]) -> str:
    return " and ".join(violation.__name__ for _, violation in pair)


@on_sqlite
async def test_a_call_that_violates_nothing_is_admitted(call: Call) -> None:
    assert call.reason() is None


@on_sqlite
@pytest.mark.parametrize("violation", IN_ORDER, ids=lambda entry: names((entry,)))
async def test_each_violation_has_its_reason(call: Call, violation: tuple[Reason, Violation]) -> None:
    reason, violate = violation
    await violate(call)
    assert call.reason() is reason


@on_sqlite
@pytest.mark.parametrize("pair", list(combinations(IN_ORDER, 2)), ids=names)
async def test_of_two_violations_the_earlier_check_answers(
    call: Call, pair: tuple[tuple[Reason, Violation], tuple[Reason, Violation]]
) -> None:
    # The later one first: what it needs (a fresh directory, a token) the earlier one takes away.
    for _, violate in reversed(pair):
        await violate(call)
    assert call.reason() is pair[0][0]


@on_sqlite
@pytest.mark.parametrize(
    ("package", "service"), [(package, service) for package in PACKAGES for service in PACKAGE_PREFIXES[package]]
)
async def test_a_service_needs_the_package_it_belongs_to(call: Call, package: str, service: str) -> None:
    call.service = service
    await call.platform.saas_apps.cancel_package(call.actor, call.app.id, package)
    assert call.reason() is Reason.NOT_AUTHORIZED
    await call.platform.saas_apps.authorize_package(call.actor, call.app.id, package)
    for other in PACKAGES:
        if other != package:
            await call.platform.saas_apps.cancel_package(call.actor, call.app.id, other)
    assert call.reason() is None


@on_sqlite
@pytest.mark.parametrize(
    ("account", "application", "admitted"),
    [
        (None, None, True),
        ("192.0.2.0/24", None, True),
        ("10.0.0.0/8", None, False),
        (None, "192.0.2.50", True),
        (None, "192.0.2.51", False),
        ("192.0.2.0/24", "192.0.2.50", True),
        ("192.0.2.0/24", "10.0.0.1", False),
        ("10.0.0.1", "192.0.2.50", False),
    ],
)
async def test_a_caller_must_be_on_every_white_list_that_is_on(
    call: Call, account: str | None, application: str | None, admitted: bool
) -> None:
    if account is not None:
        await call.platform.accounts.set_addresses(call.actor, enabled=True, addresses=[account])
    if application is not None:
        await call.update(AppChanges(address_list_enabled=True, allowed_addresses=[application]))
    assert call.reason() is (None if admitted else Reason.ADDRESS)


@on_sqlite
@pytest.mark.parametrize("caller", [None, "", "somewhere"])
async def test_a_caller_without_an_address_is_on_no_white_list(call: Call, caller: str | None) -> None:
    assert call.platform.access.admit(call.token, caller, SERVICE) == call.app
    await call.update(AppChanges(address_list_enabled=True, allowed_addresses=["0.0.0.0/0", "::/0"]))
    with pytest.raises(Refused) as refused:
        call.platform.access.admit(call.token, caller, SERVICE)
    assert refused.value.reason is Reason.ADDRESS


@on_sqlite
@pytest.mark.parametrize("form", ["{}", "QJWT {}", "qjwt {}", "Bearer {}", "Bearer QJWT {}", "  bearer   QJWT   {}  "])
async def test_a_token_is_taken_in_every_form_that_clients_send(call: Call, form: str) -> None:
    assert call.token is not None
    call.token = form.format(call.token.removeprefix("QJWT "))
    assert call.reason() is None


# Login


@dataclass
class Login:
    """A login that succeeds until something is changed about it or around it."""

    platform: Platform
    actor: Actor
    clock: FakeClock
    app: App
    access_key: str
    timestamp_ms: int
    version: str = "1"
    secret: str = ""

    def reason(self) -> Reason | None:
        username = build_username(self.access_key, self.timestamp_ms).replace("ver=1", f"ver={self.version}")
        try:
            self.platform.access.log_in(username, sign(username, self.secret), CALLER)
        except Refused as refused:
            return refused.reason
        return None

    async def update(self, changes: AppChanges) -> None:
        await self.platform.saas_apps.update(self.actor, self.app.id, changes)


@pytest.fixture
def login(platform: Platform, actor: Actor, clock: FakeClock, app: App) -> Login:
    return Login(platform, actor, clock, app, app.access_key, clock.now_ms(), secret=app.access_secret.reveal())


async def login_to_stale(login: Login) -> None:
    login.platform.store.shared = True
    login.clock.advance(1_001)


async def login_by_unknown_version(login: Login) -> None:
    login.version = "2"


async def login_of_yesterday(login: Login) -> None:
    login.timestamp_ms -= 24 * 60 * MINUTE


async def login_by_unknown_key(login: Login) -> None:
    login.access_key = "unknown"


async def login_by_wrong_secret(login: Login) -> None:
    login.secret = "wrong"


async def login_by_disabled_key(login: Login) -> None:
    await login.update(AppChanges(enabled=False))


async def login_from_elsewhere(login: Login) -> None:
    await login.update(AppChanges(address_list_enabled=True, allowed_addresses=["10.0.0.0/8"]))


LOGIN_IN_ORDER: list[tuple[Reason, Callable[[Login], Awaitable[None]]]] = [
    (Reason.UNAVAILABLE, login_to_stale),
    (Reason.BAD_LOGIN, login_by_unknown_version),
    (Reason.BAD_LOGIN, login_of_yesterday),
    (Reason.UNKNOWN_KEY, login_by_unknown_key),
    (Reason.WRONG_PASSWORD, login_by_wrong_secret),
    (Reason.KEY_DISABLED, login_by_disabled_key),
    (Reason.ADDRESS, login_from_elsewhere),
]


@on_sqlite
@pytest.mark.parametrize("violation", LOGIN_IN_ORDER, ids=lambda entry: entry[1].__name__)
async def test_each_fault_of_a_login_has_its_reason(
    login: Login, violation: tuple[Reason, Callable[[Login], Awaitable[None]]]
) -> None:
    assert login.reason() is None
    await violation[1](login)
    assert login.reason() is violation[0]


@on_sqlite
@pytest.mark.parametrize(
    "pair", list(combinations(LOGIN_IN_ORDER, 2)), ids=lambda pair: " and ".join(entry[1].__name__ for entry in pair)
)
async def test_of_two_faults_of_a_login_the_earlier_check_answers(
    login: Login, pair: tuple[tuple[Reason, Callable[[Login], Awaitable[None]]], ...]
) -> None:
    for _, violate in reversed(pair):
        await violate(login)
    assert login.reason() is pair[0][0]


@on_sqlite
@pytest.mark.parametrize(
    ("offset_ms", "reason"),
    [
        (10 * MINUTE, None),
        (-10 * MINUTE, None),
        (10 * MINUTE + 1, Reason.BAD_LOGIN),
        (-10 * MINUTE - 1, Reason.BAD_LOGIN),
    ],
)
async def test_a_login_may_be_10_minutes_off_either_way(login: Login, offset_ms: int, reason: Reason | None) -> None:
    login.timestamp_ms += offset_ms
    assert login.reason() is reason


@on_sqlite
async def test_a_login_outside_the_window_is_told_both_times(login: Login) -> None:
    username = build_username(login.access_key, 0)
    with pytest.raises(Refused) as refused:
        login.platform.access.log_in(username, sign(username, login.secret), CALLER)
    assert refused.value.field == "username.timestamp"
    assert str(login.clock.now_ms()) in refused.value.detail


@on_sqlite
async def test_a_login_can_be_repeated_inside_the_window(login: Login) -> None:
    for _ in range(3):
        login.clock.advance(3 * MINUTE)
        assert login.reason() is None


@on_sqlite
async def test_the_old_secret_opens_nothing_after_a_reset(login: Login) -> None:
    secret = await login.platform.saas_apps.reset_secret(login.actor, login.app.id)
    assert login.reason() is Reason.WRONG_PASSWORD
    login.secret = secret.reveal()
    assert login.reason() is None


@on_sqlite
async def test_a_key_enabled_again_opens_again(login: Login) -> None:
    await login.update(AppChanges(enabled=False))
    await login.update(AppChanges(enabled=True))
    assert login.reason() is None


@on_sqlite
async def test_a_deleted_key_is_unknown(login: Login) -> None:
    await login.platform.saas_apps.delete(login.actor, login.app.id)
    assert login.reason() is Reason.UNKNOWN_KEY


@on_sqlite
async def test_a_refused_login_repeats_neither_secret_nor_password(login: Login) -> None:
    username = build_username(login.access_key, login.timestamp_ms)
    with pytest.raises(Refused) as refused:
        login.platform.access.log_in(username, sign(username, login.secret)[:-1] + "x", CALLER)
    text = f"{refused.value!r} {refused.value.field} {refused.value.detail}"
    assert login.secret not in text
    assert sign(username, login.secret)[:-1] not in text
