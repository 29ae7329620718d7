"""Passwords of administrators: Argon2id, hashed off the event loop, few at a time (each takes 19 MiB)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import Invalid
from .secret import Secret

__all__ = ["PASSWORD_MIN", "Passwords"]

PASSWORD_MIN = 10
_PASSWORD_MAX = 256
_AT_ONCE = 2


class Passwords:
    """Hashes and verifies. The cost figures are the ones commonly recommended for Argon2id."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._unknown: str | None = None

    async def hash(self, password: Secret) -> str:
        """The Argon2 text to keep. Raises Invalid when the password is too short or too long."""
        length = len(password.reveal())
        if not PASSWORD_MIN <= length <= _PASSWORD_MAX:
            raise Invalid(
                "password_length",
                f"password has {length} characters; {PASSWORD_MIN} to {_PASSWORD_MAX} are allowed",
            )
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password.reveal())

    async def verify(self, kept: Secret | None, password: Secret) -> bool:
        """Whether the password fits. `kept` None (no such person) takes the same time and is False."""
        if kept is None:
            self._unknown = self._unknown or self._hasher.hash("nobody has this password")
        text = kept.reveal() if kept is not None else self._unknown or ""
        async with self._slots:
            fits = await asyncio.to_thread(self._fits, text, password.reveal()[: _PASSWORD_MAX + 1])
        return fits and kept is not None

    def _fits(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
