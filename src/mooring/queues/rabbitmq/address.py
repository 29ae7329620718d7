"""Where a RabbitMQ is, and whom Mooring signs in as there."""

from typing import Self
from urllib.parse import quote, unquote, urlsplit

import msgspec

__all__ = ["Address", "AddressError"]

_PORTS = {"amqp": 5672, "amqps": 5671}
_MANAGEMENT_PORTS = {"amqp": ("http", 15672), "amqps": ("https", 15671)}


class AddressError(ValueError):
    """The address is malformed. The text does not repeat it, for it may hold a password."""


class Address(msgspec.Struct, frozen=True):
    """What `amqp://user:password@host:port/` says; `management` is the base URL of the management API."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    management: str

    @classmethod
    def parse(cls, url: str, management: str | None = None) -> Self:
        """Raises AddressError."""
        form = "use amqp://user:password@host:port/ or amqps://…, with special characters of the password as %XX"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise AddressError(form) from None
        if parts.scheme not in _PORTS or not parts.hostname or not parts.username or parts.password is None:
            raise AddressError(form)
        if parts.path not in ("", "/", "/quec-open") or parts.query or parts.fragment:
            raise AddressError(f"behind the port only /quec-open may stand; {form}")
        scheme, management_port = _MANAGEMENT_PORTS[parts.scheme]
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return cls(
            parts.hostname,
            port or _PORTS[parts.scheme],
            parts.scheme == "amqps",
            unquote(parts.username),
            unquote(parts.password),
            management or f"{scheme}://{host}:{management_port}",
        )

    @property
    def customers_url(self) -> str:
        """The address without anybody's name, as customers write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'amqps' if self.tls else 'amqp'}://{quote(host, safe='[]:')}:{self.port}/quec-open"

    def __repr__(self) -> str:
        return f"Address({self.customers_url!r})"
