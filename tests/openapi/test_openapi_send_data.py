"""Each fault that the data of a send operation can have, by operation, and every option of each."""

import json
from typing import Any

import pytest

from cloud import Cloud
from mooring.openapi import Operation
from mooring.openapi.deviceshadow import OPERATIONS
from mooring.platform.device_input import NewDevice
from mooring.platform.entities import Product
from mooring.platform.products import NewProduct

BY_ID = {operation.id: operation for operation in OPERATIONS}
DEVICE = "DK00001"
_WHOLE = {"unit": "", "min": "0", "max": "10", "multiple": "", "step": "1"}


def feature(number: int, code: str, data_type: str, specs: object, access: str = "RW") -> dict[str, Any]:
    return {
        "id": number,
        "sort": number,
        "code": code,
        "name": code,
        "desc": "",
        "type": "PROPERTY",
        "dataType": data_type,
        "subType": access,
        "specs": specs,
    }


VALUES = [
    feature(1, "level", "INT", _WHOLE),
    feature(2, "mode", "ENUM", [{"dataType": "ENUM", "name": "On", "value": "1"}]),
    feature(3, "label", "TEXT", {"length": "8"}),
    feature(4, "moment", "DATE", {"length": "13"}),
    feature(5, "list", "ARRAY", {"numberSpecs": {"min": "0", "max": "9", "step": "1"}, "size": "2", "dataType": "INT"}),
]
MODEL: dict[str, Any] = {
    "profile": {"tslVersion": "1.2.0", "productKey": "p11abc", "version": "20250101000000000"},
    "properties": [
        *VALUES,
        feature(6, "shown", "INT", _WHOLE, "R"),
        feature(7, "hidden", "TEXT", {"length": "8"}, "W"),
    ],
    "services": [
        {
            "id": 20,
            "sort": 20,
            "code": "set",
            "name": "set",
            "desc": "",
            "type": "SERVICE",
            "subType": "ASYNC",
            "inputData": [{"$ref": f"#/properties/id/{value['id']}"} for value in VALUES],
            "outputData": [],
        }
    ],
    "events": [],
}

FAULTS = {
    70090: {"level": "11"},
    70091: {"mode": "9"},
    70092: {"label": "123456789"},
    70093: {"moment": "tomorrow"},
    71036: {"level": "x"},
    71039: {"list": [{"0": "1"}, {"0": "2"}, {"0": "3"}]},
}
DATA = {
    "dmReadData": {71008: "[]", 71027: "[", 71028: '["nothing"]', 71029: '["set"]', 71048: '["hidden"]'},
    "dmWriteData": {
        71008: "1",
        71027: "[",
        71028: '[{"nothing":"1"}]',
        71029: '[{"set":[]}]',
        71038: '[{"shown":"1"}]',
        **{code: json.dumps([value]) for code, value in FAULTS.items()},
    },
    "dmSendServiceData": {
        71008: "1",
        71027: "[",
        71028: '[{"nothing":[]}]',
        71029: '[{"level":"1"}]',
        **{code: json.dumps([{"set": [value]}]) for code, value in FAULTS.items()},
    },
}
GOOD = {
    "dmReadData": '["level","shown"]',
    "dmWriteData": '[{"level":"1"},{"mode":"1"},{"label":"x"},{"moment":"1760000000000"},{"list":[{"0":"1"}]}]',
    "dmSendServiceData": '[{"set":[{"level":"1"},{"list":[{"0":"1"}]}]}]',
    "rawSendData": "hello",
}


@pytest.fixture
async def product(cloud: Cloud) -> Product:
    """A product with values of many types and one device, which is offline."""
    made = await cloud.platform.products.create(cloud.actor, NewProduct("Everything"))
    await cloud.platform.thing_models.import_draft(cloud.actor, made.product_key, MODEL)
    await cloud.platform.thing_models.release(cloud.actor, made.product_key)
    await cloud.platform.devices.add(cloud.actor, made.product_key, NewDevice(DEVICE))
    return await cloud.platform.saas_apps.authorize_product(cloud.actor, cloud.app.id, made.product_key)


async def post(cloud: Cloud, operation: Operation, product: Product, data: str, **options: object) -> dict[str, Any]:
    keys = {"productKey": product.product_key, "deviceKey": DEVICE}
    body: dict[str, object] = {"productKey": product.product_key, "devices": [DEVICE], "data": data, **options}
    if operation.id == "rawSendData":
        body = {"devices": [keys], "data": data, "encode": "Text", **options}
    headers = {"Authorization": await cloud.token()}
    async with cloud.client() as client:
        answer = await client.post(operation.path, json=body, params={"language": "EN"}, headers=headers)
    decoded: dict[str, Any] = answer.json()
    return decoded


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, faults in DATA.items() for code in faults])
async def test_each_fault_of_the_data_has_its_code(cloud: Cloud, product: Product, name: str, code: int) -> None:
    answer = await post(cloud, BY_ID[name], product, DATA[name][code], isCache=True)
    assert (answer["code"], "data" in answer) == (code, False), answer


@pytest.mark.parametrize("name", GOOD)
async def test_every_option_of_each_operation(cloud: Cloud, product: Product, name: str) -> None:
    options: dict[str, object] = {"isCache": True, "cacheTime": 60, "isCover": True, "qos": 2, "extendPara": {}}
    answer = await post(cloud, BY_ID[name], product, GOOD[name], **options)
    assert answer["data"][0]["code"] == 200
    command = await cloud.platform.commands.one(cloud.app.account_id, int(answer["data"][0]["ticket"]))
    assert command.qos == 2
    assert command.expires_at == command.accepted_at + 60_000
