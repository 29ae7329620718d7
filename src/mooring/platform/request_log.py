"""The newest calls of each application, for the question why something did not work.

Calls gather in memory and are written every few seconds, never while a call is answered. Of each application no more is
kept in memory or in the database than the limit says, so an application under load costs no more than that: of its
calls between two writes only the newest are written.
"""

import asyncio
from collections import deque
from typing import Protocol

import msgspec

from mooring.store import Rows, Store, Write
from mooring.store import api_activity as statements
from mooring.store.api_activity import RequestRow

from .sources import Clock, Ids

__all__ = ["Described", "LoggedRequest", "Noted", "RequestFilter", "RequestLog"]

_TURN = 50  # calls that are described in one turn of the event loop
_LAST = 2**62


class Described(msgspec.Struct, frozen=True):
    """One call: `request` and `answer` are JSON without secrets, `age_s` how long ago it was answered."""

    request_id: str
    operation: str
    code: int
    status: int
    address: str
    seconds: float
    age_s: float
    request: str
    message: str | None
    tickets: tuple[int, ...]
    answer: str | None = None


class Noted(Protocol):
    """What a door notes of a call; it is described only when it is written."""

    def described(self) -> Described:
        """The call without its secrets."""


class LoggedRequest(msgspec.Struct, frozen=True):
    """One call of an application, as people see it. `code` and `status` are those of the answer, `took_ms` how long it
    took, `tickets` the commands it led to, `at` when it was answered (epoch ms). `answer` is None when none is kept; of
    a long one it has the length, `bytes`, and the `beginning`."""

    id: int
    at: int
    request_id: str
    operation: str
    code: int
    status: int
    address: str
    took_ms: float
    tickets: tuple[str, ...]
    message: str | None
    request: msgspec.Raw
    answer: msgspec.Raw | None


class RequestFilter(msgspec.Struct, frozen=True):
    """Which calls. Times are epoch ms, both included; None and "" mean any."""

    operation: str = ""
    code: int | None = None
    failed: bool = False
    since: int = 0
    until: int = _LAST
    request_id: str = ""
    ticket: int | None = None


class RequestLog:
    """`note` is called for every answer. `kept` calls of an application are kept; 0 keeps none. Doors keep the first
    `answer_bytes` of an answer."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, *, kept: int, answer_bytes: int = 0) -> None:
        self.answer_bytes = answer_bytes
        self._store = store
        self._clock = clock
        self._ids = ids
        self._kept = kept
        self._waiting: dict[int, deque[Noted]] = {}

    @property
    def on(self) -> bool:
        """Whether calls are kept at all."""
        return self._kept > 0

    def note(self, app_id: int, call: Noted) -> None:
        """One answer."""
        waiting = self._waiting.get(app_id)
        if waiting is None:
            waiting = self._waiting[app_id] = deque(maxlen=self._kept)
        waiting.append(call)

    async def flush(self) -> None:
        """Write what gathered. Raises StoreUnavailable: it is lost then, as old calls are anyway."""
        waiting, self._waiting = self._waiting, {}
        for app_id, calls in waiting.items():
            rows: list[tuple[object, ...]] = []
            for number, call in enumerate(calls, 1):
                rows.append(msgspec.structs.astuple(self._row(app_id, call.described())))
                if number % _TURN == 0:
                    await asyncio.sleep(0)
            written: list[Write | Rows] = [statements.ADD_REQUEST.rows(rows)]
            await self._store.write(*written, statements.TRIM_REQUESTS(of_app=app_id, kept=self._kept))

    async def of_app(
        self, app_id: int, chosen: RequestFilter | None = None, *, before_id: int | None = None, rows: int = 100
    ) -> list[LoggedRequest]:
        """At most `rows` calls, newest first, older than `before_id`. Raises StoreUnavailable."""
        await self.flush()
        chosen = chosen or RequestFilter()
        found = await self._store.scan(
            statements.REQUESTS,
            of_app=app_id,
            before_id=_LAST if before_id is None else before_id,
            since=chosen.since,
            until=chosen.until,
            of_operation=chosen.operation,
            of_request=chosen.request_id,
            of_ticket="" if chosen.ticket is None else f"%,{chosen.ticket},%",
            of_code=-1 if chosen.code is None else chosen.code,
            only_failed=int(chosen.failed),
            rows=rows,
        )
        return [_shown(row) for row in found]

    async def forget_before(self, at_ms: int) -> None:
        """Drop calls before `at_ms` (epoch ms). Raises StoreUnavailable."""
        await self._store.write(statements.FORGET_REQUESTS(before=Ids.first_of(at_ms)))

    def _row(self, app_id: int, call: Described) -> RequestRow:
        return RequestRow(
            id=self._ids.next(),
            app_id=app_id,
            request_id=call.request_id,
            operation=call.operation,
            code=call.code,
            status=call.status,
            address=call.address,
            took_us=int(call.seconds * 1e6),
            request=call.request,
            message=call.message,
            tickets=f",{','.join(map(str, call.tickets))}," if call.tickets else None,
            created_at=self._clock.now_ms() - int(call.age_s * 1000),
            answer=call.answer,
        )


def _shown(row: RequestRow) -> LoggedRequest:
    return LoggedRequest(
        id=row.id,
        at=row.created_at,
        request_id=row.request_id,
        operation=row.operation,
        code=row.code,
        status=row.status,
        address=row.address,
        took_ms=row.took_us / 1000,
        tickets=tuple(row.tickets.strip(",").split(",")) if row.tickets else (),
        message=row.message,
        request=msgspec.Raw(row.request.encode()),
        answer=msgspec.Raw(row.answer.encode()) if row.answer is not None else None,
    )
