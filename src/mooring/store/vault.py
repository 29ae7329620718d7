"""Secrets at rest: AES-256-GCM under one secret key, and keys derived from it.

A sealed value is `0x01 | nonce (12 bytes) | ciphertext and tag`. The context (table, column, row) is authenticated
with it, so a sealed value moved to another row does not open. Losing the key loses the secrets; `mooring up` notices
at start.
"""

import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import SecretKeyError

__all__ = ["KEY_BYTES", "Vault", "create_key_file", "parse_key", "read_key_file"]

KEY_BYTES = 32
_FORMAT = b"\x01"
_NONCE_BYTES = 12


class Vault:
    """Seals and opens short texts. `key` is 32 bytes; `random_bytes(n)` gives nonces."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._key = key
        self._cipher = AESGCM(self.derive("at-rest"))
        self._random_bytes = random_bytes

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose; the same on every process that has the secret key."""
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(self._key)

    def seal(self, text: str, context: str) -> bytes:
        """`text` encrypted, bound to `context`."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, text.encode(), context.encode())

    def open(self, sealed: bytes, context: str) -> str:
        """The text again. Raises SecretKeyError when key, context or bytes do not fit."""
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _FORMAT:
            raise SecretKeyError(f"{context}: sealed in a form this version does not know")
        try:
            return self._cipher.decrypt(nonce, body, context.encode()).decode()
        except (InvalidTag, ValueError):
            raise SecretKeyError(f"{context}: does not open with this secret key") from None


def parse_key(text: str, source: str) -> bytes:
    """The key from its base64 text. Raises SecretKeyError that names `source`, never the value."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise SecretKeyError(f"{source} is not base64") from None
    if len(key) != KEY_BYTES:
        raise SecretKeyError(f"{source} holds {len(key)} bytes, {KEY_BYTES} are needed")
    return key


def read_key_file(path: Path) -> bytes | None:
    """The key in `path`, or None when there is no such file. Raises SecretKeyError."""
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SecretKeyError(f"cannot read the secret key {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretKeyError(f"{path} is not base64") from None
    if mode & 0o077:
        raise SecretKeyError(f"{path} can be read by others (mode {mode:04o}); run: chmod 600 {path}")
    return parse_key(text, str(path))


def create_key_file(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> bytes:
    """A new key, written to `path` with mode 0600; an existing file is never overwritten. Raises SecretKeyError."""
    key = random_bytes(KEY_BYTES)
    created = False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        created = True
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if created:
            path.unlink(missing_ok=True)  # half a key would stand in the way of every later start
        raise SecretKeyError(f"cannot write the secret key {path}: {error.strerror}") from None
    return key
