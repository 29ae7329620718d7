"""The data directory is full: clear errors, nothing confirmed that is not stored, no corruption, and it goes on.

The directory is on a tmpfs of a few megabytes, which only root may mount.
"""

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.devices import confirmed, enter, report_power, reported
from faults.history import static_devices
from gateway.peer import Peer
from served import DATA, WRITE, Served, eventually, serving

MEGABYTES = 8
LEFT, FREED = 200_000, 2_000_000  # bytes
KEY = "DK00001"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "mooring-test", str(disk)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        if os.environ.get("CI"):
            pytest.fail(f"cannot mount a tmpfs, which this test needs root for: {mounted.stderr}")
        pytest.skip(f"cannot mount a tmpfs: {mounted.stderr}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is but a little."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4_096))
    free(ballast, LEFT)
    return ballast


def free(ballast: Path, size: int) -> None:
    os.truncate(ballast, ballast.stat().st_size - size)


async def test_a_disk_that_fills_up_and_gets_room_again(small_disk: Path, tmp_path: Path) -> None:
    data = small_disk / "data"
    acknowledged: list[int] = []
    with serving(data) as cloud:
        secrets = static_devices(cloud, [KEY])
        async with Peer.open(cloud.running.mqtt_port, cloud.client_id(KEY)) as peer:
            await enter(peer, cloud, secrets[KEY])
            ballast = fill(small_disk)
            number = 0
            while True:
                number += 1
                packet_id, packet = report_power(peer, number)
                if not await confirmed(peer, packet_id, 3):
                    break
                acknowledged.append(number)
            peer.raw(packet)
            assert not await confirmed(peer, packet_id, 3)
            check_it_says_so(cloud)
            assert reported(cloud, KEY) == [str(number) for number in acknowledged]
            assert acknowledged
            free(ballast, FREED)
            peer.raw(packet)
            assert await confirmed(peer, packet_id, 20)
            acknowledged.append(number)
            eventually(lambda: cloud.post(WRITE, write(cloud))["code"] == 200)
        await asyncio.to_thread(cloud.reaches, KEY, 0)
    with sqlite3.connect(data / "mooring.sqlite3") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    with serving(data) as cloud:
        assert reported(cloud, KEY) == [str(number) for number in acknowledged]
        assert cloud.values(KEY)["power"] == str(acknowledged[-1])
        assert "disk" not in cloud.running.logs()


def write(cloud: Served) -> dict[str, object]:
    return {"productKey": cloud.product_key, "devices": [KEY], "data": '[{"relay":"true"}]'}


def check_it_says_so(cloud: Served) -> None:
    answer = cloud.post(WRITE, write(cloud))
    assert (answer["code"], "data" in answer) == (70000, False)
    assert cloud.get(DATA, deviceKey=KEY)["code"] == 200
    # More than one when a small commit fitted in between.
    told, *_ = [json.loads(line) for line in cloud.running.logs().splitlines() if "journal cannot commit" in line]
    assert "disk is full" in told["error"]
    assert "Traceback" not in cloud.running.logs()
    assert cloud.running.process.poll() is None
