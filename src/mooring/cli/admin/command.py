"""How a function becomes a command: the options that every command has, and failures as exit codes."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from .asking import ask_line
from .failure import Failure
from .session import DEFAULT_URL, Session

__all__ = ["Limit", "Offset", "Yes", "command", "confirm", "group", "runnable"]

_P = ParamSpec("_P")
_PANEL = "Connection and output"

_Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="MOORING_MANAGE_URL",
        help=f"Where the management API is; otherwise the saved login's server, else {DEFAULT_URL}.",
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


def group(help_text: str) -> typer.Typer:
    """A group of commands about one noun."""
    return typer.Typer(help=help_text, no_args_is_help=True, pretty_exceptions_enable=False)


def command(
    parent: typer.Typer, name: str
) -> Callable[[Callable[Concatenate[Session, _P], None]], Callable[Concatenate[Session, _P], None]]:
    """Register a function that takes a session first; its other parameters become arguments and options."""

    def register(function: Callable[Concatenate[Session, _P], None]) -> Callable[Concatenate[Session, _P], None]:
        parent.command(name)(runnable(function))
        return function

    return register


def confirm(question: str, yes: bool) -> None:
    """Ask before something that cannot be undone; anything but yes ends the command. Raises Failure."""
    if not yes and ask_line(f"{question} [y/N]").lower() not in ("y", "yes"):
        raise Failure("nothing was done")


def runnable(function: Callable[..., None]) -> Callable[..., None]:
    """The function with the options that every command has in place of its session, and failures as exit codes."""

    def run(*, url: str | None, token: str | None, as_json: bool, **given: Any) -> None:
        session = Session(url.rstrip("/") if url else None, token or None, as_json=as_json)
        try:
            function(session, **given)
        except Failure as failure:
            session.fail(failure)
            raise typer.Exit(failure.exit_code) from None
        finally:
            session.close()

    own = list(inspect.signature(function).parameters.values())[1:]
    shared = [
        inspect.Parameter("url", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Url),
        inspect.Parameter("token", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Token),
        inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Json),
    ]
    parameters = [*(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *shared]
    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run
