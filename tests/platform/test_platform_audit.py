"""Every change leaves one audit entry, and no secret leaves the place it belongs to."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from databases import on_sqlite
from fakes import FakeClock
from mooring.platform import Actor, Denied, Platform, PlatformError, Role, Secret
from mooring.platform.accounts import Accounts
from mooring.platform.entities import PACKAGES, Administrator
from mooring.platform.ledger import AuditEntry, AuditFilter
from mooring.platform.products import NewProduct, ProductChanges, Products
from mooring.platform.saas_apps import AppChanges, NewApp, SaasApps
from mooring.platform.service_market import ServiceMarket
from mooring.platform.thing_models import ThingModels
from mooring.protocol.login import build_username, sign
from mooring.store import Store
from mooring.store.sqlite import SqliteStore

PACKAGE = PACKAGES[0]
FIRST, SECOND = "admin@example.com", "second@example.com"
MODEL = Path(__file__).parents[2] / "contract/tsl-samples/smart-plug.json"
OWN_PASSWORD = Secret("correct horse battery")
IMPORTED_APP = {"access_key": "24b9zicjuns41H6MDg71AMnP", "access_secret": "6AE3p2SnA9ShP7ofigrccoeeks8DDoteJ1jUUTEz"}
IMPORTED_PRODUCT = {"product_key": "p11v14", "product_secret": "WWJwcUxqb3Y0cS9x"}


@dataclass
class Work:
    """A day of an administrator. What a call returned, and every secret that came up, is kept."""

    platform: Platform
    clock: FakeClock
    actor: Actor = field(default_factory=lambda: Actor(0, "mooring", "local"))
    kept: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def secret(self, name: str, secret: Secret) -> None:
        self.secrets[name] = secret.reveal()

    def administrator(self, email: str) -> Administrator:
        found = [entry for entry in self.platform.directory.administrators() if entry.email == email]
        self.secret(f"password hash of {email} {found[0].updated_at}", found[0].password_hash)
        return found[0]

    @property
    def app(self) -> int:
        app_id: int = self.kept["app"]
        return app_id

    @property
    def key(self) -> str:
        product_key: str = self.kept["product"]
        return product_key


async def bootstrap(work: Work) -> None:
    made = await work.platform.accounts.bootstrap(FIRST)
    assert made is not None
    work.secret("first password", made.password)
    work.actor = Actor(made.account.id, FIRST, "192.0.2.7")


async def add_administrator(work: Work) -> None:
    _, password = await work.platform.accounts.add_administrator(work.actor, SECOND)
    work.secret("one-time password", password)
    work.kept["password"] = password


async def log_in(work: Work) -> None:
    token = await work.platform.accounts.log_in(SECOND, work.kept["password"], "192.0.2.8")
    work.secret("login token", token.text)
    work.kept["token"] = token.token.id


async def fail_to_log_in(work: Work) -> None:
    with pytest.raises(Denied):
        await work.platform.accounts.log_in(SECOND, Secret("not this password"), "192.0.2.8")


async def make_token(work: Work) -> None:
    token = await work.platform.accounts.make_token(work.administrator(SECOND), "192.0.2.8", "ci")
    work.secret("management token", token.text)


async def change_password(work: Work) -> None:
    second = work.administrator(SECOND)
    await work.platform.accounts.change_password(second, "192.0.2.8", work.kept["password"], OWN_PASSWORD)
    work.secret("own password", OWN_PASSWORD)
    work.administrator(SECOND)


async def reset_password(work: Work) -> None:
    second = work.administrator(SECOND)
    work.secret("reset password", await work.platform.accounts.reset_password(work.actor, second.id))
    work.administrator(SECOND)


async def create_app(work: Work) -> None:
    app = await work.platform.saas_apps.create(work.actor, NewApp("Fleet"))
    work.secret("AccessSecret", app.access_secret)
    work.kept["app"] = app.id


async def import_app(work: Work) -> None:
    app = await work.platform.saas_apps.create(work.actor, NewApp("Moved", **IMPORTED_APP))
    work.secret("imported AccessSecret", app.access_secret)


async def reset_secret(work: Work) -> None:
    work.secret("second AccessSecret", await work.platform.saas_apps.reset_secret(work.actor, work.app))


async def create_product(work: Work) -> None:
    product = await work.platform.products.create(work.actor, NewProduct("Pump"))
    work.secret("ProductSecret", product.product_secret)
    work.kept["product"] = product.product_key


async def import_product(work: Work) -> None:
    new: dict[str, Any] = {"name": "Moved", **IMPORTED_PRODUCT}
    product = await work.platform.products.create(work.actor, NewProduct(**new))
    work.secret("imported ProductSecret", product.product_secret)


async def import_draft(work: Work) -> None:
    await work.platform.thing_models.import_draft(work.actor, work.key, msgspec.json.decode(MODEL.read_bytes()))


@dataclass(frozen=True)
class Step:
    """A call of `method`, done by `actor` from `address` when these are not the administrator's own."""

    method: Callable[..., object]
    do: Callable[[Work], Awaitable[object]]
    action: str
    target: str
    actor: str = FIRST
    address: str = "192.0.2.7"


