"""`python -m bench [--quick | --idle | --servers] [--only PART …] [--results DIRECTORY]`.

Exit codes: 0 measured and every target met, 1 a target missed, 2 nothing that counts was measured.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from .brokers import find_mosquitto, find_rabbitmq
from .commands import CommandPlan, measure_commands
from .connections import measure_connections
from .console import measure_console
from .dataset import seed, seed_fleet
from .errors import BenchFailed
from .history import HistoryPlan, measure_history
from .idle import measure_idle
from .load import CONNECTIONS, find_wrk
from .messages import MessagePlan, measure_messages
from .pages import measure_pages
from .processes import cores
from .ratios import Ratio, measure
from .reads import Pace, ReadsPlan, fill, measure_reads
from .report import (
    show_commands,
    show_connections,
    show_console,
    show_history,
    show_idle,
    show_messages,
    show_pages,
    show_ratios,
    show_reads,
    show_sdk,
    show_servers,
    show_startup,
    show_uplink,
    write,
)
from .rounds import Plan
from .sdk import SdkPlan, measure_sdk
from .servers import compare_servers
from .startup import StartUpPlan, measure_startup
from .uplink import UplinkPlan, measure_uplink

_WIDTH = 120  # columns of the tables in a file or pipe
_RESULTS = Path(__file__).parent / "results"


class _Amount(msgspec.Struct, frozen=True, kw_only=True):
    """How much to measure of each part."""

    judged: bool
    openapi: Plan
    uplink: UplinkPlan
    commands: CommandPlan
    devices: int
    history: HistoryPlan
    reads: ReadsPlan
    startup: StartUpPlan
    messages: MessagePlan
    sdk: SdkPlan


_FULL = _Amount(
    judged=True,
    openapi=Plan(rounds=9, seconds=1, warm_up=1),
    uplink=UplinkPlan(rounds=7, seconds=1.0, messages=400),
    commands=CommandPlan(rounds=7, trips=300),
    devices=5_000,
    history=HistoryPlan(rows=10_000_000, base_rows=10_000, rounds=5, calls=100),
    reads=ReadsPlan(devices=100_000, plan=Plan(rounds=7, seconds=1, warm_up=1), paced_rounds=7, paced_s=2.0),
    startup=StartUpPlan(rounds=15),
    messages=MessagePlan(rounds=7, messages={1: 3_000, 100: 8_000}, trips=200, ingest_s=1.0, reports=400),
    sdk=SdkPlan(rounds=9, calls=300),
)
_QUICK = _Amount(
    judged=False,
    openapi=Plan(rounds=1, seconds=1, warm_up=0),
    uplink=UplinkPlan(rounds=1, seconds=0.2, messages=100),
    commands=CommandPlan(rounds=1, trips=10),
    devices=100,
    history=HistoryPlan(rows=20_000, base_rows=1_000, rounds=1, calls=5),
    reads=ReadsPlan(devices=1_000, plan=Plan(rounds=1, seconds=1, warm_up=0), paced_rounds=1, paced_s=0.5),
    startup=StartUpPlan(rounds=1),
    messages=MessagePlan(rounds=1, messages={1: 100, 100: 300}, trips=10, ingest_s=0.2, reports=100),
    sdk=SdkPlan(rounds=1, calls=20),
)


@dataclass(frozen=True)
class _Part:
    """One part of the benchmark: what it needs, how it is measured and shown."""

    needs: Callable[[], object]
    measure: Callable[[Path, _Amount], "list[Any]"]
    show: Callable[..., None]


def _measure_openapi(work: Path, plan: _Amount) -> list[Ratio]:
    dataset = asyncio.run(seed(work / "data"))
    return measure(dataset, work / "data", work, plan.openapi, cores())


def _measure_reads(work: Path, plan: _Amount) -> list[Ratio | Pace]:
    data = work / "reads"
    dataset, fleet = asyncio.run(seed_fleet(data, 1))
    fill(data, plan.reads.devices)
    return measure_reads(dataset, fleet, data, work, plan.reads, cores())


_PARTS: Mapping[str, _Part] = {
    "operations": _Part(find_wrk, _measure_openapi, show_ratios),
    "reads": _Part(find_wrk, _measure_reads, show_reads),
    "uplink": _Part(find_mosquitto, lambda work, plan: measure_uplink(work, plan.uplink, cores()), show_uplink),
    "commands": _Part(find_mosquitto, lambda work, plan: measure_commands(work, plan.commands, cores()), show_commands),
    "messages": _Part(find_rabbitmq, lambda work, plan: measure_messages(work, plan.messages, cores()), show_messages),
    "connections": _Part(
        lambda: None,
        lambda work, plan: [measure_connections(work, plan.devices, cores())],
        show_connections,
    ),
    "console": _Part(lambda: None, lambda work, plan: measure_console(work, plan.uplink, cores()), show_console),
    "sdk": _Part(lambda: None, lambda work, plan: measure_sdk(work, plan.sdk, cores()), show_sdk),
    "history": _Part(lambda: None, lambda work, plan: measure_history(work, plan.history, cores()), show_history),
    "pages": _Part(
        lambda: None,
        lambda work, plan: measure_pages(work, plan.reads, plan.history, cores()),
        show_pages,
    ),
    "startup": _Part(lambda: None, lambda _, plan: measure_startup(plan.startup), show_startup),
}


def main() -> int:
    """Measure what was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Mooring on this machine.")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--quick", action="store_true", help="as little as can be, not judged: only to see that it runs")
    kind.add_argument("--idle", action="store_true", help="time to start and memory at rest")
    kind.add_argument("--servers", action="store_true", help="compare ASGI servers")
    parser.add_argument("--only", action="append", choices=tuple(_PARTS), help="measure this part; may be repeated")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="directory for the JSON files")
    asked = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as work:
        try:
            if asked.idle:
                return _idle(console, Path(work), asked.results)
            if asked.servers:
                find_wrk()
                return _servers(console, Path(work), asked.results)
            parts = {name: part for name, part in _PARTS.items() if name in (asked.only or _PARTS)}
            return _measure(console, Path(work), asked.results, parts, _QUICK if asked.quick else _FULL)
        except BenchFailed as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2


def _measure(console: Console, work: Path, results: Path, parts: Mapping[str, _Part], plan: _Amount) -> int:
    for part in parts.values():
        part.needs()
    found: dict[str, list[Any]] = {}
    for name, part in parts.items():
        found[name] = part.measure(work, plan)
        part.show(console, found[name], judged=plan.judged)
    shown = {name: [{**msgspec.structs.asdict(one), "met": one.met} for one in some] for name, some in found.items()}
    write(results / "latest.json", {"judged": plan.judged, "wrk_connections": CONNECTIONS, "plan": plan, **shown})
    return 1 if plan.judged and not all(one.met for some in found.values() for one in some) else 0


def _idle(console: Console, work: Path, results: Path) -> int:
    found = measure_idle(work)
    show_idle(console, found)
    write(results / "idle.json", {"starts": found})
    return 0 if all(entry.met for entry in found) else 1


def _servers(console: Console, work: Path, results: Path) -> int:
    found = compare_servers(work, _FULL.openapi, cores())
    show_servers(console, found)
    write(results / "servers.json", {"connections": CONNECTIONS, "servers": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
