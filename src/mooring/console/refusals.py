"""Why the console does not do what it was asked: an HTTP status and a text for people."""

import traceback
import uuid

import structlog

from mooring.platform import Conflict, Denied, Invalid, LimitReached, Missing, PlatformError
from mooring.store import StoreUnavailable, UniqueViolation, WriteRefused

__all__ = ["Refusal", "refusal_of"]

_log = structlog.get_logger()

_STATUS: dict[type[PlatformError], int] = {Missing: 404, Conflict: 409, LimitReached: 409, Invalid: 422, Denied: 403}


class Refusal(Exception):
    """An answer that refuses; `field` is the name of the field at fault."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        self.status = status
        self.message = message
        self.field = field
        super().__init__(message)


def refusal_of(error: Exception, route: str) -> Refusal:
    """The answer to any exception. What nobody expected is logged under a number, without any text of the request."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PlatformError):
        status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 409)
        return Refusal(status, error.message, error.field)
    if isinstance(error, StoreUnavailable):
        return Refusal(503, "the database does not answer; try again")
    if isinstance(error, WriteRefused):
        return Refusal(409, f"{error.guard} was changed by someone else meanwhile; look again")
    if isinstance(error, UniqueViolation):
        return Refusal(409, f"{', '.join(error.columns)} must be unique, and this value is taken")
    number = uuid.uuid4().hex
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    _log.error("unexpected error in the console", request_id=number, route=route, error=kind, frames=frames)
    return Refusal(500, f"unexpected error; the server's log has it under request id {number}")
