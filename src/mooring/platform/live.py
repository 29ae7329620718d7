"""What devices do, for those who look on while it happens: end users' apps.

A device that nobody watches costs one look-up for each uplink. Watchers are told at once and must return at once.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from .entities import Device
from .locations import Location
from .session import Session

__all__ = ["Live", "Watcher"]

_log = structlog.get_logger()


class Watcher(Protocol):
    """Hears of the devices that it watches."""

    def on_values(self, device: Device, values: Mapping[str, object], /) -> None:
        """The device reported properties: pushed values by code."""

    def on_location(self, device: Device, location: Location, /) -> None:
        """The device reported a position with coordinates."""

    def on_online(self, device: Device, online: bool, /) -> None:
        """The device came or went."""


class Live:
    """Who watches which device, in this process."""

    def __init__(self) -> None:
        self._watchers: dict[int, dict[Watcher, None]] = {}

    def __contains__(self, device_id: int) -> bool:
        return device_id in self._watchers

    def watch(self, device_id: int, watcher: Watcher) -> None:
        """Tell of this device from now on."""
        self._watchers.setdefault(device_id, {})[watcher] = None

    def unwatch(self, device_id: int, watcher: Watcher) -> None:
        """Tell no more."""
        watchers = self._watchers.get(device_id)
        if watchers is not None:
            watchers.pop(watcher, None)
            if not watchers:
                del self._watchers[device_id]

    def values(self, device: Device, values: Mapping[str, object]) -> None:
        """A device reported properties."""
        for watcher in self._of(device.id):
            _tell(watcher.on_values, device, values)

    def location(self, device: Device, location: Location) -> None:
        """A device reported a position with coordinates."""
        for watcher in self._of(device.id):
            _tell(watcher.on_location, device, location)

    def opened(self, session: Session) -> None:
        """A device came online."""
        for watcher in self._of(session.device.id):
            _tell(watcher.on_online, session.device, True)

    def closed(self, session: Session) -> None:
        """A device went offline."""
        for watcher in self._of(session.device.id):
            _tell(watcher.on_online, session.device, False)

    def _of(self, device_id: int) -> tuple[Watcher, ...]:
        return tuple(self._watchers.get(device_id, ()))


def _tell(hear: Callable[..., None], *told: object) -> None:
    try:
        hear(*told)
    except Exception:
        _log.exception("a watcher of devices failed")
