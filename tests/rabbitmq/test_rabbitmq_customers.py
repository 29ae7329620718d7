"""Customers connect to RabbitMQ itself, with pika and aio-pika: what they may do, and what they are told else.

contract/messages.md sections 6 and 9, as far as RabbitMQ can; docs/operations.md lists what differs.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aio_pika
import pika  # type: ignore[import-untyped]
import pytest

from databases import on_sqlite
from mooring.platform.entities import App
from mooring.platform.saas_apps import AppChanges
from mooring.protocol.login import build_username, sign
from mooring.store import Store
from rabbitmq.rabbit_cloud import Node, RabbitCloud, build_rabbit_cloud, eventually

pytestmark = on_sqlite

_MINUTE_MS = 60_000


async def refusal(cloud: RabbitCloud, do: Callable[[Any], object]) -> tuple[int, str]:
    """Code and text of the channel's end."""

    def attempt() -> tuple[int, str]:
        with cloud.node.channel(cloud.app) as channel:
            with pytest.raises(pika.exceptions.ChannelClosedByBroker) as caught:
                do(channel)
            return caught.value.reply_code, caught.value.reply_text

    return await asyncio.to_thread(attempt)


def ours(cloud: RabbitCloud) -> str:
    return cloud.queue.full_name


async def test_aio_pika_receives_and_acknowledges(cloud: RabbitCloud) -> None:
    await cloud.push(*range(30))
    username = build_username(cloud.app.access_key, int(time.time() * 1000))
    connection = await aio_pika.connect(
        host=cloud.node.address.host,
        port=cloud.node.address.port,
        login=username,
        password=sign(username, cloud.app.access_secret.reveal()),
        virtualhost="quec-open",
    )
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        queue = await channel.get_queue(ours(cloud))
        found = []
        async with queue.iterator() as messages:
            async for message in messages:
                async with message.process():
                    found.append(json.loads(message.body)["number"])
                if len(found) == 30:
                    break
    assert found == list(range(30))


@pytest.mark.parametrize("changes", [{"password": "0" * 64}, {"minutes": -11}, {"minutes": 20}])
async def test_a_wrong_login_is_refused_with_403(cloud: RabbitCloud, changes: dict[str, Any]) -> None:
    if "minutes" in changes:
        changes = {"at_ms": int(time.time() * 1000) + changes["minutes"] * _MINUTE_MS}
    with pytest.raises(pika.exceptions.ProbableAuthenticationError, match="403"):
        await asyncio.to_thread(pika.BlockingConnection, cloud.node.parameters(cloud.app, **changes))


async def test_another_virtual_host_is_refused(cloud: RabbitCloud) -> None:
    parameters = cloud.node.parameters(cloud.app, virtual_host="/")
    with pytest.raises(pika.exceptions.ProbableAccessDeniedError, match="530"):
        await asyncio.to_thread(pika.BlockingConnection, parameters)


async def test_queues_of_others_and_missing_ones_cannot_be_consumed(cloud: RabbitCloud) -> None:
    prefix = ours(cloud).rpartition(".")[0]
    for name, code in ((cloud.other_queue.full_name, 403), (f"{prefix}.nothing", 404), ("mooring.lost", 403)):
        for take in ("basic_consume", "basic_get"):
            arguments = (name, lambda *_: None) if take == "basic_consume" else (name,)
            found, _ = await refusal(cloud, lambda channel: getattr(channel, take)(*arguments))  # noqa: B023
            assert (name, take, found) == (name, take, code)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (lambda channel, name: publish(channel, "", name), 403),
        (lambda channel, name: publish(channel, "amq.topic", "a"), 403),
        (lambda channel, name: channel.queue_bind(name, "amq.direct", "a"), 403),
        (lambda channel, name: channel.exchange_declare("mine"), 403),
        (lambda channel, name: channel.queue_declare(f"{name}x", durable=True), 403),
        (lambda channel, name: channel.queue_declare(f"{name}x", passive=True), 404),
        (lambda channel, name: channel.queue_delete("mooring.lost"), 403),
        (lambda channel, name: channel.queue_purge("mooring.lost"), 403),
        (lambda channel, name: channel.queue_declare(name, durable=True), 403),
        (lambda channel, name: channel.queue_declare(name, durable=False), 403),
        (lambda channel, name: channel.queue_delete(name), 403),
    ],
)
async def test_whatever_changes_something_is_refused(
    cloud: RabbitCloud, operation: Callable[[Any, str], object], code: int
) -> None:
    found, _ = await refusal(cloud, lambda channel: operation(channel, ours(cloud)))
    assert found == code


