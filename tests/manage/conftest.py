"""A logged-in administrator on both databases, and on SQLite alone where the database cannot matter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from databases import open_store
from fakes import FakeClock, FakeEntropy
from manage.desk import Desk, open_desk
from mooring.platform import Limits, Platform
from mooring.store import Vault


@pytest.fixture
async def desk_on_each(platform: Platform) -> Desk:
    return await open_desk(platform)


@pytest.fixture
async def desk(tmp_path: Path, vault: Vault, clock: FakeClock) -> AsyncIterator[Desk]:
    store = await open_store(tmp_path / "desk.sqlite3")
    limits = Limits(max_products=3)
    platform = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=limits)
    yield await open_desk(platform)
    await store.close()
