"""Two processes over one PostgreSQL database: what one changes the other shows, and what is stale decides nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from databases import on_sqlite, open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Directory, Platform, Reason, Refused
from mooring.platform import directory as directory_module
from mooring.platform.entities import PACKAGES, App, Product
from mooring.platform.products import NewProduct, ProductChanges
from mooring.platform.saas_apps import AppChanges, NewApp
from mooring.protocol.login import build_username, sign
from mooring.store import Query, StoreUnavailable, Vault, Write
from mooring.store.postgres import PostgresStore

PACKAGE = "product-and-device-management"
MODEL = Path(__file__).parents[2] / "contract/tsl-samples/smart-plug.json"


@dataclass
class Two:
    """Process `a` makes changes, process `b` has to show them."""

    a: Platform
    b: Platform
    actor: Actor
    clock: FakeClock
    app: App
    product: Product

    async def agree(self) -> None:
        await self.b.directory.catch_up()
        assert everything(self.b.directory) == everything(self.a.directory)


def everything(directory: Directory) -> dict[str, object]:
    accounts = sorted(directory.accounts(), key=lambda entry: entry.id)
    apps = [app for account in accounts for app in directory.apps(account.id)]
    products = [product for account in accounts for product in directory.products(account.id)]
    return {
        "accounts": [fields(entry) for entry in accounts],
        "administrators": {entry.id: fields(entry) for entry in directory.administrators()},
        "tokens": {entry.id: fields(entry) for entry in directory.tokens()},
        "apps": [fields(app) for app in apps],
        "apps by key": [directory.app_by_key(app.access_key) is directory.app(app.id) for app in apps],
        "products": [fields(product) for product in products],
        "products by key": [
            directory.product_by_key(product.product_key) is directory.product(product.id) for product in products
        ],
        "products of": [[product.id for product in directory.products_of(app.id)] for app in apps],
        "version": directory.version,
    }


def fields(entity: msgspec.Struct) -> dict[str, Any]:
    """The members of an entity that compare by value."""
    values = msgspec.structs.asdict(entity)
    values.pop("address_list", None)
    if isinstance(entity, Product) and entity.model is not None:
        values["model"] = (entity.model.version, entity.model.exports)
    return values


@pytest.fixture
async def two(postgres_url: str, vault: Vault, clock: FakeClock) -> AsyncIterator[Two]:
    stores = [await PostgresStore.open(postgres_url, connections=3) for _ in range(2)]
    a, b = [
        await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(name))
        for store, name in zip(stores, "ab", strict=True)
    ]
    made = await a.accounts.bootstrap("admin@example.com")
    assert made is not None
    actor = Actor(made.account.id, made.email, "192.0.2.7")
    app = await a.saas_apps.create(actor, NewApp("Fleet"))
    for package in PACKAGES:
        await a.service_market.activate(actor, package)
        await a.saas_apps.authorize_package(actor, app.id, package)
    product = await a.products.create(actor, NewProduct("Pump"))
    await a.saas_apps.authorize_product(actor, app.id, product.product_key)
    await b.directory.catch_up()
    yield Two(a, b, actor, clock, a.saas_apps.one(actor.account_id, app.id), a.products.all(actor.account_id)[0])
    for store in stores:
        await store.close()


def admission(platform: Platform, token: str) -> Reason | None:
    try:
        platform.access.admit(token, "192.0.2.50", "device")
    except Refused as refused:
        return refused.reason
    return None


def log_in(two: Two) -> str:
    username = build_username(two.app.access_key, two.clock.now_ms())
    return two.a.access.log_in(username, sign(username, two.app.access_secret.reveal()), "192.0.2.50").text


# What one changes the other shows


async def change_model(two: Two) -> None:
    key = two.product.product_key
    await two.a.thing_models.import_draft(two.actor, key, msgspec.json.decode(MODEL.read_bytes()))
    await two.a.thing_models.release(two.actor, key)
    await two.a.thing_models.set_labels(two.actor, key, "CN", {"relay": "继电器"})


async def add_administrator(two: Two) -> None:
    await two.a.accounts.add_administrator(two.actor, "second@example.com")


async def make_token(two: Two) -> None:
    administrator = two.a.accounts.administrators(two.actor.account_id)[0]
    await two.a.accounts.make_token(administrator, "192.0.2.7", "ci")


Change = Callable[[Two], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "rename the account": lambda two: two.a.accounts.rename(two.actor, "Harbour"),
    "white list": lambda two: two.a.accounts.set_addresses(two.actor, enabled=True, addresses=["10.0.0.1"]),
    "administrator": add_administrator,
    "token": make_token,
    "package off": lambda two: two.a.service_market.deactivate(two.actor, PACKAGE),
    "new application": lambda two: two.a.saas_apps.create(two.actor, NewApp("Other")),
    "application": lambda two: two.a.saas_apps.update(two.actor, two.app.id, AppChanges(name="Ships", enabled=False)),
    "secret": lambda two: two.a.saas_apps.reset_secret(two.actor, two.app.id),
    "package": lambda two: two.a.saas_apps.cancel_package(two.actor, two.app.id, PACKAGE),
    "product taken": lambda two: two.a.saas_apps.cancel_product(two.actor, two.app.id, two.product.product_key),
    "application deleted": lambda two: two.a.saas_apps.delete(two.actor, two.app.id),
    "new product": lambda two: two.a.products.create(two.actor, NewProduct("Valve")),
    "product": lambda two: two.a.products.update(two.actor, two.product.product_key, ProductChanges(name="Valve")),
    "product deleted": lambda two: two.a.products.delete(two.actor, two.product.product_key),
    "thing model": change_model,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_by_one_process_shows_in_the_other(two: Two, change: Change) -> None:
    before = everything(two.b.directory)
    await change(two)
    await two.agree()
    assert everything(two.b.directory) != before


async def test_a_change_shows_in_the_process_that_made_it_at_once(two: Two) -> None:
    await two.a.accounts.rename(two.actor, "Harbour")
    account = two.a.directory.account(two.actor.account_id)
    assert account is not None
    assert account.name == "Harbour"


async def test_changes_by_both_at_once_show_in_both(two: Two) -> None:
    await asyncio.gather(
        *(
            platform.products.create(two.actor, NewProduct(f"{name} {number}"))
            for name, platform in (("a", two.a), ("b", two.b))
            for number in range(20)
        )
    )
    await two.a.directory.catch_up()
    await two.agree()
    assert len(two.b.products.all(two.actor.account_id)) == 41


async def test_what_follows_equals_what_loads_anew(two: Two, vault: Vault) -> None:
    for change in (change_model, add_administrator, make_token, CHANGES["new product"], CHANGES["application"]):
        await change(two)
    await two.agree()
    fresh = Directory(two.b.store, vault, two.clock)
    await fresh.load()
    assert everything(fresh) == everything(two.b.directory)


async def test_an_application_deleted_by_one_process_frees_products_it_had_not_yet_seen(two: Two) -> None:
    valve = await two.a.products.create(two.actor, NewProduct("Valve"))
    await two.a.saas_apps.authorize_product(two.actor, two.app.id, valve.product_key)
    await two.b.saas_apps.delete(two.actor, two.app.id)
    await two.a.directory.catch_up()
    assert [product.app_id for product in two.a.products.all(two.actor.account_id)] == [None, None]
    await two.agree()


async def test_of_authors_in_two_processes_the_second_is_refused(two: Two) -> None:
    await two.a.saas_apps.update(two.actor, two.app.id, AppChanges(name="One"))
    with pytest.raises(Exception, match="SaaS application Fleet"):
        await two.b.saas_apps.update(two.actor, two.app.id, AppChanges(description="Two"))
    await two.b.directory.catch_up()
    await two.b.saas_apps.update(two.actor, two.app.id, AppChanges(description="Two"))
    assert two.b.saas_apps.one(two.actor.account_id, two.app.id).name == "One"


async def test_a_token_revoked_by_one_process_is_dead_in_the_other(two: Two) -> None:
    token = log_in(two)
    assert admission(two.b, token) is None
    await two.a.saas_apps.update(two.actor, two.app.id, AppChanges(enabled=False))
    await two.b.directory.catch_up()
    assert admission(two.b, token) is Reason.BAD_TOKEN


async def test_following_shows_changes_without_being_asked(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_module, "_POLL_S", 0.005)
    following = asyncio.create_task(two.b.directory.follow())
    await two.a.accounts.rename(two.actor, "Harbour")
    async with asyncio.timeout(10):
        while two.b.directory.version < two.a.directory.version:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.001)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await two.agree()


# Freshness


@pytest.mark.parametrize(("age_ms", "fresh"), [(0, True), (1_000, True), (1_001, False), (60_000, False)])
async def test_a_directory_that_was_not_confirmed_for_a_second_is_not_fresh(two: Two, age_ms: int, fresh: bool) -> None:
    two.clock.advance(age_ms)
    assert two.b.directory.fresh is fresh


async def test_a_directory_that_is_not_fresh_decides_nothing(two: Two) -> None:
    token = log_in(two)
    two.clock.advance(1_001)
    assert admission(two.b, token) is Reason.UNAVAILABLE
    with pytest.raises(Refused) as login:
        two.b.access.log_in("", "", None)
    with pytest.raises(Refused) as renewal:
        two.b.access.renew(token, None)
    assert (login.value.reason, renewal.value.reason) == (Reason.UNAVAILABLE, Reason.UNAVAILABLE)


async def test_catching_up_makes_it_fresh_again(two: Two) -> None:
    token = log_in(two)
    two.clock.advance(1_001)
    await two.b.directory.catch_up()
    assert admission(two.b, token) is None


async def test_a_clock_that_is_set_does_not_make_it_stale(two: Two) -> None:
    two.clock.step(3_600_000)
    assert two.b.directory.fresh


class Outage:
    """A store whose reads fail while it lasts."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self.shared = store.shared
        self.lasts = True
        self.asked = 0

    async def read(self, query: Query[Any], **params: Any) -> list[Any]:
        self.asked += 1
        if self.lasts:
            raise StoreUnavailable("out of order")
        return await self._store.read(query, **params)

    async def scan(self, query: Query[Any], **params: Any) -> list[Any]:
        return await self.read(query, **params)

    async def write(self, *writes: Write) -> None:
        await self._store.write(*writes)

    async def close(self) -> None:
        await self._store.close()


