"""device/create, createBatch, update, updateBatch and delete: all or nothing, and what follows."""

import json
from typing import Any

import pytest

from cloud import Cloud
from documented import check_answer
from mooring.platform.device_input import NewDevice
from mooring.platform.devices import MAX_BATCH
from mooring.platform.entities import Device
from mooring.platform.products import NewProduct
from reporting import connect

BASE = "/v2/devicemgr/r3/openapi/device"
DETAIL = f"{BASE}/detail"
HISTORY = "/v2/quecdatastorage/r1/openapi/device/data/history"
PRINT = "0123456789abcdefABCDEF0123456789abcdef01"


async def post(cloud: Cloud, name: str, body: object, *, language: str = "EN") -> dict[str, Any]:
    """The answer to one call, which has the shape of the contract whatever it is."""
    headers = {"Authorization": await cloud.token(), "Content-Type": "application/json"}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with cloud.client() as client:
        answer = await client.post(f"{BASE}/{name}", content=content, params={"language": language}, headers=headers)
    assert answer.status_code == 200
    decoded: dict[str, Any] = answer.json()
    check_answer(f"{BASE}/{name}", decoded, "post")
    return decoded


async def found(cloud: Cloud, device_key: str = "DK00001") -> Device | None:
    return await cloud.platform.devices.find(cloud.modelled.id, device_key)


async def device(cloud: Cloud, device_key: str = "DK00001") -> Device:
    one = await found(cloud, device_key)
    assert one is not None
    return one


def named(cloud: Cloud, **members: object) -> dict[str, object]:
    return {"productKey": cloud.modelled.product_key, "deviceKey": "DK00001", **members}


def batch(cloud: Cloud, *devices: dict[str, object]) -> dict[str, object]:
    return {"productKey": cloud.modelled.product_key, "devices": devices}


# Creating


