"""readData, writeData, sendServiceData and raw sendData: what a success looks like, and every form of data."""

import json

import pytest

from cloud import Cloud
from fakes import FakeClock
from links import Desk, Line
from mooring.openapi.codes import TEXTS
from mooring.openapi.deviceshadow import OPERATIONS
from mooring.platform.command_steps import State
from mooring.platform.entities import Product
from mooring.protocol import commands, ttlv
from openapi.sending import DOCUMENTED, RAW, READ, SERVICE, WRITE, post, raw, sending

# What a success looks like


async def test_a_write_is_answered_by_one_row_for_each_device(cloud_on_each: Cloud, clock: FakeClock) -> None:
    cloud = cloud_on_each
    desk = Desk(cloud.platform, clock)
    cloud.platform.commands = desk.commands
    for key in ("A", "B"):
        desk.connect(await desk.device(cloud.modelled, key), "published delivered")
    await desk.device(cloud.modelled, "C")
    body = {**sending(cloud.modelled, '[{"relay":"true"}]'), "devices": ["B", "nobody", "A", "C", "B"]}
    answer = await post(cloud, WRITE, body)
    assert list(answer) == ["code", "msg", "data"]
    assert (answer["code"], answer["msg"]) == (200, "")
    assert [(row["deviceKey"], row["code"], row["message"]) for row in answer["data"]] == [
        ("B", 200, None),
        ("nobody", 70130, "Device not found"),
        ("A", 200, None),
        ("C", 61002, "Device offline"),
    ]
    assert answer["data"][0]["ticket"].isdigit()
    logged = await desk.logged(int(answer["data"][0]["ticket"]))
    assert (logged.ticket, logged.cmd, logged.status) == (logged.id, 0x0013, 1)


async def test_when_all_devices_fail_the_first_reason_stands_on_top(desk: Desk, cloud: Cloud) -> None:
    await desk.device(cloud.modelled)
    body = {**sending(cloud.modelled, '["relay"]'), "devices": ["DK1", "DK2"]}
    answer = await post(cloud, READ, body)
    assert (answer["code"], answer["msg"]) == (200, "Device offline")
    answer = await post(cloud, READ, body, language="CN")
    assert answer["msg"] == answer["data"][0]["message"] == TEXTS[61002][1]


async def test_the_examples_of_the_contract_are_taken(desk: Desk, cloud: Cloud, line: Line) -> None:
    for operation in OPERATIONS:
        example = DOCUMENTED[operation.id]["requestBody"]["content"]["application/json"]["example"]
        known = {"switch": "relay", "target": "countdown", '"timer":[{"minutes":"5"}]': '"reset_energy":[]'}
        body = {**example}
        for name, ours in known.items():
            body["data"] = body["data"].replace(name, ours)
        if operation.path == RAW:
            body["devices"] = raw(cloud.modelled, "x")["devices"]
        else:
            body.update(productKey=cloud.modelled.product_key, devices=["DK1"])
        answer = await post(cloud, operation.path, body)
        assert answer["data"][0]["code"] == 200
    assert [sent.command for sent in line.sent] == [0x0011, 0x0013, 0x0013, 0x0023]


async def test_the_platform_sends_to_its_own_sessions_and_hears_the_answer(cloud_on_each: Cloud) -> None:
    platform, cloud = cloud_on_each.platform, cloud_on_each
    device = await platform.devices.ensure_registered(cloud.modelled, "DK01")
    keys = {"devices": ["DK01"]}
    waiting = await post(cloud, WRITE, {**sending(cloud.modelled, '[{"relay":"true"}]', isCache=True), **keys})
    line = Line("published delivered")
    session = await platform.sessions.open(device, line, "192.0.2.1")
    await line.reaches(1)
    read = await post(cloud, READ, {**sending(cloud.modelled, '["relay"]'), **keys})
    answer = commands.encode(commands.ReadResponse([ttlv.Field(1, True)]), line.sent[1].packet_id)
    platform.uplinks.receive(session, answer, 0, None)
    await platform.journal.settle()
    tickets = [int(answer["data"][0]["ticket"]) for answer in (waiting, read)]
    states = [(await platform.commands.one(cloud.app.account_id, ticket)).state for ticket in tickets]
    assert states == [State.REPORTED, State.ANSWERED]
    rows, _ = await platform.history.data(device.id, direction=1)
    assert [row.ticket for row in rows] == [tickets[1]]


# Forms of the data


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ('[{"relay":"true"},{"countdown":"21"}]', [(1, True), (7, 21)]),
        ('[{"relay":true},{"countdown":21}]', [(1, True), (7, 21)]),
        ('[{"relay":"0","start_state":"1"}]', [(1, False), (6, 1)]),
        ('[{"label":"Küche"}]', [(9, "Küche".encode())]),
    ],
)
async def test_forms_of_a_write(
    desk: Desk, cloud: Cloud, line: Line, data: str, fields: list[tuple[int, object]]
) -> None:
    assert (await post(cloud, WRITE, sending(cloud.modelled, data)))["data"][0]["code"] == 200
    assert [(field.id, field.value) for field in ttlv.decode(line.sent[0].payload)] == fields


