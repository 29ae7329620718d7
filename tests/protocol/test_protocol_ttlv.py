"""TTLV, section 9 of contract/device-protocol.md."""

import decimal
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol import ttlv
from mooring.protocol.ttlv import Field, TtlvError, decode, decode_ids, encode, encode_ids
from strategies_protocol import field_lists, fields_of, mutated, spelt, title, vectors

KINDS = ("canonical", "decode_only", "invalid", "sdk_float", "id_list")


def test_every_vector_has_a_kind_that_is_tested_here() -> None:
    assert sum(len(vectors("ttlv", kind)) for kind in KINDS) == len(vectors("ttlv")) == 108


@pytest.mark.parametrize("vector", vectors("ttlv", "canonical"), ids=title)
def test_canonical_vector_is_written_and_read(vector: dict[str, Any]) -> None:
    fields = fields_of(vector["fields"])
    assert encode(fields).hex() == vector["hex"]
    assert spelt(decode(bytes.fromhex(vector["hex"]))) == spelt(fields)


@pytest.mark.parametrize("vector", [*vectors("ttlv", "decode_only"), *vectors("ttlv", "sdk_float")], ids=title)
def test_other_spelling_is_read_exactly_and_written_canonically(vector: dict[str, Any]) -> None:
    fields = decode(bytes.fromhex(vector["hex"]))
    assert spelt(fields) == spelt(fields_of(vector["fields"]))
    assert encode(_rounded(fields, vector)).hex() == vector["canonical_hex"]


def _rounded(fields: list[Field], vector: dict[str, Any]) -> list[Field]:
    """What the application set, where a float of the device is off by `abs_error`."""
    if "abs_error" not in vector:
        return fields
    [field] = fields
    assert isinstance(field.value, Decimal)
    intended = Decimal(vector["set_by_application"])
    assert abs(field.value - intended) == Decimal(vector["abs_error"])
    return [Field(field.id, intended)]


