"""What the cloud does. No HTTP, MQTT, AMQP or SQL text in this room: doors above translate, the store below keeps.

`Platform` holds one service object for each part; `Platform.open` builds them over a store and reads the directory.
"""

from .access import Access, Reason, Refused
from .directory import Directory
from .errors import Conflict, Denied, Invalid, LimitReached, Missing, PlatformError
from .ledger import Actor
from .platform import Limits, Platform
from .roles import Role
from .secret import Secret
from .sources import Clock, Entropy, SystemClock, SystemEntropy

__all__ = [
    "Access",
    "Actor",
    "Clock",
    "Conflict",
    "Denied",
    "Directory",
    "Entropy",
    "Invalid",
    "LimitReached",
    "Limits",
    "Missing",
    "Platform",
    "PlatformError",
    "Reason",
    "Refused",
    "Role",
    "Secret",
    "SystemClock",
    "SystemEntropy",
]
