"""The service market: packages that the account switches on and off."""

import msgspec

from mooring.platform.service_market import ServicePackage

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page
from .lists import page_of

__all__ = ["ENDPOINTS"]


class ServiceList(msgspec.Struct, frozen=True):
    """Every service package of the market."""

    items: tuple[ServicePackage, ...]
    total: int


async def _list_services(call: Call, request: Page) -> ServiceList:
    found = call.platform.service_market.packages(call.account_id)
    return ServiceList(page_of(request, found, lambda package: package), len(found))


async def _activate_service(call: Call, request: Nothing) -> ServicePackage:
    return await call.platform.service_market.activate(call.actor, call.path["package"])


async def _deactivate_service(call: Call, request: Nothing) -> ServicePackage:
    return await call.platform.service_market.deactivate(call.actor, call.path["package"])


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", "/services", "Service packages on offer", _list_services, Page, ServiceList),
    Endpoint(
        "POST",
        "/services/{package}/activate",
        "Switch a package on",
        _activate_service,
        Nothing,
        ServicePackage,
        errors=(409,),
    ),
    Endpoint(
        "POST",
        "/services/{package}/deactivate",
        "Switch a package off; calls to it answer 91007",
        _deactivate_service,
        Nothing,
        ServicePackage,
        errors=(409,),
    ),
)
