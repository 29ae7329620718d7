"""Subscriptions to queues, for awaiting and for blocking code: what a cloud tells, as it happens
(contract/messages.md).
"""

from mooring.client._amqp import (
    UNSAID,
    Address,
    AsyncDeadLetter,
    AsyncDelivery,
    AsyncHandler,
    AsyncSubscription,
    amqp_address,
)
from mooring.client._blocking import DeadLetter, Delivery, Handler, Subscription

__all__ = [
    "UNSAID",
    "Address",
    "AsyncDeadLetter",
    "AsyncDelivery",
    "AsyncHandler",
    "AsyncSubscription",
    "DeadLetter",
    "Delivery",
    "Handler",
    "Subscription",
    "amqp_address",
]
