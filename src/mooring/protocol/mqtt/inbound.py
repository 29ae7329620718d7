"""Messages of QoS 1 and 2 from the peer, from PUBLISH until the exchange is over (4.3 of the standard)."""

from collections.abc import Sequence

from mooring.protocol.mqtt.encode import puback, pubcomp, pubrec
from mooring.protocol.mqtt.errors import LimitExceeded, LocalProtocolError, UnexpectedPacket
from mooring.protocol.mqtt.packets import Publish

__all__ = ["Inbound"]


class _Kept:
    """A message of QoS 2 that was reported: which one it is, and whether PUBREC went out."""

    __slots__ = ("confirmed", "message")

    def __init__(self, message: int) -> None:
        self.message = message
        self.confirmed = False


class Inbound:
    """Remembers what has to be acknowledged, and of QoS 2 what was reported already.

    `unacknowledged` counts reported messages, copies included, that wait for `acknowledge`.
    """

    __slots__ = ("_kept", "_open", "_room", "unacknowledged")

    def __init__(self, room: int) -> None:
        self.unacknowledged = 0
        self._open: dict[int, int] = {}  # QoS 1: packet id → copies to acknowledge
        self._kept: dict[int, _Kept] = {}  # QoS 2
        self._room = room  # for so many

    @property
    def is_plain(self) -> bool:
        """Say whether no message of QoS 2 is on its way, so that none of QoS 1 can clash with it."""
        return not self._kept

    def at_least_once(self, packet: Publish) -> None:
        """Take a message of QoS 1, which is always to be reported."""
        packet_id = packet.packet_id
        if packet_id in self._kept:
            self._give_up(packet_id)
        self._open[packet_id] = self._open.get(packet_id, 0) + 1
        self.unacknowledged += 1

    def at_least_once_each(self, run: Sequence[Publish]) -> None:
        """Take messages of QoS 1 while `is_plain`."""
        opened = self._open
        for packet in run:
            packet_id = packet.packet_id
            opened[packet_id] = opened.get(packet_id, 0) + 1
        self.unacknowledged += len(run)

    def exactly_once(self, packet: Publish) -> tuple[bool, bytes]:
        """Take a message of QoS 2. Return whether it is to be reported, and what to answer at once."""
        packet_id, message = packet.packet_id, hash((packet.topic, packet.payload))
        if packet_id in self._open:
            raise UnexpectedPacket("a packet id carries two messages at once")
        kept = self._kept.get(packet_id)
        if kept is not None:
            if kept.message == message:
                return False, pubrec(packet_id) if kept.confirmed else b""
            self._give_up(packet_id)
        if len(self._kept) >= self._room:
            raise LimitExceeded(f"{self._room} messages of QoS 2 wait for PUBREL, which is the limit")
        self._kept[packet_id] = _Kept(message)
        self.unacknowledged += 1
        return True, b""

    def acknowledge(self, packet_id: int) -> bytes:
        """Return the answer to a message that is safe now: PUBACK for QoS 1, PUBREC for QoS 2."""
        copies = self._open.pop(packet_id, 0)
        if copies:
            if copies > 1:
                self._open[packet_id] = copies - 1
            self.unacknowledged -= 1
            return puback(packet_id)
        kept = self._kept.get(packet_id)
        if kept is None or kept.confirmed:
            raise LocalProtocolError(f"no message with packet id {packet_id} waits to be acknowledged")
        kept.confirmed = True
        self.unacknowledged -= 1
        return pubrec(packet_id)

    def forget(self, packet_id: int) -> None:
        """Take back a message that could not be brought into safety: it gets no answer, its next copy is reported."""
        copies = self._open.pop(packet_id, 0)
        if copies > 1:
            self._open[packet_id] = copies - 1
        elif not copies:
            kept = self._kept.get(packet_id)
            if kept is None or kept.confirmed:
                raise LocalProtocolError(f"no message with packet id {packet_id} waits to be acknowledged")
            del self._kept[packet_id]
        self.unacknowledged -= 1

    def release(self, packet_id: int) -> bytes:
        """Take PUBREL and return PUBCOMP, also for an id that is long free: the first PUBCOMP may be lost."""
        kept = self._kept.pop(packet_id, None)
        if kept is not None and not kept.confirmed:
            raise UnexpectedPacket("PUBREL came before PUBREC")
        return pubcomp(packet_id)

    def _give_up(self, packet_id: int) -> None:
        if not self._kept[packet_id].confirmed:
            raise UnexpectedPacket("a packet id carries two messages at once")
        del self._kept[packet_id]
