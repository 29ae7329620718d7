"""The AMQP endpoint on free ports of this machine over a small cloud, whose time is the tests'."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
from prometheus_client import CollectorRegistry

from cloud import Cloud, build_cloud
from fakes import FakeClock, FakeEntropy
from mooring.platform import Platform
from mooring.platform.entities import App
from mooring.platform.journal import Entry
from mooring.platform.routes import Queue
from mooring.protocol.login import build_username, sign
from mooring.queues import Endpoint, EndpointLimits, EndpointMetrics, QueueConnection
from mooring.store import Store, Vault
from mooring.store.queue_messages import WAITING, MessageRow

__all__ = ["VIRTUAL_HOST", "QueueDoor", "opened", "until"]

VIRTUAL_HOST = "quec-open"
_T = TypeVar("_T")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what no event tells of."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


class QueueDoor:
    """The endpoint and one queue, `queue`, of the application `cloud.app`."""

    def __init__(self, cloud: Cloud, queue: Queue, limits: EndpointLimits) -> None:
        self.cloud = cloud
        self.platform = cloud.platform
        self.queue = queue
        self.metrics = EndpointMetrics(CollectorRegistry())
        self.endpoint = Endpoint(cloud.platform, limits, self.metrics, QueueConnection)
        self.port = 0
        self._pushed = 0

    @property
    def name(self) -> str:
        return self.queue.full_name

    async def listen(self, tls: ssl.SSLContext | None = None, port: int = 0) -> int:
        listening = socket.create_server(("127.0.0.1", port))
        await self.endpoint.serve(listening, tls)
        found: int = listening.getsockname()[1]
        return found

    def cut(self) -> None:
        """Break every connection off."""
        for member in tuple(self.endpoint._members):
            member.abort()

    async def restart(self) -> None:
        """Another endpoint at the same port; queues go on."""
        await self.endpoint.close()
        self.endpoint = Endpoint(self.platform, self.endpoint.limits, self.metrics, QueueConnection)
        await self.listen(port=self.port)

    async def another_queue(self, name: str, app: App | None = None) -> Queue:
        return await self.platform.queues.create(self.cloud.actor, app or self.cloud.app, name)

    def credentials(self, app: App | None = None, *, age_ms: int = 0) -> tuple[str, str]:
        """User name and password, signed `age_ms` ago."""
        app = app or self.cloud.app
        username = build_username(app.access_key, self.cloud.clock.now_ms() - age_ms)
        return username, sign(username, app.access_secret.reveal())

    async def push(self, count: int = 1, size: int = 0, queue: Queue | None = None) -> list[int]:
        """Messages with growing numbers, committed."""
        bodies = []
        for _ in range(count):
            values = {"type": "ONLINE", "data": {"value": 1}, "number": self._pushed, "pad": "x" * size}
            bodies.append(msgspec.json.encode(values))
            self._pushed += 1
        return await self.push_bodies(*bodies, queue=queue)

    async def push_bodies(self, *bodies: bytes, queue: Queue | None = None) -> list[int]:
        """Messages with these bodies, committed."""
        ids = []
        for body in bodies:
            ids.append(self.platform.ledger.ids.next())
            entry = Entry()
            now = self.cloud.clock.now_ms()
            entry.push(MessageRow(ids[-1], (queue or self.queue).id, "ONLINE", str(ids[-1]), body, now))
            self.platform.journal.add(entry)
        await self.platform.journal.settle()
        return ids

    async def stored(self) -> int:
        """How many messages the database has of all queues."""
        self.platform.message_queues.hurry()
        await self.platform.journal.settle()
        return len(await self.platform.store.scan(WAITING))

    async def tick(self, milliseconds: int) -> None:
        """Time passes for messages, not for sockets."""
        self.cloud.clock.advance(milliseconds)
        self.platform.message_queues.tick()
        await asyncio.sleep(0)

    @property
    def consumers(self) -> int:
        return self.platform.message_queues.state(self.queue.id).consumers

    @property
    def waiting(self) -> int:
        return self.platform.message_queues.state(self.queue.id).waiting

    @property
    def unacked(self) -> int:
        return self.platform.message_queues.state(self.queue.id).unacked

    async def do(self, work: Callable[[], _T]) -> _T:
        """Run what blocks beside the loop."""
        return await asyncio.to_thread(work)


@asynccontextmanager
async def opened(
    store: Store, vault: Vault, clock: FakeClock, limits: EndpointLimits | None = None
) -> AsyncIterator[QueueDoor]:
    """An endpoint that is open until the block ends."""
    platform = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy())
    cloud = await build_cloud(platform, clock)
    await platform.message_queues.recover()
    queue = await platform.queues.create(cloud.actor, cloud.app, "orders")
    door = QueueDoor(cloud, queue, limits or EndpointLimits())
    door.port = await door.listen()
    try:
        yield door
    finally:
        await door.endpoint.close()
        await platform.close()
