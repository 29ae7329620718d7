"""What queues get of commands, on both databases (contract/messages.md sections 2, 4.3, 4.6 and 4.7)."""

import base64
from decimal import Decimal
from typing import Any

import pytest

from cloud import Cloud
from fakes import FakeClock, FakeEntropy
from links import Desk
from listening import Body, Listener, listen
from mooring.platform import Limits, Platform
from mooring.platform.commands import SendOptions
from mooring.protocol import ttlv
from mooring.protocol.ttlv import Field
from mooring.store import Rows, Store, StoreUnavailable, Vault, Write
from reporting import Reporter, connect
from topologies import Topologies, build_topologies

PLAIN = SendOptions()
CACHED = SendOptions(cache_s=600)


@pytest.fixture
async def queue(cloud: Cloud) -> Listener:
    return await listen(cloud.platform, cloud.actor, cloud.app, cloud.modelled, cloud.transparent)


@pytest.fixture
async def plug(cloud: Cloud, queue: Listener) -> Reporter:
    reporter = await connect(cloud.platform, cloud.modelled)
    await reporter.values({"relay": True})
    await queue.new()
    return reporter


async def write(cloud: Cloud, options: SendOptions = PLAIN, data: str = '[{"relay":"true"}]') -> str:
    [sent] = await cloud.platform.commands.send_write(cloud.app, cloud.modelled, ["DK00001"], data, options)
    return str(sent.ticket)


def shown(bodies: list[Body]) -> list[tuple[str, str | None, Any]]:
    return [(body["type"], body.get("subtype"), body["data"]) for body in bodies]


async def test_a_write_is_told_when_it_leaves_and_when_it_is_confirmed(
    cloud: Cloud, queue: Listener, plug: Reporter, clock: FakeClock
) -> None:
    ticket = await write(cloud, data='[{"relay":"true"},{"countdown":"60"}]')
    assert await queue.new() == []
    clock.advance(10)
    plug.line.deliveries[0].published()
    sent_at = clock.now_ms()
    [left] = await queue.new()
    assert (left["type"], left["subtype"], left["ticket"]) == ("MATTR", "WRITE", ticket)
    assert left["data"] == {"kv": {"relay": True, "countdown": "60"}}
    assert (left["productKey"], left["deviceKey"]) == (cloud.modelled.product_key, "DK00001")
    clock.advance(10)
    plug.line.deliveries[0].delivered()
    plug.line.deliveries[0].delivered()
    [outcome] = await queue.new()
    assert (outcome["type"], outcome["ticket"]) == ("REQACK", ticket)
    assert outcome["data"] == {"status": "succ", "sentAt": sent_at}
    clock.advance(400_000)
    cloud.platform.commands.tick()
    assert await queue.new() == []


async def test_a_read_and_its_answer(cloud: Cloud, queue: Listener, plug: Reporter) -> None:
    commands = cloud.platform.commands
    [sent] = await commands.send_read(cloud.app, cloud.modelled, ["DK00001"], '["relay","power"]', PLAIN)
    plug.line.deliveries[0].published()
    packet_id = plug.line.sent[0].packet_id
    # The answer is there before the PUBACK, which it stands for.
    await plug.frame(0x0012, ttlv.encode([Field(1, True)]), packet_id)
    plug.line.deliveries[0].delivered()
    bodies = await queue.new()
    assert [(kind, subtype) for kind, subtype, _ in shown(bodies)] == [
        ("MATTR", "READ"),
        ("REQACK", None),
        ("MATTR", "READRESP"),
    ]
    assert {body["ticket"] for body in bodies} == {str(sent.ticket)}
    assert bodies[0]["data"] == {"keys": ["relay", "power"]}
    assert bodies[1]["data"]["status"] == "succ"
    assert bodies[2]["data"] == {"packetId": packet_id, "kv": {"relay": True}}


async def test_an_answer_without_values(cloud: Cloud, queue: Listener, plug: Reporter) -> None:
    await cloud.platform.commands.send_read(cloud.app, cloud.modelled, ["DK00001"], '["relay"]', PLAIN)
    plug.line.deliveries[0].published()
    await plug.frame(0x0012, b"", plug.line.sent[0].packet_id)
    [body] = await queue.new("MATTR-READRESP")
    assert body["data"]["kv"] == {}


async def test_a_service_and_its_answer(cloud: Cloud, queue: Listener, plug: Reporter) -> None:
    commands = cloud.platform.commands
    [sent] = await commands.send_service(cloud.app, cloud.modelled, ["DK00001"], '[{"reset_energy":[]}]', PLAIN)
    plug.line.deliveries[0].published()
    plug.line.deliveries[0].delivered()
    await plug.fields([Field(1, True), Field(13, [Field(5, Decimal("1.25"))])])
    bodies = await queue.new()
    packet_id = plug.line.sent[0].packet_id
    assert shown(bodies) == [
        ("MSERV", "INPUT", {"packetId": packet_id, "code": "reset_energy", "kv": {}}),
        ("REQACK", None, bodies[1]["data"]),
        ("MATTR", "REPORT", {"packetId": plug.packet_id, "kv": {"relay": True}}),
        ("MSERV", "OUTPUT", {"packetId": plug.packet_id, "code": "reset_energy", "kv": {"energy_total": "1.25"}}),
    ]
    tickets = [body["ticket"] for body in bodies]
    assert tickets[0] == tickets[1] == tickets[3] == str(sent.ticket)
    assert tickets[2] != tickets[0]


