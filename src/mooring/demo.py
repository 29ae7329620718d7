"""The demo account: service packages, one SaaS application, a product for each sample model, and demo.json.

Everything is made by the same calls that an administrator's are; only the data is given.
"""

import asyncio
import json
import os
from pathlib import Path

import msgspec

from mooring.platform import Actor, Platform, Secret
from mooring.platform.entities import PACKAGES, App, Product
from mooring.platform.products import NewProduct
from mooring.platform.saas_apps import NewApp
from mooring.platform.sources import BASE62, SystemEntropy, random_text

__all__ = ["DemoRefused", "sample_models", "seed_demo", "write_private"]

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


def sample_models() -> dict[str, Path]:
    """The sample thing models by name: from the installed package, or from the checkout it runs in."""
    package = Path(__file__).parent
    for folder in (package / "samples", package.parents[1] / "contract" / "tsl-samples"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.json"))}
    raise FileNotFoundError("the sample thing models are missing from this installation")


async def seed_demo(platform: Platform, target: Path, base_url: str, mqtt: tuple[str, int], email: str) -> None:
    """Make what is missing of the demo and write `target` (mode 0600). `mqtt` is host and port. Raises DemoRefused."""
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
    products = [await _product(platform, actor, app, name, path) for name, path in sample_models().items()]
    login = {"email": email, "password": password.reveal()} if made is not None else _kept_login(target)
    manage = {"url": f"{base_url}/manage/v1", "token": (await _manage_token(platform, actor)).reveal(), **login}
    await asyncio.to_thread(write_private, target, _document(base_url, mqtt, app, products, manage))


def _kept_login(target: Path) -> dict[str, str]:
    """E-mail and password that an earlier start wrote down; they are kept nowhere else."""
    try:
        manage = json.loads(target.read_text())["manage"]
        return {"email": manage["email"], "password": manage["password"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


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


def _document(
    base_url: str, mqtt: tuple[str, int], app: App, products: list[Product], manage: dict[str, str]
) -> dict[str, object]:
    return {
        "base_url": base_url,
        "access_key": app.access_key,
        "access_secret": app.access_secret.reveal(),
        "mqtt": {"host": mqtt[0], "port": mqtt[1]},
        "manage": manage,
        "products": [
            {
                "product_key": product.product_key,
                "product_secret": product.product_secret.reveal(),
                "name": product.name,
                "data_format": product.data_fmt,
                "devices": [],
            }
            for product in products
        ],
    }


def write_private(target: Path, document: dict[str, object]) -> None:
    """Write JSON so that only its owner can read it and nobody ever sees half of it."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
