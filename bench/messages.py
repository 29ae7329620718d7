"""Message queues: delivery beside RabbitMQ, the way from an uplink to a consumer, and uplink with subscriptions.

Delivery: one consumer takes and acknowledges messages of 400 bytes that wait in a durable queue, one after another
(prefetch 1) or a hundred at a time. Mooring and RabbitMQ take turns with the same client; judged is the ratio of
messages per second of the server's processor time, as in `rounds`, with the ratio by the clock beside it. Mooring reads
these messages back from its database, which is the harder half: what has just been committed is in memory still.

Uplink: 200 devices report as in `uplink`, into no queue, one or fifty.
"""

import asyncio
import contextlib
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from . import device_load
from .brokers import rabbitmq
from .commands import syncs
from .dataset import Subscribed, fill_queues, seed_fleet, seed_queues
from .device_load import percentile
from .errors import BenchFailed
from .message_load import Order, Outcome
from .player import Player, player
from .processes import Cores, Running, mooring_up, running

__all__ = ["BODY_BYTES", "Delivery", "Ingest", "MessagePlan", "Trip", "measure_messages"]

BODY_BYTES = 400
_DEVICES = 200
_TARGETS = {1: 1.0, 100: 1.4}  # by prefetch
_SERVERS = ("RabbitMQ", "Mooring")
_LEAST_S = 0.01  # the grain of the system's processor clock
_MS = 1000

# Queues and subscriptions to reports.
_SUBSCRIPTIONS = {"none": (0, 0), "1 into 1 queue": (1, 1), "50 into 1 queue": (1, 50), "50 into 50 queues": (50, 50)}


class MessagePlan(msgspec.Struct, frozen=True):
    """How much to measure: rounds, messages of each prefetch in a round, trips in a round, seconds of uplink."""

    rounds: int
    messages: dict[int, int]
    trips: int
    ingest_s: float
    reports: int


