"""The change log of the directory: versions have no gaps and come in the order of commits."""

import asyncio
import contextlib
from pathlib import Path

from databases import open_store
from mooring.store import Store, Write, WriteRefused, accounts
from mooring.store.changes import CHANGES_AFTER, STATE, ChangeRow, forget_before, record
from store.rows import account


async def version(store: Store) -> int:
    [state] = await store.read(STATE)
    return state.version


async def log(store: Store, seen: int = 0) -> list[ChangeRow]:
    return await store.read(CHANGES_AFTER, seen=seen)


async def test_a_new_database_is_at_version_0_with_an_empty_log(store: Store) -> None:
    assert (await version(store), await log(store)) == (0, [])


async def test_a_change_is_logged_under_the_next_version(store: Store) -> None:
    await store.write(*record("app", 7, 1_000))
    await store.write(*record("product", 8, 1_001))
    assert await log(store) == [ChangeRow(1, "app", 7), ChangeRow(2, "product", 8)]
    assert await version(store) == 2


async def test_two_changes_of_one_unit_get_a_version_each(store: Store) -> None:
    await store.write(*record("app", 7, 1_000), *record("product", 8, 1_000))
    assert await log(store) == [ChangeRow(1, "app", 7), ChangeRow(2, "product", 8)]


async def test_the_log_is_read_from_what_was_seen(store: Store) -> None:
    for number in range(5):
        await store.write(*record("app", number, 1_000))
    assert [change.version for change in await log(store, seen=3)] == [4, 5]


async def test_a_refused_unit_uses_up_no_version(store: Store) -> None:
    refused: Write = accounts.SET_NAME(account_id=404, new_name="x", now=1).must("account")
    with contextlib.suppress(WriteRefused):
        await store.write(*record("account", 1, 1_000), refused)
    await store.write(*record("account", 2, 1_000))
    assert await log(store) == [ChangeRow(1, "account", 2)]


async def test_versions_of_concurrent_units_have_no_gaps(store: Store) -> None:
    async def unit(number: int) -> None:
        refused = [accounts.DELETE_TOKEN(token_id=404).must("token")] if number % 7 == 0 else []
        with contextlib.suppress(WriteRefused):
            await store.write(*record("app", number, 1_000), *refused)

    await asyncio.gather(*map(unit, range(100)))
    found = await log(store)
    assert [change.version for change in found] == list(range(1, len(found) + 1))
    assert {change.entity_id for change in found} == {number for number in range(100) if number % 7}


async def test_a_follower_misses_nothing_that_two_writers_commit(store: Store, database: Path | str) -> None:
    other = await open_store(database)
    writers = asyncio.gather(
        *(
            (store if number % 2 else other).write(
                accounts.ADD_ACCOUNT.of(account(number)), *record("account", number, 1_000)
            )
            for number in range(100)
        )
    )
    followed: list[int] = []
    seen = 0
    while len(followed) < 100:
        for change in await log(other, seen):
            assert change.version == seen + 1
            seen = change.version
            followed.append(change.entity_id)
        await asyncio.sleep(0)
    await writers
    await other.close()
    assert sorted(followed) == list(range(100))


async def test_what_is_logged_can_be_read_by_then(store: Store, database: Path | str) -> None:
    other = await open_store(database)
    writers = asyncio.gather(
        *(store.write(accounts.ADD_ACCOUNT.of(account(n)), *record("account", n, 1_000)) for n in range(50))
    )
    seen = 0
    while seen < 50:
        changes = await log(other, seen)
        present = {row.id for row in await other.read(accounts.ACCOUNTS)}
        assert {change.entity_id for change in changes} <= present
        seen = changes[-1].version if changes else seen
        await asyncio.sleep(0)
    await writers
    await other.close()


async def test_forgetting_drops_what_is_older(store: Store) -> None:
    for number, at in ((1, 1_000), (2, 2_000), (3, 3_000)):
        await store.write(*record("app", number, at))
    await store.write(forget_before(2_000))
    assert [change.version for change in await log(store)] == [2, 3]


async def test_forgetting_keeps_the_newest_change_so_that_who_missed_it_notices(store: Store) -> None:
    for number, at in ((1, 1_000), (2, 2_000)):
        await store.write(*record("app", number, at))
    await store.write(forget_before(9_000))
    assert [change.version for change in await log(store)] == [2]


async def test_forgetting_does_not_set_the_version_back(store: Store) -> None:
    await store.write(*record("app", 1, 1_000))
    await store.write(forget_before(9_000))
    await store.write(*record("app", 2, 9_000))
    assert await version(store) == 2
