"""MQTT 3.1.1 without input and output: bytes in, events out; commands in, bytes out.

Rules of this room:

- Nothing waits, nothing reads a clock: time is passed in, as seconds of one monotonic clock.
- `states` says what may happen when; everything else asks it. Read the page above its tables first.
- What the peer does never raises: it becomes an event. What the application does wrong raises and changes nothing.
- Everything that a peer can make grow has a limit in `limits`.
- Values are frozen and slotted; `packets` are those of the wire, `events` those of the application.

Contract: `device-protocol.md` sections 2, 4 and 13.
"""

from mooring.protocol.mqtt.client import ClientSession
from mooring.protocol.mqtt.errors import (
    IdentifierRejected,
    InvalidArgument,
    LimitExceeded,
    LocalProtocolError,
    MalformedPacket,
    MqttError,
    PeerSilent,
    RemoteProtocolError,
    SessionEnded,
    TooManyInFlight,
    UnacceptableProtocol,
    UnexpectedPacket,
)
from mooring.protocol.mqtt.events import (
    ConnectAccepted,
    ConnectRefused,
    ConnectRequested,
    DeliveryUnconfirmed,
    Disconnected,
    Event,
    KeepAliveExpired,
    PingReceived,
    ProtocolViolated,
    PublishAcked,
    PublishReceived,
    PublishSent,
    RateExceeded,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from mooring.protocol.mqtt.limits import DEVICE_RESENDS, Limits, Resends
from mooring.protocol.mqtt.packets import GRANT_REFUSED, Connect, Will
from mooring.protocol.mqtt.resend_filter import ResendFilter
from mooring.protocol.mqtt.server import ServerSession
from mooring.protocol.mqtt.states import State

__all__ = [
    "DEVICE_RESENDS",
    "GRANT_REFUSED",
    "ClientSession",
    "Connect",
    "ConnectAccepted",
    "ConnectRefused",
    "ConnectRequested",
    "DeliveryUnconfirmed",
    "Disconnected",
    "Event",
    "IdentifierRejected",
    "InvalidArgument",
    "KeepAliveExpired",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "MalformedPacket",
    "MqttError",
    "PeerSilent",
    "PingReceived",
    "ProtocolViolated",
    "PublishAcked",
    "PublishReceived",
    "PublishSent",
    "RateExceeded",
    "RemoteProtocolError",
    "ResendFilter",
    "Resends",
    "ServerSession",
    "SessionEnded",
    "State",
    "Subscribe",
    "Subscribed",
    "TooManyInFlight",
    "UnacceptableProtocol",
    "UnexpectedPacket",
    "Unsubscribe",
    "Unsubscribed",
    "Will",
]
