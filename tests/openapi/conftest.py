"""The small cloud on both databases, and on SQLite alone where the database cannot matter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloud import Cloud, build_cloud
from databases import open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform import Limits, Platform
from mooring.store import Vault


@pytest.fixture
async def cloud(tmp_path: Path, vault: Vault, clock: FakeClock) -> AsyncIterator[Cloud]:
    store = await open_store(tmp_path / "cloud.sqlite3")
    platform = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=Limits())
    yield await build_cloud(platform, clock)
    await store.close()


@pytest.fixture
async def cloud_on_each(platform: Platform, clock: FakeClock) -> Cloud:
    return await build_cloud(platform, clock)
