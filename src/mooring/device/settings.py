"""What a device is, and how it behaves; all values, no secrets in their representations."""

from decimal import Decimal

import msgspec

from mooring.protocol import credentials
from mooring.protocol.commands import ModuleInformation, Status

__all__ = ["DEVICE_TIMING", "MODULE", "STATUS", "Identity", "Settings", "Timing"]

STATUS = Status(battery=Decimal(88), voltage=Decimal("3.75"), signal_strength=Decimal(-67), memory_free=Decimal(2**20))
"""What a device reports of itself when nothing else is said."""

MODULE = ModuleInformation(
    model="MOORING",
    version="1.0.0",
    mcu_versions="",
    iccid="",
    sdk_version="2.9.0",
    location_kinds=("NONE", "AUTO", "LBS", "GGA"),
    data_protocol_version="1.3.0",
    communication_protocol_version="3.0.0",
)
"""The versions are those of the SDK whose behaviour this one follows."""


class Identity(msgspec.Struct, frozen=True):
    """Which device of which product this is. No representation shows the secret."""

    product_key: str
    product_secret: str
    device_key: str

    @property
    def client_id(self) -> str:
        """The MQTT client id."""
        return credentials.client_id(self.product_key, self.device_key)

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("product_key", self.product_key), ("device_key", self.device_key)]

    def __repr__(self) -> str:
        return f"Identity(product_key={self.product_key!r}, device_key={self.device_key!r})"


class Timing(msgspec.Struct, frozen=True):
    """How long a device waits before it connects again, in seconds (section 2.3).

    After the n-th failure in a row it waits `retry_least_s` to `retry_most_s`, by chance, times 2^(n-1).
    """

    retry_least_s: float = 0.5
    retry_most_s: float = 2.5
    rest_after: int = 6  # failures in a row
    rest_s: float = 1800.0  # then
    long_refusal_s: float = 600.0  # after CONNACK 1 and 10422, 10426, 10430
    short_refusal_s: float = 30.0  # after 10423, 10424, 10425, 10427
    fast_refusal_s: float = 1.0  # after 10431, 10432
    anew_s: float = 0.5  # after a 00B4 that asks for another connection
    move_tries: int = 4  # failures at a new server address before the old one is used again

    def retry(self, failures: int, chance: float) -> float:
        """Return the pause after so many failures in a row; `chance` is 0 to 1."""
        if failures >= self.rest_after:
            return self.rest_s
        return (self.retry_least_s + (self.retry_most_s - self.retry_least_s) * chance) * 2.0 ** (failures - 1)

    def refusal(self, code: int) -> float | None:
        """Return the pause after a refusal by 00A3; None for a code that a device stays connected with."""
        return {
            **dict.fromkeys((10422, 10426, 10430), self.long_refusal_s),
            **dict.fromkeys((10423, 10424, 10425, 10427), self.short_refusal_s),
            **dict.fromkeys((10431, 10432), self.fast_refusal_s),
        }.get(code)


DEVICE_TIMING = Timing()


class Settings(msgspec.Struct, frozen=True):
    """How a device behaves."""

    host: str = "127.0.0.1"
    port: int = 1883
    keep_alive_s: int = 120  # 20 or less is sent as 21
    session_encryption: bool = False  # ask for a session key
    timing: Timing = DEVICE_TIMING
    status: Status = STATUS
    module: ModuleInformation = MODULE
