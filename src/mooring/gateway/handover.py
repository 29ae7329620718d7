"""A device's secret and session key on their way to it (device-protocol.md section 3).

The 00B4 goes out after SUBSCRIBE and again until its PUBACK comes. A secret counts as arrived by the first message that
the device sends after that PUBACK: the PUBACK alone may come from a modem that has not kept the secret yet, and a
message alone may have been on its way before. Until then step `0;` is answered with the same secret.
"""

from mooring.platform.connecting import Admitted
from mooring.protocol.commands import DeviceConfiguration

from .downlinks import Given

__all__ = ["SENDS", "Handover"]

SENDS = 3  # of the 00B4, each with `CONFIRM_WITHIN_S` for its PUBACK


class Handover:
    """What one connection has to deliver, and how far it is."""

    __slots__ = ("_packet_ids", "confirmed", "given", "secret", "session_key")

    def __init__(self, secret: str | None, session_key: bytes | None) -> None:
        self.secret = secret
        self.session_key = session_key
        self.given: Given | None = None  # as it went out; a repetition has the same bytes
        self.confirmed = False
        self._packet_ids: list[int] = []

    @classmethod
    def of(cls, admitted: Admitted) -> "Handover | None":
        """What an admitted device is to get; None when that is nothing."""
        if admitted.secret_to_deliver is None and admitted.session_key is None:
            return None
        return cls(admitted.secret_to_deliver, admitted.session_key)

    @property
    def words(self) -> DeviceConfiguration:
        """The command that delivers it."""
        return DeviceConfiguration(device_secret=self.secret, session_key=self.session_key)

    @property
    def may_repeat(self) -> bool:
        """Whether it may go out once more."""
        return len(self._packet_ids) < SENDS

    def sent(self, given: Given) -> None:
        """It went out; with QoS 0, which nobody confirms, that is all there is to know."""
        self.given = given
        if given.packet_id:
            self._packet_ids.append(given.packet_id)
        else:
            self.confirmed = True

    def is_on(self, packet_id: int) -> bool:
        """Whether this MQTT packet id is that of one of its messages."""
        return packet_id in self._packet_ids
