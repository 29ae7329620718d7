"""`mooring completion`: words of commands, options and choices in the shell."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from .main import COMPLETION

__all__ = ["completion"]


class Shell(StrEnum):
    """Shells that there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that reads the script.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print an object with the shell and its script.", show_default=False)
    ] = False,
) -> None:
    """Print what makes a shell complete the words of mooring.

    bash: add `source <(mooring completion bash)` to ~/.bashrc. zsh: `mooring completion zsh > ~/.zfunc/_mooring`, with
    ~/.zfunc in fpath. fish: `mooring completion fish > ~/.config/fish/completions/mooring.fish`.
    """
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name="mooring", complete_var=COMPLETION, shell=shell.value)
    typer.echo(json.dumps({"shell": shell.value, "script": script}) if as_json else script)
