"""What a device goes through: first connection, later ones, messages, takeover, the end."""

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
from msgspec.structs import replace

from fakes import FakeClock
from gateway.door import Door, until
from gateway.peer import RAND, Peer, report
from mooring.gateway import Gateway
from mooring.platform.commands import SendOptions
from mooring.platform.products import NewProduct
from mooring.protocol.commands import LocationReport, ModuleInformationReport, ReadProperties, StatusReport
from mooring.protocol.commands import encode as encode_command
from mooring.protocol.credentials import build_authentication
from mooring.protocol.frame import Frame, decode, encode
from mooring.protocol.mqtt import ClientSession, PublishReceived, Resends


class Fate:
    """A `Delivery` that remembers."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.changed = asyncio.Event()

    def published(self) -> None:
        self._add("published")

    def delivered(self) -> None:
        self._add("delivered")

    def lost(self, reason: str) -> None:
        self._add(f"lost: {reason}")

    def _add(self, call: str) -> None:
        self.calls.append(call)
        self.changed.set()

    async def reaches(self, count: int) -> list[str]:
        async with asyncio.timeout(20):
            while len(self.calls) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.calls


# First connection


async def test_a_first_connection_brings_the_secret_right_after_suback_and_goes_on(door: Door) -> None:
    async with door.peer() as peer:
        configuration = await door.first(peer)
        assert configuration.device_secret is not None
        assert len(configuration.device_secret) == 32
        assert configuration.session_key is None
        await peer.acked(peer.publish(report(1)))
        [row] = await door.data()
        assert (row.direction, row.cmd, row.packet_id, row.status) == (1, 0x14, 1, 1)
        device = await door.device()
        assert (device.online, device.secret_confirmed, device.is_verified) == (True, True, True)
        assert device.activated_at is not None
    await door.gone()
    assert await door.events() == ["online", "offline"]
    assert not (await door.device()).online


async def test_the_secret_is_stored_before_it_is_sent(door: Door) -> None:
    async with door.peer() as peer:
        secret = (await door.first(peer)).device_secret
        kept = door.platform.devices.secret_of(await door.device())
        assert kept is not None
        assert kept.reveal() == secret


async def test_without_subscribe_nothing_is_delivered_and_messages_are_taken(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.acked(peer.publish(report(1)))
        assert len(await door.data()) == 1
    await door.gone()
    assert not (await door.device()).secret_confirmed


async def test_step_0_is_accepted_again_with_the_same_secret_until_the_device_has_shown_that_it_arrived(
    door: Door,
) -> None:
    secrets = []
    for _ in range(2):
        async with door.peer() as peer:
            secrets.append((await door.first(peer)).device_secret)
        await door.gone()
    assert secrets[0] == secrets[1]
    async with door.peer() as peer:
        await door.first(peer)
        await peer.acked(peer.publish(report(1)))
    await door.gone()
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe()
        assert await peer.refusal() == 10422


async def test_a_first_step_1_confirms_the_secret(door: Door) -> None:
    await door.known()
    assert (await door.device()).secret_confirmed
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe()
        assert await peer.refusal() == 10422


async def test_the_same_connect_again_is_answered_and_changes_nothing(door: Door) -> None:
    async with door.peer() as peer:
        await door.first(peer)
        again = ClientSession(0.0)
        again.connect(peer.connect_packet(door.first_password()), 0.0)
        peer.raw(again.data_to_send())
        assert (await peer.raw_answer(4)) == b"\x20\x02\x00\x00"
        await peer.acked(peer.publish(report(1)))
    await door.gone()
    assert await door.events() == ["online", "offline"]


# Sessions


async def test_a_second_connection_takes_over_without_an_offline_event(door: Door) -> None:
    secret = await door.known()
    before = len(await door.events())
    async with door.peer() as first, door.peer() as second:
        await first.connect(door.password(secret))
        await second.connect(door.password(secret))
        await first.closed()
        await second.acked(second.publish(report(1)))
        assert (await door.device()).online
        assert (await door.events())[before:] == ["online", "reconnect"]
    await door.gone()
    assert (await door.events())[before:] == ["online", "reconnect", "offline"]


async def test_of_many_connections_at_once_one_stays(door: Door) -> None:
    secret = await door.known()
    device = await door.device()
    before = len(await door.events())
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(door.peer()) for _ in range(8)]
        for peer in peers:
            peer.mqtt.connect(peer.connect_packet(door.password(secret)), 0.0)
            peer.flush()
        await until(lambda: door.gateway.metrics.connections == 1)
        await until(lambda: door.platform.sessions.of(device.id) is not None)
        await door.platform.journal.settle()
        assert (await door.device()).online
    await door.gone()
    assert (await door.events())[before:] == ["online", *["reconnect"] * 7, "offline"]


async def test_a_device_that_disconnects_is_offline_and_the_times_are_kept(door: Door, clock: FakeClock) -> None:
    secret = await door.known()
    clock.advance(1_000)
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        online = await door.device()
        assert online.last_conn_at == clock.now_ms()
        assert online.first_conn_at is not None
        assert online.first_conn_at < clock.now_ms()
        clock.advance(5_000)
        peer.mqtt.disconnect()
        peer.flush()
        await peer.closed()
    await door.gone()
    assert (await door.device()).last_offline_at == clock.now_ms()


async def test_a_silent_device_is_offline_after_one_and_a_half_times_its_keep_alive(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret), keep_alive_s=1)
        started = asyncio.get_running_loop().time()
        await peer.closed()
        assert asyncio.get_running_loop().time() - started >= 1.4
    await door.gone()


async def test_disabling_a_device_cuts_its_session_with_a_notice(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        await door.platform.devices.disable(door.cloud.actor, door.product.product_key, "DK01")
        assert await peer.refusal() == 10430
        await peer.closed()
    assert not (await door.device()).online
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        assert await peer.refusal() == 10430
        await peer.closed()


async def test_a_device_that_is_reset_authenticates_again(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        await door.platform.devices.reset(door.cloud.actor, door.product.product_key, "DK01")
        await peer.closed()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        assert (await peer.configuration()).authenticate_again
        peer.publish(report(1))
    async with door.peer() as peer:
        assert (await door.first(peer)).device_secret != secret
    await door.gone()
    assert await door.data() == []


async def test_deleting_a_device_cuts_its_session_and_it_may_register_anew(door: Door) -> None:
    secret = await door.known()
    old = await door.device()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await door.platform.devices.delete(door.cloud.actor, door.product.product_key, "DK01")
        await peer.closed()
    assert door.platform.sessions.count == 0
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        assert (await peer.configuration()).authenticate_again
    async with door.peer() as peer:
        assert (await door.first(peer)).device_secret != secret
    assert (await door.device()).id == old.id


async def test_deleting_a_product_cuts_the_sessions_of_its_devices(door: Door) -> None:
    secret = await door.known()
    password, first_password, client_id = door.password(secret), door.first_password(), door.client_id()
    async with door.peer() as peer:
        await peer.connect(password)
        await door.platform.products.delete(door.cloud.actor, door.product.product_key, force=True)
        await peer.closed()
    for again, code in ((password, 10430), (first_password, 10423)):
        async with Peer.open(door.port, client_id) as peer:
            await peer.connect(again)
            await peer.subscribe()
            assert await peer.refusal() == code


async def test_any_packet_keeps_a_device_online(door: Door) -> None:
    secret = await door.known()
    before = len(await door.events())
    async with door.peer() as peer:
        await peer.connect(door.password(secret), keep_alive_s=1)
        for _ in range(4):
            peer.raw(b"\xc0\x00")
            await asyncio.sleep(0.7)
        await peer.acked(peer.publish(report(1)))
        assert (await door.events())[before:] == ["online"]


async def test_a_keep_alive_of_0_never_ends(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret), keep_alive_s=0)
        [member] = door.gateway._members
        assert member._mqtt.next_deadline() is None  # type: ignore[attr-defined]


async def test_a_device_that_leaves_while_it_is_decided_upon_is_not_left_online(door: Door) -> None:
    secret = await door.known()
    door.store.running.clear()
    async with door.peer() as peer:
        peer.mqtt.connect(peer.connect_packet(door.password(secret)), 0.0)
        peer.flush()
        await door.store.waiting.wait()
    door.store.running.set()
    await until(lambda: door.gateway.metrics.connections == 0)
    await door.gone()
    assert not (await door.device()).online
    assert (await door.events())[-2:] == ["online", "offline"]


async def test_a_connect_that_cannot_be_decided_upon_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = await door.known()
    monkeypatch.setattr("mooring.gateway.arrival.DECIDED_WITHIN_S", 0.1)
    door.store.running.clear()
    async with door.peer() as peer:
        peer.mqtt.connect(peer.connect_packet(door.password(secret)), 0.0)
        peer.flush()
        await peer.closed()
    assert door.gateway.unproven == 0
    door.store.running.set()
    await door.gone()
    assert not (await door.device()).online
    async with door.peer() as peer:
        await peer.connect(door.password(secret))


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


# Downlinks


async def test_a_command_is_sent_once_and_given_up_when_it_is_not_confirmed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is sent when it counts as failed; a PUBACK is evidence whenever it comes."""
    monkeypatch.setattr(door.gateway, "mqtt_limits", replace(door.gateway.mqtt_limits, resends=Resends(0.2, sends=1)))
    assert Gateway(door.platform, door.gateway.limits, door.gateway.metrics).mqtt_limits.resends == Resends(5.0, 1)
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        fate = Fate()
        (await door.session()).link.send(Frame(5, 0x0011, b"\x00\x01"), 1, fate)
        event = await peer.wait(PublishReceived)
        assert await fate.reaches(2) == ["published", "lost: the device did not confirm it within 5 s"]
        await asyncio.sleep(0.5)
        await peer.subscribe()
        assert peer.events_of(PublishReceived) == []
        peer.mqtt.acknowledge(event.packet_id)
        peer.flush()
        assert (await fate.reaches(3))[2] == "delivered"


