"""What the request log keeps of a call: described later, without secrets (openapi-notes.md sections 1 to 3).

Answers are JSON of this program, cut when they are long: secrets in them are found by the names before them.
"""

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
_ENDINGS = ("secret", "Secret", "token", "Token", "password", "Password", "psk", "Psk", "bindingCode", "BindingCode")
_SECRET = re.compile(rf'((?:{"|".join(_ENDINGS)})":)"(?:[^"\\]|\\.)*"?')
_SUCCESS = 200


class NotedCall:
    """One answered call. `times` are those of `time.perf_counter` when it came and when it was answered."""

    __slots__ = ("_answer", "_answered", "_call", "_posted", "_sent", "_times")

    def __init__(
        self,
        call: Call,
        sent: tuple[str, bytes, bytes],
        answered: tuple[int, int, bytes],
        times: tuple[float, float],
        answer_bytes: int,
    ) -> None:
        """`sent` is the operation, the request id and the query, `answered` code, status and body, of which the first
        `answer_bytes` are shown."""
        code, status, body = answered
        self._call = call
        self._sent = sent
        # Many of them are kept; those of failures, which are short, also say why.
        self._answer = body if code != _SUCCESS or len(body) <= answer_bytes else body[:answer_bytes]
        self._answered = code, status, len(body), answer_bytes
        self._times = times
        self._posted = len(call.content)
        if self._posted > MAX_SHOWN:
            call.content = b""  # many of them are kept

    def described(self) -> Described:
        """See `Noted`."""
        operation, request_id, _ = self._sent
        code, status, *_ = self._answered
        started, ended = self._times
        return Described(
            request_id=request_id.decode(),
            operation=operation,
            code=code,
            status=status,
            address=self._call.address or "",
            seconds=ended - started,
            age_s=time.perf_counter() - ended,
            request=msgspec.json.encode(self._request()).decode(),
            message=_message(self._answer) if code != _SUCCESS else None,
            tickets=self._call.tickets,
            answer=self._shown_answer(),
        )

    def _shown_answer(self) -> str | None:
        """JSON: the answer, or its length and how it begins."""
        *_, size, shown_bytes = self._answered
        begins = self._answer[:shown_bytes]
        if not begins:
            return None
        text = begins.decode(errors="replace")
        if any(ending in text for ending in _ENDINGS):  # which is much faster than the search itself
            text = _SECRET.sub(rf'\1"{_HIDDEN}"', text)
        if len(begins) == size:
            return text
        return msgspec.json.encode({"bytes": size, "beginning": text}).decode()

    def _request(self) -> dict[str, object]:
        query = parse_qsl(self._sent[2].decode("latin-1"), keep_blank_values=True, errors="replace")
        shown: dict[str, object] = {"query": _stripped(dict(query))}
        if self._posted > MAX_SHOWN:
            shown["body_bytes"] = self._posted
        elif self._posted:
            shown["body"] = _stripped(_body(self._call.content))
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
