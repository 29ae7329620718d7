"""Opening a platform and keeping house."""

import asyncio
from pathlib import Path

import pytest

from databases import on_sqlite, open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Limits, Platform
from mooring.platform.platform import check_secret_key, is_initialized
from mooring.store import SecretKeyError, Store, StoreUnavailable, Vault, accounts
from mooring.store.changes import CHANGES_AFTER

DAY = 86_400_000


async def test_a_fresh_database_is_not_initialized_and_an_opened_one_is(store: Store, vault: Vault) -> None:
    assert not await is_initialized(store)
    await Platform.open(store, vault)
    assert await is_initialized(store)


async def test_another_secret_key_is_refused(store: Store, vault: Vault) -> None:
    await Platform.open(store, vault)
    with pytest.raises(SecretKeyError, match="not the one this database was sealed with"):
        await Platform.open(store, Vault(bytes(32)))


async def test_the_same_secret_key_opens_again(store: Store, vault: Vault) -> None:
    for _ in range(2):
        await Platform.open(store, vault)


async def test_of_processes_that_open_at_once_all_use_the_first_key(database: Path | str, vault: Vault) -> None:
    stores = [await open_store(database) for _ in range(4)]
    vaults = [vault, vault, Vault(bytes(32)), vault]
    outcomes = await asyncio.gather(*map(check_secret_key, stores, vaults), return_exceptions=True)
    refused = [isinstance(outcome, SecretKeyError) for outcome in outcomes]
    assert refused in ([False, False, True, False], [True, True, False, True])
    for store in stores:
        await store.close()


async def test_housekeeping_drops_what_is_old(store: Store, vault: Vault, clock: FakeClock, actor: Actor) -> None:
    entropy = FakeEntropy("later")
    platform = await Platform.open(store, vault, clock=clock, entropy=entropy, limits=Limits(audit_days=30))
    [administrator] = platform.accounts.administrators(actor.account_id)
    await platform.accounts.make_token(administrator, "192.0.2.7", "short", 1)
    clock.advance(31 * DAY)
    await platform.accounts.rename(actor, "Harbour")
    background = asyncio.create_task(platform.background())
    async with asyncio.timeout(10):
        while len(await platform.ledger.entries(actor.account_id)) > 1:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.001)
    background.cancel()
    await asyncio.gather(background, return_exceptions=True)
    assert await store.read(accounts.TOKENS) == []
    assert [change.kind for change in await store.read(CHANGES_AFTER, seen=0)] == ["account"]


@on_sqlite
async def test_housekeeping_outlives_an_outage(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = asyncio.Event()

    async def fail() -> None:
        tried.set()
        raise StoreUnavailable("out of order")

    monkeypatch.setattr(platform.directory, "forget_old_changes", fail)
    background = asyncio.create_task(platform.background())
    await asyncio.wait_for(tried.wait(), 10)
    await asyncio.sleep(0)
    assert not background.done()
    background.cancel()
    await asyncio.gather(background, return_exceptions=True)
