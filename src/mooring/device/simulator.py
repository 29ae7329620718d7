"""Any number of simulated devices in one process, on one event loop.

Each is a `Device` that plays a `Plan`: it reports, raises events and moves by itself, answers reads with its present
values, takes writes and reports them back, and answers services. What happens is told to one listener.
"""

import asyncio
import enum
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from mooring.device.clock import Clock, SystemClock
from mooring.device.codes import OK, EventNumber
from mooring.device.core import State
from mooring.device.device import INNER_CODES, Device
from mooring.device.errors import DeliveryFailed, NotConnected, Refused
from mooring.device.events import DeviceEvent
from mooring.device.movements import exact
from mooring.device.plan import Action, GoOffline, GoOnline, Locate, Plan, RaiseEvent, ReportValues
from mooring.device.scenario import Constant, Scenario, ScenarioError, Steps
from mooring.device.scenario import Sequence as SequenceRule
from mooring.device.settings import Timing
from mooring.device.sub_device import SubDevice
from mooring.device.track import sentences
from mooring.protocol import credentials
from mooring.thingmodel import DataError, ModelCodec

__all__ = ["SIMULATOR_TIMING", "Fleet", "GatewayOf", "Happening", "Kind", "Simulator"]

SIMULATOR_TIMING: Final = Timing(rest_s=30.0, long_refusal_s=60.0)
"""As devices wait, but for the long pauses: somebody is watching."""

_START_GAP_S: Final = 0.005  # between the starts of two devices, so that a thousand do not knock at once


class Kind(enum.StrEnum):
    """What happened."""

    AUTHENTICATED = "authenticated"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    REFUSED = "refused"
    REPORTED = "reported"
    EVENT = "event"
    LOCATED = "located"
    WRITTEN = "written"
    READ = "read"
    SERVICE = "service"
    RAW = "raw"
    FAILED = "failed"
    OFFLINE = "offline"
    NOTICE = "notice"


