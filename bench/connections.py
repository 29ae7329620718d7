"""Memory of connected devices that are silent: resident memory of the server, before and after they came."""

import asyncio
import time
from pathlib import Path

import msgspec

from .dataset import seed_fleet
from .device_load import Order, Outcome
from .errors import BenchFailed
from .player import player
from .processes import Cores, mooring_up, running

__all__ = ["MAX_KILOBYTES", "Connections", "measure_connections"]

MAX_KILOBYTES = 10.0
_REST_S = 2.0
_FIRST = 50  # devices that come and go before, so that what the first one costs for all is there


class Connections(msgspec.Struct, frozen=True):
    """So many devices, authenticated and subscribed; a kilobyte is 1,000 bytes of resident memory, for each of them."""

    devices: int
    kilobytes: float
    resident_mb: float

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.kilobytes <= MAX_KILOBYTES


def measure_connections(work: Path, devices: int, cores: Cores) -> Connections:
    """Connect so many devices. Raises BenchFailed."""
    data = work / "connection-data"
    _, fleet = asyncio.run(seed_fleet(data, devices))
    fleet_file = work / "connection-fleet.json"
    fleet_file.write_bytes(msgspec.json.encode(fleet))
    arguments = [str(fleet_file), "0", "0"]
    with (
        running([*cores.server, *mooring_up(data)], work / "connection-mooring.log") as mooring,
        player("bench.device_load", arguments, Outcome, cores, work / "connection_load.log") as load,
    ):

        def connect(count: int) -> None:
            order = Order(do="connect", server="Mooring", port=mooring.mqtt_port, devices=count)
            outcome = load.order(order)
            if outcome.error or outcome.messages != count:
                raise BenchFailed(outcome.error or f"{outcome.messages} of {count} devices are connected")
            time.sleep(_REST_S)

        connect(min(_FIRST, devices))
        load.order(Order(do="close", server="Mooring"))
        time.sleep(_REST_S)
        before = mooring.resident_bytes()
        connect(devices)
        after = mooring.resident_bytes()
    return Connections(devices, (after - before) / devices / 1e3, after / 1e6)