async def test_a_created_device_is_listed_and_the_answer_has_no_data(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    assert await post(cloud, "create", named(cloud, deviceName="Lamp 1", sn="SN1", authMode=0)) == {
        "code": 200,
        "msg": "",
    }
    added = await device(cloud)
    assert (added.name, added.sn, added.auth_mode, added.is_virtual) == ("Lamp 1", "SN1", 0, False)
    detail = await cloud.get(DETAIL, {"productKey": cloud.modelled.product_key, "deviceKey": "DK00001"})
    assert (detail["data"]["deviceName"], detail["data"]["createTime"]) == ("Lamp 1", added.created_at)


@pytest.mark.parametrize("nothing", [None, ""])
async def test_optional_members_that_are_null_or_empty_are_missing(cloud: Cloud, nothing: object) -> None:
    members = dict.fromkeys(("deviceName", "sn", "authMode", "fingerPrint", "psk"), nothing)
    assert (await post(cloud, "create", named(cloud, **members, unknown={"deep": [1]})))["code"] == 200
    added = await device(cloud)
    assert (added.name, added.sn, added.auth_mode, added.fingerprint) == ("DK00001", None, 0, None)


@pytest.mark.parametrize(
    ("members", "auth_mode", "has_secret", "fingerprint"),
    [
        ({"authMode": 1}, 1, True, None),
        ({"authMode": "1"}, 1, True, None),
        ({"authMode": 2}, 2, False, None),
        ({"authMode": 2, "fingerPrint": PRINT}, 2, False, PRINT.lower()),
    ],
)
async def test_ways_to_authenticate(
    cloud: Cloud, members: dict[str, object], auth_mode: int, has_secret: bool, fingerprint: str | None
) -> None:
    assert (await post(cloud, "create", named(cloud, **members)))["code"] == 200
    added = await device(cloud)
    assert (added.auth_mode, added.device_secret is not None, added.fingerprint) == (auth_mode, has_secret, fingerprint)


async def test_a_batch_creates_up_to_500_devices(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    devices: list[dict[str, object]] = [{"deviceKey": f"DK{number:05}"} for number in range(MAX_BATCH)]
    assert (await post(cloud, "createBatch", batch(cloud, *devices, {"deviceKey": "DK99999"})))["code"] == 50005
    assert (await cloud.platform.devices.summary(cloud.modelled)).real == 0
    devices[0]["psk"] = ""
    assert await post(cloud, "createBatch", batch(cloud, *devices)) == {"code": 200, "msg": ""}
    assert (await cloud.platform.devices.summary(cloud.modelled)).real == MAX_BATCH


@pytest.mark.parametrize(
    ("second", "code", "told"),
    [
        ({"deviceKey": "DK00001"}, 70062, "DK00001 is given twice"),
        ({"deviceKey": "TAKEN1"}, 70062, "TAKEN1"),
        ({"deviceKey": "DK1"}, 50005, "devices[1]: deviceKey must be 4 to 32 letters and digits"),
        ({"deviceKey": "DK-00002"}, 50005, "devices[1]: deviceKey must be"),
        ({"deviceKey": "D" * 33}, 50005, "devices[1]: deviceKey must be"),
        ({"deviceKey": "DK00002", "sn": "SN1"}, 50005, "SN SN1 is given twice"),
        ({"deviceKey": "DK00002", "sn": "SN9"}, 50005, "SN SN9 is that of device TAKEN1"),
        ({"deviceKey": "DK00002", "sn": "a&b"}, 50005, "devices[1]: sn must be"),
        ({"deviceKey": "DK00002", "sn": 7.5}, 50005, "devices[1].sn is not text"),
        ({"deviceKey": "DK00002", "deviceName": "x" * 255}, 50005, "devices[1]: deviceName has 255 characters"),
        ({"deviceKey": "DK00002", "authMode": 3}, 50005, "devices[1]: authMode is 3"),
        ({"deviceKey": "DK00002", "authMode": "x"}, 50005, "devices[1].authMode=x"),
        ({"deviceKey": "DK00002", "authMode": 2, "fingerPrint": "a:" * 20}, 50005, "devices[1]: fingerPrint must be"),
        ({"deviceKey": "DK00002", "fingerPrint": PRINT}, 50005, "devices[1]: only an X.509 device"),
        ({"deviceKey": ""}, 50007, "devices[1].deviceKey missing"),
        ({}, 50007, "devices[1].deviceKey missing"),
    ],
)
async def test_one_bad_device_refuses_the_whole_batch(
    cloud_on_each: Cloud, second: dict[str, object], code: int, told: str
) -> None:
    cloud = cloud_on_each
    await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice("TAKEN1", sn="SN9"))
    answer = await post(cloud, "createBatch", batch(cloud, {"deviceKey": "DK00001", "sn": "SN1"}, second))
    assert (answer["code"], told in answer["msg"]) == (code, True), answer
    assert await found(cloud) is None


async def test_two_devices_with_one_client_id_cannot_be(cloud: Cloud) -> None:
    """README decision 13: the client id is `qd`, ProductKey and DeviceKey without anything between them."""
    await cloud.platform.products.create(
        cloud.actor, NewProduct("short", product_key="p1ab", product_secret="Zm9vYmFyYmF6cXV4")
    )
    await cloud.platform.devices.add(cloud.actor, "p1ab", NewDevice("cd00001"))
    long = await cloud.platform.products.create(
        cloud.actor, NewProduct("long", product_key="p1abcd", product_secret="Zm9vYmFyYmF6cXV4")
    )
    await cloud.platform.saas_apps.authorize_product(cloud.actor, cloud.app.id, long.product_key)
    answer = await post(cloud, "create", {"productKey": "p1abcd", "deviceKey": "00001"})
    assert (answer["code"], "client id" in answer["msg"]) == (70062, True)


# Changing


async def test_name_and_sn_are_changed(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice("DK00001", sn="SN1"))
    assert (await post(cloud, "update", named(cloud, deviceKey="DK00009", sn="SN9")))["code"] == 70130
    assert await post(cloud, "update", named(cloud, deviceName="Lamp 01")) == {"code": 200, "msg": ""}
    assert await post(cloud, "update", named(cloud, deviceName="", sn="SN2")) == {"code": 200, "msg": ""}
    changed = await device(cloud)
    assert (changed.name, changed.sn) == ("Lamp 01", "SN2")
    session = await connect(cloud.platform, cloud.modelled)
    await post(cloud, "update", named(cloud, deviceName="Lamp 02", sn=None))
    assert (session.session.device.name, session.session.device.sn) == ("Lamp 02", "SN2")


@pytest.mark.parametrize(
    ("second", "code", "told"),
    [
        ({"deviceKey": "DK00002"}, 50005, "device DK00002: neither deviceName nor SN"),
        ({"deviceKey": "DK00002", "deviceName": "", "sn": None}, 50005, "neither deviceName nor SN"),
        ({"deviceKey": "DK00002", "sn": "SN1"}, 50005, "SN1 is given twice"),
        ({"deviceKey": "DK00002", "sn": "SN3"}, 50005, "SN is that of another"),
        ({"deviceKey": "DK00001", "deviceName": "Twice"}, 50005, "devices[1]: DeviceKey DK00001 is given twice"),
        ({"deviceKey": "DK00009", "deviceName": "x"}, 70130, "DK00009"),
        ({"deviceKey": "DK00009"}, 50005, "neither"),
        ({"deviceName": "x"}, 50007, "devices[1].deviceKey missing"),
    ],
)
async def test_one_bad_change_refuses_the_whole_batch(
    cloud_on_each: Cloud, second: dict[str, object], code: int, told: str
) -> None:
    cloud, key = cloud_on_each, cloud_on_each.modelled.product_key
    new = [NewDevice("DK00001"), NewDevice("DK00002"), NewDevice("DK00003", sn="SN3")]
    await cloud.platform.devices.add_many(cloud.actor, key, new)
    first: dict[str, object] = {"deviceKey": "DK00001", "sn": "SN1", "deviceName": "Changed"}
    answer = await post(cloud, "updateBatch", batch(cloud, first, second))
    assert (answer["code"], told in answer["msg"]) == (code, True), answer
    assert (await device(cloud)).name == "DK00001"


async def test_devices_of_a_batch_may_swap_nothing_but_take_what_is_free(cloud_on_each: Cloud) -> None:
    cloud, key = cloud_on_each, cloud_on_each.modelled.product_key
    await cloud.platform.devices.add_many(cloud.actor, key, [NewDevice("DK00001"), NewDevice("DK00002")])
    changes: list[dict[str, object]] = [{"deviceKey": f"DK0000{number}", "sn": f"SN{number}"} for number in (1, 2)]
    assert await post(cloud, "updateBatch", batch(cloud, *changes)) == {"code": 200, "msg": ""}
    assert [(await device(cloud, f"DK0000{number}")).sn for number in (1, 2)] == ["SN1", "SN2"]
    too_many: list[dict[str, object]] = [
        {"deviceKey": f"DK{number:05}", "sn": f"X{number}"} for number in range(MAX_BATCH + 1)
    ]
    assert (await post(cloud, "updateBatch", batch(cloud, *too_many)))["code"] == 50005


# Deleting


async def test_a_deleted_device_is_cut_off_and_its_history_is_shown_again_when_it_is_back(
    cloud_on_each: Cloud,
) -> None:
    cloud = cloud_on_each
    keys = {"productKey": cloud.modelled.product_key, "deviceKey": "DK00001"}
    reporter = await connect(cloud.platform, cloud.modelled)
    closed: list[str] = []
    reporter.line.close = lambda reason, notice=None: closed.append(reason)  # type: ignore[method-assign]
    await reporter.values({"relay": True})
    assert await post(cloud, "delete", named(cloud)) == {"code": 200, "msg": ""}
    assert closed == ["deleted"]
    assert cloud.platform.sessions.of(reporter.device.id) is None
    assert (await cloud.get(HISTORY, keys))["code"] == 70130
    assert (await post(cloud, "delete", named(cloud)))["code"] == 70130
    assert (await post(cloud, "create", named(cloud)))["code"] == 200
    assert (await cloud.get(HISTORY, keys))["total"] == 1
    assert (await device(cloud)).online is False


async def test_a_virtual_device_may_be_deleted_too(cloud: Cloud) -> None:
    key = cloud.modelled.product_key
    virtual = await cloud.platform.virtual_devices.create(cloud.actor, key)
    assert (await post(cloud, "delete", {"productKey": key, "deviceKey": virtual.device.device_key}))["code"] == 200


# What all of them have in common


@pytest.mark.parametrize("name", ["create", "createBatch", "update", "updateBatch", "delete"])
@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"productKey": None}, 50007, "productKey missing"),
        ({"productKey": "{foreign}"}, 70089, ""),
        ({"productKey": "pXXXXX"}, 70089, ""),
        ({"productKey": ["x"]}, 50005, "productKey is not text"),
    ],
)
async def test_the_product_is_asked_for_first(
    cloud: Cloud, name: str, changes: dict[str, object], code: int, told: str
) -> None:
    devices = [{"deviceKey": "D"}]
    wanted = {key: cloud.foreign.product_key if value == "{foreign}" else value for key, value in changes.items()}
    answer = await post(cloud, name, {**named(cloud, deviceKey="D", devices=devices), **wanted})
    assert (answer["code"], told in answer["msg"]) == (code, True)


