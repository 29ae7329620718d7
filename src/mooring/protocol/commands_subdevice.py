"""Commands of a gateway about its sub-devices, 00C0 to 00C8.

Implements section 8 of contract/device-protocol.md. Codes, directions and results are known; the TTLV ids are NOT:
the numbers in `RequestId` and `AnswerId` are the contract's proposal, until a capture of a real gateway corrects them,
here and nowhere else. All travel on the gateway's own `sys` topic.
"""

import enum
from typing import TypeAlias

import msgspec

from mooring.protocol.commands_codec import Codec, Direction, Item, layout_codec
from mooring.protocol.commands_kinds import INTEGER, TEXT, data

__all__ = [
    "CODECS",
    "AnswerId",
    "Downlink",
    "RequestId",
    "Result",
    "SubDeviceAnswer",
    "SubDeviceAuthentication",
    "SubDeviceAuthenticationAnswer",
    "SubDeviceLogin",
    "SubDeviceLoginAnswer",
    "SubDeviceLogout",
    "SubDeviceLogoutAnswer",
    "SubDeviceOffline",
    "SubDeviceRequest",
    "SubDeviceWithdrawal",
    "SubDeviceWithdrawalAnswer",
    "Uplink",
]


class RequestId(enum.IntEnum):
    """Proposed ids of a request."""

    PRODUCT_KEY = 1
    DEVICE_KEY = 2
    PASSWORD = 3


class AnswerId(enum.IntEnum):
    """Proposed ids of an answer."""

    CODE = 1
    PRODUCT_KEY = 2
    DEVICE_KEY = 3
    DEVICE_SECRET = 4
    SESSION_KEY = 5


class Result(enum.IntEnum):
    """Codes of an answer. Other platform codes say why a password was refused."""

    OK = 10200
    NOT_ASSOCIATED = 10440
    ALREADY_ONLINE = 10441
    NOT_LOGGED_IN = 10442


class SubDeviceRequest(msgspec.Struct, frozen=True):
    """What a gateway sends about one sub-device."""

    product_key: str
    device_key: str
    password: str | None = None  # the `0;` or `1;` text of `credentials`


class SubDeviceAnswer(msgspec.Struct, frozen=True):
    """What the server answers; secret and session key only where one is issued."""

    code: int
    product_key: str
    device_key: str
    device_secret: str | None = None
    session_key: bytes | None = None


class SubDeviceAuthentication(SubDeviceRequest, frozen=True):
    """00C0: registers a sub-device, password of step `0;`."""


class SubDeviceAuthenticationAnswer(SubDeviceAnswer, frozen=True):
    """00C1: answers 00C0."""


class SubDeviceLogin(SubDeviceRequest, frozen=True):
    """00C2: brings a sub-device online, password of step `1;`."""


class SubDeviceLoginAnswer(SubDeviceAnswer, frozen=True):
    """00C3: answers 00C2."""


class SubDeviceLogout(SubDeviceRequest, frozen=True):
    """00C4: takes a sub-device offline."""


class SubDeviceLogoutAnswer(SubDeviceAnswer, frozen=True):
    """00C5: answers 00C4."""


class SubDeviceWithdrawal(SubDeviceRequest, frozen=True):
    """00C6: withdraws the authentication; the secret of the sub-device is void."""


class SubDeviceWithdrawalAnswer(SubDeviceAnswer, frozen=True):
    """00C7: answers 00C6."""


class SubDeviceOffline(SubDeviceRequest, frozen=True):
    """00C8: tells that a sub-device went offline; has no answer."""


Uplink: TypeAlias = SubDeviceAuthentication | SubDeviceLogin | SubDeviceLogout | SubDeviceWithdrawal | SubDeviceOffline
Downlink: TypeAlias = (
    SubDeviceAuthenticationAnswer | SubDeviceLoginAnswer | SubDeviceLogoutAnswer | SubDeviceWithdrawalAnswer
)


def _request(command: int, type_: type[SubDeviceRequest]) -> Codec:
    return layout_codec(
        command,
        Direction.UP,
        type_,
        Item(RequestId.PRODUCT_KEY, "product_key", TEXT, required=True),
        Item(RequestId.DEVICE_KEY, "device_key", TEXT, required=True),
        Item(RequestId.PASSWORD, "password", TEXT),
    )


def _answer(command: int, type_: type[SubDeviceAnswer]) -> Codec:
    return layout_codec(
        command,
        Direction.DOWN,
        type_,
        Item(AnswerId.CODE, "code", INTEGER, required=True),
        Item(AnswerId.PRODUCT_KEY, "product_key", TEXT, required=True),
        Item(AnswerId.DEVICE_KEY, "device_key", TEXT, required=True),
        Item(AnswerId.DEVICE_SECRET, "device_secret", TEXT),
        Item(AnswerId.SESSION_KEY, "session_key", data()),
    )


CODECS = (
    _request(0x00C0, SubDeviceAuthentication),
    _answer(0x00C1, SubDeviceAuthenticationAnswer),
    _request(0x00C2, SubDeviceLogin),
    _answer(0x00C3, SubDeviceLoginAnswer),
    _request(0x00C4, SubDeviceLogout),
    _answer(0x00C5, SubDeviceLogoutAnswer),
    _request(0x00C6, SubDeviceWithdrawal),
    _answer(0x00C7, SubDeviceWithdrawalAnswer),
    _request(0x00C8, SubDeviceOffline),
)
