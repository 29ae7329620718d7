"""Messages of a queue, over AMQP (contract/messages.md sections 6 and 9).

A `AsyncSubscription` is an async iterator of `AsyncDelivery`; each is acknowledged, refused or comes again. It connects
when it is first asked for a message, and again by itself when the connection is lost, each time with a fresh signature,
because one is good for ten minutes, and each time to the address as it is then. aio-pika is imported only here and only
when it is used.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from mooring.client.errors import (
    AuthenticationError,
    BadAnswer,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServiceError,
    TimedOut,
)
from mooring.client.messages import BadMessage, Message, decode

if TYPE_CHECKING:
    import ssl

    from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

__all__ = ["AsyncDelivery", "AsyncSubscription", "amqp_address"]

_log = logging.getLogger("mooring.client")

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_CONNECT_S = 30.0
_HEARTBEAT_S = 45
_ACCESS_REFUSED, _NOT_FOUND, _NOT_ALLOWED = 403, 404, 530
_OPERATION = "subscribe"
_VIRTUAL_HOST = "quec-open"

UNSAID = (BadAnswer, InvalidRequest, NotFound)
"""What a platform that does not tell the address of queues answers; the usual one is worth a try then."""

Address = str | Callable[[], Awaitable[str]]
"""An amqp:// or amqps:// URL, or what finds it."""
Credentials = Callable[[], tuple[str, str]]
"""Gives user name and password, signed now."""
AsyncHandler = Callable[[Message], Awaitable[None]]
AsyncDeadLetter = Callable[[BadMessage], Awaitable[None]]


class AsyncDelivery:
    """One message as it was handed out. Settle it once: `ack` when it is done with, `reject` when it is not. `body` is
    what came, byte for byte."""

    __slots__ = ("_incoming", "body", "message", "redelivered")

    def __init__(self, message: Message, incoming: "AbstractIncomingMessage") -> None:
        self.message = message
        self.body = incoming.body
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
        return f"AsyncDelivery({self.message!r}, redelivered={self.redelivered})"


