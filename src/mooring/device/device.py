"""`Device`: one device on an asyncio event loop. The rules are in `core`; here is what waits."""

import asyncio
import contextlib
import logging
import random
import ssl
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from mooring.device import memory as memories
from mooring.device.application import Application
from mooring.device.clock import Clock, SystemClock
from mooring.device.codes import EventNumber
from mooring.device.core import DeviceCore, State
from mooring.device.errors import (
    DeliveryFailed,
    DeviceError,
    InvalidMessage,
    NotConnected,
    Refused,
)
from mooring.device.events import Delivered, DeviceEvent, FrameIgnored, MemoryChanged, Received, Told, Undelivered
from mooring.device.lane import Lane
from mooring.device.memory import Memory
from mooring.device.settings import DEVICE_TIMING, MODULE, STATUS, Identity, Settings, Timing
from mooring.device.speaking import Speaking
from mooring.device.sub_device import SubDevice
from mooring.device.wire import Wire
from mooring.protocol import commands, credentials
from mooring.protocol.commands import (
    ExceptionNotice,
    ModuleInformation,
    Status,
    SubDeviceAnswer,
    SubDeviceAuthentication,
    SubDeviceLogin,
    SubDeviceLogout,
    SubDeviceWithdrawal,
    Uplink,
)
from mooring.thingmodel import ModelCodec

__all__ = ["INNER_CODES", "Device", "EventStream"]

PORT, TLS_PORT = 1883, 8883
MAX_COMMANDS = 1000  # that wait for the application; over it the connection is closed, and the cloud knows what is lost
ANSWER_WITHIN_S = 15.0  # to what is asked for a sub-device
MAX_EVENTS = 10_000  # that wait in one `EventStream`

INNER_CODES = (10450, 10473, 10474, 10475)  # the network's fault, or the way things go: no refusal
_BUFFER_FULL = 10428

_log = logging.getLogger(__name__)


class EventStream(AsyncIterator[DeviceEvent]):
    """The events of a device from now on. Ends when the device is closed; raises `DeviceError` when read too slowly."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[DeviceEvent | None] = asyncio.Queue(MAX_EVENTS)
        self._missed = False

    def put(self, event: DeviceEvent | None) -> None:
        """Add an event, None for the end."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._missed = True

    async def __anext__(self) -> DeviceEvent:
        if self._missed:
            raise DeviceError(f"over {MAX_EVENTS} events waited to be read, which is the limit")
        event = await self._queue.get()
        if event is None:
            self.put(None)  # for whoever reads on
            raise StopAsyncIteration
        return event