@pytest.mark.parametrize("name", ["create", "createBatch", "update", "updateBatch", "delete"])
@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'{"productKey":"\\u0000"}', b'{"devices":7}', b"7"])
async def test_what_is_no_fitting_json_is_refused(cloud: Cloud, name: str, body: bytes) -> None:
    assert (await post(cloud, name, body))["code"] in (50005, 50007)


@pytest.mark.parametrize("name", ["createBatch", "updateBatch"])
@pytest.mark.parametrize("devices", [None, "", []])
async def test_a_batch_without_devices_is_refused(cloud: Cloud, name: str, devices: object) -> None:
    answer = await post(cloud, name, {"productKey": cloud.modelled.product_key, "devices": devices})
    assert (answer["code"], "devices missing" in answer["msg"]) == (50007, True)


async def test_a_device_key_may_come_as_a_number(cloud: Cloud) -> None:
    assert (await post(cloud, "create", named(cloud, deviceKey=861234567890123)))["code"] == 200
    assert (await device(cloud, "861234567890123")).name == "861234567890123"


async def test_the_audit_log_names_the_application_and_its_address(cloud_on_each: Cloud) -> None:
    cloud = cloud_on_each
    cloud.peer = "192.0.2.9"
    await post(cloud, "create", named(cloud))
    await post(cloud, "createBatch", batch(cloud, {"deviceKey": "DK00002"}, {"deviceKey": "DK00003"}))
    await post(cloud, "update", named(cloud, sn="SN1"))
    await post(cloud, "delete", named(cloud))
    entries = (await cloud.platform.ledger.entries(cloud.actor.account_id))[:4]
    assert [entry.action for entry in entries] == [
        "device.delete",
        "device.update",
        "device.create_batch",
        "device.create",
    ]
    assert {(entry.actor, entry.address) for entry in entries} == {
        (f"SaaS application Fleet ({cloud.app.id})", "192.0.2.9")
    }
