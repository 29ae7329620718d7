"""Random texts, ids and secrets in memory."""

import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FakeClock, FakeEntropy
from mooring.platform import Secret, SystemClock, SystemEntropy
from mooring.platform.sources import BASE62, Ids, random_text


class Bytes:
    """Gives the bytes it was made of, over and over."""

    def __init__(self, given: bytes) -> None:
        self._given = given
        self._place = 0

    def random_bytes(self, count: int) -> bytes:
        found = bytes(self._given[(self._place + index) % len(self._given)] for index in range(count))
        self._place += count
        return found


ALPHABETS = st.text(min_size=1, max_size=200).map(lambda text: "".join(sorted(set(text))))


@given(ALPHABETS, st.integers(0, 300))
def test_a_random_text_has_its_length_and_only_letters_of_its_alphabet(alphabet: str, length: int) -> None:
    text = random_text(FakeEntropy(), alphabet, length)
    assert len(text) == length
    assert set(text) <= set(alphabet)


@given(ALPHABETS)
def test_of_all_bytes_each_letter_gets_the_same_share(alphabet: str) -> None:
    share = 256 // len(alphabet)
    counts = Counter(random_text(Bytes(bytes(range(256))), alphabet, share * len(alphabet)))
    assert set(counts.values()) == {share}


def test_letters_of_a_long_text_are_equally_frequent() -> None:
    counts = Counter(random_text(SystemEntropy(), BASE62, 62_000))
    chi_square = sum((counts[letter] - 1000) ** 2 / 1000 for letter in BASE62)
    # 61 degrees of freedom: above 160 once in ten thousand million runs; a plain modulo gives 1500 and more.
    assert chi_square < 160


def test_two_random_texts_differ() -> None:
    assert random_text(SystemEntropy(), BASE62, 24) != random_text(SystemEntropy(), BASE62, 24)


@given(st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=200), st.binary(min_size=1, max_size=50))
def test_ids_grow_however_the_clock_is_set(steps: list[int], salt: bytes) -> None:
    clock = FakeClock()
    ids = Ids(clock, Bytes(salt))
    found = []
    for step in steps:
        clock.step(step)
        found.append(ids.next())
    assert found == sorted(set(found))


@given(st.integers(1_704_067_200_000, 3_903_000_000_000), st.binary(min_size=2, max_size=2))
def test_ids_are_exact_as_json_numbers_until_2093(now_ms: int, salt: bytes) -> None:
    assert 0 <= Ids(FakeClock(now_ms), Bytes(salt)).next() < 2**53


def test_ids_of_two_processes_differ_in_the_same_millisecond() -> None:
    clock = FakeClock()
    assert Ids(clock, FakeEntropy("one")).next() != Ids(clock, FakeEntropy("two")).next()


def test_the_system_clock_goes_on() -> None:
    clock = SystemClock()
    before = clock.now_ms(), clock.monotonic()
    after = clock.now_ms(), clock.monotonic()
    assert before[0] > 1_704_067_200_000
    assert after[1] >= before[1]


@given(st.text(min_size=5))
def test_a_secret_shows_itself_in_no_form(text: str) -> None:
    secret = Secret(f"<{text}>")
    for shown in (repr(secret), str(secret), f"{secret}", f"{[secret]}"):
        assert text not in shown.replace("Secret(****)", "")


def test_a_secret_reveals_itself_when_asked() -> None:
    assert Secret("s3cr3t").reveal() == "s3cr3t"


@pytest.mark.parametrize(("other", "equal"), [(Secret("a"), True), (Secret("b"), False), ("a", False), (None, False)])
def test_a_secret_equals_only_the_same_secret(other: object, equal: bool) -> None:
    assert (Secret("a") == other) is equal


def test_a_secret_is_no_key_of_a_dictionary() -> None:
    with pytest.raises(TypeError):
        hash(Secret("a"))


@pytest.mark.parametrize(
    ("text", "masked"),
    [("AbcdEFGHijklMNOP", "Abcd********MNOP"), ("A" * 40, "AAAA" + "*" * 32 + "AAAA")],
)
def test_a_masked_secret_shows_four_characters_at_each_end(text: str, masked: str) -> None:
    assert Secret(text).masked() == masked


@given(st.integers(0, 100))
def test_system_entropy_gives_as_many_bytes_as_asked(count: int) -> None:
    assert len(SystemEntropy().random_bytes(count)) == len(os.urandom(count)) == count
