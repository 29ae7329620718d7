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

from .commands import CommandRatio
from .connections import MAX_KILOBYTES, Connections
from .console import LivePages
from .history import MAX_RATIO, PageCost
from .idle import MAX_MEGABYTES, MAX_START_S, Idle
from .messages import BODY_BYTES, Delivery, Ingest, Trip
from .pages import FIRST_CONTENT, FirstContent
from .ratios import Ratio
from .reads import MAX_SPREAD, Pace
from .sdk import SdkCost
from .servers import ServerRate
from .startup import StartUp
from .uplink import DEVICES, UplinkRatio

__all__ = [
    "show_commands",
    "show_connections",
    "show_console",
    "show_history",
    "show_idle",
    "show_messages",
    "show_pages",
    "show_ratios",
    "show_reads",
    "show_sdk",
    "show_servers",
    "show_startup",
    "show_uplink",
    "write",
]


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


def show_reads(console: Console, found: Sequence[Ratio | Pace], *, judged: bool) -> None:
    """Reads of a large fleet, and the times of a mixed load that does not fill the server."""
    show_ratios(console, [entry for entry in found if isinstance(entry, Ratio)], judged=judged)
    table = Table(title="An open load of reads / of constant bytes: times of a call from when it was due")
    table.add_column("load", no_wrap=True)
    for name in ("calls per s", "p50 ms", "p99 ms", "p99 to p50", "promised", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in found:
        if isinstance(entry, Pace):
            p50, p99 = f"{entry.p50_ms:.2f} / {entry.base_p50_ms:.2f}", f"{entry.p99_ms:.2f} / {entry.base_p99_ms:.2f}"
            times = (p50, p99, f"{entry.spread:.1f}", f"≤ {MAX_SPREAD:.0f}")
            table.add_row(entry.name, f"{entry.rate:,.0f}", *times, _verdict(entry.met) if judged else "")
    console.print(table)


def show_uplink(console: Console, ratios: Sequence[UplinkRatio], *, judged: bool) -> None:
    """Durable uplink beside brokers that discard."""
    table = Table(title=f"QoS 1 uplink of {DEVICES} devices, decoded and committed / taken and discarded by a broker")
    table.add_column("broker", no_wrap=True)
    for name in ("in flight", "ratio", "target", "by clock", "messages per CPU s", "per s", "p50 ms", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in ratios:
        ours, base = entry.mooring, entry.broker
        table.add_row(
            entry.name,
            str(entry.window),
            f"{entry.ratio:.2f}",
            f"≥ {entry.target:.1f}",
            f"{entry.clock_ratio:.2f}",
            f"{ours.rate:,.0f} / {base.rate:,.0f}",
            f"{ours.messages_per_s:,.0f} / {base.messages_per_s:,.0f}",
            f"{ours.p50_ms:.1f} / {base.p50_ms:.1f}",
            _verdict(entry.met) if judged else "",
        )
    console.print(table)


def show_commands(console: Console, ratios: Sequence[CommandRatio], *, judged: bool) -> None:
    """Command round trips beside bare ones."""
    table = Table(title="From the call to the stored answer of the device / a message there and back through Mosquitto")
    table.add_column("call", no_wrap=True)
    for name in ("", "ratio", "target", "ms", "bare ms", "answered", "at device", "stored", "disk sync", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in ratios:
        parts = (entry.answered_ms, entry.reached_ms, entry.stored_ms)
        times = (entry.command_ms, entry.bare_ms, *parts, entry.sync_ms)
        table.add_row(
            entry.name,
            entry.part,
            f"{entry.ratio:.2f}",
            f"≤ {entry.target:.0f}",
            *(f"{one:.2f}" for one in times),
            _verdict(entry.met) if judged else "",
        )
    console.print(table)


def show_console(console: Console, found: Sequence[LivePages], *, judged: bool) -> None:
    """Uplink with live pages open."""
    table = Table(title="Durable uplink while live pages of the console are open / without them")
    for name in ("pages", "ratio", "target", "msg/s with", "without", "pages answered", "page ms", ""):
        table.add_column(name, justify="right")
    for entry in found:
        table.add_row(
            f"{entry.pages}",
            f"{entry.ratio:.2f}",
            f"≥ {entry.target:.1f}",
            f"{entry.rate_with:,.0f}",
            f"{entry.rate_without:,.0f}",
            f"{entry.answered}",
            f"{entry.page_ms:.1f}",
            _verdict(entry.met) if judged else "",
        )
    console.print(table)


def show_messages(console: Console, found: Sequence[Delivery | Trip | Ingest], *, judged: bool) -> None:
    """Queues beside RabbitMQ, the way of a report, uplink with subscriptions."""
    table = Table(
        title=f"Messages of {BODY_BYTES} bytes delivered and acknowledged, by pika: Mooring / RabbitMQ, durable"
    )
    for name in ("prefetch", "ratio", "target", "by clock", "messages per CPU s", "per s", "client busy", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in (one for one in found if isinstance(one, Delivery)):
        ours, base = entry.mooring, entry.rabbitmq
        table.add_row(
            str(entry.prefetch),
            f"{entry.ratio:.2f}",
            f"≥ {entry.target:.1f}",
            f"{entry.clock_ratio:.2f}",
            f"{ours.rate:,.0f} / {base.rate:,.0f}",
            f"{ours.messages_per_s:,.0f} / {base.messages_per_s:,.0f}",
            f"{ours.load_busy:.0%} / {base.load_busy:.0%}",
            _verdict(entry.met) if judged else "",
        )
    console.print(table)
    table = Table(title="From a device's report to its consumer, one at a time / a sync of the disk")
    for name in ("p50 ms", "p99 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for trip in (one for one in found if isinstance(one, Trip)):
        p50, p99 = (trip.p50_ms, trip.sync_p50_ms), (trip.p99_ms, trip.sync_p99_ms)
        table.add_row(*("{:.2f} / {:.2f}".format(*times) for times in (p50, p99)))
    console.print(table)
    table = Table(title=f"QoS 1 uplink of {DEVICES} devices with subscriptions to it / without")
    table.add_column("subscriptions", no_wrap=True)
    for name in ("copies", "ratio", "by clock", "messages per CPU s", "per s"):
        table.add_column(name, justify="right", no_wrap=True)
    for ingest in (one for one in found if isinstance(one, Ingest)):
        ratios = (f"{ingest.ratio:.2f}", f"{ingest.clock_ratio:.2f}")
        rates = (f"{ingest.rate:,.0f}", f"{ingest.messages_per_s:,.0f}")
        table.add_row(ingest.subscriptions, str(ingest.copies), *ratios, *rates)
    console.print(table)


def show_sdk(console: Console, found: Sequence[SdkCost], *, judged: bool) -> None:
    """Calls by the SDK beside calls by bare httpx."""
    table = Table(title="A call by the SDK / by bare httpx")
    for name in ("calls", "ratio", "target", "SDK µs", "httpx µs", "logins", ""):
        table.add_column(name, justify="right")
    for entry in found:
        table.add_row(
            entry.name,
            "" if entry.ratio is None else f"{entry.ratio:.2f}",
            "one login" if entry.target is None else f"≤ {entry.target:.1f}",
            f"{entry.sdk_us:,.0f}",
            "" if entry.httpx_us is None else f"{entry.httpx_us:,.0f}",
            f"{entry.logins}",
            _verdict(entry.met) if judged else "",
        )
    console.print(table)


def show_connections(console: Console, found: Sequence[Connections], *, judged: bool) -> None:
    """Memory of silent devices."""
    table = Table(title="Devices that are connected, subscribed and silent")
    for name in ("devices", f"kB each (≤ {MAX_KILOBYTES:.0f})", "server MB", ""):
        table.add_column(name, justify="right")
    for entry in found:
        verdict = _verdict(entry.met) if judged else ""
        table.add_row(f"{entry.devices:,}", f"{entry.kilobytes:.1f}", f"{entry.resident_mb:.0f}", verdict)
    console.print(table)


def show_history(console: Console, costs: Sequence[PageCost], *, judged: bool) -> None:
    """Pages of a long log beside those of a short one."""
    rows = f"{costs[0].rows:,} rows / {costs[0].base_rows:,} rows"
    table = Table(title=f"dataHistory, a page of the same range: a log of {rows}")
    table.add_column("page", no_wrap=True)
    for name in ("ratio", "target", "CPU ms", "ms", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in costs:
        table.add_row(
            entry.name,
            f"{entry.ratio:.2f}",
            f"≤ {MAX_RATIO:.0f}",
            f"{entry.cost_ms:.2f} / {entry.base_cost_ms:.2f}",
            f"{entry.clock_ms:.2f} / {entry.base_clock_ms:.2f}",
            _verdict(entry.met) if judged else "",
        )
    console.print(table)


def show_pages(console: Console, found: Sequence[FirstContent], *, judged: bool) -> None:
    """Pages of the console beside their queries."""
    amount = f"{found[0].devices:,} devices, {found[0].rows:,} rows of log"
    table = Table(title=f"first content of a page of the console / the same query through /manage/v1: {amount}")
    table.add_column("page", no_wrap=True)
    for name in ("ratio", "target", "ms", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in found:
        table.add_row(
            entry.name,
            f"{entry.ratio:.2f}",
            f"≤ {FIRST_CONTENT:.0f}",
            f"{entry.page_ms:.1f} / {entry.query_ms:.1f}",
            _verdict(entry.met) if judged else "",
        )
    console.print(table)


def show_startup(console: Console, found: Sequence[StartUp], *, judged: bool) -> None:
    """Starts of commands beside starts of Python."""
    table = Table(title="start of a command, in starts of python -c pass")
    table.add_column("command", no_wrap=True)
    for name in ("ratio", "target", "CPU ms", "ms", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in found:
        table.add_row(
            entry.name,
            f"{entry.ratio:.1f}",
            f"≤ {entry.target:.0f}",
            f"{entry.processor_ms:.0f} / {entry.python_ms:.0f}",
            f"{entry.clock_ms:.0f}",
            _verdict(entry.met) if judged else "",
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
    return "[green]ok[/]" if met else "[red]short[/]"
