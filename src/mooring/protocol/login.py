"""Signed login of the SaaS OpenAPI and of AMQP: the `username` text and its signature.

Implements section 1 of contract/openapi-notes.md. The username is `key=value` pairs joined by "&" in any
order; the password is the hex SHA-256 of that text followed by the AccessSecret. The signature covers the
text exactly as received: never rebuild it from a parsed `LoginRequest` before `verify`.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

MAX_USERNAME = 1024  # characters; an honest one has about 120, the rest is room for future fields
WINDOW_MS = 600_000  # a login timestamp may be 10 minutes off, either way

_FIXED = {"ver": "1", "auth_mode": "accessKey", "sign_method": "sha256"}
_ACCESS_KEY = re.compile(r"[A-Za-z0-9]{1,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,16}")
_KNOWN = (*_FIXED, "access_key", "timestamp")
_DIGEST_LENGTH = hashlib.sha256().digest_size * 2


class LoginFieldError(ValueError):
    """The username text is malformed; `field` names the part, `reason` says what is wrong with it.

    Neither repeats the text that was received. `field` is "username" when no single field is at fault.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """Who asks for a token, and when (epoch milliseconds, by the clock of the caller)."""

    access_key: str
    timestamp_ms: int


def build_username(access_key: str, timestamp_ms: int) -> str:
    """Return the username text, not percent-encoded."""
    return f"ver=1&auth_mode=accessKey&sign_method=sha256&access_key={access_key}&timestamp={timestamp_ms}"


def sign(username: str, access_secret: str) -> str:
    """Return the password for a username text: 64 lower-case hex digits."""
    # Lone surrogates can reach this point from a query string; they must not become an exception.
    return hashlib.sha256((username + access_secret).encode("utf-8", "surrogatepass")).hexdigest()


def verify(username: str, access_secret: str, password: str) -> bool:
    """Say whether `password` signs `username` as received, in constant time and any letter case."""
    if len(password) != _DIGEST_LENGTH or not password.isascii():
        return False
    return hmac.compare_digest(sign(username, access_secret), password.lower())


def in_window(timestamp_ms: int, now_ms: int, window_ms: int = WINDOW_MS) -> bool:
    """Say whether a login timestamp is at most `window_ms` away from now, both ends included."""
    return abs(now_ms - timestamp_ms) <= window_ms


def parse_username(text: str) -> LoginRequest:
    """Read a username text that the query layer has percent-decoded once.

    Fields come in any order; unknown ones are ignored, so that newer clients keep working.

    Raises `LoginFieldError` naming the field that is missing, repeated or out of its form.
    """
    if len(text) > MAX_USERNAME:
        raise LoginFieldError("username", f"is longer than {MAX_USERNAME} characters")
    fields = _split(text)
    for name in _KNOWN:
        if name not in fields:
            raise LoginFieldError(name, "is missing")
    for name, only in _FIXED.items():
        if fields[name] != only:
            raise LoginFieldError(name, f"is not {only}")
    if not _ACCESS_KEY.fullmatch(fields["access_key"]):
        raise LoginFieldError("access_key", "is not 1 to 64 letters and digits")
    if not _TIMESTAMP.fullmatch(fields["timestamp"]):
        raise LoginFieldError("timestamp", "is not 1 to 16 digits")
    return LoginRequest(fields["access_key"], int(fields["timestamp"]))


def _split(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not equals:
            raise LoginFieldError("username", "has a part without =")
        if name not in _KNOWN:
            continue
        if name in fields:
            raise LoginFieldError(name, "is given more than once")
        fields[name] = value
    return fields
