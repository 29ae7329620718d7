"""Binding devices to end users and giving them up; domain-rules.md section 12, messages.md 4.5."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from home import Home, make_home
from mooring.platform import Actor, Conflict, Invalid, Missing, Platform
from mooring.platform.binding_codes import report_code
from mooring.platform.bindings import BindRequest
from mooring.platform.device_input import NewDevice
from mooring.platform.end_user_apps import EndUserAppChanges, NewEndUserApp
from mooring.platform.end_user_entities import VALID, VOID
from mooring.platform.entities import App, Product
from mooring.platform.journal import Entry
from mooring.platform.products import ALTERNATE, MULTI, SINGLE, NewProduct, ProductChanges
from mooring.protocol.commands import BindCodeReport
from mooring.store import Store, Vault

CODE = "0123456789abcdef"


class Nothing:
    """Nothing ends."""

    writes = messages = changed = ()


@pytest.fixture
async def home(platform: Platform, actor: Actor) -> Home:
    return await make_home(platform, actor)


async def show_code(home: Home, code: str = CODE, valid_s: int | None = 600) -> str | None:
    entry = Entry()
    wrong = report_code(entry, home.device.id, BindCodeReport(code.encode(), valid_s), home.platform.clock.now_ms())
    await home.platform.journal.commit(entry)
    return wrong


def wire(caught: pytest.ExceptionInfo[Any]) -> int | None:
    found: int | None = caught.value.wire
    return found


async def test_a_device_is_bound_by_its_keys(home: Home, clock: FakeClock) -> None:
    uid = await home.user(1)
    bound = await home.bind(uid)
    assert (bound.device.id, bound.product) == (home.device.id, home.product)
    [binding] = await home.bindings()
    assert binding == bound.binding
    assert (binding.uid, binding.binding_type, binding.bind_mode, binding.verified) == (uid, 3, MULTI, False)
    assert (binding.status, binding.is_own, binding.bound_at, binding.expires_at) == (VALID, True, clock.now_ms(), None)
    assert home.told == [(uid, 1, None)]


async def test_a_device_is_bound_by_its_serial_number(home: Home) -> None:
    bound = await home.bind(await home.user(1), sn="SN1")
    assert (bound.device.device_key, bound.binding.binding_type) == ("DK00001", 1)
    with pytest.raises(Missing) as caught:
        await home.bind(await home.user(2), sn="SN2")
    assert wire(caught) == 5493


@on_sqlite
async def test_a_device_is_named_in_one_way(home: Home) -> None:
    uid = await home.user(1)
    for given in ({"device_key": "DK00001", "sn": "SN1"}, {"binding_code": CODE}):
        with pytest.raises(Invalid) as caught:
            await home.bind(uid, **given)
        assert wire(caught) == 5067


async def test_only_products_of_the_app_can_be_bound(home: Home, platform: Platform, actor: Actor) -> None:
    other = await platform.end_user_apps.create(actor, NewEndUserApp("Other"))
    with pytest.raises(Conflict) as caught:
        await home.bind(await home.user(1, other))
    assert wire(caught) == 5229


async def test_who_is_disabled_binds_nothing(home: Home, platform: Platform, actor: Actor) -> None:
    uid = await home.user(1)
    await platform.end_users.set_enabled(actor, uid, enabled=False)
    with pytest.raises(Conflict) as caught:
        await home.bind(uid)
    assert wire(caught) == 5486
    await platform.end_users.set_enabled(actor, uid, enabled=True)
    await platform.end_user_apps.update(actor, home.app.id, EndUserAppChanges(enabled=False))
    with pytest.raises(Conflict) as caught:
        await home.bind(uid)
    assert wire(caught) == 5486


async def test_the_same_user_binds_once(home: Home) -> None:
    uid = await home.user(1)
    await home.bind(uid)
    with pytest.raises(Conflict) as caught:
        await home.bind(uid)
    assert wire(caught) == 5049


# Modes


async def test_many_users_of_a_product_for_many(home: Home) -> None:
    users = [await home.user(number) for number in (1, 2, 3)]
    for uid in users:
        await home.bind(uid)
    assert await home.holders() == users


async def test_one_user_of_a_product_for_one(platform: Platform, actor: Actor) -> None:
    home = await make_home(platform, actor, bind_mode=SINGLE)
    first, second = await home.user(1), await home.user(2)
    await home.bind(first)
    with pytest.raises(Conflict) as caught:
        await home.bind(second)
    assert wire(caught) == 5412
    await home.unbind(first)
    await home.bind(second)
    assert await home.holders() == [second]


async def test_the_next_user_takes_over_where_they_alternate(platform: Platform, actor: Actor) -> None:
    home = await make_home(platform, actor, bind_mode=ALTERNATE)
    first, second = await home.user(1), await home.user(2)
    await home.bind(first)
    await home.bind(second)
    assert await home.holders() == [second]
    assert home.told == [(first, 1, None), (first, 0, 1), (second, 1, None)]


@pytest.mark.parametrize("bind_mode", [SINGLE, ALTERNATE])
async def test_users_of_other_apps_do_not_collide(platform: Platform, actor: Actor, bind_mode: int) -> None:
    home = await make_home(platform, actor, bind_mode=bind_mode)
    other = await platform.end_user_apps.create(actor, NewEndUserApp("Other"))
    await platform.end_user_apps.add_product(actor, other.id, home.product.product_key)
    first, second = await home.user(1), await home.user(1, other)
    await home.bind(first)
    await home.bind(second)
    assert await home.holders() == [first, second]


async def test_of_many_who_bind_at_the_same_time_one_gets_the_device(
    platform: Platform, actor: Actor, store: Store, vault: Vault, clock: FakeClock
) -> None:
    home = await make_home(platform, actor, bind_mode=SINGLE)
    later = FakeClock(clock.now_ms() + 60_000)  # ids of the two processes do not meet
    other = await Platform.open(store, vault, clock=later, entropy=FakeEntropy("other process"))
    users = [await home.user(number) for number in range(8)]
    request = BindRequest(*home.keys)
    outcomes = await asyncio.gather(
        *((platform, other)[n % 2].bindings.bind(actor, uid, request) for n, uid in enumerate(users)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert len(refused) == 7
    assert {refusal.code for refusal in refused} <= {"bound_by_another", "busy"}
    assert len(await home.holders()) == 1


async def test_the_mode_is_fixed_once_somebody_has_bound(home: Home, platform: Platform, actor: Actor) -> None:
    uid = await home.user(1)
    key = home.product.product_key
    assert (await platform.products.update(actor, key, ProductChanges(bind_mode=SINGLE))).bind_mode == SINGLE
    await home.bind(uid)
    with pytest.raises(Conflict) as caught:
        await platform.products.update(actor, key, ProductChanges(bind_mode=MULTI))
    assert wire(caught) == 5410
    assert not (await platform.products.update(actor, key, ProductChanges(device_sharing=False))).device_sharing
    await home.unbind(uid)
    assert (await platform.products.update(actor, key, ProductChanges(bind_mode=MULTI))).bind_mode == MULTI


@on_sqlite
async def test_bluetooth_devices_have_one_user_at_a_time(platform: Platform, actor: Actor) -> None:
    with pytest.raises(Invalid) as caught:
        await platform.products.create(actor, NewProduct("Ring", net_way="5", bind_mode=MULTI))
    assert wire(caught) == 5413
    assert (await platform.products.create(actor, NewProduct("Ring", net_way="5"))).bind_mode == ALTERNATE


# Binding codes


async def test_a_binding_code_proves_possession_once(home: Home) -> None:
    await show_code(home)
    bound = await home.bind(await home.user(1), device_key="DK00001", binding_code=CODE.upper())
    assert (bound.binding.verified, bound.binding.binding_type) == (True, 2)
    with pytest.raises(Conflict) as caught:
        await home.bind(await home.user(2), device_key="DK00001", binding_code=CODE)
    assert wire(caught) == 5460


async def test_proof_turns_a_binding_real(home: Home) -> None:
    uid = await home.user(1)
    await home.bind(uid)
    await show_code(home)
    await home.bind(uid, device_key="DK00001", binding_code=CODE)
    [binding] = await home.bindings()
    assert binding.verified
    assert home.told == [(uid, 1, None), (uid, 1, 9)]


async def test_each_fault_of_a_binding_code_has_its_number(home: Home, clock: FakeClock) -> None:
    uid = await home.user(1)
    for code, number in (("0123", 5213), (CODE, 5460)):
        with pytest.raises((Invalid, Conflict)) as caught:
            await home.bind(uid, device_key="DK00001", binding_code=code)
        assert wire(caught) == number
    await show_code(home, valid_s=60)
    with pytest.raises(Conflict) as caught:
        await home.bind(uid, device_key="DK00001", binding_code="f" * 16)
    assert wire(caught) == 5462
    clock.advance(60_000)
    with pytest.raises(Conflict) as caught:
        await home.bind(uid, device_key="DK00001", binding_code=CODE)
    assert wire(caught) == 5461
    assert await home.holders() == []


async def test_a_later_code_replaces_one_and_a_limit_of_0_takes_it_back(home: Home, platform: Platform) -> None:
    await show_code(home)
    await show_code(home, "f" * 16)
    with pytest.raises(Conflict) as caught:
        await platform.binding_codes.check(home.device, CODE)
    assert wire(caught) == 5462
    await platform.binding_codes.check(home.device, "F" * 16)
    await show_code(home, valid_s=0)
    with pytest.raises(Conflict) as caught:
        await platform.binding_codes.check(home.device, "F" * 16)
    assert wire(caught) == 5460


@on_sqlite
@pytest.mark.parametrize(("code", "valid_s"), [(CODE, 3_601), (CODE, -1), ("0123", 60), ("x" * 16, 60), ("é" * 8, 60)])
async def test_a_code_that_cannot_be_used_is_said_to_be_wrong(home: Home, code: str, valid_s: int) -> None:
    assert await show_code(home, code, valid_s) is not None
    with pytest.raises(Conflict) as caught:
        await home.platform.binding_codes.check(home.device, CODE)
    assert wire(caught) == 5460


async def test_the_code_itself_is_not_in_the_database(home: Home, store: Store, database: Path | str) -> None:
    await show_code(home)
    if isinstance(database, Path):
        found = b"".join(path.read_bytes() for path in database.parent.glob(f"{database.name}*"))
        assert CODE.encode() not in found


# The end of a binding


async def test_unbinding_ends_a_binding(home: Home) -> None:
    uid = await home.user(1)
    with pytest.raises(Conflict) as caught:
        await home.unbind(uid)
    assert wire(caught) == 5052
    await home.bind(uid)
    await home.unbind(uid)
    assert await home.bindings() == []
    assert home.told == [(uid, 1, None), (uid, 0, 1)]


async def test_a_reset_voids_bindings_until_they_are_made_anew(home: Home, platform: Platform, actor: Actor) -> None:
    uid = await home.user(1)
    await home.bind(uid)
    await show_code(home)
    await platform.devices.reset(actor, *home.keys)
    [binding] = await home.bindings()
    assert (binding.status, binding.voided_at) == (VOID, platform.clock.now_ms())
    assert await platform.bindings.holds(binding.end_user_id, home.device.id) is None
    with pytest.raises(Conflict) as caught:
        await platform.binding_codes.check(home.device, CODE)
    assert wire(caught) == 5460
    await home.bind(uid)
    assert await home.holders() == [uid]
    assert home.told == [(uid, 1, None), (uid, 2, 2), (uid, 1, None)]


async def test_a_void_binding_stands_in_nobodys_way(platform: Platform, actor: Actor) -> None:
    home = await make_home(platform, actor, bind_mode=SINGLE)
    first, second = await home.user(1), await home.user(2)
    await home.bind(first)
    await platform.devices.reset(actor, *home.keys)
    await home.bind(second)
    assert await home.holders() == [second]
    await home.unbind(first)  # clears it from the first user's list, without news
    assert home.told[-1] == (second, 1, None)


async def test_bindings_end_with_their_product(home: Home, platform: Platform, actor: Actor) -> None:
    first, second, left = [await home.user(number) for number in (1, 2, 3)]
    await platform.devices.add(actor, home.product.product_key, NewDevice("DK00002"))
    await home.bind(left)
    await platform.devices.reset(actor, *home.keys)  # of what is void everybody was told
    await home.bind(first)
    await home.bind(second, device_key="DK00002")
    kept = await platform.products.create(actor, NewProduct("Kept"))
    await platform.end_user_apps.add_product(actor, home.app.id, kept.product_key)
    await platform.devices.add(actor, kept.product_key, NewDevice("DK00003"))
    await platform.bindings.bind(actor, first, BindRequest(kept.product_key, device_key="DK00003"))
    home.told.clear()
    await platform.products.delete(actor, home.product.product_key, force=True)
    assert sorted(home.told) == sorted([(first, 0, 1), (second, 0, 1)])
    user, _ = await platform.end_users.one(actor.account_id, first)
    bound, count = await platform.bindings.of_user(user)
    assert ([one.product.product_key for one in bound], count) == ([kept.product_key], 1)


async def test_a_binding_that_comes_while_a_product_is_deleted_is_told_of_too(
    home: Home, platform: Platform, actor: Actor
) -> None:
    first, second = await home.user(1), await home.user(2)
    await home.bind(first)
    late = [second]

    async def meanwhile(_: Product) -> Nothing:
        if late:
            await home.bind(late.pop())
        return Nothing()

    platform.products.releases.append(meanwhile)
    await platform.products.delete(actor, home.product.product_key, force=True)
    assert {(uid, value) for uid, value, _ in home.told if not value} == {(first, 0), (second, 0)}


async def test_a_deleted_device_is_bound_no_more(home: Home, platform: Platform, actor: Actor) -> None:
    uid = await home.user(1)
    await home.bind(uid)
    await platform.devices.delete(actor, *home.keys)
    assert home.told[-1] == (uid, 0, 1)
    user, _ = await platform.end_users.one(actor.account_id, uid)
    assert await platform.bindings.of_user(user) == ([], 0)
    await platform.devices.add(actor, home.product.product_key, NewDevice("DK00001"))
    assert await home.bindings() == []


async def test_a_device_bound_while_it_is_deleted_is_not_left_bound(
    home: Home, platform: Platform, actor: Actor
) -> None:
    users = [await home.user(number) for number in range(4)]
    outcomes = await asyncio.gather(
        *(home.bind(uid) for uid in users), platform.devices.delete(actor, *home.keys), return_exceptions=True
    )
    assert outcomes[-1] is None
    for uid in users:
        user, _ = await platform.end_users.one(actor.account_id, uid)
        assert await platform.bindings.of_user(user) == ([], 0)


async def test_a_deleted_user_leaves_no_binding(home: Home, platform: Platform, actor: Actor) -> None:
    uid, other = await home.user(1), await home.user(2)
    await home.bind(uid)
    await home.bind(other)
    await platform.end_users.delete(actor, uid)
    assert await home.holders() == [other]
    assert home.told[-1] == (uid, 0, 1)
    with pytest.raises(Missing):
        await platform.end_users.one(actor.account_id, uid)


async def test_a_users_devices_are_listed_newest_first(
    home: Home, platform: Platform, actor: Actor, clock: FakeClock
) -> None:
    uid = await home.user(1)
    await home.bind(uid)
    for number in range(2, 5):
        clock.advance(10)
        key = f"DK0000{number}"
        await platform.devices.add(actor, home.product.product_key, NewDevice(key))
        await home.bind(uid, device_key=key)
    user, _ = await platform.end_users.one(actor.account_id, uid)
    found, total = await platform.bindings.of_user(user, skip=1, rows=2)
    assert ([bound.device.device_key for bound in found], total) == (["DK00003", "DK00002"], 4)


async def test_users_who_have_a_device_are_found(home: Home, platform: Platform, actor: Actor, app: App) -> None:
    first, _, third = [await home.user(number) for number in (1, 2, 3)]
    await home.bind(first)
    await home.bind(third)
    other = await platform.products.create(actor, NewProduct("Other"))
    user, _ = await platform.end_users.one(actor.account_id, third)

    async def found(product: Any, only: Any, of_app: Any = None) -> set[str]:
        users, total = await platform.bindings.users(app, of_app, product, only, skip=0, rows=10)
        assert total == len(users)
        return {user.uid for user, _ in users}

    assert await found(None, None) == set()
    await platform.end_user_apps.authorize(actor, app.id, home.app.id)
    assert await found(None, None) == {first, third}
    assert await found(None, None, home.app) == {first, third}
    assert await found(home.product, user) == {third}
    assert await found(other, None) == set()


async def test_every_change_is_audited_without_secrets(home: Home, platform: Platform, actor: Actor) -> None:
    uid = await home.user(1)
    await show_code(home)
    await home.bind(uid, device_key="DK00001", binding_code=CODE)
    await home.unbind(uid)
    entries = await platform.ledger.entries(actor.account_id, rows=2)
    assert [(entry.action, entry.target, entry.detail) for entry in entries] == [
        ("binding.unbind", "/".join(home.keys), {"uid": uid}),
        ("binding.bind", "/".join(home.keys), {"uid": uid, "verified": True}),
    ]
