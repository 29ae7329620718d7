"""A PostgreSQL server of one test, which may be killed and started again."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["OwnPostgres", "own_postgres"]

_WITHIN_S = 60.0


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and os.environ.get("CI"):
        pytest.fail("PostgreSQL is missing; Debian package postgresql")
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    return found[-1].parent


class OwnPostgres:
    """Writes to disk as a real one does (fsync is on), so that a kill loses nothing that was committed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._programs = _programs()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._run("initdb", "-D", self._data, "-U", "mooring", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql://mooring@127.0.0.1:{self.port}/postgres"

    @property
    def _data(self) -> str:
        return str(self._directory / "data")

    def start(self) -> None:
        """Returns when connections are taken. A killed server's processes may still hold its memory: try until then."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._directory}"
        until = time.monotonic() + _WITHIN_S
        while True:
            log = str(self._directory / "log")
            started = self._try("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")
            if started.returncode == 0:
                return
            assert time.monotonic() < until, started.stdout + started.stderr
            time.sleep(0.2)

    def kill(self) -> None:
        """`kill -9`, also of the processes that serve connections: they would finish what they have begun."""
        number = int((self._directory / "data" / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        for process in (number, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        self._try("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    def _run(self, name: str, *arguments: str) -> None:
        ended = self._try(name, *arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def _try(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        # The server refuses to run as root; Debian's package brings the user it is meant to run as.
        owner = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        command = [*owner, str(self._programs / name), *arguments]
        with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open in the server
            ended = subprocess.run(command, stdout=output, stderr=output, timeout=_WITHIN_S, cwd=self._directory)
            output.seek(0)
            return subprocess.CompletedProcess(command, ended.returncode, output.read(), "")


@contextlib.contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A server that runs; its directory is one that its user can reach."""
    directory = Path(tempfile.mkdtemp(prefix="mooring-postgres."))
    try:
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        server = OwnPostgres(directory)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
