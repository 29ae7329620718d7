"""Old rows go, few at a time; what is young or still open stays."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Table, select

from fakes import FakeClock, FakeEntropy
from mooring.platform import retention
from mooring.platform.retention import forget_old
from mooring.platform.sources import Ids
from mooring.store import Query, Store, commands, logs, tables
from mooring.store.commands import CommandRow

DAY_MS = 86_400_000


class Days(msgspec.Struct):
    """For how long logs are kept."""

    data_days: int = 7
    event_days: int = 90
    location_days: int = 90
    exception_days: int = 7
    command_days: int = 90


class Id(msgspec.Struct, frozen=True):
    id: int


def command(number: int, *, is_open: bool) -> tuple[Any, ...]:
    row = CommandRow(
        id=number,
        device_id=7,
        app_id=None,
        origin="openapi",
        kind="raw",
        feature_id=None,
        cmd=0x23,
        payload=b"",
        input="",
        output=None,
        qos=1,
        packet_id=None,
        waits=is_open,
        open=is_open,
        expires_at=None,
        reply_id=None,
        failure=None,
        accepted_at=1,
        cached_at=None,
        published_at=None,
        delivered_at=None,
        answered_at=None,
        reported_at=None,
        failed_at=None,
        expired_at=None,
    )
    return msgspec.structs.astuple(row)


async def left(store: Store, table: Table) -> list[int]:
    rows = await store.scan(Query(select(table.c.id).order_by(table.c.id), Id))
    return [row.id for row in rows]


async def test_each_log_is_kept_for_its_days(store: Store, clock: FakeClock) -> None:
    ids = Ids(clock, FakeEntropy())
    numbers = []
    for _ in range(100):
        numbers.append(ids.next())
        clock.advance(DAY_MS)
    now = clock.now_ms()
    await store.write(
        logs.ADD_DATA.rows([(number, 7, 1, 20, 5, "", "[]", number, 1, now, now, now) for number in numbers]),
        logs.ADD_EVENT.rows([(number, 7, 1, None, "", "", None, None, None, now) for number in numbers]),
        logs.ADD_EXCEPTION.rows([(number, 7, 20, 5, "", "[]", "", now) for number in numbers]),
        logs.ADD_LOCATION.rows([(number, 7, "{}", now) for number in numbers]),
        commands.ADD.rows([command(number, is_open=number == numbers[0]) for number in numbers]),
    )
    await forget_old(store, Days(), clock)
    assert await left(store, tables.data_log) == numbers[-7:]
    assert await left(store, tables.exception_log) == numbers[-7:]
    assert await left(store, tables.event_log) == numbers[-90:]
    assert await left(store, tables.location_log) == numbers[-90:]
    assert await left(store, tables.commands) == [numbers[0], *numbers[-90:]]


async def test_rows_go_in_chunks(store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 10)
    monkeypatch.setattr(retention, "PAUSE_S", 0)
    counted = Counting(store)
    old = [(number, 7, 1, 20, 5, "", "[]", number, 1, 1, 1, 1) for number in range(1, 26)]
    await store.write(logs.ADD_DATA.rows(old))
    await forget_old(counted, Days(), clock)
    assert (await left(store, tables.data_log), counted.writes) == ([], 3)
    await forget_old(counted, Days(), clock)
    assert counted.writes == 3


class Counting:
    """A store that counts its transactions."""

    def __init__(self, store: Store) -> None:
        self.shared = store.shared
        self.read = store.read
        self.scan = store.scan
        self.close = store.close
        self.writes = 0
        self._write = store.write

    async def write(self, *writes: Any) -> None:
        self.writes += 1
        await self._write(*writes)
