"""One command on a device's connection: hears what becomes of it, and knows what would answer it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from mooring.protocol import ttlv
from mooring.thingmodel import DecodedService, ModelCodec

from .command_input import Kind
from .command_steps import Command
from .session import Session

if TYPE_CHECKING:
    from .command_delivery import Deliveries

__all__ = ["Flight"]

_encode = msgspec.json.Encoder().encode


class Flight:
    """The `Delivery` of a command. It is `settled` once the connection has said delivered or lost, or nobody asks."""

    __slots__ = (
        "_awaited",
        "_deliveries",
        "_outputs",
        "codec",
        "command",
        "packet_id",
        "session",
        "settled",
        "withdrawn",
    )

    def __init__(self, deliveries: "Deliveries", command: Command, session: Session, codec: ModelCodec | None) -> None:
        self._deliveries = deliveries
        self._awaited = _awaited(command, codec)
        self._outputs: dict[str, object] = {}
        self.codec = codec
        self.command = command
        self.session = session
        self.packet_id = session.next_packet_id()
        self.settled = False
        self.withdrawn = False  # the command went back to the cache

    def published(self) -> None:
        """See `Delivery`."""
        self._deliveries.on_published(self)

    def delivered(self) -> None:
        """See `Delivery`."""
        self._deliveries.on_delivered(self)

    def lost(self, reason: str) -> None:
        """See `Delivery`."""
        self._deliveries.on_lost(self, reason)

    def take_reply(self, packet_id: int, output: str | None, log_id: int, at_ms: int) -> bool:
        """Whether a 0012 that is logged as `log_id` answers it; then the step is taken."""
        if self.command.kind is not Kind.READ or packet_id != self.packet_id or self.command.published_at is None:
            return False
        self.command.answer(at_ms, log_id, output)
        return True

    def take_services(self, answers: list[DecodedService], log_id: int, at_ms: int) -> list[DecodedService]:
        """Take out of `answers` what this command awaits; the step is taken when that is all."""
        if self.command.kind is not Kind.SERVICE or self.command.published_at is None:
            return []
        taken = []
        for answer in tuple(answers):
            if answer.feature_id in self._awaited:
                del self._awaited[answer.feature_id]
                self._outputs[answer.code] = answer.outputs
                answers.remove(answer)
                taken.append(answer)
        if taken and not self._awaited:
            self.command.answer(at_ms, log_id, _encode(self._outputs).decode())
        return taken

    def take_values(self, values: Mapping[int, object], log_id: int, at_ms: int) -> bool:
        """Whether everything that was written has been reported now; the step is taken."""
        if self.command.kind is not Kind.PROPERTY or self.command.delivered_at is None:
            return False
        shown = [key for key, value in self._awaited.items() if key in values and values[key] == value]
        for key in shown:
            del self._awaited[key]
        if self._awaited or not shown:
            return False
        self.command.report(at_ms, log_id)
        return True


def _awaited(command: Command, codec: ModelCodec | None) -> dict[int, object]:
    """What would show that the device did it: services that must answer, or properties with the values written."""
    if codec is None or command.payload is None or command.kind not in (Kind.SERVICE, Kind.PROPERTY):
        return {}
    fields = ttlv.decode(command.payload)
    if command.kind is Kind.SERVICE:
        return {field.id: None for field in fields}
    return dict(codec.decode(fields).properties)
