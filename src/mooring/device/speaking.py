"""What devices say and how their applications are asked, by codes of the thing model: the same for a device of its own
connection and for one behind a gateway."""

from typing import TypeVar

from mooring.device.application import (
    Application,
    OnLocationRequest,
    OnRaw,
    OnRead,
    OnService,
    OnWrite,
    Values,
)
from mooring.device.errors import ModelMissing
from mooring.protocol import commands
from mooring.protocol.commands import Uplink
from mooring.protocol.ttlv import Field
from mooring.thingmodel import ModelCodec

__all__ = ["Speaking"]

_Write = TypeVar("_Write", bound=OnWrite)
_Read = TypeVar("_Read", bound=OnRead)
_Service = TypeVar("_Service", bound=OnService)
_Raw = TypeVar("_Raw", bound=OnRaw)
_Location = TypeVar("_Location", bound=OnLocationRequest)


class Speaking:
    """Reports, events and handlers over `send`."""

    _application: Application
    _codec: ModelCodec | None

    async def send(self, uplink: Uplink, qos: int) -> None:
        """Send any message; returns when it is confirmed (QoS 1, 2) or written (QoS 0)."""
        raise NotImplementedError

    @property
    def values(self) -> Values:
        """The properties by code, as last reported or written."""
        return self._application.values

    # What it sends. Each raises `NotConnected`, `InvalidMessage` or `DeliveryFailed`.

    async def report(self, values: Values, *, qos: int = 1) -> None:
        """Report properties by code; returns when the cloud has them (QoS 1, 2) or they are written (QoS 0).

        Raises `mooring.thingmodel.DataError` for what does not fit the model; nothing is sent then.
        """
        await self.report_fields(self._model().encode_values(values), qos=qos)
        self._application.values.update(values)

    async def report_fields(self, fields: list[Field], *, qos: int = 1) -> None:
        """Report properties and events as they are on the wire."""
        await self.send(commands.Report(fields), qos)

    async def event(self, code: str, outputs: Values | None = None, *, qos: int = 1) -> None:
        """Raise an event of the thing model. Raises `DataError`."""
        await self.report_fields(self._model().encode_event(code, outputs or {}), qos=qos)

    async def answer_service(self, code: str, outputs: Values | None = None, *, qos: int = 1) -> None:
        """Answer a service that was called. Raises `DataError`."""
        await self.report_fields(self._model().encode_service_answer(code, outputs or {}), qos=qos)

    async def locate(self, sentences: str) -> None:
        """Report a position: NMEA sentences, each followed by ";" (section 6.5)."""
        await self.send(commands.LocationReport(sentences), 1)

    async def send_raw(self, data: bytes, *, qos: int = 1) -> None:
        """Pass bytes through to the application in the cloud (0024)."""
        await self.send(commands.PassThroughUp(data), qos)

    # What its application does with commands

    def on_write(self, handler: _Write) -> _Write:
        """Take written properties: `handler(values by code)`. What it returns is reported, None means as written."""
        self._application.handlers.write = handler
        return handler

    def on_read(self, handler: _Read) -> _Read:
        """Answer reads: `handler(codes)` returns values by code."""
        self._application.handlers.read = handler
        return handler

    def on_service(self, handler: _Service) -> _Service:
        """Take calls of services: `handler(code, inputs)` returns outputs; None leaves it to `answer_service`."""
        self._application.handlers.service = handler
        return handler

    def on_raw(self, handler: _Raw) -> _Raw:
        """Take passed-through bytes: `handler(data)`."""
        self._application.handlers.raw = handler
        return handler

    def on_location_request(self, handler: _Location) -> _Location:
        """Answer requests for a position: `handler(kinds)` returns sentences each followed by ";", or None."""
        self._application.handlers.location = handler
        return handler

    def _model(self) -> ModelCodec:
        if self._codec is None:
            raise ModelMissing
        return self._codec
