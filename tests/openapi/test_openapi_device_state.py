"""device/resource and device/getlocation."""

import base64
from decimal import Decimal
from typing import Any

import pytest

from cloud import Cloud
from documented import DOCUMENT, check_answer
from fakes import FakeClock
from mooring.protocol import ttlv
from mooring.protocol.commands import LocationReport, ModuleInformationReport, StatusReport
from mooring.protocol.ttlv import Field
from reporting import connect

RESOURCE = "/v2/deviceshadow/r2/openapi/device/resource"
LOCATION = "/v2/deviceshadow/r1/openapi/device/getlocation"


async def get(cloud: Cloud, path: str, params: dict[str, Any]) -> dict[str, Any]:
    answer = await cloud.get(path, params)
    check_answer(path, answer)
    return answer


def keys(cloud: Cloud, device_key: str = "DK00001") -> dict[str, str]:
    return {"productKey": cloud.modelled.product_key, "deviceKey": device_key}


async def test_a_device_that_reported_nothing_has_nulls(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await connect(cloud.platform, cloud.modelled)
    data = (await get(cloud, RESOURCE, keys(cloud)))["data"]
    assert list(data) == list(DOCUMENT["components"]["schemas"]["DeviceResource"]["properties"])
    assert {name for name, value in data.items() if value is not None} == {"productKey", "deviceKey"}
    assert await cloud.get(LOCATION, keys(cloud)) == {"code": 200, "msg": "", "data": None}


async def test_resources_have_the_types_of_the_contract(cloud_on_each: Cloud, clock: FakeClock) -> None:
    cloud = cloud_on_each
    device = await connect(cloud.platform, cloud.modelled)
    created = clock.now_ms()
    await device.say(
        StatusReport(
            battery=Decimal("80.5"),
            voltage=Decimal("3.70"),
            signal_strength=Decimal(-71),
            memory_free=Decimal(1024),
            rsrp=Decimal("-95.5"),
            rsrq=Decimal(-11),
            snr=Decimal(0),
        )
    )
    clock.advance(9)
    await device.say(ModuleInformationReport("EC200U", "R01", "MCU1:1.0", 7, "8986", 460, 0, 21501, "+8613", "46000"))
    updated = clock.now_ms()
    clock.advance(9)
    await device.values({"relay": True})
    data = (await get(cloud, RESOURCE, keys(cloud)))["data"]
    assert {name: value for name, value in data.items() if value is not None} == {
        "id": device.device.id,
        **keys(cloud),
        "battery": 80.5,
        "voltage": 3.7,
        "signalStrength": -71,
        "memoryFree": 1024,
        "rsrp": -96,
        "rsrq": -11,
        "snr": 0,
        "type": "EC200U",
        "version": "R01",
        "mcuVersion": "MCU1:1.0",
        "cellId": 7,
        "iccId": "8986",
        "mcc": 460,
        "mnc": 0,
        "lac": 21501,
        "phoneNum": "+8613",
        "simNum": "46000",
        "createTime": created,
        "updateTime": updated,
    }


async def test_a_position(cloud_on_each: Cloud, clock: FakeClock) -> None:
    cloud = cloud_on_each
    device = await connect(cloud.platform, cloud.modelled)
    sentence = "$GNGGA,080642.00,3149.3344,N,11706.9263,E,1,24,0.58,40.5,M,0.0,M,,*4E"
    await device.say(LocationReport(f"{sentence};"))
    by_keys = await get(cloud, LOCATION, keys(cloud))
    by_id = await get(cloud, LOCATION, {"deviceId": device.device.id, "productKey": "pXXXXX"})
    assert by_keys == by_id
    data = by_keys["data"]
    assert list(data) == list(DOCUMENT["components"]["schemas"]["Location"]["properties"])
    [row], _ = await cloud.platform.history.locations(device.device.id)
    assert (data["id"], data["ticket"], data["deviceStatus"]) == (str(row.ticket), str(row.ticket), 1)
    assert (data["locateType"], data["ggaStatus"], data["satellites"], data["hdop"]) == ("GNSS", "1", "24", "0.58")
    assert (data["lat"], data["latType"], data["lng"], data["lngType"]) == ("3149.3344", "N", "11706.9263", "E")
    assert (data["wgsLat"], data["wgsLng"]) == (31.82224, 117.11543833)
    assert data["gcjLat"] != data["wgsLat"] != data["bdLat"]
    assert (data["createTime"], data["height"], data["accuracy"]) == (clock.now_ms(), "40.5", None)
    assert ttlv.decode(base64.b64decode(data["locateRaw"])) == [Field(2, f"{sentence};".encode())]


async def test_cells_have_no_coordinates(cloud: Cloud) -> None:
    device = await connect(cloud.platform, cloud.modelled)
    await device.say(LocationReport("$LBS,460,00,21501,90817263,-79,0*4B;"))
    data = (await get(cloud, LOCATION, keys(cloud)))["data"]
    assert (data["locateType"], data["wgsLat"], data["lat"]) == ("LBS", None, None)


@pytest.mark.parametrize(
    ("path", "params", "code", "named"),
    [
        (RESOURCE, {"productKey": "{modelled}"}, 50005, "deviceKey"),
        (RESOURCE, {"deviceKey": "DK00001"}, 50005, "productKey"),
        (RESOURCE, {"productKey": "{foreign}", "deviceKey": "DK00001"}, 70089, ""),
        (RESOURCE, {"productKey": "{modelled}", "deviceKey": "DK00009"}, 70130, ""),
        (LOCATION, {}, 50007, "productKey"),
        (LOCATION, {"productKey": "{modelled}", "deviceId": ""}, 50007, "deviceKey"),
        (LOCATION, {"deviceKey": "DK00001"}, 50007, "productKey"),
        (LOCATION, {"deviceId": "x"}, 50005, "deviceId=x"),
        (LOCATION, {"deviceId": "1"}, 70130, ""),
        (LOCATION, {"deviceId": "{foreign_id}"}, 70089, ""),
        (LOCATION, {"productKey": "{modelled}", "deviceKey": "DK00009"}, 70130, ""),
    ],
)
async def test_refusals(cloud_on_each: Cloud, path: str, params: dict[str, str], code: int, named: str) -> None:
    cloud = cloud_on_each
    await connect(cloud.platform, cloud.modelled)
    foreign = await connect(cloud.platform, cloud.foreign)
    known = {name: getattr(cloud, name).product_key for name in ("modelled", "foreign")}
    known["foreign_id"] = str(foreign.device.id)
    answer = await get(cloud, path, {name: value.format(**known) for name, value in params.items()})
    assert (answer["code"], named in answer["msg"]) == (code, True)
