"""The state of the account at one glance."""

from mooring.platform.overview import Summary

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing

__all__ = ["ENDPOINTS"]


async def _show_overview(call: Call, request: Nothing) -> Summary:
    return await call.platform.overview.of(call.account_id)


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        "GET",
        "/overview",
        "Devices, messages a minute, API calls, queues, and what needs attention",
        _show_overview,
        Nothing,
        Summary,
    ),
)
