"""The brokers that are measured beside: for devices Mosquitto and amqtt, taking everything and keeping nothing; for
consumers RabbitMQ.
"""

import contextlib
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from .errors import BenchFailed
from .processes import Cores, Running, running

__all__ = ["amqtt", "find_mosquitto", "find_rabbitmq", "free_port", "mosquitto", "rabbitmq"]

_MOSQUITTO_READY = re.compile(r"mosquitto version \S+ running")
_AMQTT_READY = re.compile(r"amqtt is ready: .*")
_RABBITMQ_READY = re.compile(r"RabbitMQ is ready: (amqp://\S+)")
_WITH_RABBITMQ = Path(__file__).parent.parent / "tools/with-rabbitmq"
_RABBITMQ_START_S = 180.0  # on one core that has other work
_STATISTICS_MS = 5_000  # RabbitMQ's own default; the tests want it faster
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


def find_rabbitmq() -> str:
    """The program rabbitmq-server. Raises BenchFailed."""
    found = shutil.which("rabbitmq-server", path=f"/usr/lib/rabbitmq/bin:{_SYSTEM_FOLDERS}")
    if found is None:
        raise BenchFailed("RabbitMQ is missing; run: sudo apt-get install rabbitmq-server")
    return found


@contextlib.contextmanager
def rabbitmq(work: Path, cores: Cores) -> Iterator[tuple[Running, str]]:
    """Debian's RabbitMQ as deploy/rabbitmq configures it, and the URL of its administrator. Raises BenchFailed."""
    node = [str(_WITH_RABBITMQ), sys.executable, "-m", "bench.rabbitmq_ready"]
    command = [*cores.server, "env", f"STATISTICS_MS={_STATISTICS_MS}", *node]
    with running(command, work / "rabbitmq.log", _RABBITMQ_READY, _RABBITMQ_START_S) as broker:
        yield broker, str(_RABBITMQ_READY.findall(broker.ready_line)[0])


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
