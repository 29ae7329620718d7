"""All rows of a database as files, and back: the same for SQLite and PostgreSQL, so that one can become the other.

Rows are read in one transaction, so they belong together although the server writes meanwhile. A file has the rows of
one table in blocks: four bytes of length, then that much msgpack, an array of rows, each an array in the order of
columns.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg
import msgspec
from sqlalchemy import Boolean

from . import tables
from .errors import DatabaseUnreachable, SchemaTooNew
from .migrate import HEAD, is_known, migrate_postgres, migrate_sqlite
from .postgres import check_url, printable_url
from .sqlite import connect

__all__ = ["Column", "TableRows", "Tell", "dump_postgres", "dump_sqlite", "load_postgres", "load_sqlite"]

_BLOCK = 1000
_LENGTH = 4
_PROBLEMS = (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, OSError, TimeoutError)

Tell = Callable[[str, int, int], None]
"""Is told how far a table is: its name, rows done, rows in all."""


class Column(msgspec.Struct, frozen=True):
    """A column; `kind` is `boolean` where PostgreSQL wants one and SQLite has 0 and 1, else empty."""

    name: str
    kind: str = ""


class TableRows(msgspec.Struct, frozen=True):
    """A table and how many rows of it there are."""

    name: str
    columns: tuple[Column, ...]
    rows: int

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.rows"


def dump_sqlite(database: Path, folder: Path, tell: Tell) -> list[TableRows]:
    """Write every table of the file into `folder`, parents first. Raises DatabaseUnreachable, SchemaTooNew."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN")
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
            _check_revision(row[0] if row else None, str(database))
            return [_dump_sqlite_table(connection, name, columns, folder, tell) for name, columns in _shapes()]
    except sqlite3.Error as error:
        raise DatabaseUnreachable(f"cannot read database {database}: {error}") from None


async def dump_postgres(url: str, folder: Path, tell: Tell) -> list[TableRows]:
    """Write every table of the database into `folder`. Raises as `dump_sqlite`."""
    connection = await _connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            revision = None
            if await connection.fetchval("SELECT to_regclass('alembic_version')") is not None:
                revision = await connection.fetchval("SELECT version_num FROM alembic_version")
            _check_revision(revision, printable_url(url))
            return [await _dump_postgres_table(connection, name, columns, folder, tell) for name, columns in _shapes()]
    except _PROBLEMS as error:
        raise DatabaseUnreachable(f"cannot read database {printable_url(url)}: {error}") from None
    finally:
        await connection.close()


def load_sqlite(database: Path, folder: Path, schema: str, content: Sequence[TableRows], tell: Tell) -> None:
    """Make the file, which must not exist, from `folder`. Raises DatabaseUnreachable, SchemaTooNew."""
    _check_known(schema)
    migrate_sqlite(database, schema)
    try:
        with closing(connect(database)) as connection:
            connection.execute("BEGIN")
            for table in reversed(content):
                connection.execute(f"DELETE FROM {table.name}")  # noqa: S608 - a name that was checked
            for table in content:
                names, places = _names(table), ", ".join("?" * len(table.columns))
                insert = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608 - names that were checked
                done = 0
                for block in _blocks(folder / table.file):
                    connection.executemany(insert, block)
                    done += len(block)
                    tell(table.name, done, table.rows)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise DatabaseUnreachable(f"cannot fill database {database}: {error}") from None
    migrate_sqlite(database)


async def load_postgres(url: str, folder: Path, schema: str, content: Sequence[TableRows], tell: Tell) -> None:
    """Fill the database, which must have no account, from `folder`. Raises as `load_sqlite`."""
    _check_known(schema)
    connection = await _connect(url)
    try:
        exists = await connection.fetchval("SELECT to_regclass('accounts')") is not None
        if exists and await connection.fetchval("SELECT count(*) FROM accounts"):
            raise DatabaseUnreachable(f"database {printable_url(url)} has an account already; it is not overwritten")
        if not exists:
            await migrate_postgres(url, schema)
        elif await connection.fetchval("SELECT version_num FROM alembic_version") != schema:
            raise DatabaseUnreachable(
                f"database {printable_url(url)} has tables of another schema than the snapshot's {schema}; "
                "use an empty one"
            )
        async with connection.transaction():
            for table in reversed(content):
                await connection.execute(f"DELETE FROM {table.name}")  # noqa: S608 - a name that was checked
            for table in content:
                await _fill(connection, table, folder, tell)
    except _PROBLEMS as error:
        raise DatabaseUnreachable(f"cannot fill database {printable_url(url)}: {error}") from None
    finally:
        await connection.close()
    await migrate_postgres(url)


