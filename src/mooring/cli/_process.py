"""A `mooring up` and a `mooring device run` of our own: started, waited for, stopped by their pid."""

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["DeviceRun", "UpFailed", "running_platform"]

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
    command += ["--mqtt-port", str(_usable_port(1883)), "--amqp-port", str(_usable_port(5672))]
    command += ["--log-level", "warning"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
    try:
        for line in process.stdout or ():
            if _READY in line:
                break
        else:
            raise UpFailed(process.wait())
        yield json.loads((data / "demo.json").read_text())
    finally:
        _stop(process)
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


class DeviceRun:
    """`mooring device run` with one device; the product secret goes by the environment, where no other user sees it."""

    def __init__(self, arguments: Sequence[str], product_secret: str) -> None:
        command = [sys.executable, "-m", "mooring", "device", "run", *arguments]
        environment = {**os.environ, "MOORING_PRODUCT_SECRET": product_secret}
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # None: there will be no more
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def until(self, what: str, within_s: float) -> Iterator[str]:
        """Its lines from where the last call ended to the first that tells of this happening, at most so long."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                return
            if line is None:
                return
            yield line
            if line.split()[2:3] == [what]:
                return

    def stop(self) -> None:
        """End it, as a loss of power would: devices send no DISCONNECT."""
        _stop(self._process)
        self._reader.join()

    def _read(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    self._lines.put(line.rstrip())
        self._lines.put(None)


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
