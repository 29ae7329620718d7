"""Sharing devices with codes and deadlines; domain-rules.md section 12, messages.md 4.5."""

import asyncio
from typing import Any

import pytest

from databases import on_sqlite
from fakes import FakeClock
from home import Home, make_home
from mooring.platform import Actor, Conflict, Invalid, Missing, Platform
from mooring.platform.end_user_apps import NewEndUserApp
from mooring.platform.products import ALTERNATE, SINGLE, ProductChanges
from mooring.platform.sharing import NewShare, Share

HOUR = 3_600_000


@pytest.fixture
async def home(platform: Platform, actor: Actor) -> Home:
    return await make_home(platform, actor)


async def share(home: Home, uid: str, use_ms: int | None = None, cover: int = 1, accept_ms: int = HOUR) -> Share:
    now = home.platform.clock.now_ms()
    new = NewShare(
        *home.keys,
        accept_until=now + accept_ms,
        use_until=None if use_ms is None else now + use_ms,
        cover=cover,
    )
    return await home.platform.sharing.share(home.actor, uid, new)


async def accept(home: Home, uid: str, code: str) -> None:
    await home.platform.sharing.accept(home.actor, uid, code)


async def refused(home: Home, uid: str, code: str) -> int | None:
    with pytest.raises(Conflict) as caught:
        await accept(home, uid, code)
    return caught.value.wire


async def given(home: Home, uid: str) -> list[Share]:
    return (await home.platform.sharing.given(home.actor.account_id, uid))[0]


async def test_a_share_gives_the_device_to_who_accepts_it(home: Home, clock: FakeClock) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    made = await share(home, owner, use_ms=2 * HOUR)
    assert (made.owner_uid, made.accepted_by, made.cover) == (owner, None, 1)
    assert await given(home, owner) == [made]
    await accept(home, guest, made.code)
    own, shared = await home.bindings()
    assert (shared.uid, shared.owner_id, shared.share_code) == (guest, own.end_user_id, made.code)
    assert shared.expires_at == clock.now_ms() + 2 * HOUR
    assert [entry.accepted_by for entry in await given(home, owner)] == [guest]
    assert home.told == [(owner, 1, None), (guest, 1, None)]


async def test_a_code_is_accepted_once(home: Home) -> None:
    owner, *guests = [await home.user(number) for number in range(5)]
    await home.bind(owner)
    made = await share(home, owner)
    outcomes = await asyncio.gather(*(accept(home, uid, made.code) for uid in guests), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"share_invalid"}
    assert len(await home.holders()) == 2


async def test_who_may_share(home: Home, platform: Platform, actor: Actor) -> None:
    owner, guest = await home.user(1), await home.user(2)
    with pytest.raises(Conflict) as caught:
        await share(home, owner)
    assert caught.value.wire == 5052
    await home.bind(owner)
    await accept(home, guest, (await share(home, owner)).code)
    with pytest.raises(Conflict) as caught:
        await share(home, guest)
    assert caught.value.wire == 5135
    await platform.products.update(actor, home.product.product_key, ProductChanges(device_sharing=False))
    with pytest.raises(Conflict) as caught:
        await share(home, owner)
    assert caught.value.wire == 5411
    assert await home.holders() == [owner, guest]  # what is shared already stays


async def test_who_may_accept(home: Home, platform: Platform, actor: Actor) -> None:
    owner, friend = await home.user(1), await home.user(2)
    other = await platform.end_user_apps.create(actor, NewEndUserApp("Other"))
    await platform.end_user_apps.add_product(actor, other.id, home.product.product_key)
    stranger = await home.user(1, other)
    await home.bind(owner)
    await home.bind(friend)
    made = await share(home, owner)
    assert await refused(home, owner, made.code) == 5139
    assert await refused(home, friend, made.code) == 5049
    assert await refused(home, stranger, made.code) == 5137
    assert await refused(home, friend, "nonsense") == 5137
    assert [entry.accepted_by for entry in await given(home, owner)] == [None]


@on_sqlite
async def test_deadlines_lie_ahead(home: Home) -> None:
    owner = await home.user(1)
    await home.bind(owner)
    for options in ({"accept_ms": 0}, {"use_ms": 0}):
        with pytest.raises(Invalid) as caught:
            await share(home, owner, **options)
        assert caught.value.wire == 5142
    with pytest.raises(Invalid) as caught:
        await share(home, owner, cover=4)
    assert caught.value.field == "cover"


async def test_a_share_is_accepted_in_time_or_not_at_all(home: Home, platform: Platform, clock: FakeClock) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    late, useless = await share(home, owner, accept_ms=1_000), await share(home, owner, use_ms=1_000)
    clock.advance(1_000)
    assert await refused(home, guest, late.code) == 5142
    assert await refused(home, guest, useless.code) == 5142
    clock.advance(26 * HOUR)
    await platform.sharing.forget_old()
    assert await given(home, owner) == []


async def test_a_share_that_has_run_out_counts_for_nothing_and_is_taken_away(
    home: Home, platform: Platform, clock: FakeClock
) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    await accept(home, guest, (await share(home, owner, use_ms=HOUR)).code)
    clock.advance(HOUR)
    user, _ = await platform.end_users.one(home.actor.account_id, guest)
    assert await platform.bindings.holds(user.id, home.device.id) is None
    assert await platform.bindings.of_user(user) == ([], 0)
    await platform.bindings.expire_due()
    assert home.told[-1] == (guest, 0, 3)
    told = len(home.told)
    await platform.bindings.expire_due()
    assert len(home.told) == told
    assert await given(home, owner) == []
    [entry] = await platform.ledger.entries(home.actor.account_id, rows=1)
    assert (entry.action, entry.actor) == ("binding.expire", "mooring")


