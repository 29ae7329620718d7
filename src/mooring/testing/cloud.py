"""`Cloud`: Mooring in a thread of the test's process."""

import asyncio
import atexit
import itertools
import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from mooring.demo import sample_models
from mooring.device import Device
from mooring.platform import Actor, Platform
from mooring.platform.devices import NewDevice
from mooring.platform.entities import PACKAGES
from mooring.platform.message_codes import device_codes
from mooring.platform.products import NewProduct
from mooring.platform.saas_apps import NewApp
from mooring.platform.subscriptions import NewSubscription
from mooring.server import Embedding, Serving, serve
from mooring.settings import Settings
from mooring.store.migrate import migrate_sqlite
from mooring.testing.clock import CloudClock
from mooring.testing.device import SimulatedDevice
from mooring.testing.faults import Faults
from mooring.testing.parts import CloudProduct, SaasApp

__all__ = ["Cloud", "CloudFailed"]

_WITHIN_S = 30.0
_MODEL, _TRANSPARENT = 3, 0
_EMAIL = "admin@example.com"
_DATABASE = "mooring.sqlite3"

T = TypeVar("T")


class CloudFailed(Exception):
    """The cloud did not come up, or has stopped."""


class Cloud:
    """A cloud of its own for a test: use it with `with`, or `start` and `stop` it.

    `settings` are those of `mooring up`. Everything here blocks, and may be called from any thread, also while an event
    loop of the test runs in its own.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = CloudClock()
        self.faults = Faults()
        self._settings = settings
        self._numbers = itertools.count(1)
        self._devices: list[SimulatedDevice] = []
        self._quiet = False
        self._thread: threading.Thread | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._up: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Serving, Actor]] = Future()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Cloud({self.base_url if self._up.done() else 'not started'})"

    def start(self) -> None:
        """Start it and wait until it listens. Raises `CloudFailed`."""
        self._quiet = not structlog.is_configured()
        if self._quiet:
            structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        self._folder = tempfile.TemporaryDirectory(prefix="mooring-test-")
        data = Path(self._folder.name) / "data"
        data.mkdir(mode=0o700)
        shutil.copy(_template(), data / _DATABASE)
        ports = {"http_port": 0, "mqtt_port": 0, "amqp_port": 0, "login_window_s": 86_400, "drain_s": 1}
        settings = Settings(data=data, **{**ports, **self._settings})
        self._thread = threading.Thread(target=self._live, args=(settings,), name="mooring-cloud", daemon=True)
        self._thread.start()
        try:
            self._up.result(_WITHIN_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop its devices and itself, and remove its data."""
        if self._thread is None or self._folder is None:
            return
        if self._up.done() and self._up.exception() is None and self._thread.is_alive():
            for device in self._devices:
                device.close()
            loop, over, _, _ = self._up.result()
            loop.call_soon_threadsafe(over.set)
        self._thread.join(_WITHIN_S)
        self._folder.cleanup()
        self._thread = None
        if self._quiet:
            structlog.reset_defaults()

    @property
    def base_url(self) -> str:
        """Where the OpenAPI is."""
        return self._serving.base_url

    @property
    def amqp_url(self) -> str:
        """Where queues are consumed."""
        return self._serving.amqp_url

    @property
    def mqtt(self) -> tuple[str, int]:
        """Host and port of devices."""
        return self._serving.mqtt

    def product(
        self, name: str | None = None, *, model: Mapping[str, Any] | Path | str | None = "smart-plug"
    ) -> CloudProduct:
        """Make a product and release its thing model: a document, a file with one, or the name of a sample
        (`smart-plug`, `power-station`, `tracker`). None makes a transparent product.
        """
        document = _document(model)
        return self._run(self._product(name or f"Product {next(self._numbers)}", document))

    def saas_app(self, name: str | None = None, *products: CloudProduct) -> SaasApp:
        """Make a SaaS application with every service package, authorized for these products."""
        return self._run(self._saas_app(name or f"Application {next(self._numbers)}", products))

    def device(self, product: CloudProduct, device_key: str | None = None, *, online: bool = True) -> SimulatedDevice:
        """Make a device and connect it, unless told not to."""
        made = self._run(self._device(product, device_key or f"DEVICE{next(self._numbers):04}"))
        self._devices.append(made)
        if online:
            made.go_online()
        return made

    def queue(self, app: SaasApp, name: str, products: Sequence[CloudProduct], types: Sequence[int] | None) -> str:
        """See `SaasApp.queue`."""
        return self._run(self._queue(app, name, products, types))

    @property
    def platform(self) -> Platform:
        """The platform itself, for what this class does not offer; use it on the cloud's event loop, by `run`."""
        return self._serving.platform

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry something out on the cloud's event loop and wait for it."""
        return self._run(work)

    # On the cloud's thread

    def _live(self, settings: Settings) -> None:
        try:
            asyncio.run(self._serve(settings))
        except BaseException as error:
            if not self._up.done():
                self._up.set_exception(CloudFailed(f"{type(error).__name__}: {error}"))
            else:
                logging.getLogger("mooring.testing").exception("the cloud has stopped")

    async def _serve(self, settings: Settings) -> None:
        over = asyncio.Event()

        async def run(serving: Serving) -> None:
            actor = await _first_actor(serving.platform)
            self._up.set_result((asyncio.get_running_loop(), over, serving, actor))
            await over.wait()

        await serve(settings, lambda _, /, **__: None, Embedding(run, self.faults.wrap, self.clock))

    async def _product(self, name: str, document: dict[str, Any] | None) -> CloudProduct:
        platform, actor = self.platform, self._actor
        new = NewProduct(name, data_fmt=_TRANSPARENT if document is None else _MODEL)
        product = await platform.products.create(actor, new)
        model = None
        if document is not None:
            await platform.thing_models.import_draft(actor, product.product_key, document)
            await platform.thing_models.release(actor, product.product_key)
            model = await platform.thing_models.export(actor, product.product_key)
        return CloudProduct(product.product_key, product.product_secret.reveal(), model)

    async def _saas_app(self, name: str, products: Sequence[CloudProduct]) -> SaasApp:
        platform, actor = self.platform, self._actor
        app = await platform.saas_apps.create(actor, NewApp(name))
        for package in PACKAGES:
            await platform.saas_apps.authorize_package(actor, app.id, package)
        for product in products:
            await platform.saas_apps.authorize_product(actor, app.id, product.product_key)
        return SaasApp(self, app.id, app.access_key, app.access_secret.reveal())

    async def _device(self, product: CloudProduct, device_key: str) -> SimulatedDevice:
        await self.platform.devices.add_many(self._actor, product.product_key, [NewDevice(device_key)])
        host, port = self.mqtt
        device = Device(
            product.product_key, product.product_secret, device_key, host=host, port=port, model=product.model
        )
        return SimulatedDevice(self._run, device)

    async def _queue(
        self, app: SaasApp, name: str, products: Sequence[CloudProduct], types: Sequence[int] | None
    ) -> str:
        platform, actor = self.platform, self._actor
        owner = platform.saas_apps.one(actor.account_id, app.id)
        queue = await platform.queues.create(actor, owner, name)
        for product in products:
            codes = device_codes(_TRANSPARENT if product.model is None else _MODEL)
            chosen = tuple(code for code in codes if types is None or code in types)
            new = NewSubscription(
                name=f"{name}-{product.product_key}", queue=name, codes=chosen, product_key=product.product_key
            )
            made = await platform.subscriptions.create(actor, owner, new)
            await platform.subscriptions.start(actor, made.id, owner.id)
        return queue.full_name

    @property
    def _serving(self) -> Serving:
        return self._up.result(_WITHIN_S)[2]

    @property
    def _actor(self) -> Actor:
        return self._up.result(_WITHIN_S)[3]

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        loop = self._up.result(_WITHIN_S)[0]
        return asyncio.run_coroutine_threadsafe(work, loop).result(_WITHIN_S)


async def _first_actor(platform: Platform) -> Actor:
    account = next(iter(platform.directory.accounts()))
    actor = Actor(account.id, "mooring.testing", "local")
    for package in PACKAGES:
        await platform.service_market.activate(actor, package)
    return actor


@cache
def _template() -> Path:
    """Return an empty database; to make one takes longer than everything else of a start."""
    folder = Path(tempfile.mkdtemp(prefix="mooring-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrate_sqlite(folder / _DATABASE)
    return folder / _DATABASE


def _document(model: Mapping[str, Any] | Path | str | None) -> dict[str, Any] | None:
    if model is None:
        return None
    if isinstance(model, Mapping):
        return dict(model)
    path = sample_models()[model] if isinstance(model, str) else model
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
