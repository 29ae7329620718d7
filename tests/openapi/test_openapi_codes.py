"""Every code that the contract documents for a served operation is provoked here, or excused with a reason."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from cloud import CONTRACT, Cloud
from mooring.openapi import OPERATIONS, Operation, devicemgr_gateways, deviceshadow
from mooring.openapi.operation import Call
from mooring.platform.device_input import NewDevice
from mooring.platform.saas_apps import AppChanges
from mooring.store import Change
from mooring.store.tables import tsl_releases

PACKAGE = "product-and-device-management"
SERVED = {operation.id: operation for operation in OPERATIONS}
DOCUMENT = yaml.safe_load((CONTRACT / "openapi.yaml").read_text())

SENT = {operation.id for operation in (*deviceshadow.OPERATIONS, *devicemgr_gateways.OPERATIONS)}
"""Their codes are provoked in test_openapi_send.py and test_openapi_gateways.py."""

EXCUSED = {
    80005: "a self-hosted platform has no products of a telecom bridge (openapi-notes.md section 4)",
    71009: "belongs to copying a model; provoked in the management API (test_platform_thing_models.py)",
    71010: "belongs to copying a model; provoked in the management API (test_platform_thing_models.py)",
}


EXCUSED_OF = {
    ("tslExport", 50007): "an empty parameter counts as missing (section 6), and a missing one is 50006 (section 4)",
}


@dataclass
class Request:
    """What is sent to an operation; a provoker changes it, or the cloud, or the door."""

    cloud: Cloud
    operation: Operation
    token: str
    params: dict[str, str]
    path: str = ""
    door: dict[str, Any] = field(default_factory=dict)


async def nothing(request: Request) -> None:
    pass


async def defect(request: Request) -> None:
    async def broken(_call: Call) -> bytes:
        raise RuntimeError

    found = request.operation
    request.door["operations"] = [Operation(found.id, found.method, found.path, found.service, broken)]


async def wrong_parameter(request: Request) -> None:
    wrong = {
        "productList": {"pageSize": "0"},
        "productDetail": {},
        "tslExport": {"productId": "x"},
        "deviceList": {**request.params, "deviceStatus": "2"},
        "deviceLocation": {"deviceId": "x"},
        "dataHistory": {**request.params, "direction": "3"},
        "eventHistory": {**request.params, "eventType": "7"},
    }
    request.params = wrong.get(request.operation.id, {})


async def no_parameter(request: Request) -> None:
    request.params = {}


async def back_end_down(request: Request) -> None:
    request.cloud.platform.store.shared = True
    request.cloud.clock.advance(1_001)


async def unknown_key(request: Request) -> None:
    cloud = request.cloud
    if request.operation.id.startswith("authLogin"):
        request.params["username"] = request.params["username"].replace(cloud.app.access_key, "A" * 24)
    else:
        await cloud.platform.saas_apps.delete(cloud.actor, cloud.app.id)


async def wrong_token(request: Request) -> None:
    request.token = "QJWT x.y.z"
    if "refresh_token" in request.params:
        request.params["refresh_token"] = request.token


async def no_token(request: Request) -> None:
    request.token = ""


async def wrong_password(request: Request) -> None:
    request.params["password"] = "0" * 64


async def disabled(request: Request) -> None:
    await request.cloud.platform.saas_apps.update(request.cloud.actor, request.cloud.app.id, AppChanges(enabled=False))


async def unlisted_address(request: Request) -> None:
    changes = AppChanges(address_list_enabled=True, allowed_addresses=["192.0.2.1"])
    await request.cloud.platform.saas_apps.update(request.cloud.actor, request.cloud.app.id, changes)


async def deactivated(request: Request) -> None:
    await request.cloud.platform.service_market.deactivate(request.cloud.actor, PACKAGE)


async def unauthorized(request: Request) -> None:
    await request.cloud.platform.saas_apps.cancel_package(request.cloud.actor, request.cloud.app.id, PACKAGE)


async def unknown_product(request: Request) -> None:
    request.params = {"productKey": "pXXXXX"}


async def unknown_device(request: Request) -> None:
    request.params["deviceKey"] = "DK00009"


async def foreign_product(request: Request) -> None:
    request.params = {"productKey": request.cloud.foreign.product_key, "deviceKey": "DK00001"}


async def transparent_product(request: Request) -> None:
    request.params = {"productKey": request.cloud.transparent.product_key}


async def product_without_release(request: Request) -> None:
    request.params = {"productKey": request.cloud.empty.product_key}


async def lost_release(request: Request) -> None:
    await request.cloud.platform.store.write(Change(tsl_releases.delete())())
    await request.cloud.platform.directory.load()


async def unknown_path(request: Request) -> None:
    request.path = "/nothing"


PROVOKERS: dict[int, Callable[[Request], Awaitable[None]]] = {
    200: nothing,
    404: unknown_path,
    50000: defect,
    50005: wrong_parameter,
    50006: no_parameter,
    50007: no_parameter,
    70000: back_end_down,
    70017: unknown_product,
    70063: transparent_product,
    70089: foreign_product,
    70097: product_without_release,
    70130: unknown_device,
    71006: lost_release,
    90047: unknown_key,
    91001: no_token,
    91004: wrong_token,
    91005: unauthorized,
    91006: unlisted_address,
    91007: deactivated,
}
OF_LOGIN = {401: wrong_password, 403: disabled}
STATUS_MODE = {401: 91004, 403: 91005}
"""Of the services, 401 and 403 are HTTP statuses of these codes, in the mode that maps them (README decision 3)."""


def documented() -> list[tuple[str, int]]:
    found = []
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            name = operation["operationId"]
            if name in SERVED.keys() - SENT:
                codes = {*operation["x-error-codes"], *operation["x-http-statuses"]}
                codes |= set(operation.get("x-error-codes-suggested", ()))
                found += [(name, code) for code in sorted(codes - EXCUSED.keys()) if (name, code) not in EXCUSED_OF]
    return found


async def make_request(cloud: Cloud, operation: Operation) -> Request:
    token = await cloud.token()
    params = {"productKey": cloud.modelled.product_key}
    if operation.service in ("device", "shadow", "storage"):
        await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice("DK00001"))
        params["deviceKey"] = "DK00001"
    if operation.id.startswith("authLogin"):
        params = cloud.login_fields()
    elif operation.id.startswith("authRefresh"):
        params = {"grant_type": "refresh_token", "refresh_token": token}
    return Request(cloud, operation, token, params, operation.path)


@pytest.mark.parametrize(("operation_id", "code"), documented())
async def test_each_documented_code_is_provoked(cloud: Cloud, operation_id: str, code: int) -> None:
    operation = SERVED[operation_id]
    request = await make_request(cloud, operation)
    mapped = operation.service is not None and code in STATUS_MODE
    wanted = STATUS_MODE[code] if mapped else code
    provoke = OF_LOGIN[code] if code in OF_LOGIN and not mapped else PROVOKERS[wanted]
    await provoke(request)
    headers = {"Authorization": request.token} if request.token else {}
    async with cloud.client(cloud.door(mapped_status=mapped, **request.door)) as client:
        answer = await client.request(operation.method, request.path, params=request.params, headers=headers)
    assert answer.json()["code"] == wanted
    assert answer.status_code == (code if mapped or code == 404 else 200)


def test_every_excuse_is_still_needed() -> None:
    codes = {
        code
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if operation["operationId"] in SERVED
        for code in operation["x-error-codes"]
    }
    assert set(EXCUSED) <= codes
    assert set(EXCUSED_OF) <= {
        (operation["operationId"], code)
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        for code in operation["x-error-codes"]
    }
    assert not EXCUSED.keys() & PROVOKERS.keys()
