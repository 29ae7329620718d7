"""Gateway and sub-device commands, section 8 of contract/device-protocol.md, with the ids it proposes."""

import pytest

from mooring.protocol.commands import (
    CommandError,
    Direction,
    SubDeviceAuthentication,
    SubDeviceAuthenticationAnswer,
    SubDeviceLogout,
    decode,
    encode,
)
from mooring.protocol.commands_subdevice import AnswerId, RequestId, Result
from mooring.protocol.frame import Frame
from mooring.protocol.ttlv import decode as decode_ttlv


def test_the_ids_are_the_proposed_ones() -> None:
    assert list(RequestId) == [1, 2, 3]
    assert list(AnswerId) == [1, 2, 3, 4, 5]


def test_a_request_carries_keys_and_password() -> None:
    value = SubDeviceAuthentication("p11sub", "SUB00001", "0;0000;p11sub;BODY")
    frame = encode(value, 5)
    assert frame.command == 0x00C0
    assert [(field.id, field.value) for field in decode_ttlv(frame.payload)] == [
        (1, b"p11sub"),
        (2, b"SUB00001"),
        (3, b"0;0000;p11sub;BODY"),
    ]
    assert decode(frame, Direction.UP) == value


def test_an_answer_carries_result_keys_and_what_is_issued() -> None:
    value = SubDeviceAuthenticationAnswer(Result.OK, "p11sub", "SUB00001", "secret", b"SESSIONKEY012345")
    frame = encode(value, 5)
    assert [field.id for field in decode_ttlv(frame.payload)] == [1, 2, 3, 4, 5]
    assert decode(frame, Direction.DOWN) == value


def test_a_logout_needs_no_password() -> None:
    value = SubDeviceLogout("p11sub", "SUB00001")
    assert decode(encode(value, 1), Direction.UP) == value


def test_a_request_that_names_no_device_is_refused() -> None:
    with pytest.raises(CommandError) as caught:
        decode(Frame(1, 0x00C8, bytes.fromhex("000b000161")), Direction.UP)
    assert (caught.value.command, caught.value.field, caught.value.reason) == (0x00C8, "device_key", "is missing")
