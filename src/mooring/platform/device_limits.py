"""How much a device may send and be sent: commands a second (61007), messages a day (61006). Both are off by default.

domain-rules.md section 8: messages are counted in units of 512 bytes, sent ones only; above the day's allowance
everything is refused until midnight, which is that of UTC here. Counts are in memory; what was added is written every
few seconds, so that they outlive the process and several processes see about the same.
"""

from mooring.store import Store
from mooring.store import api_activity as statements

from .buckets import Buckets
from .sources import Clock

__all__ = ["UNIT_BYTES", "DeviceLimits"]

UNIT_BYTES = 512

_DAY_MS = 86_400_000
_QUOTA, _TOO_OFTEN = 61006, 61007


class DeviceLimits:
    """Asked before a command is accepted and before an uplink is processed. None means without limit."""

    def __init__(
        self, store: Store, clock: Clock, *, commands_per_s: float | None = None, messages_per_day: int | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._commands_per_s = commands_per_s
        self._commands = None if commands_per_s is None else Buckets(commands_per_s, clock)
        self._per_day = messages_per_day
        self._day = 0
        self._used: dict[int, int] = {}
        self._unwritten: dict[int, int] = {}

    def refusal(self, device_id: int) -> tuple[int, str] | None:
        """Why the device may not have a command now, as code and text; None when it may, and that counts."""
        if self._per_day is not None and self.used(device_id) >= self._per_day:
            return _QUOTA, f"{self._per_day} messages a day are the limit of a device"
        if self._commands is not None and self._commands.take(device_id):
            return _TOO_OFTEN, f"{self._commands_per_s:g} commands a second are the limit of a device"
        return None

    def take(self, device_id: int, size: int) -> bool:
        """Count a message of `size` bytes; False when the allowance of the day is used up already."""
        if self._per_day is None:
            return True
        if self.used(device_id) >= self._per_day:
            return False
        self.count(device_id, size)
        return True

    def count(self, device_id: int, size: int) -> None:
        """Count a message of `size` bytes that was sent."""
        if self._per_day is None:
            return
        units = max(1, -(-size // UNIT_BYTES))
        self._used[device_id] = self.used(device_id) + units
        self._unwritten[device_id] = self._unwritten.get(device_id, 0) + units

    def used(self, device_id: int) -> int:
        """Units of today."""
        day = self._clock.now_ms() // _DAY_MS
        if day != self._day:
            self._day = day
            self._used.clear()
            self._unwritten.clear()  # a few seconds of yesterday, which nobody asks for any more
        return self._used.get(device_id, 0)

    async def load(self) -> None:
        """At start: what was counted today. Raises StoreUnavailable."""
        if self._per_day is None:
            return
        self._day = self._clock.now_ms() // _DAY_MS
        rows = await self._store.scan(statements.USAGE, on_day=self._day)
        self._used = {row.device_id: row.units + self._unwritten.get(row.device_id, 0) for row in rows}

    async def flush(self) -> None:
        """Write what was added, and see what other processes added. Raises StoreUnavailable: it is kept then."""
        if self._per_day is None:
            return
        written, self._unwritten = self._unwritten, {}
        day = self._day
        if written:
            rows = [(device_id, day, units) for device_id, units in sorted(written.items())]
            try:
                await self._store.write(statements.COUNT_MESSAGES.rows(rows), statements.FORGET_USAGE(before=day))
            except Exception:
                if self._day == day:
                    for device_id, units in written.items():
                        self._unwritten[device_id] = self._unwritten.get(device_id, 0) + units
                raise
        if self._store.shared:
            await self.load()
