"""PUBACK after the commit, copies, failing and stalled databases, floods (device-protocol.md sections 2.4 and 13)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from fakes import FakeClock
from gateway.door import Door, opened, until
from gateway.peer import Peer, report
from mooring.gateway import GatewayLimits
from mooring.protocol import frame
from mooring.protocol.commands import ExceptionNotice
from mooring.protocol.mqtt import ClientSession, PublishAcked
from mooring.store import Store, StoreUnavailable, Vault
from mooring.store.logs import DataRow

DOWN = StoreUnavailable("the database does not answer")


@pytest.fixture
async def peer(door: Door) -> AsyncIterator[Peer]:
    """A connected device whose secret has arrived."""
    secret = await door.known()
    async with door.peer() as made:
        await made.connect(door.password(secret))
        await made.subscribe()
        yield made


def numbers(rows: Sequence[DataRow]) -> list[int | None]:
    return [row.packet_id for row in rows]


def again(peer: Peer, number: int, payload: bytes, qos: int = 1) -> None:
    """The same PUBLISH once more, DUP 0."""
    session = ClientSession(0.0)
    session.connect(peer.connect_packet("x"), 0.0)
    session.data_to_send()
    session.receive_data(b"\x20\x02\x00\x00", 0.0)
    session._outbound._last_id = number - 1
    session.publish(f"q/2/d/{peer.client_id}/bus", payload, qos, 0.0)
    peer.raw(session.data_to_send())


# The commit


@pytest.mark.parametrize("qos", [1, 2])
async def test_nothing_is_acknowledged_before_it_is_committed(door: Door, peer: Peer, qos: int) -> None:
    door.store.running.clear()
    number = peer.publish(report(1), qos=qos)
    await door.store.waiting.wait()
    await peer.subscribe()  # answered, so the message was read before
    assert peer.answers == []
    door.store.running.set()
    await peer.acked(number)
    assert numbers(await door.data()) == [1]


async def test_pubrec_comes_after_the_commit_and_pubcomp_after_pubrel(door: Door, peer: Peer) -> None:
    door.store.running.clear()
    again(peer, 7, report(1), qos=2)
    await door.store.waiting.wait()
    door.store.running.set()
    assert await peer.raw_answer(4) == bytes.fromhex("50020007")
    assert numbers(await door.data()) == [1]
    peer.raw(bytes.fromhex("62020007"))
    assert await peer.raw_answer(4) == bytes.fromhex("70020007")


async def test_one_commit_answers_everything_that_waited_for_it(door: Door, peer: Peer) -> None:
    door.store.running.clear()
    sent = [peer.publish(report(number)) for number in range(1, 11)]
    await door.store.waiting.wait()
    before = door.store.writes
    door.store.running.set()
    for number in sent:
        await peer.acked(number)
    assert door.store.writes - before <= 2
    assert numbers(await door.data()) == list(range(1, 11))


# Copies


@pytest.mark.parametrize("qos", [1, 2])
async def test_a_copy_is_acknowledged_and_not_stored_again(door: Door, peer: Peer, qos: int) -> None:
    number = peer.publish(report(1), qos=qos)
    await peer.acked(number)
    again(peer, number, report(1), qos)
    await until(lambda: door.gateway.metrics.copies == 1)
    await peer.acked(peer.publish(report(2)))
    assert numbers(await door.data()) == [1, 2]


async def test_copies_that_come_while_it_is_stored_are_acknowledged_with_it(door: Door, peer: Peer) -> None:
    door.store.running.clear()
    again(peer, 9, report(1))
    await door.store.waiting.wait()
    again(peer, 9, report(1))
    again(peer, 9, report(1))
    await until(lambda: door.gateway.metrics.copies == 2)
    door.store.running.set()
    assert await peer.raw_answer(12) == bytes.fromhex("40020009") * 3
    assert numbers(await door.data()) == [1]


@pytest.mark.parametrize("qos", [1, 2])
async def test_a_copy_on_another_connection_is_stored_once(door: Door, peer: Peer, qos: int) -> None:
    number = peer.publish(report(1), qos=qos)
    await until(lambda: door.gateway.metrics.uplinks > 0)
    async with door.peer() as second:
        await second.connect(door.password(door.secret))
        await second.subscribe()
        assert second.publish(report(1), qos=qos) == number
        await second.acked(number)
        await second.acked(second.publish(report(2)))
    assert numbers(await door.data()) == [1, 2]


async def test_a_copy_on_another_connection_waits_for_the_commit_of_the_first(door: Door, peer: Peer) -> None:
    async with door.peer() as second:
        await second.connect(door.password(door.secret))
        await peer.closed()
        door.store.running.clear()
        again(second, 9, report(1))
        await door.store.waiting.wait()
        door.store.waiting.clear()
        again(second, 9, report(1))
        await second.subscribe()
        assert second.answers == []
        door.store.running.set()
    await door.gone()
    assert numbers(await door.data()) == [1]


async def test_another_message_with_the_same_id_is_no_copy(door: Door, peer: Peer) -> None:
    for number in (1, 2, 3):
        again(peer, 9, report(number))
        assert await peer.raw_answer(4) == bytes.fromhex("40020009")
    assert numbers(await door.data()) == [1, 2, 3]


# A failing database


@pytest.mark.parametrize("qos", [1, 2])
async def test_what_could_not_be_stored_is_not_acknowledged_and_its_copy_is_stored(
    door: Door, peer: Peer, qos: int
) -> None:
    door.store.error = DOWN
    number = peer.publish(report(1), qos=qos)
    await until(lambda: door.gateway.metrics.unstored == 1)
    await peer.subscribe()
    assert peer.answers == []
    door.store.error = None
    again(peer, number, report(1), qos)
    await peer.acked(number)
    assert numbers(await door.data()) == [1]


async def test_copies_of_what_could_not_be_stored_are_not_acknowledged_either(door: Door, peer: Peer) -> None:
    door.store.error = DOWN
    door.store.running.clear()
    for _ in range(3):
        again(peer, 9, report(1))
    await until(lambda: door.gateway.metrics.copies == 2)
    door.store.running.set()
    await until(lambda: door.gateway.metrics.unstored == 1)
    await peer.subscribe()
    door.store.error = None
    again(peer, 9, report(1))
    assert await peer.raw_answer(4) == bytes.fromhex("40020009")
    assert numbers(await door.data()) == [1]


async def test_many_failures_do_not_stop_the_reading(door: Door, peer: Peer) -> None:
    door.store.error = DOWN
    for number in range(1, 301):
        again(peer, number, report(number))
    await until(lambda: door.gateway.metrics.unstored == 300)
    door.store.error = None
    await peer.acked(peer.publish(report(999)))
    assert numbers(await door.data()) == [999]


async def test_a_client_that_does_not_send_again_is_disconnected_so_that_it_does(
    door: Door, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mooring.gateway.connection.STORED_WITHIN_S", 0.1)
    door.store.error = DOWN
    number = peer.publish(report(1))
    await until(lambda: door.gateway.metrics.unstored == 1)
    door.store.error = None
    await peer.closed()
    async with door.peer() as second:
        await second.connect(door.password(door.secret))
        again(second, number, report(1))
        assert await second.raw_answer(4) == b"\x40\x02" + number.to_bytes(2, "big")
    assert numbers(await door.data()) == [1]


async def test_a_client_that_sends_again_stays(door: Door, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mooring.gateway.connection.STORED_WITHIN_S", 0.3)
    door.store.error = DOWN
    number = peer.publish(report(1))
    await until(lambda: door.gateway.metrics.unstored == 1)
    door.store.error = None
    again(peer, number, report(1))
    await peer.acked(number)
    await asyncio.sleep(0.6)
    await peer.acked(peer.publish(report(2)))


# A stalled database


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mooring.platform.journal.HIGH_WATER", 200)
    monkeypatch.setattr("mooring.platform.journal.LOW_WATER", 100)


async def flood(peer: Peer, count: int, qos: int) -> None:
    """Send so many messages as fast as they are taken."""
    for number in range(1, count + 1):
        peer.publish(frame.encode(frame.Frame(number % 0xFFFE + 1, 0x0024, bytes(10_000))), qos=qos)
        await peer.drain()


@pytest.mark.usefixtures("little_room")
async def test_a_stalled_database_stops_the_reading_and_is_caught_up_with(door: Door, peer: Peer) -> None:
    """What is not read waits in the buffers of TCP, whose size is fixed."""
    door.store.running.clear()
    count = 2_500
    sending = asyncio.create_task(flood(peer, count, 0))
    await until(lambda: not door.platform.journal.has_room)
    taken = -1
    while taken != door.gateway.metrics.uplinks:
        taken = door.gateway.metrics.uplinks
        await asyncio.sleep(0.2)
    assert taken < 1_000
    assert not sending.done()
    assert door.platform.journal.backlog < 1_000
    door.store.running.set()
    await sending
    await peer.acked(peer.publish(report(1)))
    assert len(await door.data()) == count + 1


@pytest.mark.usefixtures("little_room")
async def test_a_device_that_is_not_read_is_not_taken_for_silent(door: Door) -> None:
    secret = await door.known()
    async with door.peer() as quiet, door.peer("DK02") as loud:
        await door.first(loud, "DK02")
        await quiet.connect(door.password(secret), keep_alive_s=2)
        pinging = asyncio.create_task(ping_all_the_time(quiet))
        before = await door.events()
        door.store.running.clear()
        sending = asyncio.create_task(flood(loud, 2_000, 0))
        await until(lambda: not door.platform.journal.has_room)
        await asyncio.sleep(4)  # longer than a silent device may keep still
        door.store.running.set()
        await sending
        await quiet.acked(quiet.publish(report(1)))
        pinging.cancel()
        assert await door.events() == before


async def ping_all_the_time(peer: Peer) -> None:
    while True:
        peer.raw(b"\xc0\x00")
        await asyncio.sleep(0.2)


async def test_too_many_unacknowledged_messages_of_one_device_hold_back_only_it(door: Door, peer: Peer) -> None:
    async with door.peer("DK02") as other:
        await door.first(other, "DK02")
        door.store.running.clear()
        for number in range(1, 401):
            again(peer, number, report(number))
        await until(lambda: door.gateway.metrics.uplinks >= 256)
        await other.subscribe()
        door.store.running.set()
        for number in range(1, 401):
            assert await peer.raw_answer(4) == b"\x40\x02" + number.to_bytes(2, "big")
    assert len(await door.data()) == 400


# Floods and slow readers


@pytest.fixture
async def limited(store: Store, vault: Vault, clock: FakeClock) -> AsyncIterator[Door]:
    async with opened(store, vault, clock, GatewayLimits(uplinks_per_s=50.0)) as made:
        yield made


async def test_a_device_that_floods_is_told_and_held_back_and_loses_nothing(limited: Door) -> None:
    door = limited
    secret = await door.known()
    device = await door.device()
    notes: list[str] = []
    async with door.peer() as loud, door.peer("DK02") as other, door.platform.trace.watch(device.id) as events:
        await loud.connect(door.password(secret))
        await loud.subscribe()
        await door.first(other, "DK02")
        for number in range(1, 151):
            again(loud, number, report(number))
        assert loud.decoded(await loud.message()) == ExceptionNotice(10428)
        await other.acked(other.publish(report(1)))
        assert len(await door.data("DK02")) == 1
        taken = len(await door.data())
        assert 0 < taken < 150
        await until(lambda: door.gateway.metrics.uplinks == 151)
        while len(notes) == 0:
            event = await anext(events)
            notes += [event.note] * event.note.startswith("61007")
    assert len(await door.data()) == 150
    assert notes == ["61007: sends faster than device_uplinks_per_s = 50 and is held back"]
    assert door.gateway.metrics.held_back >= 1


async def test_without_the_setting_nobody_is_held_back(door: Door, peer: Peer) -> None:
    for number in range(1, 2_001):
        peer.publish(report(number), qos=0)
    await peer.acked(peer.publish(report(2_001)))
    assert len(await door.data()) == 2_001
    assert door.gateway.metrics.held_back == 0


async def test_a_device_that_does_not_read_is_bounded_and_the_others_go_on(door: Door, peer: Peer) -> None:
    """It publishes without reading PUBACKs: its receive buffer fills, the gateway stops reading and cuts in the end."""
    session = await door.session()
    await peer.stop_reading()
    lost = Losses()
    for number in range(1, 2_001):
        session.link.send(frame.Frame(number % 0xFFFE, 0x0023, bytes(20_000)), 0, lost)
        if number % 50 == 0:
            await asyncio.sleep(0)
    assert lost.count > 0
    async with door.peer("DK02") as other:
        await door.first(other, "DK02")
        await other.acked(other.publish(report(1)))
    peer.abort()
    await door.gone()


class Losses:
    """A `Delivery` that counts what is lost."""

    def __init__(self) -> None:
        self.count = 0

    def published(self) -> None:
        pass

    def delivered(self) -> None:
        pass

    def lost(self, reason: str) -> None:
        self.count += 1


# Limits and the end


async def test_over_max_connections_a_connection_is_closed_at_once(
    store: Store, vault: Vault, clock: FakeClock
) -> None:
    async with opened(store, vault, clock, GatewayLimits(max_connections=2)) as door:
        async with contextlib.AsyncExitStack() as stack:
            for number in (1, 2):
                held = await stack.enter_async_context(door.peer(f"DK0{number}"))
                await door.first(held, f"DK0{number}")
            async with door.peer("DK03") as refused:
                await refused.closed()
            assert door.gateway.metrics.refused["full"] == 1
            await held.acked(held.publish(report(1)))
        await until(lambda: door.gateway.metrics.connections == 0)
        async with door.peer("DK03") as peer:
            await door.first(peer, "DK03")


async def test_the_gateway_answers_what_is_committed_before_it_closes(door: Door, peer: Peer) -> None:
    door.store.running.clear()
    number = peer.publish(report(1))
    await door.store.waiting.wait()
    closing = asyncio.create_task(door.gateway.close())
    await asyncio.sleep(0)
    assert not closing.done()
    door.store.running.set()
    await peer.closed()
    assert peer.answers == [PublishAcked(number)]
    await closing
    assert numbers(await door.data()) == [1]
    assert not (await door.device()).online
    async with door.peer() as late:
        await late.closed()


async def test_the_gateway_closes_though_a_peer_does_not_read(door: Door, peer: Peer) -> None:
    session = await door.session()
    await peer.stop_reading()
    for number in range(1, 200):
        session.link.send(frame.Frame(number, 0x0023, bytes(60_000)), 0)
        await asyncio.sleep(0)
    await door.gateway.close()
    assert door.gateway.metrics.connections == 0


async def test_a_message_of_a_device_that_left_is_stored_all_the_same(door: Door, peer: Peer) -> None:
    door.store.running.clear()
    peer.publish(report(1))
    await door.store.waiting.wait()
    peer.publish(report(2))
    await peer.drain()
    peer.mqtt.disconnect()
    peer.flush()
    await peer.closed()
    door.store.running.set()
    await door.gone()
    assert numbers(await door.data()) == [1, 2]
