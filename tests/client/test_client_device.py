"""Devices as objects, against a running cloud: what is checked, sent, confirmed and looked up."""

import asyncio
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pandas
import polars
import pytest

from mooring.client import (
    AsyncClient,
    BadAnswer,
    BadValue,
    Client,
    CommandFailed,
    Conflict,
    SendOptions,
    SendResult,
    TimedOut,
)
from mooring.client._async import device as device_module
from mooring.testing import Cloud, CloudProduct, SaasApp, SimulatedDevice

SOON = 30.0


@pytest.fixture(scope="module")
def product(running: Cloud) -> CloudProduct:
    return running.product()


@pytest.fixture(scope="module")
def app(running: Cloud, product: CloudProduct) -> SaasApp:
    return running.saas_app("Test", product)


@pytest.fixture
def plug(running: Cloud, product: CloudProduct) -> SimulatedDevice:
    return running.device(product)


class Both:
    """A client of either form; what awaits is awaited on a loop of its own."""

    def __init__(self, client: Client | AsyncClient) -> None:
        self._client = client
        self._loop = asyncio.new_event_loop()

    def __call__(self, value: Any) -> Any:
        return self._loop.run_until_complete(value) if inspect.isawaitable(value) else value

    def list(self, rows: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [row async for row in rows]

        return self(collect()) if hasattr(rows, "__aiter__") else list(rows)

    def device(self, plug: SimulatedDevice) -> Any:
        return self._client.device(plug.product_key, plug.device_key)

    def close(self) -> None:
        if isinstance(self._client, AsyncClient):
            self(self._client.aclose())
        else:
            self._client.close()
        self._loop.close()


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest, app: SaasApp) -> Iterator[Both]:
    made = Both(app.client() if request.param == "sync" else app.async_client())
    yield made
    made.close()


def test_write_is_confirmed_and_reported(both: Both, plug: SimulatedDevice) -> None:
    device = both.device(plug)
    command = both(device.write(relay=True, countdown=60))
    assert command.ticket in repr(command)
    row = both(command.result(SOON))
    assert (row.ticket, row.send_status, row.direction) == (command.ticket, 1, 2)
    assert both(command.reported(SOON)) == {"relay": True, "countdown": 60}
    assert plug.written == [{"relay": True, "countdown": 60}]


def test_read_waits_for_the_answer_with_the_same_ticket(both: Both, plug: SimulatedDevice) -> None:
    plug.report(power=230.5, relay=False)
    assert both(both.device(plug).read("power", "relay", timeout=SOON)) == {"power": 230.5, "relay": False}


def test_service_answers_with_its_outputs(both: Both, plug: SimulatedDevice) -> None:
    plug.answers("reset_energy", energy_total=0)
    command = both(both.device(plug).call("reset_energy"))
    assert both(command.reported(SOON)) == {"energy_total": "0"}
    assert plug.called == [("reset_energy", {})]


@pytest.mark.parametrize(
    ("write", "code", "path"),
    [
        ({"relay": "perhaps"}, 71036, "relay"),
        ({"power": 1}, 71038, "power"),
        ({"nothing": 1}, 71028, "nothing"),
        ({"countdown": -1}, 70090, "countdown"),
    ],
)
def test_what_the_model_does_not_allow_is_not_sent(
    both: Both, plug: SimulatedDevice, write: dict[str, Any], code: int, path: str
) -> None:
    with pytest.raises(BadValue, match=path) as caught:
        both(both.device(plug).write(write))
    assert (caught.value.code, caught.value.path) == (code, path)
    assert plug.written == []


def test_services_and_reads_are_checked_too(both: Both, plug: SimulatedDevice) -> None:
    device = both.device(plug)
    with pytest.raises(BadValue, match="is not a service"):
        both(device.call("relay"))
    with pytest.raises(BadValue, match="is not a property"):
        both(device.read("reset_energy"))
    with pytest.raises(BadValue, match="names nothing"):
        both(device.write())
    assert str(BadValue(1, "", "why")) == "why"


