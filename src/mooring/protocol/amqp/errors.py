"""The errors of AMQP sessions. Who broke the protocol decides the branch.

AmqpError
├── LocalProtocolError    this side did: raised by the command, which then changed and wrote nothing
└── RemoteProtocolError   the peer did: never leaves a session
    ├── ChannelError      ends one channel: `channel.close` with the code
    └── ConnectionError_  ends the connection: `connection.close` with the code, reported as `ProtocolViolated`

No error repeats what was received: a password could be in it.
"""

import enum

__all__ = ["AmqpError", "ChannelError", "ConnectionError_", "LocalProtocolError", "RemoteProtocolError", "ReplyCode"]


class ReplyCode(enum.IntEnum):
    """Reply codes of AMQP 0-9-1 that this server sends."""

    SUCCESS = 200
    CONNECTION_FORCED = 320
    ACCESS_REFUSED = 403
    NOT_FOUND = 404
    RESOURCE_LOCKED = 405
    PRECONDITION_FAILED = 406
    FRAME_ERROR = 501
    SYNTAX_ERROR = 502
    COMMAND_INVALID = 503
    CHANNEL_ERROR = 504
    UNEXPECTED_FRAME = 505
    RESOURCE_ERROR = 506
    NOT_ALLOWED = 530
    NOT_IMPLEMENTED = 540
    INTERNAL_ERROR = 541


class AmqpError(Exception):
    """Base of all errors of this package. `reason` says what is wrong, in words for a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LocalProtocolError(AmqpError):
    """A command that has no place here and now. Nothing was changed or written."""


class RemoteProtocolError(AmqpError):
    """The peer broke the protocol. `class_id` and `method_id` name the method at fault, 0 when there is none."""

    def __init__(self, code: ReplyCode, reason: str, class_id: int = 0, method_id: int = 0) -> None:
        super().__init__(reason)
        self.code = code
        self.class_id = class_id
        self.method_id = method_id

    @property
    def text(self) -> str:
        """The reply text, in the form that brokers use: the name of the code, then the reason."""
        return f"{self.code.name} - {self.reason}"


class ChannelError(RemoteProtocolError):
    """A mistake that ends its channel."""


class ConnectionError_(RemoteProtocolError):  # noqa: N801 - ConnectionError is Python's own
    """A mistake that ends the connection."""
