"""Texts and numbers that people give."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.platform import Invalid
from mooring.platform.fields import check_choice, check_key, check_range, check_text


@given(st.text(max_size=60))
def test_a_text_is_taken_without_blanks_around_or_refused_by_name(text: str) -> None:
    plain = text.strip()
    allowed = 1 <= len(plain) <= 50 and not any(unicodedata.category(character) in ("Cc", "Cs") for character in plain)
    if allowed:
        assert check_text("name", text, low=1, high=50) == plain
    else:
        with pytest.raises(Invalid) as caught:
            check_text("name", text, low=1, high=50)
        assert caught.value.field == "name"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60))
def test_a_taken_text_is_taken_again_as_it_is(text: str) -> None:
    taken = check_text("name", text, low=0, high=60)
    assert check_text("name", taken, low=0, high=60) == taken


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text_length"),
        ("   ", "text_length"),
        ("x" * 6, "text_length"),
        ("a\x00b", "text_characters"),
        ("a\nb", "text_characters"),
        ("a\x7fb", "text_characters"),
        ("a\ud800b", "text_characters"),
    ],
)
def test_a_refused_text_says_which_rule_it_breaks(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_text("name", text, low=1, high=5)
    assert caught.value.code == code


def test_length_counts_characters_and_not_bytes() -> None:
    assert check_text("name", "智能插座🚢", low=5, high=5) == "智能插座🚢"


@pytest.mark.parametrize(("value", "fits"), [(0, False), (1, True), (3, True), (4, False)])
def test_a_range_includes_both_ends(value: int, fits: bool) -> None:
    if fits:
        check_range("days", value, 1, 3)
        return
    with pytest.raises(Invalid, match=f"days is {value}; 1 to 3 are allowed"):
        check_range("days", value, 1, 3)


def test_a_wrong_choice_is_told_the_right_ones() -> None:
    check_choice("net_way", "1", ("1", "2"))
    with pytest.raises(Invalid, match="net_way is '4'; allowed: 1, 2"):
        check_choice("net_way", "4", ("1", "2"))


@pytest.mark.parametrize("value", ["abc", "abcdefghi", "abcd\n", "\nabcd", "ab cd", "äbcd", ""])
def test_a_key_fits_its_form_as_a_whole_and_is_not_repeated(value: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_key("product_key", value, "[A-Za-z0-9]{4,8}", "4 to 8 letters and digits")
    assert str(caught.value) == "product_key must be 4 to 8 letters and digits"
