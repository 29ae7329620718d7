"""The AMQP endpoint over SQLite; what the database must do is tested where the queues are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from databases import open_store
from fakes import FakeClock
from mooring.queues import EndpointLimits
from mooring.store import Store, Vault
from queues.queue_door import QueueDoor, opened


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened_store = await open_store(tmp_path / "mooring.sqlite3")
    yield opened_store
    await opened_store.close()


@pytest.fixture
def limits() -> EndpointLimits:
    return EndpointLimits()


@pytest.fixture
async def door(store: Store, vault: Vault, clock: FakeClock, limits: EndpointLimits) -> AsyncIterator[QueueDoor]:
    async with opened(store, vault, clock, limits) as made:
        yield made
