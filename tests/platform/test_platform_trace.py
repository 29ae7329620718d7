"""Traces: only who watches pays, and who is slow loses the oldest and is told how many."""

import pytest

from fakes import FakeClock
from mooring.platform import trace as traces
from mooring.platform.trace import MAX_WAITING, TooManyWatchers, Trace


async def test_a_watcher_sees_what_happens_from_then_on(clock: FakeClock) -> None:
    trace = Trace(clock)
    trace.tell(7, "note", note="before")
    async with trace.watch(7) as events:
        assert (trace.watched(7), trace.watched(8)) == (True, False)
        trace.tell(8, "note", note="another device")
        trace.tell(7, "frame", direction="up", cmd="0014", hex="aaaa")
        event = await anext(events)
    assert (event.kind, event.direction, event.cmd, event.at) == ("frame", "up", "0014", clock.now_ms())
    assert not trace.watched(7)


async def test_a_slow_watcher_loses_the_oldest_and_hears_how_many(clock: FakeClock) -> None:
    trace = Trace(clock)
    async with trace.watch(7) as events:
        for number in range(MAX_WAITING + 3):
            trace.tell(7, "note", note=str(number))
        first, second = await anext(events), await anext(events)
    assert (first.note, first.lost, second.note, second.lost) == ("3", 3, "4", 0)


async def test_watchers_have_a_limit(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MAX_WATCHERS", 1)
    trace = Trace(clock)
    async with trace.watch(7):
        with pytest.raises(TooManyWatchers, match="limit"):
            async with trace.watch(7):
                pass
    async with trace.watch(7):
        assert trace.watched(7)


async def test_the_end_comes_after_what_waits_also_for_a_full_watcher(clock: FakeClock) -> None:
    trace = Trace(clock)
    async with trace.watch(7) as behind, trace.watch(8) as idle:
        for number in range(MAX_WAITING):
            trace.tell(7, "note", note=str(number))
        trace.close()
        trace.tell(7, "note", note="too late")
        told = [event async for event in behind]
        assert [event async for event in idle] == []
    assert (told[0].note, told[0].lost, told[-1].note) == ("1", 1, str(MAX_WAITING - 1))
    async with trace.watch(7) as events:
        assert [event async for event in events] == []
