"""Peers that vanish without a word, say nothing, say it slowly, or say nonsense; and devices beside them."""

import asyncio
import secrets as random_text
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from faults.devices import confirmed, enter, report_power, reported
from faults.history import static_devices
from faults.proxy import proxied
from gateway.peer import Peer
from mooring.protocol.mqtt import ClientSession, Connect
from served import EVENTS, WRITE, Served, serving

KEEP_ALIVE_S = 2
CROWD = 300
ROOM_KB = 40_000  # what a crowd may cost at most; it is some 40 times what it does
GARBAGE = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60),
    b"\x00" * 64,
    b"\xff" * 64,
    b"\x10\xff\xff\xff\x7f" + b"x" * 64,  # a CONNECT of 256 MB
    b"\x10\xff\xff\xff\xff\x7f",  # a length of five bytes
    b"\x30\x05\x00\x01xyz",  # PUBLISH first
    b"\xc0\x00",  # PINGREQ first
    b"\x10\x0c\x00\x04MQTT\x09\x02\x00\x3c\x00\x00",  # a version that does not exist
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("silent") / "data", "--mqtts-port", "0") as served:
        yield served


@pytest.fixture
def keys() -> list[str]:
    """Keys of devices that nobody has seen."""
    return [f"DK{random_text.token_hex(6)}" for _ in range(10)]


