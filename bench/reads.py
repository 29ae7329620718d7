"""Reads of an application with a large fleet: device list, detail, history page and a mixed load of all reads, each as
a ratio to constant bytes, and how long calls take while the mixed load comes at half of its top rate.

The last is an open load (`paced`): calls are sent when they are due, whether or not earlier ones are answered, and
their times count from when they were due.
"""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import msgspec

from mooring.platform.locations import newest_fix, read_report
from mooring.platform.sources import Ids
from mooring.store import DataDirectory

from .dataset import Dataset
from .devices import Fleet
from .errors import BenchFailed
from .operations import OPERATIONS, Operation
from .processes import Cores, Running, environment
from .ratios import Ratio, serving
from .rounds import Plan

__all__ = ["MAX_SPREAD", "Pace", "ReadsPlan", "fill", "measure_reads"]

MAX_SPREAD = 5.0  # p99 to p50 at half of the top rate

_KEYS = 1_000  # devices that are asked about
_LOGGED = 100  # devices with a log
_ROWS = 30  # of each log
_PLACE = 1_000  # of their ids within a millisecond: a long log of another device has the first one
_SENTENCE = "$GNGGA,120000.00,3150.7223,N,11711.9293,E,1,12,0.9,45.2,M,0.0,M,,*4B"
_PACED = "RESULT "


class ReadsPlan(msgspec.Struct, frozen=True):
    """How many devices there are; the rounds of each ratio; rounds and seconds of the paced load."""

    devices: int
    plan: Plan
    paced_rounds: int
    paced_s: float


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """The mixed load at half of its top rate; times of a call in milliseconds from when it was due, medians of the
    rounds. `base_…` are those of constant bytes at the same rate: what the machine itself makes of it."""

    name: str
    rate: float
    calls: int
    p50_ms: float
    p99_ms: float
    base_p50_ms: float
    base_p99_ms: float

    @property
    def spread(self) -> float:
        """p99 to p50."""
        return self.p99_ms / self.p50_ms

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.spread <= MAX_SPREAD


def measure_reads(
    dataset: Dataset, fleet: Fleet, data: Path, work: Path, plan: ReadsPlan, cores: Cores
) -> list[Ratio | Pace]:
    """Every read, against a real `mooring up` on `data`. Raises BenchFailed."""
    reads = _reads(fleet, plan.devices)
    mixed = _mixed([*reads, *(entry for entry in OPERATIONS if entry.needs_token)])
    with serving(dataset, data, work, plan.plan, cores, [*reads, mixed]) as bench:
        ratios = bench.measure_all()
        paths = work / "paced.txt"
        paths.write_text("".join(f"{request}\n" for request in mixed.requests(dataset)))
        rate = ratios[-1].mooring.calls_per_s / 2
        order = {"paths": str(paths), "token": bench.token, "rate": rate, "seconds": plan.paced_s}
        rounds = [
            [_paced(server, order, cores) for server in (bench.constant, bench.mooring)]
            for _ in range(plan.paced_rounds)
        ]
    return [*ratios, _pace(rate, [base for base, _ in rounds], [ours for _, ours in rounds])]


