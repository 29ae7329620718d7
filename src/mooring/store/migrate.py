"""Bringing a database to the schema this Mooring knows (Alembic), and refusing one that is newer.

The stored revision is compared first with the newest known one through the native driver, so an ordinary start
neither imports Alembic nor opens a second connection.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from .errors import DatabaseUnreachable, SchemaTooNew
from .postgres import check_url, printable_url
from .sqlite import connect

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

__all__ = ["HEAD", "is_known", "migrate_postgres", "migrate_sqlite"]

HEAD = "0011"
_SCRIPTS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x4D4F4F52  # any number all Mooring processes agree on


def is_known(revision: str) -> bool:
    """Whether this Mooring has the revision."""
    return any(_SCRIPTS.glob(f"versions/{revision}_*.py"))


def migrate_sqlite(path: Path, to: str = HEAD) -> None:
    """Create or upgrade the file. Raises SchemaTooNew, DatabaseUnreachable. Blocks; call it before serving.

    `to` is an older revision only for a file that is being made from a snapshot.
    """
    try:
        with closing(connect(path)) as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    except sqlite3.Error as error:
        raise DatabaseUnreachable(f"cannot open database {path}: {error}") from None
    if _current(row[0] if row else None, str(path)):
        return
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as sync_connection:
            # The driver begins no transaction before CREATE TABLE by itself; half a schema could not be migrated again.
            sync_connection.exec_driver_sql("BEGIN IMMEDIATE")
            _upgrade(sync_connection, to)
    except DBAPIError as error:
        raise DatabaseUnreachable(f"cannot prepare database {path}: {error.orig}") from None
    finally:
        engine.dispose()


async def migrate_postgres(url: str, to: str = HEAD) -> None:
    """Create or upgrade the database; of several processes that start at once, one does it. `to`, errors as above."""
    check_url(url)
    try:
        connection = await asyncpg.connect(url, timeout=5.0)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise DatabaseUnreachable(f"cannot open database {printable_url(url)}: {reason}") from None
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        if not _current(await _postgres_revision(connection), printable_url(url)):
            await _upgrade_postgres(url, to)
    except asyncpg.PostgresError as error:
        raise DatabaseUnreachable(f"cannot prepare database {printable_url(url)}: {error}") from None
    finally:
        await connection.close()


async def _postgres_revision(connection: Any) -> str | None:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


async def _upgrade_postgres(url: str, to: str) -> None:
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import create_async_engine

    async def dial() -> Any:
        return await asyncpg.connect(url, timeout=5.0)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=dial)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, to)
    except DBAPIError as error:
        raise DatabaseUnreachable(f"cannot prepare database {printable_url(url)}: {error.orig}") from None
    finally:
        await engine.dispose()


def _current(revision: str | None, place: str) -> bool:
    """Whether `revision` is the newest. Raises SchemaTooNew for one this Mooring does not know."""
    if revision == HEAD:
        return True
    if revision is not None and not is_known(revision):
        raise SchemaTooNew(
            f"database {place} has schema {revision}, newer than {HEAD}, the newest this Mooring knows; "
            "start it with the newer Mooring"
        )
    return False


def config() -> "Config":
    """Alembic's configuration: only where the scripts are."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return settings


def _upgrade(connection: "Connection", to: str) -> None:
    from alembic import command

    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, to)
