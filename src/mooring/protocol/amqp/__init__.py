"""AMQP 0-9-1, the server side, without input and output: bytes in, events out; commands in, bytes out.

Rules of this room:

- Nothing waits, nothing reads a clock: time is passed in, as seconds of one monotonic clock.
- `states` says what may happen when. Read the page above its table first.
- What the peer does never raises: it becomes an event. What the application does wrong raises and changes nothing.
- Everything that a peer can make grow has a limit in `limits`.

Contract: `messages.md` section 6.
"""

from mooring.protocol.amqp.errors import AmqpError, LocalProtocolError, RemoteProtocolError, ReplyCode
from mooring.protocol.amqp.events import (
    Acked,
    Cancelled,
    ChannelClosed,
    ConnectionClosed,
    ConsumeRequested,
    DeclareRequested,
    Event,
    GetRequested,
    LoginRequested,
    Opened,
    PrefetchChanged,
    ProtocolViolated,
    Returned,
    Silent,
)
from mooring.protocol.amqp.limits import VIRTUAL_HOSTS, Limits
from mooring.protocol.amqp.server import ServerSession
from mooring.protocol.amqp.states import State
from mooring.protocol.amqp.wire import Message

__all__ = [
    "VIRTUAL_HOSTS",
    "Acked",
    "AmqpError",
    "Cancelled",
    "ChannelClosed",
    "ConnectionClosed",
    "ConsumeRequested",
    "DeclareRequested",
    "Event",
    "GetRequested",
    "Limits",
    "LocalProtocolError",
    "LoginRequested",
    "Message",
    "Opened",
    "PrefetchChanged",
    "ProtocolViolated",
    "RemoteProtocolError",
    "ReplyCode",
    "Returned",
    "ServerSession",
    "Silent",
    "State",
]
