"""One live connection of a device, as the services of the platform see it."""

from typing import Protocol, runtime_checkable

from mooring.protocol.frame import Frame, next_packet_id

from .entities import Device

__all__ = ["Delivery", "DeviceLink", "GatewayLink", "Session", "SubDeviceLink"]


class Delivery(Protocol):
    """Hears what becomes of one downlink. `published` comes at most once and before `delivered`; `lost` may be followed
    by a late `delivered`, because a PUBACK is evidence whenever it comes."""

    def published(self) -> None:
        """The PUBLISH was handed to the socket."""

    def delivered(self) -> None:
        """The PUBACK came; with QoS 0 right after `published`."""

    def lost(self, reason: str) -> None:
        """It was not confirmed in time, could not be sent, or the connection ended before it was."""


class DeviceLink(Protocol):
    """What a connection offers, whatever it is made of: MQTT over TCP, TLS or WebSocket, or a virtual device."""

    def send(self, frame: Frame, qos: int, delivery: Delivery | None = None) -> None:
        """Send one frame on the topic of its command. Never raises; what goes wrong is `lost`."""

    def close(self, reason: str, notice: int | None = None) -> None:
        """End the connection; with `notice` after an exception notice (00A3) of this code. May be called twice."""


class SubDeviceLink(DeviceLink, Protocol):
    """The place of a sub-device on its gateway's connection. `close` ends the place, not the connection."""

    def opened(self, session: "Session", /) -> None:
        """The sub-device is logged in: what it sends belongs to this session."""

    def leave(self) -> None:
        """End the place without a word: the gateway knows that the sub-device is gone."""


@runtime_checkable
class GatewayLink(Protocol):
    """What a connection offers besides when sub-devices may come in by it."""

    @property
    def is_secure(self) -> bool:
        """Whether the connection is TLS."""

    def branch(self, product_key: str, device_key: str, session_key: bytes | None, /) -> SubDeviceLink:
        """A place for a sub-device; with a session key its frames are encrypted by it."""


class Session:
    """A device that is online. `device` is as it was when it connected; services replace it when they change it.

    A sub-device is online through the session of its `gateway`.
    """

    __slots__ = ("_packet_id", "activated", "address", "connected_at", "device", "gateway", "has_spoken", "id", "link")

    def __init__(
        self,
        session_id: int,
        device: Device,
        link: DeviceLink,
        address: str,
        connected_at: int,
        gateway: "Session | None" = None,
    ) -> None:
        self.id = session_id
        self.device = device
        self.link = link
        self.gateway = gateway
        self.address = address  # of the peer, for people
        self.connected_at = connected_at  # epoch ms
        self.activated = device.activated_at is not None
        self.has_spoken = False  # an uplink came on this connection
        # Beginning at a place that moves with time keeps packet ids from repeating soon after a reconnect, which newer
        # devices take for a resend.
        self._packet_id = session_id & 0xFFFF

    def next_packet_id(self) -> int:
        """A packet id for a downlink that is no reply: 1 to FFFE, not used for the last 65,533 of them."""
        self._packet_id = next_packet_id(self._packet_id)
        return self._packet_id
