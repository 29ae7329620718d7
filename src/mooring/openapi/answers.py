"""Envelopes and failures (openapi-notes.md sections 5 and 6).

Null members of an envelope are left out; nulls inside `data` are kept. A failure raised anywhere in an operation
becomes `{code, msg}` in the language of the call.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from mooring.platform import Reason

from .codes import TEXTS

__all__ = [
    "Failure",
    "SendRow",
    "action",
    "done",
    "export",
    "failure",
    "page",
    "plain",
    "refusal_code",
    "sent",
    "text",
    "token",
    "token_failure",
]

_encode = msgspec.json.Encoder().encode

_CODES = {
    Reason.NO_TOKEN: 91001,
    Reason.BAD_TOKEN: 91004,
    Reason.ADDRESS: 91006,
    Reason.NOT_ACTIVATED: 91007,
    Reason.NOT_ENABLED: 91007,
    Reason.NOT_AUTHORIZED: 91005,
    Reason.UNKNOWN_KEY: 90047,
    Reason.WRONG_PASSWORD: 401,
    Reason.KEY_DISABLED: 403,
    Reason.BAD_LOGIN: 50005,
    Reason.UNAVAILABLE: 70000,
    Reason.TOO_MANY: 429,
}


class Failure(Exception):
    """An operation answers `code`; `detail` names what was wrong with the request."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code} {detail}")


class SendRow(msgspec.Struct):
    """SendResult: what became of one device of a send operation; `message` is None on success."""

    code: int
    productKey: str
    deviceKey: str
    ticket: str | None
    message: str | None


class _Action(msgspec.Struct):
    code: int
    msg: str
    data: object = msgspec.UNSET


class _Page(msgspec.Struct):
    code: int
    msg: str
    data: object
    pageNum: int
    pageSize: int
    pages: int
    total: int


class _Token(msgspec.Struct):
    msg: str
    access_token: str
    code: int
    scope: str
    token_type: str
    expires_in: int


class _TokenError(msgspec.Struct):
    msg: str
    code: int
    error: str


_DONE = _encode(_Action(200, ""))


def action(data: object, msg: str = "") -> bytes:
    """ActionResult of a success."""
    return _encode(_Action(200, msg, data))


def done() -> bytes:
    """ActionResult of a success that has nothing to tell."""
    return _DONE


def export(document: bytes) -> bytes:
    """ActionResult around a document that is JSON already; `msg` is "OK" here."""
    return b'{"code":200,"msg":"OK","data":' + document + b"}"


def page(rows: object, number: int, size: int, total: int) -> bytes:
    """PagedResult: the counters stand beside `data`."""
    return _encode(_Page(200, "", rows, number, size, -(-total // size), total))


def sent(rows: Sequence[SendRow]) -> bytes:
    """ActionResult of a send operation: faults stand in the rows, and the first also in `msg` when all failed."""
    all_failed = all(row.code != 200 for row in rows)
    return action(rows, (rows[0].message or "") if all_failed and rows else "")


def token(encoded: str, expires_in: int, msg: str) -> bytes:
    """TokenResult: flat, `expires_in` in seconds; an empty scope means all."""
    return _encode(_Token(msg, encoded, 200, "", "jwt", expires_in))


def failure(code: int, language: str, detail: str = "") -> bytes:
    """ActionResult of a failure, in CN or EN."""
    return _encode(_Action(code, text(code, language, detail))) if detail else _plain_failure(code, language)


def token_failure(code: int, language: str, detail: str = "") -> bytes:
    """TokenError: `error` repeats `msg`."""
    shown = text(code, language, detail)
    return _encode(_TokenError(shown, code, shown))


def plain(code: int, msg: str) -> bytes:
    """`{code, msg}` of a transport condition, such as an unknown route."""
    return _encode(_Action(code, msg))


def text(code: int, language: str, detail: str = "") -> str:
    """What a code means, in CN or EN, with what was wrong this time."""
    english, chinese = TEXTS[code]
    if language == "EN":
        return f"{english}: {detail}" if detail else english
    return f"{chinese}：{detail}" if detail else chinese


def refusal_code(reason: Reason) -> int:
    """The number that the product, device, storage and subscription families have for a refusal."""
    return _CODES[reason]


@lru_cache(maxsize=512)
def _plain_failure(code: int, language: str) -> bytes:
    return _encode(_Action(code, text(code, language)))
