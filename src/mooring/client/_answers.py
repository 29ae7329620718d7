"""Turns the bytes of an answer into its decoded body, or into the error it stands for.

Failures come as HTTP 200 with a body code, or with an HTTP status of 4xx or 5xx and the same JSON
(contract/openapi-notes.md section 5). Codes 0 and 200 are success.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from mooring.client._hints import hint_for
from mooring.client._reading import scalar
from mooring.client.errors import ApiError, BadAnswer, error_class
from mooring.client.types import SendResult, Token

Body = dict[str, Any]

_SUCCESS = (0, 200)
_EXCERPT = 200  # characters of a strange answer that go into the error
_BLOT = "***"
_WORTH_HIDING = 8  # characters; blotting out a shorter text would only garble messages


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: HTTP status, body, X-Request-Id, the token that the request was sent with, and Retry-After."""

    http_status: int
    content: bytes
    request_id: str | None
    token: Token | None
    retry_after: float | None = None


def decode(answer: Answer, operation: str, secrets: tuple[str, ...]) -> Body:
    """Return the body of a success. Raises `BadAnswer` and `ApiError`, with `secrets` blotted out of them."""
    body = _json_object(answer.content)
    if body is None:
        raise _bad(_why_not_json(answer), answer, operation, secrets)
    code = scalar(int | None, body.get("code"))
    ok_status = answer.http_status < 400
    if code in _SUCCESS and ok_status:
        return body
    if code is None and ok_status:
        raise _bad("the answer has no code", answer, operation, secrets)
    failure = answer.http_status if code is None or code in _SUCCESS else code
    shown = _json_object(_blotted(answer.content, secrets).encode()) or {}
    message = scalar(str | None, shown.get("msg")) or scalar(str | None, shown.get("error")) or ""
    kind = error_class(failure, answer.http_status)
    hint = hint_for(failure, operation)
    raise kind(failure, message, operation, answer.request_id, shown, answer.http_status, hint, answer.retry_after)


def device_error(result: SendResult, operation: str) -> ApiError | None:
    """Return the error that a device's part of an answer stands for; None when the command was accepted."""
    if result.code in _SUCCESS:
        return None
    hint = hint_for(result.code, operation)
    return error_class(result.code)(result.code, result.message or "", operation, body=result.raw, hint=hint)


def _json_object(content: bytes) -> Body | None:
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _why_not_json(answer: Answer) -> str:
    if 300 <= answer.http_status < 400:
        return "the server redirects; give base_url as it is after the redirect"
    return "the answer is not a JSON object"


def _bad(reason: str, answer: Answer, operation: str, secrets: tuple[str, ...]) -> BadAnswer:
    # Blotted before it is cut, so that the cut cannot leave half a secret.
    return BadAnswer(
        reason, operation, answer.http_status, _blotted(answer.content, secrets)[:_EXCERPT], answer.retry_after
    )


def _blotted(content: bytes, secrets: tuple[str, ...]) -> str:
    text = content.decode("utf-8", "replace")
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _WORTH_HIDING:
            text = text.replace(secret, _BLOT)
    return text
