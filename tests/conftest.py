"""Fixtures that every folder of tests may use."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from databases import open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform import Limits, Platform
from mooring.store import Store, Vault
from postgres import postgres_server


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    with postgres_server() as url:
        if url is None:
            if os.environ.get("CI"):
                pytest.fail("PostgreSQL is missing; .ci/run installs it")
            pytest.skip("PostgreSQL is not installed (Debian package postgresql-15)")
        yield url


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """A database of its own for one test."""
    name = f"mooring_{uuid.uuid4().hex}"
    asyncio.run(_on_server(postgres_server_url, f"CREATE DATABASE {name}"))
    yield urlunsplit(urlsplit(postgres_server_url)._replace(path=f"/{name}"))
    asyncio.run(_on_server(postgres_server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _on_server(url: str, command: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(command)
    await connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where the database is: the path of a SQLite file or a PostgreSQL URL. The same cases run on both."""
    if request.param == "sqlite":
        return tmp_path / "mooring.sqlite3"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(database: Path | str) -> AsyncIterator[Store]:
    """A migrated, empty store."""
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
