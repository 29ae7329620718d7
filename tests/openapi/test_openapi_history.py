"""data/history and eventdata/history."""

import base64
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from cloud import Cloud
from documented import check_answer, example
from fakes import FakeClock
from mooring.platform.command_input import SendOptions
from mooring.platform.saas_apps import AppChanges
from mooring.protocol.commands import PassThroughUp
from reporting import Reporter, connect

DATA = "/v2/quecdatastorage/r1/openapi/device/data/history"
EVENTS = "/v2/quecdatastorage/r1/openapi/device/eventdata/history"


@pytest.fixture
async def plug(cloud_on_each: Cloud) -> Reporter:
    return await connect(cloud_on_each.platform, cloud_on_each.modelled)


async def get(cloud: Cloud, path: str, params: dict[str, Any]) -> dict[str, Any]:
    answer = await cloud.get(path, params)
    check_answer(path, answer)
    return answer


def keys(plug: Reporter) -> dict[str, str]:
    return {"productKey": plug.product.product_key, "deviceKey": plug.device.device_key}


async def test_an_answer_to_a_read_is_as_the_contract_shows_it(
    cloud_on_each: Cloud, plug: Reporter, clock: FakeClock
) -> None:
    cloud = cloud_on_each
    [sent] = await cloud.platform.commands.send_read(cloud.app, plug.product, ["DK00001"], '["relay"]', SendOptions())
    await cloud.platform.journal.settle()
    requested = clock.now_ms()
    plug.line.deliveries[0].published()
    plug.line.deliveries[0].delivered()
    clock.advance(20)
    await plug.frame(0x0012, base64.b64decode("AAk="), plug.line.sent[0].packet_id)
    answer = await get(cloud, DATA, keys(plug))
    published = example(DATA)["data"][0]
    up, down = answer["data"]
    assert list(up) == list(published)
    now, ticket = str(clock.now_ms()), str(sent.ticket)
    changed = {"createTime": now, "sendTime": now, "updateTime": now, "ticket": ticket, **keys(plug)}
    assert up == {**published, **changed}
    assert (down["cmd"], down["msgType"], down["direction"], down["sendStatus"]) == ("0011", "down", 2, 1)
    assert (down["dmData"], down["data"], down["ticket"]) == ('["1"]', "AAE=", ticket)
    assert (down["createTime"], down["sourceType"]) == (str(requested), "MODE")
    assert {name: answer[name] for name in ("pageNum", "pageSize", "pages", "total")} == {
        "pageNum": 1,
        "pageSize": 10,
        "pages": 1,
        "total": 2,
    }


async def test_transparent_rows(cloud_on_each: Cloud) -> None:
    device = await connect(cloud_on_each.platform, cloud_on_each.transparent)
    await device.say(PassThroughUp(b"hello"))
    [row] = (await get(cloud_on_each, DATA, {"deviceId": device.device.id}))["data"]
    assert (row["cmd"], row["sourceType"], row["dmData"], row["data"]) == ("0024", "PASS", None, "aGVsbG8=")


async def test_ranges_directions_and_pages(cloud_on_each: Cloud, plug: Reporter, clock: FakeClock) -> None:
    cloud, times = cloud_on_each, []
    for power in range(5):
        clock.advance(10)
        times.append(clock.now_ms())
        await plug.values({"power": power})

    async def shown(**params: Any) -> tuple[list[str], int]:
        answer = await get(cloud, DATA, {**keys(plug), **params})
        return [json.loads(row["dmData"])[0]["value"] for row in answer["data"]], answer["total"]

    assert await shown() == (["4", "3", "2", "1", "0"], 5)
    assert await shown(beginDateTimp=times[1], endDateTimp=times[3]) == (["3", "2", "1"], 3)
    assert await shown(beginDateTimp=times[4]) == (["4"], 1)
    assert await shown(endDateTimp=times[0]) == (["0"], 1)
    assert await shown(endDateTimp=times[0] - 1) == ([], 0)
    assert await shown(pageNum=2, pageSize=2) == (["2", "1"], 5)
    assert await shown(pageNo=3, pageSize=2) == (["0"], 5)
    assert await shown(direction=1, sendStatus=1, pageSize=1) == (["4"], 5)
    assert await shown(direction=2) == ([], 0)
    assert await shown(sendStatus=-1) == ([], 0)


