"""Many rows of one INSERT, and values merged inside the database; both databases."""

import asyncio

import msgspec
import pytest
from sqlalchemy import func, select, update

from mooring.store import Store, StoreError, UniqueViolation, device_values, logs
from mooring.store.statement import Change, Query
from mooring.store.tables import data_log


class Count(msgspec.Struct, frozen=True):
    rows: int


COUNT = Query(select(func.count().label("rows")).select_from(data_log), Count)


def row(number: int, dm_data: str | None = "[]") -> tuple[object, ...]:
    return (number, 7, 1, 0x14, 5, "AAk=", dm_data, number, 1, 10, 10, 10)


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 64, 149])
async def test_every_number_of_rows_is_written_once(store: Store, rows: int) -> None:
    await store.write(logs.ADD_DATA.rows([row(number) for number in range(rows)]))
    assert await store.read(COUNT) == [Count(rows)]


async def test_rows_are_all_or_nothing_with_their_transaction(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.write(logs.ADD_DATA.rows([row(1), row(2), row(1)]))
    assert await store.read(COUNT) == [Count(0)]


async def test_of_many_transactions_at_once_one_with_a_bad_row_takes_nobody_along(store: Store) -> None:
    good = [store.write(logs.ADD_DATA.rows([row(100 * unit + number) for number in range(5)])) for unit in range(1, 6)]
    bad = store.write(logs.ADD_DATA.rows([row(1), row(2)]), logs.ADD_DATA.rows([row(3), row(4), row(1), row(5)]))
    outcomes = await asyncio.gather(*good[:3], bad, *good[3:], return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [*[type(None)] * 3, UniqueViolation, *[type(None)] * 2]
    assert await store.read(COUNT) == [Count(25)]


def test_only_an_insert_takes_rows() -> None:
    with pytest.raises(TypeError, match="plain INSERT"):
        _ = Change(update(data_log).values(status=1)).sqlite_rows


async def test_newest_values_are_merged_and_what_is_not_given_stays(store: Store) -> None:
    first = (7, '{"1":["12.5",10],"2":[true,10]}', '{"battery":["90",10]}', None, 10, 10)
    second = (7, '{"2":[false,20],"3":[{"a":"1"},20]}', "{}", '{"wgsLat":1.5}', 20, 20)
    await store.write(device_values.MERGE.rows([first]))
    await store.write(device_values.MERGE.rows([second]))
    [found] = await store.read(device_values.ONE, of_device=7)
    assert msgspec.json.decode(found.properties) == {"1": ["12.5", 10], "2": [False, 20], "3": [{"a": "1"}, 20]}
    assert msgspec.json.decode(found.resources) == {"battery": ["90", 10]}
    assert (found.location, found.created_at, found.updated_at) == ('{"wgsLat":1.5}', 10, 20)
