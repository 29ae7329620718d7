"""Frames, section 5 of contract/device-protocol.md."""

import hashlib
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol import ttlv
from mooring.protocol.frame import (
    MAX_PAYLOAD,
    Decoder,
    Frame,
    FrameError,
    FrameFault,
    decode,
    encode,
    next_packet_id,
)
from mooring.protocol.session_crypto import SessionCipher
from strategies_protocol import fields_of, frames, mutated, title, vectors

KINDS = ("encode", "encode_large", "encrypted", "decode", "reject")


def frame_of(entry: dict[str, Any]) -> Frame:
    return Frame(entry["packet_id"], int(entry["command"], 16), bytes.fromhex(entry["payload_hex"]))


def in_one_piece(data: bytes) -> list[Frame | FrameError]:
    return Decoder().feed(data)


def faults(found: list[Frame | FrameError]) -> list[Frame | FrameFault]:
    """Errors compare by identity; this makes them comparable."""
    return [event.fault if isinstance(event, FrameError) else event for event in found]


def test_every_vector_has_a_kind_that_is_tested_here() -> None:
    assert sum(len(vectors("frames", kind)) for kind in KINDS) == len(vectors("frames")) == 66


@pytest.mark.parametrize("vector", vectors("frames", "encode"), ids=title)
def test_vector_is_written_and_read(vector: dict[str, Any]) -> None:
    frame = frame_of(vector)
    if "fields" in vector:
        assert ttlv.encode(fields_of(vector["fields"])) == frame.payload
    assert encode(frame).hex() == vector["frame_hex"]
    assert decode(bytes.fromhex(vector["frame_hex"])) == frame
    assert in_one_piece(bytes.fromhex(vector["frame_hex"])) == [frame]


@pytest.mark.parametrize("vector", vectors("frames", "encode_large"), ids=title)
def test_large_vector_is_written_and_read(vector: dict[str, Any]) -> None:
    fill = vector["payload_fill"]
    frame = Frame(vector["packet_id"], int(vector["command"], 16), bytes.fromhex(fill["byte"]) * fill["count"])
    message = encode(frame)
    assert len(message) == vector["frame_length"]
    assert message.hex().startswith(vector["frame_prefix_hex"])
    assert message.hex().endswith(vector["frame_suffix_hex"])
    assert hashlib.sha256(message).hexdigest() == vector["frame_sha256"]
    assert decode(message) == frame
    assert in_one_piece(message) == [frame]


@pytest.mark.parametrize("vector", vectors("frames", "encrypted"), ids=title)
def test_encrypted_vector_is_the_ciphertext_of_the_whole_frame(vector: dict[str, Any]) -> None:
    frame = frame_of(vector)
    cipher = SessionCipher(vector["session_key_text"].encode())
    assert encode(frame).hex() == vector["frame_hex"]
    assert cipher.encrypt(encode(frame)).hex() == vector["mqtt_payload_hex"]
    assert decode(cipher.decrypt(bytes.fromhex(vector["mqtt_payload_hex"]))) == frame


@pytest.mark.parametrize("vector", vectors("frames", "decode"), ids=title)
def test_message_of_the_field_is_read(vector: dict[str, Any]) -> None:
    assert decode(bytes.fromhex(vector["raw_hex"])) == frame_of(vector["result"])


@pytest.mark.parametrize("vector", vectors("frames", "reject"), ids=title)
def test_vector_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        decode(bytes.fromhex(vector["raw_hex"]))


@pytest.mark.parametrize(
    ("raw_hex", "fault"),
    [
        ("", FrameFault.PROTOCOL),
        ("aa", FrameFault.PROTOCOL),
        ("00aaaa000717030200110001", FrameFault.PROTOCOL),
        ("aaaa", FrameFault.LENGTH),
        ("aaaa00071703020011", FrameFault.LENGTH),
        ("aaaa0004000001001100", FrameFault.LENGTH),
        ("aaaa000718030200110001", FrameFault.CHECKSUM),
    ],
)
def test_a_fault_is_named(raw_hex: str, fault: FrameFault) -> None:
    with pytest.raises(FrameError) as caught:
        decode(bytes.fromhex(raw_hex))
    assert caught.value.fault is fault
    assert str(caught.value).startswith(fault.name.lower())


