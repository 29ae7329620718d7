"""What Mooring makes in RabbitMQ, keeps right there, and reads back (contract/messages.md section 7)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import pika  # type: ignore[import-untyped]
import pytest

from databases import on_sqlite
from mooring.platform.queue_broker import BrokerQueue
from mooring.platform.remote_queues import RemoteQueues
from mooring.queues.rabbitmq.losses import LossReader
from mooring.queues.rabbitmq.management import Management
from mooring.store import Store, StoreUnavailable
from rabbitmq.rabbit_cloud import Node, RabbitCloud, build_rabbit_cloud, eventually, open_platform

pytestmark = on_sqlite


def policy(node: Node, name: str = "mooring") -> object:
    return (node.api("GET", f"/policies/quec-open/{name}") or {}).get("definition")


async def test_a_queue_is_durable_and_has_the_limits_by_a_policy(cloud: RabbitCloud) -> None:
    async def made() -> dict[str, object] | None:
        found: dict[str, object] | None = cloud.node.queue(cloud.queue.full_name)
        return found if found and found.get("policy") else None

    found = await eventually(made)
    assert (found["durable"], found["auto_delete"], found["arguments"]) == (True, False, {})
    assert (found["type"], found["policy"]) == ("classic", "mooring")
    assert policy(cloud.node) == {
        "max-length-bytes": 500 * 1024 * 1024,
        "overflow": "drop-head",
        "message-ttl": 21_600_000,
        "dead-letter-exchange": "",
        "dead-letter-routing-key": "mooring.lost",
    }


async def test_other_limits_apply_to_queues_that_are_there(cloud: RabbitCloud) -> None:
    async with open_platform(cloud.node, cloud.store, queue_bytes=2_000_000, queue_age_s=60):

        async def changed() -> bool:
            definition = policy(cloud.node)
            assert isinstance(definition, dict)
            return (definition["max-length-bytes"], definition["message-ttl"]) == (2_000_000, 60_000)

        await eventually(changed)


async def test_what_is_over_the_size_is_dropped_oldest_first_and_counted(
    node: Node, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, all_dropped = LossReader.begin, asyncio.Event()

    async def begin_late(self: LossReader) -> None:
        await all_dropped.wait()
        await begin(self)

    monkeypatch.setattr(LossReader, "begin", begin_late)
    async with build_rabbit_cloud(node, store, queue_bytes=1_000) as cloud:
        rows = await cloud.push(*range(100))
        await cloud.forwarded()
        all_dropped.set()
        size = len(rows[-1].body)
        kept = 1_000 // size

        async def counted() -> bool:
            detail = await cloud.platform.queues.detail(cloud.actor.account_id, cloud.queue.id)
            return detail.overflowed == 100 - kept and detail.state.waiting == kept

        await eventually(counted)
        assert await cloud.take(kept) == list(range(100 - kept, 100))


async def test_losses_have_a_place_before_anything_can_be_lost(node: Node, store: Store) -> None:
    made: list[str] = []

    async def put(self: Management, where: str, content: Mapping[str, object]) -> None:
        made.append(where)
        await keep(self, where, content)

    keep = Management.put
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Management, "put", put)
        async with build_rabbit_cloud(node, store):
            pass
    assert made.index("queues/quec-open/mooring.lost") < made.index("policies/quec-open/mooring")


async def test_what_is_too_old_is_dropped_and_counted(node: Node, store: Store) -> None:
    async with build_rabbit_cloud(node, store, queue_age_s=2) as cloud:
        await cloud.push(*range(10))

        async def counted() -> bool:
            detail = await cloud.platform.queues.detail(cloud.actor.account_id, cloud.queue.id)
            return (detail.pushed, detail.expired, detail.state.waiting, detail.acked) == (10, 10, 0, 0)

        await eventually(counted)


async def test_details_show_what_is_there(cloud: RabbitCloud) -> None:
    before = int(time.time()) * 1000
    rows = await cloud.push(*range(40))
    await cloud.forwarded()
    await cloud.take(10)
    account_id = cloud.actor.account_id

    def shows(taken: int, rate: float) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            detail = await cloud.platform.queues.detail(account_id, cloud.queue.id)
            found = (detail.pushed, detail.acked, detail.state.waiting, detail.state.unacked)
            # A consumer that ends gives back what it had: prefetch is larger than what it took.
            return found == (40, taken, 40 - taken, 0) and detail.state.rate >= rate

        return look

    await eventually(shows(10, 0))
    await cloud.take(5)
    await eventually(shows(15, 0.01))
    detail = await cloud.platform.queues.detail(account_id, cloud.queue.id)
    assert detail.state.bytes_waiting == sum(len(row.body) for row in rows[15:])
    assert detail.state.oldest_at is None or before <= detail.state.oldest_at <= time.time() * 1000

    async def used() -> bool:
        return cloud.platform.queue_engine.used_at(cloud.queue.id) >= before

    await eventually(used)


async def test_a_list_of_queues_is_one_question_to_rabbitmq(
    cloud: RabbitCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cloud.push(*range(5))
    await cloud.forwarded()
    asked: list[str] = []
    get = Management.get

    async def heard(self: Management, where: str, **params: str) -> object:
        asked.append(where)
        return await get(self, where, **params)

    monkeypatch.setattr(Management, "get", heard)
    queues = [cloud.queue, cloud.other_queue]

    async def shown() -> bool:
        states = await cloud.platform.queues.states(queues)
        return {queue.id: states[queue.id].waiting for queue in queues} == {cloud.queue.id: 5, cloud.other_queue.id: 0}

    await eventually(shown)
    assert not [where for where in asked if cloud.queue.full_name in where]


async def test_use_before_the_first_look_is_seen(node: Node, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = asyncio.Event()
    see = RemoteQueues._see_use

    def see_late(self: RemoteQueues, queue_id: int, seen: BrokerQueue) -> None:
        if looking.is_set():
            see(self, queue_id, seen)

    monkeypatch.setattr(RemoteQueues, "_see_use", see_late)
    async with build_rabbit_cloud(node, store) as cloud:
        await cloud.push(*range(5))
        await cloud.take(5)

        async def told() -> bool:
            found = await cloud.platform.queue_engine.inspect(cloud.queue.id)
            return found.waiting == found.consumers == 0 and found.rate > 0

        async def used() -> bool:
            return cloud.platform.queue_engine.used_at(cloud.queue.id) > 0

        await eventually(told)
        assert not await used()
        looking.set()
        await eventually(used)
        assert cloud.platform.queue_engine.used_at(cloud.other_queue.id) == 0


async def test_clearing_drops_what_waits(cloud: RabbitCloud) -> None:
    await cloud.push(*range(25))
    await cloud.forwarded()

    async def seen() -> bool:
        return (await cloud.platform.queue_engine.inspect(cloud.queue.id)).waiting == 25

    await eventually(seen)
    assert await cloud.platform.queues.clear(cloud.actor, cloud.queue.id) == 25
    await cloud.push(100)
    assert await cloud.take(1) == [100]

    async def counted() -> bool:
        detail = await cloud.platform.queues.detail(cloud.actor.account_id, cloud.queue.id)
        return (detail.cleared, detail.pushed, detail.acked) == (25, 26, 1)

    await eventually(counted)


async def test_looking_at_messages_takes_none(cloud: RabbitCloud) -> None:
    rows = await cloud.push(*range(5))
    await cloud.forwarded()
    found = await cloud.platform.queue_engine.peek(cloud.queue.id, 3)
    assert [(row.type, row.ticket, row.body) for row in found] == [(row.type, row.ticket, row.body) for row in rows[:3]]
    assert found[0].created_at == rows[0].created_at // 1000 * 1000
    assert await cloud.take(5) == list(range(5))


async def test_what_went_wrong_meanwhile_is_set_right_at_the_start(cloud: RabbitCloud, node: Node) -> None:
    stranger = f"a.{cloud.actor.account_id:012d}.gone"
    node.api("PUT", f"/queues/quec-open/{stranger}", {"durable": True})
    node.api("PUT", "/queues/quec-open/a.000000000404.other", {"durable": True})
    node.api("PUT", "/queues/quec-open/somebody", {"durable": True})
    node.api("DELETE", f"/queues/quec-open/{cloud.queue.full_name}")
    node.api("DELETE", "/policies/quec-open/mooring")
    async with open_platform(node, cloud.store):

        async def right() -> bool:
            names = {queue["name"] for queue in node.api("GET", "/queues/quec-open")}
            expected = {cloud.queue.full_name, cloud.other_queue.full_name, "mooring.lost"}
            return names == expected | {"somebody", "a.000000000404.other"} and policy(node) is not None

        await eventually(right)


async def test_a_consumer_of_a_queue_that_is_not_its_own_is_cut_off(cloud: RabbitCloud, node: Node) -> None:
    """However it got there: here by a queue that changed hands at RabbitMQ only."""
    name = cloud.other_queue.full_name
    allowed = cloud.platform.broker_access.queue

    async def everything(username: str, asked: str, permission: str) -> bool:
        return asked == name or await allowed(username, asked, permission)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cloud.platform.broker_access, "queue", everything)
        assert await asyncio.to_thread(_consume_until_closed, node, cloud, name) == 320


def _consume_until_closed(node: Node, cloud: RabbitCloud, name: str) -> int:
    connection = pika.BlockingConnection(node.parameters(cloud.app))
    connection.channel().basic_consume(name, lambda *_: None)
    try:
        while True:
            connection.process_data_events(1.0)
    except pika.exceptions.ConnectionClosedByBroker as closed:
        code: int = closed.reply_code
        return code


async def test_without_rabbitmq_the_platform_goes_on(cloud: RabbitCloud, node: Node) -> None:
    await asyncio.to_thread(node.kill)
    await cloud.push(1)
    made = await cloud.platform.queues.create(cloud.actor, cloud.app, "second")
    with pytest.raises(StoreUnavailable, match="RabbitMQ"):
        await cloud.platform.queues.detail(cloud.actor.account_id, cloud.queue.id)
    assert await cloud.platform.queues.states([cloud.queue, made]) == {}
    await cloud.push(2, queue=made)
    await cloud.forwarded()
    assert await cloud.take(1) == [1]
    assert await cloud.take(1, queue=made) == [2]
