"""How many rows are shown, and whether there are more."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, TypeVar

import typer

__all__ = ["Limit", "cut", "told"]

T = TypeVar("T")

Limit = Annotated[int, typer.Option(help="At most so many.", min=1, max=100_000)]


def cut(rows: Iterable[T], limit: int) -> tuple[list[T], bool]:
    """The first rows, and whether there are more."""
    found = list(islice(rows, limit + 1))
    return found[:limit], len(found) > limit


def told(shown: int, more: bool) -> None:
    """Say on stderr what a table leaves out, or that there is nothing."""
    if more:
        typer.echo(f"the first {shown} are shown; --limit shows more", err=True)
    elif not shown:
        typer.echo("there is none", err=True)
