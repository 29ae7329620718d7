"""The built-in endpoint: rights, deadlines, ends of connections, limits (contract/messages.md sections 6 and 9)."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aiormq.exceptions import AMQPError, ConnectionClosed

from authority import Authority
from fakes import FakeClock
from mooring.platform import Platform
from mooring.platform.entities import App
from mooring.platform.saas_apps import AppChanges
from mooring.protocol.amqp import Limits
from mooring.queues import EndpointLimits, endpoint
from mooring.store import Store, Vault
from queues.observations import number
from queues.queue_door import QueueDoor, opened, until
from queues.raw_client import log_in_and_consume

MINUTE_MS = 60_000


def _note(future: "asyncio.Future[Any]", error: object) -> None:
    if not future.done():
        future.set_result(error)


class Client:
    """A connection with one channel; `ended` is set when the server or the network ends it."""

    def __init__(self, connection: Any, channel: Any) -> None:
        self.connection = connection
        self.channel = channel
        self.arrived: asyncio.Queue[Any] = asyncio.Queue()
        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.channel_ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        connection.close_callbacks.add(lambda _, error=None: _note(self.ended, error))
        channel.close_callbacks.add(lambda _, error=None: _note(self.channel_ended, error))

    async def consume(self, queue: str, *, prefetch: int | None = None, **options: Any) -> str:
        if prefetch is not None:
            await self.channel.set_qos(prefetch_count=prefetch)
        found = await self.channel.get_queue(queue, ensure=False)
        tag: str = await found.consume(self.arrived.put, **options)
        return tag

    async def take(self) -> Any:
        async with asyncio.timeout(20):
            return await self.arrived.get()


@pytest.fixture
async def connect(door: QueueDoor) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    made: list[Client] = []

    async def connecting(app: App | None = None, *, age_ms: int = 0, port: int | None = None, **options: Any) -> Client:
        user, password = door.credentials(app, age_ms=age_ms)
        connection = await aio_pika.connect(
            host="127.0.0.1", port=port or door.port, login=user, password=password, virtualhost="quec-open", **options
        )
        made.append(Client(connection, await connection.channel(publisher_confirms=False)))
        return made[-1]

    yield connecting
    for client in made:
        await client.connection.close()


Connect = Callable[..., Awaitable[Client]]


def _text(error: object) -> str:
    return f"{type(error).__name__} {error}"


# Who may in


@pytest.mark.parametrize("age_ms", [-10 * MINUTE_MS, 0, 10 * MINUTE_MS])
async def test_signature_is_good_for_ten_minutes_either_way(connect: Connect, age_ms: int) -> None:
    await connect(age_ms=age_ms)


@pytest.mark.parametrize("age_ms", [-10 * MINUTE_MS - 1, 10 * MINUTE_MS + 1])
async def test_stale_signature_is_refused(door: QueueDoor, connect: Connect, age_ms: int) -> None:
    with pytest.raises(AMQPError, match="timestamp"):
        await connect(age_ms=age_ms)
    assert sum(door.metrics.refused.values()) == 1


async def test_same_signature_may_log_in_again_while_it_is_fresh(door: QueueDoor, connect: Connect) -> None:
    first = await connect()
    await connect()
    assert not first.connection.is_closed


async def test_open_connection_outlives_its_signature(door: QueueDoor, connect: Connect) -> None:
    client = await connect()
    await client.consume(door.name)
    await door.tick(20 * MINUTE_MS)
    await door.push()
    assert number((await client.take()).body) == 0


async def test_application_without_the_package_is_refused(door: QueueDoor, connect: Connect) -> None:
    await door.platform.saas_apps.cancel_package(door.cloud.actor, door.cloud.app.id, "message-subscription")
    with pytest.raises(AMQPError):
        await connect()


async def _delete_app(door: QueueDoor) -> None:
    saas_apps, app_id = door.platform.saas_apps, door.cloud.app.id
    await door.platform.queues.delete(door.cloud.actor, door.queue.id)
    for product in (door.cloud.modelled, door.cloud.empty, door.cloud.transparent):
        await saas_apps.cancel_product(door.cloud.actor, app_id, product.product_key)
    await saas_apps.delete(door.cloud.actor, app_id)


Change = Callable[[QueueDoor], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "disabled": lambda door: door.platform.saas_apps.update(
        door.cloud.actor, door.cloud.app.id, AppChanges(enabled=False)
    ),
    "package withdrawn": lambda door: door.platform.saas_apps.cancel_package(
        door.cloud.actor, door.cloud.app.id, "message-subscription"
    ),
    "off the white list": lambda door: door.platform.saas_apps.update(
        door.cloud.actor,
        door.cloud.app.id,
        AppChanges(address_list_enabled=True, allowed_addresses=["203.0.113.9"]),
    ),
    "deleted": lambda door: _delete_app(door),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_lost_right_ends_live_connections(door: QueueDoor, connect: Connect, change: Change) -> None:
    client, other = await connect(), await connect(door.cloud.other_app)
    await client.consume(door.name)
    await change(door)
    async with asyncio.timeout(20):
        error = await client.ended
    assert "403" in _text(error) or "ACCESS_REFUSED" in _text(error)
    await until(lambda: door.consumers == 0)
    assert not other.connection.is_closed


def test_rights_are_looked_at_twice_a_second() -> None:
    assert endpoint._CHECK_S <= 0.5


# Queues that go


async def test_deleted_queue_cancels_its_consumers(door: QueueDoor, connect: Connect) -> None:
    client = await connect()
    channel = await client.channel.get_underlay_channel()
    tag = await client.consume(door.name)
    assert tag in channel.consumers
    await door.platform.queues.delete(door.cloud.actor, door.queue.id)
    await until(lambda: tag not in channel.consumers)
    assert not client.connection.is_closed


async def test_suspended_queue_is_unknown(door: QueueDoor, connect: Connect) -> None:
    client = await connect()
    door.cloud.clock.advance(31 * 24 * 60 * MINUTE_MS)
    await door.platform.queues.suspend_idle()
    with pytest.raises(AMQPError, match="suspended"):
        await client.consume(door.name)


async def test_declaring_an_unknown_queue(door: QueueDoor, connect: Connect) -> None:
    client = await connect()
    with pytest.raises(AMQPError, match="NOT_FOUND"):
        await client.channel.declare_queue("a.1.none", passive=True)
    other = await connect()
    with pytest.raises(AMQPError, match="ACCESS_REFUSED"):
        await other.channel.declare_queue("a.1.none")


async def test_exclusive_consumer_keeps_others_out(door: QueueDoor, connect: Connect) -> None:
    first, second = await connect(), await connect()
    await first.consume(door.name, exclusive=True)
    with pytest.raises(AMQPError, match="ACCESS_REFUSED"):
        await second.consume(door.name)


# Messages


async def test_refused_message_comes_back_after_a_minute(door: QueueDoor, connect: Connect) -> None:
    client = await connect()
    await client.consume(door.name)
    await door.push(2)
    first, second = await client.take(), await client.take()
    await first.nack(requeue=True)
    await second.ack()
    await until(lambda: door.unacked == 0)
    await door.tick(MINUTE_MS - 1)
    assert (door.waiting, client.arrived.empty()) == (1, True)
    await door.tick(1)
    again = await client.take()
    assert (number(again.body), again.redelivered) == (0, True)


async def test_two_connections_share_a_queue(door: QueueDoor, connect: Connect) -> None:
    clients = [await connect(), await connect()]
    for client in clients:
        await client.consume(door.name)
    await door.push(40)
    taken = [[number((await client.take()).body) for _ in range(20)] for client in clients]
    assert sorted(taken[0] + taken[1]) == list(range(40))
    assert all(numbers == sorted(numbers) for numbers in taken)


async def test_never_acknowledged_closes_the_channel_after_half_an_hour(door: QueueDoor, connect: Connect) -> None:
    client = await connect()
    await client.consume(door.name)
    await door.push()
    await client.take()
    await door.tick(30 * MINUTE_MS + 1)
    async with asyncio.timeout(20):
        error = await client.channel_ended
    assert "406" in _text(error) or "PRECONDITION_FAILED" in _text(error)
    assert (door.waiting, door.unacked) == (1, 0)


async def test_one_asked_for_is_taken_back_after_half_an_hour_too(door: QueueDoor, connect: Connect) -> None:
    client = await connect()
    await door.push()
    queue = await client.channel.get_queue(door.name, ensure=False)
    assert number((await queue.get()).body) == 0
    await door.tick(30 * MINUTE_MS + 1)
    async with asyncio.timeout(20):
        await client.channel_ended
    assert (door.waiting, door.unacked) == (1, 0)


async def test_peer_that_does_not_read_gets_a_bounded_amount(door: QueueDoor) -> None:
    """No library stops reading, so this one is by hand."""
    await door.push(3_000, size=4_000)
    reader, writer = await log_in_and_consume(door.port, *door.credentials(), door.name)
    await until(lambda: door.unacked > 0)
    seen = -1
    while seen != door.unacked:
        seen = door.unacked
        await asyncio.sleep(0.3)
    assert 0 < door.unacked < 2_900
    writer.transport.abort()
    await until(lambda: door.unacked == 0)
    assert door.waiting == 3_000
    assert reader is not None


# The end of the server


async def test_stopping_server_closes_with_320_and_keeps_everything(door: QueueDoor, connect: Connect) -> None:
    client = await connect()
    await client.consume(door.name)
    await door.push(3)
    await client.take()
    await door.endpoint.close()
    async with asyncio.timeout(20):
        error = await client.ended
    assert "320" in _text(error) or "CONNECTION_FORCED" in _text(error)
    assert (await door.stored(), door.unacked) == (3, 0)
    with pytest.raises((OSError, AMQPError)):
        await connect()


# Limits and deadlines


@pytest.mark.parametrize("limits", [EndpointLimits(connections_per_key=2)])
async def test_connections_of_a_key_are_limited(door: QueueDoor, connect: Connect) -> None:
    first, _ = await connect(), await connect()
    with pytest.raises(AMQPError, match="2 connections"):
        await connect()
    await connect(door.cloud.other_app)
    await first.connection.close()
    await until(lambda: door.endpoint._of_app[door.cloud.app.id] == 1)
    await connect()


def test_a_key_has_a_hundred_connections() -> None:
    assert EndpointLimits().connections_per_key == 100


@pytest.mark.parametrize("limits", [EndpointLimits(max_connections=1)])
async def test_connections_are_limited(door: QueueDoor, connect: Connect) -> None:
    first = await connect()
    with pytest.raises((OSError, AMQPError)):
        await connect()
    assert door.metrics.refused["full"] == 1
    await first.connection.close()
    await until(lambda: not door.endpoint._members)
    await connect()


@pytest.mark.parametrize("limits", [EndpointLimits(amqp=Limits(login_s=0.3))])
async def test_who_does_not_log_in_is_cut(door: QueueDoor) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("limits", [EndpointLimits(amqp=Limits(consumer_s=0.5))])
async def test_who_does_not_consume_is_closed(connect: Connect) -> None:
    client = await connect()
    async with asyncio.timeout(20):
        error = await client.ended
    assert isinstance(error, ConnectionClosed | AMQPError)
    assert "consumer" in _text(error) or "320" in _text(error)


@pytest.mark.parametrize("limits", [EndpointLimits(amqp=Limits(consumer_s=0.5, heartbeat_s=1))])
async def test_heartbeats_keep_a_quiet_connection(door: QueueDoor, connect: Connect) -> None:
    client = await connect(heartbeat=1)
    await client.consume(door.name)
    await asyncio.sleep(3.5)
    await door.push()
    assert number((await client.take()).body) == 0


@pytest.mark.parametrize("limits", [EndpointLimits(amqp=Limits(heartbeat_s=1))])
async def test_silent_peer_is_cut(door: QueueDoor) -> None:
    reader, writer = await log_in_and_consume(door.port, *door.credentials(), door.name)
    async with asyncio.timeout(20):
        while await reader.read(4096):
            pass
    await until(lambda: door.consumers == 0)
    writer.close()


@pytest.mark.parametrize("limits", [EndpointLimits(amqp=Limits(shortest_heartbeat_s=30))])
async def test_strict_heartbeat_refuses_short_ones(door: QueueDoor, connect: Connect) -> None:
    with pytest.raises((AMQPError, OSError)):
        await connect(heartbeat=10)
    client = await connect(heartbeat=30)
    await client.consume(door.name)


# TLS


async def test_tls(door: QueueDoor, connect: Connect, tmp_path: Path) -> None:
    authority = Authority("CA")
    certificate, key = authority.sign("127.0.0.1").write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    port = await door.listen(context)
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    client = await connect(port=port, ssl=True, ssl_context=trusting)
    await client.consume(door.name)
    await door.push(20, size=3_000)
    for expected in range(20):
        message = await client.take()
        assert number(message.body) == expected
        await message.ack()
    await until(lambda: door.unacked == 0)
    assert await door.stored() == 0


# Restart


async def test_restart_of_the_endpoint_keeps_what_was_not_acknowledged(
    store: Store, vault: Vault, clock: FakeClock
) -> None:
    async with opened(store, vault, clock) as door:
        user, password = door.credentials()
        name = door.name
        connection = await aio_pika.connect(
            host="127.0.0.1", port=door.port, login=user, password=password, virtualhost="quec-open"
        )
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=3)
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        await (await channel.get_queue(name, ensure=False)).consume(arrived.put)
        await door.push(5)
        first = await asyncio.wait_for(arrived.get(), 20)
        await first.ack()
        await channel.set_qos(prefetch_count=3)  # its answer says that the acknowledgement is committed
        await connection.close()
    platform = await Platform.open(store, vault, clock=clock)
    await platform.message_queues.recover()
    queue = platform.directory.queue_by_name(name)
    assert queue is not None
    assert len(await platform.message_queues.peek(queue.id, 9)) == 4
    assert platform.message_queues.state(queue.id).waiting == 4
