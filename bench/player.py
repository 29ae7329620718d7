"""A process that plays something on the core of the load: started, given orders, ended with its input."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from .errors import BenchFailed
from .processes import Cores, environment

__all__ = ["Player", "player"]

_STOP_S = 15.0

T = TypeVar("T")


class Player(Generic[T]):
    """Takes orders, answers each with a value of `kind`."""

    def __init__(self, process: subprocess.Popen[str], kind: type[T], log: Path) -> None:
        self._process = process
        self._kind = kind
        self._log = log

    def order(self, order: msgspec.Struct) -> T:
        """Do it. Raises BenchFailed when the process has ended."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(order).decode() + "\n")
            self._process.stdin.flush()
        return msgspec.json.decode(self.line(), type=self._kind)

    def line(self) -> str:
        """What it says next. Raises BenchFailed when it has ended."""
        assert self._process.stdout is not None
        found = self._process.stdout.readline()
        if not found:
            raise BenchFailed(f"the load ended with {self._process.wait()}: {self._log.read_text().strip()[-500:]}")
        return found


@contextlib.contextmanager
def player(module: str, arguments: Sequence[str], kind: type[T], cores: Cores, log: Path) -> Iterator[Player[T]]:
    """`python -m module` while the block runs, once it has said that it is ready."""
    command = [*cores.load, sys.executable, "-m", module, *arguments]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            cwd=log.parent,
            env=environment(),
        ) as process,
    ):
        try:
            found = Player(process, kind, log)
            found.line()
            yield found
        finally:
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
