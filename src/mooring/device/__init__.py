"""Python SDK for devices, and the simulator.

    async with Device(product_key, product_secret, device_key, secret_file=Path("secret.json"), model=tsl) as device:
        await device.report({"power": 12.5})

Rules of this room:

- `core` decides: the life of a device over any number of connections, without input and output. `link` is its MQTT
  session, `configuration` what a 00B4 means to it, `settings`, `codes` and `events` are its values.
- `device`, `wire`, `application`, `memory` and `clock` are the shell: sockets, tasks, files, time.
- `scenario`, `movements`, `track` and `plan` say what a simulated device does; they draw from one seed and wait for
  nothing. `simulator` plays them.
- A device behaves as the public SDK 2.9.0 does, as far as the contract tells. Where it does better it says so.

Contract: `device-protocol.md`, `tsl.md` sections 9 and 10.
"""

from mooring.device.codes import EventNumber
from mooring.device.core import State
from mooring.device.device import Device, EventStream
from mooring.device.errors import (
    DeliveryFailed,
    DeviceError,
    InvalidMessage,
    ModelMissing,
    NotConnected,
    Refused,
    SecretFileUnusable,
)
from mooring.device.events import DeviceEvent
from mooring.device.scenario import Scenario, ScenarioError, read_scenario
from mooring.device.settings import Timing
from mooring.device.simulator import Fleet, GatewayOf, Happening, Kind, Simulator
from mooring.device.sub_device import SubDevice

__all__ = [
    "DeliveryFailed",
    "Device",
    "DeviceError",
    "DeviceEvent",
    "EventNumber",
    "EventStream",
    "Fleet",
    "GatewayOf",
    "Happening",
    "InvalidMessage",
    "Kind",
    "ModelMissing",
    "NotConnected",
    "Refused",
    "Scenario",
    "ScenarioError",
    "SecretFileUnusable",
    "Simulator",
    "State",
    "SubDevice",
    "Timing",
    "read_scenario",
]
