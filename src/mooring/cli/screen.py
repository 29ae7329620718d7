"""Readable output: lines, fields and tables. What people typed is shown as it is, never read as markup."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import typer

from .failure import Finding

__all__ = ["fields", "findings_table", "footer", "instant", "moment", "onoff", "say", "table"]

_WIDTH_OF_FILES = 200
_BETWEEN = 3  # blanks between two columns


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


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, err: bool = False, optional: Sequence[str] = ()
) -> None:
    """Rows under their columns; long cells are folded, never cut.

    On a terminal that is too narrow `optional` columns are left out, the last one first, and that is said on stderr.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=err, markup=False, emoji=False, highlight=False)
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    kept = _fitting(columns, cells, console.width, optional)
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place in kept:
        shown.add_column(columns[place], overflow="fold")
    for row in cells:
        shown.add_row(*(row[place] for place in kept))
    console.print(shown)
    left_out = [column for place, column in enumerate(columns) if place not in kept]
    if left_out:
        typer.echo(f"too narrow for {', '.join(left_out)}; --json has everything", err=True)


def _fitting(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int, optional: Sequence[str]) -> list[int]:
    """Places of the columns that are shown."""
    widths = [max([len(column), *(len(row[place]) for row in cells)]) for place, column in enumerate(columns)]
    kept = list(range(len(columns)))
    for column in reversed(optional):
        if sum(widths[place] + _BETWEEN for place in kept) <= width:
            break
        kept.remove(columns.index(column))
    return kept


def footer(answer: Mapping[str, Any], offset: int) -> None:
    """What a list left out, when it left out something."""
    shown, total = offset + len(answer["items"]), answer["total"]
    if shown < total:
        typer.echo(f"{len(answer['items'])} of {total} shown; the next ones: --offset {shown}")


def findings_table(findings: Iterable[Finding], *, err: bool = False) -> None:
    """Findings of a thing model check."""
    table(("Path", "Rule", "Value", "Message"), findings, err=err)
