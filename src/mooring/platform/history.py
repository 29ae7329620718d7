"""What devices said, were told and went through: pages of their logs, newest first (domain-rules.md section 6).

Every method gives the page's rows and the exact number of rows in the range. `since` and `until` are epoch ms, both
included, and apply to the time of the row's creation. Calls of services are in `Commands.of_device`.
"""

from typing import Any

from mooring.store import Store
from mooring.store import history as statements
from mooring.store.logs import DataRow, EventRow, ExceptionRow

from .locations import Location, parse_location

__all__ = ["DataRow", "EventRow", "ExceptionRow", "History"]

_ALL_TIME = 2**62


class History:
    """Reads the logs of one device at a time; it need not exist any more. Raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def data(
        self,
        device_id: int,
        *,
        since: int = 0,
        until: int = _ALL_TIME,
        direction: int | None = None,
        status: int | None = None,
        number: int = 1,
        size: int = 10,
    ) -> tuple[list[DataRow], int]:
        """Messages; `direction` 1 up, 2 down; `status` 0 waiting, 1 sent, -1 failed; None for all."""
        if direction is None and status is None:
            return await self._page(statements.DATA, device_id, since, until, number, size)
        filters = {
            "of_direction": statements.ANY if direction is None else direction,
            "of_status": statements.ANY if status is None else status,
        }
        return await self._page(statements.DATA_FILTERED, device_id, since, until, number, size, **filters)

    async def events(
        self,
        device_id: int,
        *,
        since: int = 0,
        until: int = _ALL_TIME,
        event_type: int | None = None,
        number: int = 1,
        size: int = 10,
    ) -> tuple[list[EventRow], int]:
        """Events of the device and of its connection; `event_type` as in `EventRow`, None for all."""
        if event_type is None:
            return await self._page(statements.EVENTS, device_id, since, until, number, size)
        return await self._page(statements.EVENTS_FILTERED, device_id, since, until, number, size, of_type=event_type)

    async def exceptions(
        self, device_id: int, *, since: int = 0, until: int = _ALL_TIME, number: int = 1, size: int = 10
    ) -> tuple[list[ExceptionRow], int]:
        """What of the device's messages could not be taken."""
        return await self._page(statements.EXCEPTIONS, device_id, since, until, number, size)

    async def locations(
        self, device_id: int, *, since: int = 0, until: int = _ALL_TIME, number: int = 1, size: int = 10
    ) -> tuple[list[Location], int]:
        """Positions, and what the device saw that could tell one."""
        rows, total = await self._page(statements.LOCATIONS, device_id, since, until, number, size)
        return [parse_location(row.position) for row in rows], total

    async def _page(
        self, pages: statements.Pages, device_id: int, since: int, until: int, number: int, size: int, **filters: int
    ) -> tuple[list[Any], int]:
        wanted = {"of_device": device_id, "since": since, "until": until, **filters}
        skip = (number - 1) * size
        rows = await self._store.scan(pages.page, **wanted, rows=size, skip=skip)
        if len(rows) < size and (rows or skip == 0):
            return rows, skip + len(rows)
        [count] = await self._store.scan(pages.count, **wanted)
        return rows, max(count.rows, len(rows))
