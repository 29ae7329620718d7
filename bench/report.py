"""What was measured, for people (tables) and for scripts (JSON files)."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from mooring import __version__

from .idle import MAX_MEGABYTES, MAX_START_S, Idle
from .ratios import Ratio
from .servers import ServerRate

__all__ = ["show_idle", "show_ratios", "show_servers", "write"]


def show_ratios(console: Console, ratios: Sequence[Ratio], *, judged: bool) -> None:
    """Operations beside constant bytes of the same size."""
    table = Table(title="OpenAPI operations / constant bytes from the same server, one worker, median of rounds")
    table.add_column("operation", no_wrap=True)
    for name in ("bytes", "ratio", "target", "by clock", "calls per CPU s", "p50 ms", "p99 ms", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in ratios:
        ours, base = entry.mooring, entry.constant
        table.add_row(
            entry.name,
            str(entry.body_bytes),
            f"{entry.ratio:.2f}",
            "" if entry.target is None else f"≥ {entry.target:.2f}",
            f"{entry.clock_ratio:.2f}",
            f"{ours.rate:,.0f} / {base.rate:,.0f}",
            f"{ours.p50_ms:.2f} / {base.p50_ms:.2f}",
            f"{ours.p99_ms:.2f} / {base.p99_ms:.2f}",
            _verdict(entry.met) if judged and entry.target is not None else "",
        )
    console.print(table)


def show_idle(console: Console, starts: Sequence[Idle]) -> None:
    """Start and memory beside their promises."""
    table = Table(title="mooring up with SQLite")
    table.add_column("start")
    for name in (f"ready after s (< {MAX_START_S:.0f})", f"memory MB at rest (< {MAX_MEGABYTES:.0f})"):
        table.add_column(name, justify="right")
    table.add_column("")
    for entry in starts:
        table.add_row(entry.start, f"{entry.seconds:.2f}", f"{entry.megabytes:.0f}", _verdict(entry.met))
    console.print(table)


def show_servers(console: Console, rates: Sequence[ServerRate]) -> None:
    """ASGI servers beside uvicorn."""
    table = Table(title="ASGI servers, constant bytes, one worker, median of rounds")
    table.add_column("server")
    for name in ("ratio", "by clock", "calls per CPU s", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in rates:
        found = entry.rates
        times = (f"{found.p50_ms:.2f}", f"{found.p99_ms:.2f}")
        table.add_row(entry.server, f"{entry.ratio:.2f}", f"{entry.clock_ratio:.2f}", f"{found.rate:,.0f}", *times)
    console.print(table)


def write(target: Path, found: Mapping[str, object]) -> None:
    """Everything that was measured, with what it was measured on."""
    document = {
        "mooring": __version__,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **found,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def _verdict(met: bool) -> str:
    return "[green]ok[/]" if met else "[red]below[/]"
