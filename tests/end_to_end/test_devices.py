"""The operations of devices from the call to the wire and back, on each database: rows, tickets, states, times."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest

from databases import new_database
from documented import check_answer
from faults.devices import enter
from faults.history import static_devices
from gateway.peer import Peer
from mooring.protocol import commands, ttlv
from mooring.protocol.commands import LocationReport, ModuleInformationReport, StatusReport
from mooring.protocol.frame import Frame, decode, encode
from mooring.protocol.mqtt import PublishReceived
from mooring.protocol.ttlv import Field
from served import DATA, DETAIL, EVENTS, READ, WRITE, Served, serving

SERVICE = "/v2/deviceshadow/r3/openapi/dm/sendServiceData"
RAW = "/v2/deviceshadow/r3/openapi/raw/sendData"
LIST = "/v2/devicemgr/r3/openapi/product/device/overview"
RESOURCE = "/v2/deviceshadow/r2/openapi/device/resource"
LOCATION = "/v2/deviceshadow/r1/openapi/device/getlocation"
RELAY, POWER, ENERGY, COUNTDOWN, RESET_ENERGY, OVERLOAD = 1, 2, 5, 7, 13, 10
ON, OFF = '[{"relay":"true"}]', '[{"relay":"false"}]'


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("devices") / "data"
    if request.param == "sqlite":
        with serving(data) as served:
            yield served
        return
    with (
        new_database(request.getfixturevalue("postgres_server_url")) as url,
        serving(data, "--store", url) as served,
    ):
        yield served


@pytest.fixture
def key() -> str:
    return f"DK{secrets.token_hex(6)}"


@pytest.fixture
def secret(cloud: Served, key: str) -> str:
    return static_devices(cloud, [key])[key]


@pytest.fixture
async def peer(cloud: Served, key: str, secret: str) -> AsyncIterator[Peer]:
    """The device, online."""
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as opened:
        await enter(opened, cloud, secret)
        yield opened


async def say(peer: Peer, value: commands.Uplink, packet_id: int, level: str = "bus") -> None:
    await peer.acked(peer.publish(encode(commands.encode(value, packet_id)), level=level))


async def received(peer: Peer) -> tuple[PublishReceived, Frame]:
    message = await peer.message()
    return message, decode(message.payload)


async def becomes(cloud: Served, ticket: str, state: str) -> dict[str, Any]:
    return await asyncio.to_thread(cloud.becomes, ticket, state)


def of_ticket(cloud: Served, key: str, ticket: str) -> list[tuple[Any, ...]]:
    """Rows of the data log that carry a ticket: cmd, direction, status, dmData; newest first."""
    return [
        (row["cmd"], row["direction"], row["sendStatus"], row["dmData"])
        for row in cloud.rows(DATA, key)
        if row["ticket"] == ticket
    ]


# Tickets


async def test_a_read_is_answered_under_its_ticket(cloud: Served, key: str, peer: Peer) -> None:
    ticket = cloud.send(READ, key, '["power","relay"]')
    message, request = await received(peer)
    assert (message.qos, request.command, ttlv.decode_ids(request.payload)) == (1, 0x0011, [POWER, RELAY])
    values = [Field(POWER, Decimal("12.5")), Field(RELAY, True)]
    peer.publish(encode(commands.encode(commands.ReadResponse(values), request.packet_id)), qos=0)
    timeline = await becomes(cloud, ticket, "answered")
    assert json.loads(timeline["output"]) == [{"id": POWER, "value": "12.5"}, {"id": RELAY, "value": True}]
    up, down = of_ticket(cloud, key, ticket)
    assert up == ("0012", 1, 1, '[{"id":2,"value":"12.5"},{"id":1,"value":true}]')
    assert down == ("0011", 2, 1, '["2","1"]')
    steps = [timeline[f"{step}_at"] for step in ("accepted", "published", "delivered", "answered")]
    assert steps == sorted(steps)
    assert timeline["cached_at"] is None


async def test_a_write_is_shown_as_reported_once_the_device_says_so(cloud: Served, key: str, peer: Peer) -> None:
    ticket = cloud.send(WRITE, key, '[{"relay":"true"},{"countdown":"60"}]')
    _, request = await received(peer)
    assert ttlv.decode(request.payload) == [Field(RELAY, True), Field(COUNTDOWN, Decimal(60))]
    await becomes(cloud, ticket, "delivered")
    await say(peer, commands.Report([Field(RELAY, True)]), 1)
    assert cloud.timeline(ticket)["state"] == "delivered"
    await say(peer, commands.Report([Field(COUNTDOWN, Decimal(60))]), 2)
    await becomes(cloud, ticket, "reported")
    # A report is no answer: it has a ticket of its own.
    assert of_ticket(cloud, key, ticket) == [("0013", 2, 1, '[{"id":1,"value":true},{"id":7,"value":"60"}]')]


async def test_a_service_is_answered_by_its_outputs(cloud: Served, key: str, peer: Peer) -> None:
    ticket = cloud.send(SERVICE, key, '[{"reset_energy":[]}]')
    _, request = await received(peer)
    assert (request.command, ttlv.decode(request.payload)) == (0x0013, [Field(RESET_ENERGY, [])])
    await becomes(cloud, ticket, "delivered")
    await say(peer, commands.Report([Field(RESET_ENERGY, [Field(ENERGY, Decimal(0))])]), 1)
    timeline = await becomes(cloud, ticket, "answered")
    assert json.loads(timeline["output"]) == {"reset_energy": {"energy_total": "0"}}
    assert [row[:3] for row in of_ticket(cloud, key, ticket)] == [("0014", 1, 1), ("0013", 2, 1)]


async def test_raw_data_in_both_directions(cloud: Served, key: str, peer: Peer) -> None:
    devices = [{"productKey": cloud.product_key, "deviceKey": key}]
    answer = cloud.post(RAW, {"devices": devices, "data": "00ffAA55aa", "encode": "Hex"})
    check_answer(RAW, answer, "post")
    [row] = answer["data"]
    _, request = await received(peer)
    assert (request.command, request.payload) == (0x0023, bytes.fromhex("00ffaa55aa"))
    await becomes(cloud, row["ticket"], "delivered")
    await say(peer, commands.PassThroughUp(b"\x00hello"), 1)
    up, down = cloud.rows(DATA, key)
    shown = [(row["cmd"], row["sourceType"], row["dmData"], base64.b64decode(row["data"])) for row in (up, down)]
    assert shown == [("0024", "PASS", None, b"\x00hello"), ("0023", "PASS", None, bytes.fromhex("00ffaa55aa"))]


async def test_every_device_has_a_row_and_a_ticket_of_its_own(cloud: Served, key: str, secret: str, peer: Peer) -> None:
    away = f"{key}x"
    cloud.add(away)
    cloud.add(f"{key}y")
    cloud.manage("POST", f"/devices/{cloud.product_key}/{key}y/disable")
    body = {"productKey": cloud.product_key, "devices": [away, key, f"{key}y", "nobody", key], "data": ON}
    answer = cloud.post(WRITE, body)
    check_answer(WRITE, answer, "post")
    assert [(row["deviceKey"], row["code"]) for row in answer["data"]] == [
        (away, 61002),
        (key, 200),
        (f"{key}y", 70051),
        ("nobody", 70130),
    ]
    assert [row["ticket"] is None for row in answer["data"]] == [True, False, True, True]
    cached = cloud.post(WRITE, {**body, "isCache": True})
    assert [row["code"] for row in cached["data"]] == [200, 200, 70051, 70130]
    tickets = [row["ticket"] for row in answer["data"] + cached["data"] if row["ticket"]]
    assert len(set(tickets)) == 3
    assert [await ticket_of(cloud, peer) for _ in range(2)] == [tickets[0], tickets[2]]
    assert cloud.rows(DATA, f"{key}y") == []


async def ticket_of(cloud: Served, peer: Peer) -> str:
    """The ticket of the command that comes next, by its packet id."""
    _, frame = await received(peer)
    key = peer.client_id.removeprefix(f"qd{cloud.product_key}")
    found = cloud.manage("GET", f"/devices/{cloud.product_key}/{key}/commands")["items"]
    [ticket] = [row["ticket"] for row in found if row["packet_id"] == frame.packet_id]
    return str(ticket)


# Cache, overwriting, QoS


async def test_what_waits_leaves_oldest_first_when_the_device_comes(cloud: Served, key: str, secret: str) -> None:
    sent = [cloud.send(WRITE, key, f'[{{"countdown":"{number}"}}]', isCache=True) for number in range(20)]
    assert [row["sendStatus"] for row in cloud.rows(DATA, key)] == [0] * 20
    assert all(row["sendTime"] is None for row in cloud.rows(DATA, key))
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        numbers = [ttlv.decode((await received(peer))[1].payload)[0].value for _ in sent]
        assert numbers == [Decimal(number) for number in range(20)]
        await becomes(cloud, sent[-1], "delivered")
    rows = cloud.rows(DATA, key)
    assert [row["sendStatus"] for row in rows] == [1] * 20
    assert all(int(row["sendTime"]) >= int(row["createTime"]) for row in rows)


async def test_covering_replaces_what_waits_of_the_same_kind(cloud: Served, key: str, secret: str) -> None:
    kinds = {
        "read": cloud.send(READ, key, '["power"]', isCache=True),
        "property": cloud.send(WRITE, key, ON, isCache=True),
        "service": cloud.send(SERVICE, key, '[{"reset_energy":[]}]', isCache=True),
    }
    covering = cloud.send(WRITE, key, OFF, isCache=True, isCover=True)
    replaced = await becomes(cloud, kinds["property"], "failed")
    assert covering in replaced["failure"]
    assert [row[2] for row in of_ticket(cloud, key, kinds["property"])] == [-1]
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        frames = [(await received(peer))[1] for _ in range(3)]
    assert [frame.command for frame in frames] == [0x0011, 0x0013, 0x0013]
    assert ttlv.decode(frames[2].payload) == [Field(RELAY, False)]


async def test_what_waited_too_long_is_expired_and_never_sent(cloud: Served, key: str, secret: str) -> None:
    ticket = cloud.send(WRITE, key, ON, isCache=True, cacheTime=1)
    later = cloud.send(WRITE, key, OFF, isCache=True, cacheTime="600")
    timeline = await becomes(cloud, ticket, "expired")
    assert timeline["expired_at"] >= timeline["expires_at"] == timeline["accepted_at"] + 1000
    assert of_ticket(cloud, key, ticket) == [("0013", 2, -1, '[{"id":1,"value":true}]')]
    async with Peer.open(cloud.running.mqtt_port, cloud.client_id(key)) as peer:
        await enter(peer, cloud, secret)
        assert ttlv.decode((await received(peer))[1].payload) == [Field(RELAY, False)]
        await becomes(cloud, later, "delivered")


@pytest.mark.parametrize(("qos", "on_the_wire"), [(0, 0), (1, 1), (2, 1), ("0", 0), (None, 1)])
async def test_qos_of_a_call_is_that_of_the_message(
    cloud: Served, key: str, peer: Peer, qos: object, on_the_wire: int
) -> None:
    ticket = cloud.send(WRITE, key, ON, qos=qos)
    message, _ = await received(peer)
    assert message.qos == on_the_wire
    await becomes(cloud, ticket, "delivered")


async def test_a_command_without_a_puback_has_failed_and_says_so(cloud: Served, key: str, peer: Peer) -> None:
    ticket = cloud.send(WRITE, key, ON)
    await peer.wait(PublishReceived)  # and no PUBACK
    failed = await becomes(cloud, ticket, "failed")
    assert failed["published_at"] is not None
    assert failed["failure"]
    assert of_ticket(cloud, key, ticket) == [("0013", 2, -1, '[{"id":1,"value":true}]')]
    chosen = cloud.rows(DATA, key, sendStatus=-1)
    assert [row["ticket"] for row in chosen] == [ticket]


# What is shown


async def test_the_newest_of_everything_with_its_types(cloud: Served, key: str, peer: Peer) -> None:
    await say(peer, StatusReport(battery=Decimal(81), voltage=Decimal("3.7"), signal_strength=Decimal(-70)), 1, "sys")
    await say(peer, ModuleInformationReport("EC200U", "R01", "MCU1:1.0", sdk_version="2.9.0"), 2, "sys")
    await say(peer, LocationReport("$GNGGA,080642.00,3149.3344,N,11706.9263,E,1,24,0.58,40.5,M,0.0,M,,*4E;"), 3)
    await say(peer, commands.Report([Field(OVERLOAD, [Field(POWER, Decimal(3700))])]), 4)
    answers = {path: cloud.get(path, deviceKey=key) for path in (DETAIL, LIST, RESOURCE, LOCATION, DATA, EVENTS)}
    for path, answer in answers.items():
        check_answer(path, answer)
        assert (answer["code"], answer["msg"]) == (200, "")
    detail, resource, location = (answers[path]["data"] for path in (DETAIL, RESOURCE, LOCATION))
    assert answers[LIST]["data"] == [detail]
    assert {type(detail[name]) for name in ("createTime", "activedTime", "firstConnTime", "lastConnTime")} == {int}
    assert (resource["battery"], resource["signalStrength"], resource["version"]) == (81, -70, "R01")
    assert {type(resource[name]) for name in ("createTime", "updateTime")} == {int}
    assert (location["wgsLat"], location["deviceStatus"], type(location["createTime"])) == (31.82224, 1, int)
    events = answers[EVENTS]["data"]
    assert [row["eventCode"] for row in events] == ["overload", "online"]
    assert json.loads(events[0]["outputData"]) == {"power": "3700"}
    assert type(events[0]["createTime"]) is str
    [row] = answers[DATA]["data"]
    assert {type(row[name]) for name in ("createTime", "sendTime", "updateTime", "ticket")} == {str}
    by_id = cloud.get(LOCATION, deviceId=location["deviceId"])
    assert by_id["data"] == location


@pytest.mark.parametrize("path", [READ, WRITE, SERVICE, RAW])
def test_reasons_are_in_the_language_of_the_call(cloud: Served, key: str, secret: str, path: str) -> None:
    data = {READ: '["relay"]', WRITE: ON, SERVICE: '[{"reset_energy":[]}]', RAW: "x"}[path]
    device = {"productKey": cloud.product_key, "deviceKey": key}
    body = {"productKey": cloud.product_key, "devices": [device if path == RAW else key], "data": data}
    told = {language: cloud.post(path, body, language=language) for language in ("EN", "CN", "FR")}
    assert told["EN"]["data"][0]["message"] == told["EN"]["msg"] == "Device offline"
    assert told["CN"] == told["FR"]
    assert not told["CN"]["msg"].isascii()
