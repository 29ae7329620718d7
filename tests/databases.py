"""Databases for tests: opening a store, making and emptying databases on the PostgreSQL server of the run."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from mooring.store import Store, tables
from mooring.store.migrate import migrate_postgres, migrate_sqlite
from mooring.store.postgres import PostgresStore
from mooring.store.sqlite import SqliteStore

__all__ = ["empty", "migrated_sqlite", "new_database", "on_server", "on_sqlite", "open_store"]

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""Marks tests of rules that no database can make a difference to."""


@cache
def migrated_sqlite() -> bytes:
    """A migrated file; migrating one takes longer than most tests."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "mooring.sqlite3"
        migrate_sqlite(path)
        return path.read_bytes()


def _fill(database: Path) -> None:
    if not database.exists():
        database.write_bytes(migrated_sqlite())


async def open_store(database: Path | str) -> Store:
    """The store at a PostgreSQL URL or a SQLite path: an empty one where there is no file yet."""
    if isinstance(database, Path):
        await asyncio.to_thread(_fill, database)
        return SqliteStore(database)
    await migrate_postgres(database)
    return await PostgresStore.open(database)


async def on_server(url: str, *commands: str) -> None:
    """Run commands on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for command in commands:
            await connection.execute(command)
    finally:
        await connection.close()


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """The URL of a database without any table, which is dropped in the end."""
    name = f"mooring_{uuid.uuid4().hex}"
    asyncio.run(on_server(server_url, f"CREATE DATABASE {name}"))
    yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    asyncio.run(on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def empty(url: str) -> None:
    """Bring a migrated database back to its first state; making one costs more than most tests."""
    deletes = [f"DELETE FROM {table.name}" for table in reversed(tables.metadata.sorted_tables)]
    initial = "INSERT INTO directory_state (id, version) VALUES (1, 0)"
    await on_server(url, "BEGIN", *deletes, initial, "COMMIT")