def publish(channel: Any, exchange: str, key: str) -> None:
    channel.confirm_delivery()
    channel.basic_publish(exchange, key, b"{}")


async def test_the_queues_of_others_cannot_be_deleted_or_purged(cloud: RabbitCloud) -> None:
    name = cloud.other_queue.full_name
    assert (await refusal(cloud, lambda channel: channel.queue_delete(name)))[0] == 403
    assert (await refusal(cloud, lambda channel: channel.queue_purge(name)))[0] == 403
    assert (await refusal(cloud, lambda channel: channel.queue_declare(name, durable=True)))[0] == 403


async def test_a_queue_of_ones_own_may_be_purged(cloud: RabbitCloud) -> None:
    """RabbitMQ cannot tell this from consuming; docs/operations.md says so."""
    await cloud.push(1)
    await cloud.forwarded()

    def purge() -> None:
        with cloud.node.channel(cloud.app) as channel:
            channel.queue_purge(ours(cloud))

    await asyncio.to_thread(purge)
    await cloud.push(2)
    assert await cloud.take(1) == [2]


def declared(cloud: RabbitCloud, *, passive: bool) -> tuple[int, int]:
    """How many messages and consumers a declaration is told of."""
    with cloud.node.channel(cloud.app) as channel:
        answer = channel.queue_declare(ours(cloud), durable=True, passive=passive).method
        return answer.message_count, answer.consumer_count


async def test_a_queue_of_ones_own_may_be_looked_at(cloud: RabbitCloud) -> None:
    await cloud.push(1, 2)
    await cloud.forwarded()
    assert await asyncio.to_thread(declared, cloud, passive=True) == (2, 0)


async def test_where_customers_declare_a_queue_that_they_delete_comes_back(node: Node, store: Store) -> None:
    async with build_rabbit_cloud(node, store, customers_declare=True) as cloud:
        await cloud.push(1, 2)
        await cloud.forwarded()
        assert await asyncio.to_thread(declared, cloud, passive=False) == (2, 0)
        found, _ = await refusal(cloud, lambda channel: channel.queue_declare(ours(cloud), durable=False))
        assert found == 406

        def delete() -> None:
            with cloud.node.channel(cloud.app) as channel:
                channel.queue_delete(ours(cloud))

        await asyncio.to_thread(delete)
        await cloud.push(3)
        assert await cloud.take(1) == [3]


async def test_what_was_not_acknowledged_comes_back_in_order_and_marked(cloud: RabbitCloud) -> None:
    await cloud.push(*range(10))
    await cloud.forwarded()

    def read(acknowledged: int) -> list[tuple[int, bool]]:
        found = []
        with cloud.node.channel(cloud.app) as channel:
            channel.basic_qos(prefetch_count=5)
            for method, _, body in channel.consume(ours(cloud), inactivity_timeout=10):
                found.append((json.loads(body)["number"], method.redelivered))
                if len(found) <= acknowledged:
                    channel.basic_ack(method.delivery_tag)
                if len(found) == acknowledged + 5:
                    return found
        return found

    assert await asyncio.to_thread(read, 2) == [(number, False) for number in range(7)]
    expected = [*((number, True) for number in range(2, 7)), *((number, False) for number in range(7, 10))]
    assert await asyncio.to_thread(read, 3) == expected


