"""What a page of the data log costs when the log is long: `dataHistory` by time range over 10 million rows of one
device, beside the same range of a log that has nothing else.

Both logs are served by their own `mooring up`. The ranges hold the same number of rows; in the long log they lie in the
middle. Costs are processor time of the server for one call.
"""

import asyncio
import shutil
import sqlite3
import statistics
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlencode

import httpx
import msgspec

from mooring.platform.sources import Ids
from mooring.store import DataDirectory

from .commands import login_token
from .dataset import seed_fleet
from .devices import Fleet
from .errors import BenchFailed
from .processes import Cores, Running, mooring_up, running

__all__ = ["MAX_RATIO", "HistoryPlan", "PageCost", "fill_log", "measure_history"]

MAX_RATIO = 3.0
_PATH = "/v2/quecdatastorage/r1/openapi/device/data/history"
_STEP_MS = 50  # between two rows: all of them are younger than a row may get
_CHUNK = 500_000
_ROW_BYTES = 600  # on disk with its place in the index, generously
_DOWN_EVERY = 50  # one row in so many was sent to the device
_SIZE = 10
_LEAST_S = 0.01  # the grain of the system's processor clock

# Rows as uplinks and commands leave them; numbers differ from row to row as those of a meter do.
_FILL = """
WITH RECURSIVE number(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM number WHERE n + 1 < :last)
INSERT INTO data_log SELECT
  (:begin + n * :step - :epoch) * :per_ms, :device, CASE WHEN n % :down THEN 1 ELSE 2 END,
  CASE WHEN n % :down THEN 20 ELSE 19 END, n % 65533 + 1,
  printf('AAkAEhED%06dABoRCl0AIhE%06dACoR%06dADISCMYAOgBPAEICJxAAShMtxsAAUwAaYWJjZGVmZ2hpamtsbW5vAAA',
    n % 999983, n % 7919, n % 104729),
  printf('[{"id":1,"value":"true"},{"id":2,"value":"%.1f"},{"id":3,"value":"%.3f"},{"id":4,"value":"%.1f"},'
    || '{"id":5,"value":"50.02"},{"id":6,"value":"%.1f"},{"id":7,"value":"-71"},{"id":8,"value":"%d"},'
    || '{"id":9,"value":"%.2f"},{"id":10,"value":"abcdefghijklmno"}]', 215 + n % 200 / 10.0, n % 16000 / 1000.0,
    n % 36800 / 10.0, n % 700 / 10.0, n, n / 100.0),
  (:begin + n * :step - :epoch) * :per_ms, 1, :begin + n * :step, :begin + n * :step, :begin + n * :step
FROM number
"""


class HistoryPlan(msgspec.Struct, frozen=True):
    """Rows of the long log and of the short one; rounds, and calls of each page in a round."""

    rows: int
    base_rows: int
    rounds: int
    calls: int


class PageCost(msgspec.Struct, frozen=True, kw_only=True):
    """One page; costs are milliseconds of processor time for one call, times by the clock are beside them."""

    name: str
    rows: int
    base_rows: int
    ratio: float
    cost_ms: float
    base_cost_ms: float
    clock_ms: float
    base_clock_ms: float
    rounds: list[float]

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= MAX_RATIO


class _Log(msgspec.Struct, frozen=True):
    """A server with its log; the range is epoch ms of the rows that are asked for."""

    server: Running
    client: httpx.Client
    fleet: Fleet
    since: int
    until: int

    def query(self, **more: int) -> str:
        keys = {"productKey": self.fleet.product_key, "deviceKey": self.fleet.device_keys[0], "pageSize": _SIZE}
        return f"{_PATH}?{urlencode({**keys, 'beginDateTimp': self.since, 'endDateTimp': self.until, **more})}"


