"""The newest of everything a device reported: properties, status and module values, position."""

from collections.abc import Mapping

import msgspec

from mooring.store import Store, device_values
from mooring.store import history as statements

from .locations import Location, parse_location

__all__ = ["Latest", "LatestValues", "Newest"]

_ALL_TIME = 2**62


class Newest(msgspec.Struct, frozen=True, array_like=True):
    """A value in pushed form (tsl.md section 10) and when it came, epoch ms."""

    value: object
    at: int


class LatestValues(msgspec.Struct, frozen=True):
    """Properties by feature id, resources by the names of domain-rules.md section 7 as texts, the newest fix.

    `created_at` is when the device first reported anything, `updated_at` when it last did (epoch ms).
    """

    properties: Mapping[int, Newest]
    resources: Mapping[str, Newest]
    location: Location | None
    created_at: int
    updated_at: int


_properties = msgspec.json.Decoder(dict[int, Newest]).decode
_resources = msgspec.json.Decoder(dict[str, Newest]).decode


class Latest:
    """Reads the newest values of one device at a time. Raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, device_id: int) -> LatestValues | None:
        """Everything; None when the device has reported nothing."""
        for row in await self._store.read(device_values.ONE, of_device=device_id):
            return LatestValues(
                _properties(row.properties),
                _resources(row.resources),
                None if row.location is None else parse_location(row.location),
                row.created_at,
                row.updated_at,
            )
        return None

    async def location(self, device_id: int) -> Location | None:
        """The newest fix; of a device that never had one, the newest report without coordinates."""
        values = await self._store.read(device_values.ONE, of_device=device_id)
        if values and values[0].location is not None:
            return parse_location(values[0].location)
        rows = await self._store.read(
            statements.LOCATIONS.page, of_device=device_id, since=0, until=_ALL_TIME, rows=1, skip=0
        )
        return parse_location(rows[0].position) if rows else None
