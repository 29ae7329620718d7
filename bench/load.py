"""Load from wrk: one thread, a fixed number of connections, each with one request in flight."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .errors import BenchFailed

__all__ = ["CONNECTIONS", "Load", "find_wrk", "run_load"]

CONNECTIONS = 32

_SCRIPT = Path(__file__).with_name("wrk.lua")
_MARK = "RESULT "


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What wrk saw. Times of a call are milliseconds from sending to the whole answer."""

    calls: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds


def find_wrk() -> str:
    """The program wrk; as root it is installed when missing. Raises BenchFailed."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (("update", "-q"), ("install", "-y", "-q", "--no-install-recommends", "wrk")):
            subprocess.run(("apt-get", *command), check=False, env=environment)
    found = shutil.which("wrk")
    if found is None:
        raise BenchFailed("wrk is missing; run: sudo apt-get install wrk")
    return found


def run_load(base_url: str, paths: Path, headers: Sequence[str], seconds: int, prefix: Sequence[str] = ()) -> Load:
    """Ask for the paths in the file `paths` for some seconds. Raises BenchFailed when a call failed on the way."""
    command = [*prefix, find_wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(_SCRIPT)]
    for header in headers:
        command += ["-H", header]
    done = subprocess.run([*command, base_url, "--", str(paths)], capture_output=True, text=True, check=False)
    results = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if done.returncode != 0 or not results:
        raise BenchFailed(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
    load = msgspec.json.decode(results[0].removeprefix(_MARK), type=Load)
    if load.errors or not load.calls:
        raise BenchFailed(f"{load.errors} of {load.calls} calls to {base_url} failed on the way or had no status 200")
    return load
