"""Leases: one process at a time does it, and another one takes over from a dead one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from databases import open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform.lease import RENEW_S, TAKEN_AFTER_S, Lease
from mooring.store.postgres import PostgresStore


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(postgres_url)
    yield opened
    await opened.close()


@pytest.fixture
def leases(store: PostgresStore, clock: FakeClock) -> list[Lease]:
    return [Lease(store, clock, FakeEntropy(str(number)), "work") for number in range(3)]


async def pass_time(clock: FakeClock, seconds: float, *renewing: Lease) -> None:
    for _ in range(round(seconds / RENEW_S)):
        clock.advance(round(RENEW_S * 1000))
        for lease in renewing:
            await lease.renew()


async def test_the_first_one_has_it_for_as_long_as_it_lives(clock: FakeClock, leases: list[Lease]) -> None:
    await pass_time(clock, 5 * TAKEN_AFTER_S, *leases)
    assert [lease.held for lease in leases] == [True, False, False]


async def test_a_dead_holder_stops_before_another_one_begins(clock: FakeClock, leases: list[Lease]) -> None:
    dead, *living = leases
    await pass_time(clock, 3, *leases)
    held = []
    for _ in range(round(TAKEN_AFTER_S / RENEW_S) + 1):
        await pass_time(clock, RENEW_S, *living)
        held.append([lease.held for lease in leases].count(True))
    assert max(held) == 1
    assert 0 in held
    assert not dead.held
    assert [lease.held for lease in living] == [True, False]


async def test_who_was_late_and_was_replaced_does_not_get_it_back(clock: FakeClock, leases: list[Lease]) -> None:
    late, *living = leases
    await pass_time(clock, 3, *leases)
    await pass_time(clock, TAKEN_AFTER_S + RENEW_S, *living)
    await pass_time(clock, 3, *leases)
    assert [lease.held for lease in (late, *living)] == [False, True, False]


async def test_who_leaves_is_followed_at_once(clock: FakeClock, leases: list[Lease]) -> None:
    await pass_time(clock, 3, *leases)
    await leases[0].leave()
    assert not leases[0].held
    await leases[1].renew()
    assert leases[1].held


async def test_who_steps_aside_lets_others_go_first(clock: FakeClock, leases: list[Lease]) -> None:
    await pass_time(clock, 3, *leases)
    await leases[0].leave(aside_s=5)
    await pass_time(clock, 1, leases[0], leases[1])
    assert [lease.held for lease in leases] == [False, True, False]
    await leases[1].leave(aside_s=60)
    await pass_time(clock, 5, leases[1], leases[0])
    assert [lease.held for lease in leases] == [True, False, False]


async def test_a_database_of_ones_own_needs_no_lease(clock: FakeClock, tmp_path: Path) -> None:
    store = await open_store(tmp_path / "mooring.sqlite3")
    assert Lease(store, clock, FakeEntropy(), "work").held
    await store.close()
