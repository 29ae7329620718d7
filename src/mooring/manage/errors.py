"""What the management API answers when it refuses: `{"error": {"code", "message", "field"?, "wire_code"?, "detail"?}}`.

The platform's refusals keep their code; `wire_code` is the number that the SaaS OpenAPI has for the same refusal. What
nobody expected is logged under a request id, without any text from the request: not even the exception's own message.
"""

import traceback
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from mooring.platform import Conflict, Denied, Invalid, LimitReached, Missing, PlatformError
from mooring.store import StoreUnavailable, UniqueViolation, WriteRefused

__all__ = ["ErrorAnswer", "ErrorDetail", "Refusal", "refusal_of"]

_log = structlog.get_logger()

_STATUS: Mapping[type[PlatformError], int] = {Missing: 404, Conflict: 409, LimitReached: 409, Invalid: 422, Denied: 403}
_STATUS_OF_CODE = {"wrong_credentials": 401, "member_disabled": 401, "code_required": 401, "locked": 429}


class ErrorDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """One refusal: `code` is for programs and stable, `message` for people, `field` names the member at fault."""

    code: str
    message: str
    field: str | None = None
    wire_code: int | None = None
    detail: Any = None


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class Refusal(Exception):
    """An HTTP answer that refuses."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        wire_code: int | None = None,
        detail: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.body = ErrorAnswer(ErrorDetail(code, message, field, wire_code, detail))
        self.headers = dict(headers or {})
        super().__init__(code)


def refusal_of(error: Exception, *, method: str, route: str) -> Refusal:
    """The answer to any exception; `route` is the path template, for the log."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PlatformError):
        return _of_platform(error)
    if isinstance(error, StoreUnavailable):
        _log.warning("database did not answer", method=method, route=route)
        return Refusal(503, "unavailable", "the database does not answer; try again", headers={"Retry-After": "1"})
    if isinstance(error, WriteRefused):
        return Refusal(409, "changed_meanwhile", f"{error.guard} was changed by someone else meanwhile; look again")
    if isinstance(error, UniqueViolation):
        return Refusal(409, "taken", f"{', '.join(error.columns)} must be unique, and this value is taken")
    return _unexpected(error, method, route)


def _of_platform(error: PlatformError) -> Refusal:
    status = _STATUS_OF_CODE.get(error.code) or next(
        (status for kind, status in _STATUS.items() if isinstance(error, kind)), 409
    )
    return Refusal(
        status,
        error.code,
        error.message,
        field=error.field,
        wire_code=error.wire,
        detail=error.detail,
        headers=_headers(status, error),
    )


def _headers(status: int, error: PlatformError) -> dict[str, str] | None:
    if status == 429 and isinstance(error.detail, dict):
        return {"Retry-After": str(error.detail["retry_after_s"])}
    return {"WWW-Authenticate": "Bearer"} if status == 401 else None


def _unexpected(error: Exception, method: str, route: str) -> Refusal:
    request_id = uuid.uuid4().hex
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error(
        "unexpected error in the management API",
        request_id=request_id,
        method=method,
        route=route,
        error=f"{type(error).__module__}.{type(error).__qualname__}",
        frames=frames,
    )
    return Refusal(
        500,
        "internal",
        f"unexpected error; the server's log has it under request id {request_id}",
        detail={"request_id": request_id},
    )
