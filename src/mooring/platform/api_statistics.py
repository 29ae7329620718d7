"""How often each application calls each operation, how often that fails, and how long it takes.

Counted in memory and added to the hours in the database every few seconds, so that the figures outlive the process and
add up over several.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

from mooring.store import Store
from mooring.store import api_activity as statements
from mooring.store.api_activity import CallsRow

from .sources import Clock

__all__ = ["ApiStatistics", "Hour", "OperationStatistics"]

_HOUR_MS = 3_600_000
_BOUNDS_US = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_CALLS, _FAILURES, _TOTAL, _LONGEST, _FIRST_BOUND = range(5)
_SUCCESS = 200
_LAST_HOUR = 2**53


class OperationStatistics(msgspec.Struct, frozen=True):
    """Calls of one operation. Times are milliseconds; `p50_ms` and the like are the upper bounds of the steps 1, 3, 10,
    30, 100, 300, 1000 that so many percent of the calls stayed below, `longest_ms` beyond them."""

    operation: str
    calls: int
    failures: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    longest_ms: float


class Hour(msgspec.Struct, frozen=True):
    """Calls of all operations in the hour that begins at `hour` (epoch ms)."""

    hour: int
    calls: int
    failures: int
    mean_ms: float


class ApiStatistics:
    """`note` is called for every answer; everything else is for people."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counted: dict[tuple[int, str], list[int]] = {}

    def note(self, app_id: int, operation: str, code: int, seconds: float) -> None:
        """One answer."""
        cell = self._counted.get((app_id, operation))
        if cell is None:
            # One more than there are columns: calls beyond the last bound are those that no other counts.
            cell = self._counted[app_id, operation] = [0] * (_FIRST_BOUND + len(_BOUNDS_US) + 1)
        micros = int(seconds * 1e6)
        cell[_CALLS] += 1
        if code != _SUCCESS:
            cell[_FAILURES] += 1
        cell[_TOTAL] += micros
        if micros > cell[_LONGEST]:
            cell[_LONGEST] = micros
        cell[_FIRST_BOUND + bisect_left(_BOUNDS_US, micros)] += 1

    async def flush(self) -> None:
        """Add what was counted to the hour. Raises StoreUnavailable: it is kept then."""
        if not self._counted:
            return
        counted, self._counted = self._counted, {}
        now = self._clock.now_ms()
        rows = [(*key, now - now % _HOUR_MS, *cell[:-1]) for key, cell in sorted(counted.items())]
        try:
            await self._store.write(statements.COUNT_CALLS.rows(rows))
        except Exception:
            for key, cell in counted.items():
                self._put_back(key, cell)
            raise

    def _put_back(self, key: tuple[int, str], cell: list[int]) -> None:
        newer = self._counted.get(key)
        if newer is not None:
            longest = max(cell[_LONGEST], newer[_LONGEST])
            cell = [old + new for old, new in zip(cell, newer, strict=True)]
            cell[_LONGEST] = longest
        self._counted[key] = cell

    async def of_app(
        self, app_id: int, *, since: int = 0, until: int = _LAST_HOUR, operation: str = ""
    ) -> tuple[list[OperationStatistics], list[Hour]]:
        """By operation, the most called first, and by hour, oldest first. Times are epoch ms; an hour counts that they
        fall into. Raises StoreUnavailable."""
        await self.flush()
        rows = await self._store.scan(
            statements.STATISTICS, of_app=app_id, since=since - since % _HOUR_MS, until=until, of_operation=operation
        )
        operations: dict[str, list[CallsRow]] = {}
        hours: dict[int, list[CallsRow]] = {}
        for row in rows:
            operations.setdefault(row.operation, []).append(row)
            hours.setdefault(row.hour, []).append(row)
        found = [_operation(name, entries) for name, entries in operations.items()]
        found.sort(key=lambda entry: (-entry.calls, entry.operation))
        return found, [_hour(hour, entries) for hour, entries in hours.items()]

    async def forget_before(self, at_ms: int) -> None:
        """Drop hours before `at_ms` (epoch ms). Raises StoreUnavailable."""
        await self._store.write(statements.FORGET_STATISTICS(before=at_ms))


def _operation(name: str, rows: Sequence[CallsRow]) -> OperationStatistics:
    calls = sum(row.calls for row in rows)
    longest = max(row.longest_us for row in rows)
    steps = [
        sum(column) for column in zip(*(msgspec.structs.astuple(row)[-len(_BOUNDS_US) :] for row in rows), strict=True)
    ]
    return OperationStatistics(
        operation=name,
        calls=calls,
        failures=sum(row.failures for row in rows),
        mean_ms=_mean(rows),
        p50_ms=_below(steps, calls, 0.50, longest),
        p95_ms=_below(steps, calls, 0.95, longest),
        p99_ms=_below(steps, calls, 0.99, longest),
        longest_ms=longest / 1000,
    )


def _hour(hour: int, rows: Sequence[CallsRow]) -> Hour:
    return Hour(hour, sum(row.calls for row in rows), sum(row.failures for row in rows), _mean(rows))


def _mean(rows: Iterable[CallsRow]) -> float:
    total, calls = map(sum, zip(*((row.total_us, row.calls) for row in rows), strict=True))
    return round(total / calls / 1000, 3)


def _below(steps: Sequence[int], calls: int, part: float, longest_us: int) -> float:
    """The bound (ms) that at least this part of the calls stayed below; never more than the longest took."""
    seen = 0
    for bound, count in zip(_BOUNDS_US, steps, strict=True):
        seen += count
        if seen >= part * calls:
            return min(bound, longest_us) / 1000
    return longest_us / 1000
