"""The clouds that are measured: one application with every package and some products, one with a model of about 4 KB;
or one product with devices.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring.platform import Actor, Platform
from mooring.platform.device_input import STATIC, NewDevice
from mooring.platform.entities import PACKAGES, App
from mooring.platform.products import NewProduct
from mooring.platform.saas_apps import NewApp
from mooring.platform.subscriptions import NewSubscription
from mooring.store import DataDirectory, Vault, queue_messages
from mooring.store.migrate import migrate_sqlite
from mooring.store.sqlite import SqliteStore
from mooring.store.vault import create_key_file, read_key_file

from .devices import Fleet
from .devices import model as device_model

__all__ = ["Dataset", "Subscribed", "fill_queues", "seed", "seed_fleet", "seed_queues"]

_PRODUCTS = 25
_BATCH = 500  # devices added at once
_REPORTS = 6  # message code of reported properties
_PROPERTIES = 19  # about 4 KB as an exported document


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a caller needs to know. `product_key` is the product with the model."""

    access_key: str
    access_secret: str
    product_key: str


async def seed(data: Path) -> Dataset:
    """Make the data directory that `mooring up --data` then serves."""
    async with _platform(data) as platform:
        actor, app = await _owner(platform)
        keys = [await _product(platform, actor, app, f"Power meter {number}", _model) for number in range(_PRODUCTS)]
        return Dataset(app.access_key, app.access_secret.reveal(), keys[0])


@dataclass(frozen=True, slots=True)
class Subscribed:
    """An application's queues, by their full names; reports of the product go into the first ones."""

    access_key: str
    access_secret: str
    queues: list[str]


async def seed_queues(data: Path, product_key: str, queues: int, subscriptions: int) -> Subscribed:
    """Add queues to a data directory of `seed_fleet`, and subscriptions to reports, each into the next queue."""
    async with _platform(data) as platform:
        [app] = [app for account in platform.directory.accounts() for app in platform.directory.apps(account.id)]
        actor = Actor(app.account_id, "bench", "local")
        made = [await platform.queues.create(actor, app, f"queue{number:02}") for number in range(queues)]
        for number in range(subscriptions):
            name, queue = f"reports{number:02}", made[number % queues].name
            new = NewSubscription(name=name, queue=queue, codes=(_REPORTS,), product_key=product_key)
            found = await platform.subscriptions.create(actor, app, new)
            await platform.subscriptions.start(actor, found.id)
        return Subscribed(app.access_key, app.access_secret.reveal(), [queue.full_name for queue in made])


async def fill_queues(data: Path, counts: Mapping[str, int], body: bytes) -> None:
    """Let so many messages wait in queues, named in full."""
    async with _platform(data) as platform:
        ids, now = platform.ledger.ids, platform.clock.now_ms()
        for name, count in counts.items():
            queue = platform.directory.queue_by_name(name)
            if queue is None:
                raise RuntimeError(f"there is no queue {name}")
            rows = [(ids.next(), queue.id, "MATTR-REPORT", str(number), body, now) for number in range(count)]
            await platform.store.write(queue_messages.ADD.rows(rows))


async def seed_fleet(data: Path, devices: int) -> tuple[Dataset, Fleet]:
    """Make a data directory with one product and so many devices that have their secrets."""
    async with _platform(data) as platform:
        actor, app = await _owner(platform)
        product_key = await _product(platform, actor, app, "Meter", device_model)
        product = platform.products.one(actor.account_id, product_key)
        keys, secrets = [], []
        for start in range(0, devices, _BATCH):
            new = [
                NewDevice(f"meter{number:06}", auth_mode=STATIC)
                for number in range(start, min(devices, start + _BATCH))
            ]
            for added in await platform.devices.add_many(actor, product_key, new):
                if added.secret is None:
                    raise RuntimeError("a static device has no secret")
                keys.append(added.device.device_key)
                secrets.append(added.secret.reveal())
        fleet = Fleet(product_key, product.product_secret.reveal(), keys, secrets)
        return Dataset(app.access_key, app.access_secret.reveal(), product_key), fleet


@contextlib.asynccontextmanager
async def _platform(data: Path) -> AsyncIterator[Platform]:
    directory = DataDirectory(data)
    directory.open()
    migrate_sqlite(directory.database)
    store = SqliteStore(directory.database)
    try:
        key = read_key_file(directory.secret_key) or create_key_file(directory.secret_key)
        yield await Platform.open(store, Vault(key))
    finally:
        await store.close()


async def _owner(platform: Platform) -> tuple[Actor, App]:
    made = await platform.accounts.bootstrap("bench@example.com")
    if made is None:
        raise RuntimeError("the benchmark needs an empty data directory")
    actor = Actor(made.account.id, "bench", "local")
    app = await platform.saas_apps.create(actor, NewApp("Benchmark"))
    for package in PACKAGES:
        await platform.service_market.activate(actor, package)
        await platform.saas_apps.authorize_package(actor, app.id, package)
    return actor, app


async def _product(
    platform: Platform, actor: Actor, app: App, name: str, model: Callable[[str], dict[str, Any]]
) -> str:
    product_key = (await platform.products.create(actor, NewProduct(name))).product_key
    await platform.thing_models.import_draft(actor, product_key, model(product_key))
    await platform.thing_models.release(actor, product_key)
    await platform.saas_apps.authorize_product(actor, app.id, product_key)
    return product_key


def _model(product_key: str) -> dict[str, Any]:
    return {
        "profile": {"tslVersion": "1.2.0", "productKey": product_key, "version": "20250101000000000"},
        "properties": [_channel(number) for number in range(1, _PROPERTIES + 1)],
        "services": [],
        "events": [],
    }


def _channel(number: int) -> dict[str, Any]:
    return {
        "specs": {"unit": "W", "min": "0", "max": "3680", "multiple": "", "step": "0.1"},
        "code": f"power_{number:02}",
        "dataType": "FLOAT",
        "name": f"Active power of channel {number}",
        "subType": "R",
        "id": number,
        "sort": number,
        "type": "PROPERTY",
        "desc": "",
    }