@pytest.mark.parametrize(
    ("before_ms", "cover", "after_ms", "until_ms"),
    [
        (2 * HOUR, 1, HOUR, HOUR),
        (None, 1, HOUR, HOUR),
        (2 * HOUR, 2, HOUR, 3 * HOUR),
        (None, 2, HOUR, None),
        (HOUR, 2, None, None),
        (HOUR, 3, 2 * HOUR, 2 * HOUR),
        (HOUR, 3, HOUR, HOUR),
        (HOUR, 3, None, None),
    ],
)
async def test_what_becomes_of_a_share_that_is_there_already(
    home: Home, clock: FakeClock, before_ms: int | None, cover: int, after_ms: int | None, until_ms: int | None
) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    await accept(home, guest, (await share(home, owner, before_ms)).code)
    later = await share(home, owner, after_ms, cover)
    await accept(home, guest, later.code)
    _, shared = await home.bindings()
    assert shared.share_code == later.code
    assert shared.expires_at == (None if until_ms is None else clock.now_ms() + until_ms)
    assert [entry.code for entry in await given(home, owner)] == [later.code]
    news = [] if cover == 2 else [(guest, 0, 5)]
    assert home.told[2:] == [*news, (guest, 1, None)]


@pytest.mark.parametrize("before_ms", [2 * HOUR, None])
async def test_a_shorter_share_is_refused_under_cover_mark_3(home: Home, before_ms: int | None) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    await accept(home, guest, (await share(home, owner, before_ms)).code)
    assert await refused(home, guest, (await share(home, owner, HOUR, 3)).code) == 5151


# The end of a share


async def test_the_owner_takes_a_share_back(home: Home, platform: Platform, actor: Actor) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    made, still_open = await share(home, owner), await share(home, owner)
    await accept(home, guest, made.code)
    with pytest.raises(Missing):
        await platform.sharing.cancel(actor, guest, made.code)
    await platform.sharing.cancel(actor, owner, made.code)
    assert await home.holders() == [owner]
    assert home.told[-1] == (guest, 0, 4)
    await platform.sharing.cancel(actor, owner, still_open.code)
    assert await given(home, owner) == []
    assert await refused(home, guest, still_open.code) == 5137


async def test_taking_back_an_older_share_leaves_the_newer_one(home: Home, platform: Platform, actor: Actor) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    older, newer = await share(home, owner), await share(home, owner)
    await accept(home, guest, older.code)
    await accept(home, guest, newer.code)
    with pytest.raises(Missing):
        await platform.sharing.cancel(actor, owner, older.code)
    assert await home.holders() == [owner, guest]


async def test_the_receiver_gives_a_share_up(home: Home) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    await accept(home, guest, (await share(home, owner)).code)
    await home.unbind(guest)
    assert home.told[-1] == (guest, 0, 4)
    assert await home.holders() == [owner]
    assert await given(home, owner) == []


@pytest.mark.parametrize("way", ["unbind", "take over", "delete"])
async def test_what_was_shared_goes_with_the_owner(platform: Platform, actor: Actor, way: str) -> None:
    home = await make_home(platform, actor, bind_mode=ALTERNATE)
    owner, guest, next_one = [await home.user(number) for number in range(3)]
    await home.bind(owner)
    pending = await share(home, owner)
    await accept(home, guest, (await share(home, owner)).code)
    del home.told[:]
    if way == "unbind":
        await home.unbind(owner)
    elif way == "delete":
        await platform.end_users.delete(actor, owner)
    else:
        await home.bind(next_one)
    assert await home.holders() == ([next_one] if way == "take over" else [])
    assert home.told[:2] == [(owner, 0, 1), (guest, 0, 4)]
    assert await refused(home, guest, pending.code) == 5137


async def test_a_share_becomes_a_binding_of_ones_own(home: Home) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    await accept(home, guest, (await share(home, owner)).code)
    await home.bind(guest)
    assert [binding.is_own for binding in await home.bindings()] == [True, True]
    assert home.told[-2:] == [(guest, 0, 5), (guest, 1, None)]


async def test_shares_do_not_stand_in_the_way_of_a_single_owner(platform: Platform, actor: Actor) -> None:
    home = await make_home(platform, actor, bind_mode=SINGLE)
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    await accept(home, guest, (await share(home, owner)).code)
    assert await home.holders() == [owner, guest]
    with pytest.raises(Conflict) as caught:
        await home.bind(guest)
    assert caught.value.wire == 5412


async def test_a_reset_voids_shares_and_ends_codes(home: Home, platform: Platform, actor: Actor) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    pending = await share(home, owner)
    await accept(home, guest, (await share(home, owner)).code)
    await platform.devices.reset(actor, *home.keys)
    assert await home.holders() == []
    assert home.told[-2:] == [(owner, 2, 2), (guest, 2, 2)]
    assert await refused(home, guest, pending.code) == 5137


async def test_a_guest_who_is_deleted_leaves_the_owner_alone(home: Home, platform: Platform, actor: Actor) -> None:
    owner, guest = await home.user(1), await home.user(2)
    await home.bind(owner)
    await accept(home, guest, (await share(home, owner)).code)
    await platform.end_users.delete(actor, guest)
    assert await home.holders() == [owner]
    assert await given(home, owner) == []


async def test_another_account_shares_and_accepts_nothing(home: Home, platform: Platform, stranger: Any) -> None:
    owner = await home.user(1)
    await home.bind(owner)
    made = await share(home, owner)
    with pytest.raises(Missing):
        await platform.sharing.given(stranger.account_id, owner)
    with pytest.raises(Conflict):
        await platform.sharing.accept(stranger, owner, made.code)