class MessageSide(msgspec.Struct, frozen=True):
    """One server over all rounds, medians. `rate` is messages per second of processor time, `messages_per_s` by the
    clock; `load_busy` is the part of its core that the consumer needed."""

    rate: float
    messages_per_s: float
    load_busy: float


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Mooring beside RabbitMQ with one prefetch."""

    prefetch: int
    body_bytes: int
    target: float
    ratio: float
    clock_ratio: float
    mooring: MessageSide
    rabbitmq: MessageSide
    rounds: list[float]

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio >= self.target


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """From the report to the consumer, ms, medians of the rounds; `sync` is one write to the same disk."""

    p50_ms: float
    p99_ms: float
    sync_p50_ms: float
    sync_p99_ms: float

    @property
    def met(self) -> bool:
        """Nothing was promised."""
        return True


class Ingest(msgspec.Struct, frozen=True, kw_only=True):
    """Uplink with subscriptions to it; the ratios are to uplink without any, by processor time and by the clock."""

    subscriptions: str
    copies: int
    ratio: float
    clock_ratio: float
    rate: float
    messages_per_s: float

    @property
    def met(self) -> bool:
        """Nothing was promised."""
        return True


class _Half(msgspec.Struct, frozen=True):
    messages: int
    seconds: float
    busy: float
    processor_s: float

    @property
    def rate(self) -> float:
        return self.messages / self.processor_s

    @property
    def by_clock(self) -> float:
        return self.messages / self.seconds


def measure_messages(work: Path, plan: MessagePlan, cores: Cores) -> list[Delivery | Trip | Ingest]:
    """All of it. Raises BenchFailed."""
    data = work / "messages"
    _, fleet = asyncio.run(seed_fleet(data, _DEVICES))
    fleet_file = work / "messages-fleet.json"
    fleet_file.write_bytes(msgspec.json.encode(fleet))
    copies = {
        name: Path(shutil.copytree(data, work / f"messages-{number}")) for number, name in enumerate(_SUBSCRIPTIONS)
    }
    stock = (plan.rounds + 1) * len(plan.messages)
    served = asyncio.run(seed_queues(data, fleet.product_key, 1 + stock, 1))
    return [
        *_measure_delivery(work, data, served, fleet_file, plan, cores),
        *_measure_ingest(work, copies, fleet.product_key, fleet_file, plan, cores),
    ]


# Delivery and trips


def _measure_delivery(
    work: Path, data: Path, served: Subscribed, fleet_file: Path, plan: MessagePlan, cores: Cores
) -> list[Delivery | Trip]:
    live, *stock = served.queues
    turns = plan.rounds + 1  # the first warms up
    # A queue for each time, which is empty afterwards: nothing comes back to disturb the next.
    counts = dict(zip(stock, [*plan.messages.values()] * turns, strict=True))
    body = msgspec.json.encode({"type": "MATTR", "subtype": "REPORT", "pad": ""})
    body = body.replace(b'"pad":"', b'"pad":"' + b"x" * (BODY_BYTES - len(body)))
    asyncio.run(fill_queues(data, counts, body))
    arguments = [str(fleet_file), str(turns * plan.trips)]
    with (
        running([*cores.server, *mooring_up(data)], work / "messages-mooring.log") as mooring,
        rabbitmq(work, cores) as (broker, url),
        player("bench.message_load", arguments, Outcome, cores, work / "message_load.log") as load,
    ):
        place = urlsplit(url)
        at_broker = Order(
            do="take",
            port=place.port or 0,
            virtual_host="/",
            user=place.username or "",
            password=place.password or "",
            queue="",
        )
        at_mooring = Order(
            do="take",
            port=mooring.amqp_port,
            virtual_host="quec-open",
            user=served.access_key,
            password=served.access_secret,
            queue=live,
            signed=True,
        )
        for queue, count in counts.items():
            _ask(load, replace(at_broker, do="fill", queue=queue, count=count, body=body.decode()))
        servers = {"Mooring": (mooring, at_mooring), "RabbitMQ": (broker, at_broker)}
        halves: dict[tuple[str, int], list[_Half]] = {(name, window): [] for name in _SERVERS for window in _TARGETS}
        trips, disk = [], []
        queues = iter(counts.items())
        for _ in range(turns):
            for window in plan.messages:
                queue, count = next(queues)
                for name in _SERVERS:
                    server, order = servers[name]
                    asked = replace(order, queue=queue, count=count, prefetch=window)
                    halves[name, window].append(_half(load, server, asked))
            follow = replace(at_mooring, do="trips", count=plan.trips, mqtt_port=mooring.mqtt_port)
            trips.append(_ask(load, follow).trips)
            disk.append(syncs(work / "sync", plan.trips))
        _check(mooring, sum(counts.values()) + turns * plan.trips)
    return [*(_delivery(halves, window) for window in _TARGETS), _trip(trips[1:], disk[1:])]


def _half(load: Player[Outcome], server: Running, order: Order) -> _Half:
    before = server.processor_s()
    outcome = _ask(load, order)
    return _Half(order.count, outcome.seconds, outcome.busy, max(server.processor_s() - before, _LEAST_S))


def _ask(load: Player[Outcome], order: Order) -> Outcome:
    outcome = load.order(order)
    if outcome.error:
        raise BenchFailed(outcome.error)
    return outcome


def _check(mooring: Running, acknowledged: int) -> None:
    """Raises BenchFailed unless Mooring took every acknowledgement."""
    families = text_string_to_metric_families(httpx.get(f"{mooring.base_url}/metrics").text)
    counted = {sample.name: sample.value for family in families for sample in family.samples}
    if counted["mooring_amqp_acknowledged_total"] != acknowledged:
        raise BenchFailed(f"{acknowledged} acknowledgements, of which Mooring counts {counted}")


def _delivery(halves: dict[tuple[str, int], list[_Half]], window: int) -> Delivery:
    base, ours = (halves[name, window][1:] for name in _SERVERS)
    rounds = [mooring.rate / broker.rate for mooring, broker in zip(ours, base, strict=True)]
    clock = [mooring.by_clock / broker.by_clock for mooring, broker in zip(ours, base, strict=True)]
    return Delivery(
        prefetch=window,
        body_bytes=BODY_BYTES,
        target=_TARGETS[window],
        ratio=statistics.median(rounds),
        clock_ratio=statistics.median(clock),
        mooring=_side(ours),
        rabbitmq=_side(base),
        rounds=rounds,
    )


def _side(halves: Sequence[_Half]) -> MessageSide:
    return MessageSide(
        statistics.median(half.rate for half in halves),
        statistics.median(half.by_clock for half in halves),
        statistics.median(half.busy for half in halves),
    )


def _trip(rounds: Sequence[list[float]], disk: Sequence[list[float]]) -> Trip:
    def middle(times: Sequence[list[float]], part: float) -> float:
        return statistics.median(percentile(some, part) for some in times) * _MS

    return Trip(
        p50_ms=middle(rounds, 0.5),
        p99_ms=middle(rounds, 0.99),
        sync_p50_ms=middle(disk, 0.5),
        sync_p99_ms=middle(disk, 0.99),
    )


# Uplink with subscriptions


def _measure_ingest(
    work: Path, copies: dict[str, Path], product_key: str, fleet_file: Path, plan: MessagePlan, cores: Cores
) -> list[Ingest]:
    for name, (queues, subscriptions) in _SUBSCRIPTIONS.items():
        asyncio.run(seed_queues(copies[name], product_key, queues, subscriptions))
    arguments = [str(fleet_file), str(_DEVICES), str(plan.reports)]
    log = work / "ingest-load.log"
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(running([*cores.server, *mooring_up(data)], data.with_suffix(".log")))
            for name, data in copies.items()
        }
        load = stack.enter_context(player("bench.device_load", arguments, device_load.Outcome, cores, log))
        for name, server in servers.items():
            _tell(load, device_load.Order(do="connect", server=name, port=server.mqtt_port, devices=_DEVICES))
        halves: dict[str, list[_Half]] = {name: [] for name in servers}
        for _ in range(plan.rounds + 1):  # the first warms up
            for name, server in servers.items():
                before = server.processor_s()
                found = _tell(load, device_load.Order(do="run", server=name, seconds=plan.ingest_s, window=1))
                used = max(server.processor_s() - before, _LEAST_S)
                halves[name].append(_Half(found.messages + found.late, found.seconds, found.busy, used))
    return [_ingest(name, halves[name][1:], halves["none"][1:]) for name in servers]


def _tell(load: Player[device_load.Outcome], order: device_load.Order) -> device_load.Outcome:
    outcome = load.order(order)
    if outcome.error:
        raise BenchFailed(outcome.error)
    return outcome


def _ingest(name: str, ours: Sequence[_Half], base: Sequence[_Half]) -> Ingest:
    pairs = list(zip(ours, base, strict=True))
    return Ingest(
        subscriptions=name,
        copies=_SUBSCRIPTIONS[name][0],
        ratio=statistics.median(one.rate / none.rate for one, none in pairs),
        clock_ratio=statistics.median(one.by_clock / none.by_clock for one, none in pairs),
        rate=statistics.median(one.rate for one in ours),
        messages_per_s=statistics.median(one.by_clock for one in ours),
    )
