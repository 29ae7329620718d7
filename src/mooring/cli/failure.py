"""What ends a command early, and with which exit code. No traceback is shown for any of these."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mooring.client import MooringError

__all__ = ["EXIT_CODES", "NOT_FOUND", "NOT_LOGGED_IN", "REFUSED", "UNREACHABLE", "Failure", "Finding", "failure_of"]

REFUSED = 1
UNREACHABLE = 3
NOT_LOGGED_IN = 4
NOT_ALLOWED = 5
NOT_FOUND = 6
CONFLICT = 7
TOO_MANY = 8
PLATFORM_FAILED = 9

EXIT_CODES = {
    0: "Done.",
    REFUSED: "Refused or not done: a wrong parameter, a fault found, a command that failed.",
    2: "Wrong usage: an unknown command, option or form of a value.",
    UNREACHABLE: "The server cannot be reached, does not answer in time, or is not one of this kind.",
    NOT_LOGGED_IN: "No login or profile, or the key, its secret or the token is not accepted.",
    NOT_ALLOWED: "The application may not do this: package or product not authorized, foreign address.",
    NOT_FOUND: "No such product, device, queue, path.",
    CONFLICT: "The state of the thing forbids it: offline, running, taken, used up.",
    TOO_MANY: "Too many calls or messages; wait and try again.",
    PLATFORM_FAILED: "The platform failed; the same call may succeed later.",
}
"""What the exit codes of commands mean; `mooring up` and `mooring recover` have more."""


class Finding(NamedTuple):
    """One finding of a thing model check."""

    path: str
    rule: str
    value: str
    message: str


class Failure(Exception):
    """`text` goes to stderr as one line; `answer` is the API's JSON, for --json; `findings` become a table.

    `code` is that of the management API, when the failure comes from there.
    """

    def __init__(
        self,
        text: str,
        exit_code: int = REFUSED,
        *,
        answer: str | None = None,
        findings: Sequence[Finding] = (),
        code: str | None = None,
    ) -> None:
        self.text = text
        self.exit_code = exit_code
        self.answer = answer
        self.findings = tuple(findings)
        self.code = code
        super().__init__(text)


def failure_of(error: "MooringError") -> Failure:
    """The failure that an error of the client means; its class decides the exit code."""
    from mooring import client
    from mooring.client.errors import ProfileError

    codes: tuple[tuple[type[Exception], int], ...] = (
        (client.AuthenticationError, NOT_LOGGED_IN),
        (client.PermissionDenied, NOT_ALLOWED),
        (client.NotFound, NOT_FOUND),
        (client.Conflict, CONFLICT),
        (client.RateLimited, TOO_MANY),
        (client.ServiceError, PLATFORM_FAILED),
        (client.ConnectionFailed, UNREACHABLE),
        (client.TimedOut, UNREACHABLE),
        (client.BadAnswer, UNREACHABLE),
        (ProfileError, NOT_LOGGED_IN),
    )
    code = next((code for kind, code in codes if isinstance(error, kind)), REFUSED)
    body = error.body if isinstance(error, client.ApiError) else None
    answer = None if body is None else json.dumps(body, ensure_ascii=False)
    return Failure(str(error), code, answer=answer)
