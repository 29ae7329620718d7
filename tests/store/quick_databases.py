"""Migrated, empty databases for one test each, made without migrating each time.

SQLite: a copy of one migrated file. PostgreSQL: one migrated database, emptied before each test, because making a
database costs more than most tests. What tests migrations or ends a server's connections takes a fresh one. A
`conftest.py` that imports the fixtures gives them to its folder, in place of the ones with the same names above it.
"""

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from mooring.store import tables
from mooring.store.migrate import migrate_postgres, migrate_sqlite

__all__ = [
    "database",
    "fresh_postgres_url",
    "migrated_postgres_url",
    "migrated_sqlite",
    "on_server",
    "on_sqlite",
    "postgres_url",
]


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""Marks tests of rules that no database can make a difference to."""


async def on_server(url: str, *commands: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for command in commands:
            await connection.execute(command)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "mooring.sqlite3"
    migrate_sqlite(path)
    return path


@pytest.fixture(scope="session")
def migrated_postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The database that tests share."""
    with _new_database(postgres_server_url) as url:
        asyncio.run(migrate_postgres(url))
        yield url


@pytest.fixture
def fresh_postgres_url(postgres_server_url: str) -> Iterator[str]:
    """A database without any table, for one test."""
    with _new_database(postgres_server_url) as url:
        yield url


@pytest.fixture
def postgres_url(migrated_postgres_url: str) -> str:
    """The shared database without the rows of the test before."""
    deletes = [f"DELETE FROM {table.name}" for table in reversed(tables.metadata.sorted_tables)]
    initial = "INSERT INTO directory_state (id, version) VALUES (1, 0)"
    asyncio.run(on_server(migrated_postgres_url, "BEGIN", *deletes, initial, "COMMIT"))
    return migrated_postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, migrated_sqlite: Path) -> Path | str:
    """A migrated, empty database: the path of a SQLite file or a PostgreSQL URL."""
    if request.param == "sqlite":
        return Path(shutil.copy(migrated_sqlite, tmp_path))
    url: str = request.getfixturevalue("postgres_url")
    return url


@contextmanager
def _new_database(server_url: str) -> Iterator[str]:
    name = f"mooring_{uuid.uuid4().hex}"
    asyncio.run(on_server(server_url, f"CREATE DATABASE {name}"))
    yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    asyncio.run(on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)"))
