"""The measurement: an operation and constant bytes in turns (`rounds`), asked with the same requests."""

import contextlib
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import msgspec

from .checks import check_answers, check_counters, counters
from .dataset import Dataset
from .operations import LOGIN, OPERATIONS, Operation
from .processes import Cores, Running, mooring_up, running
from .rounds import Half, Plan, Side, run_half, side

__all__ = ["Bench", "Ratio", "measure", "serving"]


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """One operation beside constant bytes of the same size; `rounds` are the ratios whose median is `ratio`."""

    name: str
    operation: str
    body_bytes: int
    target: float | None
    ratio: float
    clock_ratio: float
    mooring: Side
    constant: Side
    rounds: list[float]

    @property
    def met(self) -> bool:
        """Whether the target is met; without one it always is."""
        return self.target is None or self.ratio >= self.target


def measure(dataset: Dataset, data: Path, work: Path, plan: Plan, cores: Cores) -> list[Ratio]:
    """Every operation, against a real `mooring up` on `data`. Raises BenchFailed."""
    with serving(dataset, data, work, plan, cores, OPERATIONS) as bench:
        return bench.measure_all()


@contextlib.contextmanager
def serving(
    dataset: Dataset, data: Path, work: Path, plan: Plan, cores: Cores, entries: Sequence[Operation]
) -> "Iterator[Bench]":
    """A running Mooring beside a server of constant bytes, for these operations. Raises BenchFailed."""
    with (
        running([*cores.server, *mooring_up(data)], work / "mooring.log") as mooring,
        httpx.Client(base_url=mooring.base_url, timeout=30) as client,
    ):
        [login] = [entry.requests(dataset)[0] for entry in OPERATIONS if entry.path == LOGIN]
        token = client.get(login).raise_for_status().json()["access_token"]
        sizes: dict[str, int] = {}
        for entry in entries:
            for request in entry.requests(dataset):
                path = request.partition("?")[0]
                if path not in sizes:
                    sizes[path] = _check(client, entry, [request], token)
        command = [*cores.server, sys.executable, "-m", "bench.constant", json.dumps(sizes)]
        with running(command, work / "constant.log") as constant:
            yield Bench(dataset, work, plan, cores, mooring, constant, client, token, entries, sizes)


def _check(client: httpx.Client, entry: Operation, requests: list[str], token: str) -> int:
    return check_answers(client, requests, {"authorization": token} if entry.needs_token else {})


class Bench:
    """Two servers and what is asked of them."""

    def __init__(
        self,
        dataset: Dataset,
        work: Path,
        plan: Plan,
        cores: Cores,
        mooring: Running,
        constant: Running,
        client: httpx.Client,
        token: str,
        entries: Sequence[Operation],
        sizes: Mapping[str, int],
    ) -> None:
        self.mooring = mooring
        self.token = token
        self._dataset = dataset
        self._paths = work / "paths.txt"
        self._plan = plan
        self._cores = cores
        self.constant = constant
        self._client = client
        self._entries = entries
        self._sizes = sizes

    def measure_all(self) -> list[Ratio]:
        """Each operation in turns with constant bytes of its size. Raises BenchFailed."""
        return [self._measure(entry) for entry in self._entries]

    def _measure(self, entry: Operation) -> Ratio:
        requests = entry.requests(self._dataset)
        self._paths.write_text("".join(f"{request}\n" for request in requests))
        if self._plan.warm_up:
            self._load(self.constant, entry, self._plan.warm_up)
            self._load(self.mooring, entry, self._plan.warm_up)
        before = counters(self._client)
        pairs = [
            (
                self._load(self.constant, entry, self._plan.seconds),
                self._load(self.mooring, entry, self._plan.seconds),
            )
            for _ in range(self._plan.rounds)
        ]
        check_counters(before, counters(self._client), entry.asked, sum(half.load.calls for _, half in pairs))
        _check(self._client, entry, requests, self.token)
        asked = [self._sizes[request.partition("?")[0]] for request in requests]
        size = round(sum(asked) / len(asked))
        return _ratio(entry, size, pairs)

    def _load(self, server: Running, entry: Operation, seconds: int) -> Half:
        headers = [f"Authorization: {self.token}"] if entry.needs_token else []
        return run_half(server, self._paths, headers, seconds, self._cores)


def _ratio(entry: Operation, size: int, pairs: list[tuple[Half, Half]]) -> Ratio:
    rounds = [mooring.rate / constant.rate for constant, mooring in pairs]
    return Ratio(
        name=entry.name,
        operation=entry.id or "mixed",
        body_bytes=size,
        target=entry.target,
        ratio=statistics.median(rounds),
        clock_ratio=statistics.median(mooring.load.rate / constant.load.rate for constant, mooring in pairs),
        mooring=side([mooring for _, mooring in pairs]),
        constant=side([constant for constant, _ in pairs]),
        rounds=rounds,
    )
