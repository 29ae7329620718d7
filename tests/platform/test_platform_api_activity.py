"""Statistics and log of calls, limits of devices and applications: counting, keeping, forgetting."""

import pytest

from fakes import FakeClock, FakeEntropy
from mooring.platform.api_statistics import ApiStatistics
from mooring.platform.buckets import Buckets
from mooring.platform.device_limits import UNIT_BYTES, DeviceLimits
from mooring.platform.request_log import Described, RequestFilter, RequestLog
from mooring.platform.sources import Ids
from mooring.store import Store, StoreUnavailable

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


# Buckets


def test_a_bucket_holds_a_second_and_refills(clock: FakeClock) -> None:
    buckets = Buckets(10, clock)
    assert [buckets.take(1) for _ in range(10)] == [0.0] * 10
    assert buckets.take(1) == pytest.approx(0.1, abs=1e-4)
    assert buckets.take(2) == 0.0
    clock.advance(100)
    assert buckets.take(1) == 0.0
    assert buckets.take(1) > 0
    clock.advance(5_000)
    assert [buckets.take(1) for _ in range(10)] == [0.0] * 10
    assert buckets.take(1) > 0


def test_a_rate_below_one_lets_one_through(clock: FakeClock) -> None:
    buckets = Buckets(0.5, clock)
    assert buckets.take(1) == 0.0
    clock.advance(1_999)
    assert buckets.take(1) == pytest.approx(0.001, abs=1e-4)
    clock.advance(1)
    assert buckets.take(1) == 0.0


def test_what_is_refused_takes_nothing(clock: FakeClock) -> None:
    buckets = Buckets(1, clock)
    buckets.take(1)
    for _ in range(100):
        assert buckets.take(1) > 0
    clock.advance(1_000)
    assert buckets.take(1) == 0.0


def test_full_buckets_are_forgotten(clock: FakeClock) -> None:
    buckets = Buckets(1_000, clock)
    for key in range(50_000):
        clock.advance(1)
        buckets.take(key)
    assert len(buckets._due) <= 20_001


# Statistics


async def test_calls_add_up_by_operation_and_hour(store: Store, clock: FakeClock) -> None:
    statistics = ApiStatistics(store, clock)
    for _ in range(98):
        statistics.note(7, "deviceList", 200, 0.0005)
    statistics.note(7, "deviceList", 70130, 0.02)
    statistics.note(7, "deviceList", 200, 2.5)
    statistics.note(7, "tslExport", 200, 0.002)
    statistics.note(8, "tslExport", 200, 0.002)
    await statistics.flush()
    clock.advance(HOUR_MS)
    statistics.note(7, "tslExport", 91005, 0.004)
    operations, hours = await statistics.of_app(7)
    listed, exported = operations
    assert (listed.operation, listed.calls, listed.failures) == ("deviceList", 100, 1)
    assert (listed.p50_ms, listed.p95_ms, listed.p99_ms, listed.longest_ms) == (1.0, 1.0, 30.0, 2500.0)
    assert listed.mean_ms == pytest.approx((98 * 0.5 + 20 + 2500) / 100)
    assert (exported.calls, exported.failures, exported.longest_ms) == (2, 1, 4.0)
    assert [(hour.calls, hour.failures) for hour in hours] == [(101, 1), (1, 1)]
    assert [hour.hour % HOUR_MS for hour in hours] == [0, 0]
    [only], _ = await statistics.of_app(7, since=clock.now_ms(), operation="tslExport")
    assert only.calls == 1


async def test_two_processes_and_a_restart_add_to_the_same_hours(store: Store, clock: FakeClock) -> None:
    for longest in (0.5, 0.1, 0.3):
        process = ApiStatistics(store, clock)
        process.note(7, "deviceList", 200, longest)
        process.note(7, "deviceDetail", 200, 0.001)
        await process.flush()
    [detail, listed], _ = await ApiStatistics(store, clock).of_app(7)
    assert (detail.calls, listed.calls, listed.longest_ms) == (3, 3, 500.0)


async def test_what_could_not_be_written_is_kept(store: Store, clock: FakeClock) -> None:
    statistics = ApiStatistics(store, clock)
    statistics.note(7, "deviceList", 200, 0.5)
    write, store.write = store.write, down  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await statistics.flush()
    statistics.note(7, "deviceList", 500, 0.1)
    store.write = write  # type: ignore[method-assign]
    [listed], _ = await statistics.of_app(7)
    assert (listed.calls, listed.failures, listed.longest_ms) == (2, 1, 500.0)


async def test_old_hours_are_forgotten(store: Store, clock: FakeClock) -> None:
    statistics = ApiStatistics(store, clock)
    statistics.note(7, "deviceList", 200, 0.001)
    await statistics.flush()
    await statistics.forget_before(clock.now_ms() + HOUR_MS)
    assert await statistics.of_app(7) == ([], [])


async def down(*_writes: object) -> None:
    raise StoreUnavailable("down")


# Request log


class Noted:
    def __init__(
        self, number: int, code: int = 200, operation: str = "deviceList", tickets: tuple[int, ...] = ()
    ) -> None:
        self.number, self.code, self.operation, self.tickets = number, code, operation, tickets

    def described(self) -> Described:
        message = None if self.code == 200 else "bad"
        request = f'{{"query":{{"n":"{self.number}"}}}}'
        return Described(
            *(f"a-{self.number}", self.operation, self.code, 200, "192.0.2.1", 0.0015, 0.0, request, message),
            self.tickets,
            f'{{"code":{self.code}}}',
        )


