"""Messages of known shapes: read as all others are, learnt when they come again, and never too many of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol import ttlv
from mooring.protocol.ttlv import TtlvError
from mooring.thingmodel import ModelCodec, learning
from mooring.thingmodel.features import properties
from mooring.thingmodel.quick import QuickReader

TYPES = {1: "INT", 2: "FLOAT", 3: "DOUBLE", 4: "ENUM", 5: "BOOL", 6: "TEXT", 7: "RAW", 8: "DATE", 9: "FLOAT"}
SPECS = {2: {"min": "0", "max": "9", "step": "0.1"}, 4: [{"dataType": "ENUM", "name": "", "value": "1"}]}
DOCUMENT = {
    "properties": [
        {"id": ident, "code": f"p{ident}", "name": "", "subType": "RW", "dataType": kind, "specs": SPECS.get(ident)}
        for ident, kind in TYPES.items()
    ]
}
REPEATS = 30  # of a message: its shape is learnt by then


def number(ident: int, marker: int, magnitude: bytes) -> bytes:
    return (ident << 3 | 2).to_bytes(2) + bytes((marker & 0xF8 | len(magnitude) - 1,)) + magnitude


def text(ident: int, value: bytes, kind: int = 3) -> bytes:
    return (ident << 3 | kind).to_bytes(2) + len(value).to_bytes(2) + value


def truth(ident: int, value: bool) -> bytes:
    return (ident << 3 | value).to_bytes(2)


def numbers(ident: int, size: int) -> st.SearchStrategy[bytes]:
    return st.builds(number, st.just(ident), st.integers(0, 255), st.binary(min_size=size, max_size=size))


def usual(ident: int, size: int) -> st.SearchStrategy[bytes]:
    markers = st.sampled_from([sign | decimals << 3 for sign in (0, 0x80) for decimals in range(4)])
    return st.builds(number, st.just(ident), markers, st.binary(min_size=size, max_size=size))


def texts(ident: int, size: int, kind: int) -> st.SearchStrategy[bytes]:
    return st.builds(text, st.just(ident), st.binary(min_size=size, max_size=size), st.just(kind))


NUMBER_IDS = st.sampled_from([ident for ident, kind in TYPES.items() if kind not in ("BOOL", "TEXT", "RAW")])
VALUES: st.SearchStrategy[st.SearchStrategy[bytes]] = st.one_of(
    st.builds(numbers, NUMBER_IDS, st.integers(1, 8)),
    st.builds(usual, NUMBER_IDS, st.integers(1, 8)),
    st.builds(texts, st.sampled_from((6, 7)), st.integers(0, 5), st.sampled_from((3, 5))),
    st.just(st.builds(truth, st.just(5), st.booleans())),
)
"""Strategies for one value of a message each, which always takes the same bytes."""


def same_as_from_fields(codec: ModelCodec, payload: bytes) -> None:
    try:
        fields = ttlv.decode(payload)
    except TtlvError:
        with pytest.raises(TtlvError):
            codec.decode_payload(payload)
        return
    assert codec.decode_payload(payload) == codec.decode(fields)


@given(st.data())
def test_messages_near_a_known_shape_are_read_as_from_their_fields(data: st.DataObject) -> None:
    shape = st.tuples(*data.draw(st.lists(VALUES, min_size=1, max_size=8))).map(b"".join)
    codec = ModelCodec.of(DOCUMENT)
    first, second, third = data.draw(st.tuples(shape, shape, shape))
    for payload in (first,) * REPEATS + (second,) * REPEATS:
        codec.decode_payload(payload)
    for payload in (first, second, third):
        same_as_from_fields(codec, payload)
        at, byte = data.draw(st.integers(0, len(payload) - 1)), data.draw(st.binary(min_size=1, max_size=1))
        same_as_from_fields(codec, payload[:at])
        same_as_from_fields(codec, payload[:at] + byte + payload[at + 1 :])
        same_as_from_fields(codec, payload[:at] + byte + payload[at:])
        same_as_from_fields(codec, payload + data.draw(VALUES.flatmap(lambda value: value)))
        same_as_from_fields(codec, payload + byte)


@given(st.lists(VALUES, min_size=2, max_size=4), st.data())
def test_known_layouts_in_any_order_are_read_as_from_their_fields(
    values: list[st.SearchStrategy[bytes]], data: st.DataObject
) -> None:
    codec = ModelCodec.of(DOCUMENT)
    layouts = [st.tuples(*data.draw(st.permutations(values))).map(b"".join) for _ in range(6)]
    for layout in layouts:
        for payload in (data.draw(layout),) * REPEATS:
            codec.decode_payload(payload)
    for layout in layouts:
        same_as_from_fields(codec, data.draw(layout))


@pytest.fixture
def reader() -> QuickReader:
    return QuickReader(properties(DOCUMENT))


@contextmanager
def known_shapes_only() -> Iterator[None]:
    """Nothing is read value by value."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QuickReader, "_each", lambda *_: None)
        yield


def is_known(reader: QuickReader, payload: bytes) -> bool:
    with known_shapes_only():
        return reader.read(payload) is not None


def repeat(reader: QuickReader, *payloads: bytes, times: int = REPEATS) -> None:
    for _ in range(times):
        for payload in payloads:
            assert reader.read(payload) is not None


def message(status: bool, level: bytes, note: bytes, marker: int = 0x08, *, tail: bytes = b"") -> bytes:
    return truth(5, status) + number(2, marker, level) + text(6, note) + number(1, 0, b"\x01\x02\x03") + text(7, tail)


