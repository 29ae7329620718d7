"""Who is turned away, with which code, and what of it is on the wire (device-protocol.md sections 2.1 to 2.3, 10.1)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from fakes import FakeClock
from gateway.door import Door, until
from gateway.peer import RAND, Peer, report
from mooring.gateway import GatewayMetrics
from mooring.platform.failures import MAX_OF_ADDRESS, MAX_OF_CLIENT, PERIOD_S
from mooring.protocol import credentials
from mooring.protocol.commands import DeviceConfiguration, ExceptionNotice
from mooring.protocol.frame import Frame
from mooring.protocol.mqtt import PublishReceived
from mooring.store import StoreUnavailable

Prepare = Callable[[Door], Awaitable[object]]
OTHER = "0" * 32


async def nothing(door: Door) -> None:
    """An unknown device."""


async def known(door: Door) -> None:
    await door.known()


async def added(door: Door) -> None:
    await door.add()


async def static(door: Door) -> None:
    await door.add(auth_mode=1)


async def x509(door: Door) -> None:
    await door.add(auth_mode=2)


async def disabled(door: Door) -> None:
    await door.known()
    await door.platform.devices.disable(door.cloud.actor, door.product.product_key, "DK01")


async def virtual(door: Door) -> None:
    made = await door.platform.devices.add_virtual(door.cloud.actor, door.product, "DK01", "Virtual")
    assert made.is_virtual


async def closed_product(door: Door) -> None:
    await door.change_product(dynamic_authentication=False)


async def closed_product_known(door: Door) -> None:
    await door.known()
    await closed_product(door)


async def encrypting_product(door: Door) -> None:
    await door.change_product(require_encryption=True)


async def encrypting_product_known(door: Door) -> None:
    await door.known()
    await encrypting_product(door)


async def sub_device_product(door: Door) -> None:
    await door.change_product(access_type=2)


async def known_sub_device(door: Door) -> None:
    await door.known()
    await sub_device_product(door)


async def database_down(door: Door) -> None:
    door.store.error = StoreUnavailable("the database does not answer")


async def known_and_database_down(door: Door) -> None:
    await door.known()
    await database_down(door)


def signed(door: Door, device_key: str, rand: str) -> str:
    signature = credentials.sign_authentication(device_key, door.product.product_secret.reveal(), rand)
    return door.sealed_password(f"{device_key};{rand};{signature}")


@dataclass
class Refusal:
    code: int
    password: Callable[[Door], str | None]
    prepare: Prepare = nothing
    device_key: str = "DK01"

    def __str__(self) -> str:
        return str(self.code)


NOTICES = {
    "no password": Refusal(10424, lambda door: None),
    "an empty password": Refusal(10424, lambda door: ""),
    "no parts": Refusal(10424, lambda door: "secret"),
    "too few parts of step 0": Refusal(10424, lambda door: f"0;0000;{door.product.product_key}"),
    "too few parts of step 1": Refusal(10424, lambda door: f"1;0000;{RAND}"),
    "no base64": Refusal(10424, lambda door: f"0;0000;{door.product.product_key};%%%"),
    "no whole block": Refusal(10424, lambda door: f"0;0000;{door.product.product_key};QUJD"),
    "another product secret": Refusal(
        10424, lambda door: door.sealed_password(f"DK01;{RAND};x", product_secret="Zm9vYmFyYmF6cXV4")
    ),
    "two parts inside": Refusal(10424, lambda door: door.sealed_password(f"DK01;{RAND}")),
    "step 2": Refusal(10435, lambda door: door.first_password().replace("0;", "2;", 1)),
    "session flag of step 0": Refusal(10433, lambda door: door.first_password().replace("0;0000", "0;0002", 1)),
    "session flag of step 1": Refusal(10433, lambda door: f"1;1;{RAND};x"),
    "unknown product": Refusal(
        10423, lambda door: door.first_password().replace(door.product.product_key, "pNOBODY", 1)
    ),
    "short device key": Refusal(10431, lambda door: signed(door, "DK1", RAND), device_key="DK1"),
    "device key with a dash": Refusal(10431, lambda door: signed(door, "DK-01", RAND), device_key="DK-01"),
    "no RAND in step 0": Refusal(10427, lambda door: signed(door, "DK01", "")),
    "no RAND in step 1": Refusal(10427, lambda door: "1;0000;;x", known),
    "wrong SIGN": Refusal(10425, lambda door: door.sealed_password(f"DK01;{RAND};AAAA")),
    "another client id": Refusal(10434, lambda door: door.first_password("DK02")),
    "a static device in step 0": Refusal(10421, lambda door: door.first_password(), static),
    "a device that has used its secret": Refusal(10422, lambda door: door.first_password(), known),
    "a static device with a wrong secret": Refusal(10430, lambda door: door.password(OTHER), static),
    "a device with a wrong secret": Refusal(10430, lambda door: door.password(OTHER), known),
    "unknown, and may not register": Refusal(10430, lambda door: door.password(OTHER), closed_product),
    "step 0, unknown, and may not register": Refusal(10438, lambda door: door.first_password(), closed_product),
    "disabled in step 0": Refusal(10430, lambda door: door.first_password(), disabled),
    "disabled in step 1": Refusal(10430, lambda door: door.password(OTHER), disabled),
    "X.509 without a certificate in step 0": Refusal(10430, lambda door: door.first_password(), x509),
    "X.509 without a certificate in step 1": Refusal(10430, lambda door: door.password(OTHER), x509),
    "a virtual device": Refusal(10430, lambda door: door.first_password(), virtual),
    "a sub-device in step 0": Refusal(10440, lambda door: door.first_password(), sub_device_product),
    "a sub-device in step 1": Refusal(10440, lambda door: door.password(OTHER), known_sub_device),
    "an unknown sub-device in step 1": Refusal(10430, lambda door: door.password(OTHER), sub_device_product),
    "encryption not asked for in step 0": Refusal(10433, lambda door: door.first_password(), encrypting_product),
    "the database fails in step 0": Refusal(10404, lambda door: door.first_password(), database_down),
    "the database fails in step 1": Refusal(10404, lambda door: door.password(door.secret), known_and_database_down),
}


@pytest.mark.parametrize("case", NOTICES.values(), ids=list(NOTICES))
async def test_a_refused_device_gets_its_code_and_is_disconnected(door: Door, case: Refusal) -> None:
    await case.prepare(door)
    async with door.peer(case.device_key) as peer:
        await peer.connect(case.password(door))
        assert await peer.subscribe() == (1,)
        message = await peer.message()
        assert (message.topic, message.qos) == (f"q/1/d/{peer.client_id}/sys", 1)
        assert peer.decoded(message) == ExceptionNotice(case.code)
        await peer.closed()
        assert peer.events_of(PublishReceived) == []
    assert door.gateway.metrics.refused[str(case.code)] == 1
    assert list(door.platform.sessions.all()) == []


async def test_a_product_that_requires_encryption_refuses_step_1_without_it(door: Door) -> None:
    secret = await door.known()
    await encrypting_product(door)
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        assert await peer.refusal() == 10433
        await peer.closed()
    async with door.peer() as peer:
        await peer.connect(door.password(secret, encrypted=True))
        await peer.subscribe()
        assert (await peer.configuration()).session_key is not None


async def test_a_client_id_of_another_product_is_not_registered_twice(door: Door) -> None:
    """PK + DK of two products make the same text; the second device is told 10434 (contract/README.md 2.13)."""
    key = door.product.product_key
    await door.add("1DK01")
    await door.change_product(dynamic_authentication=True)
    other = await door.twin(f"{key}1")
    async with Peer.open(door.port, f"qd{key}1DK01") as peer:
        await peer.connect(credentials.build_authentication(f"{key}1", other, "DK01", RAND))
        await peer.subscribe()
        assert await peer.refusal() == 10434


async def test_the_bytes_of_a_refusal(door: Door) -> None:
    """CONNACK 0, SUBACK, then 00A3 with {1: 10423} as the recorded minute would show it."""
    async with door.peer() as peer:
        peer.mqtt.connect(peer.connect_packet("0;0000;pNOBODY;AAAA"), 0.0)
        peer.flush()
        assert await peer.raw_answer(4) == bytes.fromhex("20020000")
        cid = peer.client_id.encode()
        topic = b"q/1/d/" + cid + b"/+"
        body = b"\x00\x01" + len(topic).to_bytes(2, "big") + topic + b"\x01"
        peer.raw(bytes((0x82, len(body))) + body)
        assert await peer.raw_answer(5) == bytes.fromhex("9003000101")
        head = await peer.raw_answer(2)
        assert head[0] == 0x32
        rest = await peer.raw_answer(head[1])
        sent_on = b"q/1/d/" + cid + b"/sys"
        assert rest[: 2 + len(sent_on)] == len(sent_on).to_bytes(2, "big") + sent_on
        frame = rest[4 + len(sent_on) :]
        assert frame[:4] == bytes.fromhex("aaaa000a")
        assert frame[7:] == bytes.fromhex("00a3000a0128b7")


# What a device that is turned away may do


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mooring.gateway.refusals.NOTICE_S", 0.1)
    monkeypatch.setattr("mooring.gateway.refusals.HEAL_S", 0.1)
    monkeypatch.setattr("mooring.gateway.arrival.SUBSCRIBE_WITHIN_S", 0.1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("qos", [0, 1])
async def test_without_puback_it_is_disconnected_after_the_notice(door: Door, qos: int) -> None:
    await door.add(auth_mode=1)
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe(qos=qos)
        assert (await peer.wait(PublishReceived)).qos == qos
        await peer.closed()


@pytest.mark.usefixtures("impatient")
async def test_without_subscribe_it_is_disconnected_unheard(door: Door) -> None:
    await door.add(auth_mode=1)
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.closed()
        assert peer.events_of(PublishReceived) == []


async def test_publishing_before_subscribe_it_is_disconnected_at_once(door: Door) -> None:
    await door.add(auth_mode=1)
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        peer.publish(report(1))
        await peer.closed()
    assert await door.data() == []


@pytest.mark.parametrize("step", ["notice", "heal"])
async def test_nothing_is_taken_from_it_and_nothing_delivered(door: Door, step: str) -> None:
    await door.add(auth_mode=1 if step == "notice" else 0)
    async with door.peer() as peer:
        await peer.connect(door.password(OTHER))
        await peer.subscribe()
        peer.publish(report(1))
        peer.publish(report(2), qos=0)
        words = peer.decoded(await peer.wait(PublishReceived))
        assert words == (ExceptionNotice(10430) if step == "notice" else DeviceConfiguration(authenticate_again=True))
        assert door.platform.sessions.of((await door.device()).id) is None
        assert not (await door.device()).online
    await until(lambda: door.gateway.metrics.connections == 0)
    assert await door.data() == []
    assert await door.events() == []
    assert await door.exceptions() == []
    assert peer.answers == []


async def test_a_second_subscribe_brings_no_second_notice(door: Door) -> None:
    await door.add(auth_mode=1)
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        await peer.subscribe()
        await peer.subscribe()
        notice = await peer.wait(PublishReceived)
        peer.mqtt.acknowledge(notice.packet_id)
        peer.flush()
        await peer.closed()
        assert peer.events_of(PublishReceived) == []


# Healing


@pytest.mark.parametrize("prepare", [nothing, added], ids=["an unknown device", "a device that was added only"])
async def test_a_device_that_may_authenticate_anew_is_told_to_forget_its_secret(door: Door, prepare: Prepare) -> None:
    await prepare(door)
    async with door.peer() as peer:
        await peer.connect(door.password(OTHER))
        await peer.subscribe()
        assert (await peer.configuration()) == DeviceConfiguration(authenticate_again=True)
    async with door.peer() as peer:
        assert (await door.first(peer)).device_secret is not None
        await peer.acked(peer.publish(report(1)))
    code = "10438" if prepare is nothing else "10437"
    assert door.gateway.metrics.refused == {code: 1}


async def test_a_device_whose_secret_never_arrived_is_told_to_forget_its_old_one(door: Door) -> None:
    async with door.peer() as peer:
        secret = (await door.first(peer)).device_secret
    await door.gone()
    async with door.peer() as peer:
        await peer.connect(door.password(OTHER))
        await peer.subscribe()
        assert (await peer.configuration()).authenticate_again
    async with door.peer() as peer:
        assert (await door.first(peer)).device_secret == secret


async def test_a_healing_device_is_not_cut_by_its_puback(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.password(OTHER))
        await peer.subscribe()
        assert (await peer.configuration()).authenticate_again
        assert await peer.subscribe() == (1,)


@pytest.mark.usefixtures("impatient")
async def test_a_healing_device_that_stays_is_disconnected(door: Door) -> None:
    async with door.peer() as peer:
        await peer.connect(door.password(OTHER))
        await peer.subscribe()
        await peer.closed()


# Throttling


async def refuse(door: Door, device_key: str = "DK01") -> None:
    async with door.peer(device_key) as peer:
        await peer.connect("0;0000;pNOBODY;AAAA")


async def test_after_ten_refusals_a_client_is_not_heard_for_a_while(door: Door, clock: FakeClock) -> None:
    secret = await door.known()
    for _ in range(MAX_OF_CLIENT):
        await refuse(door)
    async with door.peer() as peer:
        peer.mqtt.connect(peer.connect_packet(door.password(secret)), 0.0)
        peer.flush()
        assert not await peer.read()
    async with door.peer("DK02") as peer:
        await door.first(peer, "DK02")
    clock.advance(int(PERIOD_S * 1000))
    async with door.peer() as peer:
        await peer.connect(door.password(secret))


async def test_neighbours_that_fail_do_not_shut_out_who_was_let_in(door: Door) -> None:
    secret = await door.known()
    for number in range(MAX_OF_ADDRESS):
        door.platform.connecting._failures.add(f"guess{number}", "127.0.0.1")
    async with door.peer("DK02") as peer:
        peer.mqtt.connect(peer.connect_packet(door.first_password("DK02")), 0.0)
        peer.flush()
        assert not await peer.read()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))


async def test_a_failing_database_is_not_held_against_devices(door: Door) -> None:
    secret = await door.known()
    await database_down(door)
    for _ in range(MAX_OF_CLIENT + 1):
        async with door.peer() as peer:
            await peer.connect(door.password(secret))
            await peer.subscribe()
            assert await peer.refusal() == 10404
    door.store.error = None
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.acked(peer.publish(report(1)))


# For people


async def test_whoever_watches_the_device_sees_why(door: Door) -> None:
    await door.add(auth_mode=1)
    device = await door.device()
    async with door.platform.trace.watch(device.id) as events, door.peer() as peer:
        await peer.connect(door.first_password())
        event = await anext(events)
    assert (event.kind, event.note) == ("refuse", "10421: a static device has its secret already")
    assert "hex" not in msgspec.to_builtins(event)


async def test_no_downlink_reaches_a_device_that_is_turned_away(door: Door) -> None:
    """Its connection is no session, but even what holds the link gets nothing through."""
    await door.add(auth_mode=1)
    async with door.peer() as peer:
        await peer.connect(door.first_password())
        [member] = door.gateway._members
        member.send(Frame(5, 0x0011, b""), 1)  # type: ignore[attr-defined]
        await peer.subscribe()
        assert await peer.refusal() == 10421
        await peer.closed()


async def test_refusals_are_counted_by_code(door: Door) -> None:
    registry = CollectorRegistry()
    metrics = GatewayMetrics(door.platform, registry)
    metrics.refused["10423"] = 3
    assert registry.get_sample_value("mooring_mqtt_refused_total", {"code": "10423"}) == 3