async def until_asked(outage: Outage, times: int) -> None:
    outage.asked = 0
    async with asyncio.timeout(10):
        while outage.asked < times:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.001)


async def test_a_directory_that_cannot_catch_up_goes_stale_says_so_once_and_recovers(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_module, "_POLL_S", 0.001)
    assert isinstance(two.b.store, PostgresStore)
    outage = Outage(two.b.store)
    monkeypatch.setattr(two.b.directory, "_store", outage)
    await two.a.accounts.rename(two.actor, "Harbour")
    two.clock.advance(1_001)
    with structlog.testing.capture_logs() as logs:
        following = asyncio.create_task(two.b.directory.follow())
        await until_asked(outage, 3)
        stale = not two.b.directory.fresh
        outage.lasts = False
        await until_asked(outage, 5)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert (stale, two.b.directory.fresh) == (True, True)
    assert [entry["event"] for entry in logs] == [
        "directory cannot follow the database",
        "directory follows the database again",
    ]
    await two.agree()


async def test_a_load_that_breaks_off_is_made_up_for(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(two.b.store, PostgresStore)
    await change_model(two)
    await add_administrator(two)
    store = two.b.store
    for failing in range(1, 30):
        reads = 0

        async def read(query: Query[Any], _failing: int = failing, **params: Any) -> list[Any]:
            nonlocal reads
            reads += 1
            if reads == _failing:
                raise StoreUnavailable("out of order")
            return await PostgresStore.read(store, query, **params)

        monkeypatch.setattr(store, "read", read)
        try:
            await two.b.directory.catch_up()
            break
        except StoreUnavailable:
            continue
    assert failing > 3
    assert everything(two.b.directory) == everything(two.a.directory)


async def test_a_committed_change_is_no_failure_when_only_the_catching_up_fails(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(two.b.store, PostgresStore)
    monkeypatch.setattr(two.b.directory, "_store", Outage(two.b.store))
    with structlog.testing.capture_logs() as logs:
        await two.b.accounts.rename(two.actor, "Harbour")
    assert [entry["log_level"] for entry in logs] == ["warning"]
    await two.a.directory.catch_up()
    account = two.a.directory.account(two.actor.account_id)
    assert account is not None
    assert account.name == "Harbour"


# A process that slept


async def forget(two: Two) -> None:
    """An hour later every old entry of the change log is dropped."""
    two.clock.advance(3_600_001)
    await two.a.directory.forget_old_changes()


async def test_a_gap_in_the_change_log_is_filled_by_loading_everything(two: Two) -> None:
    for change in (change_model, add_administrator, CHANGES["new product"]):
        await change(two)
    await forget(two)
    await two.a.accounts.rename(two.actor, "Harbour")
    await two.agree()


async def test_a_process_that_slept_through_the_whole_log_notices(two: Two) -> None:
    for change in (change_model, add_administrator, CHANGES["package off"]):
        await change(two)
    await forget(two)
    await two.agree()


async def test_a_process_that_missed_one_forgotten_change_notices(two: Two) -> None:
    await CHANGES["package off"](two)
    await forget(two)
    await two.agree()


async def test_one_that_saw_everything_loads_nothing(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    await forget(two)

    async def load() -> None:
        raise AssertionError("it was loaded anew")

    monkeypatch.setattr(two.b.directory, "_load", load)
    await two.b.directory.catch_up()
    assert two.b.directory.fresh


# One process


@on_sqlite
async def test_the_only_process_is_always_fresh(platform: Platform, clock: FakeClock) -> None:
    clock.advance(3_600_000)
    assert platform.directory.fresh


async def test_a_directory_loads_what_it_showed(
    platform: Platform, product: Product, app: App, database: Path | str, vault: Vault, clock: FakeClock
) -> None:
    store = await open_store(database)
    again = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy("again"))
    assert everything(again.directory) == everything(platform.directory)
    await store.close()
