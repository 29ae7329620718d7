"""What devices send: how they connect, what activates them, where they may publish, what others see of it."""

import asyncio
from decimal import Decimal

import pytest

from fakes import FakeClock
from gateway.door import Door
from gateway.peer import RAND, Peer, report
from mooring.platform.commands import SendOptions
from mooring.platform.products import NewProduct
from mooring.protocol.commands import LocationReport, ModuleInformationReport, StatusReport
from mooring.protocol.commands import encode as encode_command
from mooring.protocol.credentials import build_authentication
from mooring.protocol.frame import Frame, decode, encode

# What devices really send


@pytest.mark.parametrize(("flags", "username"), [(0x42, None), (0xC2, ""), (0xC2, "anybody"), (0x40, None), (0xC0, "")])
async def test_with_and_without_a_user_name(door: Door, flags: int, username: str | None) -> None:
    """42 is what SDK 2.9.0 sends though MQTT 3.1.1 forbids it; C2 with an empty name is the documentation's."""
    async with door.peer() as peer:
        peer.raw(connect_bytes(peer.client_id, door.first_password(), flags, username))
        assert await peer.raw_answer(4) == bytes.fromhex("20020000")
    await door.gone()
    assert await door.events() == ["online", "offline"]


@pytest.mark.parametrize("level", [3, 5])
async def test_another_version_of_mqtt_is_answered_by_connack_1(door: Door, level: int) -> None:
    async with door.peer() as peer:
        peer.raw(connect_bytes(peer.client_id, door.first_password(), 0xC2, "", level))
        assert await peer.raw_answer(4) == bytes.fromhex("20020001")
        await peer.closed()


async def test_the_recorded_first_minute(door: Door) -> None:
    """The bytes of device-protocol.md section 11."""
    new = NewProduct("Recorded", product_key="p11TestPK", product_secret="UHJvZHVjdFNlY3Jl")
    await door.platform.products.create(door.cloud.actor, new)
    client_id = "qdp11TestPK861234567890123"
    password = build_authentication("p11TestPK", "UHJvZHVjdFNlY3Jl", "861234567890123", RAND)
    async with Peer.open(door.port, client_id) as peer:
        hello = connect_bytes(client_id, password, 0x42, None, keep_alive_s=120)
        assert hello[:15] == bytes.fromhex("10a501 0004 4d515454 04 42 0078 001a")
        peer.raw(hello)
        assert await peer.raw_answer(4) == bytes.fromhex("20020000")
        text = f"q/1/d/{client_id}/+".encode()
        peer.raw(bytes((0x82, 5 + len(text), 0, 1, 0, len(text))) + text + b"\x01")
        assert await peer.raw_answer(5) == bytes.fromhex("9003000101")
        topic = f"q/1/d/{client_id}/sys".encode()
        head = await peer.raw_answer(2 + 2 + len(topic) + 2 + 45)
        assert head[:2] == bytes((0x32, len(head) - 2))
        assert head[2 : 4 + len(topic)] == bytes((0, len(topic))) + topic
        sent = decode(head[6 + len(topic) :])
        assert (sent.command, sent.payload[:4], len(sent.payload)) == (0x00B4, bytes.fromhex("002b0020"), 36)
        peer.raw(b"\x40\x02" + head[4 + len(topic) : 6 + len(topic)])
        up = f"q/2/d/{client_id}/sys".encode()
        status = bytes.fromhex("aaaa00184300010034000a00580012110177001a8043002202100000")
        for number in (2, 3):
            body = bytes((0, len(up))) + up + bytes((0, number)) + status
            peer.raw(bytes((0x32, len(body))) + body)
            assert await peer.raw_answer(4) == bytes((0x40, 2, 0, number))
        peer.raw(b"\xc0\x00")
        assert await peer.raw_answer(2) == b"\xd0\x00"


async def test_what_comes_with_connect_is_taken_after_it(door: Door) -> None:
    """mosquitto_pub and others send without waiting."""
    secret = await door.known()
    async with door.peer() as peer:
        packet = connect_bytes(peer.client_id, door.password(secret), 0xC2, "")
        topic = f"q/2/d/{peer.client_id}/bus".encode()
        body = bytes((0, len(topic))) + topic + report(1)
        peer.raw(packet + bytes((0x30, len(body))) + body + b"\xe0\x00")
        await peer.closed()
    await door.gone()
    assert [row.packet_id for row in await door.data()] == [1]


