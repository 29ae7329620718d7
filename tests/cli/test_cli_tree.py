"""The tree of commands: made piece by piece, and the same as when it is made whole."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from cli.terminal import in_process
from mooring.cli.admin import admin
from mooring.cli.main import HELP, PLACES
from mooring.cli.places import overview
from mooring.cli.tree import root

LAZY = {"mooring": root, "mooring admin": admin}


def places() -> Iterator[tuple[str, Any, str]]:
    for name, group in LAZY.items():
        for word, place in group.commands.places.items():  # type: ignore[attr-defined]
            yield f"{name} {word}", group.commands[word], place.summary


@pytest.mark.parametrize(("command", "summary"), [pytest.param(entry[1], entry[2], id=entry[0]) for entry in places()])
def test_the_summary_in_the_table_is_the_command_s_own(command: Any, summary: str) -> None:
    assert " ".join(command.help.split("\n\n")[0].split()) == summary


def mooring(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "MOORING_MANAGE_TOKEN")}
    return subprocess.run(
        [sys.executable, "-m", "mooring", *words], env={**env, **variables}, capture_output=True, text=True
    )


def test_help_of_the_whole_is_quick_and_the_same_as_the_group_s() -> None:
    loaded = "import sys; sys.argv[1:] = ['--help']; from mooring.cli import main; main(); print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    text, _, modules = ended.stdout.rstrip("\n").rpartition("\n")
    assert {"typer", "rich", "httpx", "msgspec", "mooring.cli.tree"}.isdisjoint(modules.split())
    assert text + "\n" == in_process("--help", env={"COLUMNS": None}).out == overview("mooring", HELP, PLACES)


@pytest.mark.parametrize("group", ["admin", "device"])
def test_help_of_a_group_is_quick_and_the_same_as_the_group_s(group: str) -> None:
    loaded = (
        f"import sys; sys.argv[1:] = [{group!r}, '--help']; from mooring.cli import main; main(); print(*sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    text, _, modules = ended.stdout.rstrip("\n").rpartition("\n")
    assert {"typer", "rich", "httpx", "msgspec", "mooring.cli.tree"}.isdisjoint(modules.split())
    assert text + "\n" == in_process(group, "--help", env={"COLUMNS": None}).out


def test_no_command_is_wrong_usage_and_shows_the_help() -> None:
    ended = mooring()
    assert (ended.returncode, ended.stderr) == (2, "")
    assert ended.stdout == mooring("--help").stdout
    run = in_process("admin")
    assert (run.code, run.out) == (2, in_process("admin", "--help").out)


@pytest.mark.parametrize("columns", [20, 40, 80, 300])
def test_help_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = overview("mooring", HELP, PLACES).splitlines()
    assert max(map(len, lines)) <= max(40, min(columns, 110))
    assert all(name in "\n".join(lines) for name in PLACES)


def test_a_word_that_is_no_command_gets_the_nearest() -> None:
    assert "Did you mean 'admin'" in in_process("admim", env={"COLUMNS": "120"}, code=2).err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script_for_the_shell(shell: str) -> None:
    run = in_process("completion", shell)
    assert "_MOORING_COMPLETE" in run.out
    assert run.err == ""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("mooring adm", "admin"),
        ("mooring admin dev", "device"),
        ("mooring admin device sh", "show"),
        ("mooring admin device list --lim", "--limit"),
        ("mooring completion f", "fish"),
    ],
)
def test_a_shell_completes(words: str, found: str) -> None:
    ended = mooring(_MOORING_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    assert (ended.stdout.split(), ended.stderr) == ([found], "")


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word in command.commands:
        yield from commands(f"{name} {word}", command.commands[word])


def test_every_command_has_json() -> None:
    assert [
        name for name, found in commands("mooring", root) if not any("--json" in p.opts for p in found.params)
    ] == []


def test_a_completion_script_as_json() -> None:
    found = in_process("completion", "fish", "--json", code=0).json()
    assert found == {"shell": "fish", "script": in_process("completion", "fish").out.rstrip("\n")}
