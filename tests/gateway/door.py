"""A gateway on free ports of this machine over a small cloud, whose database can be made to wait or to fail."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import msgspec
from sqlalchemy import bindparam

from cloud import Cloud, build_cloud
from fakes import FakeClock, FakeEntropy
from gateway.peer import RAND, Peer
from mooring.gateway import Gateway, GatewayLimits, GatewayMetrics, Listener
from mooring.platform import Limits, Platform
from mooring.platform.device_input import NewDevice
from mooring.platform.entities import Device, Product
from mooring.platform.products import NewProduct
from mooring.platform.session import Session
from mooring.protocol import credentials
from mooring.protocol.commands import DeviceConfiguration
from mooring.protocol.session_crypto import SecretCipher
from mooring.store import Change, Query, Rows, Store, Vault, Write, changes
from mooring.store.logs import DataRow, EventRow, ExceptionRow
from mooring.store.tables import data_log, event_log, exception_log, products

__all__ = ["Door", "Fate", "StoreUnderControl", "opened", "until"]

R = TypeVar("R", bound=msgspec.Struct)

_DATA = Query(data_log.select().where(data_log.c.device_id == bindparam("of")).order_by(data_log.c.id), DataRow)
_EVENTS = Query(event_log.select().where(event_log.c.device_id == bindparam("of")).order_by(event_log.c.id), EventRow)
_EXCEPTIONS = Query(
    exception_log.select().where(exception_log.c.device_id == bindparam("of")).order_by(exception_log.c.id),
    ExceptionRow,
)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what no event tells of."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


class StoreUnderControl:
    """The store, whose writes wait while `running` is clear and fail while `error` is set."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.shared = store.shared
        self.running = asyncio.Event()
        self.running.set()
        self.error: Exception | None = None
        self.writes = 0
        self.waiting = asyncio.Event()
        self.failed = asyncio.Event()

    async def read(self, query: Query[R], **params: Any) -> list[R]:
        return await self._store.read(query, **params)

    async def scan(self, query: Query[R], **params: Any) -> list[R]:
        return await self._store.scan(query, **params)

    async def write(self, *writes: Write | Rows) -> None:
        if not self.running.is_set():
            self.waiting.set()
        await self.running.wait()
        if self.error is not None:
            self.failed.set()
            raise self.error
        self.writes += 1
        await self._store.write(*writes)

    async def close(self) -> None:
        await self._store.close()


