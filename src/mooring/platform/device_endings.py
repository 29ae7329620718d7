"""What ends together with a device that is deleted or reset, told by the services that it belongs to."""

from collections.abc import Sequence
from typing import Protocol

from mooring.store import Write
from mooring.store.queue_messages import MessageRow

from .entities import Device

__all__ = ["Release", "Released"]


class Released(Protocol):
    """What ends with a device: writes for the same transaction, messages that tell of it, entities that changed."""

    @property
    def writes(self) -> Sequence[Write]:
        """Guarded, when they depend on what was read."""

    @property
    def messages(self) -> Sequence[MessageRow]:
        """For queues."""

    @property
    def changed(self) -> Sequence[tuple[str, int]]:
        """Kind and id of each."""


class Release(Protocol):
    """Tells what ends with a device that is reset or deleted."""

    async def __call__(self, device: Device, *, reset: bool) -> Released:
        """Raises StoreUnavailable."""
