"""Durable uplink: reports of 200 devices, decoded, stored and acknowledged after the commit, beside brokers that accept
and discard the same packets from the same load.

Judged is the ratio of messages per second of the server's processor time, as in `rounds`; the ratio by the clock stands
beside it. One message of each device in flight is how modules work; ten are what generic clients do.
"""

import asyncio
import sqlite3
import statistics
from pathlib import Path

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from .brokers import amqtt, mosquitto
from .dataset import seed_fleet
from .device_load import MAX_WINDOW, Order, Outcome
from .devices import PAYLOAD_BYTES
from .errors import BenchFailed
from .player import Player, player
from .processes import Cores, Running, mooring_up, running

__all__ = ["DEVICES", "UplinkPlan", "UplinkRatio", "UplinkSide", "measure_uplink"]

DEVICES = 200
_LEAST_S = 0.01  # the grain of the system's processor clock
_TARGETS = {"Mosquitto": 0.3, "amqtt": 5.0}
_WINDOWS = (1, MAX_WINDOW)


class UplinkPlan(msgspec.Struct, frozen=True):
    """How long to measure: rounds, seconds of each server in a round, packets made for each device."""

    rounds: int
    seconds: float
    messages: int


class UplinkSide(msgspec.Struct, frozen=True):
    """One server over all rounds, medians. `rate` is messages per second of processor time, `messages_per_s` by the
    clock; times are from sending to PUBACK; `load_busy` is the part of its core that the load needed."""

    rate: float
    messages_per_s: float
    p50_ms: float
    p99_ms: float
    load_busy: float


class UplinkRatio(msgspec.Struct, frozen=True, kw_only=True):
    """Mooring beside one broker, with so many messages of each device in flight."""

    name: str
    window: int
    payload_bytes: int
    target: float
    ratio: float
    clock_ratio: float
    mooring: UplinkSide
    broker: UplinkSide
    rounds: list[float]

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio >= self.target


class _Half(msgspec.Struct, frozen=True):
    outcome: Outcome
    processor_s: float

    @property
    def rate(self) -> float:
        return (self.outcome.messages + self.outcome.late) / self.processor_s

    @property
    def by_clock(self) -> float:
        return self.outcome.messages / self.outcome.seconds


def measure_uplink(work: Path, plan: UplinkPlan, cores: Cores) -> list[UplinkRatio]:
    """Mooring, Mosquitto and amqtt in turns. Raises BenchFailed."""
    data = work / "uplink-data"
    _, fleet = asyncio.run(seed_fleet(data, DEVICES))
    fleet_file = work / "fleet.json"
    fleet_file.write_bytes(msgspec.json.encode(fleet))
    arguments = [str(fleet_file), str(DEVICES), str(plan.messages)]
    with (
        running([*cores.server, *mooring_up(data)], work / "mooring.log") as mooring,
        mosquitto(work, cores) as (mosquitto_process, mosquitto_port),
        amqtt(work, cores) as (amqtt_process, amqtt_port),
        player("bench.device_load", arguments, Outcome, cores, work / "device_load.log") as load,
    ):
        servers = {"Mooring": mooring, "Mosquitto": mosquitto_process, "amqtt": amqtt_process}
        ports = {"Mooring": mooring.mqtt_port, "Mosquitto": mosquitto_port, "amqtt": amqtt_port}
        for name, port in ports.items():
            _ask(load, Order(do="connect", server=name, port=port, password=name == "Mooring", devices=DEVICES))
        before = _Stored.of(mooring, data)
        found, sent = [], 0
        for window in _WINDOWS:
            halves: dict[str, list[_Half]] = {name: [] for name in servers}
            for _ in range(plan.rounds + 1):  # the first warms up
                for name, server in servers.items():
                    halves[name].append(_half(load, server, name, window, plan.seconds))
            sent += sum(half.outcome.messages + half.outcome.late for half in halves["Mooring"])
            found += _ratios({name: every[1:] for name, every in halves.items()}, window)
        _check(before, _Stored.of(mooring, data), sent)
        return found


def _half(load: Player[Outcome], server: Running, name: str, window: int, seconds: float) -> _Half:
    before = server.processor_s()
    outcome = _ask(load, Order(do="run", server=name, seconds=seconds, window=window))
    return _Half(outcome, max(server.processor_s() - before, _LEAST_S))


def _ask(load: Player[Outcome], order: Order) -> Outcome:
    outcome = load.order(order)
    if outcome.error:
        raise BenchFailed(outcome.error)
    return outcome


def _ratios(halves: dict[str, list[_Half]], window: int) -> list[UplinkRatio]:
    ours = halves["Mooring"]
    found = []
    for name, target in _TARGETS.items():
        pairs = list(zip(ours, halves[name], strict=True))
        rounds = [mooring.rate / broker.rate for mooring, broker in pairs]
        found.append(
            UplinkRatio(
                name=name,
                window=window,
                payload_bytes=PAYLOAD_BYTES,
                target=target,
                ratio=statistics.median(rounds),
                clock_ratio=statistics.median(mooring.by_clock / broker.by_clock for mooring, broker in pairs),
                mooring=_side(ours),
                broker=_side(halves[name]),
                rounds=rounds,
            )
        )
    return found


def _side(halves: list[_Half]) -> UplinkSide:
    return UplinkSide(
        statistics.median(half.rate for half in halves),
        statistics.median(half.by_clock for half in halves),
        statistics.median(half.outcome.p50_ms for half in halves),
        statistics.median(half.outcome.p99_ms for half in halves),
        statistics.median(half.outcome.busy for half in halves),
    )


class _Stored(msgspec.Struct, frozen=True):
    """What the server counts, and what is in its database."""

    uplinks: float
    copies: float
    logged: int
    decoded: int
    exceptions: int

    @classmethod
    def of(cls, server: Running, data: Path) -> "_Stored":
        families = text_string_to_metric_families(httpx.get(f"{server.base_url}/metrics").text)
        counted = {sample.name: sample.value for family in families for sample in family.samples}
        database = sqlite3.connect(f"file:{data / 'mooring.sqlite3'}?mode=ro", uri=True)
        try:
            [logged, decoded] = database.execute("SELECT count(*), count(dm_data) FROM data_log").fetchone()
            [exceptions] = database.execute("SELECT count(*) FROM exception_log").fetchone()
        finally:
            database.close()
        uplinks, copies = counted["mooring_uplinks_total"], counted["mooring_uplink_copies_total"]
        return cls(uplinks, copies, logged, decoded, exceptions)


def _check(before: _Stored, after: _Stored, sent: int) -> None:
    """Raises BenchFailed unless every message was new, decoded and stored."""
    grown = [
        new - old for old, new in zip(msgspec.structs.astuple(before), msgspec.structs.astuple(after), strict=True)
    ]
    if grown != [sent, 0, sent, sent, 0]:
        raise BenchFailed(f"{sent} messages were acknowledged; uplinks, copies, stored, decoded, exceptions: {grown}")
