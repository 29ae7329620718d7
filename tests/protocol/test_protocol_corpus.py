"""Every vector of the contract with each byte changed, removed and doubled: refused as documented, or read.

Where `hypothesis` looks at random, this looks at each place, so that no length, type or marker byte is left out.
"""

import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from mooring.protocol import commands, frame, ttlv
from mooring.protocol.commands import CommandError, Direction
from mooring.protocol.credentials import (
    Authentication,
    CredentialError,
    open_authentication,
    parse,
    verify_connection,
)
from mooring.protocol.frame import Frame, FrameError
from mooring.protocol.mqtt import ConnectRequested, Limits, ProtocolViolated, PublishReceived, ServerSession, Subscribe
from mooring.protocol.session_crypto import CipherError, SessionCipher
from mooring.protocol.ttlv import TtlvError
from protocol.mqtt.test_mqtt_recorded import CONNECT, INFORMATION, STATUS, SUBSCRIBE, qos_1
from strategies_protocol import title, vectors

BYTES = (0x00, 0x01, 0x02, 0x04, 0x05, 0x07, 0x55, 0x7F, 0x80, 0xAA, 0xFE, 0xFF)


def neighbours(message: bytes) -> Iterator[bytes]:
    """The message itself, cut everywhere, and with each byte replaced, flipped bit by bit, removed and doubled."""
    yield message
    for at, byte in enumerate(message):
        before, after = message[:at], message[at + 1 :]
        yield before
        yield before + after
        yield message[: at + 1] + message[at:]
        for other in {*BYTES, *(byte ^ 1 << bit for bit in range(8))} - {byte}:
            yield before + bytes((other,)) + after


def read(message: bytes, direction: Direction) -> Frame | None:
    """Return the frame of a message whose command was read, None when either was refused as documented."""
    with suppress(FrameError, CommandError):
        content = frame.decode(message)
        commands.decode(content, direction)
        return content
    return None


def raw(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector.get("frame_hex", vector.get("raw_hex", "")))


MESSAGES = sorted({raw(vector) for vector in vectors("frames") if 0 < len(raw(vector)) < 150} | {STATUS, INFORMATION})


@pytest.mark.parametrize("direction", Direction)
def test_frames_and_their_commands(direction: Direction) -> None:
    assert len(MESSAGES) > 50
    for message in MESSAGES:
        for neighbour in neighbours(message):
            content = read(neighbour, direction)
            if content is not None:
                assert frame.decode(frame.encode(content)) == content


@pytest.mark.parametrize(
    "codec",
    [codec for codecs in commands._BY_COMMAND.values() for codec in codecs.values()],
    ids=lambda c: c.type.__name__,
)
def test_payloads_of_each_command(codec: Any) -> None:
    """The checksum lets no changed frame through, so payloads are changed before they are framed."""
    for vector in vectors("ttlv"):
        payload = bytes.fromhex(vector["hex"])
        for changed in neighbours(payload) if len(payload) < 24 else (payload,):
            read(frame.encode(Frame(1, codec.command, changed)), codec.direction)


@pytest.mark.parametrize("vector", [v for v in vectors("ttlv") if len(v["hex"]) < 400], ids=title)
def test_ttlv(vector: dict[str, Any]) -> None:
    for neighbour in neighbours(bytes.fromhex(vector["hex"])):
        with suppress(TtlvError):
            fields = ttlv.decode(neighbour)
            assert ttlv.decode(ttlv.encode(fields)) == fields


@pytest.mark.parametrize("vector", [v for v in vectors("auth") if "password" in v], ids=title)
def test_passwords(vector: dict[str, Any]) -> None:
    secret = vector.get("product_secret") or vector["server_knows"]["product_secret"]
    for neighbour in neighbours(vector["password"].encode()):
        with suppress(CredentialError):
            request = parse(neighbour)
            if isinstance(request, Authentication):
                open_authentication(request, secret, vector["client_id"])
            else:
                verify_connection(request, secret, "a device secret")


@pytest.mark.parametrize("vector", vectors("frames", "encrypted"), ids=title)
def test_encrypted_messages(vector: dict[str, Any]) -> None:
    cipher = SessionCipher(vector["session_key_text"].encode())
    for neighbour in neighbours(bytes.fromhex(vector["mqtt_payload_hex"])):
        with suppress(CipherError):
            read(cipher.decrypt(neighbour), Direction.UP)


FIRST_MINUTE = CONNECT + SUBSCRIBE + qos_1(b"2", 2, STATUS) + qos_1(b"2", 3, INFORMATION) + b"\xc0\x00"


def serve(wire: bytes) -> ServerSession:
    """A server that lets everybody in, grants and commits all, at the end of these bytes."""
    server = ServerSession(0.0, Limits())
    events = server.receive_data(wire, 0.0)
    while events:
        match events.pop(0):
            case ConnectRequested(repeated=False):
                events += server.accept(0.0)
            case Subscribe() as request:
                server.grant(request.packet_id, [1] * len(request.filters))
            case PublishReceived() as message:
                read(message.payload, Direction.UP)
                if message.qos:
                    server.acknowledge(message.packet_id)
            case ProtocolViolated() as last:
                assert last.reason
                assert events == []
    return server


def test_the_first_minute_of_a_device() -> None:
    for neighbour in neighbours(FIRST_MINUTE):
        server = serve(neighbour)
        assert len(server.data_to_send()) < 1_000
        server.receive_eof()
        assert server.is_over


def test_no_message_needs_much_more_memory_than_it_has_bytes() -> None:
    """The worst for its size is a list of bools, two bytes each; the reader refuses counts it has no bytes for."""
    worst = [
        b"\x00\x08" * 32_765,
        b"\x00\x0c\xff\xff" * 16_000,
        b"\x00\x0c\x00\x01" * 16_000,
        b"\x00\x0b\xff\xff" * 16_000,
    ]
    tracemalloc.start()
    try:
        for payload in worst:
            message = frame.encode(Frame(1, 0x0014, payload))
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            read(message, Direction.UP)
            assert tracemalloc.get_traced_memory()[1] - before < 50 * len(message)
    finally:
        tracemalloc.stop()
