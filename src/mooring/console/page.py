"""What a part of the console is made of: pages, actions, streams and downloads as values, and what each is given.

A `Page` shows, an `Action` does something by one call of the platform, a `Stream` goes on telling. Each names the least
role that may use it. Paths are those below /console.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from mooring.platform import Actor, Invalid, Missing, Platform, Role
from mooring.platform.accounts import Identity

from .html import Child, Html
from .texts import translate

__all__ = [
    "ROOT",
    "Action",
    "AnyRoute",
    "Asgi",
    "Done",
    "Download",
    "File",
    "Form",
    "Page",
    "Shown",
    "Stream",
    "View",
    "address",
]

ROOT = "/console"


Asgi = Callable[..., Awaitable[None]]
"""An application that serves HTTP."""


async def _no_openapi(*_: object) -> None:
    raise RuntimeError("the console was made without the OpenAPI")


@dataclass(frozen=True, slots=True)
class View:
    """One request: who asks for what, and how it shall look. `origin` is this server's address as the browser knows it,
    `openapi` the application at /v2. `part` is the id of the one live region that is asked
    for, "" for all of the page; what is around the body is left out then."""

    platform: Platform
    caller: Identity | None
    client: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    language: str = "EN"
    theme: str = "auto"
    csrf: str = ""
    here: str = "/"
    part: str = ""
    session: str = field(default="", repr=False)
    origin: str = ""
    openapi: Asgi = field(default=_no_openapi, repr=False)

    @property
    def identity(self) -> Identity:
        """Who is logged in."""
        if self.caller is None:
            raise RuntimeError("a page for anyone asked who is logged in")
        return self.caller

    @property
    def account_id(self) -> int:
        """The caller's account."""
        return self.identity.account.id

    @property
    def actor(self) -> Actor:
        """The caller, as the audit log names them."""
        return Actor(self.account_id, self.identity.administrator.email, self.client)

    def number(self, name: str) -> int:
        """A part of the path that is an id. Raises Missing: what is no number names nothing."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise Missing("not_found", f"{name} must be a number")
        return int(text)

    def may(self, role: Role) -> bool:
        """Whether the caller's role is enough."""
        return self.caller is not None and self.caller.administrator.role.covers(role)

    def t(self, text: str, **values: object) -> str:
        """An English text in the caller's language; `{name}` in it is filled from the values."""
        found = translate(self.language, text)
        return found.format(**values) if values else found


class Form:
    """What a form was sent with; a field that is absent is empty."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that was sent."""
        return tuple(self._fields)

    def text(self, name: str) -> str:
        """The text of a field, with its blanks."""
        return next(iter(self._fields.get(name, ())), "")

    def optional(self, name: str) -> str | None:
        """The text without surrounding blanks, None when there is nothing."""
        return self.text(name).strip() or None

    def many(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may be there several times: ticked rows, choices."""
        return tuple(self._fields.get(name, ()))

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.text(name) not in ("", "false")

    def number(self, name: str) -> int:
        """A whole number. Raises Invalid."""
        text = self.text(name).strip()
        try:
            return int(text) if len(text) <= 20 else int("too long")
        except ValueError:
            raise Invalid("number", f"{name} must be a whole number", field=name) from None

    def optional_number(self, name: str) -> int | None:
        """A whole number, None when the field is empty. Raises Invalid."""
        return self.number(name) if self.text(name).strip() else None


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: its title, what is in it, buttons beside the title, the way to it as (text, path below /console), and
    the scripts it needs beside console.js, by file name."""

    title: str
    body: Child
    actions: Child = ()
    crumbs: Sequence[tuple[str, str]] = ()
    scripts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What an action leads to: the page `to` (below /console; "" reloads where the person is) with a notice, or
    something to show at once in a dialog: a secret, a result; or a file."""

    to: str = ""
    notice: str = ""
    show: Html | None = None
    title: str = ""
    file: "File | None" = None
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """A file to download."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Page:
    """`role` None is for anyone, logged in or not; `one_time` also lets in those who must change their password."""

    path: str
    show: Callable[[View], Awaitable[Shown]]
    role: Role | None = Role.VIEWER
    one_time: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A POST. Refusals of the platform are shown beside the form."""

    path: str
    act: Callable[[View, Form], Awaitable[Done]]
    role: Role | None = Role.DEVELOPER
    one_time: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """Server-sent events, each a line of JSON."""

    path: str
    run: Callable[[View], AsyncIterator[bytes]]
    role: Role | None = Role.VIEWER
    one_time: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """A GET that answers with a file."""

    path: str
    make: Callable[[View], Awaitable[File]]
    role: Role | None = Role.VIEWER
    one_time: bool = False


AnyRoute = Page | Action | Stream | Download


def address(path: str, query: Mapping[str, object] | None = None, /, **parameters: object) -> str:
    """A path below /console with its parameters in place, as it stands in a link."""
    for name, value in parameters.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    kept = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    return f"{ROOT}{path}{'?' if kept else ''}{urlencode(kept)}"
