"""What happens to devices, on its way to disk: gathered while one commit runs, written together by the next.

Doors and services give `Entry` values; each is told once that it is committed, or why not. One transaction takes
everything that has gathered, so that the cost of a disk sync is shared, and an entry is never half in the log.
`backlog` is what has been given and is not committed: doors stop taking more above `HIGH_WATER`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog

from mooring.store import Change, Rows, Store, StoreError, StoreUnavailable, Write, device_values, logs, queue_messages
from mooring.store.queue_messages import MessageRow

from .outbox import Outbox

__all__ = ["HIGH_WATER", "Entry", "Journal"]

_log = structlog.get_logger()

HIGH_WATER = 20_000  # entries that wait for a commit before doors stop reading from devices
LOW_WATER = HIGH_WATER // 2
BATCH = 2_000  # entries in one transaction

_Report = tuple[Mapping[Any, object], int]
Done = Callable[[StoreError | None], None]
_encode = msgspec.json.Encoder().encode


class _Newest:
    """What came of one device in one batch: reports by kind, each with the time of its message."""

    __slots__ = ("at", "location", "properties", "resources")

    def __init__(self) -> None:
        self.at = 0
        self.properties: list[_Report] = []
        self.resources: list[_Report] = []
        self.location: str | None = None

    def row(self, device_id: int) -> tuple[object, ...]:
        return device_id, _json(self.properties), _json(self.resources), self.location, self.at, self.at


def _add(reports: list[_Report], values: Mapping[Any, object], at_ms: int) -> None:
    # Devices report the same properties again and again: then only the last message of the batch counts.
    if reports and reports[-1][0].keys() <= values.keys():
        reports[-1] = values, at_ms
    else:
        reports.append((values, at_ms))


def _json(reports: list[_Report]) -> str:
    """Newest values by name, each with the time of its message."""
    if not reports:
        return "{}"
    return _encode({name: (value, at_ms) for values, at_ms in reports for name, value in values.items()}).decode()


class Entry:
    """One happening: rows of logs, writes, newest values of a device, messages of queues; `done` hears the outcome."""

    __slots__ = ("data", "done", "location", "messages", "properties", "resources", "rows", "writes")

    def __init__(self, done: Done | None = None) -> None:
        self.done = done
        # Most entries have one row of the data log and one report: what is not there costs nothing.
        self.data: tuple[Any, ...] | None = None  # the row of the data log, if this is a message
        self.messages: tuple[MessageRow, ...] = ()
        self.rows: tuple[tuple[Change, tuple[Any, ...]], ...] = ()
        self.writes: tuple[Write, ...] = ()
        self.properties: tuple[int, Mapping[int, object], int] | None = None
        self.resources: tuple[int, Mapping[str, object], int] | None = None
        self.location: tuple[int, str, int] | None = None

    def add(self, change: Change, row: tuple[Any, ...]) -> None:
        """A row of a log, with the columns in the table's order."""
        self.rows += ((change, row),)

    def write(self, write: Write) -> None:
        """Any other change; those of a batch run in order, after the rows."""
        self.writes += (write,)

    def push(self, message: MessageRow) -> None:
        """A message for one queue."""
        self.messages += (message,)

    def set_properties(self, device_id: int, values: Mapping[int, object], at_ms: int) -> None:
        """Newest values by feature id; once."""
        self.properties = device_id, values, at_ms

    def set_resources(self, device_id: int, values: Mapping[str, object], at_ms: int) -> None:
        """Newest status and module values by name; once."""
        self.resources = device_id, values, at_ms

    def set_location(self, device_id: int, position: str, at_ms: int) -> None:
        """Newest position as JSON; once."""
        self.location = device_id, position, at_ms


