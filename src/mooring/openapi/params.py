"""Request parameters: percent-decoded once, strictly; empty means missing (openapi-notes.md sections 6 and 8)."""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from .answers import Failure

__all__ = ["LANGUAGES", "MAX_PAGE_SIZE", "Params", "language_of", "page_of", "parse_form", "whole_number"]

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
    if text is None:
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        raise Failure(50005, f"{name}={text[:40]} is not a whole number")
    value = int(text)
    if not low <= value <= high:
        raise Failure(50005, f"{name}={value} is outside {low}..{high}")
    return value


def page_of(params: Params) -> tuple[int, int]:
    """Page number (`pageNum`, else `pageNo`, else 1) and rows a page (`pageSize`, else 10). Raises Failure 50005."""
    name = "pageNum" if "pageNum" in params else "pageNo"
    number = whole_number(params, name, low=1, high=_MAX_INT32)
    size = whole_number(params, "pageSize", low=1, high=MAX_PAGE_SIZE)
    return (1 if number is None else number), (_DEFAULT_PAGE_SIZE if size is None else size)


def _decode(part: bytes) -> str:
    try:
        return unquote_to_bytes(part.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Failure(50005, "a parameter is not UTF-8") from None