async def test_events(cloud_on_each: Cloud, plug: Reporter, clock: FakeClock) -> None:
    clock.advance(5)
    await plug.event("overload", {"power": Decimal(3700), "limit": 3600})
    answer = await get(cloud_on_each, EVENTS, keys(plug))
    overload, online = answer["data"]
    assert list(overload) == list(example(EVENTS)["data"][0])
    assert (overload["eventType"], overload["eventCode"], overload["eventName"]) == (
        "5",
        "overload",
        "Overload cut-off",
    )
    assert (overload["abId"], overload["packetId"], overload["id"]) == (10, 1, overload["ticket"])
    assert json.loads(overload["outputData"]) == {"power": "3700", "limit": "3600"}
    assert (overload["createTime"], overload["extData"]) == (str(clock.now_ms()), {})
    assert (online["eventType"], online["eventCode"], online["abId"], online["outputData"]) == (
        "1",
        "online",
        None,
        None,
    )
    chosen = await get(cloud_on_each, EVENTS, {**keys(plug), "eventType": "1"})
    assert (chosen["data"], chosen["total"]) == ([online], 1)
    assert (await get(cloud_on_each, EVENTS, {**keys(plug), "beginDateTimp": clock.now_ms()}))["data"] == [overload]


@pytest.mark.parametrize("path", [DATA, EVENTS])
@pytest.mark.parametrize(
    ("params", "code", "named"),
    [
        ({}, 50007, "productKey"),
        ({"productKey": "{modelled}"}, 50007, "deviceKey"),
        ({"deviceKey": "DK00001", "pageSize": "0"}, 50007, "productKey"),
        ({"deviceId": "x"}, 50005, "deviceId=x"),
        ({"deviceId": "5"}, 70130, ""),
        ({"deviceId": "5", "pageSize": "0"}, 50005, "pageSize=0"),
        ({"productKey": "pXXXXX", "deviceKey": "DK00001", "pageSize": "0"}, 70089, ""),
        ({"productKey": "{foreign}", "deviceKey": "DK00001"}, 70089, ""),
        ({"productKey": "{modelled}", "deviceKey": "DK00009", "beginDateTimp": "now"}, 50005, "beginDateTimp=now"),
        ({"productKey": "{modelled}", "deviceKey": "DK00009"}, 70130, ""),
        ({"productKey": "{modelled}", "deviceKey": "DK00001", "beginDateTimp": "2", "endDateTimp": "1"}, 50005, "end"),
        ({"productKey": "{modelled}", "deviceKey": "DK00001", "endDateTimp": "-1"}, 50005, "endDateTimp=-1"),
    ],
)
async def test_refusals(
    cloud_on_each: Cloud, plug: Reporter, path: str, params: dict[str, str], code: int, named: str
) -> None:
    known = {name: getattr(cloud_on_each, name).product_key for name in ("modelled", "foreign")}
    answer = await get(cloud_on_each, path, {name: value.format(**known) for name, value in params.items()})
    assert (answer["code"], named in answer["msg"]) == (code, True)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (DATA, "direction", "0"),
        (DATA, "direction", "3"),
        (DATA, "sendStatus", "2"),
        (DATA, "sendStatus", "-2"),
        (EVENTS, "eventType", "7"),
        (EVENTS, "eventType", "online"),
    ],
)
async def test_bad_filters_are_named(cloud_on_each: Cloud, plug: Reporter, path: str, name: str, value: str) -> None:
    answer = await get(cloud_on_each, path, {**keys(plug), name: value})
    assert (answer["code"], f"{name}={value}" in answer["msg"]) == (50005, True)


@pytest.mark.parametrize("path", [DATA, EVENTS])
async def test_an_application_may_ask_for_times_as_numbers(cloud_on_each: Cloud, path: str) -> None:
    """README decision 1."""
    cloud = cloud_on_each
    device = await connect(cloud.platform, cloud.modelled)
    await device.values({"relay": True})
    params = {"productKey": cloud.modelled.product_key, "deviceKey": "DK00001"}
    [documented, *_] = (await cloud.get(path, {**params, "pageNum": "1"}))["data"]
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, AppChanges(times="numbers"))
    # Not through `cloud.client`: what goes through it is held against the types of the contract.
    door = httpx.ASGITransport(cloud.door())
    async with httpx.AsyncClient(transport=door, base_url="http://mooring.test") as client:
        answer = await client.get(path, params=params, headers={"Authorization": await cloud.token()})
    [numbers, *_] = answer.json()["data"]
    members = [name for name in ("createTime", "sendTime", "updateTime") if name in documented]
    assert members
    for name in members:
        assert isinstance(documented[name], str | None)
        assert numbers[name] == (None if documented[name] is None else int(documented[name]))
