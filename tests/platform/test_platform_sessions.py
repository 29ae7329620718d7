"""Which devices are online: takeover, the event log, activation, a database that fails (domain-rules.md section 4)."""

import asyncio
import contextlib
from typing import Any, cast

import pytest
from sqlalchemy import bindparam

from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Platform
from mooring.platform import sessions as module
from mooring.platform.device_input import NewDevice
from mooring.platform.entities import Device, Product
from mooring.platform.journal import Entry, Journal
from mooring.platform.session import Delivery, Session
from mooring.platform.sessions import Sessions
from mooring.platform.sources import Ids
from mooring.platform.trace import Trace
from mooring.protocol.frame import Frame
from mooring.store import Query, Rows, Store, StoreUnavailable, Write, tables
from mooring.store.logs import EventRow

EVENTS = Query(
    tables.event_log.select().where(tables.event_log.c.device_id == bindparam("of")).order_by(tables.event_log.c.id),
    EventRow,
)
LATE = "the device was online again when this could be written"


class Link:
    """A connection that remembers how it was closed; `sessions` are told, as a real one does."""

    def __init__(self) -> None:
        self.closed: list[tuple[str, int | None]] = []

    def send(self, frame: Frame, qos: int, delivery: Delivery | None = None) -> None:
        raise AssertionError("sessions send nothing")

    def close(self, reason: str, notice: int | None = None) -> None:
        self.closed.append((reason, notice))


