"""How a function becomes a command that speaks to a cloud: shared options, and errors as exit codes."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from mooring.cli.failure import Failure, failure_of
from mooring.cli.shared import fail, presented

from .session import Cloud

__all__ = ["command", "runnable"]

_P = ParamSpec("_P")


class Language(StrEnum):
    """Languages that platforms have texts in."""

    CN = "CN"
    EN = "EN"


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
_Language = Annotated[
    Language | None,
    typer.Option(
        "--language",
        help="Language of the platform's texts; otherwise the profile's, else that of the shell, else EN.",
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
    """The function with the options that every command has in place of its cloud, and errors as exit codes.

    A function that has a `language` of its own keeps it, and it is that of the platform's texts, too.
    """
    own = "language" in inspect.signature(function).parameters

    def run(*, profile: str | None, as_json: bool, **given: Any) -> None:
        from mooring.client import MooringError

        language = given.get("language") if own else given.pop("language")
        cloud = Cloud(profile, language=language, as_json=as_json)
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

    language: dict[str, tuple[object, object]] = {} if own else {"language": (_Language, None)}
    return presented(run, function, {"profile": (_Profile, None), **language, "as_json": (_Json, False)})
