"""MQTT over WebSocket at `/ws/v2`, served by uvicorn as in `mooring up`, with clients of others."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import paho.mqtt.client as paho
import pytest
import uvicorn
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from gateway.door import Door, until
from gateway.peer import WITHIN_S, report
from mooring.gateway import WebSocketDoor
from mooring.gateway.websocket import MAX_UNSENT
from mooring.http import Doors, client_address
from mooring.protocol import commands, frame
from mooring.protocol.commands import DeviceConfiguration, Direction
from mooring.protocol.mqtt import (
    ClientSession,
    Connect,
    ConnectAccepted,
    Event,
    PublishAcked,
    PublishReceived,
    Subscribed,
)

MQTT = Subprotocol("mqtt")


async def no_door(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("not asked for")


@pytest.fixture
async def port(door: Door) -> AsyncIterator[int]:
    """The HTTP port of a server around the gateway of the door."""
    app = Doors(
        openapi=no_door,
        manage=no_door,
        console=no_door,
        mqtt=WebSocketDoor(door.gateway, client_address([])),
        registry=CollectorRegistry(),
        ready=lambda: None,
    )
    config = uvicorn.Config(
        app,
        interface="asgi3",
        ws="websockets-sansio",
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: server.started)
    yield listening.getsockname()[1]
    server.should_exit = True
    await door.gateway.close()
    await serving


class WebPeer:
    """A device on a WebSocket; `cut` is how many bytes a message carries."""

    def __init__(self, socket: ClientConnection, client_id: str, cut: int = 65536) -> None:
        self.socket = socket
        self.client_id = client_id
        self.cut = cut
        self.mqtt = ClientSession(0.0)
        self.events: list[Event] = []

    async def flush(self) -> None:
        data = self.mqtt.data_to_send()
        for start in range(0, len(data), self.cut):
            await self.socket.send(data[start : start + self.cut])

    async def wait(self, kind: type[Event]) -> Any:
        while True:
            for event in self.events:
                if isinstance(event, kind):
                    self.events.remove(event)
                    return event
            async with asyncio.timeout(WITHIN_S):
                data = await self.socket.recv()
            assert isinstance(data, bytes)
            self.events += self.mqtt.receive_data(data, 0.0)
            await self.flush()

    async def connect(self, password: str) -> None:
        self.mqtt.connect(Connect(self.client_id, "", password.encode(), 60), 0.0)
        await self.flush()
        await self.wait(ConnectAccepted)

    async def subscribe(self) -> None:
        self.mqtt.subscribe([(f"q/1/d/{self.client_id}/+", 1)], 0.0)
        await self.flush()
        await self.wait(Subscribed)

    async def publish(self, payload: bytes, qos: int = 1) -> None:
        number = self.mqtt.publish(f"q/2/d/{self.client_id}/bus", payload, qos, 0.0)
        await self.flush()
        if qos:
            assert (await self.wait(PublishAcked)).packet_id == number

    async def secret(self) -> str:
        message = await self.wait(PublishReceived)
        self.mqtt.acknowledge(message.packet_id)
        await self.flush()
        words = commands.decode(frame.decode(message.payload), Direction.DOWN)
        assert isinstance(words, DeviceConfiguration)
        assert words.device_secret is not None
        return words.device_secret


def url(port: int, path: str = "/ws/v2") -> str:
    return f"ws://127.0.0.1:{port}{path}"


@pytest.mark.parametrize("cut", [1, 7, 65536])
async def test_a_device_goes_through_its_first_minute_however_its_bytes_are_cut(
    door: Door, port: int, cut: int
) -> None:
    async with connect(url(port), subprotocols=[MQTT]) as client:
        assert client.subprotocol == "mqtt"
        peer = WebPeer(client, door.client_id(), cut)
        await peer.connect(door.first_password())
        await peer.subscribe()
        secret = await peer.secret()
        for qos in (0, 1, 2):
            await peer.publish(report(qos + 1), qos)
        session = await door.session()
        assert session.address == "127.0.0.1"
        session.link.send(frame.Frame(5, 0x0011, b"\x00\x02"), 1)
        message = await peer.wait(PublishReceived)
        assert message.topic == f"q/1/d/{peer.client_id}/bus"
    await door.gone()
    assert [row.packet_id for row in await door.data()][:3] == [1, 2, 3]
    async with connect(url(port), subprotocols=[MQTT]) as client:
        peer = WebPeer(client, door.client_id())
        await peer.connect(door.password(secret))
        await peer.publish(report(4))


async def test_several_packets_in_one_message_are_several_packets(door: Door, port: int) -> None:
    secret = await door.known()
    async with connect(url(port), subprotocols=[MQTT]) as client:
        peer = WebPeer(client, door.client_id())
        await peer.connect(door.password(secret))
        for number in (1, 2, 3):
            peer.mqtt.publish(f"q/2/d/{peer.client_id}/bus", report(number), 1, 0.0)
        await peer.flush()
        for _ in range(3):
            await peer.wait(PublishAcked)
    assert len(await door.data()) == 3


async def test_a_refusal_comes_as_over_tcp(door: Door, port: int) -> None:
    await door.add(auth_mode=1)
    async with connect(url(port), subprotocols=[MQTT]) as client:
        peer = WebPeer(client, door.client_id())
        await peer.connect(door.first_password())
        await peer.subscribe()
        message = await peer.wait(PublishReceived)
        notice = commands.decode(frame.decode(message.payload), Direction.DOWN)
        assert notice == commands.ExceptionNotice(10421)
        peer.mqtt.acknowledge(message.packet_id)
        await peer.flush()
        with pytest.raises(ConnectionClosed):
            await client.recv()
    await until(lambda: door.gateway.metrics.connections == 0)


@pytest.mark.parametrize("protocols", [None, [Subprotocol("amqp")]], ids=["none", "another"])
async def test_without_the_subprotocol_it_is_not_accepted(
    door: Door, port: int, protocols: list[Subprotocol] | None
) -> None:
    with pytest.raises(InvalidHandshake):
        async with connect(url(port), subprotocols=protocols):
            pass
    assert door.gateway.metrics.accepted == 0


async def test_another_path_is_not_accepted(door: Door, port: int) -> None:
    with pytest.raises(InvalidStatus):
        async with connect(url(port, "/ws/v3"), subprotocols=[MQTT]):
            pass


async def test_a_text_message_ends_the_connection(door: Door, port: int) -> None:
    async with connect(url(port), subprotocols=[MQTT]) as client:
        await client.send("hello")
        with pytest.raises(ConnectionClosed):
            await client.recv()
    await until(lambda: door.gateway.metrics.connections == 0)


async def test_a_takeover_closes_the_other_websocket(door: Door, port: int) -> None:
    secret = await door.known()
    async with connect(url(port), subprotocols=[MQTT]) as client, door.peer() as second:
        peer = WebPeer(client, door.client_id())
        await peer.connect(door.password(secret))
        await second.connect(door.password(secret))
        with pytest.raises(ConnectionClosed):
            await client.recv()
        await second.acked(second.publish(report(1)))
    await door.gone()
    assert (await door.events())[-3:] == ["online", "reconnect", "offline"]


async def test_a_websocket_that_breaks_takes_the_device_offline(door: Door, port: int) -> None:
    secret = await door.known()
    client = await connect(url(port), subprotocols=[MQTT])
    await WebPeer(client, door.client_id()).connect(door.password(secret))
    client.transport.abort()
    await door.gone()
    assert not (await door.device()).online


async def test_a_reader_that_is_slow_is_bounded(door: Door, port: int) -> None:
    secret = await door.known()
    async with connect(url(port), subprotocols=[MQTT], max_queue=1) as client:
        peer = WebPeer(client, door.client_id())
        await peer.connect(door.password(secret))
        await peer.subscribe()
        link = (await door.session()).link
        [member] = door.gateway._members
        sizes = []
        for number in range(1, 1_000):
            link.send(frame.Frame(number, 0x0023, bytes(60_000)), 0)
            await asyncio.sleep(0)
            sizes.append(len(member._wire._unsent))  # type: ignore[attr-defined]
        assert max(sizes) < MAX_UNSENT + 1_000_000
        assert member._blocked  # type: ignore[attr-defined]
        client.transport.abort()
    await door.gone()


async def test_a_stalled_database_stops_the_reading(door: Door, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mooring.platform.journal.HIGH_WATER", 200)
    monkeypatch.setattr("mooring.platform.journal.LOW_WATER", 100)
    secret = await door.known()
    async with connect(url(port), subprotocols=[MQTT]) as client:
        peer = WebPeer(client, door.client_id())
        await peer.connect(door.password(secret))
        door.store.running.clear()
        count = 2_500

        async def flood() -> None:
            for number in range(count):
                await peer.publish(frame.encode(frame.Frame(number % 0xFFFE + 1, 0x0024, bytes(10_000))), 0)

        sending = asyncio.create_task(flood())
        await until(lambda: not door.platform.journal.has_room)
        taken = -1
        while taken != door.gateway.metrics.uplinks:
            taken = door.gateway.metrics.uplinks
            await asyncio.sleep(0.2)
        assert taken < 1_000
        assert not sending.done()
        door.store.running.set()
        await sending
        await peer.publish(report(1))
    assert len(await door.data()) == count + 1


async def test_over_max_connections_a_websocket_is_closed(door: Door, port: int) -> None:
    door.gateway.limits = type(door.gateway.limits)(max_connections=0)
    async with connect(url(port), subprotocols=[MQTT]) as client:
        with pytest.raises(ConnectionClosed):
            await client.recv()
    assert door.gateway.metrics.refused["full"] == 1


async def test_paho_connects_by_websocket(door: Door, port: int) -> None:
    secret = await door.known()
    done = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, door.client_id(), transport="websockets")
    client.ws_set_options(path="/ws/v2")
    client.username_pw_set("", door.password(secret))

    def work() -> None:
        client.connect("127.0.0.1", port)
        client.loop_start()
        for qos in (0, 1, 2):
            client.publish(f"q/2/d/{door.client_id()}/bus", report(qos + 1), qos).wait_for_publish(WITHIN_S)
        client.disconnect()
        client.loop_stop()
        done.set()

    await asyncio.to_thread(work)
    assert done.is_set()
    await door.gone()
    assert [row.packet_id for row in await door.data()] == [1, 2, 3]
