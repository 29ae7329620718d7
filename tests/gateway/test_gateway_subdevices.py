"""Gateways speak for sub-devices over their own connection (device-protocol.md 8, domain-rules.md 5)."""

import pytest

from gateway.door import Door, Fate, until
from gateway.hub import Hub, build_hub
from gateway.peer import Peer, report
from mooring.platform.commands import SendOptions
from mooring.platform.devices import NewDevice
from mooring.platform.entities import Device
from mooring.platform.products import NewProduct, ProductChanges
from mooring.protocol import commands, frame
from mooring.protocol.commands import (
    Direction,
    ExceptionNotice,
    SubDeviceAuthentication,
    SubDeviceLogin,
    SubDeviceLogout,
    SubDeviceOffline,
    WriteProperties,
)
from mooring.protocol.commands_subdevice import Uplink
from mooring.protocol.frame import Frame
from mooring.protocol.mqtt import PublishReceived
from mooring.protocol.mqtt.encode import encode
from mooring.protocol.mqtt.packets import Publish
from mooring.protocol.session_crypto import SessionCipher
from mooring.protocol.ttlv import Field
from mooring.store import StoreUnavailable

SMART_PLUG_SWITCH = 1


@pytest.fixture
async def hub(door: Door) -> Hub:
    return await build_hub(door)


def write(number: int) -> Frame:
    return commands.encode(WriteProperties([Field(SMART_PLUG_SWITCH, True)]), number)


async def events(hub: Hub, key: str) -> list[str]:
    device = await hub.device(hub.lamp, key)
    rows, _ = await hub.platform.history.events(device.id)
    return [row.code for row in reversed(rows)]


async def lamp(hub: Hub, key: str = "LAMP1") -> Device:
    return await hub.device(hub.lamp, key)


# Authentication


async def test_a_sub_device_authenticates_by_its_own_product_and_gets_its_own_secret(hub: Hub) -> None:
    async with hub.gateway() as peer:
        answer = await hub.ask(peer, hub.zero("LAMP1"))
        assert (answer.code, answer.product_key, answer.device_key) == (10200, hub.lamp.product_key, "LAMP1")
        assert answer.device_secret is not None
        assert len(answer.device_secret) == 32
        assert answer.session_key is None
    device = await lamp(hub)
    assert (device.is_verified, device.secret_confirmed, device.online, device.auth_mode) == (True, False, False, 0)
    assert await hub.carrier("LAMP1") is None


async def test_a_secret_that_was_never_used_is_handed_out_again_and_a_used_one_is_not(hub: Hub) -> None:
    async with hub.gateway() as peer:
        first = await hub.authenticate(peer, "LAMP1")
        assert await hub.authenticate(peer, "LAMP1") == first
        await hub.log_in(peer, "LAMP1", first)
        answer = await hub.ask(peer, hub.zero("LAMP1"))
        assert (answer.code, answer.device_secret) == (10422, None)


@pytest.mark.parametrize("level", ["bus", "ota"])
async def test_requests_count_on_every_topic_of_the_gateway(hub: Hub, level: str) -> None:
    async with hub.gateway() as peer:
        peer.publish(frame.encode(commands.encode(hub.zero("LAMP1"), 9)), level=level)
        words = await peer.downlink()
        assert isinstance(words, commands.SubDeviceAuthenticationAnswer)
        assert words.code == 10200


