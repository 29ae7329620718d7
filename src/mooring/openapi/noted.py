"""What the request log keeps of a call: described later, without secrets (openapi-notes.md sections 1 to 3)."""

import re
import time
from urllib.parse import parse_qsl

import msgspec

from mooring.platform.request_log import Described

from .operation import Call

__all__ = ["MAX_SHOWN", "NotedCall"]

MAX_SHOWN = 2_048
"""Bytes of a posted body that are kept; of a longer one its length is told instead of the rest."""

_SECRETS = frozenset(
    ("password", "refresh_token", "access_token", "token", "secret", "psk", "devicesecret", "bindingcode")
)
_HIDDEN = "***"
_FORM = re.compile(rb"\w+=")
_SUCCESS = 200


class NotedCall:
    """One answered call. `times` are those of `time.perf_counter` when it came and when it was answered."""

    __slots__ = (
        "_address",
        "_answer",
        "_code",
        "_content",
        "_ended",
        "_length",
        "_operation",
        "_query",
        "_request_id",
        "_started",
        "_status",
        "_tickets",
    )

    def __init__(
        self,
        call: Call,
        operation: str,
        request_id: bytes,
        query: bytes,
        code: int,
        status: int,
        answer: bytes,
        times: tuple[float, float],
    ) -> None:
        self._address = call.address
        self._tickets = call.tickets
        self._content = call.content[:MAX_SHOWN]
        self._length = len(call.content)
        self._operation = operation
        self._request_id = request_id
        self._query = query
        self._code = code
        self._status = status
        self._answer = b"" if code == _SUCCESS else answer
        self._started, self._ended = times

    def described(self) -> Described:
        """See `Noted`."""
        return Described(
            request_id=self._request_id.decode(),
            operation=self._operation,
            code=self._code,
            status=self._status,
            address=self._address or "",
            seconds=self._ended - self._started,
            age_s=time.perf_counter() - self._ended,
            request=msgspec.json.encode(self._request()).decode(),
            message=_message(self._answer),
            tickets=self._tickets,
        )

    def _request(self) -> dict[str, object]:
        query = parse_qsl(self._query.decode("latin-1"), keep_blank_values=True, errors="replace")
        shown: dict[str, object] = {"query": _stripped(dict(query))}
        if self._length > MAX_SHOWN:
            shown["body_bytes"] = self._length
        elif self._content:
            shown["body"] = _stripped(_body(self._content))
        return shown


def _body(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if _FORM.match(content):
            return dict(parse_qsl(content.decode("latin-1"), keep_blank_values=True, errors="replace"))
        # What is neither JSON nor a form is not shown: nobody could tell a secret in it.
        return {"bytes": len(content)}


def _stripped(value: object) -> object:
    """The value with secrets replaced, and without what PostgreSQL cannot hold."""
    if isinstance(value, dict):
        return {
            _text(str(name)): _HIDDEN if str(name).lower() in _SECRETS else _stripped(member)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_stripped(entry) for entry in value]
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    return value.replace("\0", "\ufffd")


def _message(answer: bytes) -> str | None:
    if not answer:
        return None
    return str(msgspec.json.decode(answer)["msg"]).replace("\0", "\ufffd")
