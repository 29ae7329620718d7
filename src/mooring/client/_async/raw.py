"""Any path of the API."""

from collections.abc import Mapping
from typing import Any

from mooring.client import _operations as operations
from mooring.client._answers import Body
from mooring.client._async.service import AsyncService
from mooring.client._calls import Value


class AsyncRaw(AsyncService):
    """Any path of the API, with login and error handling but without types."""

    async def get(self, path: str, params: Mapping[str, Value] | None = None) -> Body:
        """Send GET and return the decoded body of a success; a parameter that is None is left out."""
        return await self._run(operations.raw("GET", path, params))

    async def post(self, path: str, *, json: Any = None, params: Mapping[str, Value] | None = None) -> Body:
        """Send POST and return the decoded body of a success. `json` None sends no body."""
        return await self._run(operations.raw("POST", path, params, json))

    async def delete(self, path: str, params: Mapping[str, Value] | None = None) -> Body:
        """Send DELETE and return the decoded body of a success; a parameter that is None is left out."""
        return await self._run(operations.raw("DELETE", path, params))
