"""Who is told of each exchange: hooks, the log, and OpenTelemetry."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from client.fake_cloud import ACCESS_SECRET, FakeCloud, settle
from mooring.client import ConnectionFailed, Exchange, _observing
from mooring.client._calls import Call

Connect = Callable[..., Any]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(_observing, "_tracer", lambda: provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def test_hooks_are_told_of_every_exchange(connect: Connect, cloud: FakeCloud) -> None:
    told: list[Exchange] = []
    client = connect(hooks=[told.append])
    settle(client.products.list().page())
    cloud.answers["products"] = httpx.ConnectError("refused")
    with pytest.raises(ConnectionFailed):
        settle(client.products.list().page())
    login, answered, failed = told
    assert (login.operation, login.method, login.http_status) == ("authLogin", "GET", 200)
    assert (answered.operation, answered.request_id, answered.error) == ("productList", "req-1", None)
    assert (failed.http_status, type(failed.error)) == (None, ConnectionFailed)
    assert all(exchange.seconds >= 0 and exchange.started_at > 0 for exchange in told)
    assert ACCESS_SECRET not in repr(told)


def test_path_of_an_exchange_has_no_query(connect: Connect) -> None:
    told: list[Exchange] = []
    settle(connect(hooks=[told.append]).raw.get("/v2/x/products?pageNum=1&pageSize=5"))
    assert told[-1].path == "/v2/x/products"


def test_hook_that_fails_is_logged_and_goes_no_further(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Exchange) -> None:
        raise RuntimeError("broken hook")

    assert settle(connect(hooks=[broken]).products.list().page()).rows
    assert "a hook failed" in caplog.text


def test_log_has_operations_and_no_secrets(
    connect: Connect, cloud: FakeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "mooring.client"):
        client = connect()
        settle(client.products.list().page())
        cloud.answers["products"] = httpx.ReadTimeout("late")
        with pytest.raises(Exception, match="no answer"):
            settle(client.products.list().page())
    messages = [record.getMessage() for record in caplog.records if record.name == "mooring.client"]
    assert [text.partition(" in ")[0] for text in messages] == [
        "authLogin: 200",
        "productList: 200",
        "productList: TimedOut",
    ]


def test_each_exchange_is_a_span(connect: Connect, cloud: FakeCloud, spans: InMemorySpanExporter) -> None:
    client = connect()
    settle(client.products.list().page())
    cloud.answers["products"] = httpx.ConnectError("refused")
    with pytest.raises(ConnectionFailed):
        settle(client.products.list().page())
    finished = spans.get_finished_spans()
    assert [span.name for span in finished] == ["authLogin", "productList", "productList"]
    attributes = dict(finished[1].attributes or {})
    assert attributes["http.response.status_code"] == 200
    assert attributes["mooring.request_id"] == "req-1"
    assert [span.status.is_ok for span in finished] == [True, True, False]
    assert all(span.end_time and span.start_time and span.end_time >= span.start_time for span in finished)


def test_without_opentelemetry_nothing_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    original = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return original(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert _observing._tracer.__wrapped__() is None


def test_without_hooks_and_tracer_nobody_is_told(
    connect: Connect, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_observing, "_tracer", lambda: None)
    told: list[Exchange] = []
    settle(connect(hooks=[told.append]).products.list().page())
    known = len(told)
    silent = connect()
    assert settle(silent.products.list().page()).rows
    assert len(told) == known


def test_other_records_of_httpx_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger("httpx").info("%(what)s", {"what": "something else"})
    assert "something else" in caplog.text


def test_a_call_shows_its_operation_and_no_parameters() -> None:
    call = Call("tslExport", "GET", "/v2/tslFile", lambda body: body, params=(("productKey", "p1"),))
    assert repr(call) == "Call(tslExport, GET /v2/tslFile)"
