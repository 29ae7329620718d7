"""`mooring version`."""

from typing import Annotated

import typer

__all__ = ["version"]


def version(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", show_default=False)] = False,
) -> None:
    """Print the version."""
    from mooring import __version__

    typer.echo(f'{{"version": "{__version__}"}}' if as_json else f"mooring {__version__}")
