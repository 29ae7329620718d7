"""The built-in engine of message queues, rule by rule (contract/messages.md sections 7 and 9)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from databases import on_sqlite
from fakes import FakeClock
from mooring.platform.journal import Entry
from mooring.platform.queue_engine import QueueLimits
from mooring.store import Store, StoreUnavailable
from mooring.store.queue_messages import MessageRow
from platform_queues import QUEUE, Bench, Taker

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


@pytest.fixture
async def bench(store: Store, clock: FakeClock) -> AsyncIterator[Bench]:
    made = await Bench(store, clock).open()
    yield made
    await made.settle()


# Order and fairness


async def test_messages_are_delivered_in_order_and_deleted_when_acknowledged(bench: Bench) -> None:
    ids = bench.push(*[10] * 11)
    taker = bench.taker(2)
    while True:
        await bench.settle()
        if not taker.kept:
            break
        taker.ack(1)
    assert taker.taken == [(message_id, False) for message_id in ids]
    assert await bench.stored() == []
    assert bench.told == 11


@on_sqlite
async def test_acknowledgements_gather_until_somebody_is_in_a_hurry(store: Store, clock: FakeClock) -> None:
    bench = await Bench(store, clock, gather_ms=HOUR_MS).open()
    ids = bench.push(1, 1, 1)
    taker = bench.taker()
    await bench.journal.settle()
    await asyncio.sleep(0)
    taker.ack(1)
    taker.ack(1)
    await bench.journal.settle()
    assert (await bench.stored(), bench.told) == (ids, 0)
    bench.queues.hurry()
    await bench.journal.settle()
    assert (await bench.stored(), bench.told) == (ids[2:], 2)


@on_sqlite
async def test_nothing_is_delivered_before_its_commit(bench: Bench) -> None:
    taker = bench.taker()
    bench.push()
    assert taker.taken == []
    await bench.settle()
    assert len(taker.taken) == 1


@on_sqlite
@pytest.mark.parametrize("consumers", [2, 3, 5])
async def test_consumers_share_a_queue_evenly(bench: Bench, consumers: int) -> None:
    takers = [bench.taker() for _ in range(consumers)]
    ids = bench.push(*[1] * (20 * consumers))
    await bench.settle()
    assert [len(taker.taken) for taker in takers] == [20] * consumers
    assert [message_id for message_id, _ in bench.deliveries] == ids
    assert [message_id for message_id, _ in takers[0].taken] == ids[::consumers]


@on_sqlite
async def test_consumer_without_room_is_passed_over_and_served_again(bench: Bench) -> None:
    slow, fast = bench.taker(1), bench.taker()
    ids = bench.push(*[1] * 9)
    await bench.settle()
    assert (slow.kept, fast.kept) == (ids[:1], ids[1:])
    slow.ack(1)
    later = bench.push(1, 1)
    await bench.settle()
    assert len(slow.kept) == 1
    assert sorted(slow.kept + fast.kept[8:]) == later


@on_sqlite
async def test_one_that_joins_gets_its_share_of_what_waits(bench: Bench) -> None:
    first = bench.taker(2)
    ids = bench.push(*[1] * 8)
    await bench.settle()
    second = bench.taker(2)
    await bench.settle()
    assert (first.kept, second.kept) == (ids[:2], ids[2:4])


@on_sqlite
async def test_more_than_one_turn_of_the_loop_delivers_everything(store: Store, clock: FakeClock) -> None:
    bench = await Bench(store, clock, QueueLimits(window=1_000)).open()
    taker = bench.taker()
    ids = bench.push(*[1] * 1_500)
    await bench.settle()
    assert taker.kept == ids


# What comes back


@on_sqlite
async def test_messages_of_a_dead_channel_go_to_the_next_consumer_in_order_and_flagged(bench: Bench) -> None:
    ids = bench.push(*[1] * 6)
    first = bench.taker(4)
    await bench.settle()
    first.ack(1)
    await bench.settle()
    first.die()
    second = bench.taker()
    await bench.settle()
    assert second.taken == [(message_id, message_id in ids[1:5]) for message_id in ids[1:]]


@on_sqlite
async def test_refused_messages_come_back_after_a_minute_and_others_overtake(bench: Bench) -> None:
    ids = bench.push(1, 1, 1)
    taker = bench.taker(1)
    await bench.settle()
    taker.refuse()
    bench.queues.wake(QUEUE)
    await bench.settle()
    assert taker.kept == [ids[1]]
    taker.ack()
    await bench.tick(MINUTE_MS - 1)
    assert taker.kept == [ids[2]]
    await bench.tick(1)
    taker.ack()
    await bench.settle()
    assert taker.taken == [(ids[0], False), (ids[1], False), (ids[2], False), (ids[0], True)]


@on_sqlite
async def test_refused_message_comes_back_to_the_front(bench: Bench) -> None:
    ids = bench.push(*[1] * 8)
    taker = bench.taker(1)
    await bench.settle()
    taker.refuse()
    taker.prefetch = 0
    await bench.tick(MINUTE_MS)
    taker.prefetch = 1
    bench.queues.wake(QUEUE)
    await bench.settle()
    assert taker.kept == ids[:1]


async def test_refused_for_good_is_dropped_and_counted(bench: Bench) -> None:
    bench.push(1, 1)
    taker = bench.taker(1)
    await bench.settle()
    taker.refuse(requeue=False)
    bench.queues.wake(QUEUE)
    await bench.settle()
    assert await bench.stored() == taker.kept
    await bench.tick(1)
    assert ((await bench.row()).rejected, bench.told) == (1, 1)


@on_sqlite
async def test_never_acknowledged_is_taken_back_after_half_an_hour(bench: Bench) -> None:
    ids = bench.push(1, 1)
    idle = bench.taker(1)
    await bench.settle()
    await bench.tick(20 * MINUTE_MS)
    busy = bench.taker(1)
    await bench.settle()
    await bench.tick(10 * MINUTE_MS)
    assert idle.late == []
    await bench.tick(1)
    assert (idle.late, idle.kept, busy.late) == (ids[:1], [], [])
    busy.ack()
    await bench.settle()
    assert busy.taken == [(ids[1], False), (ids[0], True)]


@on_sqlite
async def test_what_was_asked_for_one_by_one_is_taken_back_too(bench: Bench) -> None:
    (message_id,) = bench.push()
    await bench.settle()
    getter = Taker(bench)
    held = await bench.queues.get(QUEUE, getter)
    assert held is not None
    getter.kept.append(held.id)
    await bench.tick(30 * MINUTE_MS + 1)
    assert getter.late == [message_id]
    again = await bench.queues.get(QUEUE, getter)
    assert again is not None
    assert (again.id, again.redelivered) == (message_id, True)


# Asking for one


@on_sqlite
async def test_get_of_an_empty_queue(bench: Bench) -> None:
    assert await bench.queues.get(QUEUE, Taker(bench)) is None


@on_sqlite
async def test_two_that_ask_while_messages_are_read_both_get_one(bench: Bench) -> None:
    ids = bench.push(*[1] * 9)
    await bench.restart()
    found = await asyncio.gather(*(bench.queues.get(QUEUE, Taker(bench)) for _ in range(4)))
    assert [held and held.id for held in found] == ids[:4]


@on_sqlite
async def test_peek_leaves_messages_where_they_are(bench: Bench) -> None:
    ids = bench.push(*[1] * 9)
    await bench.restart()
    assert [row.id for row in await bench.queues.peek(QUEUE, 3)] == ids[:3]
    assert bench.queues.state(QUEUE).waiting == 9
    taker = bench.taker()
    await bench.settle()
    assert taker.kept == ids


# Exclusive consumers


@on_sqlite
async def test_exclusive_consumer_keeps_others_out(bench: Bench) -> None:
    alone = bench.taker(exclusive=True)
    other = Taker(bench)
    assert not bench.queues.attach(QUEUE, other)
    assert not bench.queues.attach(QUEUE, other, exclusive=True)
    alone.die()
    assert bench.queues.attach(QUEUE, other)


@on_sqlite
async def test_exclusive_consumer_must_be_alone(bench: Bench) -> None:
    bench.taker()
    assert not bench.queues.attach(QUEUE, Taker(bench), exclusive=True)


# Age, size, clearing


async def test_messages_of_six_hours_are_dropped_wherever_they_are(store: Store, clock: FakeClock) -> None:
    bench = await Bench(
        store, clock, QueueLimits(unacked_ms=9 * HOUR_MS, redeliver_after_ms=9 * HOUR_MS, window=2)
    ).open()
    ids = bench.push(*[1] * 7)
    taker = bench.taker(3)
    await bench.settle()
    taker.refuse(1)
    await bench.tick(6 * HOUR_MS - 10 * MINUTE_MS)
    newest = bench.push(1)
    await bench.settle()
    await bench.tick(10 * MINUTE_MS + 1)
    assert await bench.stored() == newest
    row = await bench.row()
    assert row.expired == 7
    assert bench.queues.state(QUEUE).unacked == 0
    taker.ack(3)
    await bench.settle()
    assert taker.kept == newest
    assert set(ids).isdisjoint(taker.taken[-1:])


@on_sqlite
async def test_late_acknowledgement_of_an_expired_message_is_settled_and_not_counted(
    store: Store, clock: FakeClock
) -> None:
    bench = await Bench(store, clock, QueueLimits(unacked_ms=10 * HOUR_MS)).open()
    bench.push()
    taker = bench.taker()
    await bench.settle()
    await bench.tick(6 * HOUR_MS + 1)
    taker.ack()
    await bench.tick(1_000)
    row = await bench.row()
    assert (row.expired, row.acked, bench.told) == (1, 0, 1)


async def test_oldest_are_dropped_over_the_size_and_counted(store: Store, clock: FakeClock) -> None:
    bench = await Bench(store, clock, QueueLimits(max_bytes=100, window=2)).open()
    ids = bench.push(*[30] * 5)
    await bench.settle()
    assert await bench.stored() == ids[2:]
    await bench.tick(1)
    row = await bench.row()
    assert (row.pushed, row.overflowed) == (5, 2)
    assert bench.queues.state(QUEUE).bytes_waiting == 90


@on_sqlite
async def test_message_larger_than_the_limit_stays_alone(store: Store, clock: FakeClock) -> None:
    bench = await Bench(store, clock, QueueLimits(max_bytes=100)).open()
    ids = bench.push(10, 10, 500)
    await bench.settle()
    assert await bench.stored() == ids[2:]


@on_sqlite
async def test_what_is_out_does_not_count_for_the_size(store: Store, clock: FakeClock) -> None:
    bench = await Bench(store, clock, QueueLimits(max_bytes=100)).open()
    bench.taker(2)
    ids = bench.push(50, 50)
    await bench.settle()
    ids += bench.push(50, 50)
    await bench.settle()
    assert await bench.stored() == ids


async def test_clear_drops_what_waits_and_not_what_is_out(bench: Bench) -> None:
    ids = bench.push(*[1] * 12)
    taker = bench.taker(3)
    await bench.settle()
    taker.refuse(1)
    assert await bench.queues.clear(QUEUE) == 10
    await bench.settle()
    assert await bench.stored() == ids[1:3]
    await bench.tick(1)
    assert (await bench.row()).cleared == 10
    taker.die()
    again = bench.taker()
    await bench.settle()
    assert again.taken == [(ids[1], True), (ids[2], True)]


async def test_forgotten_queue_cancels_its_consumers_and_keeps_nothing(bench: Bench) -> None:
    bench.push(1, 1)
    taker = bench.taker(1)
    await bench.settle()
    await bench.queues.forget(QUEUE)
    assert taker.cancelled == "the queue was deleted"
    assert await bench.stored() == []
    taker.ack()
    await bench.settle()
    assert bench.told == 1


@on_sqlite
async def test_suspended_queue_cancels_its_consumers_and_drops_what_waits(bench: Bench) -> None:
    bench.push(1, 1)
    taker = bench.taker(1)
    await bench.settle()
    await bench.queues.suspend(QUEUE, "idle")
    await bench.settle()
    assert taker.cancelled == "idle"
    assert await bench.stored() == taker.kept


# Restart


async def test_restart_brings_back_what_was_not_acknowledged_flagged_and_in_order(bench: Bench) -> None:
    ids = bench.push(*[5] * 11)
    taker = bench.taker(3)
    await bench.settle()
    taker.ack(2)
    await bench.restart()
    assert bench.queues.state(QUEUE).bytes_waiting == 45
    again = bench.taker()
    await bench.settle()
    assert again.taken == [(message_id, True) for message_id in ids[2:]]
    assert bench.push(1)
    await bench.settle()
    assert again.taken[-1][1] is False


async def test_counters_survive_a_restart(bench: Bench) -> None:
    bench.push(1, 1, 1)
    taker = bench.taker()
    await bench.settle()
    taker.ack(2)
    await bench.restart()
    row = await bench.row()
    assert (row.pushed, row.acked, row.used_at) == (3, 2, bench.clock.now_ms())


async def test_ids_that_were_committed_the_other_way_round_all_arrive(bench: Bench) -> None:
    first = [bench.ids.next() for _ in range(12)]
    order = [0, 1, 2, 3, 5, 4, 7, 6, 10, 8, 9, 11]
    for place in order:
        entry = Entry()
        entry.push(MessageRow(first[place], QUEUE, "ONLINE", "1", b"x", bench.clock.now_ms()))
        bench.journal.add(entry)
    await bench.settle()
    taker = bench.taker(1)
    for _ in first:
        await bench.settle()
        taker.ack(1)
    await bench.settle()
    assert sorted(message_id for message_id, _ in taker.taken) == first
    assert await bench.stored() == []


# The database


class Unreliable:
    """The store, until `broken`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.broken = False

    def __getattr__(self, name: str) -> object:
        if self.broken and name in ("scan", "write", "read"):
            raise StoreUnavailable("the database does not answer")
        return getattr(self._store, name)


