"""The AMQP door: customers take what waits in their queues (contract/messages.md sections 6 and 9).

A thin shell around `mooring.protocol.amqp`: it moves bytes, asks the platform who may consume what, and carries
messages and acknowledgements between `platform.message_queues` and the connections.
"""

from .connection import QueueConnection
from .endpoint import Endpoint, EndpointLimits
from .metrics import EndpointMetrics

__all__ = ["Endpoint", "EndpointLimits", "EndpointMetrics", "QueueConnection"]
