"""`kill -9` of the server under load, and a start on the same data: nothing that was acknowledged is missing."""

import itertools
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from faults.history import History, check_everything_acknowledged_is_kept, loaded, static_devices
from served import EVENTS, WRITE, Served, serving

ROUNDS = 3
ACKNOWLEDGED = 1_500  # before each kill
STEADY, FAST, ASLEEP = 30, 6, 4
KEYS = [f"DK{number:05}" for number in range(STEADY + FAST)]
SLEEPERS = [f"ZZ{number:05}" for number in range(ASLEEP)]
WINDOWS = {key: 1 if number < STEADY else 16 for number, key in enumerate(KEYS)}
FINAL = {"delivered", "answered", "reported", "failed", "expired"}


def command_until_the_end(cloud: Served, history: History, numbers: Iterator[int], wanted: int) -> dict[str, int]:
    """Write to one device after another until so many uplinks are acknowledged: the number written, by ticket."""
    sent: dict[str, int] = {}
    for key in itertools.cycle(KEYS):
        if history.size >= wanted:
            return sent
        number = next(numbers)
        answer = cloud.post(
            WRITE,
            {
                "productKey": cloud.product_key,
                "devices": [key],
                "data": f'[{{"countdown":"{number}"}}]',
                "isCache": number % 2 == 0,
            },
        )
        if answer["code"] == 200 and answer["data"][0]["ticket"]:
            sent[answer["data"][0]["ticket"]] = number
        time.sleep(0.01)
    raise AssertionError


def test_rounds_of_kill_9_under_load(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    history = History(tmp_path / "history")
    data = tmp_path / "data"
    numbers = itertools.count(1)
    written: dict[str, int] = {}
    with serving(data, *arguments) as cloud:
        secrets = static_devices(cloud, KEYS)
        sleepers = static_devices(cloud, SLEEPERS)
    for turn in range(ROUNDS):
        with serving(data, *arguments) as cloud, loaded(cloud, history, secrets, turn * 1_000_000, WINDOWS) as load:
            cached = {key: cloud.send(WRITE, key, f'[{{"countdown":"{turn}"}}]', isCache=True) for key in SLEEPERS}
            written |= command_until_the_end(cloud, history, numbers, (turn + 1) * ACKNOWLEDGED)
            assert history.connected == set(KEYS)
            cloud.running.process.kill()
            cloud.running.stopped = cloud.running.process.wait()
            load.wait(60)
        with serving(data, *arguments) as cloud:
            check_everything_acknowledged_is_kept(cloud, history)
            check_nobody_is_shown_online(cloud, turn + 1)
            check_commands(cloud, history, written)
            assert {cloud.timeline(ticket)["state"] for ticket in cached.values()} == {"cached"}
            awake = History(tmp_path / f"awake{turn}")
            with loaded(cloud, awake, sleepers, turn * 1_000_000, dict.fromkeys(SLEEPERS, 1)):
                for ticket in cached.values():
                    cloud.becomes(ticket, "delivered")
            assert awake.of("C") == {key: [turn] for key in SLEEPERS}
    if not arguments:
        with sqlite3.connect(data / "mooring.sqlite3") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


def check_nobody_is_shown_online(cloud: Served, ends: int) -> None:
    for key in KEYS:
        assert cloud.detail(key)["deviceStatus"] == 0
        codes = [row["eventCode"] for row in cloud.rows(EVENTS, key)]
        assert codes == ["offline", "online"] * ends


def check_commands(cloud: Served, history: History, written: dict[str, int]) -> None:
    """Each command whose call was answered is there; what is said of it is what the device saw."""
    received = {number for numbers in history.of("C").values() for number in numbers}
    for ticket, number in written.items():
        timeline = cloud.timeline(ticket)
        assert timeline["state"] in FINAL | {"cached"}, timeline
        if timeline["delivered_at"] is not None:
            assert number in received, timeline
        if timeline["state"] == "failed":
            assert timeline["failure"]