async def test_prefetch_bounds_what_is_out(cloud: RabbitCloud) -> None:
    await cloud.push(*range(20))

    async def look() -> bool:
        state = await cloud.platform.queue_engine.inspect(cloud.queue.id)
        return (state.waiting, state.unacked, state.consumers) == (17, 3, 1)

    connection = await consuming(cloud, cloud.app, ours(cloud), prefetch=3)
    await eventually(look)
    await asyncio.to_thread(connection.close)


async def test_a_refusal_with_requeue_comes_again_and_one_without_is_counted(cloud: RabbitCloud) -> None:
    await cloud.push(1, 2)
    await cloud.forwarded()

    def refuse() -> list[tuple[int, bool]]:
        found = []
        with cloud.node.channel(cloud.app) as channel:
            for requeue in (True, False, False):
                method, _, body = channel.basic_get(ours(cloud))
                found.append((json.loads(body)["number"], method.redelivered))
                channel.basic_reject(method.delivery_tag, requeue=requeue)
        return found

    assert await asyncio.to_thread(refuse) == [(1, False), (1, True), (2, False)]

    async def counted() -> bool:
        detail = await cloud.platform.queues.detail(cloud.actor.account_id, cloud.queue.id)
        return (detail.rejected, detail.acked) == (2, 0)

    await eventually(counted)


async def consuming(cloud: RabbitCloud, app: App, queue: str, prefetch: int = 1) -> Any:
    """A connection with a consumer that acknowledges nothing."""

    def consume() -> Any:
        connection = pika.BlockingConnection(cloud.node.parameters(app))
        channel = connection.channel()
        channel.basic_qos(prefetch_count=prefetch)
        channel.basic_consume(queue, lambda *_: None)
        return connection

    return await asyncio.to_thread(consume)


async def ended(connection: Any) -> str:
    """How an open connection was ended by RabbitMQ."""

    def wait() -> str:
        try:
            while True:
                connection.process_data_events(1.0)
        except pika.exceptions.ConnectionClosedByBroker as closed:
            return f"{closed.reply_code} {closed.reply_text}"

    return await asyncio.wait_for(asyncio.to_thread(wait), 60)


async def test_a_disabled_key_ends_live_connections_and_those_of_others_go_on(cloud: RabbitCloud) -> None:
    mine = await consuming(cloud, cloud.app, ours(cloud))
    theirs = await consuming(cloud, cloud.other_app, cloud.other_queue.full_name)
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, AppChanges(enabled=False))
    assert await ended(mine) == "320 CONNECTION_FORCED - the AccessKey is disabled"
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        await asyncio.to_thread(pika.BlockingConnection, cloud.node.parameters(cloud.app))
    theirs.process_data_events(0.1)
    assert theirs.is_open
    await asyncio.to_thread(theirs.close)


async def test_a_deleted_and_a_suspended_queue_cancel_their_consumers(cloud: RabbitCloud) -> None:
    second = await cloud.platform.queues.create(cloud.actor, cloud.app, "second")
    cancelled: list[str] = []

    def consume() -> Any:
        connection = pika.BlockingConnection(cloud.node.parameters(cloud.app))
        channel = connection.channel()
        channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
        channel.basic_consume(ours(cloud), lambda *_: None, consumer_tag="first")
        channel.basic_consume(second.full_name, lambda *_: None, consumer_tag="second")
        return connection

    connection = await asyncio.to_thread(consume)
    await cloud.push(5, queue=second)
    await cloud.forwarded()
    await cloud.platform.queues.delete(cloud.actor, second.id)
    await cloud.platform.queue_engine.suspend(cloud.queue.id, "idle")

    async def both() -> bool:
        await asyncio.to_thread(connection.process_data_events, 0.1)
        return sorted(cancelled) == ["first", "second"]

    await eventually(both)
    assert cloud.node.queue(second.full_name) is None
    await asyncio.to_thread(connection.close)
