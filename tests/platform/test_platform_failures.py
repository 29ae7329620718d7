"""Refused attempts are counted by client and by address, for a while, in bounded memory."""

import pytest

from fakes import FakeClock
from mooring.platform import failures as module
from mooring.platform.failures import MAX_OF_ADDRESS, MAX_OF_CLIENT, PERIOD_S, Failures

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def failures(clock: FakeClock) -> Failures:
    return Failures(clock)


def fail(failures: Failures, times: int, client: str = "a", address: str = HERE) -> None:
    for _ in range(times):
        failures.add(client, address)


def test_a_client_is_heard_up_to_its_limit(failures: Failures) -> None:
    fail(failures, MAX_OF_CLIENT - 1)
    assert not failures.too_many("a", HERE)
    fail(failures, 1)
    assert failures.too_many("a", HERE)


def test_nobody_else_suffers_for_it(failures: Failures) -> None:
    fail(failures, MAX_OF_CLIENT)
    assert not failures.too_many("b", HERE)
    assert not failures.too_many("a", THERE)


def test_the_period_counts_from_the_first_failure(failures: Failures, clock: FakeClock) -> None:
    fail(failures, 1)
    clock.advance(int(PERIOD_S * 1000) - 1)
    fail(failures, MAX_OF_CLIENT - 1)
    assert failures.too_many("a", HERE)
    clock.advance(1)
    assert not failures.too_many("a", HERE)
    fail(failures, MAX_OF_CLIENT - 1)
    assert not failures.too_many("a", HERE)


def test_the_wall_clock_does_not_matter(failures: Failures, clock: FakeClock) -> None:
    fail(failures, MAX_OF_CLIENT)
    clock.step(86_400_000)
    assert failures.too_many("a", HERE)


def test_being_let_in_forgets_what_was(failures: Failures) -> None:
    fail(failures, MAX_OF_CLIENT - 1)
    failures.forget("a", HERE)
    fail(failures, MAX_OF_CLIENT - 1)
    assert not failures.too_many("a", HERE)


def test_an_address_has_a_limit_for_strangers_only(failures: Failures, clock: FakeClock) -> None:
    failures.forget("known", HERE)
    for number in range(MAX_OF_ADDRESS):
        failures.add(f"guess{number}", HERE)
    assert failures.too_many("stranger", HERE)
    assert failures.too_many("known", THERE) is False
    assert not failures.too_many("known", HERE)
    fail(failures, MAX_OF_CLIENT, "known")
    assert failures.too_many("known", HERE)
    clock.advance(int(PERIOD_S * 1000))
    assert not failures.too_many("stranger", HERE)


def test_memory_is_bounded_and_the_longest_known_give_way(failures: Failures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", 10)
    fail(failures, MAX_OF_CLIENT, "first", "198.51.100.1")
    for number in range(50):
        failures.add("x", f"192.0.2.{number}")
        failures.forget(f"in{number}", HERE)
    assert len(failures._counts) <= 11
    assert list(failures._known) == [(f"in{number}", HERE) for number in range(40, 50)]
    assert not failures.too_many("first", "198.51.100.1")