def test_faults_have_the_numbers_of_the_exception_notice() -> None:
    assert [(fault.name, fault.value) for fault in FrameFault] == [("PROTOCOL", 1), ("LENGTH", 2), ("CHECKSUM", 3)]


@given(frames)
def test_what_is_written_is_read(frame: Frame) -> None:
    message = encode(frame)
    assert decode(message) == frame
    assert b"\xaa\xaa" not in message[1:]


def test_an_aa_before_a_last_line_feed_needs_no_escape() -> None:
    assert encode(Frame(1, 0x0024, b"\xaa\n")).endswith(b"\x00\x24\xaa\n")


@given(frames, st.binary(max_size=20))
def test_bytes_after_the_frame_of_a_message_are_ignored(frame: Frame, trailing: bytes) -> None:
    assert decode(encode(frame) + trailing) == frame


@given(st.binary(max_size=60) | st.binary(max_size=60).map(b"\xaa\xaa\x00".__add__) | mutated(frames.map(encode)))
def test_any_message_is_a_frame_or_a_frame_error(message: bytes) -> None:
    try:
        frame = decode(message)
    except FrameError:
        return
    assert decode(encode(frame)) == frame


@given(frames, st.data())
def test_a_frame_cut_anywhere_is_refused(frame: Frame, data: st.DataObject) -> None:
    message = encode(frame)
    whole = len(message) - (message[-2:] == b"\xaa\x55")  # the escape at the very end carries nothing
    with pytest.raises(FrameError):
        decode(message[: data.draw(st.integers(0, whole - 1))])


def test_payload_of_65530_bytes_is_the_longest() -> None:
    frame = Frame(1, 0x0024, b"\xaa" * MAX_PAYLOAD)
    assert decode(encode(frame)) == frame
    with pytest.raises(FrameError) as caught:
        encode(Frame(1, 0x0024, bytes(MAX_PAYLOAD + 1)))
    assert caught.value.fault is FrameFault.LENGTH


@pytest.mark.parametrize("size", [0, 1, 251, 252, 253, 300, 65529])
@pytest.mark.parametrize("byte", [0x00, 0x01, 0x54, 0xFF])
def test_checksum_is_the_low_byte_of_the_sum(size: int, byte: int) -> None:
    message = encode(Frame(0xFFFF, 0xFFFE, bytes((byte,)) * size)).replace(b"\xaa\x55", b"\xaa")
    assert message[4] == (4 * 0xFF - 1 + size * byte) % 256


@pytest.mark.parametrize("frame", [Frame(-1, 1, b""), Frame(65536, 1, b""), Frame(1, -1, b""), Frame(1, 65536, b"")])
def test_packet_id_and_command_have_16_bits(frame: Frame) -> None:
    with pytest.raises(FrameError, match="16 bits"):
        encode(frame)


@pytest.mark.parametrize(
    ("packet_id", "following"),
    [(1, 2), (0xFFFD, 0xFFFE), (0xFFFE, 1), (0, 1), (0xFFFF, 1)],
)
def test_packet_ids_run_from_1_to_fffe(packet_id: int, following: int) -> None:
    assert next_packet_id(packet_id) == following