def test_model_is_kept_and_fetched_anew_before_a_code_is_refused(
    both: Both, running: Cloud, app: SaasApp, plug: SimulatedDevice
) -> None:
    device = both.device(plug)
    assert both(device.model()) is both(device.model())
    before = both(device.model())
    with pytest.raises(BadValue):
        both(device.write(brand_new=1))
    assert both(device.model()) is not before


def test_device_that_is_offline_refuses_or_lets_wait(both: Both, plug: SimulatedDevice) -> None:
    device = both.device(plug)
    plug.go_offline()
    with pytest.raises(Conflict) as caught:
        both(device.write(relay=True))
    assert caught.value.code == 61002
    command = both(device.write(relay=True, options=SendOptions(cache_s=60)))
    with pytest.raises(TimedOut, match=command.ticket):
        both(command.result(0.3))
    plug.go_online()
    both(command.result(SOON))


def test_command_that_waits_too_long_has_failed(both: Both, running: Cloud, plug: SimulatedDevice) -> None:
    plug.go_offline()
    command = both(both.device(plug).write(relay=True, options=SendOptions(cache_s=1)))
    running.clock.advance(5)
    with pytest.raises(CommandFailed, match=command.ticket) as caught:
        both(command.result(SOON))
    assert caught.value.ticket == command.ticket
    with pytest.raises(CommandFailed):
        both(command.reported(SOON))


def test_service_that_nobody_answers_times_out(both: Both, plug: SimulatedDevice) -> None:
    command = both(both.device(plug).call("reset_energy"))
    both(command.result(SOON))
    with pytest.raises(TimedOut, match="has not reported"):
        both(command.reported(0.3))
    plug.report(power=1)
    with pytest.raises(TimedOut, match="has not reported"):
        both(command.reported(0.3))


def test_write_that_nobody_reports_times_out(both: Both, plug: SimulatedDevice) -> None:
    plug._device.on_write(lambda values: {})  # takes it, and says nothing
    command = both(both.device(plug).write(relay=True))
    with pytest.raises(TimedOut, match="has not reported"):
        both(command.reported(0.5))


def test_latest_has_the_newest_of_each_property(both: Both, plug: SimulatedDevice) -> None:
    plug.report(power=1, relay=True)
    plug.report(power=2)
    latest = both(both.device(plug).latest())
    assert {code: one.value for code, one in latest.items()} == {"power": 2.0, "relay": True}
    assert latest["power"].at >= latest["relay"].at
    assert latest["power"].at.tzinfo is not None


