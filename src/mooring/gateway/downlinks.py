"""What goes down to one device and its sub-devices: frames held until it has subscribed, and what became of each.

Each frame may have a `Delivery`, which hears the outcome.
"""

from typing import NamedTuple

from mooring.platform.command_delivery import CONFIRM_WITHIN_S
from mooring.platform.session import Delivery
from mooring.protocol.frame import Frame, FrameError, encode
from mooring.protocol.mqtt import LocalProtocolError, ServerSession

from .envelope import Envelope
from .subdevices import Branch
from .topics import EVERY_LEVEL, downlink_prefix, level_of

__all__ = ["MAX_HELD", "Downlinks", "Given"]

MAX_HELD = 128  # frames that wait for the device to subscribe
MAX_LATE = 16  # unconfirmed messages whose PUBACK may still come; as many as the MQTT session remembers

_UNCONFIRMED = f"the device did not confirm it within {CONFIRM_WITHIN_S:.0f} s"


class Given(NamedTuple):
    """A frame as it was given to the MQTT session; the packet id is 0 with QoS 0."""

    packet_id: int
    topic: str
    payload: bytes
    clear: bytes


class Downlinks:
    """The frames of one connection. `envelope` encrypts them once the device has its session key."""

    __slots__ = ("_deliveries", "_ended", "_held", "_late", "_leaving", "_levels", "_mqtt", "_prefix", "envelope")

    def __init__(self, mqtt: ServerSession, client_id: str) -> None:
        self.envelope: Envelope | None = None
        self._mqtt = mqtt
        self._prefix = downlink_prefix(client_id)
        self._levels: dict[str, int] = {}  # granted QoS by level
        self._held: list[tuple[Frame, int, Delivery | None]] = []
        self._deliveries: dict[int, Delivery] = {}  # by MQTT packet id
        self._late: dict[int, Delivery] = {}
        self._leaving: list[tuple[Delivery, bool]] = []  # given to the MQTT session, not yet to the socket
        self._ended = False

    @property
    def prefix(self) -> str:
        """What the topics of this device begin with."""
        return self._prefix

    def reaches(self, level: str) -> bool:
        """Whether the device has subscribed to this level."""
        return level in self._levels or EVERY_LEVEL in self._levels

    def subscribe(self, level: str, qos: int) -> None:
        """The device has subscribed; call `release` when it may get what was held."""
        self._levels[level] = qos

    def unsubscribe(self, level: str) -> None:
        """The device wants this level no more."""
        self._levels.pop(level, None)

    def release(self, now: float) -> None:
        """Send what was held for a subscription."""
        held, self._held = self._held, []
        for frame, qos, delivery in held:
            self.send(frame, qos, delivery, now)

    def send(self, frame: Frame, qos: int, delivery: Delivery | None, now: float) -> Given | None:
        """Give a frame to the MQTT session; the caller flushes. Returns what was given, None when it was not."""
        level = level_of(frame.command)
        if self._ended:
            return _lost(delivery, "the connection has ended")
        if not self.reaches(level):
            if self._levels:
                return _lost(delivery, f"the device has not subscribed to {self._prefix}{level}")
            if len(self._held) >= MAX_HELD:
                return _lost(delivery, f"{MAX_HELD} frames wait for the device to subscribe, which is the limit")
            self._held.append((frame, qos, delivery))
            return None
        granted = self._levels.get(level, self._levels.get(EVERY_LEVEL, 0))
        return self._give(self._prefix + level, self.envelope, frame, min(qos, granted), delivery, now)

    def send_for(self, branch: Branch, frame: Frame, qos: int, delivery: Delivery | None, now: float) -> Given | None:
        """The same on the topics of a sub-device, whether or not they were subscribed to (section 8)."""
        if self._ended:
            return _lost(delivery, "the connection has ended")
        topic = branch.prefix + level_of(frame.command)
        return self._give(topic, branch.envelope, frame, min(qos, 1), delivery, now)

    def _give(
        self, topic: str, envelope: Envelope | None, frame: Frame, qos: int, delivery: Delivery | None, now: float
    ) -> Given | None:
        try:
            clear = encode(frame)
            payload = clear if envelope is None else envelope.seal(clear)
            packet_id = self._mqtt.publish(topic, payload, qos, now)
        except (FrameError, LocalProtocolError) as error:
            return _lost(delivery, error.reason)
        if delivery is not None:
            if packet_id:
                self._late.pop(packet_id, None)
                self._deliveries[packet_id] = delivery
            if not packet_id or not self._mqtt.is_waiting(packet_id):
                self._leaving.append((delivery, not packet_id))
        return Given(packet_id, topic, payload, clear)

    def repeat(self, given: Given, now: float) -> Given | None:
        """Send the same bytes once more with QoS 1; None when the MQTT session does not take them."""
        try:
            packet_id = self._mqtt.publish(given.topic, given.payload, 1, now)
        except LocalProtocolError:
            return None
        return given._replace(packet_id=packet_id)

    def flushed(self) -> None:
        """Everything that the MQTT session had is on the socket."""
        while self._leaving:
            leaving, self._leaving = self._leaving, []
            for delivery, final in leaving:
                delivery.published()
                if final:
                    delivery.delivered()

    def sent(self, packet_id: int) -> None:
        """A message that waited for the window is written."""
        delivery = self._deliveries.get(packet_id)
        if delivery is not None:
            self._leaving.append((delivery, False))

    def acked(self, packet_id: int) -> None:
        """PUBACK came, perhaps late. What it confirms has left, whatever was told so far."""
        delivery = self._deliveries.pop(packet_id, None) or self._late.pop(packet_id, None)
        if delivery is not None:
            delivery.delivered()

    def unconfirmed(self, packet_id: int, sends: int) -> None:
        """The MQTT session gave a message up."""
        delivery = self._deliveries.pop(packet_id, None)
        if delivery is None:
            return
        if len(self._late) >= MAX_LATE:
            del self._late[next(iter(self._late))]
        self._late[packet_id] = delivery
        delivery.lost(_UNCONFIRMED if sends else "it was never sent")

    def end(self, reason: str) -> None:
        """The connection is over: nothing more is heard."""
        self._ended = True
        held, self._held = self._held, []
        open_ones = [*self._deliveries.values(), *(delivery for delivery, final in self._leaving if final)]
        self._deliveries.clear()
        self._late.clear()
        self._leaving.clear()
        for delivery in (*open_ones, *(delivery for _, _, delivery in held)):
            _lost(delivery, reason)


def _lost(delivery: Delivery | None, reason: str) -> Given | None:
    if delivery is not None:
        delivery.lost(reason)
    return None
