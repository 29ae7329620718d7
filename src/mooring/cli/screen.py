"""Readable output: lines, fields and tables. What people typed is shown as it is, never read as markup."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import typer

from .failure import Finding

__all__ = ["fields", "findings_table", "footer", "instant", "moment", "onoff", "say", "table"]

_WIDTH_OF_FILES = 200


def say(text: str) -> None:
    """One line."""
    typer.echo(text)


def moment(at_ms: int | None, otherwise: str = "") -> str:
    """A time (epoch ms) in UTC."""
    if at_ms is None:
        return otherwise
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"


def instant(at_ms: int | None, otherwise: str = "") -> str:
    """A time (epoch ms) in UTC, to the millisecond."""
    if at_ms is None:
        return otherwise
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03}Z"


def onoff(value: bool) -> str:
    """A switch."""
    return "on" if value else "off"


def fields(values: Mapping[str, object]) -> None:
    """Names and values, one pair a line."""
    width = max(len(name) for name in values) + 2
    for name, value in values.items():
        typer.echo(f"{name + ':':<{width}}{'-' if value is None or value == '' else value}")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, err: bool = False) -> None:
    """Rows under their columns; long cells are folded, never cut."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=err, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(shown)


def footer(answer: Mapping[str, Any], offset: int) -> None:
    """What a list left out, when it left out something."""
    shown, total = offset + len(answer["items"]), answer["total"]
    if shown < total:
        typer.echo(f"{len(answer['items'])} of {total} shown; the next ones: --offset {shown}")


def findings_table(findings: Iterable[Finding], *, err: bool = False) -> None:
    """Findings of a thing model check."""
    table(("Path", "Rule", "Value", "Message"), findings, err=err)
