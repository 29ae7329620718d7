"""One endpoint as a value, and the reading of its request.

A request is one struct. Endpoints that change something take it from the JSON body; GET and DELETE take it from the
query. Members that the struct does not have are refused, so that a misspelt one is not silently ignored. What is no
JSON, a CSV file or a stream of events, is bytes; the endpoint says of which media type.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from starlette.requests import Request

from mooring.platform import Actor, Platform, Role, Secret
from mooring.platform.accounts import Identity

from .errors import Refusal

__all__ = [
    "BODY_LIMIT",
    "CSV",
    "EVENT_STREAM",
    "JSON",
    "Access",
    "AnyEndpoint",
    "Call",
    "Document",
    "Endpoint",
    "Nothing",
    "Page",
    "encode",
    "read_request",
]

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of a request body; a thing model with 500 features has about a quarter of it."""

JSON, CSV, EVENT_STREAM = "application/json", "text/csv", "text/event-stream"
"""Media types."""

_BODY_METHODS = ("POST", "PUT", "PATCH")
_MAX_ID_DIGITS = 16
_CLIPPED = 100
_NAMED_MEMBER = re.compile(r"(?:unknown|required) field `([^`]{1,64})`")
_AT_PATH = re.compile(r" - at `\$\.?([^`]*)`$")

_RequestT = TypeVar("_RequestT")
_AnswerT = TypeVar("_AnswerT")

Document = dict[str, Any]
"""A thing model document as JSON."""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request without members, or an answer without a body."""


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a list: at most `limit` items after the first `offset`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0


class Access(Enum):
    """Who may call an endpoint."""

    PUBLIC = "anyone"
    ONE_TIME = "administrators, those with a one-time password too"
    ADMINISTRATOR = "administrators"


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint knows of its caller: `address` is an IP address or `unknown`, `path` the path's parameters."""

    platform: Platform
    address: str
    caller: Identity | None
    path: Mapping[str, str]

    @property
    def identity(self) -> Identity:
        """Who calls; every endpoint that is not public has one."""
        if self.caller is None:
            raise RuntimeError("a public endpoint asked for its caller")
        return self.caller

    @property
    def account_id(self) -> int:
        """The caller's account."""
        return self.identity.account.id

    @property
    def actor(self) -> Actor:
        """The caller, as the audit log names them."""
        return Actor(self.account_id, self.identity.administrator.email, self.address)

    def number(self, name: str) -> int:
        """A path parameter that is an id. Raises Refusal: what is not a number names nothing."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS):
            raise Refusal(404, "not_found", f"{name} must be a number")
        return int(text)


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[_RequestT, _AnswerT]):
    """One endpoint. `errors` are the statuses it answers besides those that follow from the rest of it.

    One that takes or gives another media type than JSON has bytes for a request or an answer; an answer of
    `EVENT_STREAM` is an iterator of them. `role` is the least role of the caller, None for what `needs` says.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    summary: str
    act: Callable[[Call, _RequestT], Awaitable[_AnswerT]]
    request: type[_RequestT]
    answer: type[_AnswerT]
    status: int = 200
    errors: tuple[int, ...] = ()
    access: Access = Access.ADMINISTRATOR
    role: Role | None = None
    takes: str = JSON
    gives: str = JSON

    @property
    def needs(self) -> Role:
        """The least role: what is said, else a viewer for what only looks, a developer for what changes."""
        return self.role or (Role.VIEWER if self.method == "GET" else Role.DEVELOPER)

    @property
    def takes_body(self) -> bool:
        """Whether the request is a body."""
        return self.method in _BODY_METHODS and self.request is not Nothing


AnyEndpoint = Endpoint[Any, Any]


def encode(answer: object) -> bytes:
    """An answer as JSON; secrets are revealed here and nowhere before."""
    return msgspec.json.encode(answer, enc_hook=_reveal)


async def read_request(endpoint: AnyEndpoint, request: Request) -> Any:
    """The request of an endpoint. Raises Refusal (400, 413, 422)."""
    if endpoint.takes_body:
        body = await _body(request)
        return _decode(body, endpoint.request) if endpoint.takes == JSON else body
    if endpoint.method in _BODY_METHODS:
        return Nothing()
    return _from_query(request.query_params.multi_items(), endpoint.request)


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:_MAX_ID_DIGITS]) > BODY_LIMIT:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _too_large()
    return bytes(body)


def _too_large() -> Refusal:
    message = f"the body is longer than {BODY_LIMIT} bytes, the limit"
    # The connection is left open: closing it under a client that still sends would cost it this answer.
    return Refusal(413, "body_too_large", message)


def _decode(body: bytes, kind: Any) -> Any:
    if not body.strip():
        raise Refusal(400, "bad_json", "the body is empty; JSON is needed (byte 0)")
    try:
        return msgspec.json.decode(body, type=kind, dec_hook=_hide)
    except msgspec.ValidationError as error:
        raise _invalid("invalid_body", error) from None
    except msgspec.DecodeError as error:
        text = str(error)
        place = "" if "(byte" in text else f" (byte {len(body)})"
        raise Refusal(400, "bad_json", f"the body is not JSON: {text}{place}") from None
    except UnicodeDecodeError:
        raise Refusal(400, "bad_json", f"the body is not UTF-8 (byte {_wrong_byte(body)})") from None
    except RecursionError:
        raise Refusal(400, "bad_json", "the body is nested too deeply") from None


def _wrong_byte(body: bytes) -> int:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(body)


def _from_query(items: list[tuple[str, str]], kind: Any) -> Any:
    given = dict(items)
    if len(given) < len(items):
        raise Refusal(422, "invalid_query", "a query parameter is given more than once")
    try:
        found = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid("invalid_query", error) from None
    for name, text in given.items():
        # Lax conversion takes 5.0 for 5, 1 for true and null for nothing; only the one plain form is meant.
        value = getattr(found, name)
        if (str(value).lower() if isinstance(value, bool) else str(value)) != text:
            form = "true or false" if isinstance(value, bool) else "a whole number"
            raise Refusal(422, "invalid_query", f"{name} must be {form}", field=name)
    return found


def _invalid(code: str, error: msgspec.ValidationError) -> Refusal:
    text = str(error)
    at, named = _AT_PATH.search(text), _NAMED_MEMBER.search(text)
    parts = [found[1] for found in (at, named) if found is not None and found[1]]
    return Refusal(422, code, _clip(text), field=_clip(".".join(parts)) or None)


def _clip(text: str) -> str:
    return text if len(text) <= _CLIPPED else f"{text[: _CLIPPED - 1]}…"


def _hide(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError(f"Expected `str`, got `{type(value).__name__}`")


def _reveal(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"{type(value).__name__} is not part of an answer")
