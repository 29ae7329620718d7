"""What a device goes through: first connection, later ones, takeover, the end."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from fakes import FakeClock
from gateway.door import Door, until
from gateway.peer import Peer, report
from mooring.protocol.mqtt import ClientSession

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
