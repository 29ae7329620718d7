"""How a function becomes a command: the options that every command has, and failures as exit codes."""

from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from mooring.cli.failure import Failure
from mooring.cli.shared import confirm, fail, group, presented

from .session import DEFAULT_URL, Session

__all__ = ["Limit", "Offset", "Yes", "command", "confirm", "group", "runnable"]

_P = ParamSpec("_P")
_PANEL = "Connection and output"

_Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="MOORING_MANAGE_URL",
        help=f"Where the management API or its server is; otherwise the saved login's server, else {DEFAULT_URL}.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
_Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="MOORING_MANAGE_TOKEN",
        help="A token of the management API; otherwise the saved login.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
_Json = Annotated[
    bool,
    typer.Option("--json", help="Print the API's JSON answer as it is.", show_default=False, rich_help_panel=_PANEL),
]

Limit = Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)]
Offset = Annotated[int, typer.Option(help="Leave out the first so many.", min=0)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)]


def command(
    parent: typer.Typer, name: str
) -> Callable[[Callable[Concatenate[Session, _P], None]], Callable[Concatenate[Session, _P], None]]:
    """Register a function that takes a session first; its other parameters become arguments and options."""

    def register(function: Callable[Concatenate[Session, _P], None]) -> Callable[Concatenate[Session, _P], None]:
        parent.command(name)(runnable(function))
        return function

    return register


def runnable(function: Callable[..., None]) -> Callable[..., None]:
    """The function with the options that every command has in place of its session, and failures as exit codes."""

    def run(*, url: str | None, token: str | None, as_json: bool, **given: Any) -> None:
        session = Session(url.rstrip("/") if url else None, token or None, as_json=as_json)
        try:
            function(session, **given)
        except Failure as failure:
            fail(failure, as_json=as_json)
            raise typer.Exit(failure.exit_code) from None
        finally:
            session.close()

    return presented(run, function, {"url": (_Url, None), "token": (_Token, None), "as_json": (_Json, False)})
