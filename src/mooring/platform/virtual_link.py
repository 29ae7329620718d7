"""The device end of a virtual device: what a well-behaved device would do with each command, without a network."""

import asyncio
from collections.abc import Callable, Mapping

from mooring.protocol import commands
from mooring.protocol.commands import CommandError, Direction, ReadProperties, ReadResponse, Report, WriteProperties
from mooring.protocol.frame import FIRST_PACKET_ID, Frame, next_packet_id
from mooring.protocol.ttlv import Field, Value
from mooring.thingmodel import ModelCodec

from .session import Delivery

__all__ = ["ServiceAnswer", "VirtualLink"]

_OFFLINE = "the virtual device went offline"

ServiceAnswer = tuple[list[Field], float]
"""The fields that answer a service, and after how many seconds."""


class VirtualLink:
    """A `DeviceLink` that acts as the device: it answers reads with its last values, takes writes and reports them
    back, and answers services as it was told to. `uplink` takes each frame it sends, `seen` hears of each it gets."""

    def __init__(
        self,
        codec: Callable[[], ModelCodec | None],
        values: Mapping[int, Value],
        uplink: Callable[[Frame], None],
        seen: Callable[[Frame], None],
    ) -> None:
        self.values = dict(values)  # by feature id
        self.answers: dict[int, ServiceAnswer] = {}  # by feature id of the service
        self.closed = False
        self._codec = codec
        self._uplink = uplink
        self._seen = seen
        self._packet_id = FIRST_PACKET_ID
        self._timers: set[asyncio.TimerHandle] = set()

    def send(self, frame: Frame, qos: int, delivery: Delivery | None = None) -> None:
        """Take a downlink; what follows from it happens in the next turn of the loop."""
        if self.closed:
            if delivery is not None:
                delivery.lost(_OFFLINE)
            return
        if delivery is not None:
            delivery.published()
        asyncio.get_running_loop().call_soon(self._take, frame, delivery)

    def close(self, reason: str, notice: int | None = None) -> None:
        """Go offline; service answers that are still due are not given."""
        self.closed = True
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def report(self, fields: list[Field], uplink: Callable[[Frame], None] | None = None) -> Frame:
        """Send 0014 with these fields, by `uplink` when it is given; properties among them are remembered. Returns the
        frame."""
        codec = self._codec()
        known = codec.properties if codec is not None else {}
        self.values.update((field.id, field.value) for field in fields if field.id in known)
        frame = commands.encode(Report(fields), self._packet_id)
        self._packet_id = next_packet_id(self._packet_id)
        (uplink or self._uplink)(frame)
        return frame

    def _take(self, frame: Frame, delivery: Delivery | None) -> None:
        if self.closed:
            if delivery is not None:
                delivery.lost(_OFFLINE)
            return
        self._seen(frame)
        if delivery is not None:
            delivery.delivered()
        try:
            value = commands.decode(frame, Direction.DOWN)
        except CommandError:
            return  # as devices do
        match value:
            case ReadProperties(ids):
                wanted = ids or tuple(self.values)
                fields = [Field(ident, self.values[ident]) for ident in wanted if ident in self.values]
                self._uplink(commands.encode(ReadResponse(fields), frame.packet_id))
            case WriteProperties(fields):
                self._write(fields)
            case _:
                pass  # nothing else has an effect on a virtual device

    def _write(self, fields: list[Field]) -> None:
        codec = self._codec()
        if codec is None:
            return
        written = [field for field in fields if field.id in codec.properties]
        if written:
            self.report(written)
        for field in fields:
            answer = self.answers.get(field.id)
            if field.id in codec.services and answer is not None:
                self._answer_later(*answer)

    def _answer_later(self, fields: list[Field], delay_s: float) -> None:
        def answer() -> None:
            self._timers.discard(timer)
            self.report(fields)

        timer = asyncio.get_running_loop().call_later(delay_s, answer)
        self._timers.add(timer)
