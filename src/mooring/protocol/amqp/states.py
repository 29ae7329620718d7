"""What may happen when: the state machine of the server side of one connection, as a table."""

################################################################################
# The rules
#
#     NEW         nobody has said anything; the protocol header is awaited
#     STARTED     connection.start was sent
#     DECIDING    the client has sent its credentials, and the application decides
#     TUNING      connection.tune was sent
#     OPENING     both agree on sizes and heartbeat; connection.open is awaited
#     OPEN        channels
#     CLOSING     connection.close was sent; everything but its close-ok is thrown away
#     ENDED       it is over; bytes that are left may be sent, nothing is received
#
# A row of the table names the connection methods that a state takes, each with the state that follows. A method that
# is not in the row of its state is 503; one of another class on channel 0, or on a channel before OPEN, is 504. Rules
# that a table can not show:
#
# 1. Until TUNING a mistake closes the socket without a word, for a stranger learns nothing; but for what messages.md
#    section 6 says: the other protocol header is answered with ours, and a bad signature with 403 where the client
#    announces that it understands it. From TUNING on every mistake is answered with its code; what is wrong about
#    sizes, heartbeat and virtual host is 530.
# 2. Frames are taken in order, and one request at a time: after a request that the application must answer nothing
#    more is taken until it has.
# 3. Every method but ack, nack and reject waits until what was acknowledged before it is settled. So whoever gets an
#    answer to anything - qos, get, close - knows that its acknowledgements before are committed.
# 4. A channel that the server has closed takes only close-ok, and close, which is answered: both sides may close at
#    the same time.
# 5. A connection may be closed by both sides at the same time, too; close is answered by close-ok in CLOSING.
################################################################################

from enum import Enum
from typing import Final

from pamqp.commands import Connection

__all__ = ["CONNECTION_METHODS", "State"]


class State(Enum):
    """Where a session stands."""

    NEW = "before the protocol header"
    STARTED = "before connection.start-ok"
    DECIDING = "while the login is decided upon"
    TUNING = "before connection.tune-ok"
    OPENING = "before connection.open"
    OPEN = "on an open connection"
    CLOSING = "after connection.close"
    ENDED = "after the end"


CONNECTION_METHODS: Final[dict[State, dict[type, State]]] = {
    State.NEW: {},
    State.STARTED: {Connection.StartOk: State.DECIDING, Connection.Close: State.ENDED},
    State.DECIDING: {},
    State.TUNING: {Connection.TuneOk: State.OPENING, Connection.Close: State.ENDED},
    State.OPENING: {Connection.Open: State.OPEN, Connection.Close: State.ENDED},
    State.OPEN: {Connection.Close: State.ENDED},
    State.CLOSING: {Connection.Close: State.CLOSING, Connection.CloseOk: State.ENDED},
    State.ENDED: {},
}
