"""What is written by hand is what the general codec writes and reads."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, frame, header
from pamqp.commands import Basic

from mooring.protocol.amqp import Message
from mooring.protocol.amqp.errors import ConnectionError_
from mooring.protocol.amqp.wire import (
    HEARTBEAT_FRAME,
    Template,
    ack_head,
    content_of,
    decode_acks,
    decode_method,
    encode_method,
    is_ack,
)

channels = st.integers(1, 65535)
tags = st.integers(0, 2**63 - 1)  # the codec takes the 64 bits for a signed number
short = st.text(st.characters(exclude_categories=["Cs"]), max_size=80).filter(lambda text: len(text.encode()) <= 255)
messages = st.builds(Message, short, short, st.integers(0, 2**32 - 1), st.binary(max_size=20_000))


@given(channels, short.filter(bool), short, st.integers(1, 2**63 - 1), st.booleans())
def test_deliver_is_that_of_the_codec(channel: int, tag: str, key: str, delivery: int, redelivered: bool) -> None:
    method = Basic.Deliver(tag, delivery, redelivered, "", key)
    assert Template(channel, tag, key).fill(delivery, redelivered) == frame.marshal(method, channel)


@given(messages, channels, st.integers(4096, 131_072))
def test_content_is_that_of_the_codec(message: Message, channel: int, frame_max: int) -> None:
    properties = Basic.Properties(
        content_type="application/json",
        delivery_mode=2,
        message_id=message.id or None,
        timestamp=datetime.fromtimestamp(message.timestamp_s, UTC),
        message_type=message.type or None,
    )
    written = content_of(message, channel, frame_max)
    if message.id and message.type:
        head = frame.marshal(header.ContentHeader(0, len(message.body), properties), channel)
        assert written.startswith(head)
    consumed, on, decoded = frame.unmarshal(written)
    assert isinstance(decoded, header.ContentHeader)
    assert (on, decoded.body_size) == (channel, len(message.body))
    assert decoded.properties.message_id == message.id
    assert decoded.properties.message_type == message.type
    rest = written[consumed:]
    got = b""
    while rest:
        consumed, on, part = frame.unmarshal(rest)
        assert isinstance(part, body.ContentBody)
        assert (on, consumed <= frame_max) == (channel, True)
        got += part.value
        rest = rest[consumed:]
    assert got == message.body


@given(tags, st.booleans())
def test_ack_is_read_as_the_codec_reads_it(tag: int, multiple: bool) -> None:
    written = b"\x00\x3c\x00\x50" + tag.to_bytes(8, "big") + bytes((multiple,))
    framed = b"\x01\x00\x07\x00\x00\x00\x0d" + written + b"\xce"
    assert framed.startswith(ack_head(7))
    assert [(found, bits & 1) for found, bits in decode_acks(framed * 2)] == [(tag, multiple)] * 2
    method = decode_method(written)
    assert isinstance(method, Basic.Ack)
    assert (method.delivery_tag, method.multiple) == (tag, multiple)


@given(st.binary(max_size=40))
def test_fast_reader_of_acks_agrees_with_the_codec_on_any_bytes(data: bytes) -> None:
    if is_ack(data):
        method = decode_method(data)
        assert isinstance(method, Basic.Ack)
        [(tag, bits)] = decode_acks(bytes(7) + data + bytes(1))
        assert ((method.delivery_tag or 0) % 2**64, bool(method.multiple)) == (tag, bits & 1)


@given(st.sampled_from(sorted(commands.INDEX_MAPPING)), st.binary(max_size=60))
def test_any_arguments_decode_or_are_refused(index: int, arguments: bytes) -> None:
    found: object
    try:
        found = decode_method(index.to_bytes(4, "big") + arguments).index
    except ConnectionError_ as error:
        found = error.code, error.class_id << 16 | error.method_id
    assert found in (index, (502, index))


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x0a\x00", b"\x00\x0a\x00\xff", b"\x00\x1e\x00\x0a"])
def test_unknown_method_is_503(payload: bytes) -> None:
    with pytest.raises(ConnectionError_) as caught:
        decode_method(payload)
    assert caught.value.code == 503


def test_heartbeat_is_that_of_the_codec() -> None:
    consumed, channel, decoded = frame.unmarshal(HEARTBEAT_FRAME)
    assert (consumed, channel, decoded.name) == (8, 0, "Heartbeat")


def test_methods_are_written_by_the_codec() -> None:
    assert encode_method(Basic.QosOk(), 3) == frame.marshal(Basic.QosOk(), 3)


@pytest.mark.parametrize("field", ["id", "type"])
def test_too_long_short_string_is_an_error_and_not_cut(field: str) -> None:
    values = {"id": "1", "type": "t", "timestamp_s": 1, "body": b"{}"} | {field: "ü" * 128}
    with pytest.raises(ValueError, match="256 bytes"):
        content_of(Message(**values), 1, 4096)  # type: ignore[arg-type]
