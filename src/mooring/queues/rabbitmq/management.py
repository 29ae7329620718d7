"""RabbitMQ's management API, as much of it as is needed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from mooring.platform.queue_broker import BrokerUnavailable

from .address import Address

__all__ = ["Management", "path"]

_TIMEOUT_S = 10.0
_GONE = 404


def path(*parts: str) -> str:
    """A path below /api, of names as they are."""
    return "/".join(quote(part, safe="") for part in parts)


class Management:
    """Calls it as Mooring's own user. Everything raises BrokerUnavailable."""

    def __init__(self, address: Address) -> None:
        self._base = address.management.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=f"{self._base}/api/", auth=(address.user, address.password), timeout=_TIMEOUT_S
        )

    async def get(self, where: str, **params: str) -> Any:
        """What is there; None when nothing is."""
        answer = await self._call("GET", where, params=params)
        return None if answer.status_code == _GONE else answer.json()

    async def put(self, where: str, content: Mapping[str, object]) -> None:
        """Make or change something."""
        await self._call("PUT", where, json=dict(content))

    async def post(self, where: str, content: Mapping[str, object]) -> Any:
        """Do something."""
        answer = await self._call("POST", where, json=dict(content))
        return None if answer.status_code == _GONE else answer.json()

    async def delete(self, where: str, reason: str | None = None) -> None:
        """Delete something that may be gone already."""
        await self._call("DELETE", where, headers={} if reason is None else {"X-Reason": reason})

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _call(self, method: str, where: str, **arguments: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, where, **arguments)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise BrokerUnavailable(f"management API of RabbitMQ at {self._base}: {reason}") from None
        if answer.is_success or answer.status_code == _GONE:
            return answer
        raise BrokerUnavailable(f"RabbitMQ refused {method} {where}: HTTP {answer.status_code} {answer.text[:300]}")
