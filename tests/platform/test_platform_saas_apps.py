"""SaaS applications: keys, packages, products, white lists; domain-rules.md section 9."""

import asyncio
import re
from typing import Any

import pytest

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Conflict, Invalid, LimitReached, Limits, Missing, Platform
from mooring.platform.entities import App, Product
from mooring.platform.products import NewProduct
from mooring.platform.saas_apps import AppChanges, NewApp, SaasApps
from mooring.store import Store, Vault, WriteRefused

PACKAGE = "message-subscription"
KEYS = {"access_key": "24b9zicjuns41H6MDg71AMnP", "access_secret": "6AE3p2SnA9ShP7ofigrccoeeks8DDoteJ1jUUTEz"}


@pytest.fixture
def apps(platform: Platform) -> SaasApps:
    return platform.saas_apps


@pytest.fixture
async def fleet(apps: SaasApps, actor: Actor) -> App:
    return await apps.create(actor, NewApp("Fleet", "Trucks"))


# Creation


async def test_a_new_application_is_on_and_has_nothing(apps: SaasApps, actor: Actor, clock: FakeClock) -> None:
    app = await apps.create(actor, NewApp("Fleet", "Trucks"))
    assert (app.name, app.description, app.enabled, app.api_access) == ("Fleet", "Trucks", True, True)
    assert (app.packages, app.allowed_addresses, app.address_list_enabled) == ({}, (), False)
    assert (app.created_at, app.updated_at, app.token_generation) == (clock.now_ms(), None, 0)
    assert apps.products(actor.account_id, app.id) == ()


@on_sqlite
async def test_keys_have_the_form_of_the_platforms(fleet: App) -> None:
    assert re.fullmatch("[A-Za-z0-9]{24}", fleet.access_key)
    assert re.fullmatch("[A-Za-z0-9]{40}", fleet.access_secret.reveal())


async def test_keys_given_by_the_caller_are_used(apps: SaasApps, actor: Actor) -> None:
    app = await apps.create(actor, NewApp("Moved", **KEYS))
    assert (app.access_key, app.access_secret.reveal()) == tuple(KEYS.values())


@on_sqlite
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"description": "x" * 201}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"access_key": KEYS["access_key"]}, "access_key"),
        ({"access_secret": KEYS["access_secret"]}, "access_key"),
        ({**KEYS, "access_key": "short12"}, "access_key"),
        ({**KEYS, "access_key": "x" * 65}, "access_key"),
        ({**KEYS, "access_key": "with-dash"}, "access_key"),
        ({**KEYS, "access_key": ""}, "access_key"),
        ({**KEYS, "access_secret": "x" * 15}, "access_secret"),
        ({**KEYS, "access_secret": "x" * 129}, "access_secret"),
        ({**KEYS, "access_secret": "with/slash/with/slash"}, "access_secret"),
        ({**KEYS, "access_secret": ""}, "access_secret"),
    ],
)
async def test_a_new_application_keeps_to_the_rules(
    apps: SaasApps, actor: Actor, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await apps.create(actor, NewApp(**{"name": "Fleet", **given}))
    assert caught.value.field == field
    assert apps.all(actor.account_id) == []


@on_sqlite
async def test_a_refusal_does_not_repeat_the_secret(apps: SaasApps, actor: Actor) -> None:
    with pytest.raises(Invalid) as caught:
        await apps.create(actor, NewApp("Fleet", access_key="24b9zicj", access_secret="s3cr3t-s3cr3t-s3cr3t"))
    assert "s3cr3t" not in str(caught.value)


@on_sqlite
async def test_a_name_is_kept_without_blanks_around(apps: SaasApps, actor: Actor) -> None:
    assert (await apps.create(actor, NewApp("  Fleet  "))).name == "Fleet"


async def test_a_name_is_used_once_in_an_account(apps: SaasApps, actor: Actor, fleet: App, stranger: Actor) -> None:
    with pytest.raises(Conflict) as caught:
        await apps.create(actor, NewApp("Fleet"))
    assert (caught.value.code, caught.value.field) == ("name_taken", "name")
    await apps.create(stranger, NewApp("Fleet"))


async def test_a_given_access_key_is_used_once_in_the_world(apps: SaasApps, actor: Actor, stranger: Actor) -> None:
    await apps.create(actor, NewApp("Fleet", **KEYS))
    with pytest.raises(Conflict) as caught:
        await apps.create(stranger, NewApp("Fleet", **KEYS))
    assert (caught.value.code, caught.value.field) == ("access_key_taken", "access_key")


async def test_a_made_access_key_that_is_taken_is_made_anew(
    apps: SaasApps, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps, "_entropy", FakeEntropy("same"))
    first = await apps.create(actor, NewApp("One"))
    monkeypatch.setattr(apps, "_entropy", FakeEntropy("same"))
    assert (await apps.create(actor, NewApp("Two"))).access_key != first.access_key


@on_sqlite
async def test_a_limit_of_applications_is_named(store: Store, vault: Vault, clock: FakeClock, actor: Actor) -> None:
    limited = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy("limited"), limits=Limits(max_apps=1))
    await limited.saas_apps.create(actor, NewApp("One"))
    with pytest.raises(LimitReached, match="1 SaaS applications"):
        await limited.saas_apps.create(actor, NewApp("Two"))