async def test_transparent_data_to_the_device(cloud: Cloud, queue: Listener) -> None:
    reporter = await connect(cloud.platform, cloud.transparent)
    await queue.new()
    targets = [(cloud.transparent, "DK00001")]
    [sent] = await cloud.platform.commands.send_raw(cloud.app, targets, "00ff", PLAIN, "Hex")
    reporter.line.deliveries[0].published()
    reporter.line.deliveries[0].delivered()
    active, left, outcome = await queue.new()
    assert active["operation"] == "ACTIVE"
    assert left["data"] == {"raw": base64.b64encode(b"\x00\xff").decode()}
    assert (left["subtype"], left["ticket"], outcome["ticket"]) == ("DOWNLINK", str(sent.ticket), str(sent.ticket))


async def test_a_cached_command_says_nothing_until_it_leaves(cloud: Cloud, queue: Listener, plug: Reporter) -> None:
    await cloud.platform.sessions.close(plug.session)
    await queue.new()
    ticket = await write(cloud, CACHED)
    assert await queue.new() == []
    again = await connect(cloud.platform, cloud.modelled)
    await again.line.reaches(1)
    assert [body["type"] for body in await queue.new()] == ["ONLINE"]
    again.line.deliveries[0].published()
    [left] = await queue.new()
    assert (left["subtype"], left["ticket"]) == ("WRITE", ticket)


async def test_a_command_that_is_not_confirmed_has_failed_once(
    cloud: Cloud, queue: Listener, plug: Reporter, clock: FakeClock
) -> None:
    await write(cloud)
    plug.line.deliveries[0].published()
    sent_at = clock.now_ms()
    clock.advance(4_999)
    cloud.platform.commands.tick()
    assert [body["type"] for body in await queue.new()] == ["MATTR"]
    clock.advance(1)
    cloud.platform.commands.tick()
    [outcome] = await queue.new()
    assert outcome["data"] == {"status": "fail", "sentAt": sent_at}
    plug.line.deliveries[0].delivered()  # late
    await plug.values({"relay": True})
    assert await queue.new("REQACK") == []


@pytest.mark.parametrize("ends", ["expires", "cancelled", "covered", "deleted", "offline"])
async def test_a_command_that_never_left_has_failed_without_a_time(
    cloud: Cloud, queue: Listener, plug: Reporter, clock: FakeClock, ends: str
) -> None:
    commands = cloud.platform.commands
    if ends == "offline":
        await write(cloud)
        await cloud.platform.sessions.close(plug.session)
    else:
        await cloud.platform.sessions.close(plug.session)
        ticket = await write(cloud, CACHED)
        await queue.new()
        if ends == "expires":
            clock.advance(600_000)
            commands.tick()
        elif ends == "cancelled":
            await commands.cancel(cloud.actor.account_id, int(ticket))
        elif ends == "covered":
            await write(cloud, SendOptions(cache_s=600, cover=True))
        else:
            await cloud.platform.devices.delete(cloud.actor, cloud.modelled.product_key, "DK00001")
    [outcome] = await queue.new("REQACK")
    assert outcome["data"] == {"status": "fail"}


async def test_a_restart_tells_of_what_it_found_unconfirmed_and_of_nothing_twice(
    cloud: Cloud, queue: Listener, clock: FakeClock
) -> None:
    desk = Desk(cloud.platform, clock)
    device = await desk.device(cloud.modelled, "DK00001")
    _, line = desk.connect(device)
    tickets = []
    for options in (PLAIN, PLAIN, PLAIN, CACHED):
        [sent] = await desk.commands.send_write(cloud.app, cloud.modelled, ["DK00001"], '[{"relay":"true"}]', options)
        tickets.append(str(sent.ticket))
    line.deliveries[0].published()
    line.deliveries[0].delivered()
    line.deliveries[1].published()
    line.deliveries[1].lost("given up")
    line.deliveries[2].published()
    sent_at = clock.now_ms()
    await desk.journal.settle()
    before = [body for body in await queue.new() if body["type"] == "REQACK"]
    assert [(body["ticket"], body["data"]["status"]) for body in before] == [
        (tickets[0], "succ"),
        (tickets[1], "fail"),
    ]
    await desk.restart()
    [outcome] = await queue.new("REQACK")
    assert (outcome["ticket"], outcome["deviceKey"]) == (tickets[2], "DK00001")
    assert outcome["data"] == {"status": "fail", "sentAt": sent_at}
    await desk.restart()
    assert await queue.new() == []
    clock.advance(600_000)
    desk.commands.tick()
    await desk.journal.settle()
    [outcome] = await queue.new()
    assert (outcome["ticket"], outcome["data"]) == (tickets[3], {"status": "fail"})


