"""What the core of a device tells its shell, and what the shell tells the application."""

from typing import TypeAlias

import msgspec

from mooring.device.codes import EventNumber, advice_for, meaning_of
from mooring.device.memory import Memory
from mooring.protocol.commands import Downlink

__all__ = ["Delivered", "DeviceEvent", "FrameIgnored", "MemoryChanged", "Received", "Told", "Undelivered"]


class DeviceEvent(msgspec.Struct, frozen=True):
    """Something happened to the connection or a message; the numbers are those of section 10.2."""

    event: EventNumber
    code: int
    detail: str = ""  # what the operating system or the peer said; no secrets

    @property
    def meaning(self) -> str:
        """What the numbers mean, as one clause."""
        return meaning_of(self.event, self.code)

    @property
    def advice(self) -> str | None:
        """What to do about it, where something can be done."""
        return advice_for(self.code)


class Delivered(msgspec.Struct, frozen=True):
    """A message of QoS 1 or 2 was confirmed."""

    token: int


class Undelivered(msgspec.Struct, frozen=True):
    """A message of QoS 1 or 2 was given up."""

    token: int
    reason: str


class Received(msgspec.Struct, frozen=True):
    """A command for the application, with the packet id of its frame: replies repeat it."""

    downlink: Downlink
    packet_id: int
    sub_device: str = ""  # client id of the sub-device whose topics it came on


class FrameIgnored(msgspec.Struct, frozen=True):
    """A message that a device does not react to, and why; never its content."""

    reason: str


class MemoryChanged(msgspec.Struct, frozen=True):
    """Keep this across restarts, then call `memory_stored`: what depends on it waits until then."""

    memory: Memory


Told: TypeAlias = DeviceEvent | Delivered | Undelivered | Received | FrameIgnored | MemoryChanged
