"""The client for code without an event loop."""

import threading
import time
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx

from mooring.client import _http, _operations
from mooring.client._answers import Answer, Body
from mooring.client._core import Attempt, Call, Core
from mooring.client._operations import Value
from mooring.client._paging import PageList
from mooring.client._types import Product, ThingModel, Token
from mooring.client.errors import MooringError

T = TypeVar("T")
S = TypeVar("S")


class Run(Protocol):
    """Carries out a call."""

    def __call__(self, call: Call[T], /) -> T: ...


class Products:
    """Products that the application is authorized for."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def list(self, *, product_key: str | None = None, page_size: int = 100) -> PageList[Product]:
        """Return the products, newest first; nothing is sent before `for` or `.page()`.

        `product_key` narrows the list to that product; `page_size` is rows per request, 1 to 1000.
        """
        size = _operations.check_page_size(page_size)
        return PageList(lambda number: self._run(_operations.product_page(product_key, number, size)))

    def detail(self, product_key: str) -> Product:
        """Return one product. Raises `NotFound` or `PermissionDenied` when it is unknown or foreign."""
        return self._run(_operations.product_detail(product_key))


class ThingModels:
    """Released thing models."""

    def __init__(self, run: Run, language: str | None) -> None:
        self._run = run
        self._language = language

    def export(
        self, product_key: str | None = None, *, product_id: int | None = None, language: str | None = None
    ) -> ThingModel:
        """Return the released model of a product, named by key or by id; the id wins.

        `language` (CN or EN) chooses the names of features where a translation exists.
        Raises `Conflict` when the product is transparent or its model was never released.
        """
        return self._run(_operations.thing_model(product_key, product_id, language or self._language))


class Raw:
    """Any path of the API, with login and error handling but without types."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def get(self, path: str, params: Mapping[str, Value] | None = None) -> Body:
        """Send GET and return the decoded body of a success; a parameter that is None is left out."""
        return self._run(_operations.raw("GET", path, params))

    def post(self, path: str, *, json: Any = None, params: Mapping[str, Value] | None = None) -> Body:
        """Send POST and return the decoded body of a success. `json` None sends no body."""
        return self._run(_operations.raw("POST", path, params, json))


class Client:
    """Calls a cloud that speaks the SaaS OpenAPI v2; safe to share between threads.

    Logs in on the first call, renews the token each hour, and replays a call once after a fresh login when
    its token was refused. `timeout` is in seconds, for connecting and for each wait on the connection; None
    waits for ever. `language` (CN or EN) is sent where the platform takes one. `transport` replaces the
    network, for tests. `clock` gives epoch seconds.

    All calls raise the errors of `mooring.client.errors`. Contract: openapi-notes.md sections 1 to 8.
    """

    products: Products
    thing_models: ThingModels
    raw: Raw

    def __init__(
        self,
        access_key: str,
        access_secret: str,
        *,
        base_url: str = "http://127.0.0.1:8080",
        timeout: float | None = 10.0,
        language: str | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._core = Core(access_key, access_secret, clock)
        self._url = _http.checked_base_url(base_url)
        self._http = httpx.Client(base_url=self._url, timeout=timeout, transport=transport, headers=_http.HEADERS)
        self._lock = threading.Lock()
        _http.keep_secrets_out_of_the_log()
        self.products = Products(self._run)
        self.thing_models = ThingModels(self._run, language)
        self.raw = Raw(self._run)

    def __repr__(self) -> str:
        return f"Client({self._core.access_key!r}, base_url={self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def login(self) -> Token:
        """Log in now, even when a token is held, and return the new token."""
        return self._token(self._core.token)

    def _run(self, call: Call[T], /) -> T:
        return _drive(self._core.call_flow(call), self._attempt)

    def _attempt(self, attempt: Attempt[T]) -> Answer:
        return self._send(attempt.call, self._token(attempt.rejected))

    def _token(self, rejected: Token | None) -> Token:
        held = self._core.ready(rejected)
        if held is not None:
            return held
        failures = self._core.failures
        with self._lock:
            return _drive(self._core.token_flow(rejected, failures), self._send)

    def _send(self, call: Call[Any], token: Token | None = None) -> Answer:
        try:
            response = self._http.send(_http.request(self._http, call, token))
        except httpx.HTTPError as error:
            raise _http.failure(error, call.operation) from error
        return _http.answer(response, token)


def _drive(flow: Generator[S, Answer, T], send: Callable[[S], Answer]) -> T:
    try:
        step = next(flow)
        while True:
            try:
                answer = send(step)
            except MooringError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
