"""What calls return: rows of the platform as typed values.

Members keep the meaning of contract/openapi.yaml; None means that the platform did not say, and `raw` has the whole
row as it came, unknown members included. Times are epoch milliseconds as received, with a property beside them that
gives an aware datetime.
"""

from mooring.client.types.common import Moment, Token, moment
from mooring.client.types.data import DataRecord, EventRecord, SendResult
from mooring.client.types.devices import Device, DeviceResource, Gateway, Location, SubDevice
from mooring.client.types.products import Product
from mooring.client.types.queues import Queue, QueueDetail, SubscriptionDetail, SubscriptionRow
from mooring.client.types.thing_models import ThingEvent, ThingModel, ThingParameter, ThingProperty, ThingService
from mooring.client.types.users import BoundDevice, BoundUser, EndUser, UserDomain

__all__ = [
    "BoundDevice",
    "BoundUser",
    "DataRecord",
    "Device",
    "DeviceResource",
    "EndUser",
    "EventRecord",
    "Gateway",
    "Location",
    "Moment",
    "Product",
    "Queue",
    "QueueDetail",
    "SendResult",
    "SubDevice",
    "SubscriptionDetail",
    "SubscriptionRow",
    "ThingEvent",
    "ThingModel",
    "ThingParameter",
    "ThingProperty",
    "ThingService",
    "Token",
    "UserDomain",
    "moment",
]
