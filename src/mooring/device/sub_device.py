"""`SubDevice`: a device behind a gateway, on the gateway's connection (device-protocol.md section 8).

It gets its secret and logs in through the gateway, again whenever it can: after the gateway was offline, and after the
cloud said that it is not logged in. The TTLV ids of its requests are the contract's proposal, not those of a capture.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from mooring.device import memory as memories
from mooring.device.application import Application
from mooring.device.clock import Clock
from mooring.device.codes import ALREADY_ONLINE, OK, EventNumber
from mooring.device.core import State
from mooring.device.errors import DeviceError, InvalidMessage, NotConnected, Refused
from mooring.device.events import DeviceEvent, Received
from mooring.device.lane import Lane
from mooring.device.memory import Memory
from mooring.device.settings import Identity, Timing
from mooring.device.speaking import Speaking
from mooring.protocol import credentials
from mooring.protocol.commands import (
    SubDeviceAnswer,
    SubDeviceAuthentication,
    SubDeviceLogin,
    SubDeviceLogout,
    SubDeviceOffline,
    SubDeviceWithdrawal,
    Uplink,
)
from mooring.thingmodel import ModelCodec

__all__ = ["Carrier", "SubDevice"]

MAX_COMMANDS = 1000  # that wait for the application; over it they are dropped, and event 5,10428 tells so

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BUFFER_FULL, _LOGGED_OUT = 10428, 10201
_SECRET_VOID = (10437, 10438)  # the cloud does not know the secret: authenticate anew

_log = logging.getLogger(__name__)

_Request = SubDeviceAuthentication | SubDeviceLogin | SubDeviceLogout | SubDeviceWithdrawal


class Carrier(Protocol):
    """What a sub-device needs of its gateway."""

    @property
    def may_send(self) -> bool:
        """Whether the gateway is online."""

    async def ask(self, request: _Request) -> SubDeviceAnswer:
        """Send a request and return the answer. Raises `NotConnected`, `DeliveryFailed`."""

    async def send_for(self, lane: Lane, uplink: Uplink, qos: int) -> None:
        """Send a message on the topics of the sub-device."""

    def reply_for(self, lane: Lane, uplink: Uplink, packet_id: int) -> None:
        """Answer a command with its packet id."""

    async def send(self, uplink: Uplink, qos: int) -> None:
        """Send a message of the gateway itself."""

    def expect(self, lane: Lane) -> None:
        """The sub-device is about to log in."""

    def detach(self, lane: Lane) -> None:
        """The sub-device is not logged in any more."""


class SubDevice(Speaking):
    """Made by `Device.sub_device`. `async with gateway.sub_device(...) as lamp` logs in, and out at the end.

    `secret_file`, `device_secret`, `model`, `session_encryption` and `echo_writes` are as for `Device`.
    """

    def __init__(
        self,
        carrier: Carrier,
        identity: Identity,
        *,
        device_secret: str | None,
        secret_file: Path | None,
        model: Mapping[str, object] | bytes | ModelCodec | None,
        session_encryption: bool,
        echo_writes: bool,
        timing: Timing,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self._carrier = carrier
        self._identity = identity
        self._memory = Memory(device_secret)
        self._burnt_in = device_secret is not None
        self._secret_file = secret_file
        self._codec = ModelCodec.of(model) if isinstance(model, Mapping | bytes) else model
        self._encryption = session_encryption
        self._timing = timing
        self._clock = clock
        self._chance = chance
        self._lane = Lane(identity.product_key, identity.device_key)
        self._application = Application(self, self._codec, echo_writes=echo_writes)
        self._commands: asyncio.Queue[Received] = asyncio.Queue(MAX_COMMANDS)
        self._tasks: list[asyncio.Task[None]] = []
        self._state = State.OFF
        self._wanted = False
        self._not_before = 0.0
        self._failures = 0
        self._changed = asyncio.Event()
        self._refusal: DeviceError | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._listeners: list[Callable[[DeviceEvent], None]] = []

    def __repr__(self) -> str:
        return f"SubDevice({self.product_key!r}, {self.device_key!r}, {self._state.value})"

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
        """Its product."""
        return self._identity.product_key

    @property
    def device_key(self) -> str:
        """Its key."""
        return self._identity.device_key

    @property
    def client_id(self) -> str:
        """What stands in its topics."""
        return self._lane.client_id

    @property
    def state(self) -> State:
        """Where it stands: off, resting (also while its gateway is offline), authenticating, connecting, online."""
        return self._state

    @property
    def secret(self) -> str | None:
        """Its own secret, None before the authentication. Keep it as a secret."""
        return self._memory.device_secret

    # Its life

    async def start(self) -> None:
        """Want to be online, or try again at once. Raises `SecretFileUnusable`."""
        if not self._tasks:
            if self._secret_file is not None:
                kept = await asyncio.to_thread(memories.load, self._secret_file, self.client_id)
                if kept.device_secret is not None:
                    self._memory = kept
            self._tasks = [asyncio.create_task(self._live()), asyncio.create_task(self._obey())]
        self._wanted, self._not_before, self._refusal = True, 0.0, None
        if self._state is State.OFF:
            self._state = State.RESTING
        self._changed.set()

    async def pause(self) -> None:
        """Log out until `start`; handlers and values stay."""
        self._wanted = False
        was_online = self._state is State.ONLINE
        self._leave(State.OFF)
        if was_online and self._carrier.may_send:
            with contextlib.suppress(DeviceError):
                await self._carrier.ask(SubDeviceLogout(self.product_key, self.device_key))
            self.tell(DeviceEvent(EventNumber.LOGOUT, _LOGGED_OUT))

    async def close(self) -> None:
        """Log out and stop."""
        await self.pause()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._settle(NotConnected("the sub-device was closed"))

    async def withdraw(self) -> None:
        """De-register: the cloud forgets its secret, and so does it. Raises `Refused`, `NotConnected`,
        `DeliveryFailed`."""
        self._wanted = False
        answer = await self._carrier.ask(SubDeviceWithdrawal(self.product_key, self.device_key))
        self._leave(State.OFF)
        if answer.code != OK:
            raise Refused(answer.code)
        await self._keep(Memory())

    async def drop_off(self) -> None:
        """Tell the cloud that it went offline (00C8), as a gateway does that misses it."""
        self._wanted = False
        self._leave(State.OFF)
        await self._carrier.send(SubDeviceOffline(self.product_key, self.device_key), 1)

    async def wait_connected(self, *, patiently: bool = False) -> None:
        """Return once it is online. Raises `Refused` when the cloud refuses it, unless `patiently`; `NotConnected` when
        it is closed meanwhile or was not started."""
        while self._state is not State.ONLINE:
            if self._refusal is not None and not patiently:
                raise self._refusal
            if self._state is State.OFF:
                raise NotConnected("the sub-device is not started")
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except Refused:
                if not patiently:
                    raise

    def on_event(self, listener: Callable[[DeviceEvent], None]) -> Callable[[DeviceEvent], None]:
        """Call a function for every event; it must not wait."""
        self._listeners.append(listener)
        return listener

    # What it sends

    async def send(self, uplink: Uplink, qos: int) -> None:
        """Send any message; returns when it is confirmed (QoS 1, 2) or written (QoS 0)."""
        if qos not in (0, 1, 2):
            raise InvalidMessage("QoS is 0, 1 or 2")
        if self._state is not State.ONLINE:
            raise NotConnected(f"the sub-device is {self._state}")
        await self._carrier.send_for(self._lane, uplink, qos)

    def reply(self, uplink: Uplink, packet_id: int) -> None:
        """Answer a command with its packet id, by QoS 0."""
        if self._state is not State.ONLINE:
            raise NotConnected(f"the sub-device is {self._state}")
        self._carrier.reply_for(self._lane, uplink, packet_id)

    # What its gateway tells

    def tell(self, event: DeviceEvent) -> None:
        """Give an event to everybody who listens."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                _log.exception("a listener of the sub-device failed")

    def take(self, received: Received) -> None:
        """A command came on its topics."""
        try:
            self._commands.put_nowait(received)
        except asyncio.QueueFull:
            self.tell(DeviceEvent(EventNumber.RECEIVING, _BUFFER_FULL, f"over {MAX_COMMANDS} commands wait"))

    def noticed(self, code: int) -> None:
        """The cloud says that it is not logged in, or may not be (00A3)."""
        if self._state is State.ONLINE:
            self._not_before = self._clock.monotonic() + (self._timing.refusal(code) or self._timing.anew_s)
            self._leave(State.RESTING)
        self.tell(DeviceEvent(EventNumber.NOTICE, code))

    def gateway_moved(self) -> None:
        """The gateway came online, or went offline."""
        if not self._carrier.may_send and self._state not in (State.OFF, State.RESTING):
            self.tell(DeviceEvent(EventNumber.LOGIN, 10474, "its gateway is offline"))
            self._leave(State.RESTING)
        self._changed.set()

    # Coming online

    async def _live(self) -> None:
        while True:
            self._changed.clear()
            now = self._clock.monotonic()
            if self._wanted and self._state is State.RESTING and self._carrier.may_send:
                if now >= self._not_before:
                    await self._come_online()
                    continue
                timer = self._clock.call_at(self._not_before, self._changed.set)
                try:
                    await self._changed.wait()
                finally:
                    timer.cancel()
            else:
                await self._changed.wait()

    async def _come_online(self) -> None:
        try:
            if self._memory.device_secret is None:
                self._state = State.AUTHENTICATING
                await self._authenticate()
            self._state = State.CONNECTING
            await self._log_in(self._memory.device_secret or "")
        except Refused as refusal:
            self._failed(refusal, self._timing.refusal(refusal.code) or self._timing.short_refusal_s)
            self.tell(DeviceEvent(EventNumber.LOGIN, refusal.code))
        except DeviceError as error:
            self._failures += 1
            self._failed(error, self._timing.retry(self._failures, self._chance.random()))

    def _failed(self, error: DeviceError, pause_s: float) -> None:
        self._not_before = self._clock.monotonic() + pause_s
        self._leave(State.RESTING if self._wanted else State.OFF)
        if isinstance(error, Refused):
            self._refusal = error
            self._settle(error)

    async def _authenticate(self) -> None:
        password = credentials.build_authentication(
            self.product_key,
            self._identity.product_secret,
            self.device_key,
            self._rand(),
            session_encryption=self._encryption,
        )
        answer = await self._carrier.ask(SubDeviceAuthentication(self.product_key, self.device_key, password))
        if answer.code != OK or answer.device_secret is None:
            raise Refused(answer.code)
        await self._keep(Memory(answer.device_secret))
        self.tell(DeviceEvent(EventNumber.AUTHENTICATION, OK))

    async def _log_in(self, secret: str) -> None:
        password = credentials.build_connection(
            self._identity.product_secret, secret, self._rand(), session_encryption=self._encryption
        )
        self._carrier.expect(self._lane)
        answer = await self._carrier.ask(SubDeviceLogin(self.product_key, self.device_key, password))
        if answer.code in _SECRET_VOID and not self._burnt_in:
            await self._keep(Memory())
        if answer.code == ALREADY_ONLINE and self._encryption:
            # The session goes on with a key that this side does not have any more.
            await self._carrier.ask(SubDeviceLogout(self.product_key, self.device_key))
        if answer.code != OK and (answer.code != ALREADY_ONLINE or self._encryption):
            raise Refused(answer.code)
        if not self._wanted:
            return
        self._state, self._failures, self._refusal = State.ONLINE, 0, None
        self.tell(DeviceEvent(EventNumber.LOGIN, OK))
        self._settle(None)

    async def _keep(self, memory: Memory) -> None:
        self._memory = memory
        if self._secret_file is not None:
            await asyncio.to_thread(memories.save, self._secret_file, self.client_id, memory)

    def _rand(self) -> str:
        return "".join(self._chance.choices(_ALPHABET, k=credentials.RAND_LENGTH))

    def _leave(self, state: State) -> None:
        self._state = state
        self._carrier.detach(self._lane)
        self._changed.set()

    def _settle(self, error: DeviceError | None) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    async def _obey(self) -> None:
        while True:
            await self._application.handle(await self._commands.get())
