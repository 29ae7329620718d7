"""An orderly restart under load, and devices of the SDK that find their way back."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cloud import sample
from databases import new_database
from faults.history import History, check_everything_acknowledged_is_kept, loaded, static_devices
from mooring.device import Device, DeviceError, Timing
from served import DATA, EVENTS, WRITE, Served, eventually, serving

KEYS = [f"DK{number:05}" for number in range(20)]
QUICK = Timing(retry_least_s=0.05, retry_most_s=0.1, rest_s=0.2)


@pytest.fixture(params=["sqlite", "postgresql"])
def arguments(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    """Where the server keeps its data, and a port that it can have again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield ("--mqtt-port", port)
        else:
            url = stack.enter_context(new_database(request.getfixturevalue("postgres_server_url")))
            yield ("--mqtt-port", port, "--store", url)


def test_sigterm_under_load_loses_nothing_and_leaves_nobody_online(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    history = History(tmp_path / "history")
    data = tmp_path / "data"
    with serving(data, *arguments) as cloud:
        secrets = static_devices(cloud, KEYS)
        with loaded(cloud, history, secrets, 0, dict.fromkeys(KEYS, 4)) as load:
            eventually(lambda: history.size > 1_000)
            assert cloud.running.stop() == 0
            load.wait(60)
        told = [line for line in cloud.running.logs().splitlines() if '"level": "error"' in line]
        assert told == []
    with serving(data, *arguments) as cloud:
        check_everything_acknowledged_is_kept(cloud, history)
        for key in KEYS:
            assert cloud.detail(key)["deviceStatus"] == 0
            assert [row["eventCode"] for row in cloud.rows(EVENTS, key)] == ["offline", "online"]
        assert "set offline" not in cloud.running.logs()


async def test_devices_of_the_sdk_come_back_by_themselves(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    data, key = tmp_path / "data", "DK00001"
    with ExitStack() as stack:
        cloud = await asyncio.to_thread(stack.enter_context, serving(data, *arguments))
        device = Device(
            cloud.product_key,
            cloud.product_secret,
            key,
            port=cloud.running.mqtt_port,
            secret_file=tmp_path / "secret",
            model=sample("smart-plug"),
            timing=QUICK,
        )
        async with device:
            await device.report({"power": 1})
            assert await asyncio.to_thread(cloud.running.stop) == 0
            with pytest.raises(DeviceError):
                await device.report({"power": 2})
            await asyncio.to_thread(stack.close)
            cloud = await asyncio.to_thread(stack.enter_context, serving(data, *arguments))
            waiting = await asyncio.to_thread(cloud.send, WRITE, key, '[{"relay":"true"}]', isCache=True)
            await asyncio.to_thread(cloud.reaches, key, 1)
            await device.report({"power": 3})
            await asyncio.to_thread(cloud.becomes, waiting, "reported")
            assert powers(cloud, key) == ["3", "1"]
        await asyncio.to_thread(cloud.reaches, key, 0)
        await asyncio.to_thread(stack.close)


def powers(cloud: Served, key: str) -> list[str]:
    """What was reported of the power, newest first."""
    rows = [json.loads(row["dmData"])[0] for row in cloud.rows(DATA, key, direction=1)]
    return [row["value"] for row in rows if row["id"] == 2]
