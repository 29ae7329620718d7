"""Sub-devices on their gateway's connection (device-protocol.md sections 4 and 8).

Each that is logged in has a `Branch`: its topics, its session, its session key when it has one. Which topics are those
of a sub-device at all is told by `keys_of`; whether it may come in is the platform's to say.
"""

from typing import Protocol

from mooring.platform.directory import Directory
from mooring.platform.entities import Device
from mooring.platform.session import Delivery, Session
from mooring.protocol.commands import ExceptionNotice
from mooring.protocol.credentials import client_id
from mooring.protocol.frame import Frame, FrameError, decode

from .envelope import Envelope
from .inbox import Inbox
from .topics import LEVELS, downlink_prefix

__all__ = [
    "MAX_HELD",
    "NOT_LOGGED_IN",
    "Branch",
    "Keys",
    "Trunk",
    "client_of",
    "keys_of",
    "not_logged_in",
    "packet_id_of",
]

MAX_HELD = 128  # frames that wait for the answer to the login
NOT_LOGGED_IN = 10442
_GATEWAY, _SUB_DEVICE = 1, 2  # access_type

Keys = tuple[str, str]
"""ProductKey and DeviceKey."""


class Trunk(Protocol):
    """What the gateway's connection does for its branches."""

    def inbox_of(self, device_id: int, /) -> Inbox:
        """The inbox of a sub-device."""

    def send_for(self, branch: "Branch", frame: Frame, qos: int, delivery: Delivery | None, /) -> None:
        """Send a frame on the topics of a sub-device."""

    def cut(self, branch: "Branch", notice: int | None, /) -> None:
        """A sub-device has left; with `notice` the gateway is told by an exception notice (00A3) of this code."""


class Branch:
    """The `SubDeviceLink` of one sub-device. Without a `session` it is not logged in, or not any more."""

    __slots__ = ("_cut", "_held", "_trunk", "client_id", "envelope", "inbox", "keys", "prefix", "session")

    def __init__(self, trunk: Trunk, product_key: str, device_key: str, session_key: bytes | None) -> None:
        self.keys: Keys = product_key, device_key
        self.client_id = client_id(product_key, device_key)
        self.prefix = downlink_prefix(self.client_id)
        self.envelope = None if session_key is None else Envelope(session_key)
        self.session: Session | None = None
        self.inbox: Inbox | None = None
        self._trunk = trunk
        self._held: list[tuple[Frame, int, Delivery | None]] = []
        self._cut = False

    def opened(self, session: Session) -> None:
        """The gateway has the answer to the login: uplinks come now, and what was held goes down."""
        if self._cut:
            return
        self.session = session
        self.inbox = self._trunk.inbox_of(session.device.id)
        held, self._held = self._held, []
        for frame, qos, delivery in held:
            self._trunk.send_for(self, frame, qos, delivery)

    def send(self, frame: Frame, qos: int, delivery: Delivery | None = None) -> None:
        """Send one frame over the gateway's connection. Never raises; what goes wrong is `lost`."""
        if self._cut:
            _lose(delivery, "the sub-device is not logged in any more")
        elif self.session is not None:
            self._trunk.send_for(self, frame, qos, delivery)
        elif len(self._held) < MAX_HELD:
            self._held.append((frame, qos, delivery))
        else:
            _lose(delivery, f"{MAX_HELD} frames wait for the answer to the login, which is the limit")

    def close(self, reason: str, notice: int | None = None) -> None:
        """End the place of the sub-device; with `notice` the gateway is told by 00A3 with this code."""
        if self._cut:
            return
        self._cut = True
        held, self._held = self._held, []
        self._trunk.cut(self, notice)
        self.session = self.inbox = None
        for _, _, delivery in held:
            _lose(delivery, reason)

    def leave(self) -> None:
        """End the place without a word."""
        self.close("the sub-device logged out")


def _lose(delivery: Delivery | None, reason: str) -> None:
    if delivery is not None:
        delivery.lost(reason)


def client_of(topic: str, direction: str) -> str | None:
    """The client id in a topic of this direction, 1 down or 2 up; None when it is no topic of a device."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[:3] != ["q", direction, "d"] or not (parts[4] in LEVELS or parts[4] == "+"):
        return None
    return parts[3]


def keys_of(directory: Directory, gateway: Device, connected_as: str) -> Keys | None:
    """The keys in a client id, when it is that of a sub-device that may exist in the gateway's account; None also when
    the device that asks is no gateway."""
    own = directory.product(gateway.product_id)
    if own is None or own.access_type != _GATEWAY:
        return None
    for product, device_key in directory.products_of_client_id(connected_as):
        if product.access_type == _SUB_DEVICE and product.account_id == own.account_id:
            return product.product_key, device_key
    return None


def packet_id_of(payload: bytes) -> int | None:
    """The packet id of a frame, None when it cannot be read: with a session key nobody knows it any more."""
    try:
        return decode(payload).packet_id
    except FrameError:
        return None


def not_logged_in(keys: Keys, packet_id: int | None) -> ExceptionNotice:
    """What a gateway is told when it speaks for a sub-device that is not logged in through it."""
    return ExceptionNotice(NOT_LOGGED_IN, packet_id, *keys)