@on_sqlite
async def test_acknowledgements_are_settled_when_the_database_is_back(store: Store, clock: FakeClock) -> None:
    unreliable = Unreliable(store)
    bench = await Bench(unreliable, clock).open()  # type: ignore[arg-type]
    bench.push()
    taker = bench.taker()
    await bench.settle()
    unreliable.broken = True
    taker.ack()
    await bench.settle()
    assert bench.told == 0
    await bench.tick(1_000)
    assert bench.told == 0
    unreliable.broken = False
    await bench.tick(1_000)
    assert (bench.told, await bench.stored()) == (1, [])


@on_sqlite
async def test_get_says_that_the_database_does_not_answer(store: Store, clock: FakeClock) -> None:
    unreliable = Unreliable(store)
    bench = await Bench(unreliable, clock).open()  # type: ignore[arg-type]
    ids = bench.push(1, 1)
    await bench.restart()
    unreliable.broken = True
    with pytest.raises(StoreUnavailable):
        await bench.queues.get(QUEUE, Taker(bench))
    unreliable.broken = False
    held = await bench.queues.get(QUEUE, Taker(bench))
    assert held is not None
    assert held.id == ids[0]


# How a queue stands


@on_sqlite
async def test_state_counts_what_waits_and_what_is_out(bench: Bench) -> None:
    bench.push(10, 20, 30)
    at = bench.clock.now_ms()
    bench.taker(1)
    bench.clock.advance(5_000)
    await bench.settle()
    state = bench.queues.state(QUEUE)
    assert (state.waiting, state.bytes_waiting, state.unacked, state.consumers) == (2, 50, 1, 1)
    assert state.oldest_at == at


@on_sqlite
async def test_rate_is_that_of_the_last_minute(bench: Bench) -> None:
    bench.push(*[1] * 60)
    taker = bench.taker()
    await bench.settle()
    taker.ack(60)
    assert bench.queues.state(QUEUE).rate == 1.0
    await bench.tick(61_000)
    assert bench.queues.state(QUEUE).rate == 0.0
    assert not bench.queues._queue(QUEUE).acks


@on_sqlite
async def test_used_at_is_now_while_somebody_consumes(bench: Bench) -> None:
    assert bench.queues.used_at(QUEUE) == 0
    taker = bench.taker()
    bench.clock.advance(10)
    assert bench.queues.used_at(QUEUE) == bench.clock.now_ms()
    taker.die()
    left = bench.clock.now_ms()
    bench.clock.advance(10)
    assert bench.queues.used_at(QUEUE) == left


@on_sqlite
async def test_without_acknowledgement_a_message_is_gone_when_it_left(bench: Bench) -> None:
    bench.push(1, 1)
    taker = bench.taker(no_ack=True)
    await bench.settle()
    assert len(taker.taken) == 2
    assert await bench.stored() == []
