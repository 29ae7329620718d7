"""The wall clock is set, forward and back by hours: tokens, sessions, commands, logs and newest values stay sane.

What lasts is measured by monotonic time; what is shown has the wall clock's time as it was then.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from fakes import FakeClock, FakeEntropy
from faults.devices import power
from gateway.door import Door, opened, until
from mooring.gateway import GatewayLimits
from mooring.platform import Limits, Platform
from mooring.platform.command_input import SendOptions
from mooring.platform.command_steps import State
from mooring.protocol.commands import WriteProperties
from mooring.store import Store, Vault

HOURS = 3_600_000
STEPS = [6 * HOURS, -6 * HOURS]
PRODUCTS = "/v2/quecproductmgr/r3/openapi/products"
RELAY = '[{"relay":true}]'


@pytest.fixture
async def door(store: Store, vault: Vault, clock: FakeClock) -> AsyncIterator[Door]:
    async with opened(store, vault, clock, GatewayLimits()) as made:
        yield made


async def test_a_token_ends_by_the_clock_and_a_new_one_is_to_be_had(door: Door, clock: FakeClock) -> None:
    token = await door.cloud.token()
    clock.step(3 * HOURS)
    assert (await door.cloud.get(PRODUCTS, token=token))["code"] == 91004
    later = await door.cloud.token()
    assert (await door.cloud.get(PRODUCTS, token=later))["code"] == 200
    clock.step(-3 * HOURS)
    for living in (token, later, await door.cloud.token()):
        assert (await door.cloud.get(PRODUCTS, token=living))["code"] == 200
    clock.step(5 * HOURS)
    assert (await door.cloud.get(PRODUCTS, token=later))["code"] == 91004


@pytest.mark.parametrize("step", STEPS)
async def test_sessions_stay_and_their_messages_keep_their_order(door: Door, clock: FakeClock, step: int) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret), keep_alive_s=60)
        times = []
        for number in (1, 2, 3, 4):
            await peer.acked(peer.publish(power(number)))
            times.append(clock.now_ms())
            clock.step(step if number % 2 else -step + 1)
        device = await door.device()
        assert device.online
        rows = await door.data()
        # Ids tell the order in which messages came, whatever the clock said; the times are the clock's.
        assert [row.packet_id for row in rows] == [1, 2, 3, 4]
        assert [row.created_at for row in rows] == times
        assert all(earlier.id < later.id for earlier, later in pairwise(rows))
        latest = await door.platform.latest.of(device.id)
        assert latest is not None
        assert latest.properties[2].value == "4"
    await door.gone()
    assert (await door.events())[-2:] == ["online", "offline"]


@pytest.mark.parametrize("step", STEPS)
async def test_silence_is_measured_by_monotonic_time(door: Door, clock: FakeClock, step: int) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret), keep_alive_s=1)
        clock.step(step)
        started = asyncio.get_running_loop().time()
        await peer.closed()
        assert asyncio.get_running_loop().time() - started >= 1.4
    await door.gone()


@pytest.mark.parametrize("step", STEPS)
async def test_the_wait_for_a_puback_is_measured_by_monotonic_time(door: Door, clock: FakeClock, step: int) -> None:
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        commands, account = door.platform.commands, door.cloud.actor.account_id
        [sent] = await commands.send_write(door.cloud.app, door.product, ["DK01"], RELAY, SendOptions())
        assert sent.ticket is not None
        clock.step(step)
        commands.tick()
        await door.platform.journal.settle()
        assert (await commands.one(account, sent.ticket)).state is State.PUBLISHED
        clock.advance(5_001)
        commands.tick()
        await door.platform.journal.settle()
        assert (await commands.one(account, sent.ticket)).state is State.FAILED
        assert isinstance(await peer.downlink(), WriteProperties)
        device = await door.device()
        await until(lambda: door.platform.commands.open_devices == 1 and device.online)
        await delivered(door, sent.ticket)


async def delivered(door: Door, ticket: int) -> None:
    async with asyncio.timeout(20):
        while True:
            await door.platform.journal.settle()
            found = await door.platform.commands.one(door.cloud.actor.account_id, ticket)
            if found.state is State.DELIVERED:
                return
            await asyncio.sleep(0.005)


async def test_a_cached_command_expires_by_the_clock_and_is_not_sent(door: Door, clock: FakeClock) -> None:
    secret = await door.known()
    commands, account = door.platform.commands, door.cloud.actor.account_id
    ages = SendOptions(cache_s=3600), SendOptions(cache_s=24 * 3600)
    sent = [
        (await commands.send_write(door.cloud.app, door.product, ["DK01"], RELAY, options))[0].ticket
        for options in ages
    ]
    clock.step(-6 * HOURS)
    commands.tick()
    clock.step(12 * HOURS)
    commands.tick()
    await door.platform.journal.settle()
    states = [(await commands.one(account, ticket)).state for ticket in sent if ticket is not None]
    assert states == [State.EXPIRED, State.CACHED]
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.subscribe()
        assert isinstance(await peer.downlink(), WriteProperties)
        assert sent[1] is not None
        await delivered(door, sent[1])
    assert sent[0] is not None
    assert (await commands.one(account, sent[0])).state is State.EXPIRED


@pytest.mark.parametrize("step", STEPS)
async def test_a_process_that_starts_with_another_time_goes_on(
    door: Door, vault: Vault, clock: FakeClock, step: int
) -> None:
    """What the ended process wrote lies in the future of the new one, or far in its past."""
    secret = await door.known()
    async with door.peer() as peer:
        await peer.connect(door.password(secret))
        await peer.acked(peer.publish(power(1)))
        await door.platform.journal.settle()
        clock.step(step)
        entropy = FakeEntropy("the next process")
        platform = await Platform.open(door.store, vault, clock=clock, entropy=entropy, limits=Limits())
        await platform.recover()
        device = await platform.devices.find(door.product.id, "DK01")
        assert device is not None
        assert not device.online
        assert device.last_offline_at == clock.now_ms()
        [sent] = await platform.commands.send_write(
            door.cloud.app, door.product, ["DK01"], RELAY, SendOptions(cache_s=60)
        )
        assert sent.ticket is not None
        assert (await platform.commands.one(door.cloud.actor.account_id, sent.ticket)).state is State.CACHED
        rows, total = await platform.history.data(device.id)
        assert total == 2
        newest_first = sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)
        assert rows == newest_first
        await platform.close()
