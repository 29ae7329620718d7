"""A PostgreSQL server for the tests: the one named by MOORING_TEST_POSTGRES, else one started from Debian's package.

A started server lives in a temporary directory, listens on a free loopback port, and is stopped by the pid it had.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["postgres_server"]


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3])
    return found[-1].parent if found else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgres_server() -> Iterator[str | None]:
    """Yields a URL of the server's `postgres` database, or None when there is no PostgreSQL on this machine."""
    given = os.environ.get("MOORING_TEST_POSTGRES")
    programs = _programs()
    if given or programs is None:
        yield given
        return
    directory = Path(tempfile.mkdtemp(prefix="mooring-postgres-"))
    # The server refuses to run as root; Debian's package brings the user it is meant to run as.
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    if owner is not None:
        os.chown(directory, owner.pw_uid, owner.pw_gid)
    data, port = directory / "data", _free_port()

    def run(*command: str) -> None:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd=directory,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        )

    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {directory} -c fsync=off -c max_connections=300"
    try:
        run(str(programs / "initdb"), "-D", str(data), "-U", "mooring", "-A", "trust", "-E", "UTF8", "--no-locale")
        run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(directory / "log"), "-o", options, "start")
        try:
            yield f"postgresql://mooring@127.0.0.1:{port}/postgres"
        finally:
            run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
