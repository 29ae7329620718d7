"""product, device, trigger: against a demo with simulated devices."""

import csv
import io
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from cli.person import Demo, Person

PLUG = "PLUG0001"


@pytest.fixture
def plug(demo: Demo) -> str:
    """The key of the product of the plugs."""
    return demo.product("Smart plug")


def test_products_are_listed_and_shown(person: Person, demo: Demo, plug: str) -> None:
    names = {row["productKey"]: row["productName"] for row in person.ask("product", "ls")}
    assert names.items() >= {item["product_key"]: item["name"] for item in demo.document["products"]}.items()
    assert "Smart plug" in person.run("product", "ls").out
    assert "--limit" in person.run("product", "ls", "--limit", "1").err
    shown = person.run("product", "show", plug).out
    assert "Relay" in shown
    assert "countdown_done" in shown
    asked = person.ask("product", "show", plug)
    assert (asked["product"]["productKey"], len(asked["thing_model"]["events"])) == (plug, 2)
    transparent = person.ask("admin", "product", "create", "Raw", "--data-fmt", "0")["product_key"]
    person.run("admin", "app", "authorize-product", "Demo application", transparent)
    assert "thing model: none" in person.run("product", "show", transparent).out
    assert person.ask("device", "ls", transparent) == []
    assert "there is none" in person.run("device", "ls", transparent).err


def test_devices_are_listed_of_one_product_or_of_all(person: Person, plug: str) -> None:
    everything = {(row["productKey"], row["deviceKey"]) for row in person.ask("device", "ls")}
    assert len({product for product, _ in everything}) > 2
    assert {key for product, key in everything if product == plug} >= {PLUG, "PLUG0002"}
    [found] = person.ask("device", "ls", plug, "--key", PLUG, "--online")
    assert found["deviceKey"] == PLUG
    assert "Kitchen plug" in person.run("device", "ls", plug).out
    assert person.ask("device", "ls", plug, "--key", PLUG, "--offline") == []


@pytest.mark.parametrize("columns", ["40", "200"])
def test_a_device_is_shown_with_its_newest_values(person: Person, plug: str, columns: str) -> None:
    shown = person.run("device", "show", plug, PLUG, COLUMNS=columns).out
    for said in ("Kitchen plug", "online", "energy_total", "kWh"):
        assert said in shown
    values = person.ask("device", "show", plug, PLUG)["values"]
    assert isinstance(values["power"]["value"], float)
    assert values["power"]["time"] > 1_600_000_000_000


def test_a_position_is_shown(person: Person, demo: Demo) -> None:
    tracker = demo.product("Asset tracker")
    found = person.ask("device", "show", tracker, "TRACKER0001")
    assert found["device"]["deviceKey"] == "TRACKER0001"


def test_a_device_is_read_written_and_called(person: Person, plug: str) -> None:
    read = person.ask("device", "read", plug, PLUG, "relay", "power")
    assert (read["state"], set(read["values"])) == ("answered", {"relay", "power"})
    for state in ("true", "false"):
        run = person.run("device", "write", plug, PLUG, f"relay={state}", "countdown=90")
        assert re.search(rf"relay={state}\b", run.out)
        assert "waiting for the device" in run.err
    written = person.ask("device", "write", plug, PLUG, "--data", '{"relay": true, "label": "left"}')
    assert written["values"] == {"relay": True, "label": "left"}
    assert person.ask("device", "call", plug, PLUG, "reset_energy")["values"] is not None
    accepted = person.ask("device", "write", plug, PLUG, "relay=true", "--wait", "0")
    assert (accepted["state"], accepted["values"]) == ("accepted", None)
    assert "is accepted" in person.run("device", "read", plug, PLUG, "relay", "--wait", "0").out
    assert "is confirmed" in person.run("device", "send", plug, PLUG, "--hex", "00 ff").out
    assert "is accepted" in person.run("device", "send", plug, PLUG, "-", "--wait", "0", text="hello").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("write", "relay=7"), 1, "relay"),
        (("write", "nothing=7"), 1, "nothing"),
        (("write",), 2, "CODE=VALUE"),
        (("write", "--data", "[1]"), 2, "JSON object"),
        (("call", "nothing"), 1, "nothing"),
        (("send", "zz", "--hex"), 2, "hex digits"),
        (("read",), 2, "CODE"),
    ],
)
def test_what_the_model_does_not_allow_is_not_sent(
    person: Person, plug: str, words: tuple[str, ...], code: int, said: str
) -> None:
    run = person.run("device", words[0], plug, PLUG, *words[1:], code=code)
    assert said in run.err
    assert run.out == ""


