"""Between the values of the core and httpx; shared by the sync and the async client."""

import logging
from typing import Any

import httpx

from mooring.client._answers import Answer
from mooring.client._calls import Call
from mooring.client.errors import BadAnswer, ConnectionFailed, MooringError, TimedOut
from mooring.client.types import Token

_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

# One client serves many calls at once; how many may wait for each other is for the caller to say.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)

HEADERS = {"Accept": "application/json", "User-Agent": "mooring-python"}


def checked_base_url(base_url: str) -> httpx.URL:
    """Return the address to put before all paths. Raises `ValueError` when it is not http or https."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url is not an address: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("base_url must begin with http:// or https:// and name a host")
    return url


def request(
    http: httpx.Client | httpx.AsyncClient, call: Call[Any], token: Token | None, timeout: float | None
) -> httpx.Request:
    """Return the request of a call, signed with `token` when there is one; `timeout` is in seconds."""
    headers: dict[str, str] = {}
    if call.content is not None:
        headers["Content-Type"] = "application/json"
    if token is not None:
        headers["Authorization"] = token.value
    # An empty list would cut off a query that a raw path brings along.
    params = call.params or None
    try:
        return http.build_request(
            call.method, call.path, params=params, content=call.content, headers=headers, timeout=timeout
        )
    except httpx.InvalidURL as error:
        raise ValueError(f"the path cannot be sent: {error}") from None


def answer(response: httpx.Response, token: Token | None) -> Answer:
    """Return a response as the core wants it."""
    headers = response.headers
    seconds = headers.get("Retry-After", "")
    retry_after = float(seconds) if seconds.isascii() and seconds.isdecimal() else None
    return Answer(response.status_code, response.content, headers.get("X-Request-Id"), token, retry_after)


def failure(error: httpx.HTTPError, operation: str) -> MooringError:
    """Return our error for one of httpx. Its text has neither the address nor the headers of the request."""
    name = type(error).__name__
    sent = not isinstance(error, _NOTHING_SENT)
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{operation}: no answer in time ({name})", operation, sent)
    if isinstance(error, httpx.TransportError):
        return ConnectionFailed(f"{operation}: {error} ({name})", operation, sent)
    return BadAnswer(str(error), operation, None)


class _HideLoginQueries(logging.Filter):
    """Cuts the query off the addresses of login and renewal, which httpx logs at INFO with token and all."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(arg) for arg in record.args)
        return True


def _without_query(arg: object) -> object:
    if isinstance(arg, httpx.URL) and "/accessKeyAuthrize/" in arg.path:
        return arg.copy_with(query=None)
    return arg


_hide_login_queries = _HideLoginQueries()


def keep_secrets_out_of_the_log() -> None:
    """Install the filter on the logger of httpx; doing it again changes nothing."""
    logging.getLogger("httpx").addFilter(_hide_login_queries)
