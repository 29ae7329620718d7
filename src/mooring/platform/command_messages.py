"""What applications are told of a command: that it left, and what came of it (contract/messages.md sections 2, 4.3, 4.6
and 4.7).

All messages of one command carry its ticket. That it left is told when the PUBLISH was written: a cached command says
nothing until then. What came of it is told once, by what is known first: the PUBACK, or that nobody waits for it.
"""

from collections.abc import Iterator

import msgspec

from mooring.protocol import commands, ttlv
from mooring.protocol.commands import Direction, ReadProperties
from mooring.protocol.frame import Frame
from mooring.store.commands import OwnerRow
from mooring.thingmodel import ModelCodec

from . import message_bodies as bodies
from .announcer import Announcer, Keyed, Push
from .command_input import Kind
from .routes import Targets

__all__ = ["CommandMessages", "Receiver"]


class Receiver(msgspec.Struct, frozen=True):
    """The device that a command is for, and the gateway of a sub-device."""

    device: OwnerRow
    gateway: Keyed | None = None


class CommandMessages:
    """Makes the messages of commands."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer

    def left(
        self, push: Push, receiver: Receiver, ticket: int, kind: Kind, sent: Frame, codec: ModelCodec | None
    ) -> None:
        """The command is on the wire. Only what the released model has is told."""
        targets = self._announcer.targets(receiver.device.product_id)
        if targets is None:
            return
        for name, data in _parts(kind, sent, codec):
            self._tell(push, targets, receiver, name, data, ticket)

    def outcome(self, push: Push, receiver: Receiver, ticket: int, sent_at: int | None, *, delivered: bool) -> None:
        """The device confirmed the command, or it was given up; `sent_at` is when it left (epoch ms), if it did."""
        targets = self._announcer.targets(receiver.device.product_id)
        if targets is not None:
            self._tell(push, targets, receiver, "REQACK", bodies.reqack(sent_at, succeeded=delivered), ticket)

    def _tell(
        self, push: Push, targets: Targets, receiver: Receiver, kind: str, data: bodies.Json, ticket: int
    ) -> None:
        gateway = receiver.gateway
        self._announcer.tell(push, targets, receiver.device, kind, data, ticket=ticket, gateway=gateway)


def _parts(kind: Kind, sent: Frame, codec: ModelCodec | None) -> Iterator[tuple[str, bodies.Json]]:
    """Kind and data of each message; of several services in one frame one each."""
    if kind is Kind.RAW:
        if sent.payload:
            yield "RAW-DOWNLINK", bodies.raw(sent.payload)
    elif codec is None:
        return
    elif kind is Kind.READ:
        value = commands.decode(sent, Direction.DOWN)
        ids = value.ids if isinstance(value, ReadProperties) else ()
        codes = [codec.properties[ident].code for ident in dict.fromkeys(ids) if ident in codec.properties]
        if codes:
            yield "MATTR-READ", bodies.keys(codes)
    else:
        told = codec.decode_command(ttlv.decode(sent.payload))
        if told.properties:
            yield "MATTR-WRITE", {"kv": bodies.by_code(codec, told.properties)}
        for call in told.services:
            yield "MSERV-INPUT", bodies.event(sent.packet_id, call.code, call.outputs)