@pytest.fixture
def log(store: Store, clock: FakeClock) -> RequestLog:
    return RequestLog(store, clock, Ids(clock, FakeEntropy("log")), kept=5)


async def ids(log: RequestLog, chosen: RequestFilter | None = None, **where: int) -> list[str]:
    return [entry.request_id for entry in await log.of_app(7, chosen, **where)]


async def test_the_newest_calls_are_kept_of_each_application(log: RequestLog, clock: FakeClock) -> None:
    for number in range(3):
        log.note(7, Noted(number))
        clock.advance(1_000)
    log.note(8, Noted(100))
    assert await ids(log) == ["a-2", "a-1", "a-0"]
    for number in range(3, 12):
        log.note(7, Noted(number))
    assert await ids(log) == ["a-11", "a-10", "a-9", "a-8", "a-7"]
    assert len(await log.of_app(8)) == 1


async def test_a_call_is_shown_with_everything_that_was_noted(log: RequestLog, clock: FakeClock) -> None:
    log.note(7, Noted(1, 70130, tickets=(11, 12)))
    [entry] = await log.of_app(7)
    assert (entry.at, entry.operation, entry.code, entry.status) == (clock.now_ms(), "deviceList", 70130, 200)
    assert (entry.address, entry.took_ms, entry.tickets, entry.message) == ("192.0.2.1", 1.5, ("11", "12"), "bad")
    assert bytes(entry.request) == b'{"query":{"n":"1"}}'
    assert entry.answer is not None
    assert bytes(entry.answer) == b'{"code":70130}'


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (RequestFilter(operation="tslExport"), ["a-2"]),
        (RequestFilter(code=70130), ["a-1"]),
        (RequestFilter(failed=True), ["a-3", "a-1"]),
        (RequestFilter(request_id="a-2"), ["a-2"]),
        (RequestFilter(ticket=12), ["a-0"]),
        (RequestFilter(ticket=1), []),
        (RequestFilter(since=1_760_000_002_000), ["a-3", "a-2"]),
        (RequestFilter(until=1_760_000_001_000), ["a-1", "a-0"]),
    ],
)
async def test_filters(log: RequestLog, clock: FakeClock, chosen: RequestFilter, found: list[str]) -> None:
    calls = [Noted(0, tickets=(12,)), Noted(1, 70130), Noted(2, operation="tslExport"), Noted(3, 91005)]
    for call in calls:
        log.note(7, call)
        await log.flush()
        clock.advance(1_000)
    assert await ids(log, chosen) == found


async def test_pages_go_back_by_id(log: RequestLog) -> None:
    for number in range(5):
        log.note(7, Noted(number))
    first = await log.of_app(7, rows=2)
    assert await ids(log, before_id=first[-1].id, rows=2) == ["a-2", "a-1"]


async def test_old_calls_are_forgotten(log: RequestLog, clock: FakeClock) -> None:
    log.note(7, Noted(0))
    await log.flush()
    clock.advance(DAY_MS)
    log.note(7, Noted(1))
    await log.flush()
    await log.forget_before(clock.now_ms() - 1_000)
    assert await ids(log) == ["a-1"]


# Limits of devices


def test_without_limits_nothing_is_refused_and_nothing_counted(store: Store, clock: FakeClock) -> None:
    limits = DeviceLimits(store, clock)
    assert limits.refusal(1) is None
    assert limits.take(1, 10_000)
    assert limits.used(1) == 0


def test_commands_a_second(store: Store, clock: FakeClock) -> None:
    limits = DeviceLimits(store, clock, commands_per_s=2)
    assert [limits.refusal(1) for _ in range(2)] == [None, None]
    refusal = limits.refusal(1)
    assert refusal == (61007, "2 commands a second are the limit of a device")
    assert limits.refusal(2) is None
    clock.advance(500)
    assert limits.refusal(1) is None


def test_messages_a_day_count_both_ways_in_units_until_midnight(store: Store, clock: FakeClock) -> None:
    limits = DeviceLimits(store, clock, messages_per_day=5)
    assert limits.take(1, 0)
    assert limits.take(1, UNIT_BYTES)
    limits.count(1, UNIT_BYTES + 1)
    assert limits.used(1) == 4
    assert limits.refusal(1) is None
    assert limits.take(1, 3 * UNIT_BYTES)  # the message that crosses the line still passes
    assert not limits.take(1, 1)
    refusal = limits.refusal(1)
    assert refusal is not None
    assert refusal[0] == 61006
    clock.advance(DAY_MS - clock.now_ms() % DAY_MS)
    assert limits.refusal(1) is None
    assert limits.used(1) == 0


async def test_counts_outlive_the_process_and_add_up(store: Store, clock: FakeClock) -> None:
    for _ in range(3):
        process = DeviceLimits(store, clock, messages_per_day=5)
        await process.load()
        process.take(1, 1)
        await process.flush()
    last = DeviceLimits(store, clock, messages_per_day=5)
    await last.load()
    assert last.used(1) == 3
    clock.advance(DAY_MS)
    await last.load()
    assert last.used(1) == 0


async def test_counts_that_could_not_be_written_are_written_later(store: Store, clock: FakeClock) -> None:
    limits = DeviceLimits(store, clock, messages_per_day=5)
    limits.take(1, 1)
    write, store.write = store.write, down  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await limits.flush()
    limits.take(1, 1)
    store.write = write  # type: ignore[method-assign]
    await limits.flush()
    other = DeviceLimits(store, clock, messages_per_day=5)
    await other.load()
    assert other.used(1) == 2
