"""The measurement: an operation and constant bytes in turns (`rounds`), asked with the same requests."""

import json
import statistics
import sys
from pathlib import Path

import httpx
import msgspec

from .checks import check_answers, check_counters, counters
from .dataset import Dataset
from .operations import LOGIN, OPERATIONS, Operation
from .processes import Cores, Running, mooring_up, running
from .rounds import Half, Plan, Side, run_half, side

__all__ = ["Ratio", "measure"]


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
    with (
        running([*cores.server, *mooring_up(data)], work / "mooring.log") as mooring,
        httpx.Client(base_url=mooring.base_url, timeout=30) as client,
    ):
        [login] = _logins(dataset)[:1]
        token = client.get(login).raise_for_status().json()["access_token"]
        sizes = {entry.path: _check(client, entry, entry.requests(dataset), token) for entry in OPERATIONS}
        command = [*cores.server, sys.executable, "-m", "bench.constant", json.dumps(sizes)]
        with running(command, work / "constant.log") as constant:
            bench = _Bench(dataset, work, plan, cores, mooring, constant, client, token)
            return [bench.measure(entry, sizes[entry.path]) for entry in OPERATIONS]


def _logins(dataset: Dataset) -> list[str]:
    return [request for entry in OPERATIONS if entry.path == LOGIN for request in entry.requests(dataset)]


def _check(client: httpx.Client, entry: Operation, requests: list[str], token: str) -> int:
    return check_answers(client, requests, {"authorization": token} if entry.needs_token else {})


class _Bench:
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
    ) -> None:
        self._dataset = dataset
        self._paths = work / "paths.txt"
        self._plan = plan
        self._cores = cores
        self._mooring = mooring
        self._constant = constant
        self._client = client
        self._token = token

    def measure(self, entry: Operation, size: int) -> Ratio:
        """One operation in turns with constant bytes of this size."""
        requests = entry.requests(self._dataset)
        self._paths.write_text("".join(f"{request}\n" for request in requests))
        if self._plan.warm_up:
            self._load(self._constant, entry, self._plan.warm_up)
            self._load(self._mooring, entry, self._plan.warm_up)
        before = counters(self._client)
        pairs = [
            (
                self._load(self._constant, entry, self._plan.seconds),
                self._load(self._mooring, entry, self._plan.seconds),
            )
            for _ in range(self._plan.rounds)
        ]
        check_counters(before, counters(self._client), entry.id, sum(half.load.calls for _, half in pairs))
        _check(self._client, entry, requests, self._token)
        return _ratio(entry, size, pairs)

    def _load(self, server: Running, entry: Operation, seconds: int) -> Half:
        headers = [f"Authorization: {self._token}"] if entry.needs_token else []
        return run_half(server, self._paths, headers, seconds, self._cores)


def _ratio(entry: Operation, size: int, pairs: list[tuple[Half, Half]]) -> Ratio:
    rounds = [mooring.rate / constant.rate for constant, mooring in pairs]
    return Ratio(
        name=entry.name,
        operation=entry.id,
        body_bytes=size,
        target=entry.target,
        ratio=statistics.median(rounds),
        clock_ratio=statistics.median(mooring.load.rate / constant.load.rate for constant, mooring in pairs),
        mooring=side([mooring for _, mooring in pairs]),
        constant=side([constant for constant, _ in pairs]),
        rounds=rounds,
    )
