"""`mooring device run` as a user types it, against a running `mooring up --demo`."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from demo_account import PATIENCE_S, DemoAccount, eventually
from up import mooring_up

MANY = 500


class Simulator:
    """The command as a process; `happened` grows while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._reader = asyncio.create_task(self._read())
        self.happened: list[dict[str, Any]] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def run(cls, folder: Path, *arguments: str) -> AsyncIterator["Simulator"]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mooring", "device", "run", "--json", *arguments),
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("MOORING_")},
            stdout=asyncio.subprocess.PIPE,
        )
        simulator = cls(process)
        try:
            yield simulator
        finally:
            if process.returncode is None:
                process.kill()
            await simulator.end()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.happened.append(json.loads(line))

    async def end(self, number: int | None = None) -> int:
        """The exit code, after a signal when one is given."""
        if number is not None:
            self._process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            code = await self._process.wait()
            await self._reader
        return code

    def devices(self, what: str) -> set[str]:
        """To which devices it happened."""
        return {line["device_key"] for line in self.happened if line["what"] == what}

    async def all_have(self, what: str, count: int = 1) -> None:
        """Wait until it has happened to so many devices."""

        async def enough() -> bool:
            return len(self.devices(what)) >= count

        await eventually(enough)


async def test_a_simulated_device_reports_obeys_and_comes_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    arguments = ("--demo-file", str(data / "demo.json"), "--product", "Smart plug", "--tsl", "smart-plug")
    with mooring_up(data, "--demo"):
        async with DemoAccount(data) as account:
            key = account.product("Smart plug")["product_key"]
            async with Simulator.run(tmp_path, *arguments, "--device-key", "BENCH0001") as simulator:
                await simulator.all_have("reported")
                assert [line["what"] for line in simulator.happened[:3]] == ["authenticated", "connected", "reported"]
                assert (await account.send("writeData", key, "BENCH0001", [{"countdown": "77"}]))["code"] == 200
                assert (await account.send("readData", key, "BENCH0001", ["power"]))["code"] == 200
                assert (await account.send("sendServiceData", key, "BENCH0001", [{"reset_energy": []}]))["code"] == 200
                for what in ("written", "read", "service"):
                    await simulator.all_have(what)
                assert await simulator.end(signal.SIGTERM) == 0
            async with Simulator.run(tmp_path, *arguments, "--device-key", "BENCH0001") as again:
                await again.all_have("reported")
                assert "authenticated" not in {line["what"] for line in again.happened}


async def test_a_simulator_over_tls_trusts_the_certificate_that_the_server_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with mooring_up(data, "--demo", "--mqtts-port", "0") as running:
        demo = ("--demo-file", str(data / "demo.json"), "--product", "Asset tracker", "--tsl", "tracker")
        port = ("--port", str(running.mqtts_port))
        async with Simulator.run(tmp_path, *demo, *port, "--ca", str(data / "tls.crt")) as trusting:
            await trusting.all_have("reported")
        async with Simulator.run(tmp_path, *demo, *port, "--tls") as doubtful:
            await doubtful.all_have("disconnected")
            assert "certificate" in doubtful.happened[0]["text"]


async def test_500_devices_of_one_process_outlive_a_kill_of_the_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with mooring_up(data, "--demo") as running:
        port = str(running.mqtt_port)
        demo = ("--demo-file", str(data / "demo.json"), "--product", "Smart plug", "--tsl", "smart-plug")
        options = ("--port", port, "--count", str(MANY), "--prefix", "MANY", "--interval", "2")
        async with Simulator.run(tmp_path, *demo, *options) as simulator:
            await simulator.all_have("reported", MANY)
            assert simulator.devices("refused") == set()
            await asyncio.to_thread(running.stop, signal.SIGKILL)
            await simulator.all_have("disconnected", MANY)
            seen = len(simulator.happened)
            with mooring_up(data, "--demo", "--mqtt-port", port):

                async def back() -> bool:
                    later = simulator.happened[seen:]
                    return len({line["device_key"] for line in later if line["what"] == "reported"}) == MANY

                await eventually(back)
                async with DemoAccount(data) as account:
                    key = account.product("Smart plug")["product_key"]
                    found = await account.manage("GET", f"/products/{key}/devices", text="MANY", online="true")
                    assert found["total"] == MANY
                assert simulator.devices("refused") == set()
                assert await simulator.end(signal.SIGTERM) == 0
