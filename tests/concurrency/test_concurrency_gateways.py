"""Gateways that drop while sub-devices log in, moves, unbinding, deletion and reset beside logins: never half done."""

import asyncio
import random
from collections.abc import Awaitable
from typing import Any

import pytest

from cloud import Cloud
from concurrency.chance import at_once
from mooring.platform import PlatformError
from mooring.platform.entities import Device
from mooring.platform.session import Session
from mooring.protocol import commands
from mooring.protocol.commands import Report, SubDeviceLogout, SubDeviceWithdrawal, SubDeviceWithdrawalAnswer
from mooring.protocol.ttlv import Field
from topologies import Place, Topologies

SEEDS = range(6)
KEYS = [f"LAMP{number:04}" for number in range(8)]


async def settled(topologies: Topologies) -> None:
    await topologies.platform.sub_devices.settle()
    await topologies.platform.journal.settle()


async def check(topologies: Topologies, device: Device) -> Session | None:
    """What memory, the device's row, its links and its events say of a sub-device fits together."""
    platform = topologies.platform
    session = platform.sessions.of(device.id)
    row = await platform.devices.by_id(device.id)
    links = await platform.topology.gateways(device)
    current = [link.gateway.id for link in links if link.is_current]
    assert len(current) <= 1
    assert (session is not None) == (row is not None and row.online)
    if session is not None:
        assert session.gateway is not None
        assert platform.sessions.of(session.gateway.device.id) is session.gateway
        assert current == [session.gateway.device.id]
        assert session in platform.sessions.behind(session.gateway)
        places = topologies.line(session.gateway).places[device.device_key]
        assert [place.session for place in places if not place.closed] == [session]
    else:
        assert row is not None or not links
    events, _ = await platform.history.events(device.id, size=1000)
    codes = [event.code for event in reversed(events) if event.code in ("online", "offline", "reconnect")]
    online = False
    for code in codes:
        assert (code == "online") != online, codes
        online = code != "offline"
    assert online == (session is not None), codes
    return session


async def secrets(topologies: Topologies, gateway: Session) -> dict[str, str]:
    """Authenticated sub-devices."""
    found = {}
    for key in KEYS:
        secret = (await topologies.ask(gateway, topologies.zero(key))).device_secret
        assert secret is not None
        found[key] = secret
    return found


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_gateway_that_drops_while_its_sub_devices_log_in(topologies: Topologies, seed: int) -> None:
    platform = topologies.platform
    gateway = await topologies.gateway()
    known = await secrets(topologies, gateway)

    async def drop() -> None:
        platform.sessions.end(gateway)

    async def log_in(key: str) -> None:
        topologies.say(gateway, topologies.one(key, known[key]))
        await platform.sub_devices.settle()

    work: list[Awaitable[Any]] = [drop(), *(log_in(key) for key in KEYS)]
    await at_once(seed, *work)
    await settled(topologies)
    assert platform.sessions.of(gateway.device.id) is None
    assert platform.sessions.count == 0
    assert platform.sessions.behind(gateway) == []
    for key in KEYS:
        assert await check(topologies, await topologies.device(key)) is None
    # Another connection finds nothing in its way.
    again = await topologies.gateway()
    for key in KEYS:
        assert (await topologies.ask(again, topologies.one(key, known[key]))).code == 10200
        assert await check(topologies, await topologies.device(key)) is not None


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_gateway_that_connects_again_while_its_sub_devices_log_in(topologies: Topologies, seed: int) -> None:
    first = await topologies.gateway()
    known = await secrets(topologies, first)

    async def log_in(key: str) -> None:
        topologies.say(first, topologies.one(key, known[key]))
        await topologies.platform.sub_devices.settle()

    work: list[Awaitable[Any]] = [topologies.gateway(), *(log_in(key) for key in KEYS)]
    second, *_ = await at_once(seed, *work)
    assert isinstance(second, Session)
    await settled(topologies)
    assert topologies.platform.sessions.of(first.device.id) is second
    for key in KEYS:
        assert await check(topologies, await topologies.device(key)) is None


@pytest.mark.parametrize("seed", SEEDS)
async def test_moves_between_gateways_under_load(topologies: Topologies, seed: int) -> None:
    """Three gateways ask for the same sub-devices again and again, while these report and others log them out."""
    platform, chance = topologies.platform, random.Random(seed)
    gateways = [await topologies.gateway(f"HUB0000{number}") for number in range(3)]
    known = await secrets(topologies, gateways[0])
    asked = 0

    async def roam(gateway: Session, key: str) -> None:
        nonlocal asked
        for _ in range(4):
            topologies.say(gateway, topologies.one(key, known[key]))
            asked += 1
            for _ in range(chance.randrange(20)):
                await asyncio.sleep(0)
            session = platform.sessions.of((await topologies.platform.devices.find(topologies.lamp.id, key)).id)  # type: ignore[union-attr]
            if session is not None:
                platform.uplinks.receive(session, commands.encode(Report([Field(1, True)]), 1 + asked), 1, None)
            if chance.random() < 0.3:
                topologies.say(gateway, SubDeviceLogout(topologies.lamp.product_key, key))
                asked += 1

    await at_once(seed, *(roam(gateway, key) for gateway in gateways for key in KEYS[:3]))
    await settled(topologies)
    answered = sum(len(topologies.line(gateway).answers) for gateway in gateways) - len(KEYS)
    assert answered == asked
    codes = {answer.code for gateway in gateways for answer in topologies.line(gateway).answers}
    assert codes <= {10200, 10440, 10441, 10442}
    for key in KEYS[:3]:
        await check(topologies, await topologies.device(key))