@pytest.mark.parametrize("vector", vectors("ttlv", "invalid"), ids=title)
def test_invalid_vector_is_refused_as_a_whole(vector: dict[str, Any]) -> None:
    with pytest.raises(TtlvError):
        decode(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", vectors("ttlv", "id_list"), ids=title)
def test_ids_of_a_read_request(vector: dict[str, Any]) -> None:
    assert encode_ids(vector["ids"]).hex() == vector["hex"]
    assert decode_ids(bytes.fromhex(vector["hex"])) == vector["ids"]


@pytest.mark.parametrize("vector", [v for v in vectors("ttlv") if "dm_data" in v], ids=title)
def test_decoded_record_form_of_the_history_api_can_be_made_of_the_fields(vector: dict[str, Any]) -> None:
    assert _dm_data(decode(bytes.fromhex(vector["hex"]))) == vector["dm_data"], json.dumps(vector["dm_data"])


def _dm_data(fields: list[Field]) -> list[dict[str, Any]]:
    def form(value: ttlv.Value) -> Any:
        match value:
            case bool():
                return value
            case Decimal():
                return format(value, "f")
            case bytes():
                return value.decode()
            case _:
                return _dm_data(value)

    return [{"id": field.id, "value": form(field.value)} for field in fields]


@given(field_lists)
def test_what_is_written_is_read(fields: list[Field]) -> None:
    data = encode(fields)
    assert decode(data) == fields
    assert encode(decode(data)) == data


@given(st.binary(max_size=80) | mutated(field_lists.map(encode)))
def test_any_bytes_are_read_or_refused_and_what_is_read_can_be_written(data: bytes) -> None:
    fault = None
    try:
        fields = decode(data)
    except TtlvError as error:
        fault = error
    if fault is None:
        canonical = encode(fields)
        assert len(canonical) <= len(data)
        assert decode(canonical) == fields
    else:
        assert 0 <= fault.offset <= len(data)


@given(field_lists.filter(bool), st.data())
def test_a_struct_cut_anywhere_is_refused(fields: list[Field], data: st.DataObject) -> None:
    whole = encode([Field(1, fields)])
    with pytest.raises(TtlvError):
        decode(whole[: data.draw(st.integers(1, len(whole) - 1))])


@given(st.binary(max_size=20))
def test_ids_are_read_unless_half_an_id_is_left_over(data: bytes) -> None:
    if len(data) % 2:
        with pytest.raises(TtlvError, match="half an id"):
            decode_ids(data)
    else:
        assert encode_ids(decode_ids(data)) == data


def test_type_5_is_read_as_bytes_and_written_as_type_3() -> None:
    assert decode(bytes.fromhex("004500024142")) == [Field(8, b"AB")]
    assert encode(decode(bytes.fromhex("004500024142"))).hex() == "004300024142"


def test_negative_zero_is_read_as_positive_zero() -> None:
    [field] = decode(bytes.fromhex("001a8000"))
    assert str(field.value) == "0"


def test_numbers_are_exact_in_any_decimal_context() -> None:
    with decimal.localcontext() as context:
        context.prec = 2
        context.traps[decimal.Inexact] = True
        for hex_ in ("001a7e65772b2ec8fffc", "003a077fffffffffffffff", "004a110b28"):
            assert encode(decode(bytes.fromhex(hex_))).hex() == hex_


def test_element_may_follow_a_member_with_an_id_but_not_the_other_way_round() -> None:
    fields = [Field(1, True), Field(0, False)]
    assert decode(encode(fields)) == fields
    for wrong in ([Field(0, False), Field(1, True)], [Field(9, [Field(0, False), Field(1, True)])]):
        with pytest.raises(TtlvError, match="follows an array element"):
            encode(wrong)
    with pytest.raises(TtlvError, match="follows an array element"):
        decode(bytes.fromhex("00000009"))


def _nested(depth: int) -> bytes:
    return bytes.fromhex("000c0001") * (depth - 1) + bytes.fromhex("000c0000")


def test_lists_nest_16_deep_and_no_deeper() -> None:
    fields = decode(_nested(16))
    assert encode(fields) == _nested(16)
    with pytest.raises(TtlvError, match="deeper than 16"):
        decode(_nested(17))
    with pytest.raises(TtlvError, match="deeper than 16"):
        encode([Field(1, fields)])


def test_a_count_beyond_the_bytes_left_is_refused_before_anything_is_read() -> None:
    with pytest.raises(TtlvError, match="more members") as caught:
        decode(bytes.fromhex("000cffff") + bytes(1000))
    assert caught.value.offset == 0


def test_the_offset_names_the_field_at_fault() -> None:
    with pytest.raises(TtlvError) as caught:
        decode(bytes.fromhex("0009 0010 001a"))
    assert (caught.value.offset, caught.value.reason) == (4, "the field ends early")
    assert str(caught.value) == "byte 4: the field ends early"


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (Field(8192, True), "the id is not 0 to 8191"),
        (Field(-1, True), "the id is not 0 to 8191"),
        (Field(1, Decimal("NaN")), "not finite"),
        (Field(1, Decimal("sNaN")), "not finite"),
        (Field(1, Decimal("-Infinity")), "not finite"),
        (Field(1, Decimal(2**64)), "more than 64 bits"),
        (Field(1, Decimal("1E+20")), "too large"),
        (Field(1, Decimal("1E+999999")), "too large"),
        (Field(1, Decimal("1E-16")), "too small"),
        (Field(1, Decimal("1E-999999")), "too small"),
        (Field(1, Decimal("1.0000000000000001")), "more than 15 decimals"),
        (Field(1, Decimal("20000.000000000000001")), "more than 64 bits"),
        (Field(1, bytes(65536)), "longer than 65535"),
        (Field(1, [Field(0, True)] * 65536), "more than 65535 members"),
        (Field(1, 5), "not a bool, a Decimal, bytes or a list"),  # type: ignore[arg-type]
        (Field(1, "text"), "not a bool, a Decimal, bytes or a list"),  # type: ignore[arg-type]
        (Field(1, None), "not a bool, a Decimal, bytes or a list"),  # type: ignore[arg-type]
    ],
)
def test_what_the_wire_cannot_carry_is_refused(field: Field, reason: str) -> None:
    with pytest.raises(TtlvError, match=reason) as caught:
        encode([Field(1, True), field])
    assert caught.value.offset == 2


@pytest.mark.parametrize(
    ("text", "hex_"),
    [
        ("18446744073709551615", "000a07ffffffffffffffff"),
        ("-18446744073709551615", "000a87ffffffffffffffff"),
        ("1E+3", "000a0103e8"),
        ("-0.00", "000a0000"),
        ("1." + "0" * 5000, "000a0001"),
        ("1E-15", "000a7801"),
    ],
)
def test_numbers_take_their_shortest_form(text: str, hex_: str) -> None:
    assert encode([Field(1, Decimal(text))]).hex() == hex_


def test_longest_bytes_value_passes() -> None:
    fields = [Field(1, bytes(65535))]
    assert decode(encode(fields)) == fields


def test_an_id_of_a_read_request_has_16_bits() -> None:
    with pytest.raises(TtlvError, match="16 bits"):
        encode_ids([1, 65536])


def test_numbers_that_are_kept_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ttlv, "_KNOWN_NUMBERS_LIMIT", 100)
    known = ttlv._KNOWN_NUMBERS
    known.clear()
    for value in range(1000):
        decode(encode([Field(1, Decimal(value))]))
        assert len(known) <= 100
    decode(encode([Field(1, Decimal(1659664758817))]))
    assert max(map(len, known)) <= 6


def test_a_number_that_is_kept_does_not_hide_an_error() -> None:
    element, member = bytes.fromhex("00020007"), bytes.fromhex("000a0007")
    assert decode(member + element) == [Field(1, Decimal(7)), Field(0, Decimal(7))]
    for payload in (element + member, member[:-1], member + member[:-1], bytes.fromhex("000c0002") + member):
        with pytest.raises(TtlvError):
            decode(payload)


@given(field_lists)
def test_a_second_reading_gives_equal_values(fields: list[Field]) -> None:
    data = encode(fields)
    assert spelt(decode(data)) == spelt(decode(data))
