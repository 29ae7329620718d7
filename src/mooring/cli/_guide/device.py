"""A simulated device connects, reports and is controlled, and the platform shows every step of it."""

import json
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from mooring.cli._process import DeviceRun

from .account import SAMPLE, Made
from .talk import PATIENCE_S, GuideFailed, Talk

__all__ = ["control"]

_KEY = "GUIDE0001"
_SCENARIO = """\
[report]
interval = 1                    # seconds between reports

[[event]]
code = "overload"
every = 3                       # seconds
outputs = { limit = 3000 }

[service.reset_energy]
outputs = { energy_total = 0 }
"""
_SHADOW = "/v2/deviceshadow/r3/openapi/dm"
_DETAIL = "/v2/devicemgr/r3/openapi/device/detail"
_HISTORY = "/v2/quecdatastorage/r1/openapi/device/data/history"
_EVENTS = "/v2/quecdatastorage/r1/openapi/device/eventdata/history"
_LOCATION = "/v2/deviceshadow/r1/openapi/device/getlocation"
_FAULT = "5"  # eventType of an event of level ERROR
_DOWN = "2"  # direction
_OFFLINE = 61002
_TRACKER = "Asset tracker"


def control(talk: Talk, made: Made) -> None:
    """Walk the chapter. Raises GuideFailed."""
    chapter = _Chapter(talk, made)
    with _plug(talk, made) as plug:
        chapter.connect(plug)
        chapter.write(plug)
        chapter.read(plug)
        chapter.call_service(plug)
        chapter.look_for_an_event(plug)
        chapter.leave(plug)
    _position(talk, made)


@contextmanager
def _plug(talk: Talk, made: Made) -> Iterator[DeviceRun]:
    talk.step("A device connects: a simulated smart plug, by MQTT")
    mqtt = talk.demo["mqtt"]
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "plug.toml"
        scenario.write_text(_SCENARIO)
        shown = ["--product", made.product_key, "--tsl", SAMPLE, "--device-key", _KEY]
        shown += ["--host", mqtt["host"], "--port", str(mqtt["port"])]
        talk.quote(f"$ mooring device run {shlex.join(shown)} --scenario plug.toml")
        talk.code(_SCENARIO.rstrip(), "toml")
        hidden = ["--scenario", str(scenario), "--secrets-dir", folder, "--seed", "guide"]
        with DeviceRun([*shown, *hidden], made.product_secret) as run:
            yield run


