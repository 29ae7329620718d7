"""Pages of devices, and how many there are (openapi-notes.md section 8).

Counting a large product takes long, and a list is asked for far more often than it changes. So the number of all
devices of a product is remembered: on a database of this process's own until the process changes it, on a shared one
for a second, which is how long other processes' changes may take to be seen anyway.
"""

import asyncio

import msgspec

from mooring.store import Store
from mooring.store import device_list as statements

from . import loading
from .device_input import DeviceFilter, filter_params
from .entities import Device, Product
from .sources import Clock

__all__ = ["DeviceLists"]

_SEEN_WITHIN_S = 1.0
_NEAR = 200  # rows that are read on the event loop; those of later pages, or with filters, may take long to find
_ALL = DeviceFilter()


class _Total(msgspec.Struct, frozen=True):
    devices: int
    counted_at: float


class DeviceLists:
    """Reads; whoever adds or deletes devices says so with `forget`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._totals: dict[int, _Total] = {}
        self._counting: dict[int, asyncio.Task[int]] = {}

    async def some(
        self, scope: Product | int, chosen: DeviceFilter, *, skip: int, rows: int
    ) -> tuple[list[Device], int]:
        """At most `rows` devices of a product or of a whole account (its id) after the first `skip`, newest first, and
        how many there are in all. Raises StoreUnavailable."""
        params = filter_params(chosen)
        if not isinstance(scope, Product):
            return await self._scanned(statements.ACCOUNT_PAGE, statements.ACCOUNT_COUNT, params, scope, skip, rows)
        if chosen.device_key:
            found = await self._store.read(statements.OF_KEY, of_product=scope.id, **params)
            return [loading.device(row) for row in found[skip : skip + rows]], len(found)
        if chosen != _ALL or skip + rows > _NEAR:
            return await self._scanned(statements.PAGE, statements.COUNT, params, scope, skip, rows)
        total = await self._total(scope.id)
        page = await self._store.read(statements.PAGE, of_product=scope.id, **params, rows=rows, skip=skip)
        return [loading.device(row) for row in page], total

    def forget(self, product_id: int) -> None:
        """Devices were added or deleted."""
        self._totals.pop(product_id, None)
        self._counting.pop(product_id, None)

    async def _scanned(
        self,
        page: statements.DevicePage,
        count: statements.DeviceCount,
        params: dict[str, object],
        scope: Product | int,
        skip: int,
        rows: int,
    ) -> tuple[list[Device], int]:
        if isinstance(scope, Product):
            params["of_product"] = scope.id
        else:
            params["of_account"] = scope
        [total] = await self._store.scan(count, **params)
        found = await self._store.scan(page, **params, rows=rows, skip=skip) if total.rows > skip else []
        return [loading.device(row) for row in found], total.rows

    async def _total(self, product_id: int) -> int:
        known = self._totals.get(product_id)
        if known is not None and (
            not self._store.shared or self._clock.monotonic() - known.counted_at < _SEEN_WITHIN_S
        ):
            return known.devices
        counting = self._counting.get(product_id)
        if counting is None:
            counting = asyncio.get_running_loop().create_task(self._count(product_id))
            self._counting[product_id] = counting
        return await asyncio.shield(counting)

    async def _count(self, product_id: int) -> int:
        began, own = self._clock.monotonic(), asyncio.current_task()
        try:
            [found] = await self._store.scan(statements.LIVE, of_product=product_id)
            if self._counting.get(product_id) is own:  # else it has changed meanwhile
                self._totals[product_id] = _Total(found.rows, began)
            return found.rows
        finally:
            if self._counting.get(product_id) is own:
                del self._counting[product_id]
