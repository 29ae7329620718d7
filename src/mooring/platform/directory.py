"""The in-memory read model: what every request needs, without SQL.

The database's change log says what changed (`store.changes`). After its own writes a process catches up at once; where
other processes share the database it also follows the log a few times a second. `fresh` turns false when that stops,
and doors then refuse to decide rather than decide on old rights (design.md section 3, promise 4).
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import structlog

from mooring.store import (
    Store,
    StoreUnavailable,
    Vault,
    accounts,
    changes,
    end_user_apps,
    products,
    queues,
    saas_apps,
    thing_models,
)

from . import loading
from .end_user_entities import EndUserApp, end_user_app
from .entities import Account, Administrator, App, ManageToken, Product
from .routes import Queue, Routes, Subscription
from .sources import Clock

__all__ = ["Directory"]

_E = TypeVar("_E", App, EndUserApp, Product, Queue, Subscription)
_log = structlog.get_logger()

_POLL_S = 0.2
STALE_AFTER_S = 1.0
_KEEP_CHANGES_MS = 3_600_000
_KEY_LENGTHS = range(4, 33)  # of product keys and device keys

Changed = frozenset[tuple[str, int]]
"""Kind and id of each entity that was changed."""


class Directory:
    """Look-ups are plain dictionary reads; every value is immutable.

    `on_change` listeners hear of every change that this process has come to see, also of kinds that are not held here;
    None stands for any that there may have been.
    """

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._seen = 0
        self._confirmed = float("-inf")
        self._catching_up = asyncio.Lock()
        self._accounts: dict[int, Account] = {}
        self._administrators: dict[int, Administrator] = {}
        self._tokens: dict[bytes, ManageToken] = {}
        self._apps: dict[int, App] = {}
        self._apps_by_key: dict[str, App] = {}
        self._products: dict[int, Product] = {}
        self._products_by_key: dict[str, Product] = {}
        self._products_of_app: dict[int, tuple[Product, ...]] = {}
        self._queues: dict[int, Queue] = {}
        self._queues_by_name: dict[str, Queue] = {}
        self._subscriptions: dict[int, Subscription] = {}
        self._routes = Routes()
        self._end_user_apps: dict[int, EndUserApp] = {}
        self._end_user_apps_by_domain: dict[str, EndUserApp] = {}
        self.on_change: list[Callable[[Changed | None], None]] = []

    # Look-ups

    @property
    def fresh(self) -> bool:
        """Whether what is shown is at most a second old."""
        return not self._store.shared or self._clock.monotonic() - self._confirmed <= STALE_AFTER_S

    @property
    def version(self) -> int:
        """The newest change that is shown."""
        return self._seen

    def account(self, account_id: int) -> Account | None:
        """The account of this id."""
        return self._accounts.get(account_id)

    def accounts(self) -> Iterable[Account]:
        """Every account."""
        return self._accounts.values()

    def administrator(self, administrator_id: int) -> Administrator | None:
        """The administrator of this id."""
        return self._administrators.get(administrator_id)

    def administrators(self) -> Iterable[Administrator]:
        """Every administrator."""
        return self._administrators.values()

    def token(self, digest: bytes) -> ManageToken | None:
        """The management token with this SHA-256."""
        return self._tokens.get(digest)

    def tokens(self) -> Iterable[ManageToken]:
        """Every management token."""
        return self._tokens.values()

    def app(self, app_id: int) -> App | None:
        """The application of this id."""
        return self._apps.get(app_id)

    def app_by_key(self, access_key: str) -> App | None:
        """The application with this AccessKey."""
        return self._apps_by_key.get(access_key)

    def apps(self, account_id: int) -> list[App]:
        """The account's applications, newest first."""
        return _newest_first(app for app in self._apps.values() if app.account_id == account_id)

    def product(self, product_id: int) -> Product | None:
        """The product of this id."""
        return self._products.get(product_id)

    def product_by_key(self, product_key: str) -> Product | None:
        """The product with this ProductKey (case-sensitive)."""
        return self._products_by_key.get(product_key)

    def products_of_client_id(self, client_id: str) -> Iterator[tuple[Product, str]]:
        """Products that a device's client id may belong to, each with the DeviceKey that it has then: a client id does
        not say where the ProductKey ends."""
        keys = client_id.removeprefix("qd")
        for length in _KEY_LENGTHS:
            product = self._products_by_key.get(keys[:length])
            if product is not None and len(keys) - length in _KEY_LENGTHS:
                yield product, keys[length:]

    def products(self, account_id: int) -> list[Product]:
        """The account's products, newest first."""
        return _newest_first(product for product in self._products.values() if product.account_id == account_id)

    def products_of(self, app_id: int) -> tuple[Product, ...]:
        """The products authorized to an application, newest first."""
        found = self._products_of_app.get(app_id)
        if found is None:
            found = tuple(_newest_first(product for product in self._products.values() if product.app_id == app_id))
            self._products_of_app[app_id] = found
        return found

    @property
    def routes(self) -> Routes:
        """Which queues get what."""
        return self._routes

    def queue(self, queue_id: int) -> Queue | None:
        """The queue of this id."""
        return self._queues.get(queue_id)

    def queue_by_name(self, full_name: str) -> Queue | None:
        """The queue of this full name (case-sensitive)."""
        return self._queues_by_name.get(full_name)

    def queues(self, account_id: int) -> list[Queue]:
        """The account's queues, newest first."""
        return _newest_first(queue for queue in self._queues.values() if queue.account_id == account_id)

    def subscription(self, subscription_id: int) -> Subscription | None:
        """The subscription of this id."""
        return self._subscriptions.get(subscription_id)

    def subscriptions(self, account_id: int) -> list[Subscription]:
        """The account's subscriptions, newest first."""
        return _newest_first(one for one in self._subscriptions.values() if one.account_id == account_id)

    def end_user_app(self, end_user_app_id: int) -> EndUserApp | None:
        """The App of this id."""
        return self._end_user_apps.get(end_user_app_id)

    def end_user_app_by_domain(self, user_domain: str) -> EndUserApp | None:
        """The App with this user domain (case-sensitive)."""
        return self._end_user_apps_by_domain.get(user_domain)

    def end_user_apps(self, account_id: int) -> list[EndUserApp]:
        """The account's Apps, newest first."""
        return _newest_first(app for app in self._end_user_apps.values() if app.account_id == account_id)

    def end_user_apps_of(self, app_id: int) -> list[EndUserApp]:
        """The Apps whose users a SaaS application may see, newest first."""
        return _newest_first(app for app in self._end_user_apps.values() if app_id in app.saas_apps)

    # Following the database

    async def load(self) -> None:
        """Read everything anew. Raises StoreUnavailable."""
        async with self._catching_up:
            await self._load()

    async def catch_up(self) -> None:
        """Show every change committed before this call. Raises StoreUnavailable."""
        async with self._catching_up:
            started = self._clock.monotonic()
            found = await self._store.read(changes.CHANGES_AFTER, seen=self._seen)
            if found and found[0].version > self._seen + 1:
                await self._load()
                self._tell(None)
                return
            changed = frozenset((change.kind, change.entity_id) for change in found)
            await self._reload(changed)
            if found:
                self._seen = found[-1].version
            self._confirmed = started
            self._tell(changed)

    async def follow(self) -> None:
        """Catch up a few times a second, as long as the process runs; only needed where the store is shared."""
        answering = True
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                await self.catch_up()
                if not answering:
                    _log.info("directory follows the database again")
                answering = True
            except StoreUnavailable as error:
                if answering:
                    _log.error("directory cannot follow the database", error=str(error))
                answering = False

    async def forget_old_changes(self) -> None:
        """Drop change-log entries that every living process has long seen."""
        await self._store.write(changes.forget_before(self._clock.now_ms() - _KEEP_CHANGES_MS))

    async def _load(self) -> None:
        started = self._clock.monotonic()
        [state] = await self._store.read(changes.STATE)
        await self._load_accounts()
        await self._load_administrators()
        app_packages = await self._store.scan(saas_apps.PACKAGES)
        apps = [loading.app(row, app_packages, self._vault) for row in await self._store.scan(saas_apps.ALL)]
        releases = await self._store.scan(thing_models.CURRENT_RELEASES)
        labels = await self._store.scan(thing_models.LABELS)
        rows = await self._store.scan(products.ALL)
        self._apps = {app.id: app for app in apps}
        self._apps_by_key = {app.access_key: app for app in apps}
        found = loading.products(rows, releases, labels, self._vault)
        self._products = {product.id: product for product in found}
        self._products_by_key = {product.product_key: product for product in found}
        self._products_of_app.clear()
        await self._load_queues()
        await self._load_end_user_apps()
        self._seen = state.version
        self._confirmed = started

    def _tell(self, changed: Changed | None) -> None:
        if changed is None or changed:
            for listener in self.on_change:
                try:
                    listener(changed)
                except Exception:
                    _log.exception("listener of the directory failed")

    async def _reload(self, changed: Changed) -> None:
        kinds = {kind for kind, _ in changed}
        if "account" in kinds:
            await self._load_accounts()
        if "administrator" in kinds:
            await self._load_administrators()
        for kind, entity_id in sorted(changed):
            if kind == "app":
                await self._reload_app(entity_id)
            elif kind == "product":
                await self._reload_product(entity_id)
        if kinds & {"queue", "app"}:
            await self._load_queues()
        elif "product" in kinds:
            self._find_routes()
        if kinds & {"end_user_app", "app", "product"}:
            # An application or a product that was deleted is gone from the Apps as well.
            await self._load_end_user_apps()

    async def _load_accounts(self) -> None:
        rows = await self._store.read(accounts.ACCOUNTS)
        packages = await self._store.read(accounts.PACKAGES)
        self._accounts = {row.id: loading.account(row, packages) for row in rows}

    async def _load_administrators(self) -> None:
        rows = await self._store.read(accounts.ADMINISTRATORS)
        tokens = await self._store.read(accounts.TOKENS)
        self._administrators = {row.id: loading.administrator(row) for row in rows}
        self._tokens = {row.token_hash: loading.token(row) for row in tokens}

    async def _load_queues(self) -> None:
        """All queues and subscriptions: an account has at most a few dozen."""
        found = [loading.queue(row) for row in await self._store.read(queues.ALL)]
        rows = await self._store.read(queues.SUBSCRIPTIONS)
        self._queues = {queue.id: queue for queue in found}
        self._queues_by_name = {queue.full_name: queue for queue in found}
        self._subscriptions = {row.id: loading.subscription(row) for row in rows}
        self._find_routes()

    def _find_routes(self) -> None:
        holders = {product.id: product.app_id for product in self._products.values()}
        self._routes = Routes(self._subscriptions.values(), holders)

    async def _load_end_user_apps(self) -> None:
        rows = await self._store.scan(end_user_apps.ALL)
        of_products = await self._store.scan(end_user_apps.PRODUCTS)
        grants = await self._store.scan(end_user_apps.GRANTS)
        found = [end_user_app(row, of_products, grants, self._vault) for row in rows]
        self._end_user_apps = {app.id: app for app in found}
        self._end_user_apps_by_domain = {app.user_domain: app for app in found}

    async def _reload_app(self, app_id: int) -> None:
        rows = await self._store.read(saas_apps.ONE, app_id=app_id)
        packages = await self._store.read(saas_apps.PACKAGES_OF, for_app=app_id)
        previous = self._apps.pop(app_id, None)
        if previous is not None:
            self._apps_by_key.pop(previous.access_key, None)
        for row in rows:
            app = loading.app(row, packages, self._vault)
            self._apps[app.id] = app
            self._apps_by_key[app.access_key] = app
        if not rows:
            # The database set its products free, perhaps more of them than the process that deleted it knew.
            for product in self.products_of(app_id):
                await self._reload_product(product.id)
            self._products_of_app.pop(app_id, None)

    async def _reload_product(self, product_id: int) -> None:
        rows = await self._store.read(products.ONE, product_id=product_id)
        labels = await self._store.read(thing_models.LABELS_OF, for_product=product_id)
        version = rows[0].released_version if rows else None
        releases = (
            await self._store.read(thing_models.RELEASE, for_product=product_id, of_version=version)
            if version is not None
            else []
        )
        previous = self._products.pop(product_id, None)
        if previous is not None:
            self._products_by_key.pop(previous.product_key, None)
            self._products_of_app.pop(previous.app_id or 0, None)
        for product in loading.products(rows, releases, labels, self._vault):
            self._products[product.id] = product
            self._products_by_key[product.product_key] = product
            self._products_of_app.pop(product.app_id or 0, None)


def _newest_first(found: Iterable[_E]) -> list[_E]:
    return sorted(found, key=lambda entity: (entity.created_at, entity.id), reverse=True)
