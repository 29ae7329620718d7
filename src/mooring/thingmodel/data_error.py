"""Why a value cannot go to or from a device: `DataError` for what people send, `Misfit` for what devices report.

Contract: tsl.md sections 9 and 10, openapi-notes.md section 9.
"""

from enum import IntEnum

import msgspec

from mooring.thingmodel.rules import shown
from mooring.thingmodel.shape import CODE_FORM

__all__ = ["DataCode", "DataError", "Misfit", "Unfit", "inside"]


class DataCode(IntEnum):
    """The published codes for bad data strings and values (errors.yaml)."""

    NOT_JSON = 71027
    SHAPE = 71008
    UNKNOWN = 71028  # an unknown code, or a value nested in another way than its type says
    KIND = 71029  # a property where a service is expected, or the reverse
    READ_ONLY = 71038
    WRITE_ONLY = 71048
    RANGE = 70090
    OPTION = 70091
    LENGTH = 70092
    DATE = 70093
    VALUE = 71036
    ELEMENTS = 71039


class DataError(Exception):
    """A value that the thing model does not allow; it never repeats the value, which may be a secret.

    `code` is a number of `DataCode`, `path` says where (`tariff[2].price`, empty for the data as a whole), `reason`
    what is wrong.
    """

    def __init__(self, code: int, path: str, reason: str) -> None:
        super().__init__(code, path, reason)
        self.code = code
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class Misfit(msgspec.Struct, frozen=True, gc=False):
    """An item of a device's message that the model has no place for: its ids from the outside in, and why.

    It never holds the value. The id of an array element is 0.
    """

    ids: tuple[int, ...]
    reason: str


class Unfit(Exception):
    """Inside this room only: the value read has no place in its type. Who reads makes a `Misfit` of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def inside(path: str, key: object) -> str:
    """Return the path of a member: `tariff[2].price`. What is no code is quoted and cut short."""
    if not isinstance(key, str) or not CODE_FORM.fullmatch(key):
        return f"{path}[{shown(key)}]"
    return f"{path}.{key}" if path else key
