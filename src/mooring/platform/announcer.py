"""Tells queues what happens: one look-up, and only what somebody has subscribed to is made into a message.

contract/messages.md. A message goes into the `Entry` of what it tells of (`Push`), or into the list of messages of a
`Ledger.commit`. A body that breaks the schema is logged and not queued: it would stop real consumers for good.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
import structlog

from mooring.store.queue_messages import MessageRow

from .directory import Directory
from .entities import Device
from .message_bodies import Json
from .message_codes import MessageCode
from .message_schema import fault_of
from .routes import Queues, Targets
from .sources import Clock, Ids

__all__ = ["Announcer", "Carriers", "Push"]

Push = Callable[[MessageRow], None]
"""Where messages go: `Entry.push`, or `append` of a list."""

_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger()


class Carriers(Protocol):
    """What messages about sub-devices need to know."""

    def gateway_keys(self, device_id: int, /) -> tuple[str, str] | None:
        """ProductKey and DeviceKey of the gateway that a sub-device hangs on now; None for any other device."""


class Announcer:
    """Makes messages. `data` is what stands in the body's `data`; `ticket` is the id of what happened."""

    def __init__(self, directory: Directory, clock: Clock, ids: Ids, carriers: Carriers | None = None) -> None:
        self._directory = directory
        self._clock = clock
        self._ids = ids
        self.carriers = carriers

    def targets(self, product_id: int) -> Targets | None:
        """Where messages about a product's devices go; None when nowhere, and then nothing need be put together."""
        return self._directory.routes.of_product(product_id)

    def device(
        self,
        push: Push,
        device: Device,
        code: int,
        kind: str,
        data: Json | None,
        *,
        ticket: int,
        operation: str | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """A message about a device: `kind` is TYPE or TYPE-SUBTYPE, `extra` holds further members of the top level."""
        targets = self.targets(device.product_id)
        queues = targets.queues(device.id, code) if targets is not None else ()
        if queues:
            self._push_device(push, queues, device, kind, data, str(ticket), operation, extra or {})

    def device_changed(self, push: Push, device: Device, operation: str, data: Json | None, *, ticket: int) -> None:
        """META_EVENT/DEVICE, which is code 15 for the product and 102 for the application that holds it: one copy for
        each queue (section 5)."""
        product = self._directory.product(device.product_id)
        if product is None:
            return
        targets = self.targets(product.id)
        queues = targets.queues(device.id, MessageCode.DEVICE) if targets is not None else ()
        of_app = self._directory.routes.of_app(product.app_id, MessageCode.SAAS_DEVICE) if product.app_id else ()
        every = tuple(dict.fromkeys((*queues, *of_app)))
        if every:
            self._push_device(push, every, device, "META_EVENT-DEVICE", data, str(ticket), operation, {})

    def _push_device(
        self,
        push: Push,
        queues: Queues,
        device: Device,
        kind: str,
        data: Json | None,
        ticket: str,
        operation: str | None,
        extra: Mapping[str, object],
    ) -> None:
        product = self._directory.product(device.product_id)
        if product is None:
            return
        head: dict[str, object] = {"productKey": product.product_key, "deviceKey": device.device_key}
        if operation is not None:
            head["operation"] = operation
        gateway = self.carriers.gateway_keys(device.id) if self.carriers is not None else None
        if gateway is not None:
            head["gateway"] = {"productKey": gateway[0], "deviceKey": gateway[1]}
        self._push(push, queues, kind, {**head, **extra}, data, ticket)

    def app(
        self,
        push: Push,
        app_id: int,
        code: int,
        kind: str,
        data: Json | None,
        *,
        operation: str,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """A message at the level of an application."""
        queues = self._directory.routes.of_app(app_id, code)
        if queues:
            head = {"operation": operation, **(extra or {})}
            self._push(push, queues, kind, head, data, str(self._ids.next()))

    def domain(self, push: Push, user_domain: str, code: int, kind: str, data: Json) -> None:
        """A message about an end user of a domain."""
        queues = self._directory.routes.of_domain(user_domain, code)
        if queues:
            self._push(push, queues, kind, {}, data, str(self._ids.next()))

    def _push(self, push: Push, queues: Queues, kind: str, head: Json, data: Json | None, ticket: str) -> None:
        now = self._clock.now_ms()
        type_name, _, subtype = kind.partition("-")
        body: dict[str, object] = {"type": type_name, "createdAt": now, "ticket": ticket, **head, "data": data}
        if subtype:
            body["subtype"] = subtype
        fault = fault_of(kind, body)
        if fault is not None:
            _log.error("a message breaks its schema and is not queued", kind=kind, fault=fault)
            return
        encoded = _encode(body)
        for queue_id in queues:
            push(MessageRow(self._ids.next(), queue_id, kind, ticket, encoded, now))
