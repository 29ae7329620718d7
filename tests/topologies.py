"""Gateways with sub-devices in a cloud without a network: the platform is real, connections are lists."""

from dataclasses import dataclass, field

from cloud import sample
from mooring.platform import Actor, Platform
from mooring.platform.entities import App, Device, Product
from mooring.platform.products import NewProduct
from mooring.platform.session import Delivery, Session
from mooring.protocol import commands, credentials
from mooring.protocol.commands import Direction, SubDeviceAnswer
from mooring.protocol.commands_subdevice import Uplink
from mooring.protocol.frame import Frame

__all__ = ["RAND", "GatewayLine", "Place", "Topologies", "build_topologies"]

RAND = "0123456789abcdef"


class Place:
    """A `SubDeviceLink` that keeps what it is given; everything sent is confirmed at once."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.sent: list[Frame] = []
        self.closed: list[tuple[str, int | None]] = []

    def opened(self, session: Session) -> None:
        self.session = session

    def send(self, frame: Frame, qos: int, delivery: Delivery | None = None) -> None:
        self.sent.append(frame)
        if delivery is not None:
            delivery.published()
            delivery.delivered()

    def close(self, reason: str, notice: int | None = None) -> None:
        self.closed.append((reason, notice))

    def leave(self) -> None:
        self.close("logged out")


class GatewayLine(Place):
    """The `DeviceLink` and `GatewayLink` of a gateway; `places` are those that it gave out, by DeviceKey."""

    is_secure = False

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, list[Place]] = {}

    def branch(self, product_key: str, device_key: str, session_key: bytes | None) -> Place:
        place = Place()
        self.places.setdefault(device_key, []).append(place)
        return place

    @property
    def answers(self) -> list[SubDeviceAnswer]:
        """What was answered to requests, oldest first."""
        decoded = [commands.decode(frame, Direction.DOWN) for frame in self.sent]
        return [words for words in decoded if isinstance(words, SubDeviceAnswer)]


@dataclass
class Topologies:
    """A product of gateways, one of sub-devices with network access only, one of those with product integration."""

    platform: Platform
    hub: Product
    lamp: Product
    part: Product
    numbers: list[int] = field(default_factory=lambda: [0])

    async def gateway(self, key: str = "HUB00001") -> Session:
        """A gateway that is online."""
        device = await self.platform.devices.ensure_registered(self.hub, key)
        return await self.platform.sessions.open(device, GatewayLine(), "192.0.2.1")

    def line(self, gateway: Session) -> GatewayLine:
        link = gateway.link
        assert isinstance(link, GatewayLine)
        return link

    def zero(self, key: str, product: Product | None = None) -> commands.SubDeviceAuthentication:
        product = product or self.lamp
        password = credentials.build_authentication(product.product_key, product.product_secret.reveal(), key, RAND)
        return commands.SubDeviceAuthentication(product.product_key, key, password)

    def one(self, key: str, secret: str, product: Product | None = None) -> commands.SubDeviceLogin:
        product = product or self.lamp
        password = credentials.build_connection(product.product_secret.reveal(), secret, RAND)
        return commands.SubDeviceLogin(product.product_key, key, password)

    def say(self, gateway: Session, request: Uplink) -> int:
        """Give a request to the platform as the door does; its packet id."""
        self.numbers[0] += 1
        self.platform.uplinks.receive(gateway, commands.encode(request, self.numbers[0]), 1, None)
        return self.numbers[0]

    async def ask(self, gateway: Session, request: Uplink) -> SubDeviceAnswer:
        """A request and its answer."""
        line = self.line(gateway)
        before = len(line.answers)
        self.say(gateway, request)
        await self.platform.sub_devices.settle()
        return line.answers[before]

    async def log_in(self, gateway: Session, key: str, product: Product | None = None) -> Device:
        """A sub-device that is online, with its own secret."""
        secret = (await self.ask(gateway, self.zero(key, product))).device_secret
        if secret is None:
            secret = await self.secret(key, product)
        answer = await self.ask(gateway, self.one(key, secret, product))
        assert answer.code == 10200, answer
        return await self.device(key, product)

    async def secret(self, key: str, product: Product | None = None) -> str:
        found = self.platform.devices.secret_of(await self.device(key, product))
        assert found is not None
        return found.reveal()

    async def device(self, key: str, product: Product | None = None) -> Device:
        await self.platform.journal.settle()
        found = await self.platform.devices.find((product or self.lamp).id, key)
        assert found is not None
        return found


async def build_topologies(platform: Platform, actor: Actor, app: App | None = None) -> Topologies:
    """The three products, authorized to an application when one is given."""
    made = []
    for new in (
        NewProduct("Hub", access_type=1, net_way="1"),
        NewProduct("Lamp", access_type=2, net_way="5"),
        NewProduct("Part", access_type=2, net_way="1", gateway_type=2),
    ):
        product = await platform.products.create(actor, new)
        await platform.thing_models.import_draft(actor, product.product_key, sample("smart-plug"))
        await platform.thing_models.release(actor, product.product_key)
        if app is not None:
            await platform.saas_apps.authorize_product(actor, app.id, product.product_key)
        made.append(platform.products.one(actor.account_id, product.product_key))
    hub, lamp, part = made
    return Topologies(platform, hub, lamp, part)
