"""Commands: from the call to the stored answer of the device, beside a bare round trip of a message through Mosquitto.

What exactly is timed, `round_trip_load` says. Both are measured in turns, one round trip after the other, and compared
round by round; the median of the rounds counts. A command waits for two commits, one before it leaves and one of its
answer, and a commit for the disk; so what a sync of the disk takes by itself stands beside the times.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec

from .brokers import mosquitto
from .dataset import Dataset, seed_fleet
from .device_load import percentile
from .errors import BenchFailed
from .operations import LOGIN, OPERATIONS
from .player import Player, player
from .processes import Cores, mooring_up, running
from .round_trip_load import KINDS, Order, Outcome

__all__ = ["MAX_RATIO", "CommandPlan", "CommandRatio", "login_token", "measure_commands", "syncs"]

MAX_RATIO = 3.0
_PARTS = {"p50": 0.5, "p99": 0.99}
_MS = 1000
_TURN = ("bare", *KINDS)
_PAGE = 4096


class CommandPlan(msgspec.Struct, frozen=True):
    """How much to measure: rounds, and round trips of each kind in a round."""

    rounds: int
    trips: int


class CommandRatio(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of command beside a bare round trip; times are milliseconds, medians of the rounds.

    `answered`, `reached` and `stored` are from the beginning of the call to when it was answered, the device had the
    command and its answer was stored; `sync` is one write to the same disk, until it is there.
    """

    name: str
    part: str
    target: float
    ratio: float
    command_ms: float
    bare_ms: float
    answered_ms: float
    reached_ms: float
    stored_ms: float
    sync_ms: float
    rounds: list[float]

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= self.target


def measure_commands(work: Path, plan: CommandPlan, cores: Cores) -> list[CommandRatio]:
    """Every kind of command. Raises BenchFailed."""
    data = work / "command-data"
    dataset, fleet = asyncio.run(seed_fleet(data, 1))
    fleet_file = work / "command-fleet.json"
    fleet_file.write_bytes(msgspec.json.encode(fleet))
    with (
        running([*cores.server, *mooring_up(data)], work / "command-mooring.log") as mooring,
        mosquitto(work, cores) as (_, bare_port),
        player("bench.round_trip_load", [str(fleet_file)], Outcome, cores, work / "round_trip_load.log") as load,
    ):
        with httpx.Client(base_url=mooring.base_url) as client:
            token = login_token(client, dataset)
        http_port = httpx.URL(mooring.base_url).port or 0
        ends = Order(do="open", mqtt_port=mooring.mqtt_port, http_port=http_port, bare_port=bare_port, token=token)
        _ask(load, ends)
        rounds, disk = [], []
        for _ in range(plan.rounds + 1):  # the first warms up
            rounds.append({kind: _ask(load, Order(do="run", kind=kind, count=plan.trips)) for kind in _TURN})
            disk.append(syncs(work / "sync", plan.trips))
    return [_ratio(kind, part, rounds[1:], disk[1:]) for kind in KINDS for part in _PARTS]


def syncs(file: Path, count: int) -> list[float]:
    """How long the disk takes for a page, so many times; seconds."""
    times = []
    with file.open("wb", buffering=0) as written:
        for _ in range(count):
            started = time.perf_counter()
            written.write(bytes(_PAGE))
            os.fdatasync(written.fileno())
            times.append(time.perf_counter() - started)
    return times


def login_token(client: httpx.Client, dataset: Dataset) -> str:
    """A token of the application."""
    [login] = [entry.requests(dataset)[0] for entry in OPERATIONS if entry.path == LOGIN]
    token: str = client.get(login).raise_for_status().json()["access_token"]
    return token


def _ask(load: Player[Outcome], order: Order) -> Outcome:
    outcome = load.order(order)
    if outcome.error:
        raise BenchFailed(outcome.error)
    return outcome


def _ratio(kind: str, part: str, rounds: Sequence[dict[str, Outcome]], syncs: Sequence[list[float]]) -> CommandRatio:
    def middle(values: list[float]) -> float:
        return statistics.median(values) * _MS

    ours = [percentile(found[kind].whole, _PARTS[part]) for found in rounds]
    bare = [percentile(found["bare"].whole, _PARTS[part]) for found in rounds]
    ratios = [command / base for command, base in zip(ours, bare, strict=True)]
    return CommandRatio(
        name=kind,
        part=part,
        target=MAX_RATIO,
        ratio=statistics.median(ratios),
        command_ms=middle(ours),
        bare_ms=middle(bare),
        answered_ms=middle([percentile(found[kind].answered, _PARTS[part]) for found in rounds]),
        reached_ms=middle([percentile(found[kind].reached, _PARTS[part]) for found in rounds]),
        stored_ms=middle([percentile(found[kind].stored, _PARTS[part]) for found in rounds]),
        sync_ms=middle([percentile(times, _PARTS[part]) for times in syncs]),
        rounds=ratios,
    )
