# Made of _async/history.py by tools/generate_sync.py; change that.
"""The history of a device, from old to new, in windows of time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mooring.client._readings import Reading, pandas_frame, polars_frame
from mooring.client._sync.logs import Logs
from mooring.client._sync.models import Models

if TYPE_CHECKING:
    import pandas
    import polars

_UPLINK = 1
_PAGE = 1000
_MOST_ROWS = 5000
_SHORTEST_MS = 1000


class History:
    """What a device sent between two moments, oldest first; nothing is asked before `for` or an export.

    The log is read in windows of time, each to its end before the next, so that what arrives meanwhile shifts nothing.
    A window with more than 5,000 rows is halved, so memory stays small however busy the device is.
    """

    def __init__(
        self,
        logs: Logs,
        models: Models | None,
        device: tuple[str, str],
        begin_ms: int,
        end_ms: int,
        window_ms: int,
    ) -> None:
        self._logs = logs
        self._models = models
        self._device = device
        self._begin_ms = begin_ms
        self._end_ms = end_ms
        self._window_ms = window_ms

    def __iter__(self) -> Iterator[Reading]:
        model = None if self._models is None else self._models.of(self._device[0])
        begin, window = self._begin_ms, self._window_ms
        while begin <= self._end_ms:
            end = min(begin + window - 1, self._end_ms)
            rows = self._logs.data(*self._device, begin=begin, end=end, direction=_UPLINK, page_size=_PAGE)
            first = rows.page(1)
            if (first.total or 0) > _MOST_ROWS and end - begin >= _SHORTEST_MS:
                window = (end - begin + 1) // 2
                continue
            records = list(first.rows)
            if len(records) != first.total:
                records = list(rows)
            for record in reversed(records):
                yield Reading(record) if model is None else model.reading(record)
            begin, window = end + 1, self._window_ms

    def to_pandas(self) -> "pandas.DataFrame":
        """Return all of it as a pandas frame: a row for each message, a column for each code, indexed by time.

        Needs pandas.
        """
        return pandas_frame(list(self))

    def to_polars(self) -> "polars.DataFrame":
        """Return all of it as a polars frame: a row for each message, a column `time` and one for each code.

        Needs polars.
        """
        return polars_frame(list(self))
