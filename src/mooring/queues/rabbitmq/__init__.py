"""RabbitMQ as the engine of message queues: publishing, its management API, and what it asks about customers.

`RabbitMq` is the `Broker` of `mooring.platform`; `AuthDoor` answers RabbitMQ's HTTP auth back end.
"""

from .address import Address, AddressError
from .auth import AuthDoor
from .broker import RabbitMq
from .metrics import ForwarderMetrics

__all__ = ["Address", "AddressError", "AuthDoor", "ForwarderMetrics", "RabbitMq"]
