"""The brokers that devices are measured against: Mosquitto and amqtt, taking everything and keeping nothing."""

import contextlib
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from .errors import BenchFailed
from .processes import Cores, Running, running

__all__ = ["amqtt", "find_mosquitto", "free_port", "mosquitto"]

_MOSQUITTO_READY = re.compile(r"mosquitto version \S+ running")
_AMQTT_READY = re.compile(r"amqtt is ready: .*")
_SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"  # not on everybody's path
_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages 0
sys_interval 0
log_dest stderr
log_type information
log_type notice
"""


def find_mosquitto() -> str:
    """The program mosquitto. Raises BenchFailed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SYSTEM_FOLDERS)
    if found is None:
        raise BenchFailed("mosquitto is missing; run: sudo apt-get install mosquitto")
    return found


@contextlib.contextmanager
def mosquitto(work: Path, cores: Cores) -> Iterator[tuple[Running, int]]:
    """Debian's broker and its port. Raises BenchFailed."""
    port = free_port()
    config = work / "mosquitto.conf"
    config.write_text(_CONFIG.format(port=port))
    command = [*cores.server, find_mosquitto(), "-c", str(config)]
    with running(command, work / "mosquitto.log", _MOSQUITTO_READY) as broker:
        yield broker, port


@contextlib.contextmanager
def amqtt(work: Path, cores: Cores) -> Iterator[tuple[Running, int]]:
    """The Python broker and its port. Raises BenchFailed."""
    port = free_port()
    command = [*cores.server, sys.executable, "-m", "bench.amqtt_broker", str(port)]
    with running(command, work / "amqtt.log", _AMQTT_READY) as broker:
        yield broker, port


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