class Fate:
    """A `Delivery` that remembers."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.changed = asyncio.Event()

    def published(self) -> None:
        self._add("published")

    def delivered(self) -> None:
        self._add("delivered")

    def lost(self, reason: str) -> None:
        self._add(f"lost: {reason}")

    def _add(self, call: str) -> None:
        self.calls.append(call)
        self.changed.set()

    async def reaches(self, count: int) -> list[str]:
        async with asyncio.timeout(20):
            while len(self.calls) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.calls


class Door:
    """The gateway, the cloud behind it, and devices that come to it."""

    def __init__(self, cloud: Cloud, store: StoreUnderControl, limits: GatewayLimits) -> None:
        self.cloud = cloud
        self.platform = cloud.platform
        self.store = store
        self.gateway = Gateway(cloud.platform, limits, GatewayMetrics(cloud.platform))
        self.listener = Listener(self.gateway)
        self.port = 0
        self.tls_port = 0
        self.secret = ""  # of the device that was made last by `known`

    async def listen(self, tls: ssl.SSLContext | None = None) -> int:
        """Serve another free port."""
        listening = socket.create_server(("127.0.0.1", 0))
        await self.listener.serve(listening, tls)
        port: int = listening.getsockname()[1]
        return port

    async def close(self) -> None:
        self.store.running.set()
        self.listener.close()
        await self.gateway.close()
        await self.platform.close()

    # Products and devices

    @property
    def product(self) -> Product:
        """The product with a thing model, as the directory shows it now."""
        found = self.platform.directory.product(self.cloud.modelled.id)
        assert found is not None
        return found

    async def change_product(self, **values: object) -> None:
        """Set columns of the product."""
        write = Change(products.update().where(products.c.id == self.product.id).values(**values))
        await self.platform.store.write(write(), *changes.record("product", self.product.id, 1))
        await self.platform.directory.catch_up()

    async def twin(self, product_key: str) -> str:
        """Another product, with this key; its secret."""
        new = NewProduct("Twin", product_key=product_key, product_secret="VHdpbiBvZiBvdGhl")
        return (await self.platform.products.create(self.cloud.actor, new)).product_secret.reveal()

    def client_id(self, device_key: str = "DK01") -> str:
        return credentials.client_id(self.product.product_key, device_key)

    def first_password(self, device_key: str = "DK01", *, encrypted: bool = False) -> str:
        """Step `0;`."""
        return credentials.build_authentication(
            self.product.product_key,
            self.product.product_secret.reveal(),
            device_key,
            RAND,
            session_encryption=encrypted,
        )

    def sealed_password(self, text: str, *, flag: str = "0000", product_secret: str | None = None) -> str:
        """Step `0;` around any text in place of `DK;RAND;SIGN`."""
        cipher = SecretCipher(product_secret or self.product.product_secret.reveal())
        body = base64.b64encode(cipher.encrypt(text.encode())).decode()
        return f"0;{flag};{self.product.product_key};{body}"

    def password(self, secret: str | None, *, encrypted: bool = False) -> str:
        """Step `1;`."""
        assert secret is not None
        product_secret = self.product.product_secret.reveal()
        return credentials.build_connection(product_secret, secret, RAND, session_encryption=encrypted)

    def peer(self, device_key: str = "DK01", tls: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[Peer]:
        """A connection that has said nothing yet."""
        return Peer.open(self.tls_port if tls is not None else self.port, self.client_id(device_key), tls)

    async def first(self, peer: Peer, device_key: str = "DK01", *, encrypted: bool = False) -> DeviceConfiguration:
        """Authenticate by step `0;` and take the secret."""
        await peer.connect(self.first_password(device_key, encrypted=encrypted))
        assert await peer.subscribe() == (1,)
        return await peer.configuration()

    async def known(self, device_key: str = "DK01") -> str:
        """Make a device that has used its secret; the secret."""
        async with self.peer(device_key) as peer:
            secret = (await self.first(peer, device_key)).device_secret
        async with self.peer(device_key) as peer:
            await peer.connect(self.password(secret))
        await self.gone(device_key)
        assert secret is not None
        self.secret = secret
        return secret

    async def add(self, device_key: str = "DK01", **values: Any) -> str | None:
        """Add a device beforehand; the secret of a static one."""
        new = NewDevice(device_key, **values)
        added = await self.platform.devices.add(self.cloud.actor, self.product.product_key, new)
        return added.secret.reveal() if added.secret is not None else None

    async def session(self, device_key: str = "DK01") -> Session:
        """The session of a device that is online."""
        session = self.platform.sessions.of((await self.device(device_key)).id)
        assert session is not None
        return session

    async def device(self, device_key: str = "DK01") -> Device:
        await self.platform.journal.settle()
        found = await self.platform.devices.find(self.product.id, device_key)
        assert found is not None
        return found

    async def gone(self, device_key: str = "DK01") -> None:
        """The device's session has ended, and that is committed."""
        device = await self.device(device_key)
        await until(lambda: self.platform.sessions.of(device.id) is None)
        await self.platform.journal.settle()

    # Logs

    async def data(self, device_key: str = "DK01") -> list[DataRow]:
        return await self.platform.store.read(_DATA, of=(await self.device(device_key)).id)

    async def events(self, device_key: str = "DK01") -> list[str]:
        """Codes of the event log, oldest first."""
        return [row.code for row in await self.platform.store.read(_EVENTS, of=(await self.device(device_key)).id)]

    async def exceptions(self, device_key: str = "DK01") -> list[ExceptionRow]:
        return await self.platform.store.read(_EXCEPTIONS, of=(await self.device(device_key)).id)


@asynccontextmanager
async def opened(store: Store, vault: Vault, clock: FakeClock, limits: GatewayLimits) -> AsyncIterator[Door]:
    """A door that is open until the block ends."""
    controlled = StoreUnderControl(store)
    platform = await Platform.open(controlled, vault, clock=clock, entropy=FakeEntropy(), limits=Limits())
    door = Door(await build_cloud(platform, clock), controlled, limits)
    door.port = await door.listen()
    try:
        yield door
    finally:
        controlled.error = None
        await door.close()
