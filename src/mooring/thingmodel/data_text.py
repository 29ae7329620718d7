"""The data strings of the send operations: JSON inside a string, read exactly (openapi-notes.md section 9)."""

import json
from decimal import Decimal
from typing import Any, Final, NoReturn

from mooring.thingmodel.data_error import DataCode, DataError
from mooring.thingmodel.exact import parsed

__all__ = ["MAX_DATA_CHARACTERS", "JsonObject", "read_data"]

MAX_DATA_CHARACTERS: Final = 1_048_576
"""Of one data string; what fits one frame to a device is much less."""


class JsonObject(list[tuple[str, Any]]):
    """The members of a JSON object in their order, keys that come twice included."""

    __slots__ = ()


def read_data(data: str) -> object:
    """Return the JSON of a data string, with objects as `JsonObject` and every number as an exact `Decimal`.

    Raises `DataError`: 71027 when it is not JSON (NaN and Infinity are none), 71028 when it is nested beyond reading,
    71036 when it is longer than `MAX_DATA_CHARACTERS`.
    """
    if len(data) > MAX_DATA_CHARACTERS:
        raise DataError(DataCode.VALUE, "", f"the data must have at most {MAX_DATA_CHARACTERS} characters")
    try:
        return json.loads(
            data,
            object_pairs_hook=JsonObject,
            parse_float=parsed,
            parse_int=Decimal,
            parse_constant=_refuse,
        )
    except RecursionError:
        raise DataError(DataCode.UNKNOWN, "", "the data is nested too deep") from None
    except ValueError:
        raise DataError(DataCode.NOT_JSON, "", "the data is not JSON") from None


def _refuse(_: str) -> NoReturn:
    raise ValueError
