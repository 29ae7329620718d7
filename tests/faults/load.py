"""Devices that report as fast as the server confirms, and write down what it confirmed: the history of a fault test.

`python -m faults.load PORT HISTORY` with one line `client id, password, device key, first number, window` per device on
standard input. Each report carries the next number as `energy_total`. Lines of the history: `A key number` for a
PUBACK, `C key number` for a command that wrote `countdown`, `O key` when a device is connected. The process ends when
every connection has.
"""

import asyncio
import os
import sys
from decimal import Decimal

from mooring.protocol import ttlv
from mooring.protocol.frame import Frame, decode, encode
from mooring.protocol.mqtt import (
    ClientSession,
    Connect,
    Event,
    Limits,
    PublishAcked,
    PublishReceived,
    Resends,
    Subscribed,
)
from mooring.protocol.ttlv import Field

COUNTDOWN, ENERGY = 7, 5
_REPORT, _WRITE = 0x0014, 0x0013
_QUIET = Limits(resends=Resends(after_s=1e6), max_in_flight=64)


class LoadDevice(asyncio.Protocol):
    """One device with `window` reports in flight."""

    def __init__(self, history: int, client_id: str, password: str, key: str, first: int, window: int) -> None:
        self._history = history
        self._client_id = client_id
        self._password = password
        self._key = key
        self._number = first
        self._window = window
        self._mqtt = ClientSession(0.0, _QUIET)
        self._in_flight: dict[int, int] = {}
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._mqtt.connect(Connect(self._client_id, None, self._password.encode(), 0), 0.0)
        transport.write(self._mqtt.data_to_send())
        self._mqtt_subscribed = False

    def data_received(self, data: bytes) -> None:
        for event in self._mqtt.receive_data(data, 0.0):
            self._take(event)
        self._transport.write(self._mqtt.data_to_send())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _take(self, event: Event) -> None:
        if isinstance(event, PublishAcked):
            self._note(f"A {self._key} {self._in_flight.pop(event.packet_id)}")
            self._report()
        elif isinstance(event, PublishReceived):
            frame = decode(event.payload)
            if frame.command == _WRITE:
                [field] = ttlv.decode(frame.payload)
                self._note(f"C {self._key} {field.value!s}")
            if event.qos:
                self._mqtt.acknowledge(event.packet_id)
        elif isinstance(event, Subscribed):
            self._note(f"O {self._key}")
            for _ in range(self._window):
                self._report()
        elif not self._mqtt_subscribed:
            self._mqtt_subscribed = True
            self._mqtt.subscribe([(f"q/1/d/{self._client_id}/+", 1)], 0.0)

    def _report(self) -> None:
        self._number += 1
        payload = ttlv.encode([Field(ENERGY, Decimal(self._number))])
        frame = encode(Frame(self._number % 0xFFFE + 1, _REPORT, payload))
        packet_id = self._mqtt.publish(f"q/2/d/{self._client_id}/bus", frame, 1, 0.0)
        self._in_flight[packet_id] = self._number

    def _note(self, line: str) -> None:
        os.write(self._history, f"{line}\n".encode())


async def main() -> None:
    port, path = int(sys.argv[1]), sys.argv[2]
    history = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    loop = asyncio.get_running_loop()
    devices = []
    for line in sys.stdin:
        client_id, password, key, first, window = line.split()
        device = LoadDevice(history, client_id, password, key, int(first), int(window))
        await loop.create_connection(lambda device=device: device, "127.0.0.1", port)  # type: ignore[misc]
        devices.append(device)
    await asyncio.gather(*(device.ended for device in devices))


if __name__ == "__main__":
    asyncio.run(main())
