"""Reads a decoded JSON object into a `Row`, forgiving about how members are typed.

Clouds differ in whether a number or a time is quoted (contract/openapi-notes.md section 7). A member that
has a default may be missing, null or unreadable and then takes the default, as `Row.raw` keeps what came.
A member without a default is the identity of the row: without it the row is `UnreadableError`.
"""

from functools import cache
from typing import Any, TypeVar, get_args

import msgspec


class UnreadableError(ValueError):
    """The answer is JSON, but not of the documented shape; the text says which member is at fault."""


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON object of an answer; `raw` is the whole of it, as decoded."""

    raw: dict[str, Any]

    def __repr__(self) -> str:
        names = [name for name in self.__struct_fields__ if name != "raw"]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


R = TypeVar("R", bound=Row)


def read(kind: type[R], value: object) -> R:
    """Return `value`, a decoded JSON object, as a `kind`. Raises `UnreadableError`."""
    if not isinstance(value, dict):
        raise UnreadableError(f"{kind.__name__} is not a JSON object")
    members: dict[str, Any] = {"raw": value}
    for name, wire_name, annotation, required in _members(kind):
        member = _member(annotation, value.get(wire_name))
        if member is not None:
            members[name] = member
        elif required:
            raise UnreadableError(f"{kind.__name__} has no usable {wire_name}")
    return kind(**members)


def read_rows(kind: type[R], value: object) -> tuple[R, ...]:
    """Return a decoded JSON array as rows; null or missing is an empty one. Raises `UnreadableError`."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise UnreadableError(f"the {kind.__name__} rows are not a JSON array")
    return tuple(read(kind, item) for item in value)


@cache
def _members(kind: type[Row]) -> tuple[tuple[str, str, Any, bool], ...]:
    fields = msgspec.structs.fields(kind)
    return tuple((f.name, f.encode_name, f.type, f.required) for f in fields if f.name != "raw")


def _member(annotation: Any, value: object) -> Any:
    if value is None:
        return None
    row_kind = _row_kind(annotation)
    if row_kind is not None:
        return read_rows(row_kind, value)
    return scalar(annotation, value)


def scalar(annotation: Any, value: object) -> Any:
    """Return a JSON value as the annotated type, quoted or not; None when it cannot be read as that."""
    candidates = (value, str(value)) if isinstance(value, int | float) else (value,)
    for candidate in candidates:
        try:
            return msgspec.convert(candidate, annotation, strict=False)
        except msgspec.ValidationError:
            continue
    return None


@cache
def _row_kind(annotation: Any) -> type[Row] | None:
    """Return the row type inside `tuple[SomeRow, ...]`."""
    first = next(iter(get_args(annotation)), None)
    return first if isinstance(first, type) and issubclass(first, Row) else None
