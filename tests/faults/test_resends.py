"""Packets that come twice, in another order, in halves, or again on another connection: each message is stored once."""

import asyncio
import random
import secrets
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from databases import new_database
from faults.devices import confirmed, enter, power, report_power, reported
from faults.history import static_devices
from faults.proxy import proxied
from gateway.peer import Peer
from mooring.protocol.mqtt.encode import encode
from mooring.protocol.mqtt.packets import Publish, Pubrel
from served import Served, serving


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("resends") / "data"
    if request.param == "sqlite":
        with serving(data) as served:
            yield served
        return
    with (
        new_database(request.getfixturevalue("postgres_server_url")) as url,
        serving(data, "--store", url) as served,
    ):
        yield served


@pytest.fixture
def key() -> str:
    return f"DK{secrets.token_hex(6)}"


@pytest.fixture
def secret(cloud: Served, key: str) -> str:
    return static_devices(cloud, [key])[key]


def packet(peer: Peer, packet_id: int, number: int, qos: int = 1, *, dup: bool = False) -> bytes:
    return encode(Publish(f"q/2/d/{peer.client_id}/bus", power(number), qos, packet_id, dup, False))


@pytest.mark.parametrize("dup", [False, True])
async def test_copies_in_one_burst_are_confirmed_and_stored_once(
    cloud: Served, key: str, secret: str, dup: bool
) -> None:
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        peer.raw(packet(peer, 5, 1) + packet(peer, 5, 1, dup=dup) * 4)
        assert await peer.raw_answer(20) == b"\x40\x02\x00\x05" * 5
        peer.raw(packet(peer, 5, 1, dup=dup))
        assert await peer.raw_answer(4) == b"\x40\x02\x00\x05"
        assert reported(cloud, key) == ["1"]


async def test_messages_and_their_copies_in_any_order(cloud: Served, key: str, secret: str) -> None:
    order = [7, 3, 7, 9, 3, 1, 9, 7, 1, 3]
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        peer.raw(b"".join(packet(peer, number, number) for number in order))
        answers = await peer.raw_answer(4 * len(order))
        assert sorted(answers[3::4]) == sorted(order)
        assert reported(cloud, key) == ["7", "3", "9", "1"]


async def test_the_same_message_id_with_other_content_is_another_message(cloud: Served, key: str, secret: str) -> None:
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        for number in (1, 2, 3):
            peer.raw(packet(peer, 5, number))
            assert await peer.raw_answer(4) == b"\x40\x02\x00\x05"
        assert reported(cloud, key) == ["1", "2", "3"]


async def test_a_message_of_qos_2_is_stored_once_whatever_is_repeated(cloud: Served, key: str, secret: str) -> None:
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        peer.raw(packet(peer, 5, 1, 2) * 2)
        assert await peer.raw_answer(4) == b"\x50\x02\x00\x05"
        peer.raw(packet(peer, 5, 1, 2, dup=True))
        assert await peer.raw_answer(4) == b"\x50\x02\x00\x05"
        peer.raw(encode(Pubrel(5)) * 2)
        assert await peer.raw_answer(8) == b"\x70\x02\x00\x05" * 2
        assert reported(cloud, key) == ["1"]


async def test_a_copy_on_a_new_connection_after_a_cut_before_the_puback(cloud: Served, key: str, secret: str) -> None:
    async with proxied(cloud.running.mqtt_port) as proxy, AsyncExitStack() as stack:
        old = await stack.enter_async_context(Peer.open(proxy.port, cloud.client_id(key)))
        await enter(old, cloud, secret)
        proxy.cut_answers()
        lost = [report_power(old, number) for number in (1, 2, 3)]
        await until_reported(cloud, key, 3)
        proxy.cut()
        async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as new:
            await enter(new, cloud, secret)
            for packet_id, bytes_again in lost:
                new.raw(bytes_again)
                assert await new.raw_answer(4) == b"\x40\x02" + packet_id.to_bytes(2, "big")
            assert await confirmed(new, report_power(new, 4)[0], 20)
    assert reported(cloud, key) == ["1", "2", "3", "4"]


async def until_reported(cloud: Served, key: str, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await asyncio.to_thread(reported, cloud, key)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("cut_at", [1, 5, 30, -1])
async def test_half_a_packet_at_the_end_of_a_connection_is_nothing(
    cloud: Served, key: str, secret: str, cut_at: int
) -> None:
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        peer.raw(packet(peer, 4, 1) + packet(peer, 5, 2)[:cut_at])
        assert await peer.raw_answer(4) == b"\x40\x02\x00\x04"
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        peer.raw(packet(peer, 5, 2))
        assert await peer.raw_answer(4) == b"\x40\x02\x00\x05"
        assert reported(cloud, key) == ["1", "2"]


@pytest.mark.parametrize("seed", range(3))
async def test_a_device_on_a_bad_line_loses_nothing_and_repeats_nothing(
    cloud: Served, key: str, secret: str, seed: int
) -> None:
    """One in flight: each message is sent until it is confirmed, over connections that end at random."""
    chance = random.Random(seed)
    number, packet_id = 1, 1
    while number <= 40:
        async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
            await enter(peer, cloud, secret)
            lives = chance.randrange(1, 12)
            while lives and number <= 40:
                lives -= 1
                peer.raw(packet(peer, packet_id, number) * chance.choice((1, 1, 2, 3)))
                if not lives and chance.random() < 0.7:
                    break  # before the PUBACK is read: the message is sent again on the next connection
                while await acknowledged(peer) != packet_id:
                    pass  # of a copy of the message before
                number += 1
                packet_id = packet_id % 20 + 1
    assert reported(cloud, key) == [str(number) for number in range(1, 41)]


async def acknowledged(peer: Peer) -> int:
    """The packet id of the next PUBACK."""
    answer = await peer.raw_answer(4)
    assert answer[:2] == b"\x40\x02"
    return int.from_bytes(answer[2:])
