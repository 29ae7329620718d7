"""A gateway over SQLite; what the database must do is tested where the statements are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from databases import open_store
from fakes import FakeClock
from gateway.door import Door, opened
from mooring.gateway import GatewayLimits
from mooring.store import Store, Vault


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened_store = await open_store(tmp_path / "mooring.sqlite3")
    yield opened_store
    await opened_store.close()


@pytest.fixture
def limits() -> GatewayLimits:
    return GatewayLimits()


@pytest.fixture
async def door(store: Store, vault: Vault, clock: FakeClock, limits: GatewayLimits) -> AsyncIterator[Door]:
    async with opened(store, vault, clock, limits) as made:
        yield made
