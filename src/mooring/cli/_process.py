"""A `mooring up` of our own: started, waited for, stopped by its pid."""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["UpFailed", "running_platform"]

_READY = "is ready"
_STOP_S = 20


class UpFailed(Exception):
    """`mooring up` ended before it was ready; `exit_code` is its own."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(f"mooring up ended with exit code {exit_code}")


@contextlib.contextmanager
def running_platform(data: Path, http_port: int | None) -> Iterator[dict[str, Any]]:
    """Runs `mooring up --demo` and yields its demo.json. Raises UpFailed; its own line is on standard error already."""
    port = _usable_port(8080) if http_port is None else http_port
    command = [sys.executable, "-m", "mooring", "up", "--demo", "--data", str(data), "--http-port", str(port)]
    command += ["--mqtt-port", str(_usable_port(1883)), "--log-level", "warning"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
    try:
        for line in process.stdout or ():
            if _READY in line:
                break
        else:
            raise UpFailed(process.wait())
        yield json.loads((data / "demo.json").read_text())
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _usable_port(usual: int) -> int:
    """The usual port when it is free, else 0, which lets the system pick one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            return 0
    return usual