def measure_history(work: Path, plan: HistoryPlan, cores: Cores) -> list[PageCost]:
    """Every page. Raises BenchFailed, also when the disk has no room for twice the log."""
    free = shutil.disk_usage(work).free
    if free < 2 * plan.rows * _ROW_BYTES:
        raise BenchFailed(f"{plan.rows:,} rows need room on disk; {free / 1e9:.0f} GB are free in {work}")
    with ExitStack() as stack:
        base = _serve(stack, work / "short", plan.base_rows, plan.base_rows, cores)
        long = _serve(stack, work / "long", plan.rows, plan.base_rows, cores)
        return [_page(name, more, base, long, plan) for name, more in _pages(plan).items()]


def _pages(plan: HistoryPlan) -> Mapping[str, dict[str, int]]:
    last = plan.base_rows // _SIZE
    return {
        "first page": {"pageNum": 1},
        "last page": {"pageNum": last},
        "first page, downlinks": {"pageNum": 1, "direction": 2},
        "last page, downlinks": {"pageNum": max(1, last // _DOWN_EVERY), "direction": 2},
        "first page, failed (none)": {"pageNum": 1, "sendStatus": -1},
    }


def _serve(stack: ExitStack, data: Path, rows: int, asked: int, cores: Cores) -> _Log:
    dataset, fleet = asyncio.run(seed_fleet(data, 1))
    begin = time.time_ns() // 1_000_000 - rows * _STEP_MS
    fill_log(DataDirectory(data).database, rows, begin)
    server = stack.enter_context(running([*cores.server, *mooring_up(data)], data.with_suffix(".log")))
    client = stack.enter_context(httpx.Client(base_url=server.base_url, timeout=60))
    client.headers["authorization"] = login_token(client, dataset)
    first = (rows - asked) // 2
    return _Log(server, client, fleet, begin + first * _STEP_MS, begin + (first + asked - 1) * _STEP_MS)


def fill_log(database: Path, rows: int, begin: int) -> None:
    """Write rows of the only device's data log, beginning at `begin` (epoch ms)."""
    per_ms = Ids.first_of(begin + 1) - Ids.first_of(begin)
    epoch = begin - Ids.first_of(begin) // per_ms
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        [[device]] = connection.execute("SELECT id FROM devices").fetchall()
        given = {"begin": begin, "step": _STEP_MS, "epoch": epoch, "per_ms": per_ms, "device": device}
        for first in range(0, rows, _CHUNK):
            span = {"first": first, "last": min(rows, first + _CHUNK), "down": _DOWN_EVERY}
            connection.execute(_FILL, {**given, **span})
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _page(name: str, more: dict[str, int], base: _Log, long: _Log, plan: HistoryPlan) -> PageCost:
    answers = [log.client.get(log.query(**more)).json() for log in (base, long)]
    totals = [(answer["code"], answer["total"], len(answer["data"])) for answer in answers]
    if totals[0] != totals[1] or totals[0][0] != 200:
        raise BenchFailed(f"{name}: the logs do not answer alike: {totals}")
    rounds = [(_cost(base, more, plan.calls), _cost(long, more, plan.calls)) for _ in range(plan.rounds)]
    ratios = [ours[0] / least[0] for least, ours in rounds]
    base_cost, base_clock = (statistics.median(values) for values in zip(*(short for short, _ in rounds), strict=True))
    cost, clock = (statistics.median(values) for values in zip(*(ours for _, ours in rounds), strict=True))
    return PageCost(
        name=name,
        rows=plan.rows,
        base_rows=plan.base_rows,
        ratio=statistics.median(ratios),
        cost_ms=cost,
        base_cost_ms=base_cost,
        clock_ms=clock,
        base_clock_ms=base_clock,
        rounds=ratios,
    )


def _cost(log: _Log, more: dict[str, int], calls: int) -> tuple[float, float]:
    """Milliseconds of one call: of processor time, and by the clock (the median)."""
    query, times = log.query(**more), []
    before = log.server.processor_s()
    for _ in range(calls):
        started = time.perf_counter()
        log.client.get(query).raise_for_status()
        times.append(time.perf_counter() - started)
    used = max(log.server.processor_s() - before, _LEAST_S)
    return used / calls * 1000, statistics.median(times) * 1000
