"""Orders of events: each task begins after a number of turns of the event loop that a seed chooses.

Nothing here measures time. A database that is quicker or slower makes another order, and each must be right.
"""

import asyncio
import random
from collections.abc import Awaitable, Sequence
from typing import TypeVar

__all__ = ["at_once"]

_T = TypeVar("_T")
_TURNS = 40


async def at_once(seed: int, *work: Awaitable[_T], turns: int = _TURNS) -> Sequence[_T | BaseException]:
    """Everything together, begun by chance within so many turns of the loop; results or errors, in the order given."""
    chance = random.Random(seed)

    async def later(one: Awaitable[_T], after: int) -> _T:
        for _ in range(after):
            await asyncio.sleep(0)
        return await one

    starts = [chance.randrange(turns) for _ in work]
    return await asyncio.gather(
        *(later(one, after) for one, after in zip(work, starts, strict=True)), return_exceptions=True
    )
