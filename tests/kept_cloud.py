"""Rows that building a cloud leaves in an empty database, to be put back in one transaction: building one takes dozens.

The platform takes them up as it takes up what another process has changed. Clock, entropy and ids then stand where they
stood after the building, so that a test cannot tell the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Table, delete, insert, select

from fakes import FakeClock, FakeEntropy
from mooring.platform import Platform
from mooring.platform.sources import Ids
from mooring.store import tables
from mooring.store.statement import Change, Query, Rows

__all__ = ["KeptCloud", "state_of"]

_CLEARED = [Change(delete(table))() for table in (tables.directory_state, tables.platform_state)]
"""What the start of a platform has written."""


def _reader(table: Table) -> Query[msgspec.Struct]:
    row = msgspec.defstruct(f"{table.name}_row", [(str(column.key), Any) for column in table.columns])
    return Query(select(table), row)


_TABLES = [
    (_reader(table), Change(insert(table)))
    for table in tables.metadata.sorted_tables
    if table.name != "alembic_version"
]


def _parts(platform: Platform) -> tuple[FakeEntropy, Ids] | None:
    """What makes the platform's randomness; None when that is not the test's."""
    entropy, ids = platform.accounts._entropy, platform.ledger.ids
    return (entropy, ids) if isinstance(entropy, FakeEntropy) and ids._entropy is entropy else None


def state_of(platform: Platform, clock: FakeClock) -> tuple[object, ...] | None:
    """What the rows of a cloud depend on; None when one cannot be put back."""
    parts = _parts(platform)
    if parts is None or platform.clock is not clock:
        return None
    entropy, ids = parts
    where = type(platform.store).__name__, platform.devices._vault.derive("kept clouds")
    return *where, clock.now_ms(), entropy.state, ids._last, ids._last_ms


@dataclass(frozen=True)
class KeptCloud:
    """Rows by table, and what stood where after the building; `value` is the builder's own."""

    rows: Sequence[Rows]
    elapsed_ms: int
    entropy: bytes
    ids: tuple[int, int]
    value: Any

    @classmethod
    async def of(cls, platform: Platform, elapsed_ms: int, value: Any) -> "KeptCloud":
        """What is there now."""
        rows = []
        for reader, writer in _TABLES:
            found = await platform.store.scan(reader)
            if found:
                rows.append(writer.rows([msgspec.structs.astuple(row) for row in found]))
        parts = _parts(platform)
        assert parts is not None
        entropy, ids = parts
        return cls(rows, elapsed_ms, entropy.state, (ids._last, ids._last_ms), value)

    async def put_back(self, platform: Platform, clock: FakeClock) -> None:
        """Into the database of a platform that has just been opened."""
        await platform.store.write(*_CLEARED, *self.rows)
        await platform.directory.catch_up()
        clock.advance(self.elapsed_ms)
        parts = _parts(platform)
        assert parts is not None
        entropy, ids = parts
        entropy.state = self.entropy
        ids._last, ids._last_ms = self.ids