async def test_wrong_requests_are_answered_with_their_code(hub: Hub) -> None:
    product_key = hub.lamp.product_key
    cases: list[tuple[Uplink, int]] = [
        (SubDeviceAuthentication("pNoOne", "LAMP1", hub.zero("LAMP1").password), 10423),
        (SubDeviceAuthentication(product_key, "LAMP2", hub.zero("LAMP1").password), 10434),
        (SubDeviceAuthentication(product_key, "L 1", hub.zero("LAMP1").password), 10431),
        (SubDeviceAuthentication(product_key, "LAMP1", None), 10424),
        (SubDeviceAuthentication(product_key, "LAMP1", "2;0000;a;b"), 10435),
        (SubDeviceAuthentication(product_key, "LAMP1", hub.one("LAMP1", "0" * 32).password), 10435),
        (hub.zero("LAMP1", secret="x" * 16), 10424),
        (SubDeviceLogin(product_key, "LAMP1", hub.zero("LAMP1").password), 10435),
        (hub.one("LAMP9", "0" * 32), 10438),
        (SubDeviceLogin(hub.hub.product_key, "HUB1", hub.one("HUB1", "0" * 32).password), 10440),
        (SubDeviceLogout(product_key, "LAMP1"), 10440),
    ]
    async with hub.gateway() as peer:
        for request, code in cases:
            assert (await hub.ask(peer, request)).code == code, request


async def test_a_static_sub_device_logs_in_with_its_burnt_in_secret_and_does_not_authenticate(hub: Hub) -> None:
    new = NewDevice("LAMP1", auth_mode=1)
    added = await hub.platform.devices.add(hub.door.cloud.actor, hub.lamp.product_key, new)
    assert added.secret is not None
    async with hub.gateway() as peer:
        assert (await hub.ask(peer, hub.zero("LAMP1"))).code == 10421
        assert (await hub.ask(peer, hub.one("LAMP1", "0" * 32))).code == 10430
        await hub.log_in(peer, "LAMP1", added.secret.reveal())


async def test_without_dynamic_authentication_only_added_sub_devices_may_authenticate(hub: Hub) -> None:
    actor, key = hub.door.cloud.actor, hub.lamp.product_key
    await hub.platform.products.update(actor, key, ProductChanges(dynamic_authentication=False))
    await hub.platform.devices.add(actor, key, NewDevice("LAMP2"))
    async with hub.gateway() as peer:
        assert (await hub.ask(peer, hub.zero("LAMP1"))).code == 10438
        assert (await hub.ask(peer, hub.zero("LAMP2"))).code == 10200


async def test_only_gateways_speak_for_sub_devices(hub: Hub, door: Door) -> None:
    async with door.peer() as peer:
        await door.first(peer)
        assert (await hub.ask(peer, hub.zero("LAMP1"))).code == 10440
    assert await hub.platform.devices.find(hub.lamp.id, "LAMP1") is None


async def test_a_sub_device_does_not_connect_by_itself(hub: Hub, door: Door) -> None:
    async with hub.gateway() as gateway:
        secret = await hub.authenticate(gateway, "LAMP1")
    for password in (hub.one("LAMP1", secret).password, hub.zero("LAMP2").password):
        key = "LAMP1" if password is not None and password.startswith("1") else "LAMP2"
        async with Peer.open(door.port, hub.lamp_id(key)) as peer:
            await peer.connect(password)
            await peer.subscribe()
            assert await peer.refusal() == 10440


# Which gateway


async def test_a_product_may_name_the_gateways_that_carry_it(hub: Hub) -> None:
    actor = hub.door.cloud.actor
    async with hub.gateway() as peer:
        secret = await hub.log_in(peer, "LAMP1")
        assert await hub.log_out(peer, "LAMP1") == 10200
        other = await build_hub_product(hub)
        await hub.platform.products.update(actor, hub.lamp.product_key, ProductChanges(specified_gateways=[other]))
        assert (await hub.ask(peer, hub.one("LAMP1", secret))).code == 10440
        assert (await hub.ask(peer, hub.zero("LAMP2"))).code == 10440
        wanted = ProductChanges(specified_gateways=[other, hub.hub.product_key])
        await hub.platform.products.update(actor, hub.lamp.product_key, wanted)
        await hub.log_in(peer, "LAMP1", secret)


