"""Statements are written once in SQLAlchemy Core, compiled once per database to SQL text, and run by the native driver.

`Query[R]` reads rows as values of type R; `Change` writes. A `Write` is a change with its parameters, optionally
guarded by the number of rows it must touch; `Rows` are many rows of one INSERT. Several of them given to `Store.write`
are one transaction.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec
from sqlalchemy import Boolean, Delete, Insert, Select, Update
from sqlalchemy.dialects.postgresql.asyncpg import dialect as _postgresql_dialect
from sqlalchemy.dialects.sqlite.pysqlite import dialect as _sqlite_dialect
from sqlalchemy.sql.elements import CompilerElement

__all__ = ["Change", "Query", "Rows", "Store", "Write"]

R = TypeVar("R", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class _SqliteText:
    sql: str
    constants: Mapping[str, Any]
    names: frozenset[str]

    def bind(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.constants, **params}


@dataclass(frozen=True, slots=True)
class _PostgresText:
    sql: str
    constants: Mapping[str, Any]
    order: Sequence[str]

    def bind(self, params: Mapping[str, Any]) -> list[Any]:
        merged = {**self.constants, **params}
        return [merged[name] for name in self.order]


@dataclass(frozen=True, slots=True)
class _SqliteRows:
    """An INSERT of many rows as one statement: a step of SQLite costs Python more than a row costs SQLite."""

    texts: Mapping[int, str]
    """SQL text by number of rows, largest first; few sizes, so that the driver's statement cache holds all of them."""
    order: Sequence[str]

    @classmethod
    def of(cls, head: str, row: str, tail: str, order: Sequence[str]) -> "_SqliteRows":
        return cls({size: f"{head}{', '.join([row] * size)}{tail}" for size in _CHUNKS}, order)

    def chunks(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, list[Any]]]:
        """SQL text and parameters for all of the rows."""
        start, count = 0, len(rows)
        for size, text in self.texts.items():
            while count - start >= size:
                yield text, list(chain.from_iterable(rows[start : start + size]))
                start += size


_CHUNKS = (64, 16, 4, 1)
_VALUES = re.compile(r"^INSERT (INTO .* VALUES )(\([?, ]+\))(.*)$", re.DOTALL)


class _Statement:
    def __init__(self, element: CompilerElement, postgres_element: CompilerElement | None = None) -> None:
        self.element = element
        self._postgres_element = element if postgres_element is None else postgres_element

    @cached_property
    def sqlite(self) -> _SqliteText:
        """SQL text with `:name` parameters for the standard library's driver."""
        compiled = self.element.compile(dialect=_sqlite_dialect(paramstyle="named"))
        params = compiled.params or {}
        return _SqliteText(str(compiled), _constants(params), frozenset(params))

    @cached_property
    def postgres(self) -> _PostgresText:
        """SQL text with `$n` parameters for asyncpg, and the order of the names."""
        compiled = self._postgres_element.compile(dialect=cast("Any", _postgresql_dialect)())
        order = cast("Any", compiled).positiontup or ()
        return _PostgresText(str(compiled), _constants(compiled.params), tuple(order))


def _constants(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


class Query(_Statement, Generic[R]):
    """A SELECT whose columns are, in order, the fields of the struct `row`; where the databases say it differently,
    `postgres_element` is PostgreSQL's."""

    def __init__(self, element: Select[Any], row: type[R], postgres_element: Select[Any] | None = None) -> None:
        super().__init__(element, postgres_element)
        columns = tuple(column.key for column in element.selected_columns)
        if columns != row.__struct_fields__:
            raise TypeError(f"{row.__name__} has fields {row.__struct_fields__}, the statement {columns}")
        self.row = row
        self._booleans = tuple(
            index for index, column in enumerate(element.selected_columns) if isinstance(column.type, Boolean)
        )

    def decode_sqlite(self, rows: Sequence[tuple[Any, ...]]) -> list[R]:
        """Rows as values; SQLite has no booleans, so 0 and 1 become them here."""
        if not self._booleans:
            return [self.row(*row) for row in rows]
        decoded = []
        for row in rows:
            values = list(row)
            for index in self._booleans:
                values[index] = bool(values[index])
            decoded.append(self.row(*values))
        return decoded

    def decode(self, rows: Sequence[Sequence[Any]]) -> list[R]:
        """Rows as values, from a database that has every type."""
        return [self.row(*row) for row in rows]


class Change(_Statement):
    """An INSERT, UPDATE or DELETE; where the databases say it differently, `postgres_element` is PostgreSQL's."""

    def __init__(
        self, element: Insert | Update | Delete, postgres_element: Insert | Update | Delete | None = None
    ) -> None:
        super().__init__(element, postgres_element)

    def __call__(self, **params: Any) -> "Write":
        """The write with these parameters. Raises TypeError when one is missing."""
        text = self.sqlite
        missing = text.names - params.keys() - text.constants.keys()
        if missing:
            raise TypeError(f"the statement needs {', '.join(sorted(missing))}")
        return Write(self, params)

    def of(self, row: msgspec.Struct, **params: Any) -> "Write":
        """The write of one row given as a value."""
        return self(**msgspec.structs.asdict(row), **params)

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> "Rows":
        """Many rows of this INSERT; each tuple holds the columns in the table's order."""
        return Rows(self, rows)

    @cached_property
    def sqlite_rows(self) -> _SqliteRows:
        """The INSERT with `?` parameters, in parts. Raises TypeError for any other statement."""
        compiled = self.element.compile(dialect=_sqlite_dialect(paramstyle="qmark"))
        parts = _VALUES.match(str(compiled))
        if parts is None:
            raise TypeError("only a plain INSERT takes many rows")
        # OR FAIL: all of the unit is rolled back then anyway; SQLite need not copy pages to undo one statement.
        head = f"INSERT OR FAIL {parts[1]}"
        return _SqliteRows.of(head, parts[2], parts[3], tuple(cast("Any", compiled).positiontup or ()))


@dataclass(frozen=True, slots=True)
class Rows:
    """Many rows of one INSERT, cheaper than as many writes. They cannot be guarded."""

    change: Change
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Write:
    """One change with its parameters. With a `guard`, exactly `rows` rows must be touched."""

    change: Change
    params: Mapping[str, Any]
    guard: str | None = None
    rows: int = 1

    def must(self, guard: str, rows: int = 1) -> "Write":
        """The same write, refused as `WriteRefused(guard)` with its whole transaction when it touches other rows."""
        return Write(self.change, self.params, guard, rows)


class Store(Protocol):
    """What the platform asks of a database. Both drivers give exactly this."""

    shared: bool
    """Whether other processes may write to the same database."""

    async def read(self, query: Query[R], **params: Any) -> list[R]:
        """Rows found by an index, few of them. Raises StoreUnavailable."""

    async def scan(self, query: Query[R], **params: Any) -> list[R]:
        """Rows that may take long to find or be many; never holds up the event loop. Raises StoreUnavailable."""

    async def write(self, *writes: Write | Rows) -> None:
        """One transaction, durable when this returns. Raises UniqueViolation, WriteRefused, StoreUnavailable."""

    async def close(self) -> None:
        """Finish what was accepted, then close."""
