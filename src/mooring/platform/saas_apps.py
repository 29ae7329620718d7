"""SaaS applications: keys, packages, products, IP white lists (domain-rules.md section 9)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import msgspec

from mooring.store import UniqueViolation, Vault, Write, WriteRefused
from mooring.store import products as product_statements
from mooring.store import queues as queue_statements
from mooring.store import saas_apps as statements
from mooring.store.queue_messages import MessageRow

from . import message_bodies as bodies
from .addresses import parse_addresses
from .entities import App, Product
from .errors import Conflict, Invalid, LimitReached, Missing
from .fields import check_choice, check_key, check_text
from .ledger import Actor, Ledger
from .loading import app_context
from .products import Products
from .routes import Queue
from .secret import Secret
from .service_market import check_package
from .sources import BASE62, Entropy, random_text

__all__ = ["AppChanges", "NewApp", "SaasApps"]

_ACCESS_KEY_CHARACTERS = 24
_ACCESS_SECRET_CHARACTERS = 40
_ATTEMPTS = 4


class NewApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application to create. Keys are made unless given, as when a system moves here with the keys it has."""

    name: str
    description: str = ""
    access_key: str | None = None
    access_secret: str | None = None

    def __repr__(self) -> str:
        return f"NewApp(name={self.name!r})"


class AppChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of an application; None leaves a member alone.

    `enabled` false disables the key: logins fail with 403 and every token dies for good. `api_access` false keeps
    the tokens but answers 91007. `address_list_enabled` with `allowed_addresses` is the application's IP white list.
    `times` numbers shows it as JSON numbers what the contract prints as strings (contract README, decision 1).
    """

    name: str | None = None
    description: str | None = None
    enabled: bool | None = None
    api_access: bool | None = None
    address_list_enabled: bool | None = None
    allowed_addresses: list[str] | None = None
    times: Literal["documented", "numbers"] | None = None


class SaasApps:
    """What an administrator does with SaaS applications. `on_delete` listeners hear of the queues that went with a
    deleted one."""

    def __init__(
        self, ledger: Ledger, vault: Vault, entropy: Entropy, products: Products, *, limit: int | None = None
    ) -> None:
        self._ledger = ledger
        self._directory = ledger.directory
        self._vault = vault
        self._entropy = entropy
        self._products = products
        self._limit = limit
        self.on_delete: list[Callable[[Sequence[Queue]], Awaitable[None]]] = []

    def all(self, account_id: int) -> list[App]:
        """The account's applications, newest first."""
        return self._directory.apps(account_id)

    def one(self, account_id: int, app_id: int) -> App:
        """One application. Raises Missing, also for another account's."""
        app = self._directory.app(app_id)
        if app is None or app.account_id != account_id:
            raise Missing("no_such_app", f"there is no SaaS application {app_id}")
        return app

    def products(self, account_id: int, app_id: int) -> tuple[Product, ...]:
        """Products authorized to an application, newest first. Raises Missing."""
        return self._directory.products_of(self.one(account_id, app_id).id)

    async def create(self, actor: Actor, new: NewApp) -> App:
        """A new application without packages and products. Raises Invalid, Conflict, LimitReached."""
        name = check_text("name", new.name, low=1, high=50)
        description = check_text("description", new.description, low=0, high=200)
        _check_keys(new)
        if self._limit is not None and len(self.all(actor.account_id)) >= self._limit:
            raise LimitReached("app_limit", f"the account has {self._limit} SaaS applications, its limit")
        for _ in range(_ATTEMPTS):
            row = self._row(actor, name, description, new)
            try:
                await self._ledger.commit(
                    actor,
                    "app.create",
                    ("app", name),
                    statements.ADD.of(row),
                    changed=[("app", row.id)],
                    detail={"id": row.id, "access_key": row.access_key},
                )
            except UniqueViolation as error:
                if error.columns == ("account_id", "name"):
                    raise _name_taken(name) from None
                if new.access_key is not None:
                    raise Conflict("access_key_taken", "this AccessKey exists already", field="access_key") from None
                continue
            return self.one(actor.account_id, row.id)
        raise Conflict("access_key_taken", "no free AccessKey was found; try again")

    async def update(self, actor: Actor, app_id: int, changes: AppChanges) -> App:
        """Apply changes. Raises Missing, Invalid, Conflict."""
        app = self.one(actor.account_id, app_id)
        wanted = _wanted(app, changes)
        detail = {name: value for name, value in wanted.items() if value != getattr(app, name)}
        if not detail:
            raise Conflict("nothing_to_change", "nothing differs from what is stored")
        write = statements.UPDATE(
            app_id=app_id,
            new_name=wanted["name"],
            new_description=wanted["description"],
            new_enabled=wanted["enabled"],
            new_api_access=wanted["api_access"],
            generations=1 if detail.get("enabled") is False else 0,
            new_address_list_enabled=wanted["address_list_enabled"],
            new_allowed_addresses=msgspec.json.encode(wanted["allowed_addresses"]).decode(),
            new_times=wanted["times"],
            seen_updated_at=app.updated_at,
            now=self._ledger.later_than(app.updated_at),
        ).must(f"SaaS application {app.name}")
        try:
            await self._commit(actor, app, "app.update", write, detail=detail)
        except UniqueViolation:
            raise _name_taken(str(wanted["name"])) from None
        return self.one(actor.account_id, app_id)

    async def delete(self, actor: Actor, app_id: int) -> None:
        """Remove an application with its queues and subscriptions; its tokens die, its products become free. Raises
        Missing."""
        app = self.one(actor.account_id, app_id)
        queues = [queue for queue in self._directory.queues(actor.account_id) if queue.app_id == app_id]
        await self._ledger.commit(
            actor,
            "app.delete",
            ("app", app.name),
            statements.DELETE(app_id=app_id).must("app"),
            changed=[("app", app_id)],
            detail={"id": app_id, "access_key": app.access_key, "queues": [queue.name for queue in queues]},
        )
        for listener in self.on_delete:
            await listener(queues)

    async def show_secret(self, actor: Actor, app_id: int) -> Secret:
        """The AccessSecret; that it was shown is audited. Raises Missing."""
        app = self.one(actor.account_id, app_id)
        await self._commit(actor, app, "app.show_secret")
        return app.access_secret

    async def reset_secret(self, actor: Actor, app_id: int) -> Secret:
        """A new AccessSecret; the old one and every token stop working at once. Raises Missing."""
        app = self.one(actor.account_id, app_id)
        secret = Secret(random_text(self._entropy, BASE62, _ACCESS_SECRET_CHARACTERS))
        write = statements.RESET_SECRET(
            app_id=app_id,
            new_secret=self._vault.seal(secret.reveal(), app_context(app_id)),
            now=self._ledger.clock.now_ms(),
        )
        await self._commit(actor, app, "app.reset_secret", write)
        return secret

    async def authorize_package(self, actor: Actor, app_id: int, package: str) -> App:
        """Let an application use an activated package. Raises Missing, Conflict."""
        check_package(package)
        app = self.one(actor.account_id, app_id)
        account = self._directory.account(app.account_id)
        if account is None or package not in account.packages:
            raise Conflict(
                "package_inactive",
                f"service package {package} is not activated in the service market",
                wire=91007,
            )
        row = statements.AppPackageRow(app_id, package, self._ledger.clock.now_ms())
        try:
            await self._commit(
                actor,
                app,
                "app.authorize_package",
                statements.AUTHORIZE_PACKAGE.of(row),
                detail={"package": package},
            )
        except UniqueViolation:
            raise Conflict("package_authorized", f"{package} is authorized to {app.name} already") from None
        return self.one(actor.account_id, app_id)

    async def cancel_package(self, actor: Actor, app_id: int, package: str) -> App:
        """Take a package away again. Raises Missing, Conflict."""
        check_package(package)
        app = self.one(actor.account_id, app_id)
        if package not in app.packages:
            raise Conflict("package_not_authorized", f"{package} is not authorized to {app.name}")
        write = statements.CANCEL_PACKAGE(for_app=app_id, named=package)
        await self._commit(actor, app, "app.cancel_package", write, detail={"package": package})
        return self.one(actor.account_id, app_id)

    async def authorize_product(self, actor: Actor, app_id: int, product_key: str) -> Product:
        """Give an application a product's data; a product belongs to one at a time. Raises Missing, Conflict."""
        app = self.one(actor.account_id, app_id)
        product = self._products.one(actor.account_id, product_key)
        write = product_statements.AUTHORIZE(product_id=product.id, for_app=app_id).must("free")
        try:
            await self._commit(
                actor,
                app,
                "app.authorize_product",
                write,
                product=product,
                detail={"product_key": product_key},
                messages=self._granted(actor, app, product, "AUTH"),
            )
        except WriteRefused:
            raise self._taken(product_key, actor.account_id) from None
        return self._products.one(actor.account_id, product_key)

    async def cancel_product(self, actor: Actor, app_id: int, product_key: str) -> None:
        """Take a product away from an application; its subscriptions stop. Raises Missing, Conflict."""
        app = self.one(actor.account_id, app_id)
        product = self._products.one(actor.account_id, product_key)
        write = product_statements.CANCEL(product_id=product.id, for_app=app_id).must("authorized")
        try:
            stops = queue_statements.stop_product(product.id, self._ledger.clock.now_ms())
            detail: dict[str, object] = {"product_key": product_key}
            await self._commit(
                actor,
                app,
                "app.cancel_product",
                write,
                *stops,
                product=product,
                detail=detail,
                messages=self._granted(actor, app, product, "CANCEL_AUTH"),
            )
        except WriteRefused:
            raise Conflict("product_not_authorized", f"{product_key} is not authorized to {app.name}") from None

    async def _commit(
        self,
        actor: Actor,
        app: App,
        action: str,
        *writes: Write,
        product: Product | None = None,
        detail: dict[str, object] | None = None,
        messages: Sequence[MessageRow] = (),
    ) -> None:
        changed = [("app", app.id)] if product is None else [("product", product.id), ("queue", product.id)]
        await self._ledger.commit(
            actor,
            action,
            ("app", app.name),
            *writes,
            changed=changed if writes else (),
            detail={"id": app.id, **(detail or {})},
            messages=messages,
        )

    def _granted(self, actor: Actor, app: App, product: Product, operation: str) -> list[MessageRow]:
        """For the application concerned: the last message about the product when it loses it."""
        messages: list[MessageRow] = []
        self._ledger.announcer.app(
            messages.append,
            app.id,
            "META_EVENT-GRANT_AUTHORIZED",
            bodies.product_snapshot(product),
            operation=operation,
            actor=actor,
            extra={"productKey": product.product_key},
        )
        return messages

    def _row(self, actor: Actor, name: str, description: str, new: NewApp) -> statements.AppRow:
        app_id = self._ledger.ids.next()
        secret = new.access_secret or random_text(self._entropy, BASE62, _ACCESS_SECRET_CHARACTERS)
        return statements.AppRow(
            id=app_id,
            account_id=actor.account_id,
            name=name,
            description=description,
            access_key=new.access_key or random_text(self._entropy, BASE62, _ACCESS_KEY_CHARACTERS),
            access_secret=self._vault.seal(secret, app_context(app_id)),
            enabled=True,
            api_access=True,
            token_generation=0,
            address_list_enabled=False,
            allowed_addresses="[]",
            times="documented",
            created_at=self._ledger.clock.now_ms(),
            updated_at=None,
        )

    def _taken(self, product_key: str, account_id: int) -> Conflict:
        product = self._products.one(account_id, product_key)
        holder = self._directory.app(product.app_id) if product.app_id is not None else None
        name = holder.name if holder is not None else "another application"
        return Conflict(
            "product_taken",
            f"{product_key} is authorized to {name}; cancel it there first",
            detail={"app": name},
        )


