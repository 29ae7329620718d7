"""Apps: user domains and their secrets, products, who may see the users; domain-rules.md sections 9 and 12."""

import asyncio
import re

import pytest

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Conflict, Invalid, Missing, Platform
from mooring.platform.bindings import BindRequest
from mooring.platform.device_input import NewDevice
from mooring.platform.end_user_apps import EndUserAppChanges, EndUserApps, NewEndUserApp
from mooring.platform.end_user_entities import EndUserApp
from mooring.platform.end_user_input import NewEndUser
from mooring.platform.end_user_news import GrantNews, News
from mooring.platform.entities import App, Product
from mooring.store import Store, Vault


@pytest.fixture
def apps(platform: Platform) -> EndUserApps:
    return platform.end_user_apps


@pytest.fixture
async def home(apps: EndUserApps, actor: Actor) -> EndUserApp:
    return await apps.create(actor, NewEndUserApp("Home", "for families"))


async def test_a_new_app_has_a_user_domain_of_the_account(home: EndUserApp, actor: Actor, clock: FakeClock) -> None:
    assert home.user_domain == f"C.DM.{actor.account_id}.1"
    assert re.fullmatch("[A-Za-z0-9]{40}", home.domain_secret.reveal())
    assert (home.name, home.remark, home.enabled, home.created_at) == ("Home", "for families", True, clock.now_ms())
    assert (home.products, home.saas_apps) == ({}, {})


async def test_numbers_of_domains_are_never_given_twice(apps: EndUserApps, home: EndUserApp, actor: Actor) -> None:
    await apps.delete(actor, home.id)
    assert (await apps.create(actor, NewEndUserApp("Home"))).user_domain.endswith(".2")
    moved = NewEndUserApp("Moved", user_domain=f"C.DM.{actor.account_id}.7", domain_secret="s" * 40)
    assert (await apps.create(actor, moved)).domain_secret.reveal() == "s" * 40
    assert (await apps.create(actor, NewEndUserApp("Next"))).user_domain.endswith(".8")


async def test_apps_made_at_the_same_time_have_numbers_of_their_own(
    apps: EndUserApps, actor: Actor, store: Store, vault: Vault, clock: FakeClock
) -> None:
    later = FakeClock(clock.now_ms() + 60_000)  # ids of the two processes do not meet
    other = await Platform.open(store, vault, clock=later, entropy=FakeEntropy("other process"))
    made = await asyncio.gather(
        *(apps.create(actor, NewEndUserApp(f"A{number}")) for number in range(5)),
        *(other.end_user_apps.create(actor, NewEndUserApp(f"B{number}")) for number in range(5)),
    )
    assert sorted(int(app.user_domain.rpartition(".")[2]) for app in made) == list(range(1, 11))


@on_sqlite
@pytest.mark.parametrize(
    ("new", "field", "wire"),
    [
        (NewEndUserApp(""), "name", None),
        (NewEndUserApp("x" * 51), "name", None),
        (NewEndUserApp("A", "x" * 201), "remark", None),
        (NewEndUserApp("A", user_domain="C.DM.1.2"), "user_domain", None),
        (NewEndUserApp("A", user_domain="C.DM.x.2", domain_secret="s" * 40), "user_domain", 5013),
        (NewEndUserApp("A", user_domain="C.DM.1.2", domain_secret="short"), "domain_secret", None),
    ],
)
async def test_what_is_given_is_checked(
    apps: EndUserApps, actor: Actor, new: NewEndUserApp, field: str, wire: int | None
) -> None:
    with pytest.raises(Invalid) as caught:
        await apps.create(actor, new)
    assert (caught.value.field, caught.value.wire) == (field, wire)


async def test_name_and_domain_are_unique(apps: EndUserApps, home: EndUserApp, actor: Actor) -> None:
    with pytest.raises(Conflict) as by_name:
        await apps.create(actor, NewEndUserApp("Home"))
    with pytest.raises(Conflict) as by_domain:
        await apps.create(actor, NewEndUserApp("Away", user_domain=home.user_domain, domain_secret="s" * 40))
    assert (by_name.value.code, by_domain.value.code, by_domain.value.wire) == (
        "name_taken",
        "user_domain_taken",
        5014,
    )


async def test_the_secret_is_shown_with_an_audit_entry_and_reset(
    apps: EndUserApps, home: EndUserApp, actor: Actor, platform: Platform
) -> None:
    assert await apps.show_secret(actor, home.id) == home.domain_secret
    reset = await apps.reset_secret(actor, home.id)
    assert reset != home.domain_secret
    assert apps.one(actor.account_id, home.id).domain_secret == reset
    entries = await platform.ledger.entries(actor.account_id, rows=2)
    assert [entry.action for entry in entries] == ["end_user_app.reset_secret", "end_user_app.show_secret"]
    assert reset.reveal() not in str(entries)


async def test_secrets_survive_a_restart(
    apps: EndUserApps, home: EndUserApp, actor: Actor, store: Store, vault: Vault, clock: FakeClock, product: Product
) -> None:
    await apps.add_product(actor, home.id, product.product_key)
    again = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy())
    assert again.end_user_apps.one(actor.account_id, home.id) == apps.one(actor.account_id, home.id)


