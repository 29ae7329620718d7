"""SQLite: one writer thread with group commit; small reads inline, long ones in a pool.

A reader on the event loop costs microseconds for indexed rows, far less than a hop to a thread. A commit costs a disk
sync, so the writer takes every transaction that has gathered while the last one synced and commits them together,
each in its own savepoint where there are several: one that fails takes nothing of the others with it. A write is
answered after the sync.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .errors import DatabaseUnreachable, StoreError, StoreUnavailable, UniqueViolation, WriteRefused
from .statement import Query, Rows, Write

__all__ = ["SqliteStore", "connect"]

R = TypeVar("R", bound=msgspec.Struct)

_GROUP_LIMIT = 256  # transactions in one commit; bounds how much one failing commit can fail
_BUSY_TIMEOUT_S = 5.0
_SCAN_THREADS = 2
_CHECKPOINT_PAGES = 4_000  # of the WAL, 16 MB: what is written again and again goes into the database once
_WRITER_CACHE_KIB = 32_768  # a batch changes pages of many devices, which come again in the next one
_UNFIT = (OverflowError, UnicodeEncodeError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


def connect(path: Path) -> sqlite3.Connection:
    """A connection as all of Mooring's are: WAL, synchronous FULL, foreign keys on, explicit transactions."""
    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class _Unit:
    """One transaction on its way through the writer thread."""

    __slots__ = ("_future", "_loop", "error", "writes")

    def __init__(self, writes: Sequence[Write | Rows]) -> None:
        self.writes = writes
        self.error: StoreError | None = None
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()

    async def done(self) -> None:
        # Shielded: a caller that goes away must not leave the outcome of a sent transaction in doubt.
        await asyncio.shield(self._future)

    def settle(self) -> None:
        self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        if self._future.done():
            return
        if self.error is None:
            self._future.set_result(None)
        else:
            self._future.set_exception(self.error)


class SqliteStore:
    """The store over one SQLite file (see `Store`)."""

    shared = False

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._writer = connect(path)
            self._writer.execute(f"PRAGMA cache_size=-{_WRITER_CACHE_KIB}")
            self._reader = connect(path)
            self._reader.execute("PRAGMA query_only=ON")
        except sqlite3.Error as error:
            raise DatabaseUnreachable(f"cannot open database {path}: {error}") from None
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._scanners = ThreadPoolExecutor(_SCAN_THREADS, thread_name_prefix="mooring-scan")
        self._local = threading.local()
        self._scan_connections: list[sqlite3.Connection] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="mooring-writer", daemon=True)
        self._thread.start()

    async def read(self, query: Query[R], **params: Any) -> list[R]:
        """Rows found by an index, read on the event loop."""
        return _fetch(self._reader, query, params)

    async def scan(self, query: Query[R], **params: Any) -> list[R]:
        """Rows read in a thread of the pool, each with a connection of its own."""
        if self._closed:
            raise StoreUnavailable("the database is closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._scanners, self._scan, query, params)

    async def write(self, *writes: Write | Rows) -> None:
        """One transaction; returns after the commit is on disk."""
        if self._closed:
            raise StoreUnavailable("the database is closed")
        unit = _Unit(writes)
        self._queue.put(unit)
        await unit.done()

    async def close(self) -> None:
        """Commit what is queued, then close every connection."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._scanners.shutdown)
        for connection in (self._writer, self._reader, *self._scan_connections):
            connection.close()

    def _scan(self, query: Query[R], params: dict[str, Any]) -> list[R]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path)
            connection.execute("PRAGMA query_only=ON")
            self._local.connection = connection
            self._scan_connections.append(connection)
        return _fetch(connection, query, params)

    def _run(self) -> None:
        running = True
        while running:
            unit = self._queue.get()
            if unit is None:
                return
            group = [unit]
            while len(group) < _GROUP_LIMIT and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    running = False
                    break
                group.append(following)
            self._commit(group)

    def _commit(self, group: list[_Unit]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            if len(group) == 1:
                self._alone(group[0])
            else:
                self._together(group)
        except Exception as error:
            self._roll_back()
            for unit in group:
                unit.error = StoreUnavailable(f"the database did not commit: {error}")
        for unit in group:
            unit.settle()

    def _alone(self, unit: _Unit) -> None:
        # Without a savepoint, for which SQLite copies every page that changes.
        unit.error = self._apply(unit.writes)
        self._writer.execute("COMMIT" if unit.error is None else "ROLLBACK")

    def _together(self, group: list[_Unit]) -> None:
        execute = self._writer.execute
        for unit in group:
            execute("SAVEPOINT unit")
            unit.error = self._apply(unit.writes)
            if unit.error is not None:
                execute("ROLLBACK TO unit")
            execute("RELEASE unit")
        execute("COMMIT")

    def _apply(self, writes: Sequence[Write | Rows]) -> StoreError | None:
        """Why not, and then some of the writes may be applied."""
        execute = self._writer.execute
        try:
            for write in writes:
                if isinstance(write, Rows):
                    for sql, cells in write.change.sqlite_rows.chunks(write.rows):
                        execute(sql, cells)
                    continue
                text = write.change.sqlite
                touched = execute(text.sql, text.bind(write.params)).rowcount
                if write.guard is not None and touched != write.rows:
                    return WriteRefused(write.guard)
        except sqlite3.IntegrityError as error:
            return _violation(error)
        except _UNFIT as error:
            return StoreError(f"a value fits no column: {type(error).__name__}")
        return None

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            # A disk that refuses even this must not end the writer: the next BEGIN fails then, and it is tried again.
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")


def _fetch(connection: sqlite3.Connection, query: Query[R], params: dict[str, Any]) -> list[R]:
    text = query.sqlite
    run: Callable[..., sqlite3.Cursor] = connection.execute
    try:
        return query.decode_sqlite(run(text.sql, text.bind(params)).fetchall())
    except (OverflowError, UnicodeEncodeError) as error:
        raise StoreError(f"a value fits no column: {type(error).__name__}") from None
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database did not answer: {error}") from None


def _violation(error: sqlite3.IntegrityError) -> StoreError:
    """`UNIQUE constraint failed: products.account_id, products.name` as a value."""
    head, _, places = str(error).partition(": ")
    if not head.startswith("UNIQUE"):
        return WriteRefused(str(error))
    names = [place.strip().partition(".") for place in places.split(",")]
    return UniqueViolation(names[0][0], tuple(column for _, _, column in names))
