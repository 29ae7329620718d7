"""product/device/overview and device/detail."""

from typing import Any

import pytest

from cloud import Cloud
from documented import check_answer, example
from fakes import FakeClock
from mooring.platform.device_input import NewDevice
from reporting import connect

LIST = "/v2/devicemgr/r3/openapi/product/device/overview"
DETAIL = "/v2/devicemgr/r3/openapi/device/detail"


async def get(cloud: Cloud, path: str, params: dict[str, Any]) -> dict[str, Any]:
    answer = await cloud.get(path, params)
    check_answer(path, answer)
    return answer


async def listed(cloud: Cloud, **params: Any) -> list[str]:
    answer = await get(cloud, LIST, {"productKey": cloud.modelled.product_key, **params})
    return [row["deviceKey"] for row in answer["data"]]


async def add(cloud: Cloud, *new: NewDevice) -> None:
    for device in new:
        cloud.clock.advance(10)
        await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, device)


async def test_a_device_that_never_connected(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await add(cloud, NewDevice("DK00001", name="Lamp 1", sn="SN00001"))
    answer = await get(cloud, LIST, {"productKey": cloud.modelled.product_key})
    assert list(answer["data"][0]) == list(example(LIST)["data"][0])
    assert answer == {
        "code": 200,
        "msg": "",
        "data": [
            {
                "activedTime": None,
                "authMode": 0,
                "createTime": cloud.clock.now_ms(),
                "dataFmt": 3,
                "deviceKey": "DK00001",
                "deviceName": "Lamp 1",
                "deviceStatus": 0,
                "firstConnTime": None,
                "isActived": 0,
                "isVerified": 0,
                "isVirtual": 0,
                "lastConnTime": None,
                "lastOfflineTime": None,
                "productKey": cloud.modelled.product_key,
                "sn": "SN00001",
                "updateTime": None,
            }
        ],
        "pageNum": 1,
        "pageSize": 10,
        "pages": 1,
        "total": 1,
    }


async def test_a_device_that_reported_and_left(cloud_on_each: Cloud, clock: FakeClock) -> None:
    cloud = cloud_on_each
    device = await connect(cloud.platform, cloud.modelled)
    connected = clock.now_ms()
    keys = {"productKey": cloud.modelled.product_key, "deviceKey": "DK00001"}
    clock.advance(5)
    await device.values({"relay": True})
    online = (await get(cloud, DETAIL, keys))["data"]
    assert (online["deviceStatus"], online["isActived"], online["activedTime"]) == (1, 1, clock.now_ms())
    clock.advance(5)
    await cloud.platform.sessions.close(device.session)
    await cloud.platform.journal.settle()
    left = (await get(cloud, DETAIL, keys))["data"]
    assert (left["deviceStatus"], left["lastOfflineTime"]) == (0, clock.now_ms())
    assert left["firstConnTime"] == left["lastConnTime"] == connected
    assert list(left) == list(example(DETAIL)["data"])


async def test_filters_and_pages(cloud: Cloud) -> None:
    await add(cloud, NewDevice("DK00001", name="Lamp"), NewDevice("DK00002", name="Pump"), NewDevice("DK00003"))
    device = await connect(cloud.platform, cloud.modelled, "DK00004")
    await device.values({"relay": True})
    assert await listed(cloud) == ["DK00004", "DK00003", "DK00002", "DK00001"]
    assert await listed(cloud, deviceStatus=1) == ["DK00004"]
    assert await listed(cloud, deviceStatus=0, activeStatus=0) == ["DK00003", "DK00002", "DK00001"]
    assert await listed(cloud, activeStatus="1") == ["DK00004"]
    assert await listed(cloud, deviceKey="DK00002") == ["DK00002"]
    assert await listed(cloud, deviceKey="DK00002", deviceStatus=1) == []
    assert await listed(cloud, deviceName="amp") == ["DK00001"]
    assert await listed(cloud, pageNo=2, pageSize=3) == ["DK00001"]
    assert await listed(cloud, deviceStatus="", deviceKey="") == ["DK00004", "DK00003", "DK00002", "DK00001"]
    answer = await get(cloud, LIST, {"productKey": cloud.modelled.product_key, "pageNum": 9, "pageSize": 2})
    assert (answer["data"], answer["pageNum"], answer["pages"], answer["total"]) == ([], 9, 2, 4)


@pytest.mark.parametrize(
    ("path", "params", "code", "named"),
    [
        (LIST, {}, 50005, "productKey"),
        (LIST, {"productKey": ""}, 50005, "productKey"),
        (LIST, {"productKey": "pXXXXX", "pageSize": 0}, 70089, ""),
        (LIST, {"productKey": "{foreign}", "deviceStatus": 7}, 70089, ""),
        (LIST, {"productKey": "{modelled}", "deviceStatus": 2}, 50005, "deviceStatus=2"),
        (LIST, {"productKey": "{modelled}", "activeStatus": "yes"}, 50005, "activeStatus=yes"),
        (LIST, {"productKey": "{modelled}", "pageSize": 1001}, 50005, "pageSize=1001"),
        (LIST, {"productKey": "{modelled}", "deviceKey": "DK00009", "pageSize": 0}, 50005, "pageSize"),
        (LIST, {"productKey": "{modelled}", "deviceKey": "DK00009"}, 70130, ""),
        (DETAIL, {"productKey": "{modelled}"}, 50005, "deviceKey"),
        (DETAIL, {"deviceKey": "DK00001"}, 50005, "productKey"),
        (DETAIL, {"productKey": "pXXXXX", "deviceKey": "DK00001"}, 70089, ""),
        (DETAIL, {"productKey": "{foreign}", "deviceKey": "DK00001"}, 70089, ""),
        (DETAIL, {"productKey": "{modelled}", "deviceKey": "DK00009"}, 70130, ""),
        (DETAIL, {"productKey": "{modelled}", "deviceKey": "dk00001"}, 70130, ""),
    ],
)
async def test_refusals(cloud_on_each: Cloud, path: str, params: dict[str, Any], code: int, named: str) -> None:
    cloud = cloud_on_each
    await add(cloud, NewDevice("DK00001"))
    keys = {name: getattr(cloud, name).product_key for name in ("modelled", "foreign")}
    answer = await get(cloud, path, {name: str(value).format(**keys) for name, value in params.items()})
    assert (answer["code"], named in answer["msg"]) == (code, True)


async def test_a_deleted_device_is_gone(cloud: Cloud) -> None:
    await add(cloud, NewDevice("DK00001"))
    await cloud.platform.devices.delete(cloud.actor, cloud.modelled.product_key, "DK00001")
    assert await listed(cloud) == []
    keys = {"productKey": cloud.modelled.product_key, "deviceKey": "DK00001"}
    assert (await get(cloud, DETAIL, keys))["code"] == 70130
