"""How a function becomes a command that has more options than the function has parameters."""

import inspect
import sys
from collections.abc import Callable, Mapping

import typer

from .asking import ask_line
from .failure import Failure

__all__ = ["confirm", "fail", "group", "presented"]


def group(help_text: str) -> typer.Typer:
    """A group of commands about one noun."""
    return typer.Typer(help=help_text, no_args_is_help=True, pretty_exceptions_enable=False)


def presented(
    run: Callable[..., None], function: Callable[..., None], shared: Mapping[str, tuple[object, object]]
) -> Callable[..., None]:
    """`run` as the command line is to see it: with the parameters of `function` but the first, and the shared ones.

    `shared` has annotation and default of each by name.
    """
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    parameters = [parameter.replace(kind=keyword) for parameter in own]
    parameters += [
        inspect.Parameter(name, keyword, default=default, annotation=annotation)
        for name, (annotation, default) in shared.items()
    ]
    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def confirm(question: str, yes: bool) -> None:
    """Ask before something that cannot be undone; anything but yes ends the command. Raises Failure."""
    if not yes and ask_line(f"{question} [y/N]").lower() not in ("y", "yes"):
        raise Failure("nothing was done")


def fail(failure: Failure, *, as_json: bool) -> None:
    """Print a failure: one line on stderr, findings as a table, and with `as_json` the API's answer on stdout."""
    sys.stdout.flush()  # what came before it stays before it where both go to one place
    typer.echo(f"error: {failure.text}", err=True)
    if as_json and failure.answer is not None:
        typer.echo(failure.answer)
    elif failure.findings:
        from .screen import findings_table

        findings_table(failure.findings, err=True)