async def test_what_the_database_refused_is_told_when_it_answers_again(
    cloud: Cloud, queue: Listener, plug: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await write(cloud)
    store = cloud.platform.store
    real = store.write

    async def refused(*writes: Write | Rows) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(store, "write", refused)
    plug.line.deliveries[0].published()
    plug.line.deliveries[0].delivered()
    await cloud.platform.journal.settle()
    monkeypatch.setattr(store, "write", real)
    assert await queue.new() == []
    for _ in range(3):
        cloud.platform.commands.tick()
        await cloud.platform.journal.settle()
    assert [(body["type"], body["ticket"]) for body in await queue.new()] == [("MATTR", ticket), ("REQACK", ticket)]


async def test_a_commit_that_only_seemed_to_fail_is_not_told_twice(
    cloud: Cloud, queue: Listener, plug: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection to the database breaks after its COMMIT, before its answer."""
    ticket = await write(cloud)
    store = cloud.platform.store
    real = store.write

    async def unheard(*writes: Write | Rows) -> None:
        await real(*writes)
        raise StoreUnavailable("the answer is lost")

    monkeypatch.setattr(store, "write", unheard)
    plug.line.deliveries[0].published()
    plug.line.deliveries[0].delivered()
    await cloud.platform.journal.settle()
    monkeypatch.setattr(store, "write", real)
    for _ in range(3):
        cloud.platform.commands.tick()
        await cloud.platform.journal.settle()
    assert [(body["type"], body["ticket"]) for body in await queue.new()] == [("MATTR", ticket), ("REQACK", ticket)]
    assert (await cloud.platform.commands.one(cloud.actor.account_id, int(ticket))).state == "delivered"


async def test_codes_of_a_model_that_changed_while_the_command_waited(
    cloud: Cloud, queue: Listener, plug: Reporter
) -> None:
    await cloud.platform.sessions.close(plug.session)
    await write(cloud, CACHED, '[{"relay":"true"},{"label":"x"}]')
    [sent] = await cloud.platform.commands.send_read(cloud.app, cloud.modelled, ["DK00001"], '["label"]', CACHED)
    document: dict[str, Any] = await cloud.platform.thing_models.export(cloud.actor, cloud.modelled.product_key)
    document["properties"] = [one for one in document["properties"] if one["code"] != "label"]
    await cloud.platform.thing_models.import_draft(cloud.actor, cloud.modelled.product_key, document)
    await cloud.platform.thing_models.release(cloud.actor, cloud.modelled.product_key)
    again = await connect(cloud.platform, cloud.modelled)
    again.line.by_itself = "published delivered"
    await again.line.reaches(2)
    for delivery in again.line.deliveries:
        delivery.published()
        delivery.delivered()
    bodies = await queue.new("MATTR-WRITE", "MATTR-READ", "REQACK")
    assert [body["data"].get("kv") for body in bodies] == [{"relay": True}, None, None]
    assert bodies[-1]["ticket"] == str(sent.ticket)


@pytest.fixture
async def hub(cloud: Cloud) -> Topologies:
    return await build_topologies(cloud.platform, cloud.actor, cloud.app)


async def test_commands_of_sub_devices_name_the_gateway(cloud: Cloud, hub: Topologies, clock: FakeClock) -> None:
    queue = await listen(cloud.platform, cloud.actor, cloud.app, hub.lamp)
    gateway = await hub.gateway()
    await hub.log_in(gateway, "LAMP0001")
    send = cloud.platform.commands.send_write
    await send(cloud.app, hub.lamp, ["LAMP0001"], '[{"relay":"true"}]', PLAIN)
    await cloud.platform.sessions.close(gateway)
    await send(cloud.app, hub.lamp, ["LAMP0001"], '[{"relay":"true"}]', CACHED)
    clock.advance(600_000)
    cloud.platform.commands.tick()
    bodies = await queue.new("MATTR-WRITE", "REQACK")
    assert [body["type"] for body in bodies] == ["MATTR", "REQACK", "REQACK"]
    for body in bodies:
        assert body["gateway"] == {"productKey": hub.hub.product_key, "deviceKey": "HUB00001"}


async def test_a_command_that_waited_through_a_restart_still_names_the_gateway(
    cloud: Cloud, hub: Topologies, clock: FakeClock, store: Store, vault: Vault
) -> None:
    queue = await listen(cloud.platform, cloud.actor, cloud.app, hub.lamp)
    gateway = await hub.gateway()
    await hub.log_in(gateway, "LAMP0001")
    await cloud.platform.sessions.close(gateway)
    await cloud.platform.commands.send_write(cloud.app, hub.lamp, ["LAMP0001"], '[{"relay":"true"}]', CACHED)
    await queue.new()
    limits = Limits()
    other = await Platform.open(store, vault, clock=clock, entropy=FakeEntropy("again"), limits=limits)
    await other.recover()
    clock.advance(600_000)
    other.commands.tick()
    await other.journal.settle()
    [body] = await queue.new("REQACK")
    assert body["gateway"] == {"productKey": hub.hub.product_key, "deviceKey": "HUB00001"}
