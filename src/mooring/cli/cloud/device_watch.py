"""device watch: what a device reports, as it comes."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mooring.cli.arguments import DeviceKey, ProductKey
from mooring.cli.screen import instant

from .command import runnable
from .session import Cloud, json_line
from .values import line_of, plain

if TYPE_CHECKING:
    from rich.table import Table

    from mooring.client import Reading, RemoteDevice

__all__ = ["watch"]

_AHEAD_MS = 3_600_000  # how far the clock of the cloud may be ahead of ours
_BEHIND_MS = 15_000  # how far back the first look goes, so that something is there at once


def _watch(
    cloud: Cloud,
    product_key: ProductKey,
    device_key: DeviceKey,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2, max=3600)] = 2.0,
    limit: Annotated[int | None, typer.Option(help="End after so many reports.", min=1)] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="A line for each report, also on a terminal.", show_default=False)
    ] = False,
) -> None:
    """Follow what a device reports, until Ctrl-C.

    On a terminal it is a table of newest values, elsewhere a line for each report. Looks into the data log; what is
    pushed without looking is in `mooring tail`.
    """
    device = cloud.client.device(product_key, device_key)
    device.detail()  # says at once when there is no such device
    readings = _readings(device, interval, limit)
    with contextlib.suppress(KeyboardInterrupt):
        if lines or cloud.as_json or not sys.stdout.isatty():
            for reading in readings:
                _line(cloud, reading)
        else:
            _live(device, readings)


def _readings(device: "RemoteDevice", interval: float, limit: int | None) -> "Iterator[Reading]":
    from mooring.client import BadValue

    since = int(time.time() * 1000) - _BEHIND_MS
    modelled = True
    seen: set[str | None] = set()
    count = 0
    while True:
        until = int(time.time() * 1000) + _AHEAD_MS
        try:
            fresh = [row for row in device.history(since, until, values=modelled) if row.record.ticket not in seen]
        except BadValue:  # a product without a model: payloads only
            modelled = False
            continue
        for reading in fresh:
            yield reading
            count += 1
            if count == limit:
                return
        if fresh and fresh[-1].time_ms is not None:
            since = fresh[-1].time_ms
            seen = {row.record.ticket for row in fresh if row.time_ms == since}
        time.sleep(interval)


def _line(cloud: Cloud, reading: "Reading") -> None:
    if cloud.as_json:
        typer.echo(json_line(reading.record.raw | {"values": plain(reading.values)}))
    else:
        content = line_of(reading.values) or reading.payload.hex(" ")
        typer.echo(f"{instant(reading.time_ms)}  {reading.record.cmd}  {content}")
    sys.stdout.flush()


def _live(device: "RemoteDevice", readings: "Iterator[Reading]") -> None:
    from rich.console import Console
    from rich.live import Live

    newest: dict[str, tuple[Any, int | None]] = {
        code: (found.value, found.time_ms) for code, found in _known(device).items()
    }
    console = Console(markup=False, emoji=False, highlight=False)
    with Live(_table(device, newest, frozenset()), console=console, auto_refresh=False) as live:
        for reading in readings:
            changed = {code for code, value in reading.values.items() if newest.get(code, (None,))[0] != value}
            newest |= {code: (value, reading.time_ms) for code, value in reading.values.items()}
            live.update(_table(device, newest, changed), refresh=True)


def _known(device: "RemoteDevice") -> Any:
    from mooring.client import ApiError, BadValue

    try:
        return device.latest()
    except (ApiError, BadValue):
        return {}


def _table(
    device: "RemoteDevice", newest: dict[str, tuple[Any, int | None]], changed: "frozenset[str] | set[str]"
) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=SIMPLE_HEAD, pad_edge=False, title=f"{device.product_key} {device.device_key}, Ctrl-C ends")
    for column in ("Property", "Value", "Reported"):
        shown.add_column(column, overflow="fold")
    for code, (value, at) in sorted(newest.items()):
        text = line_of(value) if isinstance(value, dict) else json_line(plain(value)).strip('"')
        shown.add_row(code, Text(text, style="bold green" if code in changed else ""), instant(at))
    return shown


watch = runnable(_watch)