async def test_a_downlink_is_published_then_delivered(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        session = door.platform.sessions.of((await door.device()).id)
        assert session is not None
        fate = Fate()
        session.link.send(Frame(5, 0x0011, b"\x00\x01"), 1, fate)
        assert fate.calls == ["published"]
        message = await peer.message()
        assert message.topic == f"q/1/d/{peer.client_id}/bus"
        assert await fate.reaches(2) == ["published", "delivered"]
        fate = Fate()
        session.link.send(Frame(6, 0x0011, b"\x00\x01"), 0, fate)
        assert fate.calls == ["published", "delivered"]
        assert (await peer.message()).qos == 0


async def test_downlinks_wait_for_subscribe_behind_the_secret(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        session = door.platform.sessions.of((await door.device()).id)
        assert session is not None
        fate = Fate()
        session.link.send(encode_command(ReadProperties((1,)), 5), 1, fate)
        assert fate.calls == []
        await peer.subscribe()
        assert (await peer.configuration()).device_secret is not None
        assert isinstance(await peer.downlink(), ReadProperties)
        assert await fate.reaches(2) == ["published", "delivered"]


async def test_downlinks_are_lost_with_the_connection(door: Door) -> None:
    secret = await door.known()
    held, unconfirmed, late = Fate(), Fate(), Fate()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        session = door.platform.sessions.of((await door.device()).id)
        assert session is not None
        session.link.send(Frame(5, 0x0011, b""), 1, held)
    await door.gone()
    assert held.calls == ["lost: the connection was lost"]
    session.link.send(Frame(5, 0x0011, b""), 1, late)
    assert late.calls == ["lost: the connection has ended"]
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        session = door.platform.sessions.of((await door.device()).id)
        assert session is not None
        session.link.send(Frame(5, 0x0011, b""), 1, unconfirmed)
    await door.gone()
    assert unconfirmed.calls[0] == "published"
    assert unconfirmed.calls[1].startswith("lost: ")
    assert len(unconfirmed.calls) == 2


async def test_a_window_of_downlinks_is_published_as_the_device_confirms(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        session = door.platform.sessions.of((await door.device()).id)
        assert session is not None
        fates = [Fate() for _ in range(150)]
        for number, fate in enumerate(fates, 1):
            session.link.send(Frame(number, 0x0011, b""), 1, fate)
        states = [fate.calls for fate in fates]
        assert states[:16] == [["published"]] * 16
        assert states[16:116] == [[]] * 100
        assert all(calls[0].startswith("lost: ") for calls in states[116:])
        for _ in range(116):
            await peer.message()
        for fate in fates[:116]:
            assert await fate.reaches(2) == ["published", "delivered"]


async def test_only_subscribed_levels_are_reached(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        assert await peer.subscribe(f"q/1/d/{peer.client_id}/bus", qos=0) == (0,)
        session = door.platform.sessions.of((await door.device()).id)
        assert session is not None
        bus, sys = Fate(), Fate()
        session.link.send(Frame(5, 0x0011, b""), 1, bus)
        session.link.send(Frame(6, 0x0031, b""), 1, sys)
        assert bus.calls == ["published", "delivered"]
        assert sys.calls == [f"lost: the device has not subscribed to q/1/d/{peer.client_id}/sys"]


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