@on_sqlite
async def test_applications_are_listed_newest_first(apps: SaasApps, actor: Actor, clock: FakeClock) -> None:
    for name in ("One", "Two"):
        clock.advance(1)
        await apps.create(actor, NewApp(name))
    assert [app.name for app in apps.all(actor.account_id)] == ["Two", "One"]


async def test_an_application_of_another_account_is_not_there(
    apps: SaasApps, fleet: App, stranger: Actor, product: Product
) -> None:
    for attempt in (
        apps.update(stranger, fleet.id, AppChanges(name="Mine")),
        apps.delete(stranger, fleet.id),
        apps.show_secret(stranger, fleet.id),
        apps.reset_secret(stranger, fleet.id),
        apps.authorize_package(stranger, fleet.id, PACKAGE),
        apps.cancel_package(stranger, fleet.id, PACKAGE),
        apps.authorize_product(stranger, fleet.id, product.product_key),
        apps.cancel_product(stranger, fleet.id, product.product_key),
    ):
        with pytest.raises(Missing) as caught:
            await attempt
        assert caught.value.code == "no_such_app"
    assert apps.all(stranger.account_id) == []


# Changes

CHANGES: dict[str, tuple[AppChanges, dict[str, object]]] = {
    "name": (AppChanges(name=" Ships "), {"name": "Ships"}),
    "description": (AppChanges(description="Ships"), {"description": "Ships"}),
    "no description": (AppChanges(description=""), {"description": ""}),
    "off": (AppChanges(enabled=False), {"enabled": False, "token_generation": 1}),
    "no api": (AppChanges(api_access=False), {"api_access": False, "token_generation": 0}),
    "addresses": (
        AppChanges(allowed_addresses=["10.0.0.1", "::ffff:10.0.0.2", "2001:DB8::/32"]),
        {"allowed_addresses": ("10.0.0.1/32", "10.0.0.2/32", "2001:db8::/32"), "address_list": None},
    ),
}


@pytest.mark.parametrize("case", CHANGES.values(), ids=CHANGES)
async def test_a_change_changes_what_it_names_and_nothing_else(
    apps: SaasApps, actor: Actor, fleet: App, clock: FakeClock, case: tuple[AppChanges, dict[str, object]]
) -> None:
    changes, expected = case
    clock.advance(1)
    app = await apps.update(actor, fleet.id, changes)
    before = {name: getattr(fleet, name) for name in App.__struct_fields__}
    after = {name: getattr(app, name) for name in App.__struct_fields__}
    assert after == {**before, **expected, "updated_at": clock.now_ms()}


@on_sqlite
async def test_a_white_list_that_is_on_is_applied(apps: SaasApps, actor: Actor, fleet: App) -> None:
    app = await apps.update(actor, fleet.id, AppChanges(address_list_enabled=True, allowed_addresses=["10.0.0.0/8"]))
    assert app.address_list is not None
    assert app.address_list.allows("10.1.2.3")


