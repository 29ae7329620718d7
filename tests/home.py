"""A small home for tests of bindings: an App, its users, a product with devices."""

from dataclasses import dataclass, field

from mooring.platform import Actor, Platform
from mooring.platform.bindings import BindRequest, BoundDevice
from mooring.platform.device_input import NewDevice
from mooring.platform.end_user_apps import NewEndUserApp
from mooring.platform.end_user_entities import Binding, EndUserApp
from mooring.platform.end_user_input import NewEndUser
from mooring.platform.end_user_news import BindingNews, News
from mooring.platform.entities import Device, Product
from mooring.platform.products import MULTI, NewProduct

__all__ = ["Home", "make_home"]


@dataclass
class Home:
    """`told` gathers what is said of bindings: uid, value, cause."""

    platform: Platform
    actor: Actor
    app: EndUserApp
    product: Product
    device: Device
    told: list[tuple[str, int, int | None]] = field(default_factory=list)

    @property
    def keys(self) -> tuple[str, str]:
        return self.product.product_key, self.device.device_key

    async def user(self, number: int, app: EndUserApp | None = None) -> str:
        new = NewEndUser(nickname=f"User {number}", phone=f"1380000{number:04}")
        return (await self.platform.end_users.create(self.actor, (app or self.app).id, new)).uid

    async def bind(self, uid: str, **given: str) -> BoundDevice:
        request = BindRequest(self.product.product_key, **(given or {"device_key": self.device.device_key}))
        return await self.platform.bindings.bind(self.actor, uid, request)

    async def unbind(self, uid: str) -> None:
        await self.platform.bindings.unbind(self.actor, uid, *self.keys)

    async def bindings(self) -> list[Binding]:
        return await self.platform.bindings.of_device(self.actor.account_id, *self.keys)

    async def holders(self) -> list[str]:
        """Uids that have the device, oldest binding first."""
        return [binding.uid for binding in await self.bindings() if binding.status == 1]

    def listen(self, news: News) -> tuple[()]:
        if isinstance(news, BindingNews):
            self.told.append((news.binding.uid, news.value, None if news.cause is None else int(news.cause)))
        return ()


async def make_home(platform: Platform, actor: Actor, *, bind_mode: int = MULTI, net_way: str = "1") -> Home:
    app = await platform.end_user_apps.create(actor, NewEndUserApp("Home"))
    product = await platform.products.create(actor, NewProduct("Lamp", net_way=net_way, bind_mode=bind_mode))
    await platform.end_user_apps.add_product(actor, app.id, product.product_key)
    registered = await platform.devices.add(actor, product.product_key, NewDevice("DK00001", sn="SN1"))
    home = Home(platform, actor, app, product, registered.device)
    platform.end_user_news.listeners.append(home.listen)
    return home
