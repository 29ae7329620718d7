# Made of _async/raw.py by tools/generate_sync.py; change that.
"""Any path of the API."""

from collections.abc import Mapping
from typing import Any

from mooring.client import _operations as operations
from mooring.client._answers import Body
from mooring.client._calls import Value
from mooring.client._sync.service import Service


class Raw(Service):
    """Any path of the API, with login and error handling but without types."""

    def get(self, path: str, params: Mapping[str, Value] | None = None) -> Body:
        """Send GET and return the decoded body of a success; a parameter that is None is left out."""
        return self._run(operations.raw("GET", path, params))

    def post(self, path: str, *, json: Any = None, params: Mapping[str, Value] | None = None) -> Body:
        """Send POST and return the decoded body of a success. `json` None sends no body."""
        return self._run(operations.raw("POST", path, params, json))

    def delete(self, path: str, params: Mapping[str, Value] | None = None) -> Body:
        """Send DELETE and return the decoded body of a success; a parameter that is None is left out."""
        return self._run(operations.raw("DELETE", path, params))
