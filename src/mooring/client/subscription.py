"""Messages of a queue, over AMQP (contract/messages.md sections 6 and 9).

A `Subscription` is an async iterator of `Delivery`; each is acknowledged, refused or comes again. It connects when it
is first asked for a message, and again by itself when the connection is lost, each time with a fresh signature, because
one is good for ten minutes. aio-pika is imported only here and only when it is used.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from mooring.client.errors import AuthenticationError, ConnectionFailed, NotFound, PermissionDenied
from mooring.client.messages import BadMessage, Message, decode
from mooring.protocol.login import build_username, sign

if TYPE_CHECKING:
    import ssl

    from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

__all__ = ["Delivery", "Subscription", "amqp_address"]

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_CONNECT_S = 30.0
_HEARTBEAT_S = 45
_ACCESS_REFUSED, _NOT_FOUND, _NOT_ALLOWED = 403, 404, 530
_OPERATION = "subscribe"

Handler = Callable[[Message], Awaitable[None]]
DeadLetter = Callable[[BadMessage], Awaitable[None]]


class Delivery:
    """One message as it was handed out. Settle it once: `ack` when it is done with, `reject` when it is not."""

    __slots__ = ("_incoming", "message", "redelivered")

    def __init__(self, message: Message, incoming: "AbstractIncomingMessage") -> None:
        self.message = message
        self.redelivered = bool(incoming.redelivered)
        self._incoming = incoming

    async def ack(self) -> None:
        """It is done with and never comes again. Does nothing when the connection is gone: then it comes again."""
        with suppress(Exception):
            await self._incoming.ack()

    async def reject(self, *, requeue: bool = True) -> None:
        """It is not done with: it comes again after about a minute, or with `requeue` false never."""
        with suppress(Exception):
            await self._incoming.reject(requeue=requeue)

    def __repr__(self) -> str:
        return f"Delivery({self.message!r}, redelivered={self.redelivered})"


class Subscription:
    """The messages of one queue. Use it with `async with`, then `async for`, or hand a handler to `consume`.

    `prefetch` is how many messages may be out unacknowledged. Bodies that are no message go to `dead_letter` and are
    then dropped, so that one of them does not stop the rest; without one they are dropped with a warning in the log.
    """

    def __init__(
        self,
        access_key: str,
        access_secret: str,
        queue: str,
        url: str,
        *,
        prefetch: int = 100,
        dead_letter: DeadLetter | None = None,
        tls: "ssl.SSLContext | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if prefetch < 1:
            raise ValueError("prefetch must be at least 1")
        self._access_key = access_key
        self._access_secret = access_secret
        self._queue = queue
        self._url = url
        self._prefetch = prefetch
        self._dead_letter = dead_letter
        self._tls = tls
        self._clock = clock
        self._connection: AbstractConnection | None = None
        self._arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._closed = False

    def __repr__(self) -> str:
        return f"Subscription({self._queue!r}, url={self._url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection; what is unacknowledged goes back to the queue."""
        self._closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                await connection.close()

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self._deliveries()

    async def consume(self, handler: Handler) -> None:
        """Call `handler` for each message, one after the other, until `aclose`. A message is acknowledged when the
        handler returns, and comes again after about a minute when it raises; the error is logged."""
        async for delivery in self:
            try:
                await handler(delivery.message)
            except Exception:
                _log().exception("handler failed; the message comes again: %r", delivery.message)
                await delivery.reject()
            else:
                await delivery.ack()

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        pause = _FIRST_PAUSE_S
        while not self._closed:
            try:
                await self._connect()
                pause = _FIRST_PAUSE_S
                while (incoming := await self._arrived.get()) is not None:
                    message = await self._read(incoming)
                    if message is not None:
                        yield Delivery(message, incoming)
            except ConnectionFailed as error:
                _log().warning("%s; trying again in %.1f s", error, pause)
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - no secret, only spread
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _read(self, incoming: "AbstractIncomingMessage") -> Message | None:
        try:
            return decode(incoming.body)
        except BadMessage as error:
            if self._dead_letter is not None:
                await self._dead_letter(error)
            else:
                _log().warning("a message was dropped: %s", error)
            with suppress(Exception):
                await incoming.reject(requeue=False)
            return None

    async def _connect(self) -> None:
        """Connect and begin to consume. Raises ConnectionFailed, which is worth another try, and AuthenticationError,
        PermissionDenied, NotFound, which are not."""
        import aio_pika
        from aiormq.exceptions import AMQPError, ChannelClosed

        arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._arrived = arrived
        parts = urlsplit(self._url)
        username = build_username(self._access_key, int(self._clock() * 1000))
        try:
            self._connection = connection = await aio_pika.connect(
                host=parts.hostname or "127.0.0.1",
                port=parts.port or (5671 if parts.scheme == "amqps" else 5672),
                login=username,
                password=sign(username, self._access_secret),
                virtualhost=parts.path.lstrip("/") or "quec-open",
                ssl=parts.scheme == "amqps",
                ssl_context=self._tls,
                timeout=_CONNECT_S,
                heartbeat=_HEARTBEAT_S,
            )
            channel = await connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=self._prefetch)
            queue = await channel.get_queue(self._queue, ensure=False)
            await queue.consume(arrived.put)
        except ChannelClosed as error:
            await self.aclose_connection()
            raise _refusal(error, self._queue) from None
        except (AMQPError, OSError, TimeoutError, RuntimeError) as error:
            await self.aclose_connection()
            raise _failure(error) from None

        def over(*_: Any) -> None:
            arrived.put_nowait(None)

        connection.close_callbacks.add(over)
        channel.close_callbacks.add(over)

    async def aclose_connection(self) -> None:
        """Close the present connection only."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                await connection.close()


def amqp_address(base_url: str) -> str:
    """Where a cloud's queues are when it does not say: beside the OpenAPI, on the usual port."""
    parts = urlsplit(base_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"amqps://{host}:5671/quec-open" if parts.scheme == "https" else f"amqp://{host}:5672/quec-open"


def _refusal(error: Exception, queue: str) -> Exception:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    kind = NotFound if code == _NOT_FOUND else PermissionDenied
    return kind(code or _ACCESS_REFUSED, f"queue {queue}: {text}", _OPERATION)


def _failure(error: Exception) -> Exception:
    text = str(error) or type(error).__name__
    if type(error).__name__ in ("ProbableAuthenticationError", "AuthenticationError") or "ACCESS_REFUSED" in text:
        return AuthenticationError(_ACCESS_REFUSED, text, _OPERATION)
    if str(_NOT_ALLOWED) in text:
        return PermissionDenied(_NOT_ALLOWED, text, _OPERATION)
    return ConnectionFailed(f"{_OPERATION}: {text} ({type(error).__name__})")


def _log() -> Any:
    import logging

    return logging.getLogger("mooring.client")
