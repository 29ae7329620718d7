"""Numbers for names that people see, counted up: of users (`C100001`) and of user domains (`C.DM.1.1`)."""

import asyncio
from collections.abc import Awaitable, Callable

from mooring.store import Store, Write, WriteRefused
from mooring.store import sequences as statements

from .errors import Conflict

__all__ = ["Numbers"]

_TAKEN = "the next number"
_ATTEMPTS = 20


class Numbers:
    """One sequence that never gives a number twice, beginning with `first`."""

    def __init__(self, store: Store, name: str, *, first: int) -> None:
        self._store = store
        self._name = name
        self._first = first
        self._turn = asyncio.Lock()  # within this process; between processes there is a guard

    async def take(self, chosen: int | None, use: Callable[[int, Write], Awaitable[None]]) -> int:
        """The next number, or the one that somebody chose. `use` commits what gets it, together with a write that takes
        it; it is called again when another process was faster. Raises what `use` raises, and Conflict."""
        async with self._turn:
            for _ in range(_ATTEMPTS):
                number, write = await self._next() if chosen is None else (chosen, self._reach(chosen))
                try:
                    await use(number, write)
                except WriteRefused as error:
                    if error.guard != _TAKEN:
                        raise
                    continue
                return number
        raise Conflict("busy", "others take numbers faster than this could be done; try again")

    async def _next(self) -> tuple[int, Write]:
        found = await self._store.read(statements.LAST, of_sequence=self._name)
        seen = found[0].last if found else self._first - 1
        take = statements.TAKE(of_sequence=self._name, number=seen + 1, seen_last=seen)
        return seen + 1, take.must(_TAKEN)

    def _reach(self, number: int) -> Write:
        return statements.REACH(of_sequence=self._name, number=max(number, self._first - 1))