async def build_hub_product(hub: Hub) -> str:
    made = await hub.platform.products.create(hub.door.cloud.actor, NewProduct("Other hub", access_type=1))
    return made.product_key


async def test_a_sub_device_moves_to_the_gateway_of_its_last_login(hub: Hub) -> None:
    async with hub.gateway("HUB1") as first, hub.gateway("HUB2") as second:
        secret = await hub.log_in(first, "LAMP1")
        assert await hub.carrier("LAMP1") == "HUB1"
        await hub.log_in(second, "LAMP1", secret)
        assert await hub.carrier("LAMP1") == "HUB2"
        assert await events(hub, "LAMP1") == ["online", "reconnect"]
        # The first gateway is told as soon as it speaks for the sub-device again.
        await first.acked(first.publish(report(1), topic=hub.topic("LAMP1")))
        await second.acked(second.publish(report(2), topic=hub.topic("LAMP1")))
        notice = await first.downlink()
        assert notice == ExceptionNotice(10442, 1, hub.lamp.product_key, "LAMP1")
        assert await hub.online("LAMP1")
    links = await hub.platform.topology.gateways(await lamp(hub))
    assert [(link.gateway.device_key, link.is_current) for link in links] == [("HUB2", True), ("HUB1", False)]


async def test_moving_may_be_forbidden(hub: Hub) -> None:
    actor = hub.door.cloud.actor
    await hub.platform.products.update(actor, hub.lamp.product_key, ProductChanges(may_change_gateway=False))
    async with hub.gateway("HUB1") as first, hub.gateway("HUB2") as second:
        secret = await hub.log_in(first, "LAMP1")
        assert (await hub.ask(second, hub.one("LAMP1", secret))).code == 10441
        assert await hub.log_out(first, "LAMP1") == 10200
        assert (await hub.ask(second, hub.one("LAMP1", secret))).code == 10440
        await hub.platform.topology.unbind(actor, hub.lamp.product_key, "LAMP1")
        await hub.log_in(second, "LAMP1", secret)
    assert await hub.carrier("LAMP1") == "HUB2"


# Login and logout


async def test_a_second_login_through_the_same_gateway_is_answered_10441_and_changes_nothing(hub: Hub) -> None:
    async with hub.gateway() as peer:
        secret = await hub.log_in(peer, "LAMP1")
        assert (await hub.ask(peer, hub.one("LAMP1", secret))).code == 10441
        assert await hub.online("LAMP1")
        await peer.acked(peer.publish(report(1), topic=hub.topic("LAMP1")))
        assert await events(hub, "LAMP1") == ["online"]


async def test_a_copy_of_a_login_is_answered_once(hub: Hub) -> None:
    async with hub.gateway() as peer:
        secret = await hub.authenticate(peer, "LAMP1")
        payload = frame.encode(commands.encode(hub.one("LAMP1", secret), 77))
        first = peer.publish(payload, level="sys")
        await peer.acked(first)
        peer.raw(_publish(peer, payload, first))
        peer.publish(report(5), level="bus")
        assert (await peer.downlink()) == commands.SubDeviceLoginAnswer(10200, hub.lamp.product_key, "LAMP1")
        await peer.acked(peer.publish(report(6), level="bus"))
        assert not [event for event in peer.events if isinstance(event, PublishReceived)]


def _publish(peer: Peer, payload: bytes, packet_id: int) -> bytes:
    return encode(Publish(f"q/2/d/{peer.client_id}/sys", payload, 1, packet_id=packet_id))


async def test_logout_takes_it_offline_and_keeps_the_link(hub: Hub) -> None:
    async with hub.gateway() as peer:
        secret = await hub.log_in(peer, "LAMP1")
        assert await hub.log_out(peer, "LAMP1") == 10200
        assert not await hub.online("LAMP1")
        assert await hub.carrier("LAMP1") == "HUB1"
        assert await hub.log_out(peer, "LAMP1") == 10442
        await hub.log_in(peer, "LAMP1", secret)
        assert await events(hub, "LAMP1") == ["online", "offline", "online"]