def test_a_shape_that_comes_again_is_known_with_any_values(reader: QuickReader) -> None:
    repeat(reader, message(True, b"\0\x0a", b"on", tail=b"\xaa"))
    with known_shapes_only():
        found = reader.read(message(False, b"\x01\x0b", b'"x', 0x88, tail=b"\xbb\xcc"))
    assert found == (
        {5: False, 2: "-26.7", 6: '"x', 1: "66051", 7: "bbcc"},
        '[{"id":5,"value":false},{"id":2,"value":"-26.7"},{"id":6,"value":"\\"x"},{"id":1,"value":"66051"},'
        '{"id":7,"value":"bbcc"}]',
    )


@pytest.mark.parametrize(
    "payload",
    [
        message(True, b"\x0a", b"on"),
        message(True, b"\0\x0a", b"off"),
        message(True, b"\0\x0a", b"on", 0x28),
        message(True, b"\0\x0a", b"on")[:-1],
        message(True, b"\0\x0a", b"on") + b"\0",
        message(True, b"\0\x0a", b"on").replace((2 << 3 | 2).to_bytes(2), (3 << 3 | 2).to_bytes(2)),
        message(True, b"\0\x0a", b"on", tail=b"x")[:-1],
        message(True, b"\0\x0a", b"on").replace(truth(5, True), truth(9, True)),
        message(True, b"\0\x0a", b"on").replace(text(6, b"on"), text(6, b"on", 5)),
    ],
    ids=["size", "text", "decimals", "cut", "longer", "id", "cut text", "bool", "type"],
)
def test_another_shape_is_not_taken_for_a_known_one(reader: QuickReader, payload: bytes) -> None:
    repeat(reader, message(True, b"\0\x0a", b"on"))
    assert not is_known(reader, payload)
    assert is_known(reader, message(True, b"\0\x0b", b"up"))


@pytest.mark.parametrize("last", [truth(9, False), b"\x00\x2c", b"\x01\x28"], ids=["id", "type", "high byte"])
def test_another_header_is_not_taken_for_a_bool(reader: QuickReader, last: bytes) -> None:
    repeat(reader, truth(5, True) + truth(5, False))
    assert is_known(reader, truth(5, False) + truth(5, True))
    assert not is_known(reader, truth(5, False) + last)


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("marker", [0, 0x80, 0x08, 0x98, 0x20, 0xF8])
def test_numbers_of_all_sizes_are_learnt(reader: QuickReader, size: int, marker: int) -> None:
    low, high = (number(3, marker, bytes([*bytes(size - 1), 7])), number(3, marker, b"\xff" * size))
    zero = number(3, marker, bytes(size))
    expected = [reader.read(payload) for payload in (low, high, zero)]
    repeat(reader, low)
    with known_shapes_only():
        assert [reader.read(payload) for payload in (low, high, zero)] == expected
    codec = ModelCodec.of(DOCUMENT)
    decoded = [codec.decode(ttlv.decode(payload)) for payload in (low, high, zero)]
    assert expected == [(one.properties, one.dm) for one in decoded]


def test_of_one_id_the_last_value_is_pushed_and_all_are_in_dm_data(reader: QuickReader) -> None:
    repeat(reader, number(1, 0, b"\1") + truth(5, True) + number(1, 0, b"\2"))
    with known_shapes_only():
        found = reader.read(number(1, 0, b"\7") + truth(5, True) + number(1, 0, b"\x09"))
    assert found is not None
    assert list(found[0].items()) == [(1, "9"), (5, True)]
    assert found[1] == '[{"id":1,"value":"7"},{"id":5,"value":true},{"id":1,"value":"9"}]'


def test_the_text_at_the_end_may_have_any_length(reader: QuickReader) -> None:
    for length in range(REPEATS):
        reader.read(text(6, b"x" * length))
    assert is_known(reader, text(6, b"y" * 1000))
    assert not is_known(reader, text(6, b"y" * 1000)[:-1])


def test_what_comes_once_is_not_learnt(reader: QuickReader) -> None:
    for length in range(1000):
        payload = text(6, b"x" * length) + truth(5, True)
        repeat(reader, payload, times=1)
        assert not is_known(reader, payload)


@pytest.mark.parametrize(
    "payload",
    [b"", truth(5, True) * 49, text(6, b"x" * 1021), number(1, 0, b"\1") + truth(9, True), b"\0"],
    ids=["nothing", "many values", "long", "misfit", "no TTLV"],
)
def test_other_messages_are_not_learnt(reader: QuickReader, payload: bytes) -> None:
    for _ in range(REPEATS):
        reader.read(payload)
    assert not is_known(reader, payload)


def test_layouts_that_begin_alike_are_bounded(reader: QuickReader) -> None:
    payloads = [truth(5, True) * count for count in range(1, 10)]
    for payload in payloads:
        repeat(reader, payload)
    assert [is_known(reader, payload) for payload in payloads] == [True] * 3 + [False] * 6


def test_layouts_are_bounded(reader: QuickReader) -> None:
    ids = [1, 2, 3, 4, 8, 9]
    payloads = [number(one, 0, b"\1") + number(other, 0, b"\1") for one in ids for other in ids]
    for payload in payloads:
        repeat(reader, payload)
    assert sum(is_known(reader, payload) for payload in payloads) == 16


def test_when_there_is_no_room_nothing_is_learnt_until_everything_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learning, "_ROOM", 20)
    monkeypatch.setattr(learning, "_OUTDATED", 1000)
    reader = QuickReader(properties(DOCUMENT))
    payloads = [text(6, b"x" * length) + truth(5, True) for length in range(12)]
    for payload in payloads[:11]:
        repeat(reader, payload)
    assert [is_known(reader, payload) for payload in payloads] == [True] * 10 + [False] * 2
    repeat(reader, payloads[11], times=1000)
    assert is_known(reader, payloads[11])
    assert not is_known(reader, payloads[0])
    repeat(reader, *payloads)
