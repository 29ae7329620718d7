"""The signed login, section 1 of contract/openapi-notes.md."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocol.login import (
    MAX_USERNAME,
    LoginFieldError,
    LoginRequest,
    build_username,
    in_window,
    parse_username,
    sign,
    verify,
)
from strategies_signature import (
    KNOWN_FIELDS,
    access_keys,
    access_secrets,
    field_pairs,
    join,
    timestamps,
    unknown_fields,
)

USERNAME = "ver=1&auth_mode=accessKey&sign_method=sha256&access_key=24b9zicjuns41H6MDg71AMnP&timestamp=1743059249391"
SECRET = "6AE3p2SnA9ShP7ofigrccoeeks8DDoteJ1jUUTEz"
PASSWORD = "34fe86986230670cba424cadd01ded50f04929de3bfb0b0aef033ccee314fed1"


def test_check_vector_of_the_contract() -> None:
    assert build_username("24b9zicjuns41H6MDg71AMnP", 1743059249391) == USERNAME
    assert sign(USERNAME, SECRET) == PASSWORD
    assert verify(USERNAME, SECRET, PASSWORD)
    assert parse_username(USERNAME) == LoginRequest("24b9zicjuns41H6MDg71AMnP", 1743059249391)


@given(access_keys, timestamps)
def test_what_is_built_is_parsed(access_key: str, timestamp_ms: int) -> None:
    assert parse_username(build_username(access_key, timestamp_ms)) == LoginRequest(access_key, timestamp_ms)


@given(access_keys, timestamps, unknown_fields, st.data())
def test_any_field_order_with_unknown_fields_parses_to_the_same_request(
    access_key: str, timestamp_ms: int, extra: dict[str, str], data: st.DataObject
) -> None:
    pairs = data.draw(st.permutations([*field_pairs(access_key, timestamp_ms), *extra.items()]))
    assert parse_username(join(pairs)) == LoginRequest(access_key, timestamp_ms)


@given(st.sampled_from(KNOWN_FIELDS), st.sampled_from(["", "1", "accessKey", "sha256"]), st.data())
def test_repeated_field_is_refused_by_name(name: str, value: str, data: st.DataObject) -> None:
    pairs = data.draw(st.permutations([*field_pairs("AK1", 1), (name, value)]))
    with pytest.raises(LoginFieldError) as caught:
        parse_username(join(pairs))
    assert (caught.value.field, caught.value.reason) == (name, "is given more than once")


@pytest.mark.parametrize("name", KNOWN_FIELDS)
def test_missing_field_is_refused_by_name(name: str) -> None:
    with pytest.raises(LoginFieldError) as caught:
        parse_username(join([pair for pair in field_pairs("AK1", 1) if pair[0] != name]))
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ver", "2"),
        ("ver", ""),
        ("ver", "01"),
        ("auth_mode", "accesskey"),
        ("auth_mode", "token"),
        ("sign_method", "SHA256"),
        ("sign_method", "md5"),
        ("access_key", ""),
        ("access_key", "a" * 65),
        ("access_key", "AK-1"),
        ("access_key", "AK1\n"),
        ("access_key", "AK%31"),
        ("access_key", "Ａ１"),
        ("timestamp", ""),
        ("timestamp", "1" * 17),
        ("timestamp", "-1"),
        ("timestamp", "1.0"),
        ("timestamp", " 1"),
        ("timestamp", "1\n"),
        ("timestamp", "1_0"),
        ("timestamp", "١٢٣"),
    ],
)
def test_bad_value_is_refused_by_name_and_not_repeated(name: str, value: str) -> None:
    pairs = [(key, value if key == name else good) for key, good in field_pairs("AK1", 1)]
    with pytest.raises(LoginFieldError) as caught:
        parse_username(join(pairs))
    assert caught.value.field == name
    assert str(caught.value) == f"{name}: {caught.value.reason}"


@pytest.mark.parametrize("text", ["", "&", "ver", USERNAME + "&", USERNAME + "&x", "&" + USERNAME])
def test_part_without_equals_sign_is_refused(text: str) -> None:
    with pytest.raises(LoginFieldError, match="without ="):
        parse_username(text)


def test_a_percent_encoded_username_is_not_decoded_again() -> None:
    with pytest.raises(LoginFieldError):
        parse_username(USERNAME.replace("&", "%26").replace("=", "%3D"))


@pytest.mark.parametrize(("extra", "accepted"), [(0, True), (1, False)])
def test_username_length_limit(extra: int, accepted: bool) -> None:
    text = USERNAME + "&x="
    text += "x" * (MAX_USERNAME - len(text) + extra)
    if accepted:
        assert parse_username(text).timestamp_ms == 1743059249391
        return
    with pytest.raises(LoginFieldError) as caught:
        parse_username(text)
    assert caught.value.field == "username"


def test_huge_input_is_refused_quickly() -> None:
    text = "access_key=" + "a&" * 1_000_000
    started = time.perf_counter()
    with pytest.raises(LoginFieldError):
        parse_username(text)
    assert time.perf_counter() - started < 0.1


@given(st.one_of(st.text(), st.lists(st.sampled_from([*USERNAME.split("&"), "&", "=", "x"])).map("&".join)))
def test_random_text_raises_nothing_but_login_field_error(text: str) -> None:
    with contextlib.suppress(LoginFieldError):
        assert parse_username(text).timestamp_ms >= 0


@given(st.text(st.characters(codec=None)), access_secrets)
def test_sign_and_verify_round_trip_for_any_text(username: str, secret: str) -> None:
    password = sign(username, secret)
    assert len(password) == 64
    assert password == password.lower()
    assert verify(username, secret, password)
    assert verify(username, secret, password.upper())


@given(access_keys, timestamps, access_secrets, st.data())
def test_any_changed_character_of_the_username_fails(
    access_key: str, timestamp_ms: int, secret: str, data: st.DataObject
) -> None:
    username = build_username(access_key, timestamp_ms)
    position = data.draw(st.integers(0, len(username) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda char: char != username[position]))
    changed = username[:position] + other + username[position + 1 :]
    assert not verify(changed, secret, sign(username, secret))


@given(st.text(st.characters(codec=None), max_size=80))
def test_any_other_password_is_false_and_never_raises(password: str) -> None:
    assert not verify(USERNAME, SECRET, password)


@pytest.mark.parametrize(
    "password",
    ["", PASSWORD[:-1], PASSWORD + "0", PASSWORD + "\n", " " + PASSWORD, "é" * 64, "K" + PASSWORD[1:]],
)
def test_malformed_password_is_false(password: str) -> None:
    assert not verify(USERNAME, SECRET, password)


def test_wrong_secret_is_false() -> None:
    assert not verify(USERNAME, SECRET[:-1] + "Z", PASSWORD)


@pytest.mark.parametrize(
    ("timestamp_ms", "inside"),
    [(400_000, True), (399_999, False), (1_000_000, True), (1_600_000, True), (1_600_001, False)],
)
def test_window_is_ten_minutes_both_ways_ends_included(timestamp_ms: int, inside: bool) -> None:
    assert in_window(timestamp_ms, 1_000_000) is inside


def test_window_can_be_narrowed() -> None:
    assert in_window(9, 10, window_ms=1)
    assert not in_window(8, 10, window_ms=1)
