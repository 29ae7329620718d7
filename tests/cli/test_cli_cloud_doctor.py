"""doctor: each check when it holds, and what it says when it does not."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from cli.person import Demo, Person
from mooring.cli.cloud.checks import State, address, clock
from mooring.cli.cloud.checks_of_doors import mqtt

PACKAGES = ["product-and-device-management", "message-subscription", "end-user-management", "binding-management"]


def test_everything_is_well_with_the_demo(person: Person, demo: Demo) -> None:
    product = demo.product("Smart plug")
    found = person.ask("doctor", "--product", product, "--queue", "demo", "--mqtt", demo.mqtt)
    assert {entry["state"] for entry in found} == {"ok"}
    checks = ["profile", "address", "clock", "signature", *["package"] * 4, "product", "AMQP", "MQTT"]
    assert [entry["check"] for entry in found] == checks
    assert [entry["found"] for entry in found if entry["check"] == "package"] == PACKAGES


def test_people_read_how_to_mend_what_fails(person: Person) -> None:
    words = ["doctor", "--product", "nothing", "--queue", "none", "--mqtt", "127.0.0.1:1"]
    for columns in ("40", "120"):
        out = person.run(*words, code=1, COLUMNS=columns).out
        assert max(map(len, out.splitlines())) <= int(columns)
        text = " ".join(out.split())
        for said in ("authorize-product", "mooring queue list", "--mqtt HOST:PORT", "Connection refused"):
            assert said in text


def test_nothing_is_known_of_a_cloud(stranger: Person) -> None:
    [found] = stranger.ask("doctor", code=1)
    assert (found["check"], found["state"]) == ("profile", "failed")
    assert "mooring login" in found["found"]


@pytest.mark.parametrize(("key", "secret", "mend"), [(None, "wrong", "AccessSecret"), ("unknown", "any", "AccessKey")])
def test_a_refused_login_ends_what_needs_one(
    demo: Demo, stranger: Person, key: str | None, secret: str, mend: str
) -> None:
    found = stranger.ask(
        "doctor",
        "--mqtt",
        demo.mqtt,
        code=1,
        MOORING_ACCESS_KEY=key or demo.document["access_key"],
        MOORING_ACCESS_SECRET=secret,
        MOORING_BASE_URL=demo.document["base_url"],
    )
    assert [(entry["check"], entry["state"]) for entry in found[3:]] == [("signature", "failed"), ("MQTT", "ok")]
    assert mend in found[3]["mend"]


def test_a_package_and_a_product_that_are_not_authorized(demo: Demo, person: Person) -> None:
    made = person.ask("admin", "app", "create", "Doctor")
    person.run("admin", "app", "authorize-package", made["id"], PACKAGES[0])
    known = {
        "MOORING_ACCESS_KEY": made["access_key"],
        "MOORING_ACCESS_SECRET": made["access_secret"],
        "MOORING_BASE_URL": demo.document["base_url"],
    }
    found = person.ask("doctor", "--mqtt", demo.mqtt, **known)
    states = {entry["found"].split()[0]: entry for entry in found if entry["check"] == "package"}
    assert states[PACKAGES[0]]["state"] == "ok"
    for package in PACKAGES[1:]:
        assert states[package]["state"] == "warning"
        assert f"authorize-package APP {package}" in states[package]["mend"]
    assert next(entry for entry in found if entry["check"] == "product")["state"] == "warning"
    foreign = person.ask("doctor", "--product", demo.product("Smart plug"), "--mqtt", demo.mqtt, code=1, **known)
    assert next(entry for entry in foreign if entry["check"] == "product")["state"] == "failed"


class _Server(BaseHTTPRequestHandler):
    body = b""
    date: str | None = None

    def do_GET(self) -> None:
        self.send_response_only(200)
        if self.date is not None:
            self.send_header("Date", self.date)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        pass


@contextlib.contextmanager
def answering(body: bytes, off_s: float | None = 0) -> Iterator[str]:
    date = None if off_s is None else format_datetime(datetime.now(UTC) - timedelta(seconds=off_s), usegmt=True)
    handler = type("Handler", (_Server,), {"body": body, "date": date})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("off_s", "state", "said"),
    [
        (0, State.OK, "apart"),
        (120, State.WARNING, "ahead of"),
        (-3600, State.FAILED, "behind"),
        (None, State.SKIPPED, "no readable Date"),
    ],
)
def test_the_clock(off_s: float | None, state: State, said: str) -> None:
    with answering(b"{}", off_s) as url:
        found = clock(url)
    assert found.state is state
    assert said in found.found


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"code": null}'])
def test_another_server_at_the_address(body: bytes) -> None:
    with answering(body) as url:
        found = address(url)
    assert found.state is State.FAILED
    assert "not as this OpenAPI" in found.found


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_nobody_at_the_address(url: str) -> None:
    found = address(url)
    assert found.state is State.FAILED
    assert found.mend


def test_mqtt_is_asked_by_a_connect() -> None:
    with answering(b"{}") as url:
        assert "does not answer a CONNECT" in mqtt("http://x", url.removeprefix("http://")).found
    assert mqtt("https://cloud.example.com", None).state is State.SKIPPED
    assert "no HOST:PORT" in mqtt("http://x", "x:port").found
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert mqtt("http://x", f"127.0.0.1:{port}").state is State.FAILED
