"""End users: registering, finding, changing, disabling, deleting, tokens; domain-rules.md section 12."""

import asyncio
from typing import Any

import pytest

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Conflict, Invalid, Missing, Platform
from mooring.platform.end_user_apps import EndUserAppChanges, NewEndUserApp
from mooring.platform.end_user_entities import EndUser, EndUserApp
from mooring.platform.end_user_input import EndUserChanges, NewEndUser
from mooring.platform.end_user_news import News, UserNews
from mooring.platform.end_users import EndUsers
from mooring.store import Store, Vault


@pytest.fixture
def users(platform: Platform) -> EndUsers:
    return platform.end_users


@pytest.fixture
async def home(platform: Platform, actor: Actor) -> EndUserApp:
    return await platform.end_user_apps.create(actor, NewEndUserApp("Home"))


@pytest.fixture
async def ann(users: EndUsers, actor: Actor, home: EndUserApp) -> EndUser:
    new = NewEndUser(nickname="Ann", phone="13800000001", email="Ann@example.com", sex=1, lang="en")
    return await users.create(actor, home.id, new)


def told(platform: Platform) -> list[News]:
    found: list[News] = []

    def listen(news: News) -> tuple[()]:
        found.append(news)
        return ()

    platform.end_user_news.listeners.append(listen)
    return found


async def test_a_user_is_registered_with_a_uid(ann: EndUser, users: EndUsers, clock: FakeClock) -> None:
    assert ann.uid == "C100001"
    assert (ann.nickname, ann.international_code, ann.phone, ann.email) == (
        "Ann",
        "86",
        "13800000001",
        "Ann@example.com",
    )
    assert (ann.enabled, ann.registered_at, ann.last_login_at, ann.updated_at) == (True, clock.now_ms(), None, None)
    assert await users.find("C100001") == ann
    assert await users.by_id(ann.id) == ann


async def test_a_uid_is_never_given_twice(users: EndUsers, ann: EndUser, home: EndUserApp, actor: Actor) -> None:
    await users.delete(actor, ann.uid)
    assert (await users.create(actor, home.id, NewEndUser(phone="13800000001"))).uid == "C100002"
    moved = await users.create(actor, home.id, NewEndUser(phone="13800000002", uid="C131362"))
    assert moved.uid == "C131362"
    assert (await users.create(actor, home.id, NewEndUser(phone="13800000003"))).uid == "C131363"
    with pytest.raises(Conflict) as caught:
        await users.create(actor, home.id, NewEndUser(phone="13800000004", uid="C131362"))
    assert caught.value.field == "uid"


async def test_users_made_at_the_same_time_have_uids_of_their_own(
    users: EndUsers, home: EndUserApp, actor: Actor, store: Store, vault: Vault, clock: FakeClock
) -> None:
    later = FakeClock(clock.now_ms() + 60_000)  # ids of the two processes do not meet
    other = await Platform.open(store, vault, clock=later, entropy=FakeEntropy("other process"))
    made = await asyncio.gather(
        *(users.create(actor, home.id, NewEndUser(phone=f"1380000000{number}")) for number in range(5)),
        *(other.end_users.create(actor, home.id, NewEndUser(phone=f"1390000000{number}")) for number in range(5)),
    )
    assert len({user.uid for user in made}) == 10


@on_sqlite
@pytest.mark.parametrize(
    ("given", "field", "wire"),
    [
        ({}, "phone", 5044),
        ({"nickname": "Ann"}, "phone", 5044),
        ({"phone": "12x4"}, "phone", 5001),
        ({"phone": "123"}, "phone", 5001),
        ({"phone": "13800000001", "international_code": "+86"}, "international_code", 5001),
        ({"email": "ann"}, "email", 5040),
        ({"email": "a@b c"}, "email", 5040),
        ({"phone": "13800000001", "sex": 3}, "sex", 5061),
        ({"phone": "13800000001", "nickname": "x" * 51}, "nickname", 5060),
        ({"phone": "13800000001", "uid": "X1"}, "uid", 5472),
        ({"phone": "13800000001", "uid": "C007"}, "uid", 5472),
        ({"third_party": {"my_id": "1"}}, "third_party", None),
        ({"third_party": {"qq_user_id": "x" * 129}}, "third_party.qq_user_id", None),
    ],
)
async def test_what_is_given_is_checked(
    users: EndUsers, home: EndUserApp, actor: Actor, given: dict[str, Any], field: str, wire: int | None
) -> None:
    with pytest.raises(Invalid) as caught:
        await users.create(actor, home.id, NewEndUser(**given))
    assert (caught.value.field, caught.value.wire) == (field, wire)


async def test_phone_and_email_are_unique_in_an_app_only(
    users: EndUsers, ann: EndUser, home: EndUserApp, actor: Actor, platform: Platform
) -> None:
    for new, wire in ((NewEndUser(phone=ann.phone), 5002), (NewEndUser(email=ann.email), 5039)):
        with pytest.raises(Conflict) as caught:
            await users.create(actor, home.id, new)
        assert caught.value.wire == wire
    await users.create(actor, home.id, NewEndUser(phone=ann.phone, international_code="49"))
    other = await platform.end_user_apps.create(actor, NewEndUserApp("Other"))
    assert (await users.create(actor, other.id, NewEndUser(phone=ann.phone))).uid != ann.uid


