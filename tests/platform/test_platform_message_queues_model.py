"""One queue against a small model: whatever producers, consumers and the clock do, in whatever order."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from databases import empty, open_store
from fakes import FakeClock
from mooring.platform.queue_engine import QueueLimits
from platform_queues import QUEUE, Bench, Taker

_T = TypeVar("_T")

COUNTED = ("pushed", "acked", "expired", "overflowed", "rejected", "cleared")
LIMITS = QueueLimits(
    max_bytes=120, max_age_ms=20_000, redeliver_after_ms=3_000, unacked_ms=9_000, window=4, gather_ms=0
)
WHICH = st.integers(0, 3)


@dataclass
class Message:
    """`seen` once a consumer had it, `until` is when it may leave again, `since` when it left."""

    id: int
    size: int
    born: int
    seen: bool = False
    until: int = 0
    since: int = 0


@dataclass
class Model:
    """`waiting` is everything that is not out; what is delayed among it, too. `out` is by consumer."""

    now: int = 0
    waiting: list[Message] = field(default_factory=list)
    out: dict[int, Message] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))

    def ready(self) -> list[Message]:
        return sorted((one for one in self.waiting if one.until <= self.now), key=lambda one: one.id)

    def size(self) -> int:
        return sum(one.size for one in self.waiting)

    def drop(self, some: list[Message], why: str) -> None:
        for one in some:
            self.waiting.remove(one)
        self.counts[why] += len(some)


class QueueMachine(RuleBasedStateMachine):
    database: Path | str
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.takers: list[Taker] = []
        self.asked = 0
        self.looked_at = 0

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.loop.run_until_complete(work)

    def on_loop(self, work: Callable[[], _T]) -> _T:
        """What a connection would do in a callback."""

        async def running() -> _T:
            return work()

        return self.run(running())

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        if isinstance(self.database, str):
            await empty(self.database)
            self.file: Path | None = None
            self.store = await open_store(self.database)
        else:
            self.file = Path(shutil.copy(self.database, self.database.with_suffix(".one")))
            self.store = await open_store(self.file)
        self.clock = FakeClock()
        self.model.now = self.clock.now_ms()
        self.bench = await Bench(self.store, self.clock, LIMITS).open()

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.run(self._end())

    async def _end(self) -> None:
        await self.bench.settle()
        await self.store.close()
        if self.file is not None:
            for path in self.file.parent.glob(f"{self.file.name}*"):
                path.unlink()

    async def _settle(self) -> None:
        """Let everything happen, then compare what was delivered: the oldest first, flagged, and as much as fits."""
        await self.bench.settle()
        delivered = self.bench.deliveries[self.looked_at :]
        self.looked_at += len(delivered)
        room_before = len(delivered) + sum(taker.room() for taker in self.takers)
        expected = self.model.ready()[:room_before]
        assert delivered == [(one.id, one.seen) for one in expected]
        for one in expected:
            self.model.waiting.remove(one)
            one.seen, one.since = True, self.model.now
            self.model.out[one.id] = one

    def _taker(self, which: int) -> Taker | None:
        return self.takers[which % len(self.takers)] if self.takers else None

    def _return(self, ids: list[int], until: int = 0) -> None:
        for message_id in ids:
            one = self.model.out.pop(message_id, None)
            if one is not None:
                one.until = until
                self.model.waiting.append(one)

    # What happens

    @rule(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=12))
    def push(self, sizes: list[int]) -> None:
        ids = self.on_loop(lambda: self.bench.push(*sizes))
        # Each message is committed and drops what has to go; deliveries come after all of them.
        for message_id, size in zip(ids, sizes, strict=True):
            self.model.counts["pushed"] += 1
            self.model.waiting.append(Message(message_id, size, self.model.now))
            while self.model.size() > LIMITS.max_bytes and len(self.model.waiting) > 1:
                ready = self.model.ready()
                delayed = sorted((one for one in self.model.waiting if one not in ready), key=lambda one: one.until)
                following = [*ready[:1], *delayed[:1]]
                self.model.drop([min(following, key=lambda one: one.id)], "overflowed")
        self.run(self._settle())

    @rule(prefetch=st.integers(1, 5))
    def attach(self, prefetch: int) -> None:
        if len(self.takers) < 4:
            self.takers.append(self.on_loop(lambda: self.bench.taker(prefetch)))
            self.run(self._settle())

    @rule(which=WHICH)
    def die(self, which: int) -> None:
        taker = self._taker(which)
        if taker is not None:
            self.takers.remove(taker)
            self._return(self.on_loop(taker.die))
            self.run(self._settle())

    @rule(which=WHICH, count=st.integers(1, 4))
    def ack(self, which: int, count: int) -> None:
        taker = self._taker(which)
        if taker is None or not taker.kept:
            return
        self.asked += 1
        for message_id in self.on_loop(lambda: taker.ack(count)):
            if self.model.out.pop(message_id, None) is not None:
                self.model.counts["acked"] += 1
        self.run(self._settle())

    @rule(which=WHICH, count=st.integers(1, 4), requeue=st.booleans())
    def refuse(self, which: int, count: int, requeue: bool) -> None:
        taker = self._taker(which)
        if taker is None or not taker.kept:
            return
        self.asked += 1
        some = self.on_loop(lambda: taker.refuse(count, requeue=requeue))
        if requeue:
            self._return(some, self.model.now + LIMITS.redeliver_after_ms)
        else:
            for message_id in some:
                if self.model.out.pop(message_id, None) is not None:
                    self.model.counts["rejected"] += 1
        self.on_loop(lambda: self.bench.queues.wake(QUEUE))
        self.run(self._settle())

    @rule()
    def clear(self) -> None:
        cleared = self.run(self.bench.queues.clear(QUEUE))
        assert cleared == len(self.model.waiting)
        self.model.drop(list(self.model.waiting), "cleared")
        self.run(self._settle())

    @rule(milliseconds=st.sampled_from([100, 1_000, 3_000, 10_000]))
    def time_passes(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)
        model = self.model
        # What is taken back may be with another consumer before anybody looks.
        had = {id(taker): tuple(taker.kept) for taker in self.takers}
        model.now += milliseconds
        self.on_loop(self.bench.queues.tick)
        oldest = model.now - LIMITS.max_age_ms
        model.drop([one for one in model.waiting if one.born < oldest], "expired")
        for one in [one for one in model.out.values() if one.born < oldest]:
            del model.out[one.id]
            model.counts["expired"] += 1
        late = {one.id for one in model.out.values() if one.since < model.now - LIMITS.unacked_ms}
        for taker in tuple(self.takers):
            # It died of what it kept for too long; all that it had is out no more.
            if taker.late:
                assert set(taker.late) <= late
                late -= set(taker.late)
                self.takers.remove(taker)
                self._return(list(had[id(taker)]))
        assert not late
        self.run(self._settle())

    @rule()
    def restart(self) -> None:
        self.run(self.bench.restart())
        self.takers.clear()
        for one in (*self.model.waiting, *self.model.out.values()):
            one.seen, one.until = True, 0
        self.model.waiting += self.model.out.values()
        self.model.out.clear()
        self.run(self._settle())

    # What always holds

    @invariant()
    def database_has_what_is_not_done_with(self) -> None:
        if hasattr(self, "bench"):
            known = sorted([*(one.id for one in self.model.waiting), *self.model.out])
            assert self.run(self.bench.stored()) == known

    @invariant()
    def state_is_that_of_the_model(self) -> None:
        if hasattr(self, "bench"):
            state = self.bench.queues.state(QUEUE)
            assert (state.waiting, state.bytes_waiting) == (len(self.model.waiting), self.model.size())
            assert (state.unacked, state.consumers) == (len(self.model.out), len(self.takers))

    @invariant()
    def every_settlement_was_told(self) -> None:
        if hasattr(self, "bench"):
            assert self.bench.told == self.asked

    @invariant()
    def counters_are_those_of_the_model(self) -> None:
        if hasattr(self, "bench"):
            row = self.run(self.bench.row())
            unwritten = self.bench.queues._queue(QUEUE).counts
            for name in COUNTED:
                assert getattr(row, name) + unwritten[name] == self.model.counts[name]


@contextmanager
def machine_of(database: Path | str) -> Iterator[type[QueueMachine]]:
    class Machine(QueueMachine):
        pass

    Machine.database = database
    Machine.loop = asyncio.new_event_loop()
    try:
        yield Machine
    finally:
        Machine.loop.close()


def test_what_a_consumer_kept_for_too_long_goes_to_another_one(database: Path | str) -> None:
    with machine_of(database) as machine_class:
        machine = machine_class()
        try:
            machine.begin()
            machine.attach(prefetch=2)
            machine.push(sizes=[1, 1])
            machine.attach(prefetch=1)
            machine.attach(prefetch=1)
            machine.time_passes(milliseconds=10_000)
            assert [len(taker.kept) for taker in machine.takers] == [1, 1]
        finally:
            machine.teardown()


def test_queue_against_a_model(database: Path | str) -> None:
    examples = 40 if isinstance(database, Path) else 4
    with machine_of(database) as machine_class:
        run_state_machine_as_test(
            machine_class,
            settings=settings(
                max_examples=examples,
                stateful_step_count=40,
                deadline=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )
