"""The demo: `mooring up --demo` with its devices, and the walk of `mooring demo`."""

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from demo_account import DemoAccount
from up import mooring_up

LOCATION = "/v2/deviceshadow/r1/openapi/device/getlocation"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def command(data: Path) -> list[str]:
    return [sys.executable, "-m", "mooring", "demo", "--data", str(data), "--http-port", "0"]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOORING_")}
    return {**kept, "COLUMNS": "200"}


def demo(data: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*command(data), "--once"], capture_output=True, text=True, timeout=120, env=environment())


async def test_when_it_is_ready_its_devices_are_online_and_have_reported(data: Path) -> None:
    with mooring_up(data, "--demo"):
        assert stat.S_IMODE((data / "demo.json").stat().st_mode) == 0o600
        async with DemoAccount(data) as account:
            named = [
                (product["product_key"], device["device_key"], device)
                for product in account.document["products"]
                for device in product["devices"]
            ]
            assert len(named) == 5
            for product_key, device_key, device in named:
                assert device == {"device_key": device_key, "device_secret": None, "simulated": True}
                assert (await account.manage("GET", f"/devices/{product_key}/{device_key}"))["online"]


def test_json_is_one_line_on_standard_output_and_the_walk_beside_it(data: Path) -> None:
    run = subprocess.run(
        [*command(data), "--once", "--json"], capture_output=True, text=True, timeout=120, env=environment(), check=True
    )
    assert [json.loads(line) for line in run.stdout.splitlines()] == [json.loads((data / "demo.json").read_text())]
    assert "Log in" in run.stderr


async def test_its_devices_obey_and_move(data: Path) -> None:
    with mooring_up(data, "--demo"):
        async with DemoAccount(data) as account:
            plug, tracker = (account.product(name)["product_key"] for name in ("Smart plug", "Asset tracker"))
            row = await account.send("writeData", plug, "PLUG0001", [{"countdown": "120"}])
            await account.command(row["ticket"], "reported")
            found = await account.eventually_get(LOCATION, productKey=tracker, deviceKey="TRACKER0001")
            assert (round(found["wgsLat"], 1), round(found["wgsLng"], 1)) == (31.2, 121.5)


async def test_a_restart_finds_the_same_devices_by_their_secrets(data: Path) -> None:
    with mooring_up(data, "--demo") as running:
        before = json.loads((data / "demo.json").read_text())["products"]
    assert "not online" not in running.logs()
    with mooring_up(data, "--demo") as running:
        async with DemoAccount(data) as account:
            assert account.document["products"] == before
            shown = await account.manage("GET", f"/devices/{account.product('Smart plug')['product_key']}/PLUG0001")
            assert (shown["online"], shown["secret_confirmed"]) == (True, True)
        assert await asyncio.to_thread(running.stop) == 0
    assert "a device of the demo" not in running.logs()


def test_the_walk_shows_a_device_from_connection_to_timeline_and_can_be_repeated(data: Path) -> None:
    ended = demo(data)
    assert (ended.returncode, ended.stderr) == (0, "")
    out = ended.stdout
    story = [
        r"\$ mooring device run --product",
        "device │ .* GUIDE0001  authenticated",
        "device │ .* GUIDE0001  reported .* power=",
        '"deviceStatus": 1',
        "POST /v2/deviceshadow/r3/openapi/dm/writeData",
        "device │ .* GUIDE0001  written .* relay=",
        "GET /manage/v1/commands/",
        '"state": "reported"',
        "delivered .* ms",
        '"cmd": "0013"',
        "POST /v2/deviceshadow/r3/openapi/dm/readData",
        '"cmd": "0012"',
        "POST /v2/deviceshadow/r3/openapi/dm/sendServiceData",
        "answered .* ms",
        '"eventCode": "overload"',
        '"code": 61002',
        '"wgsLat": 31.2',
        '"code": 91005',
        '"code": 91007',
        "Mooring is up",
    ]
    at = 0
    for line in story:
        found = re.compile(line).search(out, at)
        assert found is not None, (line, out[at:])
        at = found.end()
    again = demo(data)
    assert (again.returncode, "Guide smart plug 2" in again.stdout) == (0, True)


def test_the_walk_ends_with_the_exit_code_of_a_server_that_does_not_start(data: Path) -> None:
    with mooring_up(data):
        pass
    ended = demo(data)
    assert (ended.returncode, "empty data directory" in ended.stderr) == (17, True)


@pytest.mark.parametrize(
    ("at", "number", "code"),
    [("Ctrl-C stops it", signal.SIGTERM, 0), ("reported", signal.SIGINT, 1)],
)
def test_a_signal_ends_it_with_everything_that_it_started(data: Path, at: str, number: int, code: int) -> None:
    process = subprocess.Popen(
        command(data), stdout=subprocess.PIPE, text=True, env=environment(), start_new_session=True
    )
    watchdog = threading.Timer(120, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    try:
        assert process.stdout is not None
        with process.stdout as lines:
            assert any(at in line for line in lines)
            process.send_signal(number)
            lines.read()
        assert process.wait() == code
        with pytest.raises(ProcessLookupError):  # nobody of its group is left
            os.killpg(process.pid, 0)
    finally:
        watchdog.cancel()
