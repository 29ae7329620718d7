"""Pages of logs: order, ranges, filters, totals, and what they cost."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from databases import migrated_sqlite
from mooring.platform.history import History
from mooring.platform.locations import Location
from mooring.store import Query, Store, history, logs
from mooring.store.history import ANY, Pages

DEVICE, OTHER = 7, 8


def data_row(number: int, at: int, device: int = DEVICE, direction: int = 1, status: int = 1) -> tuple[object, ...]:
    return (number, device, direction, 0x14, 5, "AAk=", "[]", number, status, at, at, at)


def event_row(number: int, at: int, kind: int, device: int = DEVICE) -> tuple[object, ...]:
    return (number, device, kind, None, "online", "Online", None, None, None, at)


def ids(rows: Iterable[Any]) -> list[int]:
    return [row.id for row in rows]


@pytest.fixture
async def shelf(store: Store) -> History:
    """Twelve messages, two of each moment, and what other devices said meanwhile."""
    rows = [data_row(number, 100 + number // 2, direction=1 + number % 2) for number in range(12)]
    rows += [data_row(20, 104, direction=2, status=0), data_row(21, 104, direction=2, status=-1)]
    rows += [data_row(100 + number, 103, OTHER) for number in range(5)]
    await store.write(logs.ADD_DATA.rows(rows))
    await store.write(logs.ADD_EVENT.rows([event_row(1, 100, 1), event_row(2, 101, 0), event_row(3, 101, 1)]))
    return History(store)


async def test_newest_first_with_the_id_as_tie_break(shelf: History) -> None:
    rows, total = await shelf.data(DEVICE, size=100)
    assert ids(rows) == [11, 10, 21, 20, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert total == 14
    assert rows[0].created_at == 105


@pytest.mark.parametrize(
    ("number", "size", "expected"),
    [
        (1, 5, [11, 10, 21, 20, 9]),
        (2, 5, [8, 7, 6, 5, 4]),
        (3, 5, [3, 2, 1, 0]),
        (4, 5, []),
        (2, 7, [6, 5, 4, 3, 2, 1, 0]),
        (3, 7, []),
        (2, 14, []),
    ],
)
async def test_pages_keep_the_total(shelf: History, number: int, size: int, expected: list[int]) -> None:
    rows, total = await shelf.data(DEVICE, number=number, size=size)
    assert (ids(rows), total) == (expected, 14)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (104, 104, [21, 20, 9, 8]),
        (105, 2**62, [11, 10]),
        (0, 100, [1, 0]),
        (106, 200, []),
    ],
)
async def test_both_ends_of_a_range_are_included(shelf: History, since: int, until: int, expected: list[int]) -> None:
    assert await shelf.data(DEVICE, since=since, until=until, size=4) == (
        (await shelf.data(DEVICE, since=since, until=until, size=100))[0],
        len(expected),
    )
    assert ids((await shelf.data(DEVICE, since=since, until=until))[0]) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"direction": 1}, [10, 8, 6, 4, 2, 0]),
        ({"direction": 2}, [11, 21, 20, 9, 7, 5, 3, 1]),
        ({"status": 0}, [20]),
        ({"status": -1}, [21]),
        ({"direction": 2, "status": 1}, [11, 9, 7, 5, 3, 1]),
        ({"direction": 1, "status": 0}, []),
    ],
)
async def test_filters_of_the_data_log(shelf: History, filters: dict[str, int], expected: list[int]) -> None:
    rows, total = await shelf.data(DEVICE, size=100, **filters)
    assert (ids(rows), total) == (expected, len(expected))
    if len(expected) > 2:
        rows, total = await shelf.data(DEVICE, size=2, number=2, **filters)
        assert (ids(rows), total) == (expected[2:4], len(expected))


async def test_events_by_type(shelf: History) -> None:
    assert ids((await shelf.events(DEVICE))[0]) == [3, 2, 1]
    rows, total = await shelf.events(DEVICE, event_type=1, size=1)
    assert (ids(rows), total) == ([3], 2)
    assert await shelf.events(OTHER) == ([], 0)


async def test_exceptions_and_locations(store: Store) -> None:
    shelf = History(store)
    exception = (1, DEVICE, 0x14, 5, "why", "[[99]]", "AAk=", 100)
    position = '{"source":"GN","at":100,"time":90,"raw":"$GNGGA;"}'
    await store.write(
        logs.ADD_EXCEPTION.rows([exception]),
        logs.ADD_LOCATION.rows([(1, DEVICE, position, 100), (2, OTHER, position, 9)]),
    )
    rows, total = await shelf.exceptions(DEVICE)
    assert (rows[0].reason, rows[0].feature_ids, total) == ("why", "[[99]]", 1)
    assert await shelf.locations(DEVICE) == ([Location("GN", 100, 90, "$GNGGA;")], 1)
    assert await shelf.locations(DEVICE, until=99) == ([], 0)


async def test_extreme_pages_and_times_are_no_fault(shelf: History) -> None:
    assert await shelf.data(DEVICE, since=2**63 - 1, until=2**63 - 1) == ([], 0)
    assert await shelf.data(DEVICE, number=2**31 - 1, size=1000) == ([], 14)


FILTERS: dict[str, int] = {"of_direction": 1, "of_status": ANY, "of_type": 1}
EVERY = [
    (history.DATA, "data_log", True),
    (history.DATA_FILTERED, "data_log", False),
    (history.EVENTS, "event_log", True),
    (history.EVENTS_FILTERED, "event_log", False),
    (history.EXCEPTIONS, "exception_log", True),
    (history.LOCATIONS, "location_log", True),
]


@pytest.mark.parametrize(("pages", "table", "covered"), EVERY)
def test_a_page_is_found_in_the_index(tmp_path: Path, pages: Pages, table: str, covered: bool) -> None:
    index = f"ix_{table}_device_id_created_at_id"
    file = tmp_path / "mooring.sqlite3"
    file.write_bytes(migrated_sqlite())
    search = f"SEARCH {table} USING {{kind}}INDEX {index} (device_id=? AND created_at>? AND created_at<?)"
    covering = "COVERING " if covered else ""
    assert plan(file, pages.count) == [search.format(kind=covering)]
    steps = plan(file, pages.page)
    assert search.format(kind=covering) in steps
    assert f"SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)" in steps
    assert not [step for step in steps if step.startswith("SCAN")]
    # The rows of the page may be sorted once they are there; finding them must not sort the whole range.
    assert steps.index(search.format(kind=covering)) > 0
    assert sum("TEMP B-TREE" in step for step in steps) <= 1


def plan(path: Path, query: Query[Any]) -> list[str]:
    text = query.sqlite
    wanted = dict.fromkeys(text.names, 1) | {name: value for name, value in FILTERS.items() if name in text.names}
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(f"EXPLAIN QUERY PLAN {text.sql}", text.bind(wanted)).fetchall()
    finally:
        connection.close()
    return [detail for *_, detail in found]