async def test_an_app_is_renamed_and_switched_off(apps: EndUserApps, home: EndUserApp, actor: Actor) -> None:
    changed = await apps.update(actor, home.id, EndUserAppChanges(name="House", enabled=False))
    assert (changed.name, changed.remark, changed.enabled) == ("House", "for families", False)
    with pytest.raises(Conflict, match="nothing differs"):
        await apps.update(actor, home.id, EndUserAppChanges(name="House"))


async def test_another_account_sees_nothing(apps: EndUserApps, home: EndUserApp, stranger: Actor) -> None:
    assert apps.all(stranger.account_id) == []
    with pytest.raises(Missing):
        await apps.show_secret(stranger, home.id)


async def test_only_an_app_without_users_is_deleted(
    apps: EndUserApps, home: EndUserApp, actor: Actor, platform: Platform
) -> None:
    user = await platform.end_users.create(actor, home.id, NewEndUser(phone="13800000000"))
    with pytest.raises(Conflict) as caught:
        await apps.delete(actor, home.id)
    assert (caught.value.code, caught.value.detail) == ("end_user_app_has_users", {"users": 1})
    await platform.end_users.delete(actor, user.uid)
    await apps.delete(actor, home.id)
    assert apps.all(actor.account_id) == []


# Products


async def test_products_are_associated_once(
    apps: EndUserApps, home: EndUserApp, product: Product, actor: Actor, clock: FakeClock
) -> None:
    assert (await apps.add_product(actor, home.id, product.product_key)).products == {product.id: clock.now_ms()}
    assert apps.products(actor.account_id, home.id) == [product]
    with pytest.raises(Conflict) as caught:
        await apps.add_product(actor, home.id, product.product_key)
    assert caught.value.wire == 5227
    assert (await apps.remove_product(actor, home.id, product.product_key)).products == {}
    with pytest.raises(Conflict) as caught:
        await apps.remove_product(actor, home.id, product.product_key)
    assert caught.value.wire == 5229


async def test_a_product_stays_while_its_devices_are_bound(
    apps: EndUserApps, home: EndUserApp, product: Product, actor: Actor, platform: Platform
) -> None:
    await apps.add_product(actor, home.id, product.product_key)
    await platform.devices.add(actor, product.product_key, NewDevice("DK00001"))
    user = await platform.end_users.create(actor, home.id, NewEndUser(phone="13800000000"))
    await platform.bindings.bind(actor, user.uid, BindRequest(product.product_key, "DK00001"))
    with pytest.raises(Conflict) as caught:
        await apps.remove_product(actor, home.id, product.product_key)
    assert (caught.value.code, caught.value.detail) == ("product_bound", {"bindings": 1})


async def test_a_deleted_product_is_gone_from_its_apps(
    apps: EndUserApps, home: EndUserApp, product: Product, actor: Actor, platform: Platform
) -> None:
    await apps.add_product(actor, home.id, product.product_key)
    await platform.products.delete(actor, product.product_key)
    assert apps.one(actor.account_id, home.id).products == {}


# SaaS applications


async def test_an_app_is_given_to_saas_applications_and_taken_away(
    apps: EndUserApps, home: EndUserApp, app: App, actor: Actor, platform: Platform, clock: FakeClock
) -> None:
    told: list[News] = []

    def listen(news: News) -> tuple[()]:
        told.append(news)
        return ()

    platform.end_user_news.listeners.append(listen)
    granted = await apps.authorize(actor, app.id, home.id)
    assert granted.saas_apps == {app.id: clock.now_ms()}
    assert platform.directory.end_user_apps_of(app.id) == [granted]
    with pytest.raises(Conflict, match="authorized already"):
        await apps.authorize(actor, app.id, home.id)
    await apps.cancel(actor, app.id, home.id)
    assert platform.directory.end_user_apps_of(app.id) == []
    with pytest.raises(Conflict, match="not authorized"):
        await apps.cancel(actor, app.id, home.id)
    assert [(news.saas_app.id, news.authorized) for news in told if isinstance(news, GrantNews)] == [
        (app.id, True),
        (app.id, False),
    ]


async def test_other_processes_see_a_cancellation(
    apps: EndUserApps,
    home: EndUserApp,
    app: App,
    actor: Actor,
    store: Store,
    vault: Vault,
    clock: FakeClock,
) -> None:
    await apps.authorize(actor, app.id, home.id)
    other = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy())
    assert len(other.directory.end_user_apps_of(app.id)) == 1
    await apps.cancel(actor, app.id, home.id)
    await other.directory.catch_up()
    assert other.directory.end_user_apps_of(app.id) == []


async def test_a_deleted_application_is_gone_from_the_apps(
    apps: EndUserApps, home: EndUserApp, app: App, actor: Actor, platform: Platform
) -> None:
    await apps.authorize(actor, app.id, home.id)
    await platform.saas_apps.delete(actor, app.id)
    assert apps.one(actor.account_id, home.id).saas_apps == {}
