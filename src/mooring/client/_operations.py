"""The operations of the contract, one entry each: how it is called, how it is read, whether it may be sent twice.

The services of `_async` and `_sync` only fill in the members; contract/openapi.yaml says what they mean. The POST forms
of login, renewal and setUserStatus do what the GET forms do and have no entry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from mooring.client._answers import Body
from mooring.client._calls import Call, Value, content_of, params_of
from mooring.client._paging import Page
from mooring.client._reading import Row, UnreadableError, read, read_rows, scalar
from mooring.client.types import (
    BoundDevice,
    BoundUser,
    DataRecord,
    Device,
    DeviceResource,
    EndUser,
    EventRecord,
    Gateway,
    Location,
    Product,
    Queue,
    QueueDetail,
    SendResult,
    SubDevice,
    SubscriptionDetail,
    SubscriptionRow,
    ThingEvent,
    ThingModel,
    ThingProperty,
    ThingService,
    UserDomain,
)

T = TypeVar("T")
R = TypeVar("R", bound=Row)

_PRODUCTS: Final = "/v2/quecproductmgr/r3/openapi"
_DEVICES: Final = "/v2/devicemgr/r3/openapi"
_GATEWAYS: Final = "/v2/devicemgr/r1/openapi/product/gateway"
_SHADOW: Final = "/v2/deviceshadow"
_STORAGE: Final = "/v2/quecdatastorage/r1/openapi/device"
_RULE: Final = "/v2/quecrule/r1/openapi"
_USERS: Final = "/v2/enduser/enterpriseapi"
_BINDING: Final = "/v2/binding/enterpriseapi"


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """An operation; calling it with its query and its body gives the call."""

    name: str
    method: str
    path: str
    read: Callable[[Body], T]
    safe: bool = False

    def __call__(self, query: Mapping[str, Value] | None = None, body: Mapping[str, Any] | None = None) -> Call[T]:
        """Return the call; members that are None are left out."""
        content = None if body is None else content_of(body)
        return Call(self.name, self.method, self.path, self.read, params_of(query or {}), content, self.safe)


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """An operation that lists rows by pages; `numbered` is the name of the page number."""

    name: str
    path: str
    row: type[R]
    method: str = "GET"
    numbered: str = "pageNum"
    largest: int = 1000

    def page(self, members: Mapping[str, Value], number: int, size: int) -> Call[Page[R]]:
        """Return the call for one page."""
        members = {self.numbered: number, "pageSize": size, **members}
        query, content = (params_of(members), None) if self.method == "GET" else ((), content_of(members))
        return Call(
            self.name,
            self.method,
            self.path,
            lambda body: _page(self.row, body, number, size),
            query,
            content,
            safe=True,
        )

    def checked_size(self, size: int) -> int:
        """Return a page size. Raises `ValueError` when the platform would not serve it."""
        if not 1 <= size <= self.largest:
            raise ValueError(f"page_size is 1 to {self.largest}")
        return size


def raw(method: str, path: str, params: Mapping[str, Value] | None, json: object = None) -> Call[Body]:
    """Return the call for any path of the API. Raises `ValueError` unless the path begins with one "/"."""
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError("path is relative to base_url and begins with one /")
    return Call(
        operation=f"{method} {path.partition('?')[0]}",
        method=method,
        path=path,
        params=params_of(params or {}),
        content=None if json is None else msgspec.json.encode(json),
        read=lambda body: body,
        safe=method == "GET",
    )


def _one(kind: type[R]) -> Callable[[Body], R]:
    return lambda body: read(kind, body.get("data"))


def _one_or_none(kind: type[R]) -> Callable[[Body], R | None]:
    return lambda body: None if body.get("data") is None else read(kind, body["data"])


def _rows(kind: type[R]) -> Callable[[Body], tuple[R, ...]]:
    return lambda body: read_rows(kind, body.get("data"))


def _nothing(body: Body) -> None:
    return None


def _number(body: Body) -> int | None:
    value: int | None = scalar(int | None, body.get("data"))
    return value


def _subscribe_id(body: Body) -> int:
    data = body.get("data")
    value: int | None = scalar(int | None, data.get("subscribeId") if isinstance(data, dict) else data)
    if value is None:
        raise UnreadableError("the answer has no usable subscribeId")
    return value


def _page(kind: type[R], body: Body, number: int, size: int) -> Page[R]:
    # Counters stand beside the rows, or around them in the end-user and binding services.
    data = body.get("data")
    block, rows = (data, data.get("list")) if isinstance(data, dict) else (body, data)
    # The number asked for counts, not the one echoed: a walk must move on even when the echo does not.
    applied = scalar(int | None, block.get("pageSize"))
    return Page(
        rows=read_rows(kind, rows),
        page_num=number,
        page_size=applied if applied is not None and applied > 0 else size,
        pages=scalar(int | None, block.get("pages")),
        total=scalar(int | None, block.get("total")),
    )


def _thing_model(body: Body) -> ThingModel:
    data = body.get("data")
    if not isinstance(data, dict):
        raise UnreadableError("ThingModel is not a JSON object")
    profile = data.get("profile")
    known: Mapping[str, Any] = profile if isinstance(profile, dict) else {}
    return ThingModel(
        raw=data,
        product_key=scalar(str | None, known.get("productKey")),
        version=scalar(str | None, known.get("version")),
        tsl_version=scalar(str | None, known.get("tslVersion")),
        properties=read_rows(ThingProperty, data.get("properties")),
        services=read_rows(ThingService, data.get("services")),
        events=read_rows(ThingEvent, data.get("events")),
    )


def _get(name: str, path: str, reader: Callable[[Body], T]) -> Operation[T]:
    return Operation(name, "GET", path, reader, safe=True)


def _post(name: str, path: str, reader: Callable[[Body], T]) -> Operation[T]:
    return Operation(name, "POST", path, reader)


# Products and thing models
PRODUCT_LIST = Listing("productList", f"{_PRODUCTS}/products", Product)
PRODUCT_DETAIL = _get("productDetail", f"{_PRODUCTS}/product/detail", _one(Product))
TSL_EXPORT = _get("tslExport", "/v2/quectsl/openapi/product/export/tslFile", _thing_model)

# Devices and gateways
DEVICE_LIST = Listing("deviceList", f"{_DEVICES}/product/device/overview", Device)
DEVICE_DETAIL = _get("deviceDetail", f"{_DEVICES}/device/detail", _one(Device))
DEVICE_RESOURCE = _get("deviceResource", f"{_SHADOW}/r2/openapi/device/resource", _one_or_none(DeviceResource))
DEVICE_LOCATION = _get("deviceLocation", f"{_SHADOW}/r1/openapi/device/getlocation", _one_or_none(Location))
DEVICE_CREATE = _post("deviceCreate", f"{_DEVICES}/device/create", _nothing)
DEVICE_CREATE_BATCH = _post("deviceCreateBatch", f"{_DEVICES}/device/createBatch", _nothing)
DEVICE_UPDATE = _post("deviceUpdate", f"{_DEVICES}/device/update", _nothing)
DEVICE_UPDATE_BATCH = _post("deviceUpdateBatch", f"{_DEVICES}/device/updateBatch", _nothing)
DEVICE_DELETE = _post("deviceDelete", f"{_DEVICES}/device/delete", _nothing)
GATEWAY_SUB_LIST = Listing("gatewaySubList", f"{_GATEWAYS}/subList", SubDevice)
GATEWAY_BY_CHILD = _get("gatewayByChildDevice", f"{_GATEWAYS}/getGatewayProductByChildDevice", _one(Gateway))
GATEWAY_UNBIND = _post("gatewayUnbind", f"{_GATEWAYS}/unbind", _nothing)

# Commands and logs
READ_DATA = _post("dmReadData", f"{_SHADOW}/r3/openapi/dm/readData", _rows(SendResult))
WRITE_DATA = _post("dmWriteData", f"{_SHADOW}/r3/openapi/dm/writeData", _rows(SendResult))
SEND_SERVICE_DATA = _post("dmSendServiceData", f"{_SHADOW}/r3/openapi/dm/sendServiceData", _rows(SendResult))
RAW_SEND_DATA = _post("rawSendData", f"{_SHADOW}/r3/openapi/raw/sendData", _rows(SendResult))
DATA_HISTORY = Listing("dataHistory", f"{_STORAGE}/data/history", DataRecord)
EVENT_HISTORY = Listing("eventHistory", f"{_STORAGE}/eventdata/history", EventRecord)

# Queues and subscriptions
QUEUE_LIST = Listing("queueList", f"{_RULE}/queue/list", Queue, method="POST", largest=100)
QUEUE_DETAIL = _get("queueDetail", f"{_RULE}/queue/detail", _one(QueueDetail))
QUEUE_CREATE = _post("queueCreate", f"{_RULE}/queue/create", _one(Queue))
QUEUE_CLEAR = _post("queueClear", f"{_RULE}/queue/clear", _nothing)
QUEUE_DELETE = Operation("queueDelete", "DELETE", f"{_RULE}/queue/delete", _nothing)
SUBSCRIBE_LIST = Listing("subscribeList", f"{_RULE}/subscribe/list", SubscriptionRow, method="POST", largest=100)
SUBSCRIBE_DETAIL = _get("subscribeDetail", f"{_RULE}/subscribe/detail", _one(SubscriptionDetail))
SUBSCRIBE_CREATE = _post("subscribeCreate", f"{_RULE}/subscribe/create", _subscribe_id)
SUBSCRIBE_SAAS = _post("subscribeSaas", f"{_RULE}/subscribe/saas", _subscribe_id)
SUBSCRIBE_ENDUSER = _post("subscribeEnduser", f"{_RULE}/subscribe/enduser", _subscribe_id)
SUBSCRIBE_UPDATE = _post("subscribeUpdate", f"{_RULE}/subscribe/update", _nothing)
SUBSCRIBE_START = _post("subscribeStart", f"{_RULE}/subscribe/start", _nothing)
SUBSCRIBE_STOP = _post("subscribeStop", f"{_RULE}/subscribe/stop", _nothing)
SUBSCRIBE_DELETE = Operation("subscribeDelete", "DELETE", f"{_RULE}/subscribe/delete", _nothing)

# End users and their devices
USER_DOMAIN_LIST = Listing("userDomainList", f"{_USERS}/entUserDomainList", UserDomain, numbered="page")
USER_LIST = Listing("userDomainUserList", f"{_USERS}/userDomainUserList", EndUser, numbered="page")
USER_INFO = _get("userInfo", f"{_USERS}/userInfo", _one(EndUser))
USER_SET_STATUS = _get("userSetStatus", f"{_USERS}/setUserStatus", _nothing)
USER_DEVICE_LIST = Listing("userDeviceList", f"{_BINDING}/userDeviceList", BoundDevice, numbered="page")
BIND_USER_LIST = Listing("bindUserList", f"{_BINDING}/getUserListByBind", BoundUser, numbered="page")
VERIFY_BINDING_CODE = _post("verifyBindingCode", f"{_BINDING}/verifyBindingCode", _number)