def test_exit_codes_tell_why(person: Person, plug: str) -> None:
    person.run("device", "show", plug, "NOSUCHDEVICE", code=6)
    person.run("device", "watch", plug, "NOSUCHDEVICE", code=6)
    person.run("admin", "device", "add", plug, "OFFLINE1")
    refused = person.run("device", "write", plug, "OFFLINE1", "relay=true", code=7)
    assert "61002" in refused.err
    cached = person.run("device", "write", plug, "OFFLINE1", "relay=true", "--cache", "60", "--wait", "0.1", code=3)
    assert "not confirmed" in cached.err


def test_the_logs_of_a_device(person: Person, plug: str) -> None:
    person.run("device", "write", plug, PLUG, "countdown=33")
    shown = person.run("device", "history", plug, PLUG, "--since", "1h").out
    assert "countdown=33 s" in shown
    rows = person.ask("device", "history", plug, PLUG, "--limit", "2")
    assert len(rows) == 2
    assert rows[0]["createTime"] >= rows[1]["createTime"]
    assert "online" in person.run("device", "history", plug, PLUG, "--events").out
    assert person.ask("device", "history", plug, PLUG, "--until", "2020-01-01") == []
    person.run("device", "history", plug, PLUG, "--since", "yesterday", code=2)
    person.run("device", "send", plug, PLUG, "--hex", "beef")
    assert "be ef" in person.run("device", "history", plug, PLUG, "--since", "1h").out


def test_the_history_becomes_a_file(person: Person, plug: str, tmp_path: Path) -> None:
    person.run("device", "read", plug, PLUG, "power", "relay")
    run = person.run("device", "export", plug, PLUG, "--since", "1h")
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(run.out)))
    assert f"{len(rows)} report(s)" in run.err
    assert [row["time_ms"] for row in rows] == sorted(row["time_ms"] for row in rows)
    assert all(any(value for code, value in row.items() if not code.startswith("time")) for row in rows)
    target = tmp_path / "history.jsonl"
    told = person.ask("device", "export", plug, PLUG, "--since", "1h", "-o", target)
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert (told["reports"], told["file"]) == (len(lines), str(target))
    assert lines[0]["values"].keys() <= rows[0].keys()
    assert lines[0]["time"].endswith("Z")
    empty = person.run("device", "export", plug, PLUG, "--until", "2020-01-02", "--since", "2020-01-01")
    assert empty.out.startswith("time,time_ms,relay")
    assert "cannot write" in person.run("device", "export", plug, PLUG, "-o", tmp_path, code=1).err


def test_a_device_is_watched(person: Person, plug: str) -> None:
    lines = person.run("device", "watch", plug, PLUG, "--limit", "2", "--interval", "0.2").out.splitlines()
    assert len(lines) == 2
    assert all(re.search(r"\b[a-z_]+=", line) for line in lines)
    [found] = person.lines("device", "watch", plug, PLUG, "--limit", "1", "--interval", "0.2")
    assert found["values"]


def test_ctrl_c_ends_watching_well(person: Person, plug: str) -> None:
    with person.start("device", "watch", plug, PLUG, "--interval", "0.2", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["deviceKey"] == PLUG
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def test_a_virtual_device_is_made_to_do_things(person: Person, plug: str) -> None:
    first = person.run("trigger", "report", plug, "relay=true", "power=12.5")
    assert "making the virtual device" in first.err
    assert "has reported" in first.out
    second = person.run("trigger", "event", plug, "countdown_done")
    assert second.err == ""
    assert "has raised countdown_done" in second.out
    virtual = person.ask("admin", "virtual-device", "show", plug)["device"]["device_key"]
    assert person.ask("device", "show", plug, virtual)["values"]["power"]["value"] == 12.5
    assert "offline" in person.run("trigger", "offline", plug).out
    assert "connecting" in person.run("trigger", "online", plug).err
    assert person.ask("trigger", "report", plug, "power=1")["frame"]
    person.run("trigger", "report", plug, code=2)
    person.run("trigger", "report", plug, "nothing=1", code=1)
    person.run("trigger", "report", "p0none", "power=1", code=1)
