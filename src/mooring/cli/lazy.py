"""Groups of commands that import a command when it is wanted.

Building the whole tree costs more than most commands do, and help of a group needs names and summaries only. So a group
is a table of places; a command's module is imported when the command is run, asked for its own help, or completed.
"""

from collections.abc import Iterator, MutableMapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from .places import WRONG_USAGE, Place, overview

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter
    from typer._click.shell_completion import CompletionItem

__all__ = ["lazy_group"]


def lazy_group(name: str, help_text: str, places: dict[str, Place]) -> TyperGroup:
    """A group of commands by name. What stands at a place is a function, a `typer.Typer`, or a group."""
    return _LazyGroup(name, help_text, places)


class _Commands(MutableMapping[str, "Command"]):
    """Commands by name, each made when it is first looked up."""

    def __init__(self, places: dict[str, Place]) -> None:
        self.places = places

    def __getitem__(self, name: str) -> "Command":
        return _made(name, self.places[name].where)

    def __setitem__(self, name: str, command: "Command") -> None:
        raise TypeError("commands are listed in the table of places")

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands are listed in the table of places")

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


class _LazyGroup(TyperGroup):
    def __init__(self, name: str, help_text: str, places: dict[str, Place]) -> None:
        super().__init__(name=name, help=help_text, subcommand_metavar="COMMAND …")
        self._places = places
        self.commands = _Commands(places)

    def list_commands(self, ctx: "Context") -> list[str]:
        return list(self._places)

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Without any word: the help, and wrong usage."""
        if not args and not ctx.resilient_parsing:
            typer.echo(overview(ctx.command_path, self.help or "", self._places), nl=False)
            raise typer.Exit(WRONG_USAGE)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Help from names and summaries, without making any command."""
        formatter.write(overview(ctx.command_path, self.help or "", self._places))

    def shell_complete(self, ctx: "Context", incomplete: str) -> "list[CompletionItem]":
        """Names that begin so, without making any command."""
        from typer._click.shell_completion import CompletionItem

        begun = [(name, place) for name, place in self._places.items() if name.startswith(incomplete)]
        return [CompletionItem(name, help=place.summary) for name, place in begun]


@cache
def _made(name: str, where: str) -> "Command":
    module, _, attribute = where.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, TyperGroup):
        return found
    if isinstance(found, typer.Typer):
        command: Command = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command
