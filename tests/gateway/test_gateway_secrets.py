"""How a device gets its secret and session key: delivery, evidence, encryption (device-protocol.md section 3)."""

import asyncio
import contextlib

import pytest

from gateway.door import Door, until
from gateway.peer import Peer, report
from mooring.gateway.handover import SENDS
from mooring.protocol.commands import DeviceConfiguration, ReadProperties
from mooring.protocol.frame import Frame, encode
from mooring.protocol.mqtt import PublishReceived
from mooring.protocol.session_crypto import SessionCipher


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PUBACK has a fifth of a second."""
    monkeypatch.setattr("mooring.gateway.gateway.CONFIRM_WITHIN_S", 0.2)


async def is_confirmed(door: Door) -> bool:
    return (await door.device()).secret_confirmed


# Delivery


@pytest.mark.usefixtures("hasty")
async def test_a_secret_goes_out_again_with_the_same_bytes_until_the_silent_device_is_disconnected(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe()
        await peer.closed()
        sent = peer.events_of(PublishReceived)
    assert len(sent) == SENDS
    assert {event.payload for event in sent} == {sent[0].payload}
    assert len({event.packet_id for event in sent}) == SENDS
    words = peer.decoded(sent[0])
    await door.gone()
    assert not await is_confirmed(door)
    async with door.peer() as peer:
        assert await door.first(peer) == words


@pytest.mark.usefixtures("hasty")
async def test_a_confirmed_secret_goes_out_once(door: Door) -> None:
    async with door.peer() as peer:
        await door.first(peer)
        await asyncio.sleep(0.5)
        await peer.subscribe()
        assert peer.events_of(PublishReceived) == []


@pytest.mark.usefixtures("hasty")
async def test_the_second_copy_may_be_the_one_that_is_confirmed(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe()
        await peer.wait(PublishReceived)
        assert (await peer.configuration()).device_secret is not None
        await peer.acked(peer.publish(report(1)))
        assert await is_confirmed(door)


@pytest.mark.usefixtures("hasty")
async def test_a_device_that_reports_stays_connected_though_it_never_confirms(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe()
        await peer.acked(peer.publish(report(1)))
        for _ in range(SENDS):
            await peer.wait(PublishReceived)
        await asyncio.sleep(0.5)
        await peer.acked(peer.publish(report(2)))
        assert not await is_confirmed(door)


@pytest.mark.parametrize("qos", [0, 1])
async def test_the_secret_comes_with_the_granted_qos(door: Door, qos: int) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        assert await peer.subscribe(qos=qos) == (qos,)
        message = await peer.message()
        assert message.qos == qos
        assert isinstance(peer.decoded(message), DeviceConfiguration)
        await peer.subscribe(qos=qos)
        assert peer.events_of(PublishReceived) == []
        await peer.acked(peer.publish(report(1)))
        assert await is_confirmed(door)


async def test_a_subscription_without_sys_brings_no_secret_until_sys_is_there(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe(f"q/1/d/{peer.client_id}/bus")
        await peer.subscribe(f"q/1/d/{peer.client_id}/sys")
        assert (await peer.configuration()).device_secret is not None


# Evidence


async def test_a_puback_alone_confirms_nothing(door: Door) -> None:
    async with door.peer() as peer:
        await door.first(peer)
        await peer.subscribe()
    await door.gone()
    assert not await is_confirmed(door)


async def test_an_uplink_that_was_on_its_way_before_the_puback_confirms_nothing(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe()
        await peer.wait(PublishReceived)
        await peer.acked(peer.publish(report(1)))
        assert not await is_confirmed(door)


@pytest.mark.parametrize(("level", "qos"), [("sys", 1), ("bus", 0), ("ota", 2)])
async def test_any_uplink_after_the_puback_confirms(door: Door, level: str, qos: int) -> None:
    async with door.peer() as peer:
        await door.first(peer)
        peer.publish(report(1), level=level, qos=qos)
        await peer.acked(peer.publish(report(2)))
        assert await is_confirmed(door)


async def test_a_reset_on_the_way_leaves_the_next_secret_unconfirmed(door: Door) -> None:
    async with door.peer() as peer:
        old = (await door.first(peer)).device_secret
        await door.platform.devices.reset(door.cloud.actor, door.product.product_key, "DK01")
        await peer.closed()
    async with door.peer() as peer:
        assert (await door.first(peer)).device_secret != old
    await door.gone()
    assert not await is_confirmed(door)


async def test_two_first_connections_at_once_get_one_secret(door: Door) -> None:
    async with door.peer() as first, door.peer() as second:
        for peer in (first, second):
            peer.mqtt.connect(peer.connect_packet(door.first_password()), 0.0)
            peer.flush()
        await until(lambda: door.gateway.metrics.connections == 1)
        secrets = []
        for peer in (first, second):
            with contextlib.suppress(ConnectionError):
                await peer.connected()
                await peer.subscribe()
                secrets.append((await peer.configuration()).device_secret)
        [secret] = secrets
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.acked(peer.publish(report(2)))


# Session encryption


async def encrypted(door: Door, peer: Peer, secret: str) -> SessionCipher:
    """Connect by step `1;0001` and take the key; the peer does not use it yet."""
    await peer.connect(door.password(secret, encrypted=True))
    await peer.subscribe()
    configuration = await peer.configuration()
    assert configuration.device_secret is None
    assert configuration.session_key is not None
    return SessionCipher(configuration.session_key)


async def test_step_0_brings_secret_and_key_in_clear_and_everything_after_is_encrypted(door: Door) -> None:
    async with door.peer() as peer:
        configuration = await door.first(peer, encrypted=True)
        assert configuration.device_secret is not None
        assert configuration.session_key is not None
        assert len(configuration.session_key) == 16
        peer.cipher = SessionCipher(configuration.session_key)
        await peer.acked(peer.publish(report(1)))
        (await door.session()).link.send(Frame(5, 0x0011, b"\x00\x02"), 1)
        message = await peer.message()
        assert message.payload[:2] != b"\xaa\xaa"
        assert peer.decoded(message) == ReadProperties((2,))
    [row] = await door.data()
    assert row.packet_id == 1


async def test_every_connection_has_a_key_of_its_own(door: Door) -> None:
    secret = await door.known()
    keys = set()
    for number in range(3):
        async with door.peer() as peer:
            await peer.connect(door.password(secret, encrypted=True))
            await peer.subscribe()
            keys.add((await peer.configuration()).session_key)
            await peer.acked(peer.publish(report(number + 1)))
        await door.gone()
    assert len(keys) == 3


async def test_clear_text_is_taken_until_the_first_encrypted_message_and_never_after(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        cipher = await encrypted(door, peer, secret)
        await peer.acked(peer.publish(report(1)))
        await peer.acked(peer.publish(cipher.encrypt(report(2))))
        await peer.acked(peer.publish(report(3)))
        await peer.acked(peer.publish(cipher.encrypt(report(4))))
    assert [row.packet_id for row in await door.data()] == [1, 2, 4]
    assert [row.reason for row in await door.exceptions()] == [
        "the message is in clear text, though messages before it were encrypted"
    ]


async def test_why_an_encrypted_message_cannot_be_taken_is_told_truly(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        cipher = await encrypted(door, peer, secret)
        await peer.acked(peer.publish(b"no frame"))
        await peer.acked(peer.publish(cipher.encrypt(report(1))))
        await peer.acked(peer.publish(b"\x00" * 15))
        await peer.acked(peer.publish(cipher.encrypt(b"no frame")))
        await peer.acked(peer.publish(cipher.encrypt(report(2)[:-1])))
        await peer.acked(peer.publish(report(3)))
    assert [row.reason for row in await door.exceptions()] == [
        "the message is no frame: protocol: does not start with the header; and it does not decrypt with the session "
        "key: the length is not a multiple of 16 above 0",
        "the message does not decrypt with the session key: the length is not a multiple of 16 above 0",
        "the message decrypts to no frame: protocol: does not start with the header",
        "the message decrypts to no frame: length: ends before the announced length",
        "the message is in clear text, though messages before it were encrypted",
    ]


async def test_without_the_flag_there_is_no_key(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        (await door.session()).link.send(Frame(5, 0x0011, b"\x00\x02"), 1)
        message = await peer.message()
        assert message.payload == encode(Frame(5, 0x0011, b"\x00\x02"))


async def test_a_notice_to_an_encrypted_device_is_encrypted(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        peer.cipher = await encrypted(door, peer, secret)
        await door.platform.devices.disable(door.cloud.actor, door.product.product_key, "DK01")
        assert await peer.refusal() == 10430
        await peer.closed()


@pytest.mark.usefixtures("hasty")
async def test_a_key_that_nobody_confirms_ends_the_connection(door: Door) -> None:
    """What is encrypted with it would be lost."""
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret, encrypted=True))
        await peer.subscribe()
        await peer.acked(peer.publish(report(1)))
        await peer.closed()
        assert len(peer.events_of(PublishReceived)) == SENDS


@pytest.mark.parametrize("step", ["first", "later"])
async def test_a_product_may_require_encryption(door: Door, step: str) -> None:
    secret = await door.known() if step == "later" else None
    await door.change_product(require_encryption=True)
    async with door.peer() as peer:
        await peer.connect(door.password(secret, encrypted=True) if secret else door.first_password(encrypted=True))
        await peer.subscribe()
        configuration = await peer.configuration()
        assert configuration.session_key is not None
        peer.cipher = SessionCipher(configuration.session_key)
        await peer.acked(peer.publish(report(1)))
    assert len(await door.data()) == 1