def _check_keys(new: NewApp) -> None:
    if (new.access_key is None) != (new.access_secret is None):
        raise Invalid("key_pair", "give access_key and access_secret together, or neither", field="access_key")
    if new.access_key is not None:
        check_key("access_key", new.access_key, "[A-Za-z0-9]{8,64}", "8 to 64 letters and digits")
        check_key("access_secret", new.access_secret or "", "[A-Za-z0-9]{16,128}", "16 to 128 letters and digits")


def _wanted(app: App, changes: AppChanges) -> dict[str, object]:
    wanted = {
        name: getattr(app, name) if value is None else value for name, value in msgspec.structs.asdict(changes).items()
    }
    wanted["name"] = check_text("name", wanted["name"], low=1, high=50)
    wanted["description"] = check_text("description", wanted["description"], low=0, high=200)
    check_choice("times", wanted["times"], ("documented", "numbers"))
    wanted["allowed_addresses"] = parse_addresses(wanted["allowed_addresses"])
    if wanted["address_list_enabled"] and not wanted["allowed_addresses"]:
        raise Invalid(
            "address_list_empty",
            "an enabled IP white list needs at least one address",
            field="allowed_addresses",
        )
    return wanted


def _name_taken(name: str) -> Conflict:
    return Conflict("name_taken", f"there is a SaaS application {name!r} already", field="name")