def _shapes() -> list[tuple[str, tuple[Column, ...]]]:
    return [
        (
            str(table.name),
            tuple(
                Column(str(column.name), "boolean" if isinstance(column.type, Boolean) else "")
                for column in table.columns
            ),
        )
        for table in tables.metadata.sorted_tables
    ]


def _check_revision(revision: str | None, place: str) -> None:
    if revision is None:
        raise DatabaseUnreachable(f"there is no Mooring in {place}")
    if not is_known(revision):
        raise SchemaTooNew(f"database {place} has schema {revision}, newer than {HEAD}; use the newer Mooring")
    if revision != HEAD:
        raise DatabaseUnreachable(
            f"database {place} has schema {revision}, older than {HEAD}; start it once with mooring up"
        )


def _check_known(schema: str) -> None:
    if not is_known(schema):
        raise SchemaTooNew(f"the snapshot has schema {schema}, newer than {HEAD}; use the newer Mooring")


def _names(table: TableRows) -> str:
    return ", ".join(column.name for column in table.columns)


def _dump_sqlite_table(
    connection: sqlite3.Connection, name: str, columns: tuple[Column, ...], folder: Path, tell: Tell
) -> TableRows:
    total = connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - a name of ours
    table = TableRows(name, columns, total)
    cursor = connection.execute(f"SELECT {_names(table)} FROM {name}")  # noqa: S608 - names of ours
    with (folder / table.file).open("wb") as file:
        done = 0
        while block := cursor.fetchmany(_BLOCK):
            _write_block(file, block)
            done += len(block)
            tell(name, done, total)
    return table


async def _dump_postgres_table(
    connection: Any, name: str, columns: tuple[Column, ...], folder: Path, tell: Tell
) -> TableRows:
    total = await connection.fetchval(f"SELECT count(*) FROM {name}")  # noqa: S608 - a name of ours
    table = TableRows(name, columns, total)
    cursor = await connection.cursor(f"SELECT {_names(table)} FROM {name}")  # noqa: S608 - names of ours
    with (folder / table.file).open("wb") as file:
        done = 0
        while block := await cursor.fetch(_BLOCK):
            _write_block(file, [tuple(row) for row in block])
            done += len(block)
            tell(name, done, total)
    return table


async def _fill(connection: Any, table: TableRows, folder: Path, tell: Tell) -> None:
    booleans = [place for place, column in enumerate(table.columns) if column.kind == "boolean"]
    done = 0
    for block in _blocks(folder / table.file):
        for row in block:
            for place in booleans:
                row[place] = None if row[place] is None else bool(row[place])
        names = [column.name for column in table.columns]
        await connection.copy_records_to_table(table.name, records=block, columns=names)
        done += len(block)
        tell(table.name, done, table.rows)


def _write_block(file: BinaryIO, rows: Sequence[Sequence[Any]]) -> None:
    content = msgspec.msgpack.encode(rows)
    file.write(len(content).to_bytes(_LENGTH, "big") + content)


def _blocks(path: Path) -> Iterator[list[list[Any]]]:
    decoder = msgspec.msgpack.Decoder(list[list[Any]])
    with path.open("rb") as file:
        while length := file.read(_LENGTH):
            yield decoder.decode(file.read(int.from_bytes(length, "big")))


async def _connect(url: str) -> Any:
    check_url(url)
    try:
        return await asyncpg.connect(url, timeout=5.0)
    except _PROBLEMS as error:
        reason = str(error) or type(error).__name__
        raise DatabaseUnreachable(f"cannot open database {printable_url(url)}: {reason}") from None