async def test_00c8_takes_it_offline_without_an_answer(hub: Hub) -> None:
    async with hub.gateway() as peer:
        await hub.log_in(peer, "LAMP1")
        number = peer.publish(
            frame.encode(commands.encode(SubDeviceOffline(hub.lamp.product_key, "LAMP1"), 50)), level="sys"
        )
        await peer.acked(number)
        assert not await hub.online("LAMP1")
        assert await hub.log_out(peer, "LAMP1") == 10442
        assert not [event for event in peer.events if isinstance(event, PublishReceived)]


async def test_withdrawal_voids_the_secret_and_the_link(hub: Hub) -> None:
    async with hub.gateway() as peer:
        secret = await hub.log_in(peer, "LAMP1")
        assert await hub.withdraw(peer, "LAMP1") == 10200
        device = await lamp(hub)
        assert (device.online, device.device_secret, device.is_verified) == (False, None, False)
        assert await hub.carrier("LAMP1") is None
        assert (await hub.ask(peer, hub.one("LAMP1", secret))).code == 10437
        assert await hub.withdraw(peer, "LAMP1") == 10440
        assert await hub.log_in(peer, "LAMP1") != secret


async def test_one_gateway_does_not_end_the_session_of_another_one(hub: Hub) -> None:
    async with hub.gateway("HUB1") as first, hub.gateway("HUB2") as second:
        await hub.log_in(first, "LAMP1")
        assert await hub.log_out(second, "LAMP1") == 10440
        assert await hub.withdraw(second, "LAMP1") == 10440
        assert await hub.online("LAMP1")


# Routing


async def test_uplinks_and_downlinks_of_a_sub_device_go_over_the_gateway_s_connection(hub: Hub) -> None:
    async with hub.gateway() as peer:
        await hub.log_in(peer, "LAMP1")
        device = await lamp(hub)
        await peer.acked(peer.publish(report(40), topic=hub.topic("LAMP1")))
        rows, _ = await hub.platform.history.data(device.id)
        assert [(row.direction, row.packet_id) for row in rows] == [(1, 40)]
        assert (await lamp(hub)).activated_at is not None
        gateway = await hub.device(hub.hub, "HUB1")
        assert (await hub.platform.history.data(gateway.id))[1] == 0
        session = hub.platform.sessions.of(device.id)
        assert session is not None
        assert session.gateway is hub.platform.sessions.of(gateway.id)
        fate = Fate()
        session.link.send(write(7), 1, fate)
        message = await peer.message()
        assert (message.topic, frame.decode(message.payload)) == (hub.topic("LAMP1", up=False), write(7))
        assert await fate.reaches(2) == ["published", "delivered"]


async def test_a_sub_device_with_a_session_key_encrypts_for_itself_alone(hub: Hub) -> None:
    async with hub.gateway() as peer:
        secret = await hub.authenticate(peer, "LAMP1")
        answer = await hub.ask(peer, hub.one("LAMP1", secret, encrypted=True))
        assert answer.session_key is not None
        cipher = SessionCipher(answer.session_key)
        await hub.log_in(peer, "LAMP2")
        await peer.acked(peer.publish(cipher.encrypt(report(1)), topic=hub.topic("LAMP1")))
        await peer.acked(peer.publish(report(1), topic=hub.topic("LAMP2")))
        await peer.acked(peer.publish(report(2)))
        for key in ("LAMP1", "LAMP2"):
            device = await lamp(hub, key)
            assert (await hub.platform.history.data(device.id))[1] == 1
            session = hub.platform.sessions.of(device.id)
            assert session is not None
            session.link.send(write(3), 1)
            payload = (await peer.message()).payload
            assert frame.decode(cipher.decrypt(payload) if key == "LAMP1" else payload) == write(3)
        # Once a message has been decrypted, clear ones are not taken any more.
        await peer.acked(peer.publish(report(9), topic=hub.topic("LAMP1")))
        assert (await hub.platform.history.data((await lamp(hub)).id))[1] == 1


