"""How servers are compared on a machine that does other things too.

Short rounds alternate between the servers, the median of the rounds counts, and a ratio compares calls per second of
the servers' own processor time. With the machine to itself a server keeps its core busy, and that is the same as calls
per second by the clock. With neighbours it is not: they slow the load down too, which then waits for nobody.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .load import Load, run_load
from .processes import Cores, Running

__all__ = ["Half", "Plan", "Side", "run_half", "side"]

_LEAST_S = 0.01  # the grain of the system's processor clock


class Plan(msgspec.Struct, frozen=True):
    """How long to measure: rounds, seconds of each server in a round, seconds of warming up."""

    rounds: int
    seconds: int
    warm_up: int


class Half(msgspec.Struct, frozen=True):
    """One server in one round: what wrk saw, and the processor time that the server used, in seconds."""

    load: Load
    processor_s: float

    @property
    def rate(self) -> float:
        """Calls per second of processor time."""
        return self.load.calls / self.processor_s


class Side(msgspec.Struct, frozen=True):
    """One server over all rounds: medians. `rate` is by processor time, `calls_per_s` by the clock."""

    rate: float
    calls_per_s: float
    p50_ms: float
    p99_ms: float


def run_half(server: Running, paths: Path, headers: Sequence[str], seconds: int, cores: Cores) -> Half:
    """Load one server. Raises BenchFailed."""
    before = server.processor_s()
    load = run_load(server.base_url, paths, headers, seconds, cores.load)
    return Half(load, max(server.processor_s() - before, _LEAST_S))


def side(halves: Sequence[Half]) -> Side:
    """One server's medians."""
    return Side(
        statistics.median(half.rate for half in halves),
        statistics.median(half.load.rate for half in halves),
        statistics.median(half.load.p50_ms for half in halves),
        statistics.median(half.load.p99_ms for half in halves),
    )
