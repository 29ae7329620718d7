"""Old rows of the logs are deleted, few at a time, so that no writer has to wait (domain-rules.md section 8)."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from mooring.store import Store, logs

from .sources import Clock, Ids

__all__ = ["CHUNK", "PAUSE_S", "RetentionLimits", "forget_old"]

CHUNK = 1_000  # rows in one transaction
PAUSE_S = 0.05  # between two of them
_DAY_MS = 86_400_000


class RetentionLimits(Protocol):
    """For how many days each log is kept."""

    @property
    def data_days(self) -> int:
        """Messages."""

    @property
    def event_days(self) -> int:
        """Events."""

    @property
    def location_days(self) -> int:
        """Positions."""

    @property
    def exception_days(self) -> int:
        """What could not be taken."""

    @property
    def command_days(self) -> int:
        """Commands that are finished; open ones stay."""


async def forget_old(store: Store, limits: RetentionLimits, clock: Clock) -> None:
    """Delete what is older than its log is kept for. Ids grow with time. Raises StoreUnavailable."""
    days: Mapping[str, int] = {
        "data": limits.data_days,
        "event": limits.event_days,
        "exception": limits.exception_days,
        "location": limits.location_days,
        "command": limits.command_days,
    }
    for log, kept in days.items():
        before = Ids.first_of(clock.now_ms() - kept * _DAY_MS)
        while await store.scan(logs.OLD[log], before=before):
            await store.write(logs.FORGET[log](before=before, rows=CHUNK))
            await asyncio.sleep(PAUSE_S)