STEPS = [
    Step(Accounts.bootstrap, bootstrap, "account.create", "account Mooring", "mooring", "local"),
    Step(
        Accounts.rename, lambda w: w.platform.accounts.rename(w.actor, "Harbour"), "account.rename", "account Harbour"
    ),
    Step(
        Accounts.set_addresses,
        lambda w: w.platform.accounts.set_addresses(w.actor, enabled=False, addresses=["10.0.0.1"]),
        "account.set_addresses",
        "account Harbour",
    ),
    Step(Accounts.add_administrator, add_administrator, "administrator.create", f"administrator {SECOND}"),
    Step(Accounts.log_in, log_in, "administrator.log_in", "token login", SECOND, "192.0.2.8"),
    Step(Accounts.make_token, make_token, "token.create", "token ci", SECOND, "192.0.2.8"),
    Step(
        Accounts.revoke_token,
        lambda w: w.platform.accounts.revoke_token(w.actor, w.kept["token"]),
        "token.revoke",
        "token login",
    ),
    Step(
        Accounts.change_password,
        change_password,
        "administrator.change_password",
        f"administrator {SECOND}",
        SECOND,
        "192.0.2.8",
    ),
    Step(
        Accounts.set_role,
        lambda w: w.platform.accounts.set_role(w.actor, w.administrator(SECOND).id, Role.DEVELOPER),
        "administrator.set_role",
        f"administrator {SECOND}",
    ),
    Step(
        Accounts.log_in,
        fail_to_log_in,
        "administrator.log_in_failed",
        f"administrator {SECOND}",
        SECOND,
        "192.0.2.8",
    ),
    Step(
        Accounts.unlock,
        lambda w: w.platform.accounts.unlock(w.actor, w.administrator(SECOND).id),
        "administrator.unlock",
        f"administrator {SECOND}",
    ),
    Step(
        Accounts.set_enabled,
        lambda w: w.platform.accounts.set_enabled(w.actor, w.administrator(SECOND).id, enabled=False),
        "administrator.disable",
        f"administrator {SECOND}",
    ),
    Step(
        Accounts.set_enabled,
        lambda w: w.platform.accounts.set_enabled(w.actor, w.administrator(SECOND).id, enabled=True),
        "administrator.enable",
        f"administrator {SECOND}",
    ),
    Step(Accounts.reset_password, reset_password, "administrator.reset_password", f"administrator {SECOND}"),
    Step(
        Accounts.delete_administrator,
        lambda w: w.platform.accounts.delete_administrator(w.actor, w.administrator(SECOND).id),
        "administrator.delete",
        f"administrator {SECOND}",
    ),
    Step(
        ServiceMarket.activate,
        lambda w: w.platform.service_market.activate(w.actor, PACKAGE),
        "package.activate",
        f"package {PACKAGE}",
    ),
    Step(SaasApps.create, create_app, "app.create", "app Fleet"),
    Step(SaasApps.create, import_app, "app.create", "app Moved"),
    Step(
        SaasApps.update,
        lambda w: w.platform.saas_apps.update(w.actor, w.app, AppChanges(description="Trucks")),
        "app.update",
        "app Fleet",
    ),
    Step(
        SaasApps.authorize_package,
        lambda w: w.platform.saas_apps.authorize_package(w.actor, w.app, PACKAGE),
        "app.authorize_package",
        "app Fleet",
    ),
    Step(
        SaasApps.show_secret,
        lambda w: w.platform.saas_apps.show_secret(w.actor, w.app),
        "app.show_secret",
        "app Fleet",
    ),
    Step(SaasApps.reset_secret, reset_secret, "app.reset_secret", "app Fleet"),
    Step(Products.create, create_product, "product.create", "product *"),
    Step(Products.create, import_product, "product.create", "product p11v14"),
    Step(
        Products.update,
        lambda w: w.platform.products.update(w.actor, w.key, ProductChanges(allowed_limit=5)),
        "product.update",
        "product *",
    ),
    Step(
        Products.show_secret,
        lambda w: w.platform.products.show_secret(w.actor, w.key),
        "product.show_secret",
        "product *",
    ),
    Step(
        SaasApps.authorize_product,
        lambda w: w.platform.saas_apps.authorize_product(w.actor, w.app, w.key),
        "app.authorize_product",
        "app Fleet",
    ),
    Step(ThingModels.import_draft, import_draft, "thing_model.import", "product *"),
    Step(
        ThingModels.release,
        lambda w: w.platform.thing_models.release(w.actor, w.key),
        "thing_model.release",
        "product *",
    ),
    Step(
        ThingModels.set_labels,
        lambda w: w.platform.thing_models.set_labels(w.actor, w.key, "CN", {"relay": "继电器"}),
        "thing_model.set_labels",
        "product *",
    ),
    Step(
        ThingModels.copy_draft,
        lambda w: w.platform.thing_models.copy_draft(w.actor, w.key, w.key, None),
        "thing_model.copy",
        "product *",
    ),
    Step(
        ThingModels.discard,
        lambda w: w.platform.thing_models.discard(w.actor, w.key),
        "thing_model.discard",
        "product *",
    ),
    Step(
        SaasApps.cancel_product,
        lambda w: w.platform.saas_apps.cancel_product(w.actor, w.app, w.key),
        "app.cancel_product",
        "app Fleet",
    ),
    Step(
        SaasApps.cancel_package,
        lambda w: w.platform.saas_apps.cancel_package(w.actor, w.app, PACKAGE),
        "app.cancel_package",
        "app Fleet",
    ),
    Step(
        ServiceMarket.deactivate,
        lambda w: w.platform.service_market.deactivate(w.actor, PACKAGE),
        "package.deactivate",
        f"package {PACKAGE}",
    ),
]
ENDINGS = [
    Step(SaasApps.delete, lambda w: w.platform.saas_apps.delete(w.actor, w.app), "app.delete", "app Fleet"),
    Step(Products.delete, lambda w: w.platform.products.delete(w.actor, w.key), "product.delete", "product *"),
]
"""Left out where what they delete is looked at afterwards."""

