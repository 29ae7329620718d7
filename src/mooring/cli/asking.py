"""What a command asks its user. Questions go to stderr, so that stdout holds nothing but the answer of the API."""

import sys

import typer

from .failure import Failure

__all__ = ["PasswordSource", "ask_line", "given_secret"]


def ask_line(question: str) -> str:
    """One line of standard input, without blanks around; "" at its end."""
    typer.echo(f"{question} ", nl=False, err=True)
    line = sys.stdin.readline()
    if not line:
        typer.echo(err=True)
    return line.strip()


def given_secret(option: str, value: str | None) -> str | None:
    """The value of a secret option; `-` means the next line of standard input. Raises Failure."""
    return _given(option) if value == "-" else value


class PasswordSource:
    """Gives the present and the new password, each from a line of standard input when its option was given."""

    def __init__(self, *, present_from_stdin: bool, new_from_stdin: bool) -> None:
        self._present_from_stdin = present_from_stdin
        self._new_from_stdin = new_from_stdin

    def present(self, prompt: str = "Password") -> str:
        """The password that is valid now. Raises Failure."""
        if self._present_from_stdin:
            return _given("--password-stdin")
        return _typed(prompt)

    def new(self) -> str:
        """The password to have from now on. Raises Failure."""
        if self._new_from_stdin:
            return _given("--new-password-stdin")
        if self._present_from_stdin:
            raise Failure("a new password is needed; give it as the next line, with --new-password-stdin")
        return _typed("New password", repeat=True)


def _given(option: str) -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Failure(f"{option}: there is no line for it on standard input")
    return line


def _typed(prompt: str, *, repeat: bool = False) -> str:
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=repeat, err=True)
    return answer
