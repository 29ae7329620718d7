"""What a user's app asks for, one thing after the other: subscriptions and messages, each with its questions to the
platform. Nothing here writes to the connection but through the functions it was given."""

from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from .gateway import Gateway

__all__ = ["MAX_WORK", "Work"]

MAX_WORK = 64  # things asked for and not done; then reading waits

_log = structlog.get_logger()

Job = Callable[[], Awaitable[None]]


class Work:
    """Does jobs in their order. `done` is called after each; a job that fails calls `failed` and ends all."""

    def __init__(self, gateway: Gateway, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._done = done
        self._failed = failed
        self._jobs: deque[Job] = deque()
        self._running = False

    @property
    def has_room(self) -> bool:
        """Whether more may be asked for."""
        return len(self._jobs) < MAX_WORK

    def add(self, job: Job) -> None:
        """Do this after what was asked for before."""
        self._jobs.append(job)
        if not self._running:
            self._running = True
            self._gateway.spawn(self._run())

    def stop(self) -> None:
        """Forget what is not begun."""
        self._jobs.clear()

    async def _run(self) -> None:
        try:
            while self._jobs:
                await self._jobs.popleft()()
                self._done()
        except Exception as error:  # most often a database that does not answer
            _log.warning("an app's request could not be served", error=repr(error))
            self._jobs.clear()
            self._failed("the request could not be served")
        finally:
            self._running = False
