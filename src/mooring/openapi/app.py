"""The ASGI application at /v2: finds the operation, asks for permission, runs it, answers.

The order of checks is that of openapi-notes.md section 4: route (1), token, address, packages (2 to 6, one call of
`platform.access`), then the operation's own (7 to 11). Whatever happens, the answer is JSON with `code` and `msg`.
"""

import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import structlog

from mooring.platform import Invalid, Platform, PlatformError, Reason, Refused
from mooring.store import StoreUnavailable, WriteRefused

from . import answers, enterprise
from .answers import Failure
from .codes import TEXTS
from .metrics import OpenApiMetrics
from .noted import NotedCall
from .operation import Call, Operation
from .operations import OPERATIONS
from .params import LANGUAGES, language_of, parse_form

__all__ = ["MAX_BODY_BYTES", "MAX_QUERY_BYTES", "OpenApi"]

MAX_BODY_BYTES = 1_048_576
MAX_QUERY_BYTES = 16_384

_log = structlog.get_logger()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ClientAddress = Callable[[Scope], str | None]

_MAPPED = {91001: 401, 91004: 401, 91005: 403, 91006: 403, 91007: 403, 70089: 403}
_JSON = (b"content-type", b"application/json")
_FORM = b"application/x-www-form-urlencoded"


class OpenApi:
    """Serves `operations`. With `mapped_status`, refusals also carry HTTP 401 and 403 (README decision 3)."""

    def __init__(
        self,
        platform: Platform,
        *,
        metrics: OpenApiMetrics,
        client_address: ClientAddress,
        language: str = "CN",
        mapped_status: bool = False,
        operations: Iterable[Operation] = OPERATIONS,
    ) -> None:
        self._platform = platform
        self._metrics = metrics
        self._client_address = client_address
        self._language = language
        self._statuses = _MAPPED if mapped_status else {}
        self._request_prefix = secrets.token_hex(4).encode() + b"-"
        self._requests = itertools.count(1)
        self._routes: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            self._routes.setdefault(operation.path, {})[operation.method] = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        started = time.perf_counter()
        methods = self._routes.get(scope["path"])
        operation = methods.get(scope["method"]) if methods is not None else None
        if methods is None or operation is None:
            await self._no_route(scope, send, methods)
            return
        request_id = b"%s%x" % (self._request_prefix, next(self._requests))
        call = Call(self._platform, {}, self._language, self._client_address(scope), None)
        code, status, body = await self._answer(operation, call, scope, receive, request_id)
        headers = [_JSON, (b"content-length", b"%d" % len(body)), (b"x-request-id", request_id)]
        if operation.service is None or operation.no_store:
            headers.append((b"cache-control", b"no-store"))
        if status == 429:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        ended = time.perf_counter()
        self._metrics.observe(operation.id, code, ended - started)
        if call.app_id is not None:
            self._platform.api_statistics.note(call.app_id, operation.id, code, ended - started)
            if self._platform.request_log.on:
                sent = operation.id, request_id, scope["query_string"]
                log = self._platform.request_log
                kept = 0 if operation.service is None or operation.no_store else log.answer_bytes
                log.note(call.app_id, NotedCall(call, sent, (code, status, body), (started, ended), kept))

    async def _answer(
        self, operation: Operation, call: Call, scope: Scope, receive: Receive, request_id: bytes
    ) -> tuple[int, int, bytes]:
        try:
            await self._admit(operation, call, scope, receive)
            return 200, 200, await operation.run(call)
        except Refused as refusal:
            call.app_id = refusal.app_id
            code = (enterprise if _is_enterprise(operation) else answers).refusal_code(refusal.reason)
            if refusal.reason is Reason.NOT_ACTIVATED:
                code = operation.not_activated or code
            detail = " ".join(part for part in (refusal.field, refusal.detail) if part)
            if refusal.reason is Reason.TOO_MANY:
                return code, code, answers.plain(code, detail)
        except Failure as failure:
            code, detail = failure.code, failure.detail
        except PlatformError as refusal:
            code = refusal.wire or (50005 if isinstance(refusal, Invalid) else 0)
            detail = refusal.message
            if code not in TEXTS:
                code, detail = _defect(operation, request_id)
        except StoreUnavailable as error:
            _log.warning("database did not answer", operation=operation.id, error=str(error))
            code, detail = 70000, ""
        except WriteRefused as error:
            code, detail = 70000, f"{error.guard} was changed by somebody else meanwhile; try again"
        except _TooLarge as error:
            return 413, 413, answers.plain(413, str(error))
        except _Gone:
            return 499, 499, b""
        except Exception:
            code, detail = _defect(operation, request_id)
        body = _renderer(operation)(code, language_of(scope["query_string"], self._language), detail)
        return code, self._statuses.get(code, 200), body

    async def _admit(self, operation: Operation, call: Call, scope: Scope, receive: Receive) -> None:
        """Fill the call in as far as it is allowed. Raises Refused, Failure."""
        query: bytes = scope["query_string"]
        if len(query) > MAX_QUERY_BYTES:
            raise _TooLarge(f"the query has {len(query)} bytes, the limit is {MAX_QUERY_BYTES}")
        content_type, token = b"", None
        for name, value in scope["headers"]:
            if name == b"authorization":
                token = value.decode("latin-1")
            elif name == b"content-type":
                content_type = value
        if operation.method == "POST":
            call.content = await _read(receive)
        if operation.service is not None:
            call.caller = self._platform.access.admit(token, call.address, operation.service)
            call.app_id = call.caller.id
        params = parse_form(query)
        if call.content and content_type.startswith(_FORM):
            params = {**parse_form(call.content), **params}
        if b"%00" in query and any("\0" in value for value in params.values()):
            raise Failure(50005, "a parameter holds a NUL character")  # PostgreSQL cannot even be asked for it
        call.params = params
        language = params.get("language")
        if language in LANGUAGES:
            call.language = language

    async def _no_route(self, scope: Scope, send: Send, methods: dict[str, Operation] | None) -> None:
        headers = [_JSON]
        if methods is None:
            status, body = 404, answers.plain(404, f"no such path: {scope['path'][:200]}")
        else:
            allowed = ", ".join(sorted(methods))
            status, body = 405, answers.plain(405, f"{scope['method']} is not allowed here; use {allowed}")
            headers.append((b"allow", allowed.encode()))
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._metrics.count("unknown", status)


def _is_enterprise(operation: Operation) -> bool:
    return operation.service in enterprise.SERVICES


def _renderer(operation: Operation) -> Callable[[int, str, str], bytes]:
    """What makes the envelope of a failure."""
    if operation.service is None:
        return answers.token_failure
    return enterprise.failure if _is_enterprise(operation) else answers.failure


def _defect(operation: Operation, request_id: bytes) -> tuple[int, str]:
    """Code and detail for what nobody foresaw; the log says what it was."""
    shown = request_id.decode()
    _log.exception("operation failed", operation=operation.id, request_id=shown)
    return 50000, f"request {shown}"


class _TooLarge(Exception):
    """The request is larger than the limit its text names."""


class _Gone(Exception):
    """The caller hung up before the request was whole; nothing of it is carried out."""


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY_BYTES:
            raise _TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes")
        if not message.get("more_body", False):
            return body
