"""Session encryption of one connection (device-protocol.md section 3.2)."""

from mooring.protocol.frame import Frame, FrameError, decode
from mooring.protocol.session_crypto import CipherError, SessionCipher

__all__ = ["Envelope", "Unreadable"]


class Unreadable(ValueError):
    """A message of an encrypted connection that cannot be taken; the text says why, of the message."""


class Envelope:
    """Encrypts what goes down; what comes up may be clear until the first message that decrypts to a frame."""

    __slots__ = ("_cipher", "_required")

    def __init__(self, key: bytes) -> None:
        self._cipher = SessionCipher(key)
        self._required = False

    def seal(self, clear: bytes) -> bytes:
        """A downlink as it travels."""
        return self._cipher.encrypt(clear)

    def open(self, payload: bytes) -> tuple[Frame, bytes]:
        """The frame of an uplink, and its clear bytes. Raises Unreadable."""
        try:
            clear = self._cipher.decrypt(payload)
            frame = decode(clear)
        except CipherError as error:
            reason = f"does not decrypt with the session key: {error}"
        except FrameError as error:
            reason = f"decrypts to no frame: {error}"
        else:
            self._required = True
            return frame, clear
        try:
            frame = decode(payload)
        except FrameError as error:
            if self._required:
                raise Unreadable(reason) from None
            raise Unreadable(f"is no frame: {error}; and it {reason}") from None
        if self._required:
            raise Unreadable("is in clear text, though messages before it were encrypted")
        return frame, payload
