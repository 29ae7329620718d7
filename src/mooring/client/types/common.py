"""What all types share: times, and the token."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self, overload

__all__ = ["Moment", "Token", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(epoch_ms: int | None) -> datetime | None:
    """Return epoch milliseconds as an aware datetime in UTC; None for None and for what no calendar holds."""
    if epoch_ms is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=epoch_ms)
    except OverflowError:
        return None


class Moment:
    """A property: the member `name`, epoch milliseconds, as an aware datetime in UTC."""

    def __init__(self, name: str, meaning: str) -> None:
        self.name = name
        self.__doc__ = meaning

    @overload
    def __get__(self, row: None, kind: type) -> Self: ...

    @overload
    def __get__(self, row: object, kind: type) -> datetime | None: ...

    def __get__(self, row: Any, kind: type) -> Self | datetime | None:
        return self if row is None else moment(getattr(row, self.name))


@dataclass(frozen=True, slots=True)
class Token:
    """A token as issued. `value` goes unchanged into the Authorization header; repr does not show it.

    `issued_at` is when it was asked for, epoch seconds by the clock of this client; `expires_in` is its
    lifetime in seconds; `scope` is "" for everything.
    """

    value: str
    issued_at: float
    expires_in: int
    scope: str = ""

    def __repr__(self) -> str:
        return f"Token(issued_at={self.issued_at!r}, expires_in={self.expires_in!r}, scope={self.scope!r})"

    @property
    def expires_at(self) -> datetime | None:
        """When the token stops being accepted, by the clock of this client."""
        return moment(int((self.issued_at + self.expires_in) * 1000))
