"""Apps: user domains with their secrets, products, and who may see the users (domain-rules.md sections 9 and 12)."""

from collections.abc import Sequence

import msgspec

from mooring.store import UniqueViolation, Vault, Write, WriteRefused
from mooring.store import end_user_apps as statements
from mooring.store import queues as queue_statements

from .end_user_entities import EndUserApp, domain_context
from .end_user_news import EndUserNews, GrantNews, News
from .entities import Product
from .errors import Conflict, Invalid, Missing
from .fields import check_key, check_text
from .ledger import Actor, Ledger
from .numbers import Numbers
from .products import Products
from .saas_apps import SaasApps
from .secret import Secret
from .sources import BASE62, Entropy, random_text

__all__ = ["EndUserAppChanges", "EndUserApps", "NewEndUserApp", "not_of_the_domain"]

_SECRET_CHARACTERS = 40
_NO_USERS, _UNBOUND = "App without users", "product without bindings"


class NewEndUserApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An App to create. Domain and secret are made unless given, as when users move here with the domain they have."""

    name: str
    remark: str = ""
    user_domain: str | None = None
    domain_secret: str | None = None

    def __repr__(self) -> str:
        return f"NewEndUserApp(name={self.name!r})"


class EndUserAppChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of an App; None leaves a member alone. While `enabled` is false its users are kept out."""

    name: str | None = None
    remark: str | None = None
    enabled: bool | None = None