class Device(Speaking):
    """A device that authenticates, reports and obeys as the public SDK 2.9.0 does.

    `async with Device(...) as device` connects and waits until the cloud has confirmed the first report; it raises
    `Refused` when the cloud does not want the device. From then on the device connects again by itself. With
    `secret_file` the device secret survives a restart; without it give `device_secret`, or the device cannot come
    back: a cloud hands a secret out once. `tls=True` verifies the server's certificate, which SDK 2.9.0 does not.
    """

    def __init__(
        self,
        product_key: str,
        product_secret: str,
        device_key: str,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        tls: ssl.SSLContext | bool = False,
        device_secret: str | None = None,
        secret_file: Path | None = None,
        model: Mapping[str, object] | bytes | ModelCodec | None = None,
        keep_alive_s: int = 120,
        session_encryption: bool = False,
        echo_writes: bool = True,
        status: Status = STATUS,
        module: ModuleInformation = MODULE,
        timing: Timing = DEVICE_TIMING,
        clock: Clock | None = None,
        chance: random.Random | None = None,
    ) -> None:
        if not 1 <= keep_alive_s <= 0xFFFF:
            raise ValueError("keep_alive_s is 1 to 65535")
        context = ssl.create_default_context() if tls is True else tls or None
        settings = Settings(
            host,
            (TLS_PORT if context else PORT) if port is None else port,
            keep_alive_s,
            session_encryption,
            timing,
            status,
            module,
        )
        self._identity = Identity(product_key, product_secret, device_key)
        self._secret_file = secret_file
        self._clock = clock or SystemClock()
        self._core = DeviceCore(self._identity, settings, Memory(device_secret), chance=chance)
        self._wire = Wire(self._core, self._clock, context, self._on_told)
        self._codec = ModelCodec.of(model) if isinstance(model, Mapping | bytes) else model
        self._status = status
        self._application = Application(self, self._codec, echo_writes=echo_writes)
        self._commands: asyncio.Queue[Received] = asyncio.Queue(MAX_COMMANDS)
        self._changes: asyncio.Queue[Memory] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, asyncio.Future[None]] = {}  # token → whoever waits for its confirmation
        self._connecting: list[asyncio.Future[None]] = []
        self._sub_devices: dict[str, SubDevice] = {}  # by client id
        self._asked: dict[int, asyncio.Future[SubDeviceAnswer]] = {}  # by the packet id of the request
        self._carried = False  # whether the sub-devices know the gateway online
        self._chance = chance or random.SystemRandom()
        self._timing = timing
        self._refusal: DeviceError | None = None
        self._listeners: list[Callable[[DeviceEvent], None]] = []
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()

    def __repr__(self) -> str:
        return f"Device({self.product_key!r}, {self.device_key!r}, {self.state.value})"

    async def __aenter__(self) -> Self:
        await self.start()
        try:
            await self.wait_connected()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # What it is

    @property
    def product_key(self) -> str:
        """The product it belongs to now."""
        return self._core.identity.product_key

    @property
    def device_key(self) -> str:
        """Its key."""
        return self._identity.device_key

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._core.state

    @property
    def secret(self) -> str | None:
        """The device secret, None before the authentication. Keep it as a secret."""
        return self._core.memory.device_secret

    @property
    def may_send(self) -> bool:
        """Whether it is online, so far as it knows."""
        return self.state in (State.READY, State.ONLINE)

    # Its life

    async def start(self) -> None:
        """Begin to connect, or try again at once. Raises `SecretFileUnusable`."""
        if not self._tasks:
            if self._secret_file is not None:
                kept = await asyncio.to_thread(memories.load, self._secret_file, self._identity.client_id)
                if kept != Memory():
                    self._core.remember(kept)
            self._tasks = [asyncio.create_task(self._obey()), asyncio.create_task(self._remember())]
        self._refusal = None
        self._core.start()
        self._wire.move([])

    async def close(self) -> None:
        """Close the connection and stop, and the sub-devices before. What waits for a confirmation raises
        `DeliveryFailed`."""
        await asyncio.gather(*(sub_device.close() for sub_device in self._sub_devices.values()))
        self._wire.move(self._core.stop())
        await self._wire.close()
        tasks, self._tasks = self._tasks, []
        if tasks and not tasks[-1].done():
            await self._changes.join()
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._settle(NotConnected("the device was closed"))
        for stream in self._streams:
            stream.put(None)

    async def pause(self) -> None:
        """Close the connection until `start`; handlers and values stay."""
        self._wire.move(self._core.stop())

    async def wait_connected(self, *, patiently: bool = False) -> None:
        """Return once the cloud has confirmed a report.

        Raises `Refused` when the cloud refuses the device, `patiently` only when the device has stopped trying; else
        it tries again by itself. Raises `SecretFileUnusable` when the secret could not be kept, `NotConnected` when
        the device is closed meanwhile or was not started.
        """
        while self.state is not State.ONLINE:
            if self._refusal is not None and not (patiently and self._tries_again):
                raise self._refusal
            if self.state is State.OFF:
                raise NotConnected("the device is not started")
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._connecting.append(waiter)
            try:
                await waiter
            except Refused:
                if not (patiently and self._tries_again):
                    raise

    @property
    def _tries_again(self) -> bool:
        return self.state not in (State.OFF, State.BARRED)

    def events(self) -> EventStream:
        """Return the events from now on, with the numbers of section 10.2."""
        stream = EventStream()
        self._streams.add(stream)
        return stream

    def on_event(self, listener: Callable[[DeviceEvent], None]) -> Callable[[DeviceEvent], None]:
        """Call a function for every event; it must not wait."""
        self._listeners.append(listener)
        return listener

    # Sub-devices

    def sub_device(
        self,
        product_key: str,
        product_secret: str,
        device_key: str,
        *,
        device_secret: str | None = None,
        secret_file: Path | None = None,
        model: Mapping[str, object] | bytes | ModelCodec | None = None,
        session_encryption: bool = False,
        echo_writes: bool = True,
    ) -> SubDevice:
        """A device behind this one, which is a gateway. It is online after `start`, or in an `async with`."""
        made = SubDevice(
            self,
            Identity(product_key, product_secret, device_key),
            device_secret=device_secret,
            secret_file=secret_file,
            model=model,
            session_encryption=session_encryption,
            echo_writes=echo_writes,
            timing=self._timing,
            clock=self._clock,
            chance=self._chance,
        )
        self._sub_devices[made.client_id] = made
        return made

    async def ask(
        self, request: SubDeviceAuthentication | SubDeviceLogin | SubDeviceLogout | SubDeviceWithdrawal
    ) -> SubDeviceAnswer:
        """Ask something for a sub-device and return the answer. Raises `NotConnected`, `DeliveryFailed`."""
        self._core.publish(request, 1, self._clock.monotonic())
        packet_id = self._core.last_packet_id
        answer: asyncio.Future[SubDeviceAnswer] = asyncio.get_running_loop().create_future()
        self._asked[packet_id] = answer
        late = DeliveryFailed(f"no answer within {ANSWER_WITHIN_S:g} s")
        timer = self._clock.call_at(self._clock.monotonic() + ANSWER_WITHIN_S, lambda: _fail(answer, late))
        self._wire.move([])
        try:
            return await answer
        finally:
            timer.cancel()
            self._asked.pop(packet_id, None)

    async def send_for(self, lane: Lane, uplink: Uplink, qos: int) -> None:
        """Send a message of a sub-device; as `send`."""
        await self._confirmed(self._core.publish(uplink, qos, self._clock.monotonic(), lane), qos)

    def reply_for(self, lane: Lane, uplink: Uplink, packet_id: int) -> None:
        """Answer a command to a sub-device; as `reply`."""
        self._core.reply(uplink, packet_id, self._clock.monotonic(), lane)
        self._wire.move([])

    def expect(self, lane: Lane) -> None:
        """A sub-device is about to log in."""
        self._core.expect(lane)

    def detach(self, lane: Lane) -> None:
        """A sub-device is not logged in any more."""
        self._core.detach(lane)

    # What it sends. Each raises `NotConnected`, `InvalidMessage` or `DeliveryFailed`.

    async def report_status(self, **values: Decimal | int | float) -> None:
        """Report some of battery, voltage, signal_strength, memory_free, rsrp, rsrq, snr; the rest as last said."""
        unknown = values.keys() - set(Status.__struct_fields__)
        if unknown:
            raise InvalidMessage(f"a status has no {', '.join(sorted(unknown))}")
        chosen = {name: Decimal(str(value)) for name, value in values.items()}
        self._status = msgspec.structs.replace(self._status, **chosen)
        self._core.set_status(self._status)
        await self.send(commands.StatusReport(**chosen), 1)

    async def send(self, uplink: Uplink, qos: int) -> None:
        """Send any message; returns when it is confirmed (QoS 1, 2) or written (QoS 0)."""
        if qos not in (0, 1, 2):
            raise InvalidMessage("QoS is 0, 1 or 2")
        await self._confirmed(self._core.publish(uplink, qos, self._clock.monotonic()), qos)

    async def _confirmed(self, token: int, qos: int) -> None:
        if not qos:
            self._wire.move([])
            await self._wire.drained()
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[token] = waiter
        self._wire.move([])
        try:
            await waiter
        finally:
            self._waiting.pop(token, None)

    def reply(self, uplink: Uplink, packet_id: int) -> None:
        """Answer a command with its packet id, by QoS 0."""
        self._core.reply(uplink, packet_id, self._clock.monotonic())
        self._wire.move([])

    # What the core tells

    def tell(self, event: DeviceEvent) -> None:
        """Give an event to everybody who listens."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                _log.exception("a listener of the device failed")
        for stream in self._streams:
            stream.put(event)

    def _on_told(self, told: list[Told]) -> None:
        overrun = False
        for item in told:
            match item:
                case Delivered(token=token):
                    self._conclude(token, None)
                case Undelivered(token=token, reason=reason):
                    self._conclude(token, DeliveryFailed(reason))
                case DeviceEvent():
                    self._note(item)
                case Received(downlink=SubDeviceAnswer() as answer, packet_id=packet_id):
                    waiter = self._asked.pop(packet_id, None)
                    if waiter is not None and not waiter.done():
                        waiter.set_result(answer)
                case Received(sub_device=client_id) if client_id:
                    if client_id in self._sub_devices:
                        self._sub_devices[client_id].take(item)
                case Received(downlink=ExceptionNotice() as notice):
                    self._notice_of(notice)
                case Received() if not overrun:
                    overrun = not self._take(item)
                case MemoryChanged(memory=memory):
                    self._changes.put_nowait(memory)
                case FrameIgnored(reason=reason):
                    _log.info("%s ignored a message: %s", self._identity.client_id, reason)
        if self.state is State.ONLINE:
            self._refusal = None
            self._settle(None)
        if self.may_send is not self._carried:
            self._carried = self.may_send
            for waiter in () if self._carried else tuple(self._asked.values()):
                _fail(waiter, NotConnected("the gateway went offline"))
            for sub_device in self._sub_devices.values():
                sub_device.gateway_moved()

    def _notice_of(self, notice: ExceptionNotice) -> None:
        client_id = credentials.client_id(notice.product_key or "", notice.device_key or "")
        if client_id in self._sub_devices:
            self._sub_devices[client_id].noticed(notice.code)

    def _conclude(self, token: int, error: DeviceError | None) -> None:
        waiter = self._waiting.pop(token, None)
        if waiter is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _settle(self, error: DeviceError | None) -> None:
        """Release whoever waits for the connection."""
        waiters, self._connecting = self._connecting, []
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _note(self, event: DeviceEvent) -> None:
        self.tell(event)
        login = event.event in (EventNumber.AUTHENTICATION, EventNumber.LOGIN, EventNumber.NOTICE)
        if login and event.code > 10200 and event.code not in INNER_CODES and self.state is not State.ONLINE:
            self._refusal = Refused(event.code, final=self.state is State.BARRED)
            self._settle(self._refusal)

    def _take(self, received: Received) -> bool:
        """Line a command up for the application; over the limit it and what follows stay unconfirmed."""
        try:
            self._commands.put_nowait(received)
        except asyncio.QueueFull:
            self.tell(DeviceEvent(EventNumber.RECEIVING, _BUFFER_FULL))
            detail = f"over {MAX_COMMANDS} commands wait for the application, which is the limit"
            self._on_told(self._core.break_off(self._clock.monotonic(), detail))
            return False
        return True

    async def _obey(self) -> None:
        while True:
            await self._application.handle(await self._commands.get())

    async def _remember(self) -> None:
        """Keep every change of the memory, in order; nothing that depends on it goes on before."""
        while True:
            memory = await self._changes.get()
            try:
                if self._secret_file is not None:
                    await asyncio.to_thread(memories.save, self._secret_file, self._identity.client_id, memory)
            except DeviceError as error:
                self._refusal = error
                self._wire.move(self._core.stop())
                self._settle(error)
                _log.error("the device has stopped: %s", error)
                return
            finally:
                self._changes.task_done()
            self._wire.move(self._core.memory_stored(self._clock.monotonic()))


def _fail(waiter: asyncio.Future[SubDeviceAnswer], error: DeviceError) -> None:
    if not waiter.done():
        waiter.set_exception(error)
