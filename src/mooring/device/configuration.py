"""What a 00B4 of the cloud means to a device (device-protocol.md section 3)."""

import msgspec

from mooring.device.memory import Address, Memory
from mooring.device.settings import Identity
from mooring.protocol.commands import DeviceConfiguration, ServerAddress

__all__ = ["Configured", "configure"]

_HIGHEST_PORT = 0xFFFF


class Configured(msgspec.Struct, frozen=True):
    """The outcome: what to keep, and whether this connection goes on."""

    memory: Memory
    move: Address | None  # a server to try
    reconnects: bool
    delivers_secret: bool  # the authentication has succeeded, maybe once more


def configure(wanted: DeviceConfiguration, memory: Memory, identity: Identity, address: Address) -> Configured:
    """Return what a device with this memory, identity and server address makes of a 00B4 (or the older 00B3)."""
    after = msgspec.structs.replace(
        memory,
        device_secret=_secret(wanted, memory),
        server=None if _clears(wanted.server) else memory.server,
        product_key=_other(wanted.product_key, identity.product_key) or memory.product_key,
        product_secret=_other(wanted.product_secret, identity.product_secret) or memory.product_secret,
        bind_code=memory.bind_code if wanted.bind_code is None else wanted.bind_code,
    )
    move = _move(wanted.server, address)
    delivers = bool(wanted.device_secret) and not wanted.authenticate_again
    moved_product = (after.product_key, after.product_secret) != (memory.product_key, memory.product_secret)
    replaced = not delivers and after.device_secret != memory.device_secret
    return Configured(
        after,
        move,
        reconnects=wanted.authenticate_again or move is not None or moved_product or replaced,
        delivers_secret=delivers,
    )


def _secret(wanted: DeviceConfiguration, memory: Memory) -> str | None:
    if wanted.authenticate_again:
        return None
    return wanted.device_secret or wanted.replacement_secret or memory.device_secret


def _other(new: str | None, present: str) -> str | None:
    return new if new and new != present else None


def _clears(server: ServerAddress | None) -> bool:
    return server is not None and not (server.domain or server.ip or server.port)


def _move(server: ServerAddress | None, present: Address) -> Address | None:
    """Return the address of a 00B4; None for none, one that cannot be, and the one in use."""
    if server is None or not (server.domain or server.ip) or not 0 < server.port <= _HIGHEST_PORT:
        return None
    address = Address(server.domain or server.ip, server.port)
    return None if address == present else address