async def test_users_are_found_by_part_of_what_names_them(
    users: EndUsers, ann: EndUser, home: EndUserApp, actor: Actor, clock: FakeClock
) -> None:
    clock.advance(10)
    bob = await users.create(actor, home.id, NewEndUser(nickname="Bob_", email="bob@example.com"))
    assert await users.some(home) == ([bob, ann], 2)
    assert await users.some(home, skip=1, rows=1) == ([ann], 2)
    assert await users.some(home, "ANN") == ([ann], 1)
    assert await users.some(home, "_") == ([bob], 1)
    assert await users.some(home, "0000001") == ([ann], 1)
    assert await users.some(home, "C10000") == ([bob, ann], 2)


async def test_a_change_leaves_the_rest(users: EndUsers, ann: EndUser, actor: Actor, platform: Platform) -> None:
    changes = EndUserChanges(nickname=None, city="Hefei", third_party={"wechat_union_id": "w1"})
    changed = await users.update(actor, ann.uid, changes)
    assert (changed.nickname, changed.city, changed.phone) == (None, "Hefei", ann.phone)
    assert changed.third_party == {"wechat_union_id": "w1"}
    with pytest.raises(Conflict) as caught:
        await users.update(actor, ann.uid, changes)
    assert caught.value.wire == 5062
    [entry] = await platform.ledger.entries(actor.account_id, rows=1)
    assert entry.detail["members"] == ["nickname", "city", "third_party"]
    assert "Hefei" not in str(entry)


async def test_users_of_another_account_are_not_seen(users: EndUsers, ann: EndUser, stranger: Actor) -> None:
    with pytest.raises(Missing):
        await users.set_enabled(stranger, ann.uid, enabled=False)
    with pytest.raises(Missing):
        await users.issue_token(stranger, ann.uid)


async def test_what_happens_is_told_with_the_change(
    users: EndUsers, home: EndUserApp, actor: Actor, platform: Platform
) -> None:
    news = told(platform)
    ann = await users.create(actor, home.id, NewEndUser(phone="13800000001"))
    await users.update(actor, ann.uid, EndUserChanges(nickname="Ann"))
    await users.delete(actor, ann.uid)
    assert [(piece.kind, piece.user.uid, piece.user.nickname) for piece in news if isinstance(piece, UserNews)] == [
        ("add", ann.uid, None),
        ("update", ann.uid, "Ann"),
        ("delete", ann.uid, "Ann"),
    ]


# Tokens


async def test_a_token_admits_its_user_and_nobody_else(
    users: EndUsers, ann: EndUser, actor: Actor, clock: FakeClock
) -> None:
    clock.advance(1_000)
    token = await users.issue_token(actor, ann.uid)
    assert token.expires_in == 7_200
    found = await users.admitted(ann.uid, token.text)
    assert found is not None
    assert (found.uid, found.last_login_at) == (ann.uid, clock.now_ms())
    assert await users.admitted("C100002", token.text) is None
    assert await users.admitted(ann.uid, token.text[:-2] + "xx") is None
    assert await users.admitted(ann.uid, "x" * 5_000) is None
    clock.advance(7_200_000)
    assert await users.admitted(ann.uid, token.text) is None


async def test_disabling_ends_every_token_for_good(users: EndUsers, ann: EndUser, actor: Actor) -> None:
    token = await users.issue_token(actor, ann.uid)
    assert not (await users.set_enabled(actor, ann.uid, enabled=False)).enabled
    assert await users.admitted(ann.uid, token.text) is None
    with pytest.raises(Conflict) as caught:
        await users.issue_token(actor, ann.uid)
    assert caught.value.wire == 5486
    await users.set_enabled(actor, ann.uid, enabled=True)
    assert await users.admitted(ann.uid, token.text) is None
    assert await users.admitted(ann.uid, (await users.issue_token(actor, ann.uid)).text) is not None


async def test_disabling_twice_changes_nothing(users: EndUsers, ann: EndUser, actor: Actor, platform: Platform) -> None:
    first = await users.set_enabled(actor, ann.uid, enabled=False)
    version = platform.directory.version
    assert await users.set_enabled(actor, ann.uid, enabled=False) == first
    assert platform.directory.version == version


async def test_a_disabled_app_keeps_its_users_out(
    users: EndUsers, ann: EndUser, home: EndUserApp, actor: Actor, platform: Platform
) -> None:
    token = await users.issue_token(actor, ann.uid)
    await platform.end_user_apps.update(actor, home.id, EndUserAppChanges(enabled=False))
    assert await users.admitted(ann.uid, token.text) is None
    with pytest.raises(Conflict):
        await users.issue_token(actor, ann.uid)
    await platform.end_user_apps.update(actor, home.id, EndUserAppChanges(enabled=True))
    assert await users.admitted(ann.uid, token.text) is not None


@on_sqlite
async def test_tokens_of_the_openapi_admit_no_user(users: EndUsers, ann: EndUser, platform: Platform, app: Any) -> None:
    account = platform.directory.account(app.account_id)
    assert account is not None
    issued = platform.tokens.issue(app, account)
    assert await users.admitted(ann.uid, issued.text.removeprefix("QJWT ")) is None


async def test_disabling_is_announced_to_this_process(
    users: EndUsers, ann: EndUser, actor: Actor, platform: Platform
) -> None:
    heard: list[object] = []
    platform.directory.on_change.append(heard.append)
    await users.set_enabled(actor, ann.uid, enabled=False)
    assert heard == [frozenset({("end_user", ann.id)})]
