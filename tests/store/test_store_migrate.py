"""Migrations: any database comes to the newest schema, once, whole, and never backwards."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from databases import on_server, open_store
from mooring.store import DatabaseUnreachable, SchemaTooNew, accounts, tables
from mooring.store.migrate import HEAD, config, migrate_postgres, migrate_sqlite
from store.rows import account, account_ids

Database = Path | str

MIGRATE = """
import asyncio, sys
from mooring.store.migrate import migrate_postgres
asyncio.run(migrate_postgres(sys.argv[1]))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database without any table."""
    if request.param == "sqlite":
        return tmp_path / "mooring.sqlite3"
    url: str = request.getfixturevalue("fresh_postgres_url")
    return url


async def migrate(database: Database) -> None:
    if isinstance(database, Path):
        migrate_sqlite(database)
    else:
        await migrate_postgres(database)


async def execute(database: Database, command: str) -> None:
    if isinstance(database, Path):
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(command)
    else:
        await on_server(database, command)


async def look(database: Database, view: Callable[[Connection], Any]) -> Any:
    """What `view` sees through SQLAlchemy."""
    if isinstance(database, Path):
        engine = create_engine(f"sqlite:///{database}", poolclass=NullPool)
        with engine.connect() as connection:
            return view(connection)

    async def dial() -> Any:
        return await asyncpg.connect(database)

    async_engine = create_async_engine("postgresql+asyncpg://", async_creator=dial, poolclass=NullPool)
    async with async_engine.connect() as async_connection:
        return await async_connection.run_sync(view)


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, tables.metadata))


def shape(connection: Connection) -> dict[str, Any]:
    """Every table with its columns, keys, references with what happens on delete, indexes and checks, by name."""
    inspector = inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            },
            "primary": inspector.get_pk_constraint(table),
            "unique": sorted(
                (entry["name"], entry["column_names"]) for entry in inspector.get_unique_constraints(table)
            ),
            "references": sorted(
                (entry["name"], entry["constrained_columns"], entry["referred_table"], entry["options"])
                for entry in inspector.get_foreign_keys(table)
            ),
            "indexes": sorted((entry["name"], entry["column_names"]) for entry in inspector.get_indexes(table)),
            "checks": sorted((entry["name"], entry["sqltext"]) for entry in inspector.get_check_constraints(table)),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def made_from_tables(connection: Connection) -> dict[str, Any]:
    tables.metadata.drop_all(connection)
    tables.metadata.create_all(connection)
    return shape(connection)


async def test_an_empty_database_gets_every_table(empty: Database) -> None:
    await migrate(empty)
    assert set(await look(empty, shape)) == set(tables.metadata.tables)


async def test_the_migrated_schema_is_the_one_the_statements_are_written_for(empty: Database) -> None:
    await migrate(empty)
    assert await look(empty, differences) == []


async def test_the_migrated_schema_has_the_names_and_rules_of_the_tables(empty: Database) -> None:
    await migrate(empty)
    migrated = await look(empty, shape)
    assert migrated == await look(empty, made_from_tables)


async def test_migrating_twice_is_migrating_once(empty: Database) -> None:
    await migrate(empty)
    store = await open_store(empty)
    await store.write(accounts.ADD_ACCOUNT.of(account(1)))
    await store.close()
    before = await look(empty, shape)
    await migrate(empty)
    assert await look(empty, shape) == before
    store = await open_store(empty)
    assert await account_ids(store) == [1]
    await store.close()


def test_the_newest_known_revision_is_the_newest_script() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [HEAD]


async def test_a_newer_schema_is_refused_and_both_revisions_are_named(empty: Database) -> None:
    await migrate(empty)
    await execute(empty, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match=f"9999.*{HEAD}"):
        await migrate(empty)


async def test_a_newer_schema_is_left_as_it_is(empty: Database) -> None:
    await migrate(empty)
    await execute(empty, "UPDATE alembic_version SET version_num = '9999'")
    await execute(empty, "DROP TABLE audit_log")
    with pytest.raises(SchemaTooNew):
        await migrate(empty)
    assert "audit_log" not in await look(empty, shape)


async def test_a_migration_that_fails_half_way_leaves_nothing_and_can_be_repeated(empty: Database) -> None:
    await execute(empty, "CREATE TABLE tsl_releases (id INTEGER)")
    with pytest.raises(DatabaseUnreachable, match="tsl_releases"):
        await migrate(empty)
    assert set(await look(empty, shape)) == {"tsl_releases"}
    await execute(empty, "DROP TABLE tsl_releases")
    await migrate(empty)
    assert await look(empty, differences) == []


@pytest.mark.parametrize("content", [b"this is no database" * 100, None], ids=["other file", "directory"])
def test_a_path_that_is_no_database_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mooring.sqlite3"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(DatabaseUnreachable, match=r"mooring\.sqlite3"):
        migrate_sqlite(path)


def test_a_path_with_odd_characters_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "100% a?b#c"
    folder.mkdir()
    migrate_sqlite(folder / "mooring.sqlite3")
    assert [entry.name for entry in folder.iterdir()] == ["mooring.sqlite3"]


# PostgreSQL


@pytest.fixture
def guest_url(fresh_postgres_url: str) -> Iterator[str]:
    """The database as a user who may create nothing in it."""
    asyncio.run(on_server(fresh_postgres_url, "CREATE ROLE mooring_guest LOGIN"))
    yield fresh_postgres_url.replace("mooring@", "mooring_guest:s3cr3t@")
    asyncio.run(on_server(fresh_postgres_url, "DROP OWNED BY mooring_guest", "DROP ROLE mooring_guest"))


async def test_a_user_who_may_not_create_tables_is_told_so(guest_url: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="permission denied") as caught:
        await migrate_postgres(guest_url)
    assert "s3cr3t" not in str(caught.value)


def test_of_processes_that_migrate_at_once_one_does_it_and_all_succeed(fresh_postgres_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, fresh_postgres_url], stderr=subprocess.PIPE, env=os.environ)
        for _ in range(3)
    ]
    ends = [(process.communicate()[1], process.returncode) for process in processes]
    assert ends == [(b"", 0)] * 3
    assert asyncio.run(look(fresh_postgres_url, differences)) == []


async def test_a_connection_that_is_cut_while_it_waits_is_a_refusal(fresh_postgres_url: str) -> None:
    control: Any = await asyncpg.connect(fresh_postgres_url)
    await control.execute("SELECT pg_advisory_lock($1)", 0x4D4F4F52)
    migrating: Awaitable[None] = asyncio.create_task(migrate_postgres(fresh_postgres_url))
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await control.fetch(cut):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.005)
    with pytest.raises(DatabaseUnreachable):
        await migrating
    await control.close()
