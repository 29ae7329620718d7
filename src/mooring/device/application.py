"""What the application of a device does with commands: its handlers, and what happens without them.

Without a handler a write is remembered and reported back, a read is answered from what was reported or written last,
a service is not answered, and so is a request for a location.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from mooring.device.codes import OK, EventNumber
from mooring.device.errors import DeviceError
from mooring.device.events import DeviceEvent, Received
from mooring.protocol import commands
from mooring.protocol.ttlv import Field
from mooring.thingmodel import DataError, ModelCodec

__all__ = [
    "Application",
    "Handlers",
    "OnLocationRequest",
    "OnRaw",
    "OnRead",
    "OnService",
    "OnWrite",
    "Port",
    "Values",
]

Values: TypeAlias = Mapping[str, object]
OnWrite: TypeAlias = Callable[[dict[str, object]], Values | Awaitable[Values | None] | None]
OnRead: TypeAlias = Callable[[list[str]], Values | Awaitable[Values]]
OnService: TypeAlias = Callable[[str, dict[str, object]], Values | Awaitable[Values | None] | None]
OnRaw: TypeAlias = Callable[[bytes], Awaitable[None] | None]
OnLocationRequest: TypeAlias = Callable[[tuple[str, ...]], str | Awaitable[str | None] | None]

_WRITE, _READ, _SERVICE, _UPGRADE = 10210, 10211, 10212, 10700

_log = logging.getLogger(__name__)


class Handlers:
    """The functions of an application, plain or async; `Device` has a decorator for each."""

    def __init__(self) -> None:
        self.write: OnWrite | None = None
        self.read: OnRead | None = None
        self.service: OnService | None = None
        self.raw: OnRaw | None = None
        self.location: OnLocationRequest | None = None


class Port(Protocol):
    """What the application needs of its device."""

    def tell(self, event: DeviceEvent) -> None:
        """Raise an event."""

    def reply(self, uplink: commands.Uplink, packet_id: int) -> None:
        """Answer a command."""

    async def send(self, uplink: commands.Uplink, qos: int) -> None:
        """Send a message and wait for its confirmation."""


class Application:
    """Answers commands one after the other, in the order in which they came."""

    def __init__(self, port: Port, codec: ModelCodec | None, *, echo_writes: bool) -> None:
        self.handlers = Handlers()
        self.values: dict[str, object] = {}  # by code, as last reported or written
        self._port = port
        self._codec = codec
        self._echo_writes = echo_writes

    async def handle(self, received: Received) -> None:
        """Do what a command asks for. What goes wrong is logged: the next command is not to suffer from it."""
        try:
            await self._handle(received.downlink, received.packet_id)
        except (DeviceError, DataError) as error:
            _log.warning("a command could not be answered: %s", error)
        except Exception:
            _log.exception("a handler of the device failed")

    async def _handle(self, value: commands.Downlink, packet_id: int) -> None:
        match value:
            case commands.WriteProperties(fields=fields):
                await self._write(fields)
            case commands.ReadProperties(ids=ids):
                await self._read(ids, packet_id)
            case commands.PassThroughDown(data=data):
                self._told(OK, f"{len(data)} bytes")
                if self.handlers.raw is not None:
                    await _result(self.handlers.raw(data))
            case commands.LocationRequest(kinds=kinds):
                text = await _result(self.handlers.location(kinds)) if self.handlers.location else None
                if text is not None:
                    self._port.reply(commands.LocationResponse(text), packet_id)
            case commands.UpgradeNotice():
                self._port.tell(DeviceEvent(EventNumber.UPGRADE, _UPGRADE))
            case _:
                _log.info("command %04X is not handled", commands.command_of(value))

    async def _write(self, fields: list[Field]) -> None:
        services: Sequence[tuple[str, dict[str, object]]] = ()
        if self._codec is None:
            properties = {str(field.id): _plain(field) for field in fields}
        else:
            found = self._codec.decode_write(fields)
            properties, services = found.properties, found.services
            for misfit in found.misfits:
                ids = ".".join(map(str, misfit.ids))
                _log.warning("a written value does not fit the model, id %s: %s", ids, misfit.reason)
        if properties:
            self._told(_WRITE, ", ".join(properties))
            await self._apply(properties)
        for code, inputs in services:
            self._told(_SERVICE, code)
            await self._call(code, inputs)

    async def _apply(self, written: dict[str, object]) -> None:
        result: Values | None = written
        if self.handlers.write is not None:
            answer = await _result(self.handlers.write(dict(written)))
            result = written if answer is None else answer
        self.values.update(result or {})
        if self._echo_writes and self._codec is not None and result:
            await self._port.send(commands.Report(self._codec.encode_values(result)), 1)

    async def _call(self, code: str, inputs: dict[str, object]) -> None:
        if self.handlers.service is None or self._codec is None:
            return
        outputs = await _result(self.handlers.service(code, inputs))
        if outputs is not None:
            await self._port.send(commands.Report(self._codec.encode_service_answer(code, outputs)), 1)

    async def _read(self, ids: tuple[int, ...], packet_id: int) -> None:
        codec = self._codec
        if codec is None:
            self._told(_READ, ", ".join(map(str, ids)))
            return
        known = codec.properties
        codes = [known[ident].code for ident in (ids or known) if ident in known]
        self._told(_READ, ", ".join(codes))
        if self.handlers.read is not None:
            values = await _result(self.handlers.read(codes))
            self.values.update(values)
        else:
            values = {code: self.values[code] for code in codes if code in self.values}
        self._port.reply(commands.ReadResponse(codec.encode_values(values)), packet_id)

    def _told(self, code: int, detail: str) -> None:
        self._port.tell(DeviceEvent(EventNumber.RECEIVING, code, detail))


async def _result(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


def _plain(field: Field) -> object:
    """Return what a field holds when there is no model to say what it means."""
    value = field.value
    if isinstance(value, list):
        if value and value[0].id == 0:
            return [_plain(member) for member in value]
        return {str(member.id): _plain(member) for member in value}
    return int(value) if isinstance(value, Decimal) and value == int(value) else value