class _Chapter:
    """What is asked of the plug, and what it is asked with."""

    def __init__(self, talk: Talk, made: Made) -> None:
        self._talk = talk
        self._keys = {"productKey": made.product_key, "deviceKey": _KEY}
        self._path = f"/devices/{made.product_key}/{_KEY}"

    def connect(self, plug: DeviceRun) -> None:
        self._listen(plug, "reported")
        self._talk.step("Call the OpenAPI: the device is online")
        if self._talk.get(_DETAIL, self._keys)["data"]["deviceStatus"] != 1:
            raise GuideFailed("the device is not shown online")
        self._talk.step("Its newest values")
        self._talk.show(self._values())

    def write(self, plug: DeviceRun) -> None:
        talk = self._talk
        wanted = not self._values()["relay"]
        talk.step(f"Switch it {'on' if wanted else 'off'}: writeData")
        ticket = self._send("writeData", [{"relay": str(wanted).lower()}])
        self._listen(plug, "written")
        talk.step("The timeline of that command")
        self._show_timeline(self._command(ticket, "reported"))
        talk.say("Each step has its proof: published the wire, delivered a PUBACK, reported the value that was set.")
        talk.step("The newest value, and the data log with the ticket")
        if self._values()["relay"] is not wanted:
            raise GuideFailed("the relay was not switched")
        talk.show({"relay": wanted})
        talk.get(_HISTORY, {**self._keys, "direction": _DOWN, "pageSize": "1"})

    def read(self, plug: DeviceRun) -> None:
        talk = self._talk
        talk.step("Ask it for values: readData")
        ticket = self._send("readData", ["power", "voltage"])
        self._listen(plug, "read")
        self._command(ticket, "answered")
        talk.say("The answer is in the data log, under the ticket of the question:")
        rows = talk.get(_HISTORY, {**self._keys, "pageSize": "100"}, quiet=True)["data"]
        talk.show([_some(row, "cmd", "direction", "ticket", "dmData") for row in rows if row["ticket"] == ticket])

    def call_service(self, plug: DeviceRun) -> None:
        self._talk.step("Call a service: sendServiceData")
        ticket = self._send("sendServiceData", [{"reset_energy": []}])
        self._listen(plug, "service")
        command = self._command(ticket, "answered")
        self._show_timeline(command)
        self._talk.say(f"output: {command['output']}")

    def look_for_an_event(self, plug: DeviceRun) -> None:
        talk = self._talk
        talk.step("An event of the thing model")
        self._listen(plug, "event")
        params = {**self._keys, "eventType": _FAULT, "pageSize": "1"}
        talk.wait("the event", lambda: talk.get(_EVENTS, params, quiet=True)["data"])
        talk.get(_EVENTS, params)

    def leave(self, plug: DeviceRun) -> None:
        talk = self._talk
        talk.step("The device loses its power, and a command says so")
        plug.stop()
        talk.wait("offline", lambda: talk.get(_DETAIL, self._keys, quiet=True)["data"]["deviceStatus"] == 0)
        self._send("writeData", [{"relay": "true"}], code=_OFFLINE)

    def _send(self, operation: str, data: object, *, code: int = 200) -> str:
        body = {"productKey": self._keys["productKey"], "devices": [_KEY], "data": json.dumps(data)}
        row = self._talk.post(f"{_SHADOW}/{operation}", body)["data"][0]
        if row["code"] != code:
            raise GuideFailed(f"{operation} answered {row['code']} {row['message']} for the device, not {code}")
        return str(row["ticket"])

    def _listen(self, plug: DeviceRun, what: str) -> None:
        """Show what the device says until it says this."""
        for line in plug.until(what, PATIENCE_S):
            self._talk.quote(f"  device │ {line}")

    def _values(self) -> dict[str, Any]:
        properties = self._talk.ask("GET", f"{self._path}/values", quiet=True)["properties"]
        return {item["code"]: item["value"] for item in properties if item["at"] is not None}

    def _command(self, ticket: str, state: str) -> dict[str, Any]:
        path = f"/commands/{ticket}"

        def look() -> bool:
            found = self._talk.ask("GET", path, quiet=True)
            if found["state"] in ("failed", "expired"):
                raise GuideFailed(f"command {ticket} has {found['state']}: {found['failure']}")
            return bool(found["state"] == state)

        self._talk.wait(f"command {ticket} {state}", look)
        return self._talk.ask("GET", path)

    def _show_timeline(self, command: Mapping[str, Any]) -> None:
        table = Table("step", "UTC", "after")
        began = command["accepted_at"]
        for step in ("accepted", "cached", "published", "delivered", "answered", "reported"):
            at = command[f"{step}_at"]
            if at is not None:
                table.add_row(step, f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S.%f}"[:-3], f"{at - began} ms")
        self._talk.console.print(table)


def _position(talk: Talk, made: Made) -> None:
    """The demo account has a device that moves; its application is another one."""
    talk.step("A position: where the tracker of the demo account is")
    demo = talk.demo
    tracker = next(product for product in demo["products"] if product["name"] == _TRACKER)
    keys = {"productKey": tracker["product_key"], "deviceKey": tracker["devices"][0]["device_key"]}
    talk.say("With the AccessKey of the demo application; to the guide's own application this product is closed:")
    talk.get(_LOCATION, {**keys, "language": "EN"}, code=70089)
    talk.log_in(demo["access_key"], demo["access_secret"], quiet=True)
    talk.wait("a position", lambda: talk.get(_LOCATION, keys, quiet=True)["data"])
    talk.get(_LOCATION, keys)
    talk.log_in(made.access_key, made.access_secret, quiet=True)


def _some(row: Mapping[str, Any], *members: str) -> dict[str, Any]:
    return {name: row[name] for name in members}