async def test_a_message_of_a_sub_device_that_is_not_logged_in_is_answered_10442(hub: Hub) -> None:
    async with hub.gateway() as peer:
        await hub.authenticate(peer, "LAMP1")
        await peer.acked(peer.publish(report(0x22), topic=hub.topic("LAMP1")))
        assert await peer.downlink() == ExceptionNotice(10442, 0x22, hub.lamp.product_key, "LAMP1")
        assert (await hub.platform.history.data((await lamp(hub)).id))[1] == 0
        found, _ = await hub.platform.history.exceptions((await hub.device(hub.hub, "HUB1")).id)
        assert "not logged in" in found[0].reason


@pytest.mark.parametrize("topic", ["q/2/d/qdpNoOneLAMP1/bus", "q/2/d/{direct}/bus", "q/2/d/{lamp}/acl", "x"])
async def test_a_gateway_may_not_publish_for_other_devices(hub: Hub, topic: str) -> None:
    async with hub.gateway() as peer:
        await hub.log_in(peer, "LAMP1")
        peer.publish(report(1), topic=topic.format(direct=hub.door.client_id(), lamp=hub.lamp_id("LAMP1")))
        await peer.closed()


async def test_a_direct_device_may_not_publish_for_a_sub_device(hub: Hub, door: Door) -> None:
    async with door.peer() as peer:
        await door.first(peer)
        peer.publish(report(1), topic=hub.topic("LAMP1"))
        await peer.closed()


async def test_a_gateway_may_subscribe_for_its_sub_devices_and_need_not(hub: Hub) -> None:
    async with hub.gateway() as peer:
        own = f"q/1/d/{hub.lamp_id('LAMP1')}/+"
        assert await peer.subscribe(own, f"q/1/d/{hub.door.client_id()}/+", "#") == (1, 0x80, 0x80)


async def test_a_downlink_waits_for_the_answer_to_the_login(hub: Hub) -> None:
    """A cached command leaves when the sub-device comes online; the gateway must know of the login before it."""
    app = hub.door.cloud.app
    async with hub.gateway() as peer:
        secret = await hub.log_in(peer, "LAMP1")
        await hub.log_out(peer, "LAMP1")
        [sent] = await hub.platform.commands.send_raw(app, [(hub.lamp, "LAMP1")], "01", SendOptions(cache_s=60), "Hex")
        assert sent.code == 200
        number = hub.say(peer, hub.one("LAMP1", secret, encrypted=True))
        answer = frame.decode((await peer.message()).payload)
        assert (answer.command, answer.packet_id) == (0x00C3, number)
        login = commands.decode(answer, Direction.DOWN)
        assert isinstance(login, commands.SubDeviceLoginAnswer)
        assert login.session_key is not None
        cached = frame.decode(SessionCipher(login.session_key).decrypt((await peer.message()).payload))
        assert (cached.command, cached.payload) == (0x0023, b"\x01")


# Ends


async def test_sub_devices_are_offline_when_their_gateway_is(hub: Hub) -> None:
    async with hub.gateway() as peer:
        for key in ("LAMP1", "LAMP2"):
            await hub.log_in(peer, key)
    gateway = await hub.device(hub.hub, "HUB1")
    await until(lambda: hub.platform.sessions.of(gateway.id) is None)
    for key in ("LAMP1", "LAMP2"):
        assert not await hub.online(key)
        assert await events(hub, key) == ["online", "offline"]
        assert await hub.carrier(key) == "HUB1"