READS = {
    Accounts.forget_expired_tokens,  # housekeeping: nobody asked for it
    ThingModels.draft,
    ThingModels.difference,
    ThingModels.releases,
    ThingModels.export,
    ThingModels.labels,
}


def test_every_call_that_changes_something_is_among_the_steps() -> None:
    services = (Accounts, ServiceMarket, SaasApps, Products, ThingModels)
    calls = {
        method
        for service in services
        for name, method in inspect.getmembers(service, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert calls == {step.method for step in (*STEPS, *ENDINGS)} | READS


@pytest.fixture
def work(platform: Platform, clock: FakeClock) -> Work:
    return Work(platform, clock)


@pytest.fixture
async def day(work: Work) -> AsyncIterator[tuple[Work, list[Any]]]:
    """A day's work without its endings, with the log lines of it."""
    with structlog.testing.capture_logs() as logs:
        for step in STEPS:
            work.clock.advance(1_000)
            await step.do(work)
        app = work.platform.saas_apps.one(work.actor.account_id, work.app)
        username = build_username(app.access_key, work.clock.now_ms())
        issued = work.platform.access.log_in(username, sign(username, app.access_secret.reveal()), None)
        work.secrets["access token"] = issued.text.removeprefix("QJWT ")
        work.secrets["signature"] = sign(username, app.access_secret.reveal())
        work.administrator(FIRST)
        yield work, logs


async def entries(work: Work) -> list[AuditEntry]:
    return await work.platform.ledger.entries(work.actor.account_id, rows=1000)


async def test_each_change_leaves_one_entry_with_who_where_when_and_what(work: Work) -> None:
    for count, step in enumerate((*STEPS, *ENDINGS)):
        work.clock.advance(1_000)
        await step.do(work)
        newest, *older = await entries(work)
        assert len(older) == count, step.action
        target = step.target.replace("*", work.kept.get("product", ""))
        found = (newest.action, newest.actor, newest.address, newest.at, f"{newest.target_kind} {newest.target}")
        assert found == (step.action, step.actor, step.address, work.clock.now_ms(), target)


@on_sqlite
async def test_a_refused_change_leaves_no_entry(platform: Platform, actor: Actor, work: Work) -> None:
    work.actor = actor
    await platform.saas_apps.create(actor, NewApp("Fleet"))
    before = await entries(work)
    for attempt in (
        platform.saas_apps.create(actor, NewApp("Fleet")),
        platform.saas_apps.create(actor, NewApp("")),
        platform.products.delete(actor, "nowhere"),
        platform.service_market.deactivate(actor, PACKAGE),
    ):
        with pytest.raises(PlatformError):
            await attempt
    assert await entries(work) == before


@on_sqlite
async def test_changes_are_told_with_their_new_values(work: Work) -> None:
    for step in STEPS:
        await step.do(work)
    details = {entry.action: entry.detail for entry in await entries(work)}
    assert details["app.update"] == {"id": work.app, "description": "Trucks"}
    assert details["product.update"] == {"allowed_limit": 5}
    assert details["account.set_addresses"] == {"enabled": False, "addresses": ["10.0.0.1/32"]}


async def test_entries_are_read_newest_first_page_by_page(platform: Platform, actor: Actor, work: Work) -> None:
    work.actor = actor
    for number in range(10):
        await platform.accounts.rename(actor, str(number))
    everything = await entries(work)
    pages: list[AuditEntry] = []
    while page := await platform.ledger.entries(actor.account_id, before_id=pages[-1].id if pages else None, rows=3):
        pages += page
    assert pages == everything
    assert [entry.id for entry in pages] == sorted((entry.id for entry in pages), reverse=True)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (AuditFilter(action="APP.cr"), ["app.create"]),
        (AuditFilter(target="fl%t"), []),
        (AuditFilter(target="fleet", target_kind="product"), []),
        (AuditFilter(target="fleet", target_kind="app"), ["app.update", "app.create"]),
        (AuditFilter(actor="nobody"), []),
        (AuditFilter(target="Fleet", until=2_000), ["app.create"]),
        (AuditFilter(target="Fleet", since=2_001), ["app.update"]),
    ],
)
async def test_entries_are_narrowed(
    platform: Platform, actor: Actor, clock: FakeClock, chosen: AuditFilter, found: list[str]
) -> None:
    begin = clock.now_ms()
    app = await platform.saas_apps.create(actor, NewApp("Fleet"))
    clock.advance(3_000)
    await platform.saas_apps.update(actor, app.id, AppChanges(description="Trucks"))
    until = chosen.until + begin if chosen.until < begin else chosen.until
    moved = msgspec.structs.replace(chosen, since=chosen.since and chosen.since + begin, until=until)
    entries = await platform.ledger.entries(actor.account_id, moved)
    assert [entry.action for entry in entries if entry.target == "Fleet"] == found


