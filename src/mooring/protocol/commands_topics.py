"""Where commands travel and which of them answer each other (sections 4, 5.1 and 6 of contract/device-protocol.md)."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

from mooring.protocol import commands_model, commands_ota, commands_subdevice, commands_system

__all__ = ["REPLIES", "TOPICS", "UPLINK_QOS", "Topic"]


class Topic(enum.StrEnum):
    """Last level of a topic (section 4): `q/2/d/{client id}/…` upwards, `q/1/d/{client id}/…` downwards."""

    SYS = "sys"
    BUS = "bus"
    OTA = "ota"


TOPICS: Mapping[int, Topic] = MappingProxyType(
    {
        codec.command: topic
        for topic, codecs in (
            (Topic.BUS, commands_model.CODECS),
            (Topic.SYS, (*commands_system.CODECS, *commands_subdevice.CODECS)),
            (Topic.OTA, commands_ota.CODECS),
        )
        for codec in codecs
    }
)
"""Command to the last level of its topic; 00B5 has one here only (section 6.6)."""

REPLIES: Mapping[int, int] = MappingProxyType(
    {
        0x0011: 0x0012,
        0x0031: 0x0032,
        0x0041: 0x0042,
        0x0123: 0x0124,
        0x00C0: 0x00C1,
        0x00C2: 0x00C3,
        0x00C4: 0x00C5,
        0x00C6: 0x00C7,
    }
)
"""Request command to the command of its reply, which repeats the packet id of the request (section 5.1).

Every other frame has a packet id of its own; an upgrade's 0111, 0113 and 0114 follow each other without repeating one.
"""

UPLINK_QOS: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((0x0012, 0x0032, 0x0042, 0x0124), 0),
        **dict.fromkeys((0x0034, 0x0044, 0x00A4, 0x00B5, 0x0122), 1),
        **dict.fromkeys((0x0112, 0x0114, 0x0115), 2),
    }
)
"""QoS a device publishes a command with (section 4); for 0014 and 0024 its application chooses 0, 1 or 2."""