class Journal:
    """Commits entries in the order they were given. `on_room` callbacks run when a full backlog has drained."""

    def __init__(self, store: Store, outbox: Outbox | None = None) -> None:
        self._store = store
        self._outbox = outbox or Outbox()
        self._pending: list[Entry] = []
        self._committing = 0
        self._task: asyncio.Task[None] | None = None
        self._waiting_for_room: list[Callable[[], None]] = []
        self._failing = False

    @property
    def backlog(self) -> int:
        """Entries that are given and not committed."""
        return len(self._pending) + self._committing

    @property
    def has_room(self) -> bool:
        """Whether doors may take more."""
        return len(self._pending) + self._committing < HIGH_WATER

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call once the backlog has drained; at once when it has room."""
        if self.has_room:
            callback()
        else:
            self._waiting_for_room.append(callback)

    def add(self, entry: Entry) -> None:
        """Commit with the next batch; returns at once."""
        self._pending.append(entry)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def commit(self, entry: Entry) -> None:
        """Add, and wait for the outcome. Raises StoreError. The `done` of the entry is taken."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: StoreError | None) -> None:
            if outcome.done():
                return
            if error is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(error)

        entry.done = done
        self.add(entry)
        await outcome

    async def commit_alone(self, entry: Entry) -> None:
        """Commit in a transaction of its own, for what may be refused and is no fault then. Raises StoreError."""
        await self._store.write(*_gather([entry]))
        if entry.messages:
            self._outbox.committed(entry.messages)

    async def settle(self) -> None:
        """Wait until everything given so far is committed or refused."""
        while self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(self._task)

    async def _run(self) -> None:
        try:
            while self._pending:
                # One turn of the loop: whatever the same wake-up of the sockets brings belongs to this batch.
                await asyncio.sleep(0)
                batch, self._pending = self._pending[:BATCH], self._pending[BATCH:]
                self._committing = len(batch)
                await self._commit(batch)
                self._committing = 0
                self._tell_room()
        finally:
            self._task = None

    async def _commit(self, batch: list[Entry]) -> None:
        error = await self._try(batch)
        if error is None or isinstance(error, StoreUnavailable) or len(batch) == 1:
            _tell(batch, error)
            return
        # A value of one entry fits no column, or its write was refused: the others must not suffer for it.
        for entry in batch:
            _tell([entry], await self._try([entry]))

    async def _try(self, batch: list[Entry]) -> StoreError | None:
        try:
            await self._store.write(*_gather(batch))
        except StoreError as error:
            if not self._failing:
                _log.error("journal cannot commit", error=str(error), entries=len(batch))
            self._failing = isinstance(error, StoreUnavailable)
            return error
        if self._failing:
            _log.info("journal commits again")
            self._failing = False
        messages = [message for entry in batch for message in entry.messages]
        if messages:
            self._outbox.committed(messages)
        return None

    def _tell_room(self) -> None:
        if self._waiting_for_room and self.backlog < LOW_WATER:
            waiting, self._waiting_for_room = self._waiting_for_room, []
            for callback in waiting:
                callback()


def _tell(batch: list[Entry], error: StoreError | None) -> None:
    for entry in batch:
        done = entry.done
        if done is not None:
            try:
                done(error)
            except Exception:
                _log.exception("listener of the journal failed")


def _gather(batch: list[Entry]) -> list[Write | Rows]:
    data: list[tuple[Any, ...]] = []
    rows: dict[Change, list[tuple[Any, ...]]] = {}
    writes: list[Write | Rows] = []
    devices: dict[int, _Newest] = {}

    def newest(device_id: int, at_ms: int) -> _Newest:
        found = devices.get(device_id)
        if found is None:
            found = devices[device_id] = _Newest()
        if at_ms > found.at:
            found.at = at_ms
        return found

    for entry in batch:
        if entry.data is not None:
            data.append(entry.data)
        if entry.properties is not None:
            device_id, values, at_ms = entry.properties
            _add(newest(device_id, at_ms).properties, values, at_ms)
        if entry.resources is not None:
            device_id, named, at_ms = entry.resources
            _add(newest(device_id, at_ms).resources, named, at_ms)
        if entry.location is not None:
            device_id, position, at_ms = entry.location
            newest(device_id, at_ms).location = position
        for change, row in entry.rows:
            rows.setdefault(change, []).append(row)
        if entry.messages:
            rows.setdefault(queue_messages.ADD, []).extend(map(msgspec.structs.astuple, entry.messages))
        if entry.writes:
            writes += entry.writes
    gathered: list[Write | Rows] = [change.rows(group) for change, group in rows.items()]
    if data:
        gathered.append(logs.ADD_DATA.rows(data))
    if devices:
        merged = [found.row(device_id) for device_id, found in devices.items()]
        gathered.append(device_values.MERGE.rows(merged))
    return gathered + writes