class Failing:
    """A store whose writes wait for `running` and fail while `error` is set."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.running = asyncio.Event()
        self.running.set()
        self.error: Exception | None = None
        self.waiting = asyncio.Event()

    async def read(self, query: Any, **params: Any) -> Any:
        return await self._store.read(query, **params)

    async def scan(self, query: Any, **params: Any) -> Any:
        return await self._store.scan(query, **params)

    async def write(self, *writes: Write | Rows) -> None:
        self.waiting.set()
        await self.running.wait()
        if self.error is not None:
            raise self.error
        await self._store.write(*writes)


class Hall:
    """Sessions of a process over a store under control."""

    def __init__(self, platform: Platform, actor: Actor, product: Product, store: Store, clock: FakeClock) -> None:
        self.platform = platform
        self.actor = actor
        self.product = product
        self.clock = clock
        self.store = Failing(store)
        self.journal = Journal(self.store)  # type: ignore[arg-type]
        ids = Ids(clock, FakeEntropy("hall"))
        store_ = cast("Store", self.store)
        self.sessions = Sessions(store_, self.journal, Trace(clock), clock, ids, platform.announcer)
        self.heard: list[str] = []
        self.sessions.on_open.append(lambda session: self.heard.append(f"open {session.id}"))
        self.sessions.on_close.append(lambda session: self.heard.append(f"close {session.id}"))

    async def add(self, device_key: str = "DK01", **values: Any) -> Device:
        new = NewDevice(device_key, **values)
        return (await self.platform.devices.add(self.actor, self.product.product_key, new)).device

    async def row(self, device: Device) -> Device:
        await self.journal.settle()
        found = await self.platform.devices.by_id(device.id)
        assert found is not None
        return found

    async def open(self, device: Device) -> tuple[Session, Link]:
        link = Link()
        return await self.sessions.open(device, link, "192.0.2.9"), link

    async def events(self, device: Device) -> list[tuple[str, int, str | None]]:
        """Code, time since the first one in ms, remark."""
        await self.journal.settle()
        rows = await self.store.read(EVENTS, of=device.id)
        return [(row.code, row.created_at - rows[0].created_at, row.remark) for row in rows]


@pytest.fixture
async def hall(platform: Platform, actor: Actor, product: Product, store: Store, clock: FakeClock) -> Any:
    made = Hall(platform, actor, product, store, clock)
    yield made
    made.store.error = None
    made.store.running.set()
    await made.journal.settle()
    made.sessions.stop()


# Online and offline


async def test_a_device_is_online_until_its_session_ends(hall: Hall) -> None:
    device = await hall.add()
    hall.clock.advance(1_000)
    session, link = await hall.open(device)
    online = await hall.row(device)
    assert (online.online, online.first_conn_at, online.last_conn_at) == (
        True,
        hall.clock.now_ms(),
        hall.clock.now_ms(),
    )
    assert (hall.sessions.of(device.id), hall.sessions.count, list(hall.sessions.all())) == (session, 1, [session])
    hall.clock.advance(5_000)
    hall.sessions.end(session)
    hall.sessions.end(session)
    offline = await hall.row(device)
    assert (offline.online, offline.last_offline_at) == (False, hall.clock.now_ms())
    assert offline.first_conn_at == online.first_conn_at
    assert await hall.events(device) == [("online", 0, None), ("offline", 5_000, None)]
    assert hall.heard == [f"open {session.id}", f"close {session.id}"]
    assert link.closed == []


async def test_a_later_connection_keeps_the_first_time(hall: Hall) -> None:
    device = await hall.add()
    session, _ = await hall.open(device)
    first = (await hall.row(device)).first_conn_at
    hall.sessions.end(session)
    hall.clock.advance(9_000)
    await hall.open(device)
    again = await hall.row(device)
    assert (again.first_conn_at, again.last_conn_at) == (first, hall.clock.now_ms())


async def test_a_takeover_is_a_reconnect_without_an_offline(hall: Hall) -> None:
    device = await hall.add()
    first, link = await hall.open(device)
    second, _ = await hall.open(device)
    assert link.closed == [("the device connected again", None)]
    hall.sessions.end(first)
    assert hall.sessions.of(device.id) is second
    assert (await hall.row(device)).online
    assert [code for code, _, _ in await hall.events(device)] == ["online", "reconnect"]
    assert hall.heard == [f"open {first.id}", f"close {first.id}", f"open {second.id}"]


async def test_of_many_takeovers_at_once_the_last_stays_and_only_it_is_announced(hall: Hall) -> None:
    device = await hall.add()
    hall.store.running.clear()
    opening = [asyncio.create_task(hall.open(device)) for _ in range(6)]
    await hall.store.waiting.wait()
    hall.store.running.set()
    made = [await task for task in opening]
    last = made[-1][0]
    assert hall.sessions.of(device.id) is last
    for session, _ in made[:-1]:
        hall.sessions.end(session)
    assert (await hall.row(device)).online
    assert [code for code, _, _ in await hall.events(device)] == ["online", *["reconnect"] * 5]
    assert [line for line in hall.heard if line.startswith("open")] == [f"open {last.id}"]


async def test_disconnect_ends_the_connection_with_its_notice(hall: Hall) -> None:
    device = await hall.add()
    _, link = await hall.open(device)
    await hall.sessions.disconnect(device.id, "disabled", 10430)
    await hall.sessions.disconnect(device.id, "disabled", 10430)
    assert link.closed == [("disabled", 10430)]
    assert hall.sessions.count == 0
    assert not (await hall.row(device)).online


@pytest.mark.parametrize("done", ["delete", "disable", "reset"])
@pytest.mark.parametrize("mode", [1, 2])
async def test_what_is_done_to_a_device_while_it_connects_closes_it(hall: Hall, done: str, mode: int) -> None:
    device = await hall.add(auth_mode=mode, **({"fingerprint": "ab" * 20} if mode == 2 else {}))
    hall.store.running.clear()
    opening = asyncio.create_task(hall.open(device))
    await hall.store.waiting.wait()
    await getattr(hall.platform.devices, done)(hall.actor, hall.product.product_key, "DK01")
    hall.store.running.set()
    session, link = await opening
    assert link.closed == [("the device was deleted, disabled or reset while it connected", None)]
    assert hall.sessions.count == 0
    assert hall.heard == [f"close {session.id}"]


async def test_a_listener_that_fails_stops_nobody(hall: Hall) -> None:
    def fails(session: Session) -> None:
        raise RuntimeError("listener")

    hall.sessions.on_open.insert(0, fails)
    device = await hall.add()
    session, _ = await hall.open(device)
    assert hall.heard == [f"open {session.id}"]


# A database that fails

DOWN = StoreUnavailable("the database does not answer")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again at once."""
    monkeypatch.setattr(module, "_RETRY_S", 0.01)


async def until_tried(hall: Hall) -> None:
    async with asyncio.timeout(20):
        while hall.sessions._unwritten or hall.sessions._timer is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await hall.journal.settle()


@pytest.mark.usefixtures("soon")
async def test_a_device_that_cannot_be_written_online_is_not(hall: Hall) -> None:
    device = await hall.add()
    hall.store.error = DOWN
    with pytest.raises(StoreUnavailable):
        await hall.open(device)
    assert hall.sessions.count == 0
    assert hall.heard == []
    hall.store.error = None
    await until_tried(hall)
    assert not (await hall.row(device)).online
    assert await hall.events(device) == []


