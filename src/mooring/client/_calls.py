"""One request as a value, and what an answer to it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from mooring.client._answers import Body

T = TypeVar("T")
Params: TypeAlias = tuple[tuple[str, str], ...]
Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request to the platform: `operation` is its name in the contract, `read` makes its result.

    `content` is a JSON body. `safe` says that sending it twice does no harm. `secrets` are texts inside the call that
    no error may repeat.
    """

    operation: str
    method: str
    path: str
    read: Callable[[Body], T]
    params: Params = ()
    content: bytes | None = None
    safe: bool = False
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Call({self.operation}, {self.method} {self.path})"


def params_of(values: Mapping[str, Value]) -> Params:
    """Return query parameters; what is None is left out."""
    return tuple((name, _text(value)) for name, value in values.items() if value is not None)


def content_of(members: Mapping[str, Any]) -> bytes:
    """Return a JSON body; members that are None are left out."""
    return msgspec.json.encode({name: value for name, value in members.items() if value is not None})


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
