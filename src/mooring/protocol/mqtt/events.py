"""What a session tells its application.

Each event is a frozen value. First come those that only a server sees, then those of both sides, then those that
only a client sees. The last event of a session that the application did not close is one
of `Disconnected`, `ProtocolViolated`, `KeepAliveExpired` and `ConnectRefused`; after it nothing is received.
"""

import msgspec

from mooring.protocol.mqtt.errors import RemoteProtocolError
from mooring.protocol.mqtt.packets import Publish, Will

__all__ = [
    "ConnectAccepted",
    "ConnectRefused",
    "ConnectRequested",
    "DeliveryUnconfirmed",
    "Disconnected",
    "Event",
    "KeepAliveExpired",
    "PingReceived",
    "ProtocolViolated",
    "PublishAcked",
    "PublishReceived",
    "PublishSent",
    "RateExceeded",
    "Subscribe",
    "Subscribed",
    "Unsubscribe",
    "Unsubscribed",
]


class ConnectRequested(msgspec.Struct, frozen=True):
    """A client asks to be let in; answer with `accept` or `refuse`.

    `flags` are the connect flags on the wire: 42 hex is a password without user name. `repeated` says that the same
    CONNECT came again after it was accepted; it has been answered and nothing is to be done.
    No representation shows the password.
    """

    client_id: str
    username: str | None
    password: bytes | None
    keep_alive_s: int
    clean_session: bool
    will: Will | None
    flags: int
    repeated: bool

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("client_id", self.client_id), ("flags", self.flags), ("repeated", self.repeated)]

    def __repr__(self) -> str:
        return f"ConnectRequested(client_id={self.client_id!r}, flags={self.flags:#x}, repeated={self.repeated})"


class Subscribe(msgspec.Struct, frozen=True):
    """A client asks for topic filters, each with a QoS; answer each such event with one `grant`.

    `repeated` says that the SUBSCRIBE before it had the same packet id and filters.
    """

    packet_id: int
    filters: tuple[tuple[str, int], ...]
    repeated: bool


class Unsubscribe(msgspec.Struct, frozen=True):
    """A client wants these filters no more. It has been answered."""

    packet_id: int
    filters: tuple[str, ...]


class PingReceived(msgspec.Struct, frozen=True, gc=False):
    """A client says that it is alive. It has been answered."""


class RateExceeded(msgspec.Struct, frozen=True, gc=False):
    """The peer sends faster than its limit: what follows is held back until `until` (seconds, as passed in).

    Told once, until everything that was held back is read. Nothing is lost, and nothing need be done.
    """

    until: float


PublishReceived = Publish
"""A message came: the packet itself. When `qos` is 1 or 2, `acknowledge` its `packet_id` once it is committed; it is 0
with QoS 0.

A QoS 1 message may come again, with DUP or without (`ResendFilter`); one of QoS 2 comes once.
"""


class PublishSent(msgspec.Struct, frozen=True, gc=False):
    """A message of ours that had to wait for the window is now written."""

    packet_id: int


class PublishAcked(msgspec.Struct, frozen=True, gc=False):
    """The peer confirmed a message of ours; this may come late, after `DeliveryUnconfirmed`."""

    packet_id: int


class DeliveryUnconfirmed(msgspec.Struct, frozen=True, gc=False):
    """A message of ours was given up: it was written `sends` times and not confirmed. 0 means it never left."""

    packet_id: int
    sends: int


class Disconnected(msgspec.Struct, frozen=True, gc=False):
    """The peer left: `clean` with DISCONNECT, else (its will counts) by closing the connection."""

    clean: bool


class KeepAliveExpired(msgspec.Struct, frozen=True, gc=False):
    """The peer was silent too long: 1.5 times its keep alive, or a PINGREQ of ours had no answer."""


class ProtocolViolated(msgspec.Struct, frozen=True):
    """The peer broke the protocol or went over a guard: send what is left to send, then close."""

    reason: str
    error: type[RemoteProtocolError]


class ConnectAccepted(msgspec.Struct, frozen=True, gc=False):
    """The server let us in."""

    session_present: bool


class ConnectRefused(msgspec.Struct, frozen=True, gc=False):
    """The server did not let us in. 1 version, 2 client id, 3 unavailable, 4 credentials, 5 not authorized."""

    return_code: int


class Subscribed(msgspec.Struct, frozen=True):
    """The server answered a subscription: for each filter the granted QoS, or 128 for no."""

    packet_id: int
    codes: tuple[int, ...]


class Unsubscribed(msgspec.Struct, frozen=True, gc=False):
    """The server ended a subscription."""

    packet_id: int


Event = (
    ConnectAccepted
    | ConnectRefused
    | ConnectRequested
    | DeliveryUnconfirmed
    | Disconnected
    | KeepAliveExpired
    | PingReceived
    | ProtocolViolated
    | PublishAcked
    | PublishReceived
    | PublishSent
    | RateExceeded
    | Subscribe
    | Subscribed
    | Unsubscribe
    | Unsubscribed
)
