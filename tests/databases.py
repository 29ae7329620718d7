"""Opening a store for tests, on either database."""

from pathlib import Path

from mooring.store import Store
from mooring.store.migrate import migrate_postgres, migrate_sqlite
from mooring.store.postgres import PostgresStore
from mooring.store.sqlite import SqliteStore

__all__ = ["open_store"]


async def open_store(database: Path | str) -> Store:
    """The migrated store at a SQLite path or a PostgreSQL URL."""
    if isinstance(database, Path):
        migrate_sqlite(database)
        return SqliteStore(database)
    await migrate_postgres(database)
    return await PostgresStore.open(database)
