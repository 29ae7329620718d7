"""The errors of MQTT sessions. Who broke the protocol decides the branch.

MqttError
├── LocalProtocolError        this side did: raised by the command, which then changed and wrote nothing
│   ├── InvalidArgument       no packet can carry this argument
│   ├── SessionEnded          a command that needs a connection came after its end
│   └── TooManyInFlight       window and queue of unconfirmed publishes are full; wait for `PublishAcked`
└── RemoteProtocolError       the peer did: never leaves a session, which reports it as `ProtocolViolated`
    ├── MalformedPacket       these bytes are no packet of MQTT 3.1.1
    ├── UnexpectedPacket      a packet that has no place here and now
    ├── UnacceptableProtocol  another version of MQTT; answered with CONNACK 1
    ├── IdentifierRejected    an empty client id that asks for a kept session; answered with CONNACK 2
    ├── LimitExceeded         lawful, but over a guard of ours; the reason names the limit
    └── PeerSilent            no CONNECT (seen by the server) or no CONNACK (seen by the client) in time

No error repeats what was received: a password or a device secret could be in it.
"""

__all__ = [
    "IdentifierRejected",
    "InvalidArgument",
    "LimitExceeded",
    "LocalProtocolError",
    "MalformedPacket",
    "MqttError",
    "PeerSilent",
    "RemoteProtocolError",
    "SessionEnded",
    "TooManyInFlight",
    "UnacceptableProtocol",
    "UnexpectedPacket",
]


class MqttError(Exception):
    """Base of all errors of this package. `reason` says what is wrong, in words for a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LocalProtocolError(MqttError):
    """A command that has no place here and now. Nothing was changed or written."""


class InvalidArgument(LocalProtocolError, ValueError):
    """No packet can carry this argument: a topic with a wildcard, a text over 65,535 bytes, a QoS of 3."""


class SessionEnded(LocalProtocolError):
    """The connection is over, so this can not be sent."""


class TooManyInFlight(LocalProtocolError):
    """Window and queue of unconfirmed publishes are full; try again after a `PublishAcked`."""


class RemoteProtocolError(MqttError):
    """The peer broke the protocol. `answer` holds the bytes to send before closing; most times none."""

    answer = b""


class MalformedPacket(RemoteProtocolError):
    """These bytes are no packet of MQTT 3.1.1."""


class UnexpectedPacket(RemoteProtocolError):
    """A packet that has no place here and now, or an identifier used for two things."""


class UnacceptableProtocol(RemoteProtocolError):
    """Another version of MQTT is spoken. The answer is CONNACK 1."""

    answer = b"\x20\x02\x00\x01"


class IdentifierRejected(RemoteProtocolError):
    """An empty client id that asks for a kept session. The answer is CONNACK 2."""

    answer = b"\x20\x02\x00\x02"


class LimitExceeded(RemoteProtocolError):
    """Lawful, but over a guard of ours. The reason names the limit and its value."""


class PeerSilent(RemoteProtocolError):
    """The first packet that the peer owes did not come in time."""
