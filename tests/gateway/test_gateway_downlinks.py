"""What goes down to a device: published, delivered, or lost with a reason."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.door import Door, Fate
from mooring.gateway import Gateway
from mooring.protocol.commands import ReadProperties
from mooring.protocol.commands import encode as encode_command
from mooring.protocol.frame import Frame
from mooring.protocol.mqtt import PublishReceived, Resends


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
        session = await door.session()
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
        session = await door.session()
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
        session = await door.session()
        session.link.send(Frame(5, 0x0011, b""), 1, held)
    await door.gone()
    assert held.calls == ["lost: the connection was lost"]
    session.link.send(Frame(5, 0x0011, b""), 1, late)
    assert late.calls == ["lost: the connection has ended"]
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        session = await door.session()
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
        session = await door.session()
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
        session = await door.session()
        bus, sys = Fate(), Fate()
        session.link.send(Frame(5, 0x0011, b""), 1, bus)
        session.link.send(Frame(6, 0x0031, b""), 1, sys)
        assert bus.calls == ["published", "delivered"]
        assert sys.calls == [f"lost: the device has not subscribed to q/1/d/{peer.client_id}/sys"]
