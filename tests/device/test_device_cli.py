"""`mooring device run` as a process of its own, against a cloud on a real socket."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import in_process
from device.cloud_peer import DS, PK, PS, CloudPeer
from device.peer import SocketCloud, until

PATIENCE_S = 30


class Process:
    """The command; its lines come in while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []
        self._reader = asyncio.create_task(self._read())

    @classmethod
    @contextlib.asynccontextmanager
    async def start(
        cls, folder: Path, cloud: SocketCloud, *arguments: str, secret: str = PS
    ) -> AsyncIterator["Process"]:
        command = ["-m", "mooring", "device", "run", "--port", str(cloud.port), *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOORING_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=folder,
            env={**environment, "MOORING_PRODUCT_SECRET": secret},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        run = cls(process)
        try:
            yield run
        finally:
            if process.returncode is None:
                process.kill()
            await run.end()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode().rstrip())

    async def end(self, number: int | None = None) -> int:
        if number is not None:
            self._process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            code = await self._process.wait()
            await self._reader
        return code

    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def has(self, word: str) -> bool:
        return any(word in line for line in self.lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_run_tells_what_happens_and_ends_cleanly(tmp_path: Path, number: int) -> None:
    arguments = ("--product", PK, "--tsl", "smart-plug", "--count", "2")
    async with SocketCloud() as cloud, Process.start(tmp_path, cloud, *arguments) as run:
        await until(lambda: len([line for line in run.lines if "reported" in line]) == 2)
        assert await run.end(number) == 0, run.lines
    assert run.has("SIM0001  connected")
    assert run.has("SIM0002  authenticated")
    assert run.has("voltage=")
    assert not run.has(DS)
    assert len(os.listdir(tmp_path / "mooring-devices")) == 2


async def test_json_lines(tmp_path: Path) -> None:
    arguments = ("--product", PK, "--tsl", "smart-plug", "--device-key", "PLUG0001", "--json", "--seed", "7")
    async with SocketCloud() as cloud, Process.start(tmp_path, cloud, *arguments) as run:
        await until(lambda: run.has("reported"))
        assert await run.end(signal.SIGTERM) == 0
    happened = run.json()
    assert [line["what"] for line in happened[:3]] == ["authenticated", "connected", "reported"]
    assert {line["device_key"] for line in happened} == {"PLUG0001"}
    assert isinstance(happened[2]["values"]["power"], float)


async def test_a_refusal_names_code_meaning_and_advice_and_the_exit_code_is_1(tmp_path: Path) -> None:
    async with (
        SocketCloud(lambda: CloudPeer(connack=4)) as cloud,
        Process.start(tmp_path, cloud, "--product", PK) as run,
    ):
        assert await run.end() == 1
    assert run.has("refused       10430 product, device and secret do not fit, or the device is disabled (CONNACK 4)")
    assert run.has("Check that the device is enabled")


async def test_a_server_that_is_not_there_gives_exit_code_1(tmp_path: Path) -> None:
    async with SocketCloud() as cloud:
        pass
    async with Process.start(tmp_path, cloud, "--product", PK) as run:
        await until(lambda: run.has("10450"))
        assert await run.end(signal.SIGINT) == 1


async def test_the_demo_file_names_product_secret_and_server(tmp_path: Path) -> None:
    async with SocketCloud() as cloud:
        product = {"product_key": PK, "product_secret": PS, "name": "Plug", "data_format": 3, "devices": []}
        document = {"mqtt": {"host": "127.0.0.1", "port": cloud.port}, "products": [product]}
        (tmp_path / "demo.json").write_text(json.dumps(document))
        async with Process.start(tmp_path, cloud, "--demo-file", "demo.json", "--product", "Plug") as run:
            await until(lambda: run.has("connected"))
            assert await run.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "give --product, or --demo-file"),
        (("--product", PK, "--device-key", "a b"), "'a b' is no device key"),
        (("--product", PK, "--tsl", "missing.json"), "thing model missing.json: No such file"),
        (("--product", PK, "--tsl", "bad.json"), "thing model bad.json: Input data was truncated"),
        (("--product", PK, "--tsl", "empty.json"), "empty.json is no valid thing model: profile"),
        (("--product", PK, "--scenario", "bad.toml"), "scenario: report.interval"),
        (("--product", PK, "--scenario", "other.toml", "--tsl", "smart-plug"), "scenario: values.powr"),
        (("--product", PK, "--interval", "0"), "--interval is above 0"),
        (("--product", PK, "--secret-file", "missing"), "secret file missing: No such file"),
        (("--product", PK, "--ca", "bad.json"), "bad.json holds no certificates"),
        (("--demo-file", "demo.json", "--product", "Other"), "demo.json has no such product; it has Plug"),
        (("--demo-file", "demo.json"), "demo.json names no MQTT server"),
    ],
)
def test_wrong_input_is_named_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], reason: str
) -> None:
    product = {"product_key": PK, "product_secret": PS, "name": "Plug", "data_format": 3}
    files = {
        "bad.json": "{",
        "empty.json": "{}",
        "bad.toml": "[report]\ninterval = 0",
        "other.toml": "[values.powr]\nkind = 'walk'",
        "demo.json": json.dumps({"products": [product]}),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    run = in_process("device", "run", *arguments, env={"MOORING_PRODUCT_SECRET": PS})
    assert (run.code, run.out) == (2, "")
    assert reason in run.err
    assert PS not in run.err


def test_no_secret_is_an_argument() -> None:
    for option in ("--secret", "--gateway-secret"):
        assert "No such option" in in_process("device", "run", option, PS, code=2, env={"COLUMNS": "120"}).err


async def test_a_secret_file_goes_before_the_variable(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{PS}\n")
    arguments = ("--product", PK, "--secret-file", "secret")
    async with SocketCloud() as cloud, Process.start(tmp_path, cloud, *arguments, secret="another") as run:
        await until(lambda: run.has("connected"))
        assert await run.end(signal.SIGTERM) == 0
