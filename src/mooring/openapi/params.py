"""Request parameters and JSON bodies, read strictly; empty means missing (openapi-notes.md sections 6 and 8)."""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from .answers import Failure

__all__ = [
    "LANGUAGES",
    "MAX_PAGE_SIZE",
    "Body",
    "Params",
    "language_of",
    "page_of",
    "parse_form",
    "read_body",
    "whole_number",
]

LANGUAGES = ("CN", "EN")
MAX_PAGE_SIZE = 1000
_MAX_FIELDS = 100
_MAX_INT32 = 2**31 - 1
_MAX_INT64 = 2**63 - 1
_DEFAULT_PAGE_SIZE = 10

Params = Mapping[str, str]


def parse_form(raw: bytes) -> dict[str, str]:
    """Name → value of a query string or form body; of a repeated name the first counts, empty values are left out.

    Raises Failure 50005 for bytes that are not UTF-8 and for more than 100 fields.
    """
    found: dict[str, str] = {}
    if not raw:
        return found
    parts = raw.split(b"&", _MAX_FIELDS)
    if len(parts) > _MAX_FIELDS:
        raise Failure(50005, f"more than {_MAX_FIELDS} parameters")
    for part in parts:
        name, _, value = part.partition(b"=")
        if value and b"%" not in part and b"+" not in part and part.isascii():
            found.setdefault(name.decode(), value.decode())
        elif value:
            found.setdefault(_decode(name), _decode(value))
    return found


def language_of(raw: bytes, default: str) -> str:
    """`language` of a query, for the text of a failure; unknown values count as the default."""
    for part in raw.split(b"&"):
        if part.startswith(b"language="):
            found = part[9:].decode("ascii", "replace")
            return found if found in LANGUAGES else default
    return default


def whole_number(params: Params, name: str, *, low: int = -_MAX_INT64 - 1, high: int = _MAX_INT64) -> int | None:
    """A decimal number, or None when it is missing. Raises Failure 50005 that names it."""
    text = params.get(name)
    return None if text is None else _within(name, _whole(name, text), low, high)


def page_of(params: Params) -> tuple[int, int]:
    """Page number (`pageNum`, else `pageNo`, else 1) and rows a page (`pageSize`, else 10). Raises Failure 50005."""
    name = "pageNum" if "pageNum" in params else "pageNo"
    number = whole_number(params, name, low=1, high=_MAX_INT32)
    size = whole_number(params, "pageSize", low=1, high=MAX_PAGE_SIZE)
    return (1 if number is None else number), (_DEFAULT_PAGE_SIZE if size is None else size)


class Body:
    """The members of a JSON object that was posted; null and "" count as missing, unknown ones are not looked at.

    Numbers, booleans and keys may come as text, as some clients send them. Every reader raises Failure 50005 that
    names the member.
    """

    def __init__(self, members: Mapping[str, object], place: str = "") -> None:
        self._members = members
        self.place = place
        """What stands before a member's name in a text, such as `devices[3].`"""

    def has(self, name: str) -> bool:
        """Whether the member is there; null and "" do not count."""
        return self._members.get(name) not in (None, "")

    def text(self, name: str) -> str | None:
        """A text; a whole number is taken as its digits."""
        return _text(self.place + name, self._members.get(name))

    def integer(self, name: str, *, low: int, high: int) -> int | None:
        """A whole number, or its digits."""
        value, name = self._members.get(name), self.place + name
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = _whole(name, value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Failure(50005, f"{name} is not a whole number")
        return _within(name, value, low, high)

    def flag(self, name: str) -> bool | None:
        """A boolean, or true, false, 1 or 0 as text or number."""
        value = self._members.get(name)
        if value is None or value == "":
            return None
        shown = str(value).lower()
        if not isinstance(value, bool | int | str) or shown not in _FLAGS:
            raise Failure(50005, f"{self.place}{name} is not true or false")
        return _FLAGS[shown]

    def texts(self, name: str) -> list[str | None]:
        """A list of texts; of its entries, null and "" are None."""
        return [_text(f"{self.place}{name}[{at}]", value) for at, value in enumerate(self._list(name))]

    def objects(self, name: str) -> "list[Body]":
        """A list of objects."""
        found = []
        for at, value in enumerate(self._list(name)):
            if not isinstance(value, dict):
                raise Failure(50005, f"{self.place}{name}[{at}] is not an object")
            found.append(Body(value, f"{self.place}{name}[{at}]."))
        return found

    def _list(self, name: str) -> list[object]:
        value = self._members.get(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise Failure(50005, f"{self.place}{name} is not a list")
        return value


def read_body(content: bytes) -> Body:
    """A JSON object in UTF-8; nothing at all counts as an empty one. Raises Failure 50005."""
    if not content.strip():
        return Body({})
    try:
        found = msgspec.json.decode(content)
    except RecursionError:
        raise Failure(50005, "the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise Failure(50005, "the body is not UTF-8") from None
    except msgspec.DecodeError as error:
        raise Failure(50005, f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Failure(50005, "the body is JSON, but no object")
    return Body(found)


_FLAGS = {"true": True, "false": False, "1": True, "0": False}


def _text(name: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise Failure(50005, f"{name} is not text")
    # PostgreSQL cannot even be asked for a text with it.
    if "\0" in value:
        raise Failure(50005, f"{name} holds a NUL character")
    return value


def _whole(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        raise Failure(50005, f"{name}={text[:40]} is not a whole number")
    return int(text)


def _within(name: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise Failure(50005, f"{name}={str(value)[:40]} is outside {low}..{high}")
    return value


def _decode(part: bytes) -> str:
    try:
        return unquote_to_bytes(part.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Failure(50005, "a parameter is not UTF-8") from None
