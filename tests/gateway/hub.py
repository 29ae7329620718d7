"""A gateway with sub-devices, as a test plays it over the sockets of a `Door`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cloud import sample
from gateway.door import Door
from gateway.peer import RAND, Peer
from mooring.platform.entities import Device, Product
from mooring.platform.products import NewProduct
from mooring.protocol import commands, credentials, frame
from mooring.protocol.commands import (
    Direction,
    SubDeviceAnswer,
    SubDeviceAuthentication,
    SubDeviceLogin,
    SubDeviceLogout,
    SubDeviceWithdrawal,
)
from mooring.protocol.commands_subdevice import Uplink
from mooring.protocol.mqtt import PublishReceived

__all__ = ["Hub", "build_hub"]


class Hub:
    """Products of a gateway and of sub-devices in the cloud of a door, and what the gateway says for them."""

    def __init__(self, door: Door, hub: Product, lamp: Product) -> None:
        self.door = door
        self.platform = door.platform
        self.hub = hub
        self.lamp = lamp
        self._number = 0

    # Gateways

    def gateway_id(self, key: str = "HUB1") -> str:
        return credentials.client_id(self.hub.product_key, key)

    @asynccontextmanager
    async def gateway(self, key: str = "HUB1", *, encrypted: bool = False) -> AsyncIterator[Peer]:
        """A new gateway that is online."""
        async with Peer.open(self.door.port, self.gateway_id(key)) as peer:
            secret = self.hub.product_secret.reveal()
            await peer.authenticate(self.hub.product_key, secret, key, encrypted=encrypted)
            yield peer

    @asynccontextmanager
    async def returning(self, key: str, secret: str) -> AsyncIterator[Peer]:
        """A gateway that comes with its secret."""
        async with Peer.open(self.door.port, self.gateway_id(key)) as peer:
            await peer.connect(credentials.build_connection(self.hub.product_secret.reveal(), secret, RAND))
            await peer.subscribe()
            yield peer

    # Requests

    async def ask(self, peer: Peer, request: Uplink, *, qos: int = 1) -> SubDeviceAnswer:
        """Send a request, and the answer to it; what else comes stays in `peer.events`."""
        number = self.say(peer, request, qos=qos)
        skipped: list[Any] = []
        while True:
            event = await peer.wait(PublishReceived)
            found = frame.decode(event.payload if peer.cipher is None else peer.cipher.decrypt(event.payload))
            words = commands.decode(found, Direction.DOWN)
            if isinstance(words, SubDeviceAnswer) and found.packet_id == number:
                if event.qos:
                    peer.mqtt.acknowledge(event.packet_id)
                    peer.flush()
                peer.events = skipped + peer.events
                assert event.topic == f"q/1/d/{peer.client_id}/sys"
                assert found.command == _ANSWERS[type(request)]
                return words
            skipped.append(event)

    def say(self, peer: Peer, request: Uplink, *, qos: int = 1) -> int:
        """Send a request; its packet id."""
        self._number += 1
        peer.publish(frame.encode(commands.encode(request, self._number)), level="sys", qos=qos)
        return self._number

    def zero(self, key: str, *, encrypted: bool = False, secret: str | None = None) -> SubDeviceAuthentication:
        """00C0 of a lamp."""
        password = credentials.build_authentication(
            self.lamp.product_key,
            secret or self.lamp.product_secret.reveal(),
            key,
            RAND,
            session_encryption=encrypted,
        )
        return SubDeviceAuthentication(self.lamp.product_key, key, password)

    def one(self, key: str, device_secret: str, *, encrypted: bool = False) -> SubDeviceLogin:
        """00C2 of a lamp."""
        product_secret = self.lamp.product_secret.reveal()
        password = credentials.build_connection(product_secret, device_secret, RAND, session_encryption=encrypted)
        return SubDeviceLogin(self.lamp.product_key, key, password)

    async def authenticate(self, peer: Peer, key: str) -> str:
        """A new lamp; its secret."""
        answer = await self.ask(peer, self.zero(key))
        assert answer.code == 10200, answer
        assert answer.device_secret is not None
        return answer.device_secret

    async def log_in(self, peer: Peer, key: str, secret: str | None = None) -> str:
        """A lamp that is online, new or by its secret; the secret."""
        secret = secret or await self.authenticate(peer, key)
        answer = await self.ask(peer, self.one(key, secret))
        assert answer.code == 10200, answer
        return secret

    async def log_out(self, peer: Peer, key: str) -> int:
        return (await self.ask(peer, SubDeviceLogout(self.lamp.product_key, key))).code

    async def withdraw(self, peer: Peer, key: str) -> int:
        return (await self.ask(peer, SubDeviceWithdrawal(self.lamp.product_key, key))).code

    # Sub-devices

    def lamp_id(self, key: str) -> str:
        return credentials.client_id(self.lamp.product_key, key)

    def topic(self, key: str, level: str = "bus", *, up: bool = True) -> str:
        return f"q/{2 if up else 1}/d/{self.lamp_id(key)}/{level}"

    async def device(self, product: Product, key: str) -> Device:
        await self.platform.journal.settle()
        found = await self.platform.devices.find(product.id, key)
        assert found is not None
        return found

    async def online(self, key: str) -> bool:
        """Whether a lamp is shown online; memory and database agree."""
        device = await self.device(self.lamp, key)
        assert device.online == (self.platform.sessions.of(device.id) is not None)
        return device.online

    async def carrier(self, key: str) -> str | None:
        """The DeviceKey of the gateway that a lamp hangs on."""
        found = await self.platform.topology.gateway(await self.device(self.lamp, key))
        return None if found is None else found.device_key


_ANSWERS = {
    SubDeviceAuthentication: 0x00C1,
    SubDeviceLogin: 0x00C3,
    SubDeviceLogout: 0x00C5,
    SubDeviceWithdrawal: 0x00C7,
}


async def build_hub(door: Door, **options: Any) -> Hub:
    """A hub product and a lamp product of sub-devices with these options, both the first application's."""
    cloud = door.cloud
    products = []
    new = (NewProduct("Hub", access_type=1, net_way="1"), NewProduct("Lamp", access_type=2, net_way="5", **options))
    for product in new:
        made = await door.platform.products.create(cloud.actor, product)
        await door.platform.thing_models.import_draft(cloud.actor, made.product_key, sample("smart-plug"))
        await door.platform.thing_models.release(cloud.actor, made.product_key)
        products.append(await door.platform.saas_apps.authorize_product(cloud.actor, cloud.app.id, made.product_key))
    return Hub(door, *products)