def _reads(fleet: Fleet, devices: int) -> list[Operation]:
    keys = [f"meter{number:06}" for number in range(0, devices, max(1, devices // _KEYS))]
    device = "/v2/devicemgr/r3/openapi"
    shadow, storage = "/v2/deviceshadow", "/v2/quecdatastorage/r1/openapi/device"
    logged = keys[:_LOGGED]

    def of_devices(some: Sequence[str], **more: int) -> Callable[[Dataset], list[str]]:
        return lambda _: [urlencode({"productKey": fleet.product_key, "deviceKey": key, **more}) for key in some]

    def pages(_: Dataset) -> list[str]:
        return [
            urlencode({"productKey": fleet.product_key, "pageNum": number, "pageSize": 10}) for number in range(1, 11)
        ]

    name = f"10 of {devices:,}"
    return [
        Operation(f"device list, {name}", "deviceList", f"{device}/product/device/overview", None, pages),
        Operation("device/detail", "deviceDetail", f"{device}/device/detail", None, of_devices(keys)),
        Operation("data/history, 10 rows", "dataHistory", f"{storage}/data/history", None, of_devices(logged)),
        Operation("eventdata/history", "eventHistory", f"{storage}/eventdata/history", None, of_devices(logged)),
        Operation(
            "device/resource", "deviceResource", f"{shadow}/r2/openapi/device/resource", None, of_devices(logged)
        ),
        Operation("getlocation", "deviceLocation", f"{shadow}/r1/openapi/device/getlocation", None, of_devices(logged)),
    ]


def _mixed(entries: Sequence[Operation]) -> Operation:
    """All of them in turns, in one list of requests."""

    def requests(dataset: Dataset) -> list[str]:
        turns = [entry.requests(dataset) for entry in entries]
        return list(islice(chain.from_iterable(zip(*map(_over_and_over, turns), strict=False)), _KEYS * len(turns)))

    return Operation("all reads, mixed", "", "", None, requests, ids=tuple(entry.id for entry in entries))


def _over_and_over(requests: Sequence[str]) -> Iterator[str]:
    while True:
        yield from requests


class _Paced(msgspec.Struct, frozen=True):
    """What the paced load saw of one server in one round."""

    calls: int
    p50_ms: float
    p99_ms: float


def _paced(server: Running, order: Mapping[str, object], cores: Cores) -> _Paced:
    command = [*cores.load, sys.executable, "-m", "bench.paced", json.dumps({**order, "url": server.base_url})]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    results = [line for line in done.stdout.splitlines() if line.startswith(_PACED)]
    if done.returncode or not results:
        raise BenchFailed(f"the paced load ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
    return msgspec.json.decode(results[0].removeprefix(_PACED), type=_Paced)


def _pace(rate: float, base: Sequence[_Paced], ours: Sequence[_Paced]) -> Pace:
    return Pace(
        name="all reads, mixed, at half of the top rate",
        rate=rate,
        calls=sum(entry.calls for entry in ours),
        p50_ms=median(entry.p50_ms for entry in ours),
        p99_ms=median(entry.p99_ms for entry in ours),
        base_p50_ms=median(entry.p50_ms for entry in base),
        base_p99_ms=median(entry.p99_ms for entry in base),
    )


# The fleet


def fill(data: Path, devices: int) -> None:
    """Copy the first device of a seeded directory until there are so many; the first ones have values and logs."""
    with closing(sqlite3.connect(DataDirectory(data).database, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        ids = _add_devices(connection, devices)
        _add_values(connection, ids[:_LOGGED])
        _add_logs(connection, ids[:_LOGGED])
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("ANALYZE")


def _add_devices(connection: sqlite3.Connection, devices: int) -> list[int]:
    template = dict(connection.execute("SELECT * FROM devices ORDER BY id LIMIT 1").fetchone())
    have = connection.execute("SELECT count(*) FROM devices").fetchone()[0]
    last = connection.execute("SELECT max(id) FROM devices").fetchone()[0]
    prefix = template["client_id"].removesuffix(template["device_key"])
    columns = ", ".join(template)
    values = ", ".join(f":{name}" for name in template)

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(have, devices):
            key = f"meter{number:06}"
            changed = {"id": last + number, "device_key": key, "client_id": prefix + key, "name": key}
            yield {**template, **changed, "created_at": template["created_at"] + number}

    connection.executemany(f"INSERT INTO devices ({columns}) VALUES ({values})", rows())
    asked = connection.execute("SELECT id, device_key FROM devices")
    by_key = {row["device_key"]: row["id"] for row in asked}
    step = max(1, devices // _KEYS)
    return [by_key[f"meter{number:06}"] for number in range(0, min(devices, step * _LOGGED), step)]


def _add_values(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    at = time.time_ns() // 1_000_000
    found, _ = read_report(_SENTENCE, at)
    fix = newest_fix(found)
    if fix is None:
        raise BenchFailed("the sentence of the benchmark is no position")
    resources = json.dumps({"battery": ["87", at], "type": ["BG95M3", at], "rsrp": ["-97", at], "icc_id": ["8986", at]})
    location = msgspec.json.encode(fix).decode()
    connection.executemany(
        "INSERT OR REPLACE INTO device_values VALUES (?, ?, ?, ?, ?, ?)",
        [(device, "{}", resources, location, at, at) for device in ids],
    )


def _add_logs(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    now = time.time_ns() // 1_000_000
    dm_data = json.dumps([{"id": number, "value": f"{number}21.5"} for number in range(1, 11)])
    data = "AAkAEhEDAAAAABoRCl0AIhEAAAAACoRAAAAADISCMYAOgBPAEICJxAAShMtxsAAUwAaYWJjZGVmZ2hpamtsbW5v"
    for turn in range(_ROWS):
        at = now - (_ROWS - turn) * 60_000
        first = Ids.first_of(at) + _PLACE
        connection.executemany(
            "INSERT INTO data_log VALUES (?, ?, 1, 20, 7, ?, ?, ?, 1, ?, ?, ?)",
            [(first + n, device, data, dm_data, first + n, at, at, at) for n, device in enumerate(ids)],
        )
        connection.executemany(
            "INSERT INTO event_log VALUES (?, ?, 1, NULL, 'online', 'Online', NULL, NULL, NULL, ?)",
            [(first + n, device, at) for n, device in enumerate(ids)],
        )