class Happening(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something a simulated device did or that was done to it. `at_ms` is Unix time in milliseconds."""

    at_ms: int
    device_key: str
    kind: Kind
    text: str = ""
    code: int = 0  # of the platform, when there is one
    advice: str = ""
    values: Mapping[str, object] = {}


class GatewayOf(msgspec.Struct, frozen=True):
    """The gateway that the devices of a fleet are behind. No representation shows a secret."""

    product_key: str
    product_secret: str
    device_key: str
    device_secret: str | None = None

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("product_key", self.product_key), ("device_key", self.device_key)]

    def __repr__(self) -> str:
        return f"GatewayOf({self.product_key!r}, {self.device_key!r})"


class Fleet(msgspec.Struct, frozen=True):
    """Which devices to simulate, with a `gateway` as its sub-devices. No representation shows a secret."""

    product_key: str
    product_secret: str
    device_keys: Sequence[str]
    host: str = "127.0.0.1"
    port: int | None = None
    tls: ssl.SSLContext | bool = False
    model: Mapping[str, Any] | None = None
    scenario: Scenario = Scenario()
    seed: str = ""
    secrets_dir: Path | None = None  # a file for each device's secret; else they are lost at the end
    device_secrets: Mapping[str, str] = {}
    timing: Timing = SIMULATOR_TIMING
    gateway: GatewayOf | None = None

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("product_key", self.product_key), ("device_keys", self.device_keys)]

    def __repr__(self) -> str:
        return f"Fleet({self.product_key!r}, {len(self.device_keys)} devices)"


class Simulator:
    """Runs a fleet. Raises `ScenarioError` when the scenario does not fit the model."""

    def __init__(self, fleet: Fleet, listener: Callable[[Happening], None], *, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        codec = None if fleet.model is None else ModelCodec.of(fleet.model)
        if codec is not None:
            _check_values(fleet.scenario, codec)
        self._clock = clock
        self._devices: list[_Simulated] = []
        gateway = None
        if fleet.gateway is not None:
            gateway = _gateway(fleet, fleet.gateway, clock)
            empty = Plan(None, Scenario(), "")
            self._devices.append(_Simulated(fleet.gateway.device_key, gateway, empty, listener, clock))
        for key in fleet.device_keys:
            plan = Plan(fleet.model, fleet.scenario, f"{fleet.seed}/{key}")
            made = _device(fleet, key, codec, clock) if gateway is None else _sub_device(fleet, key, codec, gateway)
            self._devices.append(_Simulated(key, made, plan, listener, clock))

    @property
    def ever_connected(self) -> int:
        """How many devices were connected at least once."""
        return sum(device.ever_connected for device in self._devices)

    async def run(self) -> None:
        """Simulate until cancelled, or until the cloud has barred every device. Raises `SecretFileUnusable`."""
        try:
            async with asyncio.TaskGroup() as group:
                for device in self._devices:
                    group.create_task(device.live())
                    await asyncio.sleep(_START_GAP_S)
        finally:
            # A gateway comes first in the list, and goes last.
            await asyncio.gather(*(device.close() for device in self._devices[1:]))
            await asyncio.gather(*(device.close() for device in self._devices[:1]))


class _Simulated:
    """One device and its plan."""

    def __init__(
        self,
        key: str,
        device: Device | SubDevice,
        plan: Plan,
        listener: Callable[[Happening], None],
        clock: Clock,
    ) -> None:
        self._key = key
        self._listener = listener
        self._clock = clock
        self._plan = plan
        self._device = device
        self._began: float | None = None
        self._online = False
        self.ever_connected = False
        self._wake = asyncio.Event()
        device.on_event(self._on_event)
        device.on_write(self._on_write)
        device.on_read(self._on_read)
        device.on_service(self._on_service)
        device.on_raw(self._on_raw)
        device.on_location_request(self._on_location_request)

    async def live(self) -> None:
        """Connect, then do what the plan says; return when the cloud has barred the device."""
        await self._device.start()
        try:
            await self._device.wait_connected(patiently=True)
        except Refused:
            return  # told by its event
        self._began = self._clock.monotonic()
        while self._device.state is not State.BARRED:
            await self._sleep()
            for action in self._plan.step(self._elapsed, self._clock.now_ms()):
                await self._act(action)

    async def close(self) -> None:
        """Stop."""
        await self._device.close()

    @property
    def _elapsed(self) -> float:
        return 0.0 if self._began is None else self._clock.monotonic() - self._began

    async def _sleep(self) -> None:
        """Wait until the plan has something to do, or the device is barred."""
        due = self._plan.due
        timer = None if due is None or self._began is None else self._clock.call_at(self._began + due, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            self._wake.clear()
            if timer is not None:
                timer.cancel()

    async def _act(self, action: Action) -> None:
        try:
            await self._do(action)
        except NotConnected:
            pass  # told when the connection went
        except (DeliveryFailed, DataError) as error:
            self._say(Kind.FAILED, str(error))

    async def _do(self, action: Action) -> None:
        match action:
            case ReportValues(values=values):
                await self._device.report(values)
                self._say(Kind.REPORTED, values=values)
            case RaiseEvent(code=code, outputs=outputs):
                await self._device.event(code, outputs)
                self._say(Kind.EVENT, code, values=outputs)
            case Locate(text=text):
                await self._device.locate(text)
                self._say(Kind.LOCATED, text)
            case GoOffline():
                await self._device.pause()
                self._online = False
                self._say(Kind.OFFLINE)
            case GoOnline():
                await self._device.start()

    # What the cloud does

    def _on_write(self, values: dict[str, object]) -> None:
        self._plan.write(values)
        self._say(Kind.WRITTEN, values=values)

    def _on_read(self, codes: list[str]) -> dict[str, object]:
        values = self._plan.read(codes, self._elapsed, self._clock.now_ms())
        self._say(Kind.READ, ", ".join(codes), values=values)
        return values

    def _on_service(self, code: str, inputs: dict[str, object]) -> dict[str, object] | None:
        self._plan.write(inputs)  # an input may be a property
        outputs = self._plan.call(code, self._elapsed, self._clock.now_ms())
        self._say(Kind.SERVICE, code if outputs is not None else f"{code}, not answered", values=inputs)
        return outputs

    def _on_raw(self, data: bytes) -> None:
        self._say(Kind.RAW, data.hex())

    def _on_location_request(self, _kinds: tuple[str, ...]) -> str:
        text = sentences(self._plan.fix(self._elapsed), self._clock.now_ms())
        self._say(Kind.LOCATED, text)
        return text

    def _on_event(self, event: DeviceEvent) -> None:
        if self._device.state is State.BARRED:
            self._wake.set()
        if self._device.state is State.ONLINE and not self._online:
            self._online = self.ever_connected = True
            self._say(Kind.CONNECTED)
        if event.event is EventNumber.AUTHENTICATION and event.code == OK:
            self._say(Kind.AUTHENTICATED)
        elif event.event in (EventNumber.SENDING, EventNumber.RECEIVING) or event.code == OK:
            return
        elif event.event is EventNumber.LOGOUT:
            return  # it was this side's doing
        elif event.event is EventNumber.NOTICE:
            self._say_event(Kind.NOTICE if self._online else Kind.REFUSED, event)
            self._online = self._online and self._device.state is State.ONLINE
        elif event.event is EventNumber.UPGRADE:
            self._say_event(Kind.NOTICE, event)
        else:
            self._online = False
            self._say_event(Kind.DISCONNECTED if event.code in INNER_CODES else Kind.REFUSED, event)

    def _say_event(self, kind: Kind, event: DeviceEvent) -> None:
        text = f"{event.meaning} ({event.detail})" if event.detail else event.meaning
        self._say(kind, text, code=event.code, advice=event.advice or "")

    def _say(
        self, kind: Kind, text: str = "", *, code: int = 0, advice: str = "", values: Mapping[str, object] | None = None
    ) -> None:
        self._listener(Happening(self._clock.now_ms(), self._key, kind, text, code, advice, values or {}))


def _device(fleet: Fleet, key: str, codec: ModelCodec | None, clock: Clock) -> Device:
    return Device(
        fleet.product_key,
        fleet.product_secret,
        key,
        host=fleet.host,
        port=fleet.port,
        tls=fleet.tls,
        device_secret=fleet.device_secrets.get(key),
        secret_file=_secret_file(fleet, fleet.product_key, key),
        model=codec,
        timing=fleet.timing,
        clock=clock,
    )


def _gateway(fleet: Fleet, gateway: GatewayOf, clock: Clock) -> Device:
    return Device(
        gateway.product_key,
        gateway.product_secret,
        gateway.device_key,
        host=fleet.host,
        port=fleet.port,
        tls=fleet.tls,
        device_secret=gateway.device_secret,
        secret_file=_secret_file(fleet, gateway.product_key, gateway.device_key),
        timing=fleet.timing,
        clock=clock,
    )


def _sub_device(fleet: Fleet, key: str, codec: ModelCodec | None, gateway: Device) -> SubDevice:
    return gateway.sub_device(
        fleet.product_key,
        fleet.product_secret,
        key,
        device_secret=fleet.device_secrets.get(key),
        secret_file=_secret_file(fleet, fleet.product_key, key),
        model=codec,
    )


def _secret_file(fleet: Fleet, product_key: str, device_key: str) -> Path | None:
    if fleet.secrets_dir is None:
        return None
    return fleet.secrets_dir / f"{credentials.client_id(product_key, device_key)}.json"


def _check_values(scenario: Scenario, codec: ModelCodec) -> None:
    """Every value that the scenario gives fits its type in the model."""
    for code, movement in scenario.values.items():
        match movement:
            case Constant(value=value):
                _check(f"values.{code}.value", codec.encode_values, {code: exact(value)})
            case Steps(values=values) | SequenceRule(values=values):
                for place, value in enumerate(values):
                    _check(f"values.{code}.values[{place}]", codec.encode_values, {code: exact(value)})
    for number, event in enumerate(scenario.events or ()):
        outputs = {code: exact(value) for code, value in event.outputs.items()}
        _check(f"event[{number}].outputs", codec.encode_event, event.code, outputs)
    for code, service in scenario.services.items():
        outputs = {name: exact(value) for name, value in service.outputs.items()}
        _check(f"service.{code}.outputs", codec.encode_service_answer, code, outputs)


def _check(key: str, encode: Callable[..., object], *values: object) -> None:
    try:
        encode(*values)
    except DataError as error:
        raise ScenarioError(key, str(error)) from None