@on_sqlite
async def test_entries_of_another_account_are_not_shown(platform: Platform, actor: Actor, stranger: Actor) -> None:
    assert await platform.ledger.entries(stranger.account_id) == []


# Secrets


async def test_no_secret_is_in_the_audit_log(day: tuple[Work, list[Any]], store: Store) -> None:
    work, _ = day
    shown = repr(await entries(work)).encode() + msgspec.json.encode(await entries(work))
    assert len(work.secrets) >= 15
    assert [name for name, secret in work.secrets.items() if secret.encode() in shown] == []


@on_sqlite
async def test_no_secret_is_in_a_log_line(day: tuple[Work, list[Any]]) -> None:
    work, logs = day
    assert [name for name, secret in work.secrets.items() if secret in repr(logs)] == []


@on_sqlite
async def test_no_secret_is_in_the_repr_of_anything(day: tuple[Work, list[Any]]) -> None:
    work, _ = day
    directory, platform = work.platform.directory, work.platform
    account_id = work.actor.account_id
    [administrator] = directory.administrators()
    token = await platform.accounts.make_token(administrator, "192.0.2.7", "another")
    work.secret("another token", token.text)
    login = await platform.accounts.log_in(FIRST, Secret(work.secrets["first password"]), "192.0.2.7")
    app = directory.apps(account_id)[0]
    shown = repr(
        [
            *(vars(directory).values()),
            *directory.accounts(),
            *directory.administrators(),
            *directory.tokens(),
            *directory.apps(account_id),
            *directory.products(account_id),
            token,
            login,
            platform.accounts.identify(token.text.reveal()),
            NewApp("Moved", **IMPORTED_APP),
            NewProduct("Moved", **IMPORTED_PRODUCT),  # type: ignore[arg-type]
            await platform.saas_apps.show_secret(work.actor, app.id),
            platform.tokens,
            platform.access,
        ]
    )
    assert [name for name, secret in work.secrets.items() if secret in shown] == []


def every_byte(database: Path) -> bytes:
    """The file with what lies beside it: the write-ahead log."""
    return b"".join(path.read_bytes() for path in database.parent.glob(f"{database.name}*"))


@on_sqlite
async def test_no_secret_is_in_the_bytes_of_the_database(
    day: tuple[Work, list[Any]], store: Store, database: Path
) -> None:
    work, _ = day
    assert isinstance(store, SqliteStore)
    stored = every_byte(database)
    await store.close()
    stored += every_byte(database)
    assert b"Harbour" in stored
    # Password hashes are made to be kept; everything else is sealed or hashed.
    secrets = {name: secret for name, secret in work.secrets.items() if not name.startswith("password hash")}
    assert len(secrets) >= 12
    assert [name for name, secret in secrets.items() if secret.encode() in stored] == []
