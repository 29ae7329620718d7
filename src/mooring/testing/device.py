"""A device in a test: the device SDK, in the thread of the cloud."""

from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from mooring.device import Device

__all__ = ["SimulatedDevice"]

T = TypeVar("T")


class Run(Protocol):
    """Carries something out on the cloud's event loop and waits for it."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T: ...


class SimulatedDevice:
    """A device that is online, speaks the protocol of real ones, and does what the test says.

    What is written to it, it takes and reports back; what it is asked for, it answers from `values`. A service is
    answered with what `answers` says, and not at all otherwise. `written` has all writes, oldest first, `called` all
    services with their inputs, `received` all transparent data.
    """

    def __init__(self, run: Run, device: Device) -> None:
        self._run = run
        self._device = device
        self._answers: dict[str, Mapping[str, object]] = {}
        self.written: list[dict[str, object]] = []
        self.called: list[tuple[str, dict[str, object]]] = []
        self.received: list[bytes] = []
        device.on_write(self._on_write)
        device.on_service(self._on_service)
        device.on_raw(self.received.append)

    def __repr__(self) -> str:
        return f"SimulatedDevice({self.product_key!r}, {self.device_key!r})"

    @property
    def product_key(self) -> str:
        """The ProductKey."""
        return self._device.product_key

    @property
    def device_key(self) -> str:
        """The DeviceKey."""
        return self._device.device_key

    @property
    def values(self) -> Mapping[str, object]:
        """The properties by code, as last reported or written."""
        return dict(self._device.values)

    def report(self, values: Mapping[str, object] | None = None, **named: object) -> None:
        """Report properties; returns when the cloud has them. Raises `mooring.thingmodel.DataError`."""
        self._run(self._device.report({**(values or {}), **named}))

    def event(self, code: str, outputs: Mapping[str, object] | None = None, **named: object) -> None:
        """Raise an event of the thing model; returns when the cloud has it."""
        self._run(self._device.event(code, {**(outputs or {}), **named}))

    def send_raw(self, data: bytes) -> None:
        """Send transparent data; returns when the cloud has it."""
        self._run(self._device.send_raw(data))

    def locate(self, sentences: str) -> None:
        """Report a position: NMEA sentences, each followed by ";"."""
        self._run(self._device.locate(sentences))

    def answers(self, service: str, outputs: Mapping[str, object] | None = None, **named: object) -> None:
        """Say what a service answers from now on."""
        self._answers[service] = {**(outputs or {}), **named}

    def go_offline(self) -> None:
        """Close the connection; returns when the cloud knows."""
        self._run(self._device.pause())

    def go_online(self) -> None:
        """Connect again; returns when the cloud knows."""
        self._run(self._connect())

    def close(self) -> None:
        """Go offline for good."""
        self._run(self._device.close())

    async def _connect(self) -> None:
        await self._device.start()
        await self._device.wait_connected()

    def _on_write(self, values: dict[str, object]) -> None:
        self.written.append(values)

    def _on_service(self, code: str, inputs: dict[str, object]) -> Mapping[str, object] | None:
        self.called.append((code, inputs))
        return self._answers.get(code)
