"""Start and rest: time from `mooring up` to ready, and memory once it rests, on an empty and on a used directory."""

import statistics
import time
from pathlib import Path

import httpx
import msgspec

from .errors import BenchFailed
from .processes import mooring_up, running

__all__ = ["MAX_MEGABYTES", "MAX_START_S", "Idle", "measure_idle"]

MAX_START_S = 2.0
MAX_MEGABYTES = 150.0
_TRIES = 3
_REST_S = 2.0


class Idle(msgspec.Struct, frozen=True):
    """The medians of some tries. A megabyte is 1,000,000 bytes of resident memory."""

    start: str
    seconds: float
    megabytes: float

    @property
    def met(self) -> bool:
        """Whether both promises are kept."""
        return self.seconds < MAX_START_S and self.megabytes < MAX_MEGABYTES


def measure_idle(work: Path) -> list[Idle]:
    """First and second start with SQLite. Raises BenchFailed."""
    tries = [_start_twice(work / f"data-{number}", work / "mooring.log") for number in range(_TRIES)]
    return [
        Idle(name, statistics.median(start for start, _ in column), statistics.median(rss for _, rss in column))
        for name, column in zip(("first", "second"), zip(*tries, strict=True), strict=True)
    ]


def _start_twice(data: Path, log: Path) -> list[tuple[float, float]]:
    return [_start(data, log), _start(data, log)]


def _start(data: Path, log: Path) -> tuple[float, float]:
    with running(mooring_up(data), log) as server:
        if httpx.get(f"{server.base_url}/readyz").status_code != 200:
            raise BenchFailed("mooring up said that it is ready, /readyz did not")
        time.sleep(_REST_S)
        return server.start_s, server.resident_bytes() / 1e6