@pytest.mark.parametrize("act", ["delete", "reset"])
async def test_a_login_that_was_judged_before_the_end_links_nothing(
    cloud: Cloud, topologies: Topologies, act: str
) -> None:
    platform, lamp = topologies.platform, topologies.lamp.product_key
    gateway = await topologies.gateway()
    device = await topologies.log_in(gateway, "LAMP0001")
    await getattr(platform.devices, act)(cloud.actor, lamp, "LAMP0001")
    assert await platform.topology.gateways(device) == []
    writes = platform.topology.login(device, gateway.device, platform.clock.now_ms())
    session = await platform.sessions.open(device, Place(), "192.0.2.1", gateway=gateway, writes=writes)
    await settled(topologies)
    assert platform.sessions.of(device.id) is not session
    assert await platform.topology.gateways(device) == []
    await check(topologies, device)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("act", ["unbind", "delete", "reset", "disable", "withdraw", "delete gateway", "reset gateway"])
async def test_what_ends_a_link_beside_a_login(cloud: Cloud, topologies: Topologies, act: str, seed: int) -> None:
    """Whichever is first: an end leaves nothing of the login, and a login that came later is whole."""
    platform, actor = topologies.platform, cloud.actor
    gateway = await topologies.gateway()
    other = await topologies.gateway("HUB00002")
    device = await topologies.log_in(gateway, "LAMP0001")
    secret = await topologies.secret("LAMP0001")
    await topologies.ask(gateway, SubDeviceLogout(topologies.lamp.product_key, "LAMP0001"))

    async def end() -> None:
        lamp, hub = topologies.lamp.product_key, topologies.hub.product_key
        match act:
            case "unbind":
                await platform.topology.unbind(actor, lamp, "LAMP0001")
            case "delete":
                await platform.devices.delete(actor, lamp, "LAMP0001")
            case "reset":
                await platform.devices.reset(actor, lamp, "LAMP0001")
            case "disable":
                await platform.devices.disable(actor, lamp, "LAMP0001")
            case "withdraw":
                topologies.say(gateway, SubDeviceWithdrawal(lamp, "LAMP0001"))
            case "delete gateway":
                await platform.devices.delete(actor, hub, "HUB00001")
            case _:
                await platform.devices.reset(actor, hub, "HUB00001")
        await platform.sub_devices.settle()

    async def log_in(through: Session) -> None:
        topologies.say(through, topologies.one("LAMP0001", secret))
        await platform.sub_devices.settle()

    before = len(topologies.line(gateway).answers)
    outcomes = await at_once(seed, end(), log_in(gateway), log_in(other), log_in(gateway))
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    await settled(topologies)
    session = await check(topologies, device)
    links = await platform.topology.gateways(device)
    answers = topologies.line(gateway).answers[before:]
    withdrawals = [answer.code for answer in answers if isinstance(answer, SubDeviceWithdrawalAnswer)]
    if act in ("delete", "reset") or withdrawals == [10200]:
        assert session is None
        assert links == []
    elif act == "withdraw":
        assert withdrawals == [10440]  # it was on its way to the other gateway
    if act == "disable":
        assert session is None
    if act.endswith("gateway"):
        assert all(link.gateway.device_key == "HUB00002" for link in links)
        assert session is None or session.gateway is other


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_product_deleted_while_its_sub_devices_log_in(cloud: Cloud, topologies: Topologies, seed: int) -> None:
    platform = topologies.platform
    gateway = await topologies.gateway()
    known = await secrets(topologies, gateway)

    async def log_in(key: str) -> None:
        topologies.say(gateway, topologies.one(key, known[key]))
        await platform.sub_devices.settle()

    delete = platform.products.delete(cloud.actor, topologies.lamp.product_key, force=True)
    work: list[Awaitable[Any]] = [delete, *(log_in(key) for key in KEYS)]
    outcomes = await at_once(seed, *work)
    assert [outcome for outcome in outcomes if isinstance(outcome, PlatformError)] == []
    await settled(topologies)
    assert platform.sessions.behind(gateway) == []
    assert [session.device.id for session in platform.sessions.all()] == [gateway.device.id]
    assert (await platform.topology.sub_devices(gateway.device, topologies.hub))[1] == 0
