"""PostgreSQL dies, or does not answer, and comes back: the server goes on, and confirms nothing meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from faults.devices import confirmed, enter, report_power, reported
from faults.history import static_devices
from faults.own_postgres import OwnPostgres, own_postgres
from gateway.peer import Peer
from served import DATA, WRITE, Served, eventually, serving

KEYS = [f"DK{number:05}" for number in range(8)]
RESENT_AFTER_S = 1.0  # less than a device waits (2 s), so that a test takes less


@pytest.fixture
def postgres() -> Iterator[OwnPostgres]:
    with own_postgres() as server:
        yield server


async def device(stack: AsyncExitStack, cloud: Served, secrets: dict[str, str], key: str) -> Peer:
    peer = await stack.enter_async_context(Peer.open(cloud.running.mqtt_port, cloud.client_id(key)))
    await enter(peer, cloud, secrets[key])
    return peer


async def test_postgres_is_killed_and_comes_back(tmp_path: Path, postgres: OwnPostgres) -> None:
    with serving(tmp_path / "data", "--store", postgres.url) as cloud:
        secrets = static_devices(cloud, KEYS)
        async with AsyncExitStack() as stack:
            peers = {key: await device(stack, cloud, secrets, key) for key in KEYS[:-1]}
            for peer in peers.values():
                assert await confirmed(peer, report_power(peer, 1)[0], 20)
            postgres.kill()
            outage = {key: report_power(peer, 2) for key, peer in peers.items()}
            for _ in range(2):
                waited = [confirmed(peer, outage[key][0], RESENT_AFTER_S) for key, peer in peers.items()]
                assert not any(await asyncio.gather(*waited))
                for key, peer in peers.items():
                    peer.raw(outage[key][1])
            await asyncio.to_thread(check_answers_of_a_platform_without_database, cloud)
            async with Peer.open(cloud.running.mqtt_port, cloud.client_id(KEYS[-1])) as late:
                await enter(late, cloud, secrets[KEYS[-1]])
                assert await late.refusal() == 10404
            await asyncio.to_thread(postgres.start)
            await asyncio.to_thread(eventually, lambda: is_ready(cloud))
            for key in peers:
                peers[key] = await until_confirmed(stack, cloud, secrets, key, peers[key], outage[key])
            peers[KEYS[-1]] = await device(stack, cloud, secrets, KEYS[-1])
            for peer in peers.values():
                assert await confirmed(peer, report_power(peer, 3)[0], 20)
            await asyncio.to_thread(check_everything_is_there_once, cloud)
        assert "Traceback" not in cloud.running.logs()


async def until_confirmed(
    stack: AsyncExitStack, cloud: Served, secrets: dict[str, str], key: str, peer: Peer, sent: tuple[int, bytes]
) -> Peer:
    """Send a message until it is confirmed, on a new connection when the server has ended the old one; the last one."""
    while True:
        try:
            peer.raw(sent[1])
            if await confirmed(peer, sent[0], RESENT_AFTER_S):
                return peer
        except ConnectionError:
            peer = await device(stack, cloud, secrets, key)
            sent = report_power(peer, 2)


def is_ready(cloud: Served) -> bool:
    return httpx.get(f"{cloud.running.base_url}/readyz").status_code == 200


def check_answers_of_a_platform_without_database(cloud: Served) -> None:
    eventually(lambda: not is_ready(cloud))
    assert httpx.get(f"{cloud.running.base_url}/healthz").status_code == 200
    assert cloud.get(DATA, deviceKey=KEYS[0])["code"] == 70000
    body = {"productKey": cloud.product_key, "devices": KEYS[:1], "data": '[{"relay":"true"}]'}
    assert cloud.post(WRITE, body)["code"] == 70000


def check_everything_is_there_once(cloud: Served) -> None:
    for key in KEYS[:-1]:
        assert reported(cloud, key) == ["1", "2", "3"]
        assert cloud.values(key)["power"] == "3"
        assert cloud.detail(key)["deviceStatus"] == 1
    assert reported(cloud, KEYS[-1]) == ["3"]
