"""Fixtures that every folder of tests may use."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from databases import empty, new_database, open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform import Limits, Platform
from mooring.store import Store, Vault
from mooring.store.migrate import migrate_postgres, migrate_sqlite

settings.register_profile("mooring", deadline=None)  # a machine that is busy elsewhere is no fault of the code
settings.load_profile("mooring")


@pytest.fixture(scope="session")
def postgres_server_url() -> str:
    """The server of this run, which tools/with-postgres starts."""
    url = os.environ.get("MOORING_TEST_POSTGRES")
    if url is None and os.environ.get("CI"):
        pytest.fail("MOORING_TEST_POSTGRES names no server; run the tests through `make test`")
    if url is None:
        pytest.skip("no PostgreSQL; `make test` starts one")
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "mooring.sqlite3"
    migrate_sqlite(path)
    return path


@pytest.fixture(scope="session")
def migrated_postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The database that tests share one after the other."""
    with new_database(postgres_server_url) as url:
        asyncio.run(migrate_postgres(url))
        yield url


@pytest.fixture
def fresh_postgres_url(postgres_server_url: str) -> Iterator[str]:
    """A database without any table, for one test."""
    with new_database(postgres_server_url) as url:
        yield url


@pytest.fixture
def postgres_url(migrated_postgres_url: str) -> str:
    """A migrated database without rows."""
    asyncio.run(empty(migrated_postgres_url))
    return migrated_postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, migrated_sqlite: Path) -> Path | str:
    """A migrated, empty database: the path of a SQLite file or a PostgreSQL URL. The same cases run on both."""
    if request.param == "sqlite":
        return Path(shutil.copy(migrated_sqlite, tmp_path))
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(database: Path | str) -> AsyncIterator[Store]:
    opened = await open_store(database)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(range(32)))


@pytest.fixture
async def platform(store: Store, vault: Vault, clock: FakeClock) -> Platform:
    """A platform with nothing in it yet."""
    return await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(), limits=Limits())