class TestStream:
    @given(st.lists(frames, max_size=5))
    def test_frames_come_out_in_order(self, sent: list[Frame]) -> None:
        assert in_one_piece(b"".join(map(encode, sent))) == sent

    @given(st.lists(frames | st.binary(max_size=8) | mutated(frames.map(encode)), max_size=4), st.data())
    def test_where_the_stream_is_cut_makes_no_difference(self, parts: list[Any], data: st.DataObject) -> None:
        stream = b"".join(encode(part) if isinstance(part, Frame) else part for part in parts)
        decoder = Decoder()
        found: list[Frame | FrameError] = []
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
        for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            found += decoder.feed(stream[start:stop])
        assert faults(found) == faults(in_one_piece(stream))

    def test_every_vector_cut_at_every_position_gives_the_same(self) -> None:
        messages = [bytes.fromhex(vector["frame_hex"]) for vector in vectors("frames", "encode")]
        messages += [bytes.fromhex(v["raw_hex"]) for v in (*vectors("frames", "decode"), *vectors("frames", "reject"))]
        for message in messages:
            whole = faults(in_one_piece(message))
            for at in range(len(message) + 1):
                decoder = Decoder()
                assert faults(decoder.feed(message[:at]) + decoder.feed(message[at:])) == whole

    @given(frames, st.binary(max_size=60) | mutated(frames.map(encode)), frames)
    def test_damage_costs_nothing_but_the_frame_it_hits(self, first: Frame, damaged: bytes, last: Frame) -> None:
        found = faults(in_one_piece(encode(first) + damaged + encode(last)))
        assert found[0] == first
        assert found[-1] == last

    @pytest.mark.parametrize(
        ("raw_hex", "expected"),
        [
            ("00", [FrameFault.PROTOCOL]),
            ("000102", [FrameFault.PROTOCOL]),
            ("aa00", [FrameFault.PROTOCOL]),
            ("aa", []),
            ("aaaa0007", []),
            ("aaaa0004000001001100", [FrameFault.LENGTH]),
            ("aaaa000717aaaa00051400030011", [FrameFault.LENGTH, Frame(3, 0x11, b"")]),
            ("aaaaaa00051400030011", [FrameFault.LENGTH, Frame(3, 0x11, b"")]),
            ("aaaa00051500030011aaaa00051400030011", [FrameFault.CHECKSUM, Frame(3, 0x11, b"")]),
            ("00aaaa0005140003001100aaaa00051400030011", None),
        ],
    )
    def test_each_damaged_place_is_told_once(self, raw_hex: str, expected: list[Frame | FrameFault] | None) -> None:
        ping = Frame(3, 0x11, b"")
        expected = [FrameFault.PROTOCOL, ping, FrameFault.PROTOCOL, ping] if expected is None else expected
        assert faults(in_one_piece(bytes.fromhex(raw_hex))) == expected

    def test_a_frame_that_ends_in_aa_waits_for_its_escape(self) -> None:
        frame = Frame(21, 0x0024, b"\x01\xaa")
        decoder = Decoder()
        assert decoder.feed(encode(frame)[:-1]) == []
        assert decoder.feed(b"\x55") == [frame]

    def test_a_frame_that_ends_in_aa_without_its_escape_is_told_by_another_byte(self) -> None:
        frame = Frame(21, 0x0024, b"\x01\xaa")
        assert faults(in_one_piece(encode(frame)[:-1] + b"\0" + encode(frame))) == [frame, FrameFault.PROTOCOL, frame]

    def test_a_frame_that_lost_its_last_byte_does_not_take_the_header_of_the_next(self) -> None:
        frame = Frame(3, 0x11, b"\x01")
        assert faults(in_one_piece(encode(frame)[:-1] + encode(frame))) == [FrameFault.LENGTH, frame]

    def test_two_frames_in_one_piece_are_both_read_unlike_in_a_message(self) -> None:
        [vector] = [v for v in vectors("frames") if v["name"] == "two frames in one publish"]
        assert in_one_piece(bytes.fromhex(vector["raw_hex"])) == [frame_of(vector["result"])] * 2

    def test_a_raw_aa_aa_starts_a_frame_unlike_in_a_message(self) -> None:
        [vector] = [v for v in vectors("frames") if v["name"] == "unescaped AA AA inside"]
        assert faults(in_one_piece(bytes.fromhex(vector["raw_hex"]))) == [FrameFault.LENGTH]

    def test_memory_is_that_of_one_frame(self) -> None:
        decoder = Decoder()
        for piece in (b"\xaa\xaa\xff\xff", b"\xaa\x55" * 40_000, bytes(40_000), b"\xaa", b"\x01" * 90_000):
            for start in range(0, len(piece), 1000):
                decoder.feed(piece[start : start + 1000])
                assert sys.getsizeof(decoder._plain) < 2 * MAX_PAYLOAD
