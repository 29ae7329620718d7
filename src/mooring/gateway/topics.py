"""What a device may publish and subscribe to: topics below its own client id (device-protocol.md section 4)."""

from mooring.protocol.commands import TOPICS, Topic

__all__ = ["EVERY_LEVEL", "LEVELS", "downlink_prefix", "level_of", "subscribed_level", "uplink_prefix"]

LEVELS = frozenset(topic.value for topic in Topic)
"""Last levels of topics."""
EVERY_LEVEL = "+"

_BY_COMMAND = {command: topic.value for command, topic in TOPICS.items()}


def uplink_prefix(client_id: str) -> str:
    """What stands before the level in topics that the device publishes."""
    return f"q/2/d/{client_id}/"


def downlink_prefix(client_id: str) -> str:
    """What stands before the level in topics that it subscribes to."""
    return f"q/1/d/{client_id}/"


def level_of(command: int) -> str:
    """The level on which a command goes down; devices do not mind, so `bus` for those without one."""
    return _BY_COMMAND.get(command, Topic.BUS.value)


def subscribed_level(prefix: str, text: str) -> str | None:
    """The level that a filter asks for, `EVERY_LEVEL` for all; None when it goes beyond the device's own topics."""
    level = text.removeprefix(prefix)
    if level == text or (level != EVERY_LEVEL and level not in LEVELS):
        return None
    return level
