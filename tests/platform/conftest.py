"""An account to work in, another one to keep out, a product and an application; or a small cloud and its commands."""

from collections.abc import AsyncIterator

import pytest

from cloud import Cloud, build_cloud
from fakes import FakeClock
from links import Desk
from mooring.platform import Actor, Platform
from mooring.platform.entities import PACKAGES, App, Product
from mooring.platform.products import NewProduct
from mooring.platform.saas_apps import NewApp
from mooring.store import Store, accounts, changes
from store.rows import account


@pytest.fixture
async def actor(platform: Platform) -> Actor:
    """The administrator of the account, somewhere."""
    made = await platform.accounts.bootstrap("admin@example.com")
    assert made is not None
    return Actor(made.account.id, made.email, "192.0.2.7")


@pytest.fixture
async def stranger(platform: Platform, store: Store, actor: Actor) -> Actor:
    """Somebody of another account."""
    await store.write(accounts.ADD_ACCOUNT.of(account(404, "Other")), *changes.record("account", 404, 1))
    await platform.directory.catch_up()
    return Actor(404, "stranger@example.com", "192.0.2.8")


@pytest.fixture
async def product(platform: Platform, actor: Actor) -> Product:
    """A product with a thing model to make."""
    return await platform.products.create(actor, NewProduct("Pump"))


@pytest.fixture
async def app(platform: Platform, actor: Actor, clock: FakeClock) -> App:
    """An application with every package."""
    made = await platform.saas_apps.create(actor, NewApp("Fleet"))
    for package in PACKAGES:
        await platform.service_market.activate(actor, package)
        await platform.saas_apps.authorize_package(actor, made.id, package)
    return platform.saas_apps.one(actor.account_id, made.id)


@pytest.fixture
async def cloud(platform: Platform, clock: FakeClock) -> Cloud:
    return await build_cloud(platform, clock)


@pytest.fixture
async def desk(cloud: Cloud, clock: FakeClock) -> AsyncIterator[Desk]:
    """Sends commands to devices of the small cloud."""
    made = Desk(cloud.platform, clock)
    yield made
    await made.journal.settle()
