"""The errors of the device SDK.

DeviceError
├── DeliveryFailed     the message may not have arrived: no PUBACK in time, or the connection broke
├── InvalidMessage     no frame can carry this message
├── ModelMissing       a call by codes on a device that was made without a thing model
├── NotConnected       nothing was sent, because the device is not connected
├── Refused            the cloud refuses the device; `code`, `meaning` and `advice` say why and what to do
└── SecretFileUnusable the file of the device secret cannot be read or written

Values that do not fit the thing model are `mooring.thingmodel.DataError`.
"""

from mooring.device.codes import EventNumber, advice_for, meaning_of

__all__ = [
    "DeliveryFailed",
    "DeviceError",
    "InvalidMessage",
    "ModelMissing",
    "NotConnected",
    "Refused",
    "SecretFileUnusable",
]


class DeviceError(Exception):
    """Base of all errors of this package."""


class DeliveryFailed(DeviceError):
    """The cloud did not confirm a message; it may have arrived all the same. The connection may stay."""


class InvalidMessage(DeviceError, ValueError):
    """No frame can carry this message: too long, or a number that the wire has no form for."""


class ModelMissing(DeviceError):
    """A call by codes on a device that was made without a thing model."""

    def __init__(self) -> None:
        super().__init__("this call needs the thing model: give model= when the device is made")


class NotConnected(DeviceError):
    """Nothing was sent, because the device is not connected. `wait_connected` waits until it is."""


class Refused(DeviceError):
    """The cloud refuses the device. `final` says that the device has stopped trying."""

    def __init__(self, code: int, *, final: bool = False) -> None:
        self.code = code
        self.final = final
        self.meaning = meaning_of(EventNumber.AUTHENTICATION, code)
        self.advice = advice_for(code)
        super().__init__(code)

    def __str__(self) -> str:
        return f"{self.code}: {self.meaning}{'. ' + self.advice if self.advice else ''}"


class SecretFileUnusable(DeviceError):
    """The file of the device secret cannot be read or written; names the file and the cause, never the content."""
