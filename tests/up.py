"""`mooring up` as a user starts it: a process of its own on a free port."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Failed", "Running", "mooring_up", "start_and_fail"]

_START_S = 120
_BASE_URL = re.compile(r"OpenAPI (http://\S+)/v2")
_MQTT = re.compile(r"mqtt://(\S+):(\d+)")
_MQTTS = re.compile(r"mqtts://(\S+):(\d+)")
_PASSWORD = re.compile(r"one-time password (\S+)")


class Failed(Exception):
    """The process ended before it was ready."""


@dataclass
class Running:
    """A running platform. `lines` is its standard output so far; `logs()` its standard error.

    `mqtt_port` is that of devices, `mqtts_port` the one with TLS, 0 when there is none.
    """

    process: "subprocess.Popen[str]"
    base_url: str
    lines: list[str]
    log_file: Path
    stopped: int | None = None
    password: str | None = field(init=False)
    mqtt_port: int = field(init=False)
    mqtts_port: int = field(init=False)

    def __post_init__(self) -> None:
        mqtt, mqtts = _MQTT.search(self.lines[-1]), _MQTTS.search(self.lines[-1])
        self.mqtt_port = int(mqtt[2]) if mqtt else 0
        self.mqtts_port = int(mqtts[2]) if mqtts else 0
        found = _PASSWORD.search("\n".join(self.lines))
        self.password = found.group(1) if found else None

    def logs(self) -> str:
        return self.log_file.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process by a signal; its exit code."""
        if self.stopped is None:
            self.process.send_signal(number)
            self.stopped = self.process.wait(_START_S)
        return self.stopped


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "mooring", "up", *arguments]


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOORING_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **(extra or {})}


@contextlib.contextmanager
def mooring_up(data: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Runs until the block ends. Raises Failed with what the process said."""
    log_file = data.with_name(f"{data.name}.{os.urandom(4).hex()}.log")
    with log_file.open("w") as log:
        process = subprocess.Popen(
            _command(("--data", str(data), "--http-port", "0", "--mqtt-port", "0", "--amqp-port", "0", *arguments)),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=_environment(env),
            cwd=data.parent,
        )
    lines: list[str] = []
    watchdog = threading.Timer(_START_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if "is ready" in line:
                break
        else:
            raise Failed(f"exit code {process.wait()}: {log_file.read_text()}")
        watchdog.cancel()
        found = _BASE_URL.search(lines[-1])
        assert found is not None
        running = Running(process, found.group(1), lines, log_file)
        yield running
        running.stop()
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def start_and_fail(data: Path, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Starts a platform that must not come up: its exit code and standard error."""
    ended = subprocess.run(
        _command(("--data", str(data), "--http-port", "0", "--mqtt-port", "0", "--amqp-port", "0", *arguments)),
        capture_output=True,
        text=True,
        timeout=_START_S,
        env=_environment(env),
        cwd=data.parent,
    )
    return ended.returncode, ended.stderr