@pytest.mark.parametrize(
    ("path", "data"),
    [
        (WRITE, '[{"notes":[{"0":"a"},{"0":"b"}]}]'),
        (WRITE, '[{"tariff":[{"0":[{"from":"06:00"}]},{"0":[{"from":"22:00"}]}]}]'),
        (SERVICE, '[{"force_charge":[{"target":"80"},{"until":"1760000000000"}]}]'),
        (SERVICE, '[{"set_tariff":[{"tariff":[{"0":[{"from":"06:00"}]}]}]}]'),
        (SERVICE, '[{"restart":[]}]'),
        (SERVICE, '[{"restart":{}}]'),
        (SERVICE, '[{"restart":""}]'),
    ],
)
async def test_nested_forms(desk: Desk, cloud: Cloud, station: Product, path: str, data: str) -> None:
    _, line = desk.connect(await desk.device(station), "published delivered")
    answer = await post(cloud, path, sending(station, data))
    assert answer["data"][0]["code"] == 200
    logged = await desk.logged(int(answer["data"][0]["ticket"]))
    assert json.loads(logged.dm_data or "")[0]["id"] == ttlv.decode(line.sent[0].payload)[0].id


async def test_a_read_drops_what_can_only_be_written(desk: Desk, cloud: Cloud, station: Product) -> None:
    _, line = desk.connect(await desk.device(station), "published delivered")
    answer = await post(cloud, READ, sending(station, '["unlock_pin","soc","notes"]'))
    assert answer["data"][0]["code"] == 200
    assert ttlv.decode_ids(line.sent[0].payload) == [1, 10]


@pytest.mark.parametrize(
    ("options", "payload"),
    [
        ({"data": "123"}, b"123"),
        ({"data": "0aFf", "encode": "Hex"}, b"\x0a\xff"),
        ({"data": "é", "encode": "Text"}, "é".encode()),
        ({"data": "1", "encode": None}, b"1"),
        ({"data": "1", "encode": ""}, b"1"),
        ({"data": "x" * 4096}, b"x" * 4096),
    ],
)
async def test_forms_of_raw_data(desk: Desk, cloud: Cloud, line: Line, options: dict[str, str], payload: bytes) -> None:
    body = {**raw(cloud.modelled, ""), **options}
    assert (await post(cloud, RAW, body))["data"][0]["code"] == 200
    assert line.sent[0].payload == payload


async def test_raw_data_goes_to_devices_of_several_products(desk: Desk, cloud: Cloud) -> None:
    _, plug = desk.connect(await desk.device(cloud.modelled), "published delivered")
    _, pipe = desk.connect(await desk.device(cloud.transparent), "published delivered")
    devices = raw(cloud.modelled, "")["devices"] + raw(cloud.transparent, "")["devices"]
    answer = await post(cloud, RAW, {"devices": devices, "data": "x"})
    assert [row["productKey"] for row in answer["data"]] == [
        cloud.modelled.product_key,
        cloud.transparent.product_key,
    ]
    assert len(plug.sent) == len(pipe.sent) == 1


@pytest.mark.parametrize(
    ("options", "kept_for", "qos"),
    [
        ({}, None, 1),
        ({"isCache": None, "cacheTime": None, "isCover": None, "qos": None, "extendPara": {}}, None, 1),
        ({"isCache": "", "cacheTime": "", "isCover": "", "qos": ""}, None, 1),
        ({"isCache": True}, 600, 1),
        ({"isCache": "true", "cacheTime": "60", "qos": "0"}, 60, 0),
        ({"isCache": 1, "cacheTime": 7_776_000, "qos": 2, "isCover": False}, 7_776_000, 2),
        ({"isCache": False, "cacheTime": 60}, None, 1),
        ({"unknown": {"deep": [1]}}, None, 1),
    ],
)
async def test_options_and_their_defaults(
    desk: Desk, cloud: Cloud, line: Line, options: dict[str, object], kept_for: int | None, qos: int
) -> None:
    answer = await post(cloud, WRITE, sending(cloud.modelled, '[{"relay":"true"}]', **options))
    row = await desk.row(int(answer["data"][0]["ticket"]))
    assert row.qos == qos
    assert row.expires_at == (None if kept_for is None else row.accepted_at + kept_for * 1000)


async def test_a_cached_command_waits_and_a_covering_one_replaces_it(desk: Desk, cloud: Cloud) -> None:
    device = await desk.device(cloud.modelled)
    first = await post(cloud, WRITE, sending(cloud.modelled, '[{"relay":"true"}]', isCache=True))
    body = sending(cloud.modelled, '[{"relay":"false"}]', isCache=True, isCover=True)
    second = await post(cloud, WRITE, body)
    assert [row["code"] for row in first["data"] + second["data"]] == [200, 200]
    assert not (await desk.row(int(first["data"][0]["ticket"]))).waits
    _, line = desk.connect(device, "published delivered")
    await line.reaches(1)
    assert ttlv.decode(line.sent[0].payload) == [ttlv.Field(1, False)]


async def test_keys_may_come_as_numbers(desk: Desk, cloud: Cloud) -> None:
    await desk.device(cloud.modelled, "861234567890123")
    body = {**sending(cloud.modelled, '["relay"]'), "devices": [861234567890123]}
    assert (await post(cloud, READ, body))["data"][0]["code"] == 61002
