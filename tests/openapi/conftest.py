"""The small cloud on both databases, and on SQLite alone where the database cannot matter; devices to send to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloud import Cloud, build_cloud, sample
from databases import open_store
from fakes import FakeClock, FakeEntropy
from links import Desk, Line
from mooring.platform import Limits, Platform
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct
from mooring.store import Vault


@pytest.fixture
async def cloud(tmp_path: Path, vault: Vault, clock: FakeClock) -> AsyncIterator[Cloud]:
    store = await open_store(tmp_path / "cloud.sqlite3")
    platform = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=Limits())
    yield await build_cloud(platform, clock)
    await store.close()


@pytest.fixture
async def cloud_on_each(platform: Platform, clock: FakeClock) -> Cloud:
    return await build_cloud(platform, clock)


@pytest.fixture
async def desk(cloud: Cloud, clock: FakeClock) -> AsyncIterator[Desk]:
    """Sends the cloud's commands to devices that a test makes and connects."""
    made = Desk(cloud.platform, clock)
    cloud.platform.commands = made.commands
    yield made
    await made.journal.settle()


@pytest.fixture
async def line(desk: Desk, cloud: Cloud) -> Line:
    """The connection of DK1 of the modelled product."""
    _, line = desk.connect(await desk.device(cloud.modelled), "published delivered")
    return line


@pytest.fixture
async def station(desk: Desk, cloud: Cloud) -> Product:
    """A product with arrays, structs and services that have inputs."""
    product = await cloud.platform.products.create(cloud.actor, NewProduct("station"))
    await cloud.platform.thing_models.import_draft(cloud.actor, product.product_key, sample("power-station"))
    await cloud.platform.thing_models.release(cloud.actor, product.product_key)
    return await cloud.platform.saas_apps.authorize_product(cloud.actor, cloud.app.id, product.product_key)