def connect_bytes(
    client_id: str, password: str, flags: int, username: str | None, level: int = 4, keep_alive_s: int = 60
) -> bytes:
    def text(value: str) -> bytes:
        return len(value).to_bytes(2, "big") + value.encode()

    body = text("MQTT") + bytes((level, flags)) + keep_alive_s.to_bytes(2, "big") + text(client_id)
    if username is not None:
        body += text(username)
    body += text(password)
    length = len(body)
    size = bytes((length,)) if length < 128 else bytes((length % 128 | 128, length // 128))
    return b"\x10" + size + body


# Activation


UPLINKS = {
    "0014": (Frame(1, 0x0014, b"\x00\x12\x00\x07"), True),
    "0012": (Frame(1, 0x0012, b"\x00\x12\x00\x07"), True),
    "0024": (Frame(1, 0x0024, b"abc"), True),
    "0122": (encode_command(LocationReport("$GPGGA,;"), 1), True),
    "0034": (encode_command(StatusReport(battery=Decimal(88)), 1), False),
    "0044": (encode_command(ModuleInformationReport(model="EC600S"), 1), False),
}


@pytest.mark.parametrize(("uplink", "activates"), UPLINKS.values(), ids=list(UPLINKS))
async def test_the_first_data_message_up_activates(door: Door, uplink: Frame, activates: bool) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        assert (await door.device()).activated_at is None
        await peer.acked(peer.publish(encode(uplink)))
        assert ((await door.device()).activated_at is not None) == activates


async def test_the_first_data_message_down_activates(door: Door, clock: FakeClock) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        assert (await door.device()).activated_at is None
        await door.platform.commands.send_write(
            door.cloud.actor, door.product, ["DK01"], '[{"relay": true}]', SendOptions()
        )
        await peer.subscribe()
        await peer.message()
        device = await door.device()
        assert device.activated_at == clock.now_ms()
        clock.advance(5_000)
        await peer.acked(peer.publish(report(1)))
        assert (await door.device()).activated_at == device.activated_at


# What a device may do


@pytest.mark.parametrize(
    "text", ["#", "q/1/d/+/bus", "q/1/d/qdotherDK01/+", "q/2/d/{cid}/bus", "q/1/d/{cid}/#", "q/1/d/{cid}/a"]
)
async def test_other_subscriptions_are_refused(door: Door, text: str) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        assert await peer.subscribe(text.format(cid=peer.client_id)) == (128,)
        assert await peer.subscribe(text.format(cid=peer.client_id), f"q/1/d/{peer.client_id}/sys") == (128, 1)
        assert (await peer.configuration()).device_secret is not None


@pytest.mark.parametrize(
    "topic", ["x", "q/2/d/qdotherDK01/bus", "q/1/d/{cid}/bus", "q/2/d/{cid}/bus/x", "q/2/d/{cid}/up"]
)
async def test_publishing_elsewhere_ends_the_connection(door: Door, topic: str) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        peer.publish(report(1), topic=topic.format(cid=peer.client_id))
        await peer.closed()
    await door.gone()
    assert await door.data() == []


async def test_what_is_no_frame_is_logged_and_acknowledged(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.acked(peer.publish(b'{"power": 1}'))
        await peer.acked(peer.publish(report(2)[:-1] + b"\x00"))
    reasons = [row.reason for row in await door.exceptions()]
    assert reasons == [
        "the message is no frame: protocol: does not start with the header",
        "the message is no frame: checksum: the checksum does not fit",
    ]


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_messages_of_every_qos_are_stored_once(door: Door, qos: int) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        number = peer.publish(report(1), qos=qos)
        if qos:
            await peer.acked(number)
        await peer.acked(peer.publish(report(2)))
    assert [row.packet_id for row in await door.data()] == [1, 2]


@pytest.mark.parametrize("encrypted", [False, True])
async def test_those_who_watch_see_no_secrets(door: Door, encrypted: bool) -> None:
    await door.add()
    device = await door.device()
    async with door.platform.trace.watch(device.id) as events, door.peer() as peer:
        delivered = await door.first(peer, encrypted=encrypted)
        async with asyncio.timeout(20):
            event = await anext(event async for event in events if event.cmd == "00B4")
    assert delivered.device_secret is not None
    shown = f"{event.hex} {event.clear} {event.decoded}"
    assert delivered.device_secret not in shown
    assert delivered.device_secret.encode().hex() not in shown
    assert "*" * 32 in str(event.decoded)
    assert decode(bytes.fromhex(event.hex)).command == 0x00B4
    if delivered.session_key is not None:
        assert delivered.session_key.hex() not in shown


async def test_those_who_watch_see_it_all(door: Door) -> None:
    secret = await door.known()
    device = await door.device()
    async with door.platform.trace.watch(device.id) as events, door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        await peer.acked(peer.publish(report(1)))
        session = door.platform.sessions.of(device.id)
        assert session is not None
        session.link.send(Frame(5, 0x0011, b"\x00\x01"), 1)
        await peer.message()
        seen = []
        async with asyncio.timeout(20):
            async for event in events:
                seen.append((event.kind, event.direction, event.cmd))
                if event.kind == "ack" and event.direction == "up":
                    break
    assert seen == [
        ("connect", "", ""),
        ("frame", "up", "0014"),
        ("ack", "down", ""),
        ("frame", "down", "0011"),
        ("ack", "up", ""),
    ]
