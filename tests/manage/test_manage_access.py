"""Who may call what: tokens, one-time passwords, revocation."""

import pytest

from fakes import FakeClock
from manage.desk import EMAIL, PASSWORD, Desk
from mooring.manage.app import ENDPOINTS
from mooring.manage.endpoint import Access
from mooring.platform import Platform, Role

_HOUR_MS = 3_600_000
_RESTRICTED = [endpoint for endpoint in ENDPOINTS if endpoint.access is Access.ADMINISTRATOR]


async def test_login_answers_a_token_of_12_hours(desk: Desk, clock: FakeClock) -> None:
    answer = await desk.send("POST", "/login", {"email": EMAIL, "password": PASSWORD})
    assert answer.json()["expires_at"] == clock.now_ms() + 12 * _HOUR_MS
    assert answer.json()["must_change_password"] is False
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("given", [{"email": EMAIL, "password": "wrong"}, {"email": "no@one", "password": PASSWORD}])
async def test_login_does_not_say_which_of_the_two_was_wrong(desk: Desk, given: dict[str, str]) -> None:
    answer = await desk.send("POST", "/login", given)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {"error": {"code": "wrong_credentials", "message": "e-mail or password is wrong"}}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x"])
async def test_anything_but_a_living_bearer_token_is_401(desk: Desk, header: str) -> None:
    headers = {"Authorization": header.format(token=desk.token)} if header else {}
    async with desk.client() as client:
        answer = await client.get("/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "not_authenticated"


async def test_the_scheme_is_read_in_any_case(desk: Desk) -> None:
    async with desk.client() as client:
        answer = await client.get("/me", headers={"Authorization": f"bearer   {desk.token} "})
    assert answer.status_code == 200


async def test_every_endpoint_but_login_needs_a_token(desk: Desk) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.access is not Access.PUBLIC:
            await desk.refused(endpoint.method, endpoint.path, {}, status=401, code="not_authenticated", token="nobody")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
async def test_what_a_role_does_not_cover_is_refused_before_anything_else(desk: Desk, role: Role) -> None:
    token = await member_of(desk, role)
    refused = [endpoint for endpoint in _RESTRICTED if not role.covers(endpoint.needs)]
    assert refused
    for endpoint in refused:
        path = endpoint.path.replace("{", "").replace("}", "")
        await desk.refused(endpoint.method, path, {}, status=403, code="role_not_enough", token=token)


def test_a_viewer_changes_nothing_but_their_own_login_and_sees_no_secret() -> None:
    covered = {
        f"{endpoint.method} {endpoint.path}"
        for endpoint in _RESTRICTED
        if endpoint.needs is Role.VIEWER and (endpoint.method != "GET" or "secret" in endpoint.path)
    }
    own = {"POST /me/codes/offer", "PUT /me/codes", "POST /me/codes/off", "POST /tokens", "DELETE /tokens/{token_id}"}
    assert covered == own


async def test_a_viewer_looks(desk: Desk) -> None:
    token = await member_of(desk, Role.VIEWER)
    for path in ("/me", "/products", "/devices", "/administrators", "/audit"):
        await desk.ask("GET", path, token=token)


async def test_too_many_failed_logins_are_429_with_the_time_to_wait(desk: Desk) -> None:
    for _ in range(5):
        await desk.refused("POST", "/login", {"email": EMAIL, "password": "x"}, status=401, code="wrong_credentials")
    answer = await desk.send("POST", "/login", {"email": EMAIL, "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.json()["error"]["detail"] == {"retry_after_s": 30}


async def member_of(desk: Desk, role: Role) -> str:
    """The token of a member with an own password."""
    email, password = f"{role.value}@example.com", "a password of theirs"
    added = await desk.ask("POST", "/administrators", {"email": email, "role": role.value}, status=201)
    token = await desk.log_in(email, added["password"])
    change = {"old_password": added["password"], "new_password": password}
    await desk.ask("POST", "/me/password", change, status=204, token=token)
    return await desk.log_in(email, password)


async def test_a_token_ends_when_its_time_is_over(desk: Desk, clock: FakeClock) -> None:
    clock.advance(12 * _HOUR_MS)
    await desk.refused("GET", "/me", status=401, code="not_authenticated")


async def test_a_revoked_token_ends_at_once(desk: Desk) -> None:
    made = await desk.ask("POST", "/tokens", {"name": "scripts"}, status=201)
    await desk.ask("GET", "/me", token=made["token"])
    await desk.ask("DELETE", f"/tokens/{made['id']}", status=204)
    await desk.refused("GET", "/me", status=401, code="not_authenticated", token=made["token"])


async def test_a_password_change_ends_every_own_token(desk: Desk) -> None:
    other = await desk.log_in()
    await desk.ask("POST", "/me/password", {"old_password": PASSWORD, "new_password": "another password"}, status=204)
    for token in (desk.token, other):
        await desk.refused("GET", "/me", status=401, code="not_authenticated", token=token)


async def test_a_deleted_administrator_is_out_at_once(desk: Desk) -> None:
    added = await desk.ask("POST", "/administrators", {"email": "second@example.com"}, status=201)
    token = await desk.log_in("second@example.com", added["password"])
    await desk.ask("DELETE", f"/administrators/{added['id']}", status=204)
    await desk.refused("GET", "/me", status=401, code="not_authenticated", token=token)


@pytest.fixture
async def newcomer(desk: Desk) -> str:
    """The token of an administrator whose password is for one use."""
    added = await desk.ask("POST", "/administrators", {"email": "new@example.com"}, status=201)
    answer = await desk.ask("POST", "/login", {"email": "new@example.com", "password": added["password"]})
    assert answer["must_change_password"] is True
    token: str = answer["token"]
    return token


async def test_a_one_time_password_opens_nothing_but_its_change(desk: Desk, newcomer: str) -> None:
    for endpoint in _RESTRICTED:
        await desk.refused(
            endpoint.method, endpoint.path, {}, status=403, code="password_change_required", token=newcomer
        )


async def test_with_a_one_time_password_one_may_ask_who_one_is(desk: Desk, newcomer: str) -> None:
    me = await desk.ask("GET", "/me", token=newcomer)
    assert me["administrator"]["must_change_password"] is True


async def test_after_the_change_everything_is_open(desk: Desk) -> None:
    added = await desk.ask("POST", "/administrators", {"email": "new@example.com"}, status=201)
    token = await desk.log_in("new@example.com", added["password"])
    change = {"old_password": added["password"], "new_password": "a password of mine"}
    await desk.ask("POST", "/me/password", change, status=204, token=token)
    token = await desk.log_in("new@example.com", "a password of mine")
    await desk.ask("GET", "/products", token=token)


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        ("wrong", "a password of mine", 403, "wrong_password"),
        (PASSWORD, PASSWORD, 422, "password_same"),
        (PASSWORD, "short", 422, "password_length"),
    ],
)
async def test_a_wrong_password_change_is_refused(desk: Desk, old: str, new: str, status: int, code: str) -> None:
    change = {"old_password": old, "new_password": new}
    await desk.refused("POST", "/me/password", change, status=status, code=code)


async def test_an_unknown_address_is_audited_as_unknown(desk: Desk) -> None:
    desk.address = None
    await desk.ask("PATCH", "/account", {"name": "Harbour"})
    assert (await desk.ask("GET", "/audit?limit=1"))["items"][0]["address"] == "unknown"


async def test_rights_that_may_be_old_are_not_decided_on(
    desk_on_each: Desk, platform: Platform, clock: FakeClock
) -> None:
    clock.advance(1_001)
    status = 503 if platform.store.shared else 200
    answer = await desk_on_each.send("GET", "/me")
    assert answer.status_code == status
    await platform.directory.catch_up()
    await desk_on_each.ask("GET", "/me")