@on_sqlite
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (AppChanges(name=""), "name"),
        (AppChanges(name="x" * 51), "name"),
        (AppChanges(description="x" * 201), "description"),
        (AppChanges(allowed_addresses=["nowhere"]), "allowed_addresses"),
        (AppChanges(address_list_enabled=True), "allowed_addresses"),
        (AppChanges(address_list_enabled=True, allowed_addresses=[]), "allowed_addresses"),
    ],
)
async def test_a_change_keeps_to_the_rules(
    apps: SaasApps, actor: Actor, fleet: App, changes: AppChanges, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await apps.update(actor, fleet.id, changes)
    assert caught.value.field == field
    assert apps.one(actor.account_id, fleet.id) == fleet


@on_sqlite
async def test_a_white_list_that_is_on_cannot_be_emptied(apps: SaasApps, actor: Actor, fleet: App) -> None:
    await apps.update(actor, fleet.id, AppChanges(address_list_enabled=True, allowed_addresses=["10.0.0.1"]))
    with pytest.raises(Invalid):
        await apps.update(actor, fleet.id, AppChanges(allowed_addresses=[]))


@on_sqlite
@pytest.mark.parametrize("changes", [AppChanges(), AppChanges(name="Fleet"), AppChanges(enabled=True)])
async def test_a_change_that_changes_nothing_is_refused(
    apps: SaasApps, actor: Actor, fleet: App, changes: AppChanges
) -> None:
    with pytest.raises(Conflict) as caught:
        await apps.update(actor, fleet.id, changes)
    assert caught.value.code == "nothing_to_change"


async def test_a_name_cannot_be_changed_to_a_taken_one(apps: SaasApps, actor: Actor, fleet: App) -> None:
    other = await apps.create(actor, NewApp("Ships"))
    with pytest.raises(Conflict) as caught:
        await apps.update(actor, other.id, AppChanges(name="Fleet"))
    assert caught.value.code == "name_taken"


async def test_of_two_authors_at_once_the_second_is_refused(apps: SaasApps, actor: Actor, fleet: App) -> None:
    outcomes = await asyncio.gather(
        apps.update(actor, fleet.id, AppChanges(name="One")),
        apps.update(actor, fleet.id, AppChanges(description="Two")),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, WriteRefused)]
    assert [error.guard for error in refused] == ["SaaS application Fleet"]
    app = apps.one(actor.account_id, fleet.id)
    assert (app.name, app.description) in {("One", "Trucks"), ("Fleet", "Two")}


async def test_authors_one_after_another_are_served_while_the_clock_stands(
    apps: SaasApps, actor: Actor, fleet: App
) -> None:
    times = [(await apps.update(actor, fleet.id, AppChanges(name=str(number)))).updated_at for number in range(3)]
    assert times == sorted(set(times), key=lambda time: time or 0)


async def test_authors_one_after_another_are_served_when_the_clock_goes_back(
    apps: SaasApps, actor: Actor, fleet: App, clock: FakeClock
) -> None:
    for number in range(3):
        clock.step(-60_000)
        assert (await apps.update(actor, fleet.id, AppChanges(name=str(number)))).name == str(number)


# Secrets


@on_sqlite
async def test_the_secret_is_shown_on_demand(apps: SaasApps, actor: Actor, fleet: App) -> None:
    assert await apps.show_secret(actor, fleet.id) == fleet.access_secret


async def test_a_reset_gives_another_secret_and_moves_the_generation_on(
    apps: SaasApps, actor: Actor, fleet: App
) -> None:
    secret = await apps.reset_secret(actor, fleet.id)
    app = apps.one(actor.account_id, fleet.id)
    assert app.access_secret == secret != fleet.access_secret
    assert (app.access_key, app.token_generation) == (fleet.access_key, 1)


async def test_the_generation_moves_with_each_loss_of_trust_and_not_otherwise(
    apps: SaasApps, actor: Actor, fleet: App
) -> None:
    off, on = AppChanges(enabled=False), AppChanges(enabled=True)
    generations = [
        (await apps.update(actor, fleet.id, changes)).token_generation
        for changes in (off, AppChanges(name="Ships"), on, off)
    ]
    await apps.reset_secret(actor, fleet.id)
    assert [*generations, apps.one(actor.account_id, fleet.id).token_generation] == [1, 1, 1, 2, 3]


async def test_resets_at_once_each_move_the_generation(apps: SaasApps, actor: Actor, fleet: App) -> None:
    await asyncio.gather(*(apps.reset_secret(actor, fleet.id) for _ in range(5)))
    assert apps.one(actor.account_id, fleet.id).token_generation == 5


# Packages


async def test_an_activated_package_is_authorized_with_its_time(
    platform: Platform, actor: Actor, fleet: App, clock: FakeClock
) -> None:
    await platform.service_market.activate(actor, PACKAGE)
    clock.advance(5)
    app = await platform.saas_apps.authorize_package(actor, fleet.id, PACKAGE)
    assert app.packages == {PACKAGE: clock.now_ms()}


async def test_a_package_that_is_not_activated_is_not_authorized(apps: SaasApps, actor: Actor, fleet: App) -> None:
    with pytest.raises(Conflict) as caught:
        await apps.authorize_package(actor, fleet.id, PACKAGE)
    assert (caught.value.code, caught.value.wire) == ("package_inactive", 91007)


async def test_a_package_is_authorized_and_cancelled_once(platform: Platform, actor: Actor, fleet: App) -> None:
    await platform.service_market.activate(actor, PACKAGE)
    await platform.saas_apps.authorize_package(actor, fleet.id, PACKAGE)
    with pytest.raises(Conflict) as caught:
        await platform.saas_apps.authorize_package(actor, fleet.id, PACKAGE)
    assert caught.value.code == "package_authorized"
    assert (await platform.saas_apps.cancel_package(actor, fleet.id, PACKAGE)).packages == {}
    with pytest.raises(Conflict) as caught:
        await platform.saas_apps.cancel_package(actor, fleet.id, PACKAGE)
    assert caught.value.code == "package_not_authorized"