def test_latest_looks_through_so_many_messages_and_no_more(
    both: Both, plug: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mooring.client._sync import device as sync_module

    for module in (device_module, sync_module):
        monkeypatch.setattr(module, "_LOOKED_THROUGH", 1)
    plug.report(relay=True)
    plug.report(power=2)
    assert set(both(both.device(plug).latest())) == {"power"}


def test_history_is_old_to_new_in_windows(both: Both, plug: SimulatedDevice) -> None:
    device = both.device(plug)
    for power in range(5):
        plug.report(power=power)
    for window in (timedelta(hours=6), timedelta(seconds=2)):
        readings = both.list(device.history(timedelta(seconds=20), window=window))
        assert [reading.values["power"] for reading in readings if "power" in reading.values] == [0, 1, 2, 3, 4]
        assert all(reading.at.tzinfo and reading.time_ms for reading in readings)
    now = datetime.now(UTC)
    assert both.list(device.history(now - timedelta(days=2), now - timedelta(days=1), window=timedelta(hours=1))) == []
    assert both.list(device.history(1, 2)) == []


def test_history_that_is_full_is_read_in_smaller_windows(
    both: Both, plug: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mooring.client._async import history as async_history
    from mooring.client._sync import history as sync_history

    for module in (async_history, sync_history):
        monkeypatch.setattr(module, "_MOST_ROWS", 3)
        monkeypatch.setattr(module, "_PAGE", 2)
        monkeypatch.setattr(module, "_SHORTEST_MS", 500)
    for power in range(8):
        plug.report(power=power)
    readings = both.list(both.device(plug).history(timedelta(minutes=1)))
    assert [reading.values["power"] for reading in readings if "power" in reading.values] == list(range(8))


def test_history_becomes_frames(both: Both, plug: SimulatedDevice) -> None:
    device = both.device(plug)
    since = timedelta(minutes=5)
    empty = both(device.history(1, 2).to_pandas())
    assert (len(empty), str(empty.index.dtype)) == (0, "datetime64[us, UTC]") or len(empty) == 0
    assert both(device.history(1, 2).to_polars()).is_empty()
    plug.report(power=1.5)
    plug.report(power=2.5, relay=True)
    frame = both(device.history(since).to_pandas())
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["power"]) == [1.5, 2.5]
    assert str(frame.index.tz) == "UTC"
    table = both(device.history(since).to_polars())
    assert isinstance(table, polars.DataFrame)
    assert table["power"].to_list() == [1.5, 2.5]


def test_detail_location_and_events(both: Both, plug: SimulatedDevice) -> None:
    device = both.device(plug)
    assert plug.device_key in repr(device)
    assert both(device.detail()).device_key == plug.device_key
    assert both(device.location()) is None
    plug.event("overload", power=2500)
    codes = [row.event_code for row in both.list(device.events())]
    assert codes[0] == "overload"
    assert both.list(device.events(since=datetime.now(UTC) + timedelta(days=1))) == []
    assert [row.event_code for row in both.list(device.events(event_type=4))] in (["overload"], [])


@pytest.mark.parametrize("window", [timedelta(0), timedelta(seconds=-1)])
def test_windows_have_a_length(both: Both, plug: SimulatedDevice, window: timedelta) -> None:
    with pytest.raises(ValueError, match="window"):
        both.device(plug).history(1, window=window)


def test_times_need_a_time_zone(both: Both, plug: SimulatedDevice) -> None:
    with pytest.raises(ValueError, match="time zone"):
        both.device(plug).history(datetime(2026, 1, 1))


def test_decimals_floats_and_ints_mean_the_same(both: Both, plug: SimulatedDevice) -> None:
    for value in (60, 60.0, Decimal(60), "60"):
        both(both(both.device(plug).write({"countdown": value})).result(SOON))
    assert plug.written == [{"countdown": 60}] * 4


@pytest.mark.parametrize("form", ["client", "async_client"])
def test_answer_without_a_result_or_a_ticket_is_no_answer(plug: SimulatedDevice, app: SaasApp, form: str) -> None:
    both = Both(getattr(app, form)())
    device = both.device(plug)
    with pytest.raises(BadAnswer, match="what became"):
        device._command("write", (), ())
    accepted = SendResult(code=200, ticket="1", raw={})
    with pytest.raises(BadAnswer, match="no ticket"):
        device._command("write", (), (msgspec.structs.replace(accepted, ticket=None),))
    assert device._command("write", (), (accepted,)).ticket == "1"
    both.close()


def test_transparent_data_goes_both_ways(running: Cloud) -> None:
    product = running.product(model=None)
    app = running.saas_app("Transparent", product)
    plug = running.device(product)
    for form in ("client", "async_client"):
        both = Both(getattr(app, form)())
        device = both.device(plug)
        command = both(device.send_raw(b"\x01\x02"))
        row = both(command.result(SOON))
        assert (row.ticket, plug.received) == (command.ticket, [b"\x01\x02"])
        plug.received.clear()
        plug.send_raw(b"up")
        [reading] = both.list(device.history(timedelta(hours=1), values=False))[-1:]
        assert (reading.payload, reading.values) == (b"up", {})
        both.close()


def test_rows_of_other_commands_are_passed_over(both: Both, plug: SimulatedDevice) -> None:
    device = both.device(plug)
    plug.report(power=1.0)
    first = both(device.request("power"))
    second = both(device.request("relay"))
    both(second.result(SOON))
    assert both(first.result(SOON)).ticket == first.ticket
    assert both(first.reported(SOON)) == {"power": 1.0}


def test_command_that_the_log_does_not_have_times_out(both: Both, plug: SimulatedDevice) -> None:
    command = both(both.device(plug).request("power"))
    command.ticket = "1"
    with pytest.raises(TimedOut, match="command 1"):
        both(command.result(0.3))
