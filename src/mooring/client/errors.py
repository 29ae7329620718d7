"""The errors of the client.

MooringError
├── ProfileError             the profile or the environment does not say which cloud and which key
├── BadValue                 a value that the thing model does not allow; nothing has been sent
├── CommandFailed            a device did not do what it was told
├── ConnectionFailed         no answer: refused, unreachable, broken off
├── TimedOut                 no answer in time; the call may still have been carried out
├── BadAnswer                an answer that is not this API: HTML, a redirect, a missing member
└── ApiError                 the platform refused; carries code, message, operation, request id and body
    ├── AuthenticationError  the key, its secret or the token is not accepted
    ├── PermissionDenied     the application may not do this, or not from here
    ├── InvalidRequest       a parameter is missing or wrong
    ├── NotFound             no such product, device, queue, user, path
    ├── Conflict             the state or kind of the thing forbids it: offline, running, taken, used up
    ├── RateLimited          too many requests or messages; wait and try again
    └── ServiceError         the platform failed; the same call may succeed later

Codes and their kinds: contract/errors.yaml. No error holds an AccessSecret, a signature or a token.
"""

from collections.abc import Mapping
from typing import Any

__all__ = [
    "ApiError",
    "AuthenticationError",
    "BadAnswer",
    "BadValue",
    "CommandFailed",
    "Conflict",
    "ConnectionFailed",
    "InvalidRequest",
    "MooringError",
    "NotFound",
    "PermissionDenied",
    "ProfileError",
    "RateLimited",
    "ServiceError",
    "TimedOut",
    "error_class",
]

# Rows 2 and 3 of the order of checks: no token, or one that is not accepted. Nothing has been done yet.
_TOKEN_CODES = frozenset({401, 5032, 5106, 91001, 91004})


class MooringError(Exception):
    """Base of all errors of this client."""


class ProfileError(MooringError):
    """A profile, or the file of profiles, is missing or wrong; nothing has been sent."""


class BadValue(MooringError, ValueError):
    """A value that the thing model does not allow; nothing has been sent.

    `code` is the published code that the platform would answer, `path` says where (`tariff[2].price`), `reason` what is
    wrong.
    """

    def __init__(self, code: int, path: str, reason: str) -> None:
        super().__init__(code, path, reason)
        self.code = code
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class CommandFailed(MooringError):
    """The platform gave a command up: the device did not confirm it in time, or it waited too long for the device.

    `ticket` is that of the command.
    """

    def __init__(self, reason: str, ticket: str) -> None:
        super().__init__(reason, ticket)
        self.reason = reason
        self.ticket = ticket

    def __str__(self) -> str:
        return f"command {self.ticket}: {self.reason}"


class _Unanswered(MooringError):
    """No answer: `operation` names the call, `sent` is False when nothing of it can have reached the platform."""

    def __init__(self, message: str, operation: str = "", sent: bool = True) -> None:
        super().__init__(message, operation, sent)
        self.message = message
        self.operation = operation
        self.sent = sent

    def __str__(self) -> str:
        return self.message


class ConnectionFailed(_Unanswered):
    """The server could not be reached, or the connection broke before the whole answer came.

    `operation` names the call; `sent` is False when nothing of it can have reached the platform.
    """


class TimedOut(_Unanswered):
    """No answer came in time. The platform may still have carried the call out, unless `sent` is False.

    `operation` names the call.
    """


class BadAnswer(MooringError):
    """An answer came, but it is not one of this API; usually `base_url` points to something else.

    `operation` names the call, `http_status` is the status of the answer (None when it could not even be
    decompressed), `reason` says what is wrong and `excerpt` holds the first characters of the answer, secrets
    blotted out. `retry_after` is how many seconds the server asks to wait, None when it does not say.
    """

    def __init__(
        self,
        reason: str,
        operation: str,
        http_status: int | None,
        excerpt: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, operation, http_status, excerpt, retry_after)
        self.reason = reason
        self.operation = operation
        self.http_status = http_status
        self.excerpt = excerpt
        self.retry_after = retry_after

    def __str__(self) -> str:
        status = "" if self.http_status is None else f" (HTTP {self.http_status})"
        shown = f": {self.excerpt!r}" if self.excerpt else ""
        return f"{self.operation}: {self.reason}{status}{shown}"


class ApiError(MooringError):
    """The platform answered with a failure code.

    `code` is the body code (the HTTP status when the body has none), `message` the platform's text,
    `operation` the call as named in the contract, `request_id` the answer's X-Request-Id if any, `body` the
    decoded answer with secrets blotted out, `hint` what to do about it, when that is known, `retry_after` how many
    seconds the platform asks to wait, when it says so.
    """

    def __init__(
        self,
        code: int,
        message: str,
        operation: str,
        request_id: str | None = None,
        body: Mapping[str, Any] | None = None,
        http_status: int = 200,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message, operation, request_id, body, http_status, hint, retry_after)
        self.code = code
        self.message = message
        self.operation = operation
        self.request_id = request_id
        self.body = body
        self.http_status = http_status
        self.hint = hint
        self.retry_after = retry_after

    def __str__(self) -> str:
        where = f"code {self.code}, HTTP {self.http_status}"
        if self.request_id:
            where += f", request {self.request_id}"
        text = f"{self.operation}: {self.message or 'refused without a message'} ({where})"
        return f"{text}. {self.hint}" if self.hint else text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @property
    def refuses_token(self) -> bool:
        """Whether the token, and nothing else about the call, was refused."""
        return self.code in _TOKEN_CODES or self.http_status == 401


class AuthenticationError(ApiError):
    """The AccessKey, its secret or the token is not accepted."""


class PermissionDenied(ApiError):
    """The application may not do this: not authorized, not activated, or called from a foreign address."""


class InvalidRequest(ApiError):
    """A parameter is missing or wrong; the same call will fail again."""


class NotFound(ApiError):
    """What the call names does not exist."""


class Conflict(ApiError):
    """The state or kind of the thing forbids it: offline, running, taken, used up, not of this kind."""


class RateLimited(ApiError):
    """Too many requests or messages; wait and try again."""


class ServiceError(ApiError):
    """The platform or something behind it failed; the same call may succeed later."""


_CODES: dict[type[ApiError], tuple[int, ...]] = {
    AuthenticationError: (401, 403, 5032, 5036, 5106, 5144, 90047, 91001, 91004),
    PermissionDenied: (5041, 5327, 16024, 70060, 70089, 91005, 91006, 91007),
    InvalidRequest: (
        *(400, 405, 413, 414, 415, 422, 5023, 5055, 5065, 5066, 5067, 5112, 5179, 5213, 5462, 5487, 5488),
        *(50004, 50005, 50006, 50007, 70090, 70091, 70092, 70093, 70094, 71008, 71027, 71028, 71029),
        *(71035, 71036, 71038, 71039, 71047, 71048),
    ),
    NotFound: (404, 5015, 5033, 5370, 5493, 16002, 16011, 70017, 70028, 70130, 71006, 71010),
    Conflict: (
        *(409, 5460, 5461, 16001, 16007, 16008, 16018, 16019, 16020, 16021, 16022, 61001, 61002, 61005),
        *(61016, 70020, 70026, 70027, 70029, 70062, 70063, 70083, 70097, 71009, 80005),
    ),
    RateLimited: (429, 61006, 61007),
    ServiceError: (408, 16004, 50000, 70000, 70051, 70095, 70096),
}
_CLASS_OF = {code: kind for kind, codes in _CODES.items() for code in codes}


def error_class(code: int, http_status: int = 200) -> type[ApiError]:
    """Return the class for a body code; an unknown code falls back to the HTTP status, then to `ApiError`."""
    for number in (code, http_status):
        if number in _CLASS_OF:
            return _CLASS_OF[number]
        if 500 <= number < 600:
            return ServiceError
    return ApiError
