"""The topics of one sub-device on its gateway's connection (device-protocol.md section 8)."""

from mooring.protocol import credentials
from mooring.protocol.mqtt import ResendFilter
from mooring.protocol.session_crypto import SessionCipher

__all__ = ["COPIES_WITHIN_S", "Lane"]

COPIES_WITHIN_S = 20.0  # a server sends an unconfirmed command again; the device takes it once


class Lane:
    """Stays with the sub-device over its logins: its packet ids go on, its session key is that of the last login."""

    __slots__ = ("cipher", "client_id", "copies", "packet_id", "topic_down", "topic_up")

    def __init__(self, product_key: str, device_key: str) -> None:
        self.client_id = credentials.client_id(product_key, device_key)
        self.topic_up = f"q/2/d/{self.client_id}/"
        self.topic_down = f"q/1/d/{self.client_id}/"
        self.packet_id = 0
        self.cipher: SessionCipher | None = None
        self.copies = ResendFilter(COPIES_WITHIN_S)

    def log_in(self, session_key: bytes | None) -> None:
        """A login begins. Raises ValueError for a key that is none."""
        self.cipher = None if session_key is None else SessionCipher(session_key)
        self.copies = ResendFilter(COPIES_WITHIN_S)
