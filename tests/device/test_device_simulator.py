"""Simulated devices against a cloud on a real socket."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from device.cloud_peer import DS, PK, PS, CloudPeer
from device.peer import SocketCloud, until
from mooring.device import Fleet, Happening, Kind, Scenario, Simulator, Timing, read_scenario
from mooring.protocol import commands
from mooring.protocol.commands import call_service
from mooring.protocol.ttlv import Field

SAMPLES = Path(__file__).parents[2] / "contract/tsl-samples"
PLUG: dict[str, Any] = json.loads((SAMPLES / "smart-plug.json").read_text())
QUICK = Timing(retry_least_s=0.0, retry_most_s=0.01, anew_s=0.0)
KEY = "SIM0001"


class Run:
    """A simulator at work, and what it told."""

    def __init__(
        self, cloud: SocketCloud, *, scenario: str = "", keys: tuple[str, ...] = (KEY,), **options: Any
    ) -> None:
        self.told: list[Happening] = []
        found = read_scenario(scenario) if scenario else Scenario()
        options = {"model": PLUG, "seed": "1", "timing": QUICK, **options}
        fleet = Fleet(PK, PS, keys, port=cloud.port, scenario=found, **options)
        self.simulator = Simulator(fleet, self.told.append)

    def of(self, kind: Kind) -> list[Happening]:
        return [happening for happening in self.told if happening.kind is kind]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Run"]:
        task = asyncio.create_task(self.simulator.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_many_devices_connect_and_report() -> None:
    keys = tuple(f"SIM{number:04}" for number in range(30))
    async with SocketCloud() as cloud, Run(cloud, keys=keys).running() as run:
        await until(lambda: len(run.of(Kind.REPORTED)) == 30)
        assert {happening.device_key for happening in run.of(Kind.CONNECTED)} == set(keys)
        assert run.simulator.ever_connected == 30
        assert len({str(happening.values) for happening in run.of(Kind.REPORTED)}) == 30


async def test_writes_reads_and_services() -> None:
    async with SocketCloud() as cloud, Run(cloud).running() as run:
        await until(lambda: run.of(Kind.REPORTED))
        cloud.send(commands.WriteProperties([Field(7, Decimal(42))]))
        await until(lambda: commands.Report([Field(7, Decimal(42))]) in cloud.sent(commands.Report))
        cloud.send(commands.ReadProperties((7, 9)))
        [answer] = await until(lambda: cloud.sent(commands.ReadResponse))
        assert [field.id for field in answer.fields] == [7, 9]
        assert answer.fields[0].value == 42
        cloud.send(call_service(13, []))
        await until(lambda: any(report.fields[0].id == 13 for report in cloud.sent(commands.Report)))
        cloud.send(commands.PassThroughDown(b"\x01\x02"))
        cloud.send(commands.LocationRequest(("GGA",)))
        await until(lambda: cloud.sent(commands.LocationResponse))
        cloud.send(commands.ExceptionNotice(10428))
        await until(lambda: run.of(Kind.NOTICE))
    assert [happening.values for happening in run.of(Kind.WRITTEN)] == [{"countdown": 42}]
    assert [happening.text for happening in run.of(Kind.READ)] == ["countdown, label"]
    assert [happening.text for happening in run.of(Kind.SERVICE)] == ["reset_energy"]
    assert [happening.text for happening in run.of(Kind.RAW)] == ["0102"]


async def test_a_scenario_is_played() -> None:
    scenario = """
        [report]
        interval = 0.1
        [[event]]
        code = "countdown_done"
        every = 0.1
        [[offline]]
        at = 0.3
        lasts = 0.1
        [location]
        track = [[31, 121], [32, 122]]
        interval = 0.1
    """
    async with SocketCloud() as cloud, Run(cloud, scenario=scenario).running() as run:
        await until(lambda: len(run.of(Kind.CONNECTED)) == 2)
        await until(lambda: run.of(Kind.EVENT))
        await until(lambda: run.of(Kind.LOCATED))
        assert [happening.kind for happening in run.told if happening.kind in (Kind.OFFLINE, Kind.CONNECTED)] == [
            Kind.CONNECTED,
            Kind.OFFLINE,
            Kind.CONNECTED,
        ]


async def test_a_refusal_is_told_with_its_code_and_advice() -> None:
    async with SocketCloud(lambda: CloudPeer(refusal=10423)) as cloud, Run(cloud).running() as run:
        await until(lambda: run.of(Kind.REFUSED))
        assert run.simulator.ever_connected == 0
    [refused] = run.of(Kind.REFUSED)
    assert (refused.code, refused.text) == (10423, "the product is not known")
    assert "product secret" in refused.advice


async def test_it_ends_when_the_cloud_bars_every_device() -> None:
    async with SocketCloud(lambda: CloudPeer(connack=5)) as cloud:
        run = Run(cloud, keys=("SIM0001", "SIM0002"))
        await run.simulator.run()
    assert [happening.code for happening in run.of(Kind.REFUSED)] == [10430, 10430]


async def test_secrets_are_kept_for_the_next_run(tmp_path: Path) -> None:
    async with SocketCloud() as cloud:
        for _ in range(2):
            async with Run(cloud, secrets_dir=tmp_path).running() as run:
                await until(partial(run.of, Kind.CONNECTED))
        assert [peer.step for peer in cloud.peers] == [0, 1]
    assert os.listdir(tmp_path) == [f"qd{PK}{KEY}.json"]


async def test_a_broken_connection_is_told_and_mended() -> None:
    async with SocketCloud() as cloud, Run(cloud).running() as run:
        await until(lambda: run.of(Kind.REPORTED))
        cloud.drop()
        await until(lambda: len(run.of(Kind.CONNECTED)) == 2)
    assert next(happening.code for happening in run.of(Kind.DISCONNECTED)) == 10474


def test_nothing_shows_a_secret() -> None:
    assert PS not in repr(Fleet(PK, PS, ["SIM0001"], device_secrets={"SIM0001": DS}))
