"""What a device keeps across restarts: its secret, and where the cloud has moved it (device-protocol.md section 3).

`load` and `save` are the only file accesses of this package; they block, so the shell runs them in a thread.
"""

import contextlib
import os
import secrets
from pathlib import Path

import msgspec

from mooring.device.errors import SecretFileUnusable

__all__ = ["Address", "Memory", "load", "save"]

_PRIVATE = 0o600
_MAX_BYTES = 64 * 1024  # a file has some 200


class Address(msgspec.Struct, frozen=True):
    """A server, by name or IP address."""

    host: str
    port: int


class Memory(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What survives power-down. No representation shows a secret."""

    device_secret: str | None = None
    server: Address | None = None  # the cloud has moved the device there
    product_key: str | None = None  # the cloud has moved the device to this product
    product_secret: str | None = None
    bind_code: bytes | None = None

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("server", self.server), ("product_key", self.product_key)]

    def __repr__(self) -> str:
        return f"Memory(server={self.server!r}, product_key={self.product_key!r})"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client_id: str  # whose it is, as the device was made
    memory: Memory


def load(path: Path, client_id: str) -> Memory:
    """Return what the file holds, an empty memory when there is none.

    Raises `SecretFileUnusable` when it cannot be read, is no such file, or belongs to another device.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return Memory()
    except OSError as error:
        raise SecretFileUnusable(f"{path} cannot be read: {error.strerror}") from None
    try:
        found = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError:
        # The cause of the decoder is dropped: it may quote what stands in the file.
        raise SecretFileUnusable(f"{path} is not a file of a device secret") from None
    if found.client_id != client_id:
        raise SecretFileUnusable(f"{path} belongs to the device {found.client_id}, not to {client_id}")
    return found.memory


def save(path: Path, client_id: str, memory: Memory) -> None:
    """Replace the file as a whole, readable for its owner alone. Raises `SecretFileUnusable`."""
    content = msgspec.json.encode(_File(client_id, memory))
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(draft, content)
            draft.replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
            raise
        _sync(path.parent)
    except OSError as error:
        raise SecretFileUnusable(f"{path} cannot be written: {error.strerror}") from None


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
