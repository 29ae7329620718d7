"""Messages of a queue for code without an event loop: a `AsyncSubscription` that runs on a thread of its own.

The thread keeps the connection alive while the caller works on a message, however long that takes.
"""

import asyncio
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from mooring.client._amqp import AsyncDeadLetter, AsyncDelivery, AsyncSubscription, Credentials
from mooring.client.messages import BadMessage, Message

__all__ = ["DeadLetter", "Delivery", "Handler", "Subscription"]

T = TypeVar("T")

_log = logging.getLogger("mooring.client")
Handler = Callable[[Message], None]
DeadLetter = Callable[[BadMessage], None]
Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Delivery:
    """One message as it was handed out. Settle it once: `ack` when it is done with, `reject` when it is not. `body` is
    what came, byte for byte."""

    __slots__ = ("_delivery", "_run", "body", "message", "redelivered")

    def __init__(self, delivery: AsyncDelivery, run: Run) -> None:
        self.message = delivery.message
        self.body = delivery.body
        self.redelivered = delivery.redelivered
        self._delivery = delivery
        self._run = run

    def ack(self) -> None:
        """It is done with and never comes again. Does nothing when the connection is gone: then it comes again."""
        self._run(self._delivery.ack())

    def reject(self, *, requeue: bool = True) -> None:
        """It is not done with: it comes again after about a minute, or with `requeue` false never."""
        self._run(self._delivery.reject(requeue=requeue))

    def __repr__(self) -> str:
        return f"Delivery({self.message!r}, redelivered={self.redelivered})"


class Subscription(Iterator[Delivery]):
    """The messages of one queue. Use it with `with`, then `for`; one thread at a time asks for the next message, any
    may settle them, and any may `close`, which ends the iteration. See `AsyncSubscription` for reconnecting and
    errors."""

    def __init__(
        self,
        credentials: Credentials,
        queue: str,
        url: str | Callable[[], str],
        *,
        prefetch: int = 100,
        dead_letter: DeadLetter | None = None,
        tls: "ssl.SSLContext | None" = None,
    ) -> None:
        self._queue = queue

        def address() -> Awaitable[str]:
            return asyncio.to_thread(url if callable(url) else lambda: url)

        self._subscription = AsyncSubscription(
            credentials,
            queue,
            address,
            prefetch=prefetch,
            dead_letter=None if dead_letter is None else _burying(dead_letter),
            tls=tls,
        )
        self._living: _Living | None = None
        self._lock = threading.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"Subscription({self._queue!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and end the iteration; what is unacknowledged goes back to the queue."""
        with self._lock:
            self._closed = True
            living, self._living = self._living, None
        if living is not None:
            living.end()

    def __iter__(self) -> Iterator[Delivery]:
        return self

    def __next__(self) -> Delivery:
        try:
            delivery = self._run(_following(self._subscription))
        except _ClosedError:
            raise StopIteration from None
        if delivery is None:
            raise StopIteration
        return Delivery(delivery, self._settle)

    def consume(self, handler: Handler) -> None:
        """Call `handler` for each message, one after the other, until `close`. A message is acknowledged when the
        handler returns, and comes again after about a minute when it raises; the error is logged."""
        for delivery in self:
            try:
                handler(delivery.message)
            except Exception:
                _log.exception("handler failed; the message comes again: %r", delivery.message)
                delivery.reject()
            else:
                delivery.ack()

    def _settle(self, work: Coroutine[Any, Any, None]) -> None:
        with suppress(_ClosedError):
            self._run(work)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._closed:
                work.close()
                raise _ClosedError
            if self._living is None:
                self._living = _Living(self._subscription)
            outcome = asyncio.run_coroutine_threadsafe(work, self._living.loop)
        try:
            return outcome.result()
        except CancelledError:
            raise _ClosedError from None


def _burying(dead_letter: DeadLetter) -> AsyncDeadLetter:
    async def bury(error: BadMessage) -> None:
        await asyncio.to_thread(dead_letter, error)

    return bury


class _Living:
    """The thread with the event loop that a subscription lives in."""

    def __init__(self, subscription: AsyncSubscription) -> None:
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

        async def live() -> None:
            over = asyncio.Event()
            started.set_result((asyncio.get_running_loop(), over))
            await over.wait()
            await subscription.aclose()

        self._thread = threading.Thread(target=asyncio.run, args=(live(),), name="mooring-subscription", daemon=True)
        self._thread.start()
        self.loop, self._over = started.result()

    def end(self) -> None:
        """Close the subscription, and then the loop and its thread."""
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join()


class _ClosedError(Exception):
    """Somebody has closed the subscription."""


async def _following(subscription: AsyncSubscription) -> AsyncDelivery | None:
    return await anext(aiter(subscription), None)