@on_sqlite
async def test_a_package_the_market_does_not_offer_is_missing(apps: SaasApps, actor: Actor, fleet: App) -> None:
    for change in (apps.authorize_package, apps.cancel_package):
        with pytest.raises(Missing) as caught:
            await change(actor, fleet.id, "x")
        assert caught.value.code == "no_such_package"


# Products


async def test_an_authorized_product_belongs_to_the_application(
    apps: SaasApps, actor: Actor, fleet: App, product: Product
) -> None:
    assert (await apps.authorize_product(actor, fleet.id, product.product_key)).app_id == fleet.id
    assert [entry.id for entry in apps.products(actor.account_id, fleet.id)] == [product.id]


async def test_a_taken_product_is_refused_and_its_holder_named(
    apps: SaasApps, actor: Actor, fleet: App, product: Product
) -> None:
    other = await apps.create(actor, NewApp("Ships"))
    await apps.authorize_product(actor, fleet.id, product.product_key)
    for app in (other, fleet):
        with pytest.raises(Conflict, match="authorized to Fleet") as caught:
            await apps.authorize_product(actor, app.id, product.product_key)
        assert (caught.value.code, caught.value.detail) == ("product_taken", {"app": "Fleet"})
    assert apps.products(actor.account_id, other.id) == ()


async def test_of_two_applications_that_want_a_product_at_once_one_gets_it(
    apps: SaasApps, actor: Actor, fleet: App, product: Product
) -> None:
    other = await apps.create(actor, NewApp("Ships"))
    outcomes = await asyncio.gather(
        *(apps.authorize_product(actor, app.id, product.product_key) for app in (fleet, other)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Product"]


async def test_a_cancelled_product_is_free_for_another_application(
    apps: SaasApps, actor: Actor, fleet: App, product: Product
) -> None:
    other = await apps.create(actor, NewApp("Ships"))
    await apps.authorize_product(actor, fleet.id, product.product_key)
    await apps.cancel_product(actor, fleet.id, product.product_key)
    assert apps.products(actor.account_id, fleet.id) == ()
    await apps.authorize_product(actor, other.id, product.product_key)


async def test_a_product_is_cancelled_by_its_holder_only(
    apps: SaasApps, actor: Actor, fleet: App, product: Product
) -> None:
    other = await apps.create(actor, NewApp("Ships"))
    await apps.authorize_product(actor, fleet.id, product.product_key)
    with pytest.raises(Conflict) as caught:
        await apps.cancel_product(actor, other.id, product.product_key)
    assert caught.value.code == "product_not_authorized"
    assert [entry.id for entry in apps.products(actor.account_id, fleet.id)] == [product.id]


async def test_a_product_of_another_account_cannot_be_authorized(
    apps: SaasApps, platform: Platform, actor: Actor, fleet: App, stranger: Actor
) -> None:
    theirs = await platform.products.create(stranger, NewProduct("Theirs"))
    with pytest.raises(Missing) as caught:
        await apps.authorize_product(actor, fleet.id, theirs.product_key)
    assert caught.value.wire == 70017


@on_sqlite
async def test_products_of_an_application_are_listed_newest_first(
    apps: SaasApps, platform: Platform, actor: Actor, fleet: App, clock: FakeClock
) -> None:
    made = []
    for name in ("one", "two", "three"):
        clock.advance(1)
        made.append((await platform.products.create(actor, NewProduct(name))).product_key)
    for product_key in (made[1], made[0], made[2]):
        await apps.authorize_product(actor, fleet.id, product_key)
    assert [entry.product_key for entry in apps.products(actor.account_id, fleet.id)] == made[::-1]


# Deletion


async def test_a_deleted_application_is_gone_and_its_products_are_free(
    apps: SaasApps, platform: Platform, actor: Actor, fleet: App, product: Product
) -> None:
    await apps.authorize_product(actor, fleet.id, product.product_key)
    await apps.delete(actor, fleet.id)
    assert apps.all(actor.account_id) == []
    assert platform.directory.app_by_key(fleet.access_key) is None
    assert platform.products.one(actor.account_id, product.product_key).app_id is None
    other = await apps.create(actor, NewApp("Fleet"))
    await apps.authorize_product(actor, other.id, product.product_key)


@on_sqlite
async def test_an_application_is_deleted_once(apps: SaasApps, actor: Actor, fleet: App) -> None:
    await apps.delete(actor, fleet.id)
    with pytest.raises(Missing):
        await apps.delete(actor, fleet.id)
