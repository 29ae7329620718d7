# Made of _async/queues.py by tools/generate_sync.py; change that.
"""Message queues, and the subscriptions that fill them."""

from collections.abc import Sequence

from mooring.client import _operations as operations
from mooring.client._sync.paging import PageList
from mooring.client._sync.service import Service
from mooring.client.types import Queue, QueueDetail, SubscriptionDetail, SubscriptionRow

_PRODUCT, _DEVICE = 1, 2


class Queues(Service):
    """Queues of the account. Contract: prefix `quecrule`, contract/messages.md."""

    def list(
        self, *, queue_name: str | None = None, status: int | None = None, page_size: int = 100
    ) -> PageList[Queue]:
        """Return the queues; `status` is 0 not in use, 1 in use, 2 suspended; `page_size` is 1 to 100."""
        return self._pages(operations.QUEUE_LIST, {"queueName": queue_name, "status": status}, page_size)

    def detail(self, queue_id: int) -> QueueDetail:
        """Return a queue with what waits in it, and the address to consume it at."""
        return self._run(operations.QUEUE_DETAIL({"queueId": queue_id}))

    def create(self, queue_name: str, *, description: str | None = None) -> Queue:
        """Create a queue: 1 to 64 letters, digits, `_` and `-`. The answer has its full name, `a.{owner}.{name}`."""
        return self._run(operations.QUEUE_CREATE(body={"queueName": queue_name, "queueDesc": description}))

    def clear(self, queue_id: int) -> None:
        """Drop what waits in a queue."""
        self._run(operations.QUEUE_CLEAR({"queueId": queue_id}))

    def delete(self, queue_id: int) -> None:
        """Delete a queue. Raises `Conflict` while it has a subscription."""
        self._run(operations.QUEUE_DELETE({"queueId": queue_id}))


class Subscriptions(Service):
    """Which messages go to which queue. Contract: prefix `quecrule`, contract/messages.md.

    The creations return the id of the subscription, which is stopped until `start`. Message types are the numbers of
    the contract; a running subscription can neither change nor go (`Conflict`).
    """

    def list(
        self,
        *,
        queue_name: str | None = None,
        subscribe_name: str | None = None,
        status: int | None = None,
        page_size: int = 100,
    ) -> PageList[SubscriptionRow]:
        """Return the subscriptions; `status` is 0 stopped, 1 running; `page_size` is 1 to 100."""
        members = {"queueName": queue_name, "subscribeName": subscribe_name, "status": status}
        return self._pages(operations.SUBSCRIBE_LIST, members, page_size)

    def detail(self, subscribe_id: int) -> SubscriptionDetail:
        """Return one subscription."""
        return self._run(operations.SUBSCRIBE_DETAIL({"subscribeId": subscribe_id}))

    def create_for_product(self, name: str, queue_name: str, product_key: str, msg_types: Sequence[int]) -> int:
        """Subscribe to all devices of a product, types 1 to 16."""
        return self._create(name, queue_name, product_key, None, msg_types)

    def create_for_device(
        self, name: str, queue_name: str, product_key: str, device_key: str, msg_types: Sequence[int]
    ) -> int:
        """Subscribe to one device, types 1 to 16."""
        return self._create(name, queue_name, product_key, device_key, msg_types)

    def create_for_app(self, name: str, queue_name: str, msg_types: Sequence[int]) -> int:
        """Subscribe to changes of the application's products, devices and models, types 101 to 105."""
        body = {"subscribeName": name, "queueName": queue_name, "msgTypes": list(msg_types)}
        return self._run(operations.SUBSCRIBE_SAAS(body=body))

    def create_for_domain(
        self, name: str, queue_name: str, end_user_domain: str, msg_types: Sequence[int] = (201,)
    ) -> int:
        """Subscribe to changes of the end users of a domain, type 201."""
        body = {
            "subscribeName": name,
            "queueName": queue_name,
            "endUserDomain": end_user_domain,
            "msgTypes": list(msg_types),
        }
        return self._run(operations.SUBSCRIBE_ENDUSER(body=body))

    def update(
        self,
        subscribe_id: int,
        *,
        name: str | None = None,
        queue_name: str | None = None,
        msg_types: Sequence[int] | None = None,
    ) -> None:
        """Change a stopped subscription; what is None stays."""
        body = {
            "subscribeId": subscribe_id,
            "subscribeName": name,
            "queueName": queue_name,
            "msgTypes": None if msg_types is None else list(msg_types),
        }
        self._run(operations.SUBSCRIBE_UPDATE(body=body))

    def start(self, subscribe_id: int) -> None:
        """Start a subscription. Raises `Conflict` when it runs."""
        self._run(operations.SUBSCRIBE_START({"subscribeId": subscribe_id}))

    def stop(self, subscribe_id: int) -> None:
        """Stop a subscription. Raises `Conflict` when it does not run."""
        self._run(operations.SUBSCRIBE_STOP({"subscribeId": subscribe_id}))

    def delete(self, subscribe_id: int) -> None:
        """Delete a stopped subscription."""
        self._run(operations.SUBSCRIBE_DELETE({"subscribeId": subscribe_id}))

    def _create(
        self, name: str, queue_name: str, product_key: str, device_key: str | None, msg_types: Sequence[int]
    ) -> int:
        body = {
            "subscribeName": name,
            "queueName": queue_name,
            "dataLevel": _PRODUCT if device_key is None else _DEVICE,
            "productKey": product_key,
            "deviceKey": device_key,
            "msgTypes": list(msg_types),
        }
        return self._run(operations.SUBSCRIBE_CREATE(body=body))
