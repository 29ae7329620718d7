"""Every operation of the contract: what is sent fits it, what it answers is read, and so is what deviates from it."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator
from tools.contract import document, operations

import mooring.client
from client.contract_answers import DEVIATIONS, answer_of, operation_of, schema_members
from client.fake_cloud import FakeCloud, settle
from client.sdk_calls import CALLS, LISTINGS
from mooring.client import (
    AuthenticationError,
    BadAnswer,
    BoundDevice,
    BoundUser,
    DataRecord,
    Device,
    DeviceResource,
    EndUser,
    EventRecord,
    Gateway,
    Location,
    Page,
    PermissionDenied,
    Product,
    Queue,
    QueueDetail,
    SendResult,
    SubDevice,
    SubscriptionDetail,
    SubscriptionRow,
    ThingModel,
    UserDomain,
)
from mooring.client._reading import Row

Connect = Callable[..., Any]

RENEWED_BY_ITSELF = {"authRefresh"}
SAME_AS_GET = {"authLoginPost", "authRefreshPost", "userSetStatusPost"}
BUSINESS = sorted(CALLS.keys() - {"authLogin"})
RETURNED: dict[str, type[Row]] = {
    "productList": Product,
    "productDetail": Product,
    "tslExport": ThingModel,
    "deviceList": Device,
    "deviceDetail": Device,
    "deviceResource": DeviceResource,
    "deviceLocation": Location,
    "gatewaySubList": SubDevice,
    "gatewayByChildDevice": Gateway,
    "dataHistory": DataRecord,
    "eventHistory": EventRecord,
    "queueList": Queue,
    "queueCreate": Queue,
    "queueDetail": QueueDetail,
    "subscribeList": SubscriptionRow,
    "subscribeDetail": SubscriptionDetail,
    "userDomainList": UserDomain,
    "userDomainUserList": EndUser,
    "userInfo": EndUser,
    "userDeviceList": BoundDevice,
    "bindUserList": BoundUser,
}
SENDS = {"dmReadData", "dmWriteData", "dmSendServiceData", "rawSendData"}
IDS = {"subscribeCreate", "subscribeSaas", "subscribeEnduser"}
SCHEMAS: dict[str, type[Row]] = {
    "ProductDetail": Product,
    "Device": Device,
    "DeviceResource": DeviceResource,
    "GatewaySubDevice": SubDevice,
    "GatewayRef": Gateway,
    "Location": Location,
    "DataRecord": DataRecord,
    "EventRecord": EventRecord,
    "SendResult": SendResult,
    "QueueRow": Queue,
    "QueueDetail": QueueDetail,
    "SubscribeRow": SubscriptionRow,
    "SubscribeDetail": SubscriptionDetail,
    "UserDomain": UserDomain,
    "EndUser": EndUser,
    "BoundUser": BoundUser,
    "BoundDevice": BoundDevice,
}
ONLY_SOMETIMES = {"product_config", "metadata"}
"""Members that one of the operations of a type answers, and another does not."""
SAID_TWICE = {"addTimeTs", "updateTimeTs", "registerTimeTs", "lastLoginTimeTs"}


def served(cloud: FakeCloud, operation: str, answer: dict[str, Any] | httpx.Response) -> None:
    cloud.answers[operation_of(operation)["path"].rpartition("/")[2]] = answer


def rows_of(result: Any) -> tuple[Any, ...]:
    if isinstance(result, Page):
        return result.rows
    return result if isinstance(result, tuple) else (result,)


def test_every_operation_of_the_contract_has_a_call() -> None:
    assert CALLS.keys() == operations().keys() - RENEWED_BY_ITSELF - SAME_AS_GET


@pytest.mark.parametrize("operation", BUSINESS)
def test_what_is_sent_fits_the_contract(connect: Connect, cloud: FakeCloud, operation: str) -> None:
    contract = operation_of(operation)
    served(cloud, operation, answer_of(operation))
    settle(CALLS[operation](connect(language="EN")))
    request = cloud.requests[-1]
    assert (request.method, request.url.path) == (contract["method"], contract["path"])
    sent = set(request.url.params)
    if request.content:
        body = json.loads(request.content)
        schema = contract["requestBody"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document()["components"]}).validate(body)
        sent |= set(body)
    known = {name.partition("[")[0] for name in operations()[operation].parameters}
    required = {name for name, needed in operations()[operation].parameters.items() if needed and "[" not in name}
    assert required <= sent <= known


@pytest.mark.parametrize("operation", BUSINESS)
def test_every_parameter_of_the_contract_can_be_given(connect: Connect, cloud: FakeCloud, operation: str) -> None:
    served(cloud, operation, answer_of(operation))
    settle(CALLS[operation](connect(language="EN")))
    request = cloud.requests[-1]
    sent = {*request.url.params, *(json.loads(request.content) if request.content else ())}
    known = {name.partition("[")[0] for name in operations()[operation].parameters}
    assert known - sent <= {"extendPara"}


@pytest.mark.parametrize("deviation", DEVIATIONS)
@pytest.mark.parametrize("operation", BUSINESS)
def test_answers_are_read_however_they_are_typed(
    connect: Connect, cloud: FakeCloud, operation: str, deviation: str
) -> None:
    answer = DEVIATIONS[deviation](answer_of(operation))
    served(cloud, operation, answer)
    result = settle(CALLS[operation](connect()))
    if operation in RETURNED:
        [row] = rows_of(result)
        assert type(row) is RETURNED[operation]
        inner = (
            answer["data"]["list"] if isinstance(answer["data"], dict) and "list" in answer["data"] else answer["data"]
        )
        assert row.raw == (inner[0] if isinstance(inner, list) else inner)
    elif operation in SENDS:
        assert [type(row) for row in result] == [SendResult]
    elif operation in IDS:
        assert result == 7
    elif operation == "verifyBindingCode":
        assert result in (7, None)
    else:
        assert result is None


@pytest.mark.parametrize("operation", sorted(RETURNED.keys() | SENDS))
def test_numbers_and_texts_come_out_as_the_types_say(connect: Connect, cloud: FakeCloud, operation: str) -> None:
    for deviation in ("numbers are strings", "strings of digits are numbers"):
        served(cloud, operation, DEVIATIONS[deviation](answer_of(operation)))
        for row in rows_of(settle(CALLS[operation](connect()))):
            members = {name: value for name, value in msgspec.structs.asdict(row).items() if name != "raw"}
            assert {name for name, value in members.items() if value is None} <= ONLY_SOMETIMES


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_member_of_the_contract_is_typed(schema: str) -> None:
    typed = {field.encode_name for field in msgspec.structs.fields(SCHEMAS[schema])} - {"raw"}
    assert schema_members(schema) - SAID_TWICE <= typed


@pytest.mark.parametrize("schema", SCHEMAS)
def test_times_are_aware_and_raw(schema: str) -> None:
    kind = SCHEMAS[schema]
    members = {
        field.encode_name: 1_743_059_249_391 for field in msgspec.structs.fields(kind) if "_time_ms" in field.name
    }
    identity = {field.encode_name: "7" for field in msgspec.structs.fields(kind) if field.required}
    from mooring.client._reading import read

    row = read(kind, {**identity, **members})
    moments = [name for name in dir(kind) if isinstance(getattr(kind, name), mooring.client.types.Moment)]
    for name in moments:
        value = getattr(row, name)
        assert value is not None
        assert value.utcoffset() is not None
    assert all(getattr(read(kind, identity), name) is None for name in moments)


@pytest.mark.parametrize("operation", sorted(LISTINGS | SENDS))
def test_no_data_is_no_rows(connect: Connect, cloud: FakeCloud, operation: str) -> None:
    for answer in ({"code": 200, "msg": "", "data": None}, {"code": 200, "msg": ""}):
        served(cloud, operation, answer)
        assert rows_of(settle(CALLS[operation](connect()))) == ()


@pytest.mark.parametrize("operation", ["deviceLocation", "deviceResource"])
def test_nothing_known_of_a_device_is_none(connect: Connect, cloud: FakeCloud, operation: str) -> None:
    served(cloud, operation, {"code": 200, "msg": "", "data": None})
    assert settle(CALLS[operation](connect())) is None


@pytest.mark.parametrize("operation", sorted(RETURNED.keys() - LISTINGS - {"deviceLocation", "deviceResource"} | IDS))
def test_no_data_where_there_must_be_some_is_no_answer(connect: Connect, cloud: FakeCloud, operation: str) -> None:
    served(cloud, operation, {"code": 200, "msg": "", "data": None})
    with pytest.raises(BadAnswer):
        settle(CALLS[operation](connect()))


@pytest.mark.parametrize("operation", BUSINESS)
def test_failures_by_status_are_failures(connect: Connect, cloud: FakeCloud, operation: str) -> None:
    served(cloud, operation, httpx.Response(403, json={"code": 91005, "msg": "no"}))
    with pytest.raises(PermissionDenied) as caught:
        settle(CALLS[operation](connect()))
    assert caught.value.operation == operation
    served(cloud, operation, httpx.Response(401, json={"code": 91004, "msg": "no"}))
    with pytest.raises(AuthenticationError):
        settle(CALLS[operation](connect()))


@pytest.mark.parametrize("operation", BUSINESS)
def test_pages_for_people_are_no_answers(connect: Connect, cloud: FakeCloud, operation: str) -> None:
    served(cloud, operation, httpx.Response(502, html="<html>Bad gateway</html>"))
    with pytest.raises(BadAnswer, match="Bad gateway") as caught:
        settle(CALLS[operation](connect()))
    assert caught.value.http_status == 502