def resident_kb(cloud: Served) -> int:
    """Memory of the server."""
    status = Path(f"/proc/{cloud.running.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


async def off(cloud: Served, key: str) -> list[dict[str, object]]:
    """The events of a device once it is shown offline, newest first."""
    await asyncio.to_thread(cloud.reaches, key, 0)
    return await asyncio.to_thread(cloud.rows, EVENTS, key)


# Devices that lose their power


async def test_devices_without_power_are_offline_after_one_and_a_half_times_their_keep_alive(
    cloud: Served, keys: list[str]
) -> None:
    secrets = static_devices(cloud, keys)
    async with proxied(cloud.running.mqtt_port) as proxy, AsyncExitStack() as stack:
        for key in keys:
            peer = await stack.enter_async_context(Peer.open(proxy.port, cloud.client_id(key)))
            await enter(peer, cloud, secrets[key], KEEP_ALIVE_S)
            assert await confirmed(peer, report_power(peer, 1)[0], 20)
        proxy.cut()
        for key in keys:
            offline, online = await off(cloud, key)
            assert (offline["eventCode"], online["eventCode"]) == ("offline", "online")
            # It is the silence that ends it, and nothing that ended before.
            silence = int(str(offline["createTime"])) - int(str(online["createTime"]))
            assert silence >= KEEP_ALIVE_S * 1500


async def test_a_device_that_is_back_before_its_old_connection_is_given_up_takes_over(
    cloud: Served, keys: list[str]
) -> None:
    key = keys[0]
    secret = static_devices(cloud, [key])[key]
    async with proxied(cloud.running.mqtt_port) as proxy, Peer.open(proxy.port, cloud.client_id(key)) as old:
        await enter(old, cloud, secret, keep_alive_s=0)
        assert await confirmed(old, report_power(old, 1)[0], 20)
        proxy.cut()
        async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as new:
            await enter(new, cloud, secret)
            assert await confirmed(new, report_power(new, 2)[0], 20)
            assert (await asyncio.to_thread(cloud.detail, key))["deviceStatus"] == 1
            # What the old one said while its cable was cut must not do anything when it comes at last.
            report_power(old, 3)
            proxy.mend()
            await old.closed()
            assert await confirmed(new, report_power(new, 4)[0], 20)
            assert reported(cloud, key) == ["1", "2", "4"]
    assert [row["eventCode"] for row in await off(cloud, key)] == ["offline", "reconnect", "online"]


async def test_a_command_to_a_device_without_power_is_shown_as_not_confirmed(cloud: Served, keys: list[str]) -> None:
    key = keys[0]
    secret = static_devices(cloud, [key])[key]
    async with proxied(cloud.running.mqtt_port) as proxy, Peer.open(proxy.port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret, keep_alive_s=60)
        proxy.cut()
        ticket = await asyncio.to_thread(cloud.send, WRITE, key, '[{"relay":"true"}]')
        failed = await asyncio.to_thread(cloud.becomes, ticket, "failed")
        assert (failed["published_at"] is not None, failed["delivered_at"]) == (True, None)
        assert failed["failed_at"] - failed["published_at"] >= 5_000
        # The cable is mended and the PUBACK comes at last: it is evidence.
        proxy.mend()
        await peer.message()
        late = await asyncio.to_thread(cloud.becomes, ticket, "delivered")
        assert (late["failed_at"], late["delivered_at"] > failed["failed_at"]) == (None, True)


# Those who are no devices


async def test_who_says_nothing_or_says_it_slowly_is_closed_and_costs_little(cloud: Served, keys: list[str]) -> None:
    key = keys[0]
    secret = static_devices(cloud, [key])[key]
    connect = ClientSession(0.0)
    connect.connect(Connect(cloud.client_id(key), None, cloud.password(secret).encode(), 60), 0.0)
    slowly = connect.data_to_send()
    before = resident_kb(cloud)
    async with AsyncExitStack() as stack:
        silent = []
        for number in range(CROWD):
            port = cloud.running.mqtts_port if number % 3 == 0 else cloud.running.mqtt_port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.transport.abort)
            silent.append((reader, writer))
        drips = [asyncio.create_task(drip(writer, slowly)) for _, writer in silent[: CROWD // 2]]
        assert resident_kb(cloud) - before < ROOM_KB
        async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
            await enter(peer, cloud, secret)
            assert await confirmed(peer, report_power(peer, 1)[0], 20)
        for reader, _ in silent:
            await ended(reader)
        for task in drips:
            task.cancel()
        await asyncio.gather(*drips, return_exceptions=True)


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """One byte a second: it never gets to its end."""
    for byte in data:
        writer.write(bytes([byte]))
        await asyncio.sleep(1)


async def ended(reader: asyncio.StreamReader) -> None:
    """The server has closed, by whatever means."""
    async with asyncio.timeout(60):
        try:
            while await reader.read(4096):
                pass
        except ConnectionError:
            pass


async def test_garbage_is_closed(cloud: Served) -> None:
    async with AsyncExitStack() as stack:
        readers, writers = [], []
        for port in (cloud.running.mqtt_port, cloud.running.mqtts_port):
            for garbage in GARBAGE:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                stack.callback(writer.transport.abort)
                writer.write(garbage)
                readers.append(reader)
                writers.append(writer)  # one that is not held on to is closed by its destructor
        await asyncio.gather(*map(ended, readers))
    assert "Traceback" not in cloud.running.logs()


async def test_a_flood_whose_answers_nobody_reads_is_not_read_either(cloud: Served, keys: list[str]) -> None:
    flooder, other = keys[:2]
    secrets = static_devices(cloud, [flooder, other])
    before = resident_kb(cloud)
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(other)) as peer:
        await enter(peer, cloud, secrets[other])
        raw = socket.create_connection(("127.0.0.1", cloud.running.mqtt_port), timeout=20)
        with raw:
            session = ClientSession(0.0)
            session.connect(Connect(cloud.client_id(flooder), None, cloud.password(secrets[flooder]).encode(), 0), 0.0)
            raw.sendall(session.data_to_send())
            raw.setblocking(False)
            # 100 MB of messages that need no answer, and pings that do: sooner or later nothing is taken any more.
            message = b"\xc0\x00" * 50_000
            sent = await asyncio.to_thread(push, raw, message, 100_000_000)
            assert sent < 100_000_000
            assert await confirmed(peer, report_power(peer, 1)[0], 20)
            assert resident_kb(cloud) - before < ROOM_KB


def push(raw: socket.socket, data: bytes, most: int) -> int:
    """Send again and again until the peer takes nothing for a second or closes; how much it took."""
    raw.settimeout(1.0)
    sent = 0
    try:
        while sent < most:
            sent += raw.send(data)
    except (TimeoutError, ConnectionError):
        pass
    return sent
