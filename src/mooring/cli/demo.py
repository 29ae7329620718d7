"""`mooring demo`: start the platform with the demo account and walk the integration guide over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the walk instead of staying up.")] = False,
    data: Annotated[Path, typer.Option(help="Data directory.", readable=False)] = Path("mooring-data"),
    http_port: Annotated[
        int | None, typer.Option(help="HTTP port (default 8080, or a free one when it is taken).")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print demo.json on one line once it is up; the walk goes to stderr.", show_default=False
        ),
    ] = False,
) -> None:
    """Start the platform with demo data, walk the integration guide step by step, and stay up until Ctrl-C."""
    from ._guide import run_demo

    raise typer.Exit(run_demo(data, http_port, once=once, as_json=as_json))