async def test_a_new_connection_of_the_gateway_knows_no_sub_devices(hub: Hub) -> None:
    async with hub.gateway() as first:
        gateway = await hub.device(hub.hub, "HUB1")
        secret = hub.platform.devices.secret_of(gateway)
        assert secret is not None
        lamp_secret = await hub.log_in(first, "LAMP1")
        async with hub.returning("HUB1", secret.reveal()) as second:
            await first.closed()
            assert not await hub.online("LAMP1")
            await second.acked(second.publish(report(1), topic=hub.topic("LAMP1")))
            assert await second.refusal() == 10442
            await hub.log_in(second, "LAMP1", lamp_secret)
            assert await hub.online("LAMP1")
    assert (await events(hub, "LAMP1"))[:3] == ["online", "offline", "online"]


async def test_a_disabled_sub_device_is_cut_off_and_its_gateway_told(hub: Hub) -> None:
    actor, key = hub.door.cloud.actor, hub.lamp.product_key
    async with hub.gateway() as peer:
        secret = await hub.log_in(peer, "LAMP1")
        await hub.platform.devices.disable(actor, key, "LAMP1")
        assert await peer.downlink() == ExceptionNotice(10430, None, key, "LAMP1")
        assert not await hub.online("LAMP1")
        assert (await hub.ask(peer, hub.one("LAMP1", secret))).code == 10430
        await hub.platform.devices.enable(actor, key, "LAMP1")
        await hub.log_in(peer, "LAMP1", secret)


async def test_a_deleted_sub_device_is_gone_and_may_authenticate_anew(hub: Hub) -> None:
    actor, key = hub.door.cloud.actor, hub.lamp.product_key
    async with hub.gateway() as peer:
        secret = await hub.log_in(peer, "LAMP1")
        device = await lamp(hub)
        await hub.platform.devices.delete(actor, key, "LAMP1")
        await hub.platform.journal.settle()
        assert hub.platform.sessions.of(device.id) is None
        await peer.acked(peer.publish(report(1), topic=hub.topic("LAMP1")))
        assert await peer.refusal() == 10442
        assert (await hub.ask(peer, hub.one("LAMP1", secret))).code == 10438
        await hub.authenticate(peer, "LAMP1")
        assert (await lamp(hub)).id == device.id
        assert await hub.carrier("LAMP1") is None


async def test_a_reset_gateway_loses_its_sub_devices(hub: Hub) -> None:
    async with hub.gateway() as peer:
        await hub.log_in(peer, "LAMP1")
        await hub.platform.devices.reset(hub.door.cloud.actor, hub.hub.product_key, "HUB1")
        await peer.closed()
        assert not await hub.online("LAMP1")
        assert await hub.carrier("LAMP1") is None


async def test_unbinding_logs_the_sub_device_off_and_tells_its_gateway(hub: Hub) -> None:
    actor, key = hub.door.cloud.actor, hub.lamp.product_key
    async with hub.gateway() as peer:
        secret = await hub.log_in(peer, "LAMP1")
        await hub.platform.topology.unbind(actor, key, "LAMP1")
        assert await peer.downlink() == ExceptionNotice(10442, None, key, "LAMP1")
        assert not await hub.online("LAMP1")
        assert await hub.carrier("LAMP1") is None
        await hub.log_in(peer, "LAMP1", secret)
        assert await hub.carrier("LAMP1") == "HUB1"


async def test_a_database_that_does_not_answer_is_10404_and_nothing_is_half_done(hub: Hub, door: Door) -> None:
    async with hub.gateway() as peer:
        secret = await hub.authenticate(peer, "LAMP1")
        await hub.platform.journal.settle()
        door.store.error = StoreUnavailable("away")
        assert (await hub.ask(peer, hub.one("LAMP1", secret))).code == 10404
        device = await door.platform.devices.find(hub.lamp.id, "LAMP1")
        assert device is not None
        assert door.platform.sessions.of(device.id) is None
        door.store.error = None
        await hub.log_in(peer, "LAMP1", secret)
        assert await hub.online("LAMP1")