class AsyncSubscription:
    """The messages of one queue. Use it with `async with`, then `async for`, or hand a handler to `consume`.

    `prefetch` is how many messages may be out unacknowledged. Bodies that are no message go to `dead_letter` and are
    then dropped, so that one of them does not stop the rest; without one they are dropped with a warning in the log.
    When `dead_letter` raises, the body is refused instead and comes again after about a minute.

    A lost connection is made again, after a pause that grows to half a minute. What would only be refused again ends
    the iteration: AuthenticationError (the key or its signature), PermissionDenied, NotFound (the queue).
    """

    def __init__(
        self,
        credentials: Credentials,
        queue: str,
        url: Address,
        *,
        prefetch: int = 100,
        dead_letter: AsyncDeadLetter | None = None,
        tls: "ssl.SSLContext | None" = None,
    ) -> None:
        if prefetch < 1:
            raise ValueError("prefetch must be at least 1")
        self._credentials = credentials
        self._queue = queue
        self._url = url
        self._prefetch = prefetch
        self._dead_letter = dead_letter
        self._tls = tls
        self._connection: AbstractConnection | None = None
        self._closed = asyncio.Event()
        self._iterator: AsyncGenerator[AsyncDelivery, None] | None = None

    def __repr__(self) -> str:
        return f"AsyncSubscription({self._queue!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection and end the iteration; what is unacknowledged goes back to the queue."""
        self._closed.set()
        await self._disconnect()
        iterator, self._iterator = self._iterator, None
        if iterator is not None:
            # When somebody waits for the next message, that ends by itself.
            with suppress(RuntimeError):
                await iterator.aclose()

    def __aiter__(self) -> AsyncIterator[AsyncDelivery]:
        """Return the deliveries; an iteration that was broken off goes on where it was."""
        if self._iterator is None:
            self._iterator = self._deliveries()
        return self._iterator

    async def consume(self, handler: AsyncHandler) -> None:
        """Call `handler` for each message, one after the other, until `aclose`. A message is acknowledged when the
        handler returns, and comes again after about a minute when it raises; the error is logged."""
        async for delivery in self:
            try:
                await handler(delivery.message)
            except Exception:
                _log.exception("handler failed; the message comes again: %r", delivery.message)
                await delivery.reject()
            else:
                await delivery.ack()

    async def _deliveries(self) -> AsyncGenerator[AsyncDelivery, None]:
        pause = _FIRST_PAUSE_S
        try:
            while not self._closed.is_set():
                try:
                    arrived = await self._connect()
                    pause = _FIRST_PAUSE_S
                    while (incoming := await arrived.get()) is not None:
                        message = await self._read(incoming)
                        if message is not None:
                            yield AsyncDelivery(message, incoming)
                except ConnectionFailed as error:
                    _log.warning("%s; trying again in %.1f s", error, pause)
                    with suppress(TimeoutError):
                        spread = pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
                        await asyncio.wait_for(self._closed.wait(), spread)
                    pause = min(2 * pause, _LONGEST_PAUSE_S)
        finally:
            self._iterator = None
            await self._disconnect()

    async def _read(self, incoming: "AbstractIncomingMessage") -> Message | None:
        try:
            return decode(incoming.body)
        except BadMessage as error:
            await self._bury(error, incoming)
            return None

    async def _bury(self, error: BadMessage, incoming: "AbstractIncomingMessage") -> None:
        requeue = False
        if self._dead_letter is None:
            _log.warning("a message was dropped: %s", error)
        else:
            try:
                await self._dead_letter(error)
            except Exception:
                _log.exception("dead_letter failed; the message comes again: %s", error)
                requeue = True
        with suppress(Exception):
            await incoming.reject(requeue=requeue)

    async def _connect(self) -> "asyncio.Queue[AbstractIncomingMessage | None]":
        """Connect and begin to consume; what arrives comes by the queue, None at the end of the connection. Raises
        ConnectionFailed, which is worth another try, and AuthenticationError, PermissionDenied, NotFound, which are
        not."""
        import aio_pika
        from aiormq.exceptions import AMQPError, ChannelClosed

        await self._disconnect()
        arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()

        def over(*_: Any) -> None:
            # What has arrived and was not handed out comes again; to hand it out now would only double it.
            while not arrived.empty():
                arrived.get_nowait()
            arrived.put_nowait(None)

        parts = urlsplit(await self._address())
        host = parts.path.lstrip("/") or _VIRTUAL_HOST
        username, password = self._credentials()
        try:
            self._connection = connection = await aio_pika.connect(
                host=parts.hostname or "127.0.0.1",
                port=parts.port or (5671 if parts.scheme == "amqps" else 5672),
                login=username,
                password=password,
                virtualhost=host,
                ssl=parts.scheme == "amqps",
                ssl_context=self._tls,
                timeout=_CONNECT_S,
                heartbeat=_HEARTBEAT_S,
            )
            connection.close_callbacks.add(over)
            channel = await connection.channel(publisher_confirms=False)
            channel.close_callbacks.add(over)
            # A queue that is deleted or suspended cancels its consumers; asking again says which it was.
            (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(over)
            await channel.set_qos(prefetch_count=self._prefetch)
            queue = await channel.get_queue(self._queue, ensure=False)
            await queue.consume(arrived.put)
        except ChannelClosed as error:
            await self._disconnect()
            raise _refusal(error, self._queue) from None
        except (AMQPError, OSError, TimeoutError, RuntimeError) as error:
            await self._disconnect()
            raise _failure(error, host) from None
        if self._closed.is_set():
            await self._disconnect()
            over()
        return arrived

    async def _address(self) -> str:
        if isinstance(self._url, str):
            return self._url
        try:
            return await self._url()
        except (TimedOut, RateLimited, ServiceError) as error:
            raise ConnectionFailed(str(error)) from error

    async def _disconnect(self) -> None:
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
    text = str(error)
    if text.startswith("NOT_FOUND"):
        return NotFound(_NOT_FOUND, f"queue {queue}: {text}", _OPERATION)
    return PermissionDenied(_ACCESS_REFUSED, f"queue {queue}: {text}", _OPERATION)


def _failure(error: Exception, virtual_host: str) -> Exception:
    text = str(error) or type(error).__name__
    if type(error).__name__ in ("ProbableAuthenticationError", "AuthenticationError") or "ACCESS_REFUSED" in text:
        return AuthenticationError(_ACCESS_REFUSED, text, _OPERATION)
    # aiormq does not say why a connection is closed instead of opened. With the usual virtual host it is a limit.
    if "Connection.Close" in text and virtual_host != _VIRTUAL_HOST:
        return PermissionDenied(_NOT_ALLOWED, f"the virtual host {virtual_host} is refused", _OPERATION)
    return ConnectionFailed(f"{_OPERATION}: {text} ({type(error).__name__})")
