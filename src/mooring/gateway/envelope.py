"""Session encryption of one connection (device-protocol.md section 3.2)."""

from mooring.protocol.frame import Frame, FrameError, decode
from mooring.protocol.session_crypto import CipherError, SessionCipher

__all__ = ["Envelope", "NotEncrypted"]


class NotEncrypted(ValueError):
    """A message in clear text came after the device had begun to encrypt."""


class Envelope:
    """Encrypts what goes down; what comes up may be clear until the first message that decrypts."""

    __slots__ = ("_cipher", "_required")

    def __init__(self, key: bytes) -> None:
        self._cipher = SessionCipher(key)
        self._required = False

    def seal(self, clear: bytes) -> bytes:
        """A downlink as it travels."""
        return self._cipher.encrypt(clear)

    def open(self, payload: bytes) -> tuple[Frame, bytes]:
        """The frame of an uplink, and its clear bytes. Raises FrameError, NotEncrypted."""
        try:
            clear = self._cipher.decrypt(payload)
            frame = decode(clear)
        except (CipherError, FrameError):
            if not self._required:
                return decode(payload), payload
            raise NotEncrypted("is not encrypted with the session key, as the messages before it were") from None
        self._required = True
        return frame, clear
