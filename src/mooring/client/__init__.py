"""Python SDK for any cloud that speaks the SaaS OpenAPI v2.

`Client` blocks, `AsyncClient` awaits; both share everything else. The modules with a leading underscore are
private: `_core` (requests as values and the login flow, no I/O), `_operations` (the calls of the contract),
`_answers` and `_reading` (bytes to values), `_paging`, `_types`, `_http`, `_sync` and `_async` (the I/O).
"""

from typing import TypeAlias

from mooring.client._async import AsyncClient
from mooring.client._paging import AsyncPageList, Page, PageList
from mooring.client._sync import Client
from mooring.client._types import (
    Product,
    ThingEvent,
    ThingModel,
    ThingParameter,
    ThingProperty,
    ThingService,
    Token,
)
from mooring.client.errors import (
    ApiError,
    AuthenticationError,
    BadAnswer,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    MooringError,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServiceError,
    TimedOut,
)

ProductPage: TypeAlias = Page[Product]

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncPageList",
    "AuthenticationError",
    "BadAnswer",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "InvalidRequest",
    "MooringError",
    "NotFound",
    "Page",
    "PageList",
    "PermissionDenied",
    "Product",
    "ProductPage",
    "RateLimited",
    "ServiceError",
    "ThingEvent",
    "ThingModel",
    "ThingParameter",
    "ThingProperty",
    "ThingService",
    "TimedOut",
    "Token",
]
