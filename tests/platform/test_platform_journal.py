"""The journal commits in batches, in order, and tells each entry what became of it."""

import asyncio
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from mooring.platform.journal import BATCH, HIGH_WATER, Entry, Journal
from mooring.store import Rows, Store, StoreError, StoreUnavailable, Write, device_values, logs
from mooring.store.statement import Query
from mooring.store.tables import data_log


class Id(msgspec.Struct, frozen=True):
    id: int


IDS = Query(select(data_log.c.id).order_by(data_log.c.id), Id)


def row(number: int, packet_id: int = 5) -> tuple[object, ...]:
    return (number, 7, 1, 0x14, packet_id, "AAk=", "[]", number, 1, 10, 10, 10)


def entry(number: int, told: list[tuple[int, StoreError | None]], packet_id: int = 5) -> Entry:
    made = Entry(lambda error: told.append((number, error)))
    made.add(logs.ADD_DATA, row(number, packet_id))
    return made


async def stored(store: Store) -> list[int]:
    return [found.id for found in await store.read(IDS)]


class Gate:
    """A store whose writes wait for the gate, fail when told to, and are counted."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.batches: list[int] = []
        self.error: StoreError | None = None

    async def write(self, *writes: Write | Rows) -> None:
        self.batches.append(sum(len(write.rows) for write in writes if isinstance(write, Rows)))
        await self.open.wait()
        if self.error is not None:
            raise self.error


def journal_over(gate: Gate) -> Journal:
    store: Any = gate
    return Journal(store)


async def test_an_entry_is_told_after_it_is_on_disk(store: Store) -> None:
    journal, seen = Journal(store), asyncio.Event()
    made = Entry(lambda error: seen.set())
    made.add(logs.ADD_DATA, row(1))
    journal.add(made)
    await seen.wait()
    assert await stored(store) == [1]


async def test_what_gathers_during_a_commit_is_one_transaction() -> None:
    gate, told = Gate(), list[tuple[int, StoreError | None]]()
    journal = journal_over(gate)
    journal.add(entry(1, told))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for number in range(2, 7):
        journal.add(entry(number, told))
    assert journal.backlog == 6
    gate.open.set()
    await journal.settle()
    assert gate.batches == [1, 5]
    assert told == [(number, None) for number in range(1, 7)]
    assert journal.backlog == 0


async def test_a_batch_has_a_limit() -> None:
    gate = Gate()
    gate.open.set()
    journal = journal_over(gate)
    for number in range(BATCH + 1):
        journal.add(entry(number, []))
    await journal.settle()
    assert gate.batches == [BATCH, 1]


async def test_an_entry_that_fits_no_column_takes_no_other_with_it(store: Store) -> None:
    journal, told = Journal(store), list[tuple[int, StoreError | None]]()
    for number in (1, 2, 3):
        journal.add(entry(number, told, packet_id=2**70 if number == 2 else 5))
    await journal.settle()
    assert await stored(store) == [1, 3]
    assert [(number, error is None) for number, error in told] == [(1, True), (2, False), (3, True)]


async def test_a_database_that_is_away_fails_the_batch_and_not_the_next() -> None:
    gate, told = Gate(), list[tuple[int, StoreError | None]]()
    gate.open.set()
    gate.error = StoreUnavailable("disk full")
    journal = journal_over(gate)
    journal.add(entry(1, told))
    journal.add(entry(2, told))
    await journal.settle()
    gate.error = None
    journal.add(entry(3, told))
    await journal.settle()
    assert [(number, str(error)) for number, error in told] == [(1, "disk full"), (2, "disk full"), (3, "None")]
    assert gate.batches == [2, 1]


async def test_commit_raises_what_the_database_said() -> None:
    gate = Gate()
    gate.open.set()
    gate.error = StoreUnavailable("disk full")
    with pytest.raises(StoreUnavailable, match="disk full"):
        await journal_over(gate).commit(Entry())


async def test_a_full_backlog_says_when_there_is_room_again() -> None:
    gate, room = Gate(), list[bool]()
    journal = journal_over(gate)
    for number in range(HIGH_WATER):
        journal.add(entry(number, []))
    journal.when_room(lambda: room.append(journal.has_room))
    assert (journal.has_room, room) == (False, [])
    gate.open.set()
    await journal.settle()
    assert room == [True]
    journal.when_room(lambda: room.append(journal.has_room))
    assert room == [True, True]


async def test_newest_values_of_a_device_are_one_row_of_the_batch(store: Store) -> None:
    journal = Journal(store)
    for at, value in ((10, "1"), (20, "2")):
        made = Entry()
        made.set_properties(7, {1: value, at: True}, at)
        made.set_resources(7, {"battery": value}, at)
        journal.add(made)
    made = Entry()
    made.set_location(7, '{"wgsLat":1.5}', 30)
    journal.add(made)
    await journal.settle()
    [found] = await store.read(device_values.ONE, of_device=7)
    assert msgspec.json.decode(found.properties) == {"1": ["2", 20], "10": [True, 10], "20": [True, 20]}
    assert msgspec.json.decode(found.resources) == {"battery": ["2", 20]}
    assert (found.location, found.updated_at) == ('{"wgsLat":1.5}', 30)


async def test_a_listener_that_fails_harms_no_other(store: Store) -> None:
    journal, told = Journal(store), list[tuple[int, StoreError | None]]()

    def broken(error: StoreError | None) -> None:
        raise RuntimeError("listener")

    journal.add(Entry(broken))
    journal.add(entry(1, told))
    await journal.settle()
    assert told == [(1, None)]
