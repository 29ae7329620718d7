"""The demo's account: service packages, one SaaS application with its queue, a product for each sample model."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from mooring.platform import Actor, Platform, Secret
from mooring.platform.entities import PACKAGES, App, Product
from mooring.platform.model_samples import sample_models
from mooring.platform.products import NewProduct
from mooring.platform.routes import Queue
from mooring.platform.saas_apps import NewApp
from mooring.platform.sources import BASE62, SystemEntropy, random_text

from .queue import make_queue

__all__ = ["DemoAccount", "DemoRefused", "make_account"]

_APP = "Demo application"
_TOKEN = "demo"
_NAMES = {
    "power-station": "Portable power station",
    "smart-plug": "Smart plug",
    "tracker": "Asset tracker",
    "transparent-gateway": "Serial gateway",
}


class DemoRefused(Exception):
    """The data directory holds an account that is not the demo's. `mooring up` ends with exit code 17."""

    exit_code = 17


class DemoAccount(msgspec.Struct, frozen=True):
    """What was made or found; `products` by the name of their sample model, `password` only when it was made now."""

    actor: Actor
    app: App
    products: Mapping[str, Product]
    queue: Queue
    token: Secret
    password: Secret | None


async def make_account(platform: Platform, email: str) -> DemoAccount:
    """Make what is missing of the demo. Raises DemoRefused."""
    password = Secret(random_text(SystemEntropy(), BASE62, 20))
    made = await platform.accounts.bootstrap(email, password)
    account = made.account if made is not None else next(iter(platform.directory.accounts()))
    actor = Actor(account.id, "demo", "local")
    apps = [app for app in platform.saas_apps.all(account.id) if app.name == _APP]
    if made is None and not apps:
        raise DemoRefused("the database holds an account already; start the demo with an empty data directory")
    for package in PACKAGES:
        if package not in account.packages:
            await platform.service_market.activate(actor, package)
    app = apps[0] if apps else await platform.saas_apps.create(actor, NewApp(_APP, "Made by mooring up --demo"))
    await _authorize_packages(platform, actor, app)
    products = {name: await _product(platform, actor, app, name, path) for name, path in sample_models().items()}
    queue = await make_queue(platform, actor, app, products.values())
    token = await _manage_token(platform, actor)
    return DemoAccount(actor, app, products, queue, token, password if made is not None else None)


async def _authorize_packages(platform: Platform, actor: Actor, app: App) -> None:
    for package in PACKAGES:
        if package not in app.packages:
            await platform.saas_apps.authorize_package(actor, app.id, package)


async def _product(platform: Platform, actor: Actor, app: App, name: str, path: Path) -> Product:
    title = _NAMES.get(name, name)
    existing = [product for product in platform.products.all(actor.account_id) if product.name == title]
    product = existing[0] if existing else await platform.products.create(actor, NewProduct(title))
    if product.released_version is None:
        document = msgspec.json.decode(await asyncio.to_thread(path.read_bytes))
        await platform.thing_models.import_draft(actor, product.product_key, document)
        await platform.thing_models.release(actor, product.product_key)
    if product.app_id is None:
        await platform.saas_apps.authorize_product(actor, app.id, product.product_key)
    return platform.products.one(actor.account_id, product.product_key)


async def _manage_token(platform: Platform, actor: Actor) -> Secret:
    """A token for the demo; the one of an earlier start cannot be read again, so it ends."""
    for token, _ in platform.accounts.tokens(actor.account_id):
        if token.name == _TOKEN:
            await platform.accounts.revoke_token(actor, token.id)
    administrator = platform.accounts.administrators(actor.account_id)[0]
    made = await platform.accounts.make_token(administrator, actor.address, _TOKEN)
    return made.text
