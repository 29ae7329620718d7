"""One device as an object."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from mooring.client._answers import device_error
from mooring.client._async.command import AsyncCommand
from mooring.client._async.commands import AsyncCommands
from mooring.client._async.devices import AsyncDevices
from mooring.client._async.history import AsyncHistory
from mooring.client._async.logs import AsyncLogs
from mooring.client._async.models import AsyncModels
from mooring.client._async.paging import AsyncPageList
from mooring.client._inputs import Input, SendOptions, When, epoch_ms, read_text, service_text, write_text
from mooring.client._readings import Latest, Model, unknown
from mooring.client.errors import BadAnswer, BadValue
from mooring.client.types import Device, EventRecord, Location, SendResult, ThingModel

_DEFAULT = SendOptions()
_UPLINK = 1
_LOOKED_THROUGH = 1000
_WINDOW = timedelta(hours=6)


class AsyncRemoteDevice:
    """A device of a product; made by `client.device(product_key, device_key)`, which asks nothing of the platform.

    Values are given and returned by property code. They are checked against the released thing model before they are
    sent (`BadValue`); the model is kept for ten minutes and fetched anew before a code that it lacks is refused.
    """

    def __init__(
        self,
        devices: AsyncDevices,
        commands: AsyncCommands,
        logs: AsyncLogs,
        models: AsyncModels,
        product_key: str,
        device_key: str,
        clock: Callable[[], float],
    ) -> None:
        self._devices = devices
        self._commands = commands
        self._logs = logs
        self._models = models
        self._clock = clock
        self.product_key = product_key
        self.device_key = device_key

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.product_key!r}, {self.device_key!r})"

    async def detail(self) -> Device:
        """Return what the platform knows of the device."""
        return await self._devices.detail(self.product_key, self.device_key)

    async def location(self) -> Location | None:
        """Return its newest position, None when there is none."""
        return await self._devices.location(self.product_key, self.device_key)

    async def model(self) -> ThingModel:
        """Return the released thing model of its product."""
        return (await self._models.of(self.product_key)).exported

    async def write(
        self, values: Mapping[str, Input] | None = None, *, options: SendOptions = _DEFAULT, **named: Input
    ) -> AsyncCommand:
        """Set properties, given by name (`write(power=True)`), or as a mapping where a code is no name in Python.

        Raises `BadValue` for what the model does not allow, and the error of the platform when the device is offline or
        takes no more commands.
        """
        given = {**(values or {}), **named}
        data = write_text(given)
        await self._check(lambda model: model.check_write(data))
        results = await self._commands.write(self.product_key, [self.device_key], given, options=options)
        return self._command("write", tuple(given), results)

    async def call(
        self,
        service: str,
        inputs: Mapping[str, Input] | None = None,
        *,
        options: SendOptions = _DEFAULT,
        **named: Input,
    ) -> AsyncCommand:
        """Call a service with its inputs, given by name or as a mapping. Raises as `write`."""
        given = {**(inputs or {}), **named}
        data = service_text(service, given)
        await self._check(lambda model: model.check_call(data))
        results = await self._commands.call(self.product_key, [self.device_key], service, given, options=options)
        return self._command("call", (service,), results)

    async def request(self, *codes: str, options: SendOptions = _DEFAULT) -> AsyncCommand:
        """Ask for properties and do not wait; `command.reported()` has the answer. Raises as `write`."""
        data = read_text(codes)
        await self._check(lambda model: model.check_read(data))
        results = await self._commands.read(self.product_key, [self.device_key], codes, options=options)
        return self._command("read", codes, results)

    async def read(self, *codes: str, timeout: float = 30.0) -> Mapping[str, Any]:
        """Ask for properties and wait until the device has answered; values by code.

        Raises as `write`, `CommandFailed`, and `TimedOut` after `timeout` seconds.
        """
        return await (await self.request(*codes)).reported(timeout)

    async def send_raw(self, data: str | bytes, *, options: SendOptions = _DEFAULT) -> AsyncCommand:
        """Send a transparent payload: text, or bytes. Raises the error of the platform when it is not accepted."""
        results = await self._commands.send_raw([(self.product_key, self.device_key)], data, options=options)
        return self._command("raw", (), results)

    async def latest(self) -> Mapping[str, Latest]:
        """Return the newest value of each property that the device reported, by code.

        The values are those of its 1,000 newest messages; a property that none of them has is missing.
        """
        model = await self._models.of(self.product_key)
        found: dict[str, Latest] = {}
        missing = set(model.readable)
        seen = 0
        async for record in self._logs.data(self.product_key, self.device_key, direction=_UPLINK, page_size=100):
            for code, value in model.reading(record).values.items():
                found.setdefault(code, Latest(value, record.create_time_ms))
            missing -= found.keys()
            seen += 1
            if not missing or seen >= _LOOKED_THROUGH:
                break
        return found

    def history(
        self,
        since: When | timedelta,
        until: When | None = None,
        *,
        window: timedelta = _WINDOW,
        values: bool = True,
    ) -> AsyncHistory:
        """Return what the device sent, oldest first, as `Reading`s: iterate, or `to_pandas()`, `to_polars()`.

        `since` is an aware datetime, epoch milliseconds, or how long ago; `until` is now unless given. The log is read
        `window` by `window`. With `values` false the thing model is not needed, and readings have payloads only.
        """
        now_ms = int(self._clock() * 1000)
        begin = now_ms - since // timedelta(milliseconds=1) if isinstance(since, timedelta) else epoch_ms(since)
        end = epoch_ms(until)
        window_ms = window // timedelta(milliseconds=1)
        if window_ms < 1:
            raise ValueError("window must be longer than nothing")
        return AsyncHistory(
            self._logs,
            self._models if values else None,
            (self.product_key, self.device_key),
            begin or 0,
            now_ms if end is None else end,
            window_ms,
        )

    def events(
        self, since: When | None = None, until: When | None = None, *, event_type: int | None = None
    ) -> AsyncPageList[EventRecord]:
        """Return its events, newest first; see `client.logs.events`."""
        return self._logs.events(self.product_key, self.device_key, begin=since, end=until, event_type=event_type)

    async def _check(self, check: Callable[[Model], None]) -> None:
        try:
            check(await self._models.of(self.product_key))
        except BadValue as error:
            if not unknown(error):
                raise
            check(await self._models.of(self.product_key, fresh=True))

    def _command(self, kind: str, codes: tuple[str, ...], results: tuple[SendResult, ...]) -> AsyncCommand:
        if len(results) != 1:
            raise BadAnswer("the answer does not say what became of the command", kind, None)
        [result] = results
        error = device_error(result, kind)
        if error is not None:
            raise error
        if result.ticket is None:
            raise BadAnswer("the answer has no ticket", kind, None)
        device = (self.product_key, self.device_key)
        return AsyncCommand(self._logs, self._models, device, kind, codes, result.ticket)
