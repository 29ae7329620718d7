"""Tells queues what happens: one look-up, and only what somebody has subscribed to is made into a message.

contract/messages.md. A message goes into the `Entry` of what it tells of (`Push`), or into the messages of a
`Ledger.commit`. A body that breaks the schema is logged and counted, not queued: it would stop real consumers for good.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from mooring.store.queue_messages import MessageRow

from .directory import Directory
from .message_bodies import Json
from .message_codes import CODE_OF, SAAS_DEVICE
from .message_schema import fault_of
from .routes import Queues, Targets
from .sources import Clock, Ids

if TYPE_CHECKING:
    from .entities import Device
    from .ledger import Actor

__all__ = ["Announcer", "Keyed", "Push", "Subject"]

Push = Callable[[MessageRow], None]
"""Where messages go: `Entry.push`, or `append` of a list."""

_DEVICE, _BIND = "META_EVENT-DEVICE", "ENDUSER-USER-BIND"
_A_PERSON = 1  # operatorType

_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger()


class Keyed(Protocol):
    """A device as messages name it."""

    @property
    def product_id(self) -> int:
        """Whose keys are known to the directory."""

    @property
    def device_key(self) -> str:
        """The DeviceKey."""


class Subject(Keyed, Protocol):
    """A device that a message is about."""

    @property
    def id(self) -> int:
        """Its number."""


class Announcer:
    """Makes messages of a `kind`, `TYPE` or `TYPE-SUBTYPE`.

    `data` is what stands in the body's `data`, `ticket` the id of what happened, `gateway` the one that a sub-device
    hangs on. `invalid` counts what broke the schema, by kind. Queues that are `closed` get nothing (`push_quota`).
    """

    def __init__(self, directory: Directory, clock: Clock, ids: Ids) -> None:
        self._directory = directory
        self._clock = clock
        self._ids = ids
        self.invalid: Counter[str] = Counter()
        self.closed: frozenset[int] = frozenset()

    def targets(self, product_id: int) -> Targets | None:
        """Where messages about a product's devices go; None when nowhere, and then nothing need be put together."""
        return self._directory.routes.of_product(product_id)

    def device(
        self, push: Push, subject: Subject, kind: str, data: Json, *, ticket: int, gateway: Keyed | None = None
    ) -> None:
        """A message about a device."""
        targets = self.targets(subject.product_id)
        if targets is not None:
            self.tell(push, targets, subject, kind, data, ticket=ticket, gateway=gateway)

    def tell(
        self,
        push: Push,
        targets: Targets,
        subject: Subject,
        kind: str,
        data: Json,
        *,
        ticket: int,
        gateway: Keyed | None = None,
    ) -> None:
        """As `device`, for somebody who has looked up the targets already."""
        queues = targets.queues(subject.id, CODE_OF[kind])
        if queues:
            self._push_device(push, queues, subject, kind, data, ticket, gateway)

    def device_changed(
        self, push: Push, subject: Subject, operation: str, data: Json | None, *, gateway: Keyed | None = None
    ) -> None:
        """META_EVENT/DEVICE, which is code 15 for the product and 102 for the application that holds it: one copy for
        each queue (section 5)."""
        product = self._directory.product(subject.product_id)
        if product is None:
            return
        targets = self.targets(product.id)
        queues = targets.queues(subject.id, CODE_OF[_DEVICE]) if targets is not None else ()
        of_app = self._directory.routes.of_app(product.app_id, SAAS_DEVICE) if product.app_id else ()
        every = tuple(dict.fromkeys((*queues, *of_app)))
        if every:
            ticket = self._ids.next()
            self._push_device(push, every, subject, _DEVICE, data, ticket, gateway, {"operation": operation})

    def bound(self, push: Push, device: "Device", data: Json) -> None:
        """ENDUSER/USER-BIND, about a device and a user."""
        targets = self.targets(device.product_id)
        queues = targets.queues(device.id, CODE_OF[_BIND]) if targets is not None else ()
        if queues:
            name = {"deviceName": device.name}
            self._push_device(push, queues, device, _BIND, data, self._ids.next(), None, name)

    def app(
        self,
        push: Push,
        app_id: int,
        kind: str,
        data: Json,
        *,
        operation: str,
        actor: "Actor",
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """A message at the level of an application, of what `actor` did; `extra` are members of the top level."""
        queues = self._directory.routes.of_app(app_id, CODE_OF[kind])
        if queues:
            head = {"operation": operation, **(extra or {}), **self._operator(actor)}
            self._push(push, queues, kind, head, data, self._ids.next())

    def domain(self, push: Push, user_domain: str, kind: str, data: Json) -> None:
        """A message about an end user of a domain."""
        queues = self._directory.routes.of_domain(user_domain, CODE_OF[kind])
        if queues:
            self._push(push, queues, kind, {}, data, self._ids.next())

    def _operator(self, actor: "Actor") -> Mapping[str, object]:
        for person in self._directory.administrators():
            if person.account_id == actor.account_id and person.email == actor.name:
                return {"operator": person.id, "operatorType": _A_PERSON}
        return {}

    def _push_device(
        self,
        push: Push,
        queues: Queues,
        subject: Subject,
        kind: str,
        data: Json | None,
        ticket: int,
        gateway: Keyed | None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        head = self._keys(subject)
        if head is None:
            return
        if gateway is not None:
            keys = self._keys(gateway)
            if keys is not None:
                head["gateway"] = keys
        if extra is not None:
            head.update(extra)
        self._push(push, queues, kind, head, data, ticket)

    def _keys(self, keyed: Keyed) -> dict[str, object] | None:
        product = self._directory.product(keyed.product_id)
        return None if product is None else {"productKey": product.product_key, "deviceKey": keyed.device_key}

    def _push(self, push: Push, queues: Queues, kind: str, head: Json, data: Json | None, ticket: int) -> None:
        if self.closed:
            queues = tuple(queue_id for queue_id in queues if queue_id not in self.closed)
            if not queues:
                return
        now = self._clock.now_ms()
        type_name, _, subtype = kind.partition("-")
        body: dict[str, object] = {"type": type_name, "createdAt": now, "ticket": str(ticket), **head, "data": data}
        if subtype:
            body["subtype"] = subtype
        try:
            fault = fault_of(kind, body)
            encoded = b"" if fault else _encode(body)
        except Exception as error:  # what happened must not fail because it cannot be told
            fault = f"body is no JSON: {type(error).__name__}"
        if fault is not None:
            self.invalid[kind] += 1
            _log.error("a message breaks its schema and is not queued", kind=kind, fault=fault)
            return
        for queue_id in queues:
            push(MessageRow(self._ids.next(), queue_id, kind, str(ticket), encoded, now))
