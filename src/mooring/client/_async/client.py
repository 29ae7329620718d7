"""The client for asyncio."""

import asyncio
import copy
import ssl
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from mooring.client import _http
from mooring.client._answers import Answer
from mooring.client._async.commands import AsyncCommands
from mooring.client._async.device import AsyncRemoteDevice
from mooring.client._async.devices import AsyncDevices, AsyncGateways
from mooring.client._async.logs import AsyncLogs
from mooring.client._async.models import AsyncModels
from mooring.client._async.products import AsyncProducts, AsyncThingModels
from mooring.client._async.queues import AsyncQueues, AsyncSubscriptions
from mooring.client._async.raw import AsyncRaw
from mooring.client._async.users import AsyncBindings, AsyncUsers
from mooring.client._base import BaseClient, Options, named_profile
from mooring.client._calls import Call
from mooring.client._core import Attempt, Pause
from mooring.client._observing import Hook
from mooring.client._retries import DEFAULT_RETRIES, Retries
from mooring.client.errors import MooringError
from mooring.client.profiles import Profile, profile_of_environment
from mooring.client.subscription import UNSAID, AsyncDeadLetter, AsyncHandler, AsyncSubscription, amqp_address
from mooring.client.types import Token

T = TypeVar("T")
S = TypeVar("S")


