"""An operation of contract/openapi.yaml as a value, and one call of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mooring.platform import Actor, Platform
from mooring.platform.entities import App

from .params import Body, Params, read_body

__all__ = ["Call", "Operation"]


@dataclass(slots=True)
class Call:
    """One request. `caller` is the application of the token; the token operations have none.

    `language` is CN or EN, `address` the caller's IP address, None when the connection has none, `content` what was
    posted. An operation sets `tickets` to those of the commands it led to; `app_id` is the application that statistics
    and request log count the call for, None while nobody is known.
    """

    platform: Platform
    params: Params
    language: str
    address: str | None
    caller: App | None
    content: bytes = b""
    app_id: int | None = None
    tickets: tuple[int, ...] = ()

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

    def time(self, at_ms: int | None) -> str | int | None:
        """A time (epoch ms) that the contract prints as a string, as this application wants it (README decision 1)."""
        return at_ms if at_ms is None or self.app.times == "numbers" else str(at_ms)

    @property
    def actor(self) -> Actor:
        """The calling application as the audit log names it."""
        return Actor.of_app(self.app, self.address)


@dataclass(frozen=True, slots=True)
class Operation:
    """`service` is `x-service-package`: None for the token operations, which need no token. With `no_store` no cache
    may keep the answer. `not_activated` is the code for an account that has not activated the package, where the
    contract has one of its own for it."""

    id: str
    method: str
    path: str
    service: str | None
    run: Callable[[Call], Awaitable[bytes]]
    no_store: bool = False
    not_activated: int | None = None
