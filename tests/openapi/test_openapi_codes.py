"""Codes of what stands in front of every operation, and documented codes of operations without a test file.

What is provoked for every operation needs nothing of it but its path, so a new operation has these at once. All other
codes are provoked where the operation is tested; `test_compatibility.py` asks that none is missing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tools.contract import operations

from cloud import Cloud
from mooring.openapi import OPERATIONS, Operation
from mooring.openapi.operation import Call
from mooring.platform.device_input import NewDevice
from mooring.platform.entities import PACKAGE_PREFIXES
from mooring.platform.saas_apps import AppChanges
from mooring.store import Change, WriteRefused
from mooring.store.tables import tsl_releases

SERVED = {operation.id: operation for operation in OPERATIONS}
DOCUMENTED = operations()


@dataclass
class Request:
    """What is sent to an operation; a provoker changes it, or the cloud, or the door."""

    cloud: Cloud
    operation: Operation
    token: str
    params: dict[str, str]
    door: dict[str, Any] = field(default_factory=dict)

    def replace(self, run: Callable[[Call], Awaitable[bytes]]) -> None:
        """Let the operation do something else."""
        found = self.operation
        self.door["operations"] = [Operation(found.id, found.method, found.path, found.service, run)]

    @property
    def package(self) -> str:
        """The service package of the operation."""
        return next(name for name, services in PACKAGE_PREFIXES.items() if self.operation.service in services)


async def nothing(request: Request) -> None:
    pass


async def defect(request: Request) -> None:
    async def broken(_call: Call) -> bytes:
        raise RuntimeError

    request.replace(broken)


async def back_end_down(request: Request) -> None:
    request.cloud.platform.store.shared = True
    request.cloud.clock.advance(1_001)


async def wrong_token(request: Request) -> None:
    request.token = "QJWT x.y.z"
    if "refresh_token" in request.params:
        request.params["refresh_token"] = request.token


async def no_token(request: Request) -> None:
    request.token = ""


async def unlisted_address(request: Request) -> None:
    changes = AppChanges(address_list_enabled=True, allowed_addresses=["192.0.2.1"])
    await request.cloud.platform.saas_apps.update(request.cloud.actor, request.cloud.app.id, changes)


async def deactivated(request: Request) -> None:
    await request.cloud.platform.service_market.deactivate(request.cloud.actor, request.package)


async def unauthorized(request: Request) -> None:
    await request.cloud.platform.saas_apps.cancel_package(request.cloud.actor, request.cloud.app.id, request.package)


Provoker = Callable[[Request], Awaitable[None]]

OF_EVERY_SERVICE: Mapping[int, Provoker] = {
    50000: defect,
    70000: back_end_down,
    91001: no_token,
    91004: wrong_token,
    91005: unauthorized,
    91006: unlisted_address,
    91007: deactivated,
    16024: deactivated,
}
"""An operation has one of the last two (`Operation.not_activated`)."""
OF_ENTERPRISE: Mapping[int, Provoker] = {
    5032: wrong_token,
    5041: unauthorized,
    5106: no_token,
    50000: defect,
    70000: back_end_down,
}
"""The same refusals as the end-user and binding families number them (openapi-notes.md section 4)."""


def in_front() -> list[tuple[str, int]]:
    """Every operation with the codes of what stands in front of it, whether or not the contract lists them for it."""
    found = []
    for operation in OPERATIONS:
        common = OF_ENTERPRISE if operation.service in ("enduser", "binding") else OF_EVERY_SERVICE
        codes = [
            code for code in common if common[code] is not deactivated or code == (operation.not_activated or 91007)
        ]
        found += [(operation.id, code) for code in codes if operation.service is not None]
    return found


@pytest.mark.parametrize(("operation_id", "code"), in_front())
async def test_what_stands_in_front_of_every_operation(cloud: Cloud, operation_id: str, code: int) -> None:
    request = Request(cloud, SERVED[operation_id], await cloud.token(), {})
    await {**OF_EVERY_SERVICE, **OF_ENTERPRISE}[code](request)
    assert await asked(request) == (200, code)


@pytest.mark.parametrize(
    ("operation_id", "status"),
    [
        (operation.id, status)
        for operation in OPERATIONS
        for status in (401, 403)
        if operation.service is not None and status in DOCUMENTED[operation.id].statuses
    ],
)
async def test_statuses_in_the_mode_that_maps_codes_to_them(cloud: Cloud, operation_id: str, status: int) -> None:
    """README decision 3."""
    request = Request(cloud, SERVED[operation_id], await cloud.token(), {}, door={"mapped_status": True})
    await {401: wrong_token, 403: unauthorized}[status](request)
    assert await asked(request) == (status, {401: 91004, 403: 91005}[status])


async def asked(request: Request) -> tuple[int, int]:
    """Status and code of the answer."""
    headers = {"Authorization": request.token} if request.token else {}
    async with request.cloud.client(request.cloud.door(**request.door)) as client:
        answer = await client.request(
            request.operation.method, request.operation.path, params=request.params, headers=headers
        )
    return answer.status_code, answer.json()["code"]


# Codes of single operations


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


async def unknown_key(request: Request) -> None:
    cloud = request.cloud
    if request.operation.id.startswith("authLogin"):
        request.params["username"] = request.params["username"].replace(cloud.app.access_key, "A" * 24)
    else:
        await cloud.platform.saas_apps.delete(cloud.actor, cloud.app.id)


async def wrong_password(request: Request) -> None:
    request.params["password"] = "0" * 64


async def disabled(request: Request) -> None:
    await request.cloud.platform.saas_apps.update(request.cloud.actor, request.cloud.app.id, AppChanges(enabled=False))


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


LOGIN = {
    91006: unlisted_address,
    200: nothing,
    401: wrong_password,
    403: disabled,
    50005: wrong_parameter,
    50000: defect,
    70000: back_end_down,
}
RENEWAL = {91006: unlisted_address, 200: nothing, 50005: wrong_parameter, 90047: unknown_key, 91004: wrong_token}
READ = {200: nothing, 50005: wrong_parameter, 70089: foreign_product}
OF_DEVICE = {**READ, 70130: unknown_device}

SINGLE: Mapping[str, Mapping[int, Provoker]] = {
    "authLogin": {**LOGIN, 90047: unknown_key},
    "authLoginPost": {**LOGIN, 90047: unknown_key},
    "authRefresh": RENEWAL,
    "authRefreshPost": RENEWAL,
    "productList": READ,
    "productDetail": {**READ, 70017: unknown_product},
    "tslExport": {
        **READ,
        50006: no_parameter,
        70017: unknown_product,
        70063: transparent_product,
        70097: product_without_release,
        71006: lost_release,
    },
    "deviceList": OF_DEVICE,
    "deviceDetail": OF_DEVICE,
    "deviceResource": OF_DEVICE,
    "deviceLocation": {**OF_DEVICE, 50007: no_parameter},
    "dataHistory": {**OF_DEVICE, 50007: no_parameter},
    "eventHistory": {**OF_DEVICE, 50007: no_parameter},
}


async def make_request(cloud: Cloud, operation: Operation) -> Request:
    token = await cloud.token()
    params = {"productKey": cloud.modelled.product_key}
    if operation.service in ("device", "shadow", "storage"):
        await cloud.platform.devices.add(cloud.actor, cloud.modelled.product_key, NewDevice("DK00001"))
        params["deviceKey"] = "DK00001"
    if operation.id.startswith("authLogin"):
        params = {**cloud.login_fields(), "scope": "all", "client_id": "fleet"}
    elif operation.id.startswith("authRefresh"):
        params = {"grant_type": "refresh_token", "refresh_token": token, "scope": "all"}
    return Request(cloud, operation, token, params)


@pytest.mark.parametrize(("operation_id", "code"), [(name, code) for name, codes in SINGLE.items() for code in codes])
async def test_codes_of_single_operations(cloud: Cloud, operation_id: str, code: int) -> None:
    request = await make_request(cloud, SERVED[operation_id])
    await SINGLE[operation_id][code](request)
    assert await asked(request) == (200, code)


# Refusals that no operation documents


async def test_a_write_that_somebody_else_was_faster_with_says_so(cloud: Cloud) -> None:
    async def refused(_call: Call) -> bytes:
        raise WriteRefused("device DK00001")

    request = await make_request(cloud, SERVED["deviceUpdate"])
    request.replace(refused)
    assert await asked(request) == (200, 70000)
