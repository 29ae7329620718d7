"""Messages on their way from the database to RabbitMQ: in order, at least once, whatever dies."""

import asyncio
import json
from itertools import pairwise

from databases import on_sqlite
from mooring.platform import Platform
from mooring.platform.journal import Entry
from mooring.platform.sources import Ids
from mooring.store import Store, queue_messages
from mooring.store.postgres import PostgresStore
from mooring.store.queue_messages import MessageRow
from rabbitmq.rabbit_cloud import Node, RabbitCloud, build_rabbit_cloud, eventually, open_platform, push


def first_seen(numbers: list[int]) -> list[int]:
    """Without repetitions: delivery is at least once."""
    return list(dict.fromkeys(numbers))


async def test_messages_arrive_in_order_and_leave_the_database(cloud: RabbitCloud) -> None:
    for start in range(0, 3_000, 100):
        await cloud.push(*range(start, start + 100))
    assert await cloud.take(3_000) == list(range(3_000))
    await cloud.forwarded()
    detail = await cloud.platform.queues.detail(cloud.actor.account_id, cloud.queue.id)
    assert detail.pushed == 3_000


@on_sqlite
async def test_a_delivery_has_the_properties_of_section_6(cloud: RabbitCloud) -> None:
    [row] = await cloud.push(7)
    [(method, properties, body)] = await asyncio.to_thread(cloud.node.take, cloud.app, cloud.queue.full_name, 1)
    assert (method.exchange, method.routing_key) == ("", cloud.queue.full_name)
    assert properties.content_type == "application/json"
    assert properties.delivery_mode == 2
    assert properties.message_id == row.ticket
    assert properties.type == "MATTR-REPORT"
    assert properties.timestamp == row.created_at // 1000
    assert json.loads(body)["number"] == 7


@on_sqlite
async def test_a_body_larger_than_a_frame_arrives_whole(cloud: RabbitCloud) -> None:
    await cloud.push(*range(3))
    [row] = await cloud.push(3)
    large = json.dumps({"number": 4, "text": "x" * 400_000}).encode()
    entry = Entry()
    entry.push(MessageRow(row.id + 1, row.queue_id, row.type, row.ticket, large, row.created_at))
    await cloud.platform.journal.commit(entry)
    found = await asyncio.to_thread(cloud.node.take, cloud.app, cloud.queue.full_name, 5)
    assert found[-1][2] == large


@on_sqlite
async def test_what_an_ended_process_left_is_forwarded_first(cloud: RabbitCloud) -> None:
    cloud.platform.outbox.listeners.clear()  # committed, and the process ends before it hears of it
    await cloud.push(*range(50))
    assert await cloud.left() == 50
    async with open_platform(cloud.node, cloud.store) as following:
        await push(following, cloud.queue.id, range(50, 60))
        assert await cloud.take(60) == list(range(60))


async def test_a_queue_that_somebody_deleted_is_made_again_and_nothing_is_lost(cloud: RabbitCloud) -> None:
    await cloud.push(0)
    await cloud.forwarded()
    cloud.node.api("DELETE", f"/queues/quec-open/{cloud.queue.full_name}")
    for number in range(1, 40):
        await cloud.push(number)
        await cloud.push(number, queue=cloud.other_queue)
    assert first_seen(await cloud.take(39)) == list(range(1, 40))
    assert await cloud.take(39, queue=cloud.other_queue, app=cloud.other_app) == list(range(1, 40))
    await cloud.forwarded()


async def test_messages_for_a_deleted_queue_are_dropped(cloud: RabbitCloud) -> None:
    await cloud.platform.queues.delete(cloud.actor, cloud.other_queue.id)
    await cloud.push(1, queue=cloud.other_queue)
    await cloud.push(2)
    assert await cloud.take(1) == [2]
    await cloud.forwarded()
    assert cloud.node.queue(cloud.other_queue.full_name) is None


async def test_rabbitmq_killed_under_load_loses_nothing_and_keeps_order(cloud: RabbitCloud) -> None:
    count = 0

    async def load() -> None:
        nonlocal count
        while True:
            await cloud.push(*range(count, count + 20))
            count += 20
            await asyncio.sleep(0.005)

    loading = asyncio.create_task(load())
    await asyncio.sleep(0.5)
    await asyncio.to_thread(cloud.node.kill)
    while_down = count

    async def more() -> bool:
        return count > while_down + 200

    await eventually(more)  # the server goes on while RabbitMQ is away
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    committed = count
    await cloud.forwarded()
    waiting = await asyncio.to_thread(cloud.node.count, cloud.app, cloud.queue.full_name)
    found = await cloud.take(waiting)
    seen = first_seen(found)
    assert set(range(committed)) <= set(seen)
    assert all(one < next_one for one, next_one in pairwise(seen))


@on_sqlite
async def test_too_old_messages_do_not_get_there(node: Node, store: Store) -> None:
    async with build_rabbit_cloud(node, store, queue_age_s=60) as cloud:
        now = cloud.platform.clock.now_ms()
        old = MessageRow(Ids.first_of(now - 61_000), cloud.queue.id, "RAW-UPLINK", "1", b'{"number": 1}', now - 61_000)
        aged = MessageRow(Ids.first_of(now - 50_000), cloud.queue.id, "RAW-UPLINK", "2", b'{"number": 2}', now - 50_000)
        cloud.platform.remote_queues.forwarder._behind = True  # type: ignore[union-attr]
        await store.write(queue_messages.ADD.of(old), queue_messages.ADD.of(aged))
        await cloud.push(3)
        found = await asyncio.to_thread(node.take, cloud.app, cloud.queue.full_name, 2)
        assert [json.loads(body)["number"] for _, _, body in found] == [2, 3]
        assert 1_000 < int(found[0][1].expiration) <= 10_000
        assert found[1][1].expiration is None
        await cloud.forwarded()
        detail = await cloud.platform.queues.detail(cloud.actor.account_id, cloud.queue.id)
        assert (detail.pushed, detail.expired) == (2, 1)


async def test_of_two_processes_one_forwards_and_the_other_takes_over(node: Node, postgres_url: str) -> None:
    first_store, second_store = await PostgresStore.open(postgres_url), await PostgresStore.open(postgres_url)
    async with build_rabbit_cloud(node, first_store) as cloud, open_platform(node, second_store) as second:
        first = cloud.platform

        def forwarders() -> list[Platform]:
            return [one for one in (first, second) if one.remote_queues and one.remote_queues.forwarder.connected]

        for start in range(0, 400, 20):
            await push(first, cloud.queue.id, range(start, start + 10))
            await push(second, cloud.queue.id, range(start + 10, start + 20))
            assert len(forwarders()) <= 1
        assert await cloud.take(400) == list(range(400))
        assert forwarders() == [first]
        assert first.remote_queues is not None
        assert first.remote_queues.forwarder.forwarded == 400
        await first.remote_queues.close()  # ends in order; without that the others wait until it is late
        await push(second, cloud.queue.id, range(400, 420))
        assert await cloud.take(20) == list(range(400, 420))
        await cloud.forwarded()
    await first_store.close()
    await second_store.close()
