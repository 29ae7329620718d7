"""Python SDK for any cloud that speaks the SaaS OpenAPI v2.

`Client` blocks, `AsyncClient` awaits; both share everything else, and the first is made of the second. The modules with
a leading underscore are private: `_core` (the login flow, no I/O), `_calls` and `_operations` (the calls of the
contract as values), `_inputs` (what they are given), `_answers` and `_reading` (bytes to values), `_paging`,
`_retries`, `_observing`, `_http`, `_base`, and the I/O in `_async` and `_sync`. What is public is exported here, but
for profiles (`profiles`) and regions (`regions`).
"""

from typing import TypeAlias

from mooring.client._async.client import AsyncClient
from mooring.client._async.command import AsyncCommand
from mooring.client._async.device import AsyncRemoteDevice
from mooring.client._async.history import AsyncHistory
from mooring.client._async.paging import AsyncPageList
from mooring.client._inputs import DeviceChange, NewDevice, SendOptions
from mooring.client._observing import Exchange, Hook
from mooring.client._paging import Page
from mooring.client._readings import Latest, Reading
from mooring.client._retries import Retries
from mooring.client._sync.client import Client
from mooring.client._sync.command import Command
from mooring.client._sync.device import RemoteDevice
from mooring.client._sync.history import History
from mooring.client._sync.paging import PageList
from mooring.client.errors import (
    ApiError,
    AuthenticationError,
    BadAnswer,
    BadValue,
    CommandFailed,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    MooringError,
    NotFound,
    PermissionDenied,
    ProfileError,
    RateLimited,
    ServiceError,
    TimedOut,
)
from mooring.client.messages import (
    BadMessage,
    CommandOutcome,
    DeviceChanged,
    EventReported,
    Message,
    Online,
    Position,
    PositionQuery,
    PositionRaw,
    ProductAuthorized,
    ProductChanged,
    PropertyAnswer,
    PropertyRead,
    PropertyReport,
    PropertyWrite,
    RawDownlink,
    RawUplink,
    RuleNotice,
    ServiceAnswered,
    ServiceCalled,
    Status,
    ThingModelReleased,
    UserBound,
    UserChanged,
    UserDomainAuthorized,
)
from mooring.client.subscription import AsyncDelivery, AsyncSubscription, Delivery, Subscription
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
    ThingParameter,
    ThingProperty,
    ThingService,
    Token,
    UserDomain,
)

ProductPage: TypeAlias = Page[Product]

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncCommand",
    "AsyncDelivery",
    "AsyncHistory",
    "AsyncPageList",
    "AsyncRemoteDevice",
    "AsyncSubscription",
    "AuthenticationError",
    "BadAnswer",
    "BadMessage",
    "BadValue",
    "BoundDevice",
    "BoundUser",
    "Client",
    "Command",
    "CommandFailed",
    "CommandOutcome",
    "Conflict",
    "ConnectionFailed",
    "DataRecord",
    "Delivery",
    "Device",
    "DeviceChange",
    "DeviceChanged",
    "DeviceResource",
    "EndUser",
    "EventRecord",
    "EventReported",
    "Exchange",
    "Gateway",
    "History",
    "Hook",
    "InvalidRequest",
    "Latest",
    "Location",
    "Message",
    "MooringError",
    "NewDevice",
    "NotFound",
    "Online",
    "Page",
    "PageList",
    "PermissionDenied",
    "Position",
    "PositionQuery",
    "PositionRaw",
    "Product",
    "ProductAuthorized",
    "ProductChanged",
    "ProductPage",
    "ProfileError",
    "PropertyAnswer",
    "PropertyRead",
    "PropertyReport",
    "PropertyWrite",
    "Queue",
    "QueueDetail",
    "RateLimited",
    "RawDownlink",
    "RawUplink",
    "Reading",
    "RemoteDevice",
    "Retries",
    "RuleNotice",
    "SendOptions",
    "SendResult",
    "ServiceAnswered",
    "ServiceCalled",
    "ServiceError",
    "Status",
    "SubDevice",
    "Subscription",
    "SubscriptionDetail",
    "SubscriptionRow",
    "ThingEvent",
    "ThingModel",
    "ThingModelReleased",
    "ThingParameter",
    "ThingProperty",
    "ThingService",
    "TimedOut",
    "Token",
    "UserBound",
    "UserChanged",
    "UserDomain",
    "UserDomainAuthorized",
]
