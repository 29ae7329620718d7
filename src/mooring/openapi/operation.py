"""An operation of contract/openapi.yaml as a value, and one call of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mooring.platform import Platform
from mooring.platform.entities import App

from .params import Body, Params, read_body

__all__ = ["Call", "Operation"]


@dataclass(slots=True)
class Call:
    """One admitted request. `caller` is the application of the token; the token operations have none.

    `language` is CN or EN, `address` the caller's IP address, None when the connection has none, `content` what was
    posted.
    """

    platform: Platform
    params: Params
    language: str
    address: str | None
    caller: App | None
    content: bytes = b""

    @property
    def body(self) -> Body:
        """The JSON object that was posted. Raises Failure 50005 when it is none."""
        return read_body(self.content)

    @property
    def app(self) -> App:
        """The calling application; only for operations of a service."""
        if self.caller is None:
            raise RuntimeError("this operation has no caller")
        return self.caller


@dataclass(frozen=True, slots=True)
class Operation:
    """`service` is `x-service-package`: None for the token operations, which need no token."""

    id: str
    method: str
    path: str
    service: str | None
    run: Callable[[Call], Awaitable[bytes]]
