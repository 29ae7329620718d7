"""Server processes to measure: started, pinned to a core, waited for, stopped by their own handle."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchFailed

__all__ = ["Cores", "Running", "cores", "environment", "mooring_up", "running"]

_ROOT = Path(__file__).parent.parent
_READY = re.compile(r"(?:ready: .*?|Listening at: )http://[0-9.:]+.*")
_BASE_URL = re.compile(r"http://[0-9.:]+")
_MQTT_PORT = re.compile(r"mqtt://[0-9.]+:(\d+)")
_AMQP_PORT = re.compile(r"amqp://[0-9.]+:(\d+)")
_START_S = 30.0
_STOP_S = 15.0
_POLL_S = 0.002


@dataclass(frozen=True, slots=True)
class Cores:
    """Command prefixes that pin the server to one core and the load to another; empty on a single core."""

    server: tuple[str, ...]
    load: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens. `start_s` is the time from its start to its ready line."""

    ready_line: str
    start_s: float
    pid: int

    @property
    def base_url(self) -> str:
        """Where it serves HTTP."""
        return str(_BASE_URL.findall(self.ready_line)[0])

    @property
    def mqtt_port(self) -> int:
        """Where it serves MQTT, on 127.0.0.1."""
        return int(_MQTT_PORT.findall(self.ready_line)[0])

    @property
    def amqp_port(self) -> int:
        """Where it serves AMQP, on 127.0.0.1."""
        return int(_AMQP_PORT.findall(self.ready_line)[0])

    def resident_bytes(self) -> int:
        """Memory that the process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        [kilobytes] = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kilobytes) * 1024

    def processor_s(self) -> float:
        """Processor time that the process and its children have used, in seconds."""
        return sum(_ticks(pid) for pid in _family(self.pid)) / os.sysconf("SC_CLK_TCK")


def cores() -> Cores:
    """The first core for the load, the last for the server."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        return Cores((), ())
    return Cores(("taskset", "-c", str(usable[-1])), ("taskset", "-c", str(usable[0])))


def mooring_up(data: Path) -> list[str]:
    """The command of a real Mooring on free ports."""
    python = [sys.executable, "-m", "mooring", "up"]
    return [
        *python,
        "--data",
        str(data),
        "--http-port",
        "0",
        "--mqtt-port",
        "0",
        "--amqp-port",
        "0",
        "--log-level",
        "warning",
    ]


def environment() -> dict[str, str]:
    """What processes of the benchmark find: the code of this checkout, and no setting of whoever runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOORING_")}
    return {**kept, "PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"}


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, ready: re.Pattern[str] = _READY, within_s: float = _START_S
) -> Iterator[Running]:
    """The server while the block runs; its output goes to `log`. Raises BenchFailed when it does not say `ready`.

    It runs in the folder of `log`, so that neither MOORING_ variables nor a mooring.toml change what is measured.
    """
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, env=environment(), start_new_session=True
        )
    try:
        yield _wait(process, log, ready, started, within_s)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, then end it with the workers it leaves behind; all of them are children of ours."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(
    process: subprocess.Popen[bytes], log: Path, ready: re.Pattern[str], started: float, within_s: float
) -> Running:
    while time.perf_counter() - started < within_s:
        found = ready.search(log.read_text())
        if found is not None:
            return Running(found[0], time.perf_counter() - started, process.pid)
        if process.poll() is not None:
            raise BenchFailed(f"the server ended with {process.returncode}: {log.read_text().strip()[-500:]}")
        time.sleep(_POLL_S)
    raise BenchFailed(f"the server was not ready after {within_s:.0f} s: {log.read_text().strip()[-500:]}")


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in children.read_text().split()]
    return found


def _ticks(pid: int) -> int:
    """User and system time, the 14th and 15th field of proc(5); the second is the name, in parentheses."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