@pytest.mark.usefixtures("soon")
async def test_offline_is_written_as_soon_as_the_database_answers_again(hall: Hall) -> None:
    device = await hall.add()
    session, _ = await hall.open(device)
    hall.clock.advance(1_000)
    hall.store.error = DOWN
    hall.sessions.end(session)
    await hall.journal.settle()
    hall.clock.advance(60_000)
    assert (await hall.row(device)).online
    hall.store.error = None
    await until_tried(hall)
    row = await hall.row(device)
    assert (row.online, row.last_offline_at) == (False, hall.clock.now_ms() - 60_000)
    assert await hall.events(device) == [("online", 0, None), ("offline", 1_000, None)]


@pytest.mark.parametrize("again", ["stays", "leaves"])
async def test_an_offline_that_is_older_than_the_newest_online_is_invalid_and_says_so(hall: Hall, again: str) -> None:
    device = await hall.add()
    session, _ = await hall.open(device)
    hall.store.error = DOWN
    hall.clock.advance(1_000)
    hall.sessions.end(session)
    await hall.journal.settle()
    hall.store.error = None
    hall.clock.advance(1_000)
    second, _ = await hall.open(device)
    hall.clock.advance(1_000)
    if again == "leaves":
        hall.sessions.end(second)
    await until_tried(hall)
    row = await hall.row(device)
    events = await hall.events(device)
    assert ("offline", 1_000, LATE) in events
    if again == "leaves":
        assert (row.online, row.last_offline_at) == (False, hall.clock.now_ms())
        assert max(events, key=lambda event: event[1]) == ("offline", 3_000, None)
    else:
        assert row.online


@pytest.mark.usefixtures("soon")
async def test_a_connection_that_could_not_be_written_leaves_the_offline_before_it_valid(hall: Hall) -> None:
    device = await hall.add()
    session, _ = await hall.open(device)
    hall.store.error = DOWN
    hall.clock.advance(1_000)
    hall.sessions.end(session)
    await hall.journal.settle()
    with contextlib.suppress(StoreUnavailable):
        await hall.open(device)
    hall.store.error = None
    await until_tried(hall)
    assert not (await hall.row(device)).online
    assert await hall.events(device) == [("online", 0, None), ("offline", 1_000, None)]


@pytest.mark.usefixtures("soon")
async def test_a_takeover_that_cannot_be_written_takes_the_device_offline(hall: Hall) -> None:
    device = await hall.add()
    _, link = await hall.open(device)
    hall.store.error = DOWN
    hall.clock.advance(1_000)
    with pytest.raises(StoreUnavailable):
        await hall.open(device)
    assert len(link.closed) == 1
    hall.store.error = None
    await until_tried(hall)
    assert not (await hall.row(device)).online
    assert await hall.events(device) == [("online", 0, None), ("offline", 1_000, None)]


async def test_what_an_ended_process_left_online_is_set_offline_at_the_start(hall: Hall, platform: Platform) -> None:
    online, offline = await hall.add(), await hall.add("DK02")
    await hall.open(online)
    session, _ = await hall.open(offline)
    hall.sessions.end(session)
    await hall.journal.settle()
    hall.clock.advance(7_000)
    await platform.sessions.recover()
    row = await hall.row(online)
    assert (row.online, row.last_offline_at) == (False, hall.clock.now_ms())
    assert await hall.events(online) == [
        ("online", 0, None),
        ("offline", 7_000, "the server stopped without closing the connection"),
    ]
    before = len(await hall.events(offline))
    await platform.sessions.recover()
    assert len(await hall.events(offline)) == before


# Activation


async def test_the_first_data_message_activates_once(hall: Hall) -> None:
    device = await hall.add()
    session, _ = await hall.open(device)
    assert (session.activated, device.activated_at) == (False, None)
    for at in (111, 222):
        entry = Entry()
        hall.sessions.note_data(session, entry, at)
        await commit(hall, entry)
    assert (await hall.row(device)).activated_at == 111
    assert session.device.activated_at == 111
    hall.sessions.end(session)
    again, _ = await hall.open(await hall.row(device))
    assert again.activated


async def test_an_activation_that_was_not_committed_is_tried_with_the_next_message(hall: Hall) -> None:
    device = await hall.add()
    session, _ = await hall.open(device)
    hall.store.error = DOWN
    told: list[object] = []
    entry = Entry(told.append)
    hall.sessions.note_data(session, entry, 111)
    hall.journal.add(entry)
    await hall.journal.settle()
    assert (told, session.activated) == ([DOWN], False)
    hall.store.error = None
    entry = Entry()
    hall.sessions.note_data(session, entry, 222)
    await commit(hall, entry)
    assert (await hall.row(device)).activated_at == 222


async def commit(hall: Hall, entry: Entry) -> None:
    hall.journal.add(entry)
    await hall.journal.settle()
