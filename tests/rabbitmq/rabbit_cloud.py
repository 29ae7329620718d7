"""A platform whose message queues are in RabbitMQ, and customers who connect to RabbitMQ itself."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import pika  # type: ignore[import-untyped]
import uvicorn

from mooring.platform import Actor, Limits, Platform
from mooring.platform.entities import PACKAGES, App
from mooring.platform.journal import Entry
from mooring.platform.routes import Queue
from mooring.platform.saas_apps import NewApp
from mooring.platform.sources import Ids, SystemClock, SystemEntropy
from mooring.protocol.login import build_username, sign
from mooring.queues.rabbitmq import Address, AuthDoor, RabbitMq
from mooring.store import Store, Vault
from mooring.store import queue_messages as messages
from mooring.store.queue_messages import MessageRow

__all__ = ["VAULT", "Node", "RabbitCloud", "answering", "build_rabbit_cloud", "eventually", "open_platform", "push"]

VAULT = Vault(bytes(range(32)))
_WITHIN_S = 60.0
_IDS = Ids(SystemClock(), SystemEntropy())

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T | None]], within_s: float = _WITHIN_S) -> T:
    """What `look` finds, as soon as it finds anything."""
    until = time.monotonic() + within_s
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > until:
            raise TimeoutError(f"nothing found within {within_s:.0f} s")
        await asyncio.sleep(0.05)


class Node:
    """The RabbitMQ of the run. As a context it holds connections of its administrator."""

    def __init__(self, url: str, management: str, http_port: int, pid_file: str) -> None:
        self.url = url
        self.management = management
        self.http_port = http_port
        self._pid_file = Path(pid_file)
        self.address = Address.parse(url, management)
        self._http = httpx.Client(
            base_url=f"{management}/api", auth=(self.address.user, self.address.password), timeout=_WITHIN_S
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def api(self, method: str, path: str, body: object = None) -> Any:
        """An answer of the management API; None when there is no such thing."""
        answer = self._http.request(method, path, json=body)
        assert answer.is_success or answer.status_code == 404, answer.text
        return answer.json() if answer.is_success and answer.content else None

    def queue(self, name: str) -> Any:
        return self.api("GET", f"/queues/quec-open/{quote(name, safe='')}")

    def empty(self) -> None:
        self.api("DELETE", "/vhosts/quec-open")

    def kill(self) -> None:
        """`kill -9`; whoever looks after the node starts it again."""
        pid = int(self._pid_file.read_text())
        os.kill(pid, signal.SIGKILL)
        while self.is_up():
            time.sleep(0.02)

    def is_up(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.address.host, self.address.port)) == 0

    def parameters(self, app: App, at_ms: int | None = None, **changes: Any) -> pika.ConnectionParameters:
        """What an application connects with."""
        username = build_username(app.access_key, int(time.time() * 1000) if at_ms is None else at_ms)
        password = changes.pop("password", None) or sign(username, app.access_secret.reveal())
        credentials = pika.PlainCredentials(username, password)
        given = {"virtual_host": "quec-open", "heartbeat": 60, "blocked_connection_timeout": 30, **changes}
        return pika.ConnectionParameters(self.address.host, self.address.port, credentials=credentials, **given)

    @contextmanager
    def channel(self, app: App, **changes: Any) -> Iterator[Any]:
        """A channel of an application, with pika."""
        connection = pika.BlockingConnection(self.parameters(app, **changes))
        try:
            yield connection.channel()
        finally:
            with contextlib.suppress(pika.exceptions.AMQPError):
                connection.close()

    def count(self, app: App, queue: str) -> int:
        """How many messages wait in a queue, exactly."""
        with self.channel(app) as channel:
            count: int = channel.queue_declare(queue, passive=True).method.message_count
            return count

    def take(self, app: App, queue: str, count: int, *, prefetch: int = 100) -> list[tuple[Any, Any, bytes]]:
        """So many messages, acknowledged."""
        found: list[tuple[Any, Any, bytes]] = []
        with self.channel(app) as channel:
            channel.basic_qos(prefetch_count=prefetch)
            for method, properties, body in channel.consume(queue, inactivity_timeout=_WITHIN_S):
                if method is None:
                    raise TimeoutError(f"{len(found)} of {count} messages came")
                found.append((method, properties, body))
                channel.basic_ack(method.delivery_tag)
                if len(found) == count:
                    break
            channel.cancel()
        return found


@dataclass
class RabbitCloud:
    """Two applications, each with one queue."""

    node: Node
    platform: Platform
    store: Store
    actor: Actor
    app: App
    other_app: App
    queue: Queue
    other_queue: Queue

    async def push(self, *numbers: int, queue: Queue | None = None) -> list[MessageRow]:
        """Commit a message for each number, as a happening does."""
        return await push(self.platform, (queue or self.queue).id, numbers)

    async def take(self, count: int, *, queue: Queue | None = None, app: App | None = None) -> list[int]:
        """The numbers of so many messages, in the order they came."""
        name = (queue or self.queue).full_name
        found = await asyncio.to_thread(self.node.take, app or self.app, name, count)
        return [json.loads(body)["number"] for _, _, body in found]

    async def left(self) -> int:
        """Messages in the database."""
        return len(await self.store.scan(messages.WAITING))

    async def forwarded(self) -> None:
        """Until nothing waits in the database."""

        async def nothing() -> bool:
            return not await self.left()

        await eventually(nothing)


async def push(platform: Platform, queue_id: int, numbers: Sequence[int]) -> list[MessageRow]:
    """Commit messages in one transaction."""
    entry = Entry()
    rows = []
    for number in numbers:
        body = json.dumps({"type": "MATTR", "subtype": "REPORT", "number": number}, separators=(",", ":")).encode()
        now = platform.clock.now_ms()
        rows.append(MessageRow(_IDS.next(), queue_id, "MATTR-REPORT", str(10**18 + number), body, now))
        entry.push(rows[-1])
    await platform.journal.commit(entry)
    return rows


@asynccontextmanager
async def open_platform(node: Node, store: Store, **limits: Any) -> AsyncIterator[Platform]:
    """A process, so to speak: it recovers, works in the background and ends in order."""
    chosen = Limits(**limits)
    broker = RabbitMq(node.address, chosen.queues)
    platform = await Platform.open(store, VAULT, limits=chosen, broker=broker)
    await platform.recover()
    assert platform.remote_queues is not None
    following = [asyncio.create_task(platform.directory.follow())] if store.shared else []
    tasks = [*following, asyncio.create_task(platform.remote_queues.run())]
    try:
        yield platform
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await platform.close()
        await broker.close()


@asynccontextmanager
async def answering(node: Node, platform: Platform) -> AsyncIterator[None]:
    """RabbitMQ may ask this platform."""

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    door = AuthDoor(platform.broker_access, None)
    config = uvicorn.Config(door, host="127.0.0.1", port=node.http_port, lifespan="off", log_config=None)
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag, no event
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def _app(platform: Platform, actor: Actor, name: str) -> App:
    made = await platform.saas_apps.create(actor, NewApp(name))
    for package in PACKAGES:
        await platform.saas_apps.authorize_package(actor, made.id, package)
    return platform.saas_apps.one(actor.account_id, made.id)


@asynccontextmanager
async def build_rabbit_cloud(node: Node, store: Store, **limits: Any) -> AsyncIterator[RabbitCloud]:
    """A cloud in an empty database."""
    async with open_platform(node, store, **limits) as platform, answering(node, platform):
        bootstrapped = await platform.accounts.bootstrap("admin@example.com")
        assert bootstrapped is not None
        actor = Actor(bootstrapped.account.id, bootstrapped.email, "192.0.2.7")
        for package in PACKAGES:
            await platform.service_market.activate(actor, package)
        app, other = await _app(platform, actor, "Fleet"), await _app(platform, actor, "Other")

        async def prepared() -> bool:
            return node.api("GET", "/policies/quec-open/mooring") is not None

        await eventually(prepared)
        queue = await platform.queues.create(actor, app, "main")
        other_queue = await platform.queues.create(actor, other, "other")
        yield RabbitCloud(node, platform, store, actor, app, other, queue, other_queue)