class AsyncClient(BaseClient):
    """Calls a cloud that speaks the SaaS OpenAPI v2; safe to share between tasks of one loop.

    Give `base_url`, or `region` (`eu`, `cn`, `local`); with neither it is the Mooring on this machine. The client logs
    in on the first call, renews the token each hour, and replays a call once after a fresh login when its token was
    refused.

    - `timeout` is in seconds, for connecting and for each wait on the connection; None waits for ever.
    - `retries` says when a call that failed in passing is sent again.
    - `language` (CN or EN) is sent where the platform takes one.
    - `amqp_url` is where queues are consumed; without it the platform is asked.
    - `hooks` are told of each exchange.
    - `transport` replaces the network, and `clock` gives epoch seconds, for tests.

    All calls raise the errors of `mooring.client.errors`. Contract: openapi-notes.md sections 1 to 8.
    """

    products: AsyncProducts
    thing_models: AsyncThingModels
    devices: AsyncDevices
    gateways: AsyncGateways
    commands: AsyncCommands
    logs: AsyncLogs
    queues: AsyncQueues
    subscriptions: AsyncSubscriptions
    users: AsyncUsers
    bindings: AsyncBindings
    raw: AsyncRaw

    def __init__(
        self,
        access_key: str,
        access_secret: str,
        *,
        base_url: str | None = None,
        region: str | None = None,
        amqp_url: str | None = None,
        timeout: float | None = 10.0,
        language: str | None = None,
        retries: Retries = DEFAULT_RETRIES,
        hooks: Sequence[Hook] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            access_key, access_secret, base_url, region, amqp_url, timeout, language, retries, hooks, clock
        )
        self._http = httpx.AsyncClient(
            base_url=self._url, timeout=timeout, transport=transport, headers=_http.HEADERS, limits=_http.LIMITS
        )
        self._lock = asyncio.Lock()
        self._group()
        self._models = AsyncModels(self.thing_models)

    def _group(self) -> None:
        run, language = self._run, self._language
        self.products = AsyncProducts(run, language)
        self.thing_models = AsyncThingModels(run, language)
        self.devices = AsyncDevices(run, language)
        self.gateways = AsyncGateways(run, language)
        self.commands = AsyncCommands(run, language)
        self.logs = AsyncLogs(run, language)
        self.queues = AsyncQueues(run, language)
        self.subscriptions = AsyncSubscriptions(run, language)
        self.users = AsyncUsers(run, language)
        self.bindings = AsyncBindings(run, language)
        self.raw = AsyncRaw(run, language)

    @classmethod
    def from_profile(cls, name: str | None = None, *, path: Path | None = None, **options: Unpack[Options]) -> Self:
        """Return a client for a profile of the file; without a name for the default. Raises `ProfileError`."""
        return cls._of(named_profile(name, path), options)

    @classmethod
    def from_environment(cls, **options: Unpack[Options]) -> Self:
        """Return a client for what the environment says. Raises `ProfileError`.

        That is `MOORING_ACCESS_KEY` and `MOORING_ACCESS_SECRET` with `MOORING_BASE_URL` or `MOORING_REGION` and
        `MOORING_QUEUE_URL`; else the profile that `MOORING_PROFILE` names; else the default profile.
        """
        return cls._of(profile_of_environment(), options)

    @classmethod
    def _of(cls, profile: Profile, options: Options) -> Self:
        return cls(
            profile.access_key,
            profile.secret(),
            base_url=profile.url,
            amqp_url=profile.amqp_url,
            language=profile.language,
            **options,
        )

    def device(self, product_key: str, device_key: str) -> AsyncRemoteDevice:
        """Return one device as an object, to read, write, call and look back; asks nothing of the platform."""
        return AsyncRemoteDevice(
            self.devices, self.commands, self.logs, self._models, product_key, device_key, self._core.clock
        )

    def subscribe(
        self,
        queue: str,
        *,
        amqp_url: str | None = None,
        prefetch: int = 100,
        dead_letter: AsyncDeadLetter | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncSubscription:
        """Return the messages of a queue, named in full (`a.….name`): use it with `async with`, then `async for`.

        `amqp_url` is where to connect, else that of the client; without one the platform is asked for the queue's
        address, and when it does not say, it is the usual port beside the OpenAPI. `prefetch` messages may be out
        unacknowledged. Bodies that are no message go to `dead_letter`. Needs aio-pika: `pip install mooring[amqp]`.
        """
        url = amqp_url or self._amqp_url or (lambda: self._queue_address(queue))
        return AsyncSubscription(
            self._core.credentials, queue, url, prefetch=prefetch, dead_letter=dead_letter, tls=tls
        )

    async def consume(self, queue: str, handler: AsyncHandler, *, prefetch: int = 100) -> None:
        """Call `handler` for each message of a queue, one after the other, for ever.

        A message is acknowledged when the handler returns, and comes again after about a minute when it raises; the
        error is logged. See `subscribe`.
        """
        async with self.subscribe(queue, prefetch=prefetch) as subscription:
            await subscription.consume(handler)

    async def _queue_address(self, queue: str) -> str:
        try:
            rows = self.queues.list(queue_name=queue)
            found = [row async for row in rows if row.queue_name == queue]
            url = (await self.queues.detail(found[0].id)).connect_url if found else None
        except UNSAID:
            url = None
        known = url is not None and url.startswith(("amqp://", "amqps://"))
        return url if url is not None and known else amqp_address(str(self._url))

    def with_options(
        self, *, timeout: float | None = -1, retries: Retries | None = None, language: str | None = None
    ) -> Self:
        """Return a client with other options and the same connections and token, for single calls.

        A `timeout` that is not given stays; None waits for ever. Close only the one it came from.
        """
        other = copy.copy(self)
        if timeout is None or timeout >= 0:
            other._timeout = timeout
        other._retries = retries or self._retries
        other._language = language or self._language
        other._group()
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def login(self) -> Token:
        """Log in now, even when a token is held, and return the new token."""
        return await self._token(self._core.token)

    async def _run(self, call: Call[T], /) -> T:
        return await _drive(self._core.call_flow(call, self._retries), self._step)

    async def _step(self, step: Attempt[Any] | Pause) -> Answer | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        return await self._send(step.call, await self._token(step.rejected))

    async def _token(self, rejected: Token | None) -> Token:
        held = self._core.ready(rejected)
        if held is not None:
            return held
        failures = self._core.failures
        async with self._lock:
            return await _drive(self._core.token_flow(rejected, failures), self._send)

    async def _send(self, call: Call[Any], token: Token | None = None) -> Answer:
        request = _http.request(self._http, call, token, self._timeout)
        begun = self._observer.begin()
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as error:
            failure = _http.failure(error, call.operation)
            self._observer.end(call, begun, failure)
            raise failure from error
        answer = _http.answer(response, token)
        self._observer.end(call, begun, answer)
        return answer


async def _drive(flow: Generator[S, Any, T], send: Callable[[S], Awaitable[Any]]) -> T:
    try:
        step = next(flow)
        while True:
            try:
                answer = await send(step)
            except MooringError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
