"""gateway/subList, getGatewayProductByChildDevice and unbind."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cloud import Cloud
from documented import DOCUMENT, check_answer, example
from mooring.platform.devices import NewDevice
from mooring.protocol import commands
from mooring.protocol.commands import SubDeviceLogout
from topologies import Topologies, build_topologies

BASE = "/v2/devicemgr/r1/openapi/product/gateway"
LIST, BY_CHILD, UNBIND = f"{BASE}/subList", f"{BASE}/getGatewayProductByChildDevice", f"{BASE}/unbind"


@pytest.fixture
async def topologies(cloud: Cloud) -> Topologies:
    return await build_topologies(cloud.platform, cloud.actor, cloud.app)


@pytest.fixture
async def topologies_on_each(cloud_on_each: Cloud) -> Topologies:
    return await build_topologies(cloud_on_each.platform, cloud_on_each.actor, cloud_on_each.app)


async def get(cloud: Cloud, path: str, **params: Any) -> dict[str, Any]:
    answer = await cloud.get(path, params)
    if answer["code"] != 70130:  # not listed, but answered all the same (openapi-notes.md section 14, row 15)
        check_answer(path, answer)
    return answer


async def unbind(cloud: Cloud, **params: Any) -> dict[str, Any]:
    headers = {"Authorization": await cloud.token(), "Content-Type": "application/json"}
    async with cloud.client() as client:
        answer: dict[str, Any] = (await client.post(UNBIND, params=params, headers=headers)).json()
    if answer["code"] != 70130:
        check_answer(UNBIND, answer, "post")
    return answer


async def test_a_sub_device_in_the_list_of_its_gateway(cloud_on_each: Cloud, topologies_on_each: Topologies) -> None:
    cloud, topologies = cloud_on_each, topologies_on_each
    gateway = await topologies.gateway()
    device = await topologies.log_in(gateway, "LAMP0001")
    answer = await get(cloud, LIST, productKey=topologies.hub.product_key, deviceKey="HUB00001", pageNum=1, pageSize=10)
    assert answer == {
        "code": 200,
        "msg": "",
        "data": [
            {
                "activedTime": None,
                "authMode": 0,
                "createTime": device.created_at,
                "deviceKey": "LAMP0001",
                "deviceName": "LAMP0001",
                "deviceStatus": 1,
                "enabled": 0,
                "fingerPrint": None,
                "firstConnTime": device.first_conn_at,
                "gatewayType": 1,
                "id": device.id,
                "isActived": 0,
                "isCurrent": 1,
                "isLiveness": 1,
                "isVerified": 1,
                "isVirtual": 0,
                "lastConnTime": device.last_conn_at,
                "lastOfflineTime": None,
                "locateType": None,
                "moduleType": None,
                "moduleVersion": None,
                "oldDeviceName": None,
                "productId": topologies.lamp.id,
                "productKey": topologies.lamp.product_key,
                "productName": "Lamp",
                "projectId": None,
                "protocol": 3,
                "sn": None,
                "updateTime": device.updated_at,
            }
        ],
        "pageNum": 1,
        "pageSize": 10,
        "pages": 1,
        "total": 1,
    }
    schema = DOCUMENT["components"]["schemas"]["GatewaySubDevice"]["properties"]
    assert set(answer["data"][0]) == set(schema)


async def test_the_list_has_module_values_and_pages(cloud_on_each: Cloud, topologies_on_each: Topologies) -> None:
    cloud, topologies = cloud_on_each, topologies_on_each
    gateway = await topologies.gateway()
    for number in range(5):
        cloud.clock.advance(10)
        device = await topologies.log_in(gateway, f"LAMP000{number}")
    session = cloud.platform.sessions.of(device.id)
    assert session is not None
    words = commands.ModuleInformationReport(model="BC26", version="1.2.3", location_kinds=("NONE", "LBS"))
    cloud.platform.uplinks.receive(session, commands.encode(words, 1), 1, None)
    await cloud.platform.journal.settle()
    await topologies.ask(gateway, SubDeviceLogout(topologies.lamp.product_key, "LAMP0003"))
    await cloud.platform.devices.disable(cloud.actor, topologies.lamp.product_key, "LAMP0002")
    first = await get(cloud, LIST, deviceId=gateway.device.id, pageSize=3)
    assert [row["deviceKey"] for row in first["data"]] == ["LAMP0004", "LAMP0003", "LAMP0002"]
    assert [row["deviceStatus"] for row in first["data"]] == [1, 0, 0]
    assert [row["enabled"] for row in first["data"]] == [0, 0, 1]
    newest = first["data"][0]
    assert (newest["moduleType"], newest["moduleVersion"], newest["locateType"]) == ("BC26", "1.2.3", "NONE;LBS;")
    second = await get(cloud, LIST, deviceId=gateway.device.id, pageSize=3, pageNum=2)
    assert [row["deviceKey"] for row in second["data"]] == ["LAMP0001", "LAMP0000"]
    assert (second["total"], second["pages"]) == (5, 2)
    assert (await get(cloud, LIST, deviceId=gateway.device.id, pageNum=9, language="EN"))["data"] == []


async def test_a_sub_device_that_moved_stays_in_the_list_and_is_not_current(
    cloud: Cloud, topologies: Topologies
) -> None:
    first, second = await topologies.gateway("HUB00001"), await topologies.gateway("HUB00002")
    await topologies.log_in(first, "LAMP0001")
    await topologies.log_in(second, "LAMP0001")
    for gateway, current in ((first, 0), (second, 1)):
        [row] = (await get(cloud, LIST, deviceId=gateway.device.id))["data"]
        assert (row["deviceKey"], row["isCurrent"]) == ("LAMP0001", current)


async def test_products_of_other_applications_are_left_out(cloud: Cloud, topologies: Topologies) -> None:
    gateway = await topologies.gateway()
    await topologies.log_in(gateway, "LAMP0001")
    await topologies.log_in(gateway, "PART0001", topologies.part)
    await cloud.platform.saas_apps.cancel_product(cloud.actor, cloud.app.id, topologies.lamp.product_key)
    answer = await get(cloud, LIST, deviceId=gateway.device.id)
    assert ([row["deviceKey"] for row in answer["data"]], answer["total"]) == (["PART0001"], 1)
    await cloud.platform.saas_apps.cancel_product(cloud.actor, cloud.app.id, topologies.hub.product_key)
    assert (await get(cloud, LIST, deviceId=gateway.device.id))["code"] == 70089
    child = {"productKey": topologies.part.product_key, "deviceKey": "PART0001"}
    assert (await get(cloud, BY_CHILD, **child))["code"] == 70028


async def test_the_gateway_of_a_sub_device(cloud_on_each: Cloud, topologies_on_each: Topologies) -> None:
    cloud, topologies = cloud_on_each, topologies_on_each
    gateway = await topologies.gateway()
    await topologies.log_in(gateway, "PART0001", topologies.part)
    child = {"productKey": topologies.part.product_key, "deviceKey": "PART0001"}
    answer = await get(cloud, BY_CHILD, **child)
    assert list(answer["data"]) == list(example(BY_CHILD)["data"])
    assert answer["data"] == {
        "productKey": topologies.hub.product_key,
        "productName": "Hub",
        "deviceKey": "HUB00001",
        "deviceName": "HUB00001",
    }


async def test_unbinding_ends_link_and_session(cloud_on_each: Cloud, topologies_on_each: Topologies) -> None:
    cloud, topologies = cloud_on_each, topologies_on_each
    gateway = await topologies.gateway()
    device = await topologies.log_in(gateway, "PART0001", topologies.part)
    child = {"productKey": topologies.part.product_key, "deviceKey": "PART0001"}
    assert await unbind(cloud, **child) == {"code": 200, "msg": ""}
    assert cloud.platform.sessions.of(device.id) is None
    assert not (await topologies.device("PART0001", topologies.part)).online
    assert (await unbind(cloud, **child))["code"] == 70026
    assert (await get(cloud, BY_CHILD, **child))["code"] == 70026
    assert (await get(cloud, LIST, deviceId=gateway.device.id))["data"] == []
    entry, *_ = await cloud.platform.ledger.entries(cloud.actor.account_id)
    assert (entry.action, entry.actor) == ("device.unbind_gateway", f"SaaS application Fleet ({cloud.app.id})")


async def test_what_is_not_the_kind_that_was_asked_for(cloud: Cloud, topologies: Topologies) -> None:
    gateway = await topologies.gateway()
    await topologies.log_in(gateway, "LAMP0001")
    await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice("DK00001"))
    direct = {"productKey": cloud.modelled.product_key, "deviceKey": "DK00001"}
    lamp = {"productKey": topologies.lamp.product_key, "deviceKey": "LAMP0001"}
    assert (await get(cloud, LIST, **direct))["code"] == 70020
    assert (await get(cloud, BY_CHILD, **direct))["code"] == 70029
    assert (await get(cloud, BY_CHILD, **lamp))["code"] == 70027
    assert (await unbind(cloud, **direct))["code"] == 70026


@pytest.mark.parametrize(("path", "call"), [(LIST, get), (BY_CHILD, get), (UNBIND, None)])
async def test_an_unknown_device_is_70130(
    cloud: Cloud, topologies: Topologies, path: str, call: Callable[..., Awaitable[dict[str, Any]]] | None
) -> None:
    unknown = {"productKey": topologies.hub.product_key, "deviceKey": "NOTHERE1"}
    answer = await unbind(cloud, **unknown) if call is None else await call(cloud, path, **unknown)
    assert answer["code"] == 70130


@pytest.mark.parametrize("missing", ["productKey", "deviceKey"])
async def test_keys_that_are_missing_are_50007(cloud: Cloud, topologies: Topologies, missing: str) -> None:
    keys = {"productKey": topologies.hub.product_key, "deviceKey": "HUB00001", missing: ""}
    assert (await get(cloud, LIST, **keys))["code"] == 50007
    assert (await get(cloud, BY_CHILD, **keys))["code"] == 50007
    assert (await unbind(cloud, **keys))["code"] == 50007


async def test_parameters_that_cannot_be_read_are_50005(cloud: Cloud, topologies: Topologies) -> None:
    keys = {"productKey": topologies.hub.product_key, "deviceKey": "HUB00001"}
    await topologies.gateway()
    for wrong in ({"pageSize": 0}, {"pageSize": 1001}, {"pageNum": "x"}, {"deviceId": "x"}):
        assert (await get(cloud, LIST, **{**keys, **wrong}))["code"] == 50005
    many = {**keys, **{f"p{number}": 1 for number in range(100)}}
    assert (await get(cloud, BY_CHILD, **many))["code"] == 50005
    assert (await unbind(cloud, **many))["code"] == 50005


async def test_products_of_others_are_70089(cloud: Cloud, topologies: Topologies) -> None:
    keys = {"productKey": cloud.foreign.product_key, "deviceKey": "HUB00001"}
    assert (await get(cloud, LIST, **keys))["code"] == 70089
    assert (await get(cloud, BY_CHILD, **keys))["code"] == 70089
    assert (await unbind(cloud, **keys))["code"] == 70089


async def test_messages_are_in_the_language_of_the_call(cloud: Cloud, topologies: Topologies) -> None:
    lamp = {"productKey": topologies.lamp.product_key, "deviceKey": "LAMP0001"}
    gateway = await topologies.gateway()
    await topologies.log_in(gateway, "LAMP0001")
    english = await get(cloud, BY_CHILD, **lamp, language="EN")
    assert english["msg"] == "Sub-device product is not of the product integration kind"
    assert (await get(cloud, BY_CHILD, **lamp))["msg"] == "子设备产品不是产品整合方式"


# Sub-devices in the other operations


async def test_commands_to_a_sub_device_need_a_gateway(cloud_on_each: Cloud, topologies_on_each: Topologies) -> None:
    cloud, topologies = cloud_on_each, topologies_on_each
    send = "/v2/deviceshadow/r3/openapi/dm/writeData"
    key = topologies.lamp.product_key
    body = {"productKey": key, "devices": ["LAMP0001"], "data": '[{"relay":"true"}]', "isCache": True}

    async def sent() -> Any:
        headers = {"Authorization": await cloud.token()}
        async with cloud.client() as client:
            answer = (await client.post(send, json=body, headers=headers)).json()
        return answer["data"][0]["code"]

    await cloud.platform.devices.add(cloud.actor, key, NewDevice("LAMP0001"))
    assert await sent() == 70026
    gateway = await topologies.gateway()
    device = await topologies.log_in(gateway, "LAMP0001")
    assert await sent() == 200
    [place] = topologies.line(gateway).places["LAMP0001"]
    assert [frame.command for frame in place.sent] == [0x0013]
    # The link stays when the sub-device goes offline: then it is a device like others.
    await topologies.ask(gateway, SubDeviceLogout(key, "LAMP0001"))
    body["isCache"] = False
    assert await sent() == 61002
    body["isCache"] = True
    assert await sent() == 200
    await cloud.platform.topology.unbind(cloud.actor, key, "LAMP0001")
    assert await sent() == 70026
    history = await get_history(cloud, key, device.device_key)
    assert [(row["direction"], row["sendStatus"]) for row in history] == [(2, 0), (2, 1)]


async def get_history(cloud: Cloud, product_key: str, device_key: str) -> list[dict[str, Any]]:
    path = "/v2/quecdatastorage/r1/openapi/device/data/history"
    answer = await cloud.get(path, {"productKey": product_key, "deviceKey": device_key})
    assert answer["code"] == 200, answer
    rows: list[dict[str, Any]] = answer["data"]
    return rows
