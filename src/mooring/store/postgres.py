"""PostgreSQL 15 or newer by asyncpg: a pool, prepared statements, one transaction a write."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import msgspec

from . import tables
from .errors import DatabaseUnreachable, StoreError, StoreUnavailable, UniqueViolation, WriteRefused
from .statement import Query, Rows, Write

__all__ = ["PostgresStore", "check_url", "printable_url"]

R = TypeVar("R", bound=msgspec.Struct)

_CONNECT_TIMEOUT_S = 5.0
_COMMAND_TIMEOUT_S = 30.0
_OLDEST_SERVER = 15
_DEADLOCKS = 4  # that one transaction survives
# InternalClientError: the connection was cut while asyncpg was about to send on it.
_DOWN = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
_UNIQUE = {
    str(constraint.name): (table.name, tuple(column.name for column in constraint.columns))
    for table in tables.metadata.tables.values()
    for constraint in table.constraints
    if constraint.name is not None and hasattr(constraint, "columns")
}


def printable_url(url: str) -> str:
    """The URL without its password, for people and logs."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    return f"{parts.scheme}://{user}{host}{parts.path}"


def check_url(url: str) -> None:
    """Raises DatabaseUnreachable when `url` is not postgresql://[user[:password]@]host[:port]/database."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises when the port is not a number
        # An "@" behind the host: the password holds a "/", "?" or "#", and parts of it stand where no password should.
        malformed = "@" in f"{parts.path}{parts.query}{parts.fragment}"
    except ValueError:
        malformed = True  # what is wrong with it is not repeated, for it may be the password
    if malformed:
        raise DatabaseUnreachable(
            "database URL is malformed; use postgresql://user:password@host:port/database with special characters "
            "of the password as %XX"
        )
    if parts.scheme not in ("postgresql", "postgres"):
        scheme = parts.scheme or "none"
        raise DatabaseUnreachable(f"database URL has scheme {scheme!r}; use postgresql://user@host:port/database")
    if not parts.path.strip("/"):
        raise DatabaseUnreachable(f"database URL {printable_url(url)} names no database")


class PostgresStore:
    """The store over a PostgreSQL database (see `Store`). Make it with `open`."""

    shared = True

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._closed = False
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    async def open(cls, url: str, *, connections: int = 10) -> "PostgresStore":
        """Connect. Raises DatabaseUnreachable with the server's reason."""
        check_url(url)
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=connections,
                timeout=_CONNECT_TIMEOUT_S,
                command_timeout=_COMMAND_TIMEOUT_S,
                server_settings={"application_name": "mooring"},
            )
        except (ValueError, *_DOWN) as error:
            reason = str(error) or type(error).__name__
            raise DatabaseUnreachable(f"cannot open database {printable_url(url)}: {reason}") from None
        store = cls(pool)
        async with pool.acquire() as connection:
            major = connection.get_server_version().major
        if major < _OLDEST_SERVER:
            await store.close()
            raise DatabaseUnreachable(
                f"database {printable_url(url)} is PostgreSQL {major}; {_OLDEST_SERVER} or newer is needed"
            )
        return store

    async def read(self, query: Query[R], **params: Any) -> list[R]:
        """Rows found by an index."""
        text = query.postgres

        async def fetch(connection: Any) -> list[R]:
            return query.decode(await connection.fetch(text.sql, *text.bind(params)))

        return await self._run(fetch)

    async def scan(self, query: Query[R], **params: Any) -> list[R]:
        """The same as `read`: the server works while the event loop goes on."""
        return await self.read(query, **params)

    async def write(self, *writes: Write | Rows) -> None:
        """One transaction; returns after the commit. Shielded: once sent, a cancelled caller cannot cut it in half."""
        await asyncio.shield(asyncio.ensure_future(self._run(lambda connection: self._write(connection, writes))))

    async def close(self) -> None:
        """Finish what runs, refuse what comes, then close the pool."""
        self._closed = True
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                # The pool itself would cut off work that is just getting its connection.
                await self._idle.wait()
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _write(self, connection: Any, writes: tuple[Write | Rows, ...]) -> None:
        """Transactions that wait for each other's rows: the server rolls one of them back, and it begins anew."""
        for _ in range(_DEADLOCKS):
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                return await self._transaction(connection, writes)
        return await self._transaction(connection, writes)

    async def _transaction(self, connection: Any, writes: tuple[Write | Rows, ...]) -> None:
        async with connection.transaction():
            for write in writes:
                text = write.change.postgres
                if isinstance(write, Rows):
                    await connection.executemany(text.sql, write.rows)
                    continue
                status = await connection.execute(text.sql, *text.bind(write.params))
                touched = int(status.rpartition(" ")[2])
                if write.guard is not None and touched != write.rows:
                    raise WriteRefused(write.guard)

    async def _run(self, work: "Callable[[Any], Awaitable[_T]]") -> "_T":
        if self._closed:
            raise StoreUnavailable("the database is closed")
        self._running += 1
        self._idle.clear()
        try:
            async with self._pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
                return await work(connection)
        except asyncpg.UniqueViolationError as error:
            raise _violation(error) from None
        except asyncpg.IntegrityConstraintViolationError as error:
            raise WriteRefused(str(error)) from None
        except asyncpg.DataError as error:
            raise StoreError(f"a value fits no column: {type(error).__name__}") from None
        except _DOWN as error:
            reason = str(error) or type(error).__name__
            raise StoreUnavailable(f"the database did not answer: {reason}") from None
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()


_T = TypeVar("_T")


def _violation(error: asyncpg.UniqueViolationError) -> StoreError:
    table, columns = _UNIQUE.get(
        str(error.constraint_name), (error.table_name or "unknown", (error.constraint_name or "unknown",))
    )
    return UniqueViolation(table, columns)