class EndUserApps:
    """What an administrator does with Apps."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        entropy: Entropy,
        products: Products,
        saas_apps: SaasApps,
        news: EndUserNews,
    ) -> None:
        self._ledger = ledger
        self._directory = ledger.directory
        self._vault = vault
        self._entropy = entropy
        self._products = products
        self._saas_apps = saas_apps
        self._news = news
        self._numbers = Numbers(ledger.store, "user_domain", first=1)

    def all(self, account_id: int) -> list[EndUserApp]:
        """The account's Apps, newest first."""
        return self._directory.end_user_apps(account_id)

    def one(self, account_id: int, end_user_app_id: int) -> EndUserApp:
        """One App. Raises Missing, also for another account's."""
        app = self._directory.end_user_app(end_user_app_id)
        if app is None or app.account_id != account_id:
            raise Missing("no_such_end_user_app", f"there is no App {end_user_app_id}", wire=5015)
        return app

    def products(self, account_id: int, end_user_app_id: int) -> list[Product]:
        """The products that an App may use. Raises Missing."""
        app = self.one(account_id, end_user_app_id)
        found = (self._directory.product(product_id) for product_id in app.products)
        return [product for product in found if product is not None]

    async def create(self, actor: Actor, new: NewEndUserApp) -> EndUserApp:
        """A new App without products and users. Raises Invalid (5013 for the domain), Conflict (5014)."""
        name = check_text("name", new.name, low=1, high=50)
        remark = check_text("remark", new.remark, low=0, high=200)
        _check_domain(new)
        row = self._row(actor, name, remark, new)
        chosen = int(new.user_domain.rpartition(".")[2]) if new.user_domain is not None else None

        async def add(number: int, taking: Write) -> None:
            domain = new.user_domain or f"C.DM.{actor.account_id}.{number}"
            await self._add(actor, msgspec.structs.replace(row, user_domain=domain), taking)

        await self._numbers.take(chosen, add)
        return self.one(actor.account_id, row.id)

    async def _add(self, actor: Actor, row: statements.AppRow, taking: Write) -> None:
        try:
            await self._ledger.commit(
                actor,
                "end_user_app.create",
                ("end_user_app", row.name),
                taking,
                statements.ADD.of(row),
                changed=[("end_user_app", row.id)],
                detail={"id": row.id, "user_domain": row.user_domain},
            )
        except UniqueViolation as error:
            if "name" in error.columns:
                raise _name_taken(row.name) from None
            message = f"there is a user domain {row.user_domain} already"
            raise Conflict("user_domain_taken", message, field="user_domain", wire=5014) from None

    async def update(self, actor: Actor, end_user_app_id: int, changes: EndUserAppChanges) -> EndUserApp:
        """Apply changes. Raises Missing, Invalid, Conflict."""
        app = self.one(actor.account_id, end_user_app_id)
        wanted = {
            name: getattr(app, name) if value is None else value
            for name, value in msgspec.structs.asdict(changes).items()
        }
        wanted["name"] = check_text("name", wanted["name"], low=1, high=50)
        wanted["remark"] = check_text("remark", wanted["remark"], low=0, high=200)
        detail = {name: value for name, value in wanted.items() if value != getattr(app, name)}
        if not detail:
            raise Conflict("nothing_to_change", "nothing differs from what is stored")
        write = statements.UPDATE(
            end_user_app=app.id,
            seen_updated_at=app.updated_at,
            now=self._ledger.later_than(app.updated_at),
            **{f"new_{name}": value for name, value in wanted.items()},
        ).must(f"App {app.name}")
        try:
            await self._commit(actor, app, "end_user_app.update", write, detail=detail)
        except UniqueViolation:
            raise _name_taken(str(wanted["name"])) from None
        return self.one(actor.account_id, app.id)

    async def delete(self, actor: Actor, end_user_app_id: int) -> None:
        """Remove an App that has no users; subscriptions to it stop. Raises Missing, and Conflict while it has some."""
        app = self.one(actor.account_id, end_user_app_id)
        now = self._ledger.clock.now_ms()
        stops = [
            write for app_id in app.saas_apps for write in queue_statements.stop_domain(app_id, app.user_domain, now)
        ]
        try:
            await self._commit(
                actor,
                app,
                "end_user_app.delete",
                statements.LOCK(end_user_app=app.id),
                statements.DELETE(end_user_app=app.id).must(_NO_USERS),
                *stops,
                detail={"user_domain": app.user_domain},
            )
        except WriteRefused:
            self.one(actor.account_id, end_user_app_id)
            [users] = await self._ledger.store.scan(statements.USERS, end_user_app=app.id)
            message = f"App {app.name} has {users.rows} users; delete them first"
            raise Conflict("end_user_app_has_users", message, detail={"users": users.rows}) from None

    # Secret of the domain

    async def show_secret(self, actor: Actor, end_user_app_id: int) -> Secret:
        """The secret of the user domain; that it was shown is audited. Raises Missing."""
        app = self.one(actor.account_id, end_user_app_id)
        await self._commit(actor, app, "end_user_app.show_secret")
        return app.domain_secret

    async def reset_secret(self, actor: Actor, end_user_app_id: int) -> Secret:
        """A new secret of the user domain; the old one ends at once. Raises Missing."""
        app = self.one(actor.account_id, end_user_app_id)
        secret = Secret(random_text(self._entropy, BASE62, _SECRET_CHARACTERS))
        write = statements.RESET_SECRET(
            end_user_app=app.id,
            new_secret=self._vault.seal(secret.reveal(), domain_context(app.id)),
            now=self._ledger.later_than(app.updated_at),
        )
        await self._commit(actor, app, "end_user_app.reset_secret", write)
        return secret

    # Products

    async def add_product(self, actor: Actor, end_user_app_id: int, product_key: str) -> EndUserApp:
        """Let users of an App bind devices of a product. Raises Missing, Conflict (5227)."""
        app = self.one(actor.account_id, end_user_app_id)
        product = self._products.one(actor.account_id, product_key)
        row = statements.ProductRow(app.id, product.id, self._ledger.clock.now_ms())
        detail: dict[str, object] = {"product_key": product_key}
        try:
            await self._commit(actor, app, "end_user_app.add_product", statements.ADD_PRODUCT.of(row), detail=detail)
        except UniqueViolation:
            message = f"{app.name} may use {product_key} already"
            raise Conflict("product_associated", message, wire=5227) from None
        return self.one(actor.account_id, app.id)

    async def remove_product(self, actor: Actor, end_user_app_id: int, product_key: str) -> EndUserApp:
        """Take a product from an App. Raises Missing, and Conflict (5229) when it has not got it, or while users of the
        App have bound devices of it."""
        app = self.one(actor.account_id, end_user_app_id)
        product = self._products.one(actor.account_id, product_key)
        if product.id not in app.products:
            raise not_of_the_domain(app, product)
        removal = statements.REMOVE_PRODUCT(end_user_app=app.id, of_product=product.id).must(_UNBOUND)
        detail: dict[str, object] = {"product_key": product_key}
        try:
            await self._commit(
                actor, app, "end_user_app.remove_product", statements.LOCK(end_user_app=app.id), removal, detail=detail
            )
        except WriteRefused:
            [bound] = await self._ledger.store.scan(statements.BOUND, end_user_app=app.id, of_product=product.id)
            message = f"users of {app.name} have {bound.rows} bindings to devices of {product_key}; unbind them first"
            raise Conflict("product_bound", message, detail={"bindings": bound.rows}) from None
        return self.one(actor.account_id, app.id)

    # SaaS applications

    async def authorize(self, actor: Actor, saas_app_id: int, end_user_app_id: int) -> EndUserApp:
        """Let a SaaS application see the users of an App. Raises Missing, Conflict."""
        return await self._grant(actor, saas_app_id, end_user_app_id, authorized=True)

    async def cancel(self, actor: Actor, saas_app_id: int, end_user_app_id: int) -> EndUserApp:
        """Take the users of an App away from a SaaS application, at once; its subscriptions to them stop. Raises
        Missing, Conflict."""
        return await self._grant(actor, saas_app_id, end_user_app_id, authorized=False)

    async def _grant(self, actor: Actor, saas_app_id: int, end_user_app_id: int, *, authorized: bool) -> EndUserApp:
        saas_app = self._saas_apps.one(actor.account_id, saas_app_id)
        app = self.one(actor.account_id, end_user_app_id)
        now = self._ledger.clock.now_ms()
        if (saas_app.id in app.saas_apps) == authorized:
            word = "authorized already" if authorized else "not authorized"
            raise Conflict("end_user_app_" + word.replace(" ", "_"), f"{app.name} is {word} to {saas_app.name}")
        row = statements.GrantRow(app.id, saas_app.id, now)
        writes: list[Write] = [statements.AUTHORIZE.of(row)]
        if not authorized:
            cancel = statements.CANCEL(end_user_app=app.id, for_app=saas_app.id).must("authorization")
            writes = [cancel, *queue_statements.stop_domain(saas_app.id, app.user_domain, now)]
        news = [GrantNews(app, saas_app, authorized, actor, now)]
        action = "end_user_app.authorize" if authorized else "end_user_app.cancel"
        detail: dict[str, object] = {"app": saas_app.name}
        await self._commit(actor, app, action, *writes, detail=detail, news=news)
        return self.one(actor.account_id, app.id)

    async def _commit(
        self,
        actor: Actor,
        app: EndUserApp,
        action: str,
        *writes: Write,
        detail: dict[str, object] | None = None,
        news: Sequence[News] = (),
    ) -> None:
        await self._ledger.commit(
            actor,
            action,
            ("end_user_app", app.name),
            *writes,
            changed=[("end_user_app", app.id), ("queue", app.id)] if writes else (),
            detail={"id": app.id, **(detail or {})},
            messages=self._news.messages(news),
        )

    def _row(self, actor: Actor, name: str, remark: str, new: NewEndUserApp) -> statements.AppRow:
        end_user_app_id = self._ledger.ids.next()
        secret = new.domain_secret or random_text(self._entropy, BASE62, _SECRET_CHARACTERS)
        return statements.AppRow(
            id=end_user_app_id,
            account_id=actor.account_id,
            name=name,
            remark=remark,
            user_domain="",
            domain_secret=self._vault.seal(secret, domain_context(end_user_app_id)),
            enabled=True,
            created_at=self._ledger.clock.now_ms(),
            updated_at=None,
        )


def not_of_the_domain(app: EndUserApp, product: Product) -> Conflict:
    """The refusal for a product that an App may not use."""
    message = f"product {product.product_key} is not associated with App {app.name}"
    return Conflict("product_not_associated", message, wire=5229)


def _check_domain(new: NewEndUserApp) -> None:
    if (new.user_domain is None) != (new.domain_secret is None):
        raise Invalid("domain_pair", "give user_domain and domain_secret together, or neither", field="user_domain")
    if new.user_domain is None:
        return
    try:
        check_key("user_domain", new.user_domain, r"C\.DM\.[0-9]{1,19}\.[0-9]{1,9}", "C.DM.<enterprise>.<number>")
    except Invalid as error:
        raise Invalid(error.code, error.message, field=error.field, wire=5013) from None
    check_key("domain_secret", new.domain_secret or "", "[A-Za-z0-9]{16,128}", "16 to 128 letters and digits")


def _name_taken(name: str) -> Conflict:
    return Conflict("name_taken", f"there is an App {name!r} already", field="name")
