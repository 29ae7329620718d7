"""What it costs to start a command, beside what it costs to start Python.

Processor time of whole processes, taken in turns; the median of the rounds counts. On a machine with nothing else to
do, `python -c pass` takes 10 to 15 ms, so that 300 ms are a ratio of 20 at least.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec

from .errors import BenchFailed

__all__ = ["StartUp", "StartUpPlan", "measure_startup"]

_NOTHING = (sys.executable, "-c", "pass")
_MOORING = (sys.executable, "-m", "mooring")
_COMMANDS: dict[tuple[str, ...], float] = {
    # words: the most it may cost, in starts of Python
    ("--help",): 5,
    ("admin", "--help"): 30,
    ("device", "ls", "--help"): 60,
}


class StartUpPlan(msgspec.Struct, frozen=True):
    """Rounds, each of which starts everything once."""

    rounds: int


class StartUp(msgspec.Struct, frozen=True, kw_only=True):
    """One command; times are milliseconds, medians: of the processor, and beside them by the clock."""

    name: str
    ratio: float
    target: float
    processor_ms: float
    python_ms: float
    clock_ms: float

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= self.target


def measure_startup(plan: StartUpPlan) -> list[StartUp]:
    """Start each command beside Python. Raises BenchFailed."""
    starts: dict[tuple[str, ...], list[tuple[float, float]]] = {command: [] for command in (_NOTHING, *_all())}
    for command in starts:
        _started(command)  # what is read for the first time is not counted
    for _ in range(plan.rounds):
        for command, taken in starts.items():
            taken.append(_started(command))
    python = statistics.median(processor for processor, _ in starts[_NOTHING])
    return [_found(words, target, starts[(*_MOORING, *words)], python) for words, target in _COMMANDS.items()]


def _all() -> list[tuple[str, ...]]:
    return [(*_MOORING, *words) for words in _COMMANDS]


def _found(words: tuple[str, ...], target: float, taken: list[tuple[float, float]], python: float) -> StartUp:
    processor = statistics.median(processor for processor, _ in taken)
    return StartUp(
        name=" ".join(("mooring", *words)),
        ratio=processor / python,
        target=target,
        processor_ms=processor * 1000,
        python_ms=python * 1000,
        clock_ms=statistics.median(clock for _, clock in taken) * 1000,
    )


def _started(command: Sequence[str]) -> tuple[float, float]:
    """Seconds of processor time, and by the clock."""
    before, begun = _children_s(), time.perf_counter()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=_environment())
    if ended.returncode:
        raise BenchFailed(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr.strip()}")
    return _children_s() - before, time.perf_counter() - begun


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MOORING_", "COVERAGE_"))}
