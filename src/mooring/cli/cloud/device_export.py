"""device export: the history of a device as a file."""

import contextlib
import csv
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from mooring.cli.arguments import DeviceKey, ProductKey, Until, moment_of
from mooring.cli.files import writing

from .command import runnable
from .session import Cloud, json_line
from .values import plain

if TYPE_CHECKING:
    from mooring.client import Reading

__all__ = ["export"]

_PATIENCE_S = 1.0  # what takes longer shows how far it is


class _Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


def _export(
    cloud: Cloud,
    product_key: ProductKey,
    device_key: DeviceKey,
    since: Annotated[
        str, typer.Option(help="From then on: 10m, 2h or 3d ago, 2026-11-24 or 2026-11-24T18:30 (UTC), or epoch ms.")
    ] = "1d",
    until: Until = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file; otherwise standard output.")
    ] = None,
    form: Annotated[
        _Format | None,
        typer.Option("--format", help="Otherwise that of the file's name, else csv.", show_default=False),
    ] = None,
) -> None:
    """Write what a device reported as CSV or JSON lines.

    Oldest first, a row for each report. Times are UTC. Structs and arrays are JSON in CSV.
    """
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    begin = moment_of("--since", since, now) or 0
    end = moment_of("--until", until, now) or int(now.timestamp() * 1000)
    device = cloud.client.device(product_key, device_key)
    codes = [found.code for found in device.model().properties]
    chosen = form or (_Format.JSONL if output is not None and output.suffix in (".jsonl", ".ndjson") else _Format.CSV)
    write = _csv(codes) if chosen is _Format.CSV else _json_lines
    with _followed(device.history(begin, end), begin, end) as readings:
        if output is None:
            count = write(readings, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with writing(output) as file:
                count = write(readings, file)
    typer.echo(f"{count} report(s) written{'' if output is None else f' to {output}'}", err=True)
    if cloud.as_json and output is not None:
        typer.echo(json_line({"file": str(output), "reports": count}))


def _csv(codes: Sequence[str]) -> "Callable[[Iterable[Reading], BinaryIO], int]":
    def write(readings: "Iterable[Reading]", file: BinaryIO) -> int:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        try:
            rows = csv.writer(text)
            rows.writerow(("time", "time_ms", *codes))
            count = 0
            for reading in readings:
                values = plain(reading.values)
                rows.writerow((plain(reading.at), reading.time_ms, *(_cell(values.get(code)) for code in codes)))
                count += 1
            return count
        finally:
            text.detach()

    return write


def _json_lines(readings: "Iterable[Reading]", file: BinaryIO) -> int:
    count = 0
    for reading in readings:
        line = {"time": plain(reading.at), "time_ms": reading.time_ms, "values": plain(reading.values)}
        file.write(json_line(line).encode() + b"\n")
        count += 1
    return count


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return json_line(value)


@contextlib.contextmanager
def _followed(readings: "Iterable[Reading]", begin: int, end: int) -> "Iterator[Iterator[Reading]]":
    """The readings, with a bar on stderr when they take longer than a moment and a person looks."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    begun = time.monotonic()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("history", total=max(end - begin, 1), visible=False)

        def each() -> "Iterator[Reading]":
            for reading in readings:
                if not reading.values:
                    continue  # an answer to a service, or raw data
                if time.monotonic() - begun > _PATIENCE_S:
                    progress.update(task, completed=(reading.time_ms or begin) - begin, visible=True)
                yield reading

        yield each()


export = runnable(_export)
