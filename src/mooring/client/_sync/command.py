# Made of _async/command.py by tools/generate_sync.py; change that.
"""A command to one device, and what becomes of it."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from mooring.client._readings import Model
from mooring.client._sync.logs import Logs
from mooring.client._sync.models import Models
from mooring.client._waiting import Wait
from mooring.client.errors import CommandFailed
from mooring.client.types import DataRecord

_DOWN, _UP = 2, 1
_FAILED, _SENT = -1, 1


class Command:
    """A command that the platform has accepted for one device; `ticket` is its id there.

    What becomes of it is looked up in the data log, at first often and then every two seconds.
    """

    def __init__(
        self,
        logs: Logs,
        models: Models,
        device: tuple[str, str],
        kind: str,
        codes: tuple[str, ...],
        ticket: str,
    ) -> None:
        self._logs = logs
        self._models = models
        self._device = device
        self._kind = kind
        self._codes = codes
        self.ticket = ticket

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._kind} {', '.join(self._codes)}, ticket={self.ticket!r})"

    def result(self, timeout: float = 30.0) -> DataRecord:
        """Wait until the device has confirmed that it got the command, and return the command's row of the data log.

        Raises `CommandFailed` when the platform gave it up, `TimedOut` when neither happened within `timeout` seconds;
        it may still happen then.
        """
        wait = Wait(timeout, f"command {self.ticket}: the device has not confirmed it")
        while True:
            row = self._row()
            if row is not None and row.send_status == _SENT:
                return row
            if row is not None and row.send_status == _FAILED:
                raise CommandFailed("the device did not confirm it, or it waited too long for the device", self.ticket)
            time.sleep(wait.pause())

    def reported(self, timeout: float = 30.0) -> Mapping[str, Any]:
        """Wait until the device has confirmed the command and then reported what came of it.

        For a read that is the answer with the ticket of the command, for a write the values of the same properties in
        reports after it, which may be others than were written, for a service its outputs, numbers as text. Not every
        device reports what it was told. Raises as `result`.
        """
        wait = Wait(timeout, f"command {self.ticket}: the device has not reported anything about it")
        model = self._models.of(self._device[0])
        sent = self.result(timeout)
        while True:
            found = self._found(model, sent)
            if found is not None:
                return found
            time.sleep(wait.pause())

    def _row(self) -> DataRecord | None:
        for row in self._logs.data(*self._device, direction=_DOWN, page_size=100):
            if row.ticket == self.ticket:
                return row
        return None

    def _found(self, model: Model, sent: DataRecord) -> Mapping[str, Any] | None:
        values: dict[str, Any] = {}
        for row in self._uplinks(sent):
            if self._kind == "read":
                if row.ticket == self.ticket:
                    return model.reading(row).values
            elif self._kind == "call":
                outputs = model.outputs(row, self._codes[0])
                if outputs is not None:
                    return outputs
            else:
                values = {**model.reading(row).values, **values}
        if self._kind == "write" and values.keys() >= set(self._codes):
            return {code: values[code] for code in self._codes}
        return None

    def _uplinks(self, sent: DataRecord) -> Iterator[DataRecord]:
        since = sent.create_time_ms
        yield from self._logs.data(*self._device, begin=since, direction=_UP, page_size=100)
