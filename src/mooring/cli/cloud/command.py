"""How a function becomes a command that speaks to a cloud: shared options, and errors as exit codes."""

from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from mooring.cli.failure import Failure, failure_of
from mooring.cli.shared import fail, presented

from .session import Cloud

__all__ = ["command", "runnable"]

_P = ParamSpec("_P")
_PANEL = "Connection and output"

_Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Which saved cloud; otherwise MOORING_ACCESS_KEY, MOORING_PROFILE, or the default profile.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
_Json = Annotated[
    bool, typer.Option("--json", help="Print JSON, one value a line.", show_default=False, rich_help_panel=_PANEL)
]


def command(
    parent: typer.Typer, name: str
) -> Callable[[Callable[Concatenate[Cloud, _P], None]], Callable[Concatenate[Cloud, _P], None]]:
    """Register a function that takes a cloud first; its other parameters become arguments and options."""

    def register(function: Callable[Concatenate[Cloud, _P], None]) -> Callable[Concatenate[Cloud, _P], None]:
        parent.command(name)(runnable(function))
        return function

    return register


def runnable(function: Callable[..., None]) -> Callable[..., None]:
    """The function with the options that every command has in place of its cloud, and errors as exit codes."""

    def run(*, profile: str | None, as_json: bool, **given: Any) -> None:
        from mooring.client import MooringError

        cloud = Cloud(profile, as_json=as_json)
        try:
            function(cloud, **given)
        except MooringError as error:
            failure = failure_of(error)
        except Failure as found:
            failure = found
        else:
            return
        finally:
            cloud.close()
        fail(failure, as_json=as_json)
        raise typer.Exit(failure.exit_code)

    return presented(run, function, {"profile": (_Profile, None), "as_json": (_Json, False)})
