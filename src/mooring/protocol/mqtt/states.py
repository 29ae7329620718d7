"""What may happen when: the state machine of both roles, as two tables."""

################################################################################
# The rules
#
# A session is one connection, seen from one side. It is in one of four states:
#
#     NEW         nobody has said anything
#     CONNECTING  CONNECT was sent; the server has not answered yet
#     OPEN        CONNACK 0 was sent
#     ENDED       it is over; bytes that are left may be sent, nothing is received
#
# A row of a table says two things about a state: which packets of the peer it takes, and which commands of the
# application, each with the state that follows. What is not in the row is somebody's mistake, and who made it
# decides: a packet ends the session (`RemoteProtocolError`, reported as `ProtocolViolated`), a command is refused
# (`LocalProtocolError`) and changes nothing. The packets of a row are also what its reader lets in: one that has
# no place is refused by its first byte, before its body is there.
#
# From every state but ENDED four more things lead to ENDED: the peer closes, the peer breaks the protocol, a
# deadline passes, and `close`. They need no row. Whichever comes first is the last that is reported.
#
# Rules that a table can not show:
#
# 1. A server in CONNECTING takes no packet and refuses none: what comes after CONNECT is held back, in order and up
#    to a limit, because the standard (3.1.4) lets a client send at once and forbids to act on it when the client is
#    refused. `accept` hands out what was held, `refuse` drops it.
# 2. The standard ends a connection for its second CONNECT. The devices repeat theirs after 5 s without an answer
#    (device-protocol.md, section 2.3), so the same CONNECT again is answered by CONNACK again and starts nothing. One
#    CONNACK answers all that came before it. A different CONNECT is a violation.
# 3. SUBSCRIBE may come again, too; it is answered each time. PUBACKs that nobody waits for are dropped: they belong to
#    messages that were sent twice.
# 4. A message is only acknowledged by command, when the application has it in safety. QoS 1: each copy is reported
#    and each report acknowledged; copies are told apart by `ResendFilter`, because devices resend without DUP.
#    QoS 2: reported once; a copy is answered by PUBREC if the first one was, and the packet id is free after PUBREL.
#    The same id with another message means that the sender has given the first one up, which is accepted after
#    PUBREC and a violation before.
# 5. An answer to a peer that has left (`accept`, `refuse`, `grant`, `acknowledge`, `disconnect`, `close`) is no
#    mistake, only late: in ENDED these commands do nothing. The others raise `SessionEnded`: no message may seem to
#    be sent.
# 6. Reading waits (`wants_data` is false) in CONNECTING of a server, over the rate, and while too many messages wait
#    to be acknowledged. The keep alive of the peer stands still meanwhile: its pings may be what is waiting. When the
#    peer closes an open session, what was held back is read to its end, because it came before.
################################################################################

from enum import Enum, StrEnum
from typing import Final

import msgspec

from mooring.protocol.mqtt import packets

__all__ = ["CLIENT", "SERVER", "Command", "Row", "State"]


class State(Enum):
    """Where a session stands."""

    NEW = "before CONNECT"
    CONNECTING = "between CONNECT and CONNACK"
    OPEN = "in an open session"
    ENDED = "after the end"


class Command(StrEnum):
    """What an application may tell a session."""

    ACCEPT = "accept"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    GRANT = "grant"
    PING = "ping"
    PUBLISH = "publish"
    REFUSE = "refuse"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


class Row(msgspec.Struct, frozen=True):
    """One state: packets it takes and commands it allows, each with the state that follows."""

    packets: dict[type, State]
    commands: dict[Command, State]


SERVER: Final[dict[State, Row]] = {
    State.NEW: Row(
        packets={packets.Connect: State.CONNECTING},
        commands={Command.CLOSE: State.ENDED},
    ),
    State.CONNECTING: Row(
        packets={},  # rule 1
        commands={Command.ACCEPT: State.OPEN, Command.REFUSE: State.ENDED, Command.CLOSE: State.ENDED},
    ),
    State.OPEN: Row(
        packets={
            packets.Connect: State.OPEN,  # rule 2
            packets.Publish: State.OPEN,
            packets.Puback: State.OPEN,
            packets.Pubrel: State.OPEN,
            packets.Subscribe: State.OPEN,
            packets.Unsubscribe: State.OPEN,
            packets.Pingreq: State.OPEN,
            packets.Disconnect: State.ENDED,
        },
        commands={
            Command.ACKNOWLEDGE: State.OPEN,
            Command.GRANT: State.OPEN,
            Command.PUBLISH: State.OPEN,
            Command.CLOSE: State.ENDED,
        },
    ),
    State.ENDED: Row(
        packets={},
        commands=dict.fromkeys(  # rule 5
            (Command.ACCEPT, Command.REFUSE, Command.ACKNOWLEDGE, Command.GRANT, Command.CLOSE), State.ENDED
        ),
    ),
}

CLIENT: Final[dict[State, Row]] = {
    State.NEW: Row(
        packets={},
        commands={Command.CONNECT: State.CONNECTING, Command.CLOSE: State.ENDED},
    ),
    State.CONNECTING: Row(
        packets={packets.Connack: State.OPEN},  # ENDED when it refuses
        commands={Command.CLOSE: State.ENDED},
    ),
    State.OPEN: Row(
        packets={
            packets.Publish: State.OPEN,
            packets.Puback: State.OPEN,
            packets.Pubrec: State.OPEN,
            packets.Pubrel: State.OPEN,
            packets.Pubcomp: State.OPEN,
            packets.Suback: State.OPEN,
            packets.Unsuback: State.OPEN,
            packets.Pingresp: State.OPEN,
        },
        commands={
            Command.ACKNOWLEDGE: State.OPEN,
            Command.PING: State.OPEN,
            Command.PUBLISH: State.OPEN,
            Command.SUBSCRIBE: State.OPEN,
            Command.UNSUBSCRIBE: State.OPEN,
            Command.DISCONNECT: State.ENDED,
            Command.CLOSE: State.ENDED,
        },
    ),
    State.ENDED: Row(
        packets={},
        commands=dict.fromkeys((Command.ACKNOWLEDGE, Command.DISCONNECT, Command.CLOSE), State.ENDED),
    ),
}
