"""A small cloud for tests: an account with every package, two applications, four products, clients of its doors."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from fakes import FakeClock
from kept_cloud import KeptCloud, state_of
from mooring.openapi import OPERATIONS, OpenApi, OpenApiMetrics, Operation
from mooring.platform import Actor, Platform
from mooring.platform.entities import PACKAGES, App, Product
from mooring.platform.products import NewProduct
from mooring.platform.saas_apps import NewApp
from mooring.protocol.login import build_username, sign
from recording import Recorded

__all__ = ["CONTRACT", "LOGIN", "REFRESH", "Cloud", "build_cloud", "sample"]

CONTRACT = Path(__file__).parent.parent / "contract"
LOGIN = "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
REFRESH = "/v2/quecauth/accessKeyAuthrize/refreshToken"


def sample(name: str) -> dict[str, Any]:
    return msgspec.json.decode((CONTRACT / f"tsl-samples/{name}.json").read_bytes(), type=dict[str, Any])


@dataclass
class Cloud:
    """`modelled` has a released model, `empty` none, `transparent` cannot have one, `foreign` is another app's."""

    platform: Platform
    clock: FakeClock
    actor: Actor
    app: App
    other_app: App
    modelled: Product
    empty: Product
    transparent: Product
    foreign: Product
    peer: str = "127.0.0.1"

    def door(self, operations: Sequence[Operation] = OPERATIONS, **options: Any) -> OpenApi:
        return OpenApi(
            self.platform,
            metrics=OpenApiMetrics(CollectorRegistry()),
            client_address=lambda scope: self.peer,
            operations=operations,
            **options,
        )

    def client(self, door: Callable[[Any, Any, Any], Awaitable[None]] | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=Recorded(door or self.door()))
        return httpx.AsyncClient(transport=transport, base_url="http://mooring.test")

    def login_fields(
        self, app: App | None = None, *, timestamp_ms: int | None = None, changes: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        app = app or self.app
        username = build_username(app.access_key, self.clock.now_ms() if timestamp_ms is None else timestamp_ms)
        fields = {
            "grant_type": "password",
            "username": username,
            "password": sign(username, app.access_secret.reveal()),
        }
        return {**fields, **(changes or {})}

    async def token(self, app: App | None = None) -> str:
        async with self.client() as client:
            answer = (await client.get(LOGIN, params=self.login_fields(app))).json()
        assert answer["code"] == 200, answer
        token: str = answer["access_token"]
        return token

    async def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, token: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """One call with a fresh token (or the one given, "" for none); the decoded answer."""
        header = await self.token() if token is None else token
        headers = {"Authorization": header} if header else {}
        async with self.client(self.door(**options)) as client:
            answer = await client.get(path, params=params, headers=headers)
        decoded: dict[str, Any] = answer.json()
        return decoded


_kept: dict[tuple[object, ...], KeptCloud] = {}


async def build_cloud(platform: Platform, clock: FakeClock) -> Cloud:
    """In an empty database."""
    state = state_of(platform, clock)
    kept = _kept.get(state) if state is not None else None
    if kept is None:
        begun = clock.now_ms()
        cloud = await _build_cloud(platform, clock)
        if state is not None:
            _kept[state] = await KeptCloud.of(platform, clock.now_ms() - begun, cloud)
        return cloud
    await kept.put_back(platform, clock)
    before: Cloud = kept.value
    account = before.actor.account_id
    app, other_app = (platform.saas_apps.one(account, one.id) for one in (before.app, before.other_app))
    modelled, empty, transparent, foreign = (
        platform.products.one(account, one.product_key)
        for one in (before.modelled, before.empty, before.transparent, before.foreign)
    )
    return Cloud(platform, clock, before.actor, app, other_app, modelled, empty, transparent, foreign)


async def _build_cloud(platform: Platform, clock: FakeClock) -> Cloud:
    made = await platform.accounts.bootstrap("admin@example.com")
    assert made is not None
    actor = Actor(made.account.id, "admin@example.com", "127.0.0.1")
    for package in PACKAGES:
        await platform.service_market.activate(actor, package)
    apps = [await platform.saas_apps.create(actor, NewApp(name)) for name in ("Fleet", "Other")]
    for app in apps:
        for package in PACKAGES:
            await platform.saas_apps.authorize_package(actor, app.id, package)
    products: dict[str, Product] = {}
    for name, data_fmt in (("modelled", 3), ("empty", 3), ("transparent", 0), ("foreign", 3)):
        clock.advance(10)
        product = await platform.products.create(actor, NewProduct(name, data_fmt=data_fmt))
        owner = apps[1] if name == "foreign" else apps[0]
        if data_fmt == 3 and name != "empty":
            await platform.thing_models.import_draft(actor, product.product_key, sample("smart-plug"))
            await platform.thing_models.release(actor, product.product_key)
        products[name] = await platform.saas_apps.authorize_product(actor, owner.id, product.product_key)
    app, other_app = (platform.saas_apps.one(actor.account_id, app.id) for app in apps)
    return Cloud(
        platform,
        clock,
        actor,
        app,
        other_app,
        products["modelled"],
        products["empty"],
        products["transparent"],
        products["foreign"],
    )
