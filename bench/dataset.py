"""The cloud that is measured: one application with every package and some products, one with a model of about 4 KB."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring.platform import Actor, Platform
from mooring.platform.entities import PACKAGES
from mooring.platform.products import NewProduct
from mooring.platform.saas_apps import NewApp
from mooring.store import DataDirectory, Vault
from mooring.store.migrate import migrate_sqlite
from mooring.store.sqlite import SqliteStore
from mooring.store.vault import create_key_file

__all__ = ["Dataset", "seed"]

_PRODUCTS = 25
_PROPERTIES = 19  # about 4 KB as an exported document


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a caller needs to know. `product_key` is the product with the model."""

    access_key: str
    access_secret: str
    product_key: str


async def seed(data: Path) -> Dataset:
    """Make the data directory that `mooring up --data` then serves."""
    directory = DataDirectory(data)
    directory.open()
    migrate_sqlite(directory.database)
    store = SqliteStore(directory.database)
    try:
        return await _fill(await Platform.open(store, Vault(create_key_file(directory.secret_key))))
    finally:
        await store.close()


async def _fill(platform: Platform) -> Dataset:
    made = await platform.accounts.bootstrap("bench@example.com")
    if made is None:
        raise RuntimeError("the benchmark needs an empty data directory")
    actor = Actor(made.account.id, "bench", "local")
    app = await platform.saas_apps.create(actor, NewApp("Benchmark"))
    for package in PACKAGES:
        await platform.service_market.activate(actor, package)
        await platform.saas_apps.authorize_package(actor, app.id, package)
    keys = []
    for number in range(_PRODUCTS):
        product = await platform.products.create(actor, NewProduct(f"Power meter {number}"))
        keys.append(product.product_key)
        await platform.thing_models.import_draft(actor, product.product_key, _model(product.product_key))
        await platform.thing_models.release(actor, product.product_key)
        await platform.saas_apps.authorize_product(actor, app.id, product.product_key)
    return Dataset(app.access_key, app.access_secret.reveal(), keys[0])


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
